"""Fields and validators. They ask `domain/` and keep what the user typed; nothing here writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Any

import filetype
import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask import url_for
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.validators import PasswordComplexityValidator
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from sqlalchemy import inspect, select
from stdnum.co import nit
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    Field,
    FieldList,
    FileField,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    MultipleFileField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, NumberRange, Regexp, StopValidation, ValidationError
from wtforms.validators import Optional as Empty
from wtforms.widgets import CheckboxInput, ListWidget

from app.domain import N_
from app.domain.appeals import AppealedAct
from app.domain.calendar import WEEKDAYS
from app.domain.deadlines import Regime, TermAct
from app.domain.errors import DomainError
from app.domain.states import AppealKind, DayException, DocumentType, Identity, Outcome, RequirementKind
from app.extensions import db
from app.lookups import NumberField, lookup
from app.models import LegalTerm, Party, Process
from app.operations.answers import check_template
from app.operations.coverage import MAX_ASKED, MAX_POINTS, MAX_REPLY
from app.operations.files import CheckedFile, check_number, check_upload
from app.operations.pqr import MAX_BODY
from app.words import say, say_day, tidy


def choices_of(enum: type[Enum]) -> list[tuple[str, object]]:
    """Return (stored name, what people read) of each member."""
    return [(member.name, _l(member.value)) for member in enum]


def maybe_int(value: object) -> int | None:
    """Return the id a choice carries, or None for the empty choice."""
    return int(str(value)) if value not in (None, "", "None") else None


# ── Catalogues and parties ────────────────────────────────────────────────────────────────────────────────────────────────

N_LOGO_BYTES = 300 * 1024
LOGO_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG"}
#: Letters, digits and how many of them an identity document has; NIT is checked by its digit.
DOCUMENT_SHAPES = {
    DocumentType.CC: (r"\d{3,10}", N_("A citizenship card has 3 to 10 digits, without dots.")),
    DocumentType.TI: (r"\d{10,11}", N_("An identity card of minors has 10 or 11 digits.")),
    DocumentType.CE: (r"[0-9A-Z]{3,12}", N_("A foreigner card has up to 12 digits or letters.")),
    DocumentType.PPT: (r"\d{5,15}", N_("A temporary protection permit has 5 to 15 digits.")),
    DocumentType.PASSPORT: (r"[0-9A-Z]{4,20}", N_("A passport number has 4 to 20 digits and letters.")),
}


def check_nit(text: str, field: str = "nit") -> str:
    """
    Return the digits of the NIT in *text*, the check digit last.

    Raises:
        DomainError: It has the wrong length, or its check digit is another; the text says which digit was expected.
    """
    digits = nit.compact(text)
    if not digits.isdigit() or not 9 <= len(digits) <= 11:
        raise DomainError(N_("Write the whole NIT with its check digit: 9 to 11 digits, as in 900.123.456-8."), field=field)
    expected = nit.calc_check_digit(digits[:-1])
    if expected != digits[-1]:
        raise DomainError(
            N_(
                "The check digit of this NIT does not fit: %(given)s was written and %(number)s needs %(expected)s. "
                "If the check digit is missing, the whole NIT is %(whole)s."
            ),
            field=field,
            given=digits[-1],
            number=digits[:-1],
            expected=expected,
            whole=f"{digits}-{nit.calc_check_digit(digits)}",
        )
    return digits


def check_document(kind: DocumentType | None, text: str | None, field: str = "document_number") -> str | None:
    """
    Return the number of an identity document as it is stored: no dots, spaces or dashes, letters in capitals, NIT with its digit.

    Raises:
        DomainError: It has no type, no number, or not the shape of its type.
    """
    number = re.sub(r"[\s.\-]", "", text or "").upper()
    if not number and kind is None:
        return None
    if kind is None:
        raise DomainError(N_("Choose the type of this document."), field="document_type")
    if not number:
        raise DomainError(N_("Write the number of the document, or leave its type empty."), field=field)
    if kind is DocumentType.NIT:
        return check_nit(number, field)
    shape, msgid = DOCUMENT_SHAPES[kind]
    if not re.fullmatch(shape, number):
        raise DomainError(msgid, field=field)
    return number


def check_phone(text: str, field: str = "phone") -> str:
    """Return the phone number in *text* as E.164; a number without country is Colombian. Raises DomainError."""
    try:
        number = phonenumbers.parse(text, "CO")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise DomainError(
            N_("This is no phone number. A mobile has ten digits (300 123 4567); a landline has its area code too (601 555 1234)."),
            field=field,
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_email(text: str, field: str = "email") -> str:
    """Return the e-mail address in *text* in its usual spelling. Raises DomainError; asks no server."""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise DomainError(N_("This is no e-mail address. It looks like name@example.com."), field=field) from error


class Checked:
    """A validator that lets a function of this chapter judge a text and stores what it returns; empty text passes."""

    def __init__(self, check: Callable[..., str]) -> None:
        self.check = check

    def __call__(self, form: Form, field: Field) -> None:
        if field.data:
            try:
                field.data = self.check(field.data, field.name)
            except DomainError as error:
                raise StopValidation(say(error)) from error


class DocumentNumber:
    """Validator of `document_number` beside `document_type`: shape, check digit, and that no other party has it."""

    def __call__(self, form: Form, field: Field) -> None:
        try:
            field.data = check_document(form["document_type"].data, field.data)
        except DomainError as error:
            raise StopValidation(say(error)) from error
        if not field.data:
            return
        statement = select(Party.id, Party.name).filter_by(document_type=form["document_type"].data, document_number=field.data)
        twin = db.session.execute(statement).first()
        if twin and twin.id != getattr(form, "_id", None):
            link = Markup('<a href="{}">{}</a>').format(url_for("PartyView.show", pk=twin.id), twin.name)
            raise StopValidation(escape(_("This document is already registered:")) + " " + link)


class NotTaken:
    """Validator of a unique column. Inside an edit form, the row itself (`form._id`) does not count."""

    def __init__(self, model: Any, column: str) -> None:
        self.model, self.column = model, column

    def __call__(self, form: Form, field: Field) -> None:
        key = inspect(self.model).primary_key[0]
        twin = db.session.scalar(select(key).where(getattr(self.model, self.column) == field.data).limit(1)) if field.data else None
        if twin is not None and twin != getattr(form, "_id", None):
            raise StopValidation(_("Another row already has this value."))


class NotTakenWith:
    """Validator of a column that is unique together with others of the form."""

    def __init__(self, model: Any, column: str, *others: str) -> None:
        self.model, self.column, self.others = model, column, others

    def __call__(self, form: Form, field: Field) -> None:
        values = {name: form[name].data for name in (self.column, *self.others)}
        if any(value is None for value in values.values()):
            return  # each field says by itself what it lacks
        conditions = [getattr(self.model, name) == value for name, value in values.items()]
        twin = db.session.scalar(select(inspect(self.model).primary_key[0]).where(*conditions).limit(1))
        if twin is not None and twin != getattr(form, "_id", None):
            labels = ", ".join(str(form[name].label.text) for name in values)
            raise StopValidation(_("Another row already has the same: %(columns)s.", columns=labels))


class NotBefore:
    """Validator of a date that may not be earlier than another date of the form."""

    def __init__(self, other: str) -> None:
        self.other = other

    def __call__(self, form: Form, field: Field) -> None:
        start = form[self.other].data
        if field.data and start and field.data < start:
            raise StopValidation(_("This is before “%(other)s”.", other=form[self.other].label.text))


class LogoField(FileField):
    """The logo of the organisation: an empty field keeps the stored one; `data` is its bytes."""

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        self.stored = data if isinstance(data, bytes) else None
        super().process(formdata, None, extra_filters)

    def pre_validate(self, form: Form) -> None:
        upload = self.data
        self.data = self.stored
        if upload is None or not getattr(upload, "filename", ""):
            return
        content = upload.read(N_LOGO_BYTES + 1)
        if len(content) > N_LOGO_BYTES:
            raise StopValidation(_("The logo is larger than 300 KB. Save it smaller and choose it again."))
        kind = filetype.guess_mime(content)
        if kind not in LOGO_TYPES:
            raise StopValidation(_("The logo has to be a PNG or JPEG picture; this file is something else."))
        self.data = content


class TemplateFields:
    """Validator of the text of an answer template: whoever writes it hears of a wrong {field}, not whoever uses it."""

    def __call__(self, form: Form, field: Field) -> None:
        try:
            check_template(field.data or "")
        except DomainError as error:
            raise StopValidation(say(error)) from error


class FrontDesk:
    """Validator of `is_front_desk`: only an active process can be one, and the only one stays until another takes over."""

    def __call__(self, form: Form, field: Field) -> None:
        if field.data and not form["is_active"].data:
            raise StopValidation(_("The front desk has to be an active process."))
        here = db.session.scalar(select(Process.is_front_desk).where(Process.id == getattr(form, "_id", None)))
        if here and not field.data:
            raise StopValidation(
                _("Every case starts at the front desk. Mark another process as the front desk, and this one stops being it.")
            )


class NamesItsType:
    """Validator of the request type of a term: a term to answer says of which type (constraint of `legal_term`)."""

    def __call__(self, form: Form, field: Field) -> None:
        if form["act"].data is TermAct.ANSWER and not field.data:
            raise StopValidation(_("A term to answer names its request type."))


class NoOverlap:
    """Validator of `valid_from`: no other term answers the same question on the same day, or a filing would have two."""

    def __call__(self, form: Form, field: Field) -> None:
        if field.data is None:
            return
        until = form["valid_until"].data or date.max
        question = {name: form[name].data or None for name in ("regime", "act", "request_type")}
        same = select(LegalTerm).filter_by(**question)
        for term in db.session.scalars(same.where(LegalTerm.id != getattr(form, "_id", 0))):
            if term.valid_from <= until and field.data <= (term.valid_until or date.max):
                raise StopValidation(
                    _("From %(start)s on there is already a term of %(value)s %(unit)s for this (%(norm)s). End its validity first.",
                      start=say_day(term.valid_from), value=term.value, unit=_(term.unit.value), norm=term.norm)
                )  # fmt: skip


# ── The citizen's forms ───────────────────────────────────────────────────────────────────────────────────────────────────


def in_capitals(code: str | None) -> str:
    return (code or "").strip().upper()


class UpTo:
    """Validator of length that says how long the text is. Unlike `Length` it sets no `maxlength`: browsers cut pasted text in silence."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, form: Form, field: Field) -> None:
        n = len(field.data or "")
        if n > self.most:
            raise ValidationError(
                _("The text has %(n)s characters and up to %(most)s fit: %(over)s too many. Shorten it, or attach the rest as a file.",
                  n=n, most=self.most, over=n - self.most)
            )  # fmt: skip


class WithName:
    """
    Validator of a field that every request but an anonymous one needs. An anonymous request keeps nothing of it.

    The flag tells the template that it is no optional field; the browser does not insist, for it does not know the identity.
    """

    field_flags = {"required": True}

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if form["identity"].data == Identity.ANONYMOUS.name:
            raise StopValidation
        if not field.data:
            raise StopValidation(str(self.message))


class Reachable:
    """
    Validator of e-mail and address. One of the two is needed, and the e-mail if notices go there; then the other checks run.

    An anonymous request keeps nothing of them.
    """

    field_flags = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        if form["identity"].data == Identity.ANONYMOUS.name:
            raise StopValidation
        if field.name == "email" and form["is_e_notice"].data and not field.data:
            raise StopValidation(_("To be notified by e-mail, write the e-mail address."))
        if field.name == "address" and not field.data and not form["email"].data:
            raise StopValidation(_("Write an e-mail or an address: the answer has to reach you somewhere."))
        if not field.data:
            raise StopValidation


class UnlessAnonymous:
    """Validator that skips the rest for an anonymous request, which keeps nothing of the field."""

    def __call__(self, form: Form, field: Field) -> None:
        if form["identity"].data == Identity.ANONYMOUS.name or not field.data:
            raise StopValidation


class OneOf:
    """Validator of a group of radio buttons: something was chosen, and it is one of those offered."""

    field_flags = {"required": True}

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if field.data not in {value for value, *_label in field.choices}:
            raise StopValidation(str(self.message))


class CitizenDocument:
    """Validator of `document_number` beside `document_type`; unlike that of the catalogues it tells nobody who else has it."""

    def __call__(self, form: Form, field: Field) -> None:
        kind = form["document_type"].data
        try:
            field.data = check_document(DocumentType[kind] if kind in DocumentType.__members__ else None, field.data)
        except DomainError as error:
            raise ValidationError(say(error)) from error


IDENTITY_HELP = {
    Identity.NAMED: N_("The company knows who you are and notifies you the answer."),
    Identity.RESERVED: N_("You write your name, but the area that studies your request does not see it."),
    Identity.ANONYMOUS: N_("We do not ask who you are. Nobody can notify you: you look for the answer here, with your number and key."),
}


class FilingForm(FlaskForm):
    """What a citizen writes. The page gives the choices; the portal checks the account and the signed `ticket` of the page."""

    ticket = HiddenField()
    website = StringField(_l("Leave this empty"))  # a trap: people do not see it
    request_type = RadioField(_l("What is it about?"), validate_choice=False, validators=[OneOf(_l("Choose what your request is about."))])
    body = TextAreaField(
        _l("Tell us in your own words"),
        filters=[tidy],
        validators=[DataRequired(_l("Tell us what happened or what you need.")), UpTo(MAX_BODY)],
    )
    account_number = StringField(_l("Account number"), filters=[tidy], validators=[Empty(), UpTo(30)])
    service = SelectField(_l("Service"), coerce=maybe_int, validators=[Empty()])
    files = MultipleFileField(_l("Attach files"))
    identity = RadioField(
        _l("How do you want to appear?"),
        choices=choices_of(Identity),
        default=Identity.NAMED.name,
        validate_choice=False,
        validators=[OneOf(_l("Choose how you want to appear."))],
    )
    name = StringField(_l("Full name, or name of the company"), filters=[tidy], validators=[WithName(_l("Write your name.")), UpTo(160)])
    document_type = SelectField(
        _l("Identity document"),
        choices=[("", "—"), *choices_of(DocumentType)],
        validate_choice=False,
        validators=[WithName(_l("Choose the type of your document."))],
    )
    document_number = StringField(
        _l("Document number"), filters=[tidy], validators=[WithName(_l("Write the number of your document.")), CitizenDocument()]
    )
    email = StringField(_l("E-mail"), filters=[tidy], validators=[Reachable(), UpTo(254), Checked(check_email)])
    phone = StringField(_l("Phone"), filters=[tidy], validators=[UnlessAnonymous(), UpTo(30), Checked(check_phone)])
    address = StringField(_l("Address and municipality"), filters=[tidy], validators=[Reachable(), UpTo(200)])
    is_e_notice = BooleanField(_l("I accept to be notified of the answer by e-mail"))
    accepts_data = BooleanField(_l("I authorise the use of my personal data for this request"))
    accepts_survey = BooleanField(_l("You may contact me to ask how satisfied I was"))

    checked_files: list[CheckedFile] = []

    @property
    def is_anonymous(self) -> bool:
        return self.identity.data == Identity.ANONYMOUS.name

    def validate_files(self, field: Field) -> None:
        """Judge every file, and say of each why it is refused."""
        parts, refusals = [part for part in field.data or () if getattr(part, "filename", "")], []
        self.checked_files = []
        try:
            check_number(len(parts))
        except DomainError as error:
            raise ValidationError(say(error)) from error
        for part in parts:
            try:
                self.checked_files.append(check_upload(part.filename, part.stream))
            except DomainError as error:
                refusals.append(say(error))
        if refusals:
            raise ValidationError(" ".join(refusals))

    def validate_is_e_notice(self, field: Field) -> None:
        if field.data and self.is_anonymous:
            raise ValidationError(_("An anonymous request cannot be notified by e-mail. Choose “Reserved identity”, or untick this."))


class AppealForm(FlaskForm):
    """What a citizen writes against an answer; who it is, and the answer, are those of the case that number and key opened."""

    ticket = HiddenField()
    kind = RadioField(
        _l("What do you ask for?"),
        choices=choices_of(AppealKind),
        validate_choice=False,
        validators=[OneOf(_l("Choose what you ask for."))],
    )
    text = TextAreaField(
        _l("Why you do not agree"),
        filters=[tidy],
        validators=[DataRequired(_l("Write why you do not agree.")), UpTo(MAX_BODY)],
    )
    files = MultipleFileField(_l("Attach files"))
    accepts_data = BooleanField(_l("I authorise the use of my personal data for this request"))

    checked_files: list[CheckedFile] = []

    validate_files = FilingForm.validate_files


class LookupForm(FlaskForm):
    """The two things that open a case to a citizen."""

    number = StringField(_l("Number of your request"), filters=[tidy], validators=[DataRequired(_l("Write the number: PQR-2026-000123."))])
    key = StringField(_l("Key"), filters=[tidy], validators=[DataRequired(_l("Write the key: four groups of four letters and digits."))])


class CheckForm(Form):
    """What a document carries on itself, so that anybody may ask whether it is ours. It only asks, so it is a GET without a token."""

    number = StringField(
        _l("Number of the document"), filters=[tidy],
        validators=[DataRequired(_l("Write the number: RES-2026-000045.")), Length(max=24, message=_l("Up to %(max)d characters fit."))],
    )  # fmt: skip
    fingerprint = StringField(
        _l("Start of the fingerprint"), filters=[tidy],
        description=_l("The first 8 letters and digits of the SHA-256, at the foot of the page."),
        validators=[
            DataRequired(_l("Write the first 8 letters and digits of the fingerprint.")),
            Regexp(r"^[0-9A-Fa-f]{8,64}$", message=_l("The fingerprint has digits and the letters a to f: write its first 8.")),
        ],
    )  # fmt: skip


class CheckFileForm(FlaskForm):
    """The PDF whose bytes are compared with those that were issued."""

    file = FileField(_l("The PDF as you received it"), validators=[InputRequired(_l("Choose the file."))])


class PressForm(FlaskForm):
    """A button with its CSRF token, and the signed permission to press it."""

    ticket = HiddenField()


class LenientDateField(DateField):
    """A date, as browsers send it or as people write it; what is no date stays in the field as it was typed."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, format=["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"], **options)

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = " ".join(valuelist).strip()
        try:
            super().process_formdata([typed] if typed else [])
        except ValueError:
            raise ValueError(_("“%(typed)s” is no date that exists. Write it like 10/07/2026.", typed=typed[:40])) from None


class LenientTimeField(TimeField):
    """An hour of the day, with or without seconds."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, format=["%H:%M", "%H:%M:%S"], **options)

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = " ".join(valuelist).strip()
        try:
            super().process_formdata([typed] if typed else [])
        except ValueError:
            raise ValueError(_("“%(typed)s” is no hour. Write it from 00:00 to 23:59.", typed=typed[:40])) from None


class CalculatorForm(FlaskForm):
    """A question to the clock. It changes nothing, so it is a GET that can be linked to, without token and without cookie."""

    class Meta:
        csrf = False

    regime = SelectField(
        _l("Law that applies"),
        choices=[("", _l("The usual one for that kind of request")), *choices_of(Regime)],
        default="",
        filters=[in_capitals],
    )
    type = SelectField(_l("Kind of request"), filters=[in_capitals], validators=[InputRequired(_l("Choose the kind of request."))])
    filed = LenientDateField(_l("Date of filing"), validators=[InputRequired(_l("Write the date on which it was filed."))])
    time = LenientTimeField(_l("Hour of filing"), validators=[Empty()])


# ── The calendar ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class CheckboxesField(SelectMultipleField):
    """Several of a few choices, each a box to tick."""

    widget, option_widget = ListWidget(prefix_label=False), CheckboxInput()


class CalendarForm(FlaskForm):
    """A change of the calendar to be looked at. Looking changes nothing, so it is a GET, without token."""

    class Meta:
        csrf = False


class DayForm(CalendarForm):
    """Days on which nobody works; `replaces` is the day that is corrected, if any."""

    replaces = HiddenField()
    on = LenientDateField(_l("Date"), validators=[InputRequired(_l("Write the date."))])
    until = LenientDateField(
        _l("Last day"),
        description=_l("For a closure of several days. In between, days that are not worked anyway stay as they are."),
        validators=[Empty()],
    )
    kind = SelectField(_l("Kind"), choices=choices_of(DayException), validators=[InputRequired(_l("Choose what kind of day it is."))])
    name = StringField(
        _l("Name"),
        validators=[InputRequired(_l("Write the name of the day.")), Length(max=120, message=_l("Up to %(max)d characters fit."))],
    )
    norm = StringField(
        _l("Law or act that orders it"),
        description=_l("Citizens read it beside the date."),
        validators=[InputRequired(_l("Name the law, decree or resolution.")), Length(max=200, message=_l("Up to %(max)d characters fit."))],
    )
    source = StringField(_l("Where it was read"), validators=[Length(max=200, message=_l("Up to %(max)d characters fit."))])


class YearForm(CalendarForm):
    load = IntegerField(_l("Year"), validators=[InputRequired(_l("Write the year."))])


class HoursForm(CalendarForm):
    """When the office works; days of a term are working days of this week."""

    working_week = CheckboxesField(
        _l("Working days"),
        choices=[(str(n), _l(name)) for n, name in enumerate(WEEKDAYS, start=1)],
        validators=[InputRequired(_l("Choose at least one day."))],
    )
    opens_at = LenientTimeField(_l("Opens at"), validators=[Empty()])
    closes_at = LenientTimeField(
        _l("Closes at"),
        description=_l("What is filed later counts as filed on the next working day. Empty: midnight."),
        validators=[Empty()],
    )


# ── The case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class RegisterForm(FlaskForm):
    """Counter registration: what a clerk writes while somebody talks. Party and account are found by number."""

    submission = StringField()
    request_type = SelectField(_l("Kind of request"), coerce=int, validators=[InputRequired(_l("Choose what the request is."))])
    channel = SelectField(
        _l("Channel"), coerce=int, description=_l("The way by which it arrived."), validators=[InputRequired(_l("Choose the channel."))]
    )
    identity = SelectField(_l("Identity"), choices=choices_of(Identity), default=Identity.NAMED.name)
    document_type = SelectField(_l("Document"), choices=[("", "—"), *choices_of(DocumentType)], validators=[Empty()])
    document_number = StringField(_l("Document number"), validators=[Length(max=20)])
    name = StringField(_l("Name"), validators=[Length(max=160, message=_l("Up to %(max)d characters fit."))])
    phone = StringField(_l("Phone"), validators=[Empty(), Length(max=30), Checked(check_phone)])
    email = StringField(
        _l("E-mail"), description=_l("The receipt goes there at once."), validators=[Empty(), Length(max=254), Checked(check_email)]
    )
    address = StringField(_l("Address for notices"), validators=[Length(max=200)])
    is_e_notice = BooleanField(
        _l("Accepts to be notified by e-mail"), description=_l("Only if the citizen says so: the notice then counts by e-mail.")
    )
    accepts_data = BooleanField(_l("Authorises the use of personal data for this case"))
    account_number = NumberField(_l("Account"), "account", validators=[Length(max=300)])
    service = SelectField(_l("Service"), coerce=maybe_int, validators=[Empty()])
    cause = lookup(_l("Cause"), "cause", optional=True, description=_l("Write part of its name, or its code."))
    subject = StringField(
        _l("Subject"),
        validators=[InputRequired(_l("Write the subject in a few words.")), Length(max=200, message=_l("Up to %(max)d characters fit."))],
    )
    body = TextAreaField(
        _l("What the citizen says"),
        validators=[InputRequired(_l("Write what the request is about.")), Length(max=20_000, message=_l("Up to %(max)d characters fit."))],
    )
    is_priority = BooleanField(_l("Has priority"))
    priority_reason = StringField(
        _l("Why it has priority"),
        description=_l("A child, an older adult, illness, a service cut off by mistake…"),
        validators=[Length(max=240)],
    )
    invoice_number = StringField(_l("Invoice"), validators=[Length(max=30)])
    disputed_cop = DecimalField(
        _l("Disputed value (pesos)"), places=2, validators=[Empty(), NumberRange(min=0, message=_l("Write zero or more."))]
    )
    previous_number = StringField(
        _l("Earlier case"), description=_l("When it insists on another one: its number."), validators=[Length(max=20)]
    )
    files = MultipleFileField(_l("Attachments"), description=_l("Up to 5 files of 10 MB each."))


class CounterForm(RegisterForm):
    """The same at the counter, where the page found the party and its accounts before; the subject may be left to the first words."""

    request_type = RadioField(
        _l("Kind of request"), coerce=maybe_int, validate_choice=False, validators=[OneOf(_l("Choose what the request is."))]
    )
    account = RadioField(_l("Account"), coerce=maybe_int, validators=[Empty()])
    account_number = NumberField(_l("Another account"), "account", filters=[tidy], validators=[Length(max=300)])
    subject = StringField(
        _l("Subject"),
        description=_l("Empty: the first words of the text."),
        filters=[tidy],
        validators=[Length(max=200, message=_l("Up to %(max)d characters fit."))],
    )


class MoveForm(FlaskForm):
    """What a move may ask for; each verb names the fields that it uses (`verbs`)."""

    process_id = SelectField(_l("Process"), coerce=maybe_int, validators=[Empty()])
    user = lookup(_l("Person"), "member", optional=True, description=_l("Empty: whoever of the process takes it first."))
    on = DateField(_l("Date of the act"), validators=[Empty()])
    outcome = SelectField(_l("Sense of the answer"), choices=choices_of(Outcome), validators=[Empty()])
    solution = TextAreaField(_l("What was found and done"), validators=[Length(max=20_000)])
    reason = TextAreaField(_l("Reason"), validators=[Length(max=4_000)])
    proof = TextAreaField(_l("Who received it and how it was identified"), validators=[Length(max=2_000)])
    proof_file = MultipleFileField(_l("Proof (file)"))
    earlier_number = StringField(
        _l("Earlier case"),
        description=_l("Only when the answer refers to one: the case of the same person that has it."),
        validators=[Length(max=20)],
    )
    requirement = SelectField(_l("What is issued"), choices=choices_of(RequirementKind), validators=[Empty()])
    what = TextAreaField(_l("What is missing"), validators=[Length(max=4_000)])
    until = DateField(_l("Last day of the evidence stage"), validators=[Empty()])
    how = StringField(
        _l("How the citizen was told"),
        description=_l("By which means, who received it and how that is known."),
        validators=[Length(max=160, message=_l("Up to %(max)d characters fit."))],
    )
    extra = IntegerField(_l("How much more"), validators=[Empty()])
    body = StringField(_l("Competent body"), validators=[Length(max=160, message=_l("Up to %(max)d characters fit."))])
    body_address = TextAreaField(_l("Where the letter goes"), description=_l("Address or e-mail."), validators=[Length(max=400)])
    seen = HiddenField()  # fingerprint of the draft that was read before approving it
    way = SelectField(_l("How the citizen was notified"), validators=[Empty()])
    attempt = SelectField(_l("Which letter or message"), coerce=maybe_int, validators=[Empty()])
    result = SelectField(_l("What became of it"), validators=[Empty()])
    address = StringField(_l("Where it is sent"), validators=[Length(max=254)])
    courier = StringField(_l("Carrier, or how it was sent"), validators=[Length(max=80)])
    guide = StringField(_l("Guide number"), validators=[Length(max=60)])
    posted_where = StringField(_l("Public place where it is posted"), validators=[Length(max=200)])
    appeared = StringField(_l("Who came"), validators=[Length(max=120)])
    identification = StringField(_l("Identity document shown"), validators=[Length(max=60)])
    capacity = StringField(
        _l("In which capacity"), validators=[Length(max=120)], description=_l("As petitioner, or authorised or acting for whom.")
    )
    signature = HiddenField()  # what was drawn on the screen, as a data URL
    grants = TextAreaField(_l("What is granted"), validators=[Length(max=4_000)], description=_l("As the citizen will read it in the act."))
    order_id = SelectField(_l("Field order that carries it out"), coerce=maybe_int, validators=[Empty()])
    change_id = SelectField(_l("Change of the invoice that carries it out"), coerce=maybe_int, validators=[Empty()])
    channel = SelectField(_l("Channel"), coerce=maybe_int, description=_l("The way by which it arrived."), validators=[Empty()])
    recurso = RadioField(_l("Which appeal"), choices=choices_of(AppealKind), validate_choice=False, validators=[Empty()])
    appealed_act = SelectField(
        _l("What the answer decided on"),
        choices=choices_of(AppealedAct),
        description=_l("Law 142 gives appeals against these acts only (art. 154)."),
        validators=[Empty()],
    )
    recurso_text = TextAreaField(
        _l("What the petitioner says"), validators=[Length(max=MAX_BODY, message=_l("Up to %(max)d characters fit."))]
    )
    invoice_on = DateField(_l("Date of issue of the invoice"), validators=[Empty()])
    is_undisputed_paid = BooleanField(
        _l("The payment of what is not disputed was proved"),
        description=_l("Or of the average of the last five periods. The disputed sum is never demanded (Law 142, art. 155)."),
    )
    brief_files = MultipleFileField(_l("Attachments"), description=_l("Up to 5 files of 10 MB each."))
    number = StringField(_l("Number"), validators=[Length(max=60, message=_l("Up to %(max)d characters fit."))])


class PointForm(Form):
    """One thing that the citizen asks; without words, or marked, it is removed."""

    id = HiddenField()
    position = IntegerField(_l("Order"), validators=[Empty(), NumberRange(1, 99)])
    asked = TextAreaField(_l("What is asked"), validators=[Length(max=MAX_ASKED, message=_l("Up to %(max)d characters fit."))])
    reply = TextAreaField(
        _l("Reply to this point"),
        description=_l("It is printed in the letter, after the text. Leave it empty when the text answers it."),
        validators=[Length(max=MAX_REPLY, message=_l("Up to %(max)d characters fit."))],
    )
    is_covered = BooleanField(_l("The text answers it"))
    is_removed = BooleanField(_l("Remove this point"))


class DraftForm(FlaskForm):
    """The answer in the making: its text, and what the citizen asks, point by point."""

    template = SelectField(_l("Start from a text"), coerce=maybe_int, validators=[Empty()])
    body = TextAreaField(_l("Answer"), validators=[Length(max=40_000, message=_l("Up to %(max)d characters fit."))])
    points = FieldList(FormField(PointForm), label=_l("What is asked, point by point"), max_entries=MAX_POINTS)


class SignatureForm(FlaskForm):
    """The signature that somebody keeps: its picture and the post under the name."""

    title = StringField(
        _l("Your post"), filters=[tidy], description=_l("As it is printed under your name."),
        validators=[InputRequired(_l("Write your post, as it is printed under your name.")), Length(max=120)],
    )  # fmt: skip
    image = FileField(_l("Picture of your signature"), description=_l("PNG or JPEG, up to 300 KB, on white or without background."))


class NoteForm(FlaskForm):
    """An internal note. Its page has other forms and sections, so ids are its own; so it is with the files."""

    body = TextAreaField(
        _l("Internal note"),
        id="note-body",
        validators=[InputRequired(_l("Write the note.")), Length(max=10_000, message=_l("Up to %(max)d characters fit."))],
    )


class AttachForm(FlaskForm):
    """Files that staff adds to a case."""

    files = MultipleFileField(_l("Files"), id="attached")
    description = StringField(_l("What they are"), id="file-description", validators=[Length(max=200)])
    is_public = BooleanField(_l("The citizen may see them"))


class ClassifyForm(FlaskForm):
    """What staff may correct on a case; the type moves the term, so it asks why."""

    request_type = SelectField(_l("Kind of request"), coerce=int)
    service = SelectField(_l("Service"), coerce=maybe_int, validators=[Empty()])
    cause = lookup(_l("Cause"), "cause", optional=True, description=_l("Write part of its name, or its code."))
    account_number = NumberField(_l("Account"), "account", validators=[Length(max=300)])
    invoice_number = StringField(_l("Invoice"), validators=[Length(max=30)])
    disputed_cop = DecimalField(
        _l("Disputed value (pesos)"), places=2, validators=[Empty(), NumberRange(min=0, message=_l("Write zero or more."))]
    )
    is_priority = BooleanField(_l("Has priority"))
    priority_reason = StringField(_l("Why it has priority"), validators=[Length(max=240)])
    notice_address = StringField(_l("Address for notices"), validators=[Length(max=200)])
    reason = StringField(
        _l("Reason for the change"),
        validators=[InputRequired(_l("Write the reason: it stays in the history of the case.")), Length(max=400)],
    )


# ── The door ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class LoginForm(FlaskForm):
    username = StringField(_l("User name"), validators=[InputRequired(_l("Write your user name.")), Length(max=64)])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Write your password.")), Length(max=200)])


class NewPasswordForm(DynamicForm):
    password = PasswordField(
        _l("New password"),
        description=_l("At least ten characters: two capitals, three small letters, two digits and one sign."),
        validators=[InputRequired(_l("Write the new password.")), PasswordComplexityValidator()],
        render_kw={"autocomplete": "new-password"},
    )
    conf_password = PasswordField(
        _l("The same password again"),
        validators=[EqualTo("password", message=_l("The two passwords are not the same."))],
        render_kw={"autocomplete": "new-password"},
    )


class ProfileForm(DynamicForm):
    first_name = StringField(_l("First name"), validators=[InputRequired(_l("Write your first name.")), Length(max=64)])
    last_name = StringField(_l("Last name"), validators=[InputRequired(_l("Write your last name.")), Length(max=64)])
