"""Fields and validators. They ask `domain/` and keep what the user typed; nothing here writes."""

from __future__ import annotations

from enum import Enum

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, DecimalField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.validators import Optional as Empty

from app.domain.states import DocumentType, Identity, Move, Outcome

# ── Catalogues and parties ────────────────────────────────────────────────────────────────────────────────────────────────


# ── The citizen's forms ───────────────────────────────────────────────────────────────────────────────────────────────────


# ── The case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def choices_of(enum: type[Enum]) -> list[tuple[str, object]]:
    """Return (stored name, what people read) of each member."""
    return [(member.name, _l(member.value)) for member in enum]


def maybe_int(value: object) -> int | None:
    """Return the id a choice carries, or None for the empty choice."""
    return int(str(value)) if value not in (None, "", "None") else None


class RegisterForm(FlaskForm):
    """Counter registration: what a clerk writes while somebody talks. Party and account are found by number."""

    submission = StringField()
    request_type = SelectField(_l("Kind of request"), coerce=int, validators=[InputRequired(_l("Choose what the request is."))])
    channel = SelectField(_l("Channel"), coerce=int, validators=[InputRequired(_l("Choose the channel."))])
    identity = SelectField(_l("Identity"), choices=choices_of(Identity), default=Identity.NAMED.name)
    document_type = SelectField(_l("Document"), choices=[("", "—"), *choices_of(DocumentType)], validators=[Empty()])
    document_number = StringField(_l("Document number"), validators=[Length(max=20)])
    name = StringField(_l("Name"), validators=[Length(max=160, message=_l("Up to %(max)d characters fit."))])
    phone = StringField(_l("Phone"), validators=[Length(max=20)])
    email = StringField(_l("E-mail"), validators=[Length(max=254)])
    address = StringField(_l("Address for notices"), validators=[Length(max=200)])
    is_e_notice = BooleanField(_l("Accepts to be notified by e-mail"))
    accepts_data = BooleanField(_l("Authorises the use of personal data for this case"))
    account_number = StringField(_l("Account"), validators=[Length(max=30)])
    service = SelectField(_l("Service"), coerce=maybe_int, validators=[Empty()])
    cause = SelectField(_l("Cause"), coerce=maybe_int, validators=[Empty()])
    subject = StringField(
        _l("Subject"), validators=[InputRequired(_l("Write the subject in a few words.")), Length(max=200, message=_l("Up to %(max)d characters fit."))]
    )
    body = TextAreaField(
        _l("What the citizen says"),
        validators=[InputRequired(_l("Write what the request is about.")), Length(max=20_000, message=_l("Up to %(max)d characters fit."))],
    )
    is_priority = BooleanField(_l("Has priority"))
    priority_reason = StringField(_l("Why it has priority"), validators=[Length(max=240)])
    invoice_number = StringField(_l("Invoice"), validators=[Length(max=30)])
    disputed_cop = DecimalField(
        _l("Disputed value (pesos)"), places=2, validators=[Empty(), NumberRange(min=0, message=_l("Write zero or more."))]
    )
    previous_number = StringField(_l("Earlier case"), validators=[Length(max=20)])
    files = MultipleFileField(_l("Attachments"))


class MoveForm(FlaskForm):
    """What a move may ask for; each move uses some of the fields (`MOVE_FIELDS`)."""

    process = SelectField(_l("Process"), coerce=maybe_int, validators=[Empty()])
    user = SelectField(_l("Person"), coerce=maybe_int, validators=[Empty()])
    on = DateField(_l("Date of the act"), validators=[Empty()])
    act = StringField(_l("Document that backs it"), validators=[Length(max=200)])
    outcome = SelectField(_l("Sense of the answer"), choices=choices_of(Outcome), validators=[Empty()])
    solution = TextAreaField(_l("What was found and done"), validators=[Length(max=20_000)])
    reason = TextAreaField(_l("Reason"), validators=[Length(max=4_000)])
    proof = TextAreaField(_l("Who received it and how it was identified"), validators=[Length(max=2_000)])
    proof_file = MultipleFileField(_l("Proof (file)"))


class DraftForm(FlaskForm):
    """The answer in the making."""

    template = SelectField(_l("Start from a text"), coerce=maybe_int, validators=[Empty()])
    body = TextAreaField(_l("Answer"), validators=[Length(max=40_000, message=_l("Up to %(max)d characters fit."))])


class NoteForm(FlaskForm):
    """An internal note."""

    body = TextAreaField(
        _l("Internal note"), validators=[InputRequired(_l("Write the note.")), Length(max=10_000, message=_l("Up to %(max)d characters fit."))]
    )


class AttachForm(FlaskForm):
    """Files that staff adds to a case."""

    files = MultipleFileField(_l("Files"))
    description = StringField(_l("What they are"), validators=[Length(max=200)])
    is_public = BooleanField(_l("The citizen may see them"))


class ClassifyForm(FlaskForm):
    """What staff may correct on a case; the type moves the term, so it asks why."""

    request_type = SelectField(_l("Kind of request"), coerce=int)
    service = SelectField(_l("Service"), coerce=maybe_int, validators=[Empty()])
    cause = SelectField(_l("Cause"), coerce=maybe_int, validators=[Empty()])
    account_number = StringField(_l("Account"), validators=[Length(max=30)])
    invoice_number = StringField(_l("Invoice"), validators=[Length(max=30)])
    disputed_cop = DecimalField(
        _l("Disputed value (pesos)"), places=2, validators=[Empty(), NumberRange(min=0, message=_l("Write zero or more."))]
    )
    is_priority = BooleanField(_l("Has priority"))
    priority_reason = StringField(_l("Why it has priority"), validators=[Length(max=240)])
    notice_address = StringField(_l("Address for notices"), validators=[Length(max=200)])
    reason = StringField(_l("Reason for the change"), validators=[InputRequired(_l("Write the reason: it stays in the history of the case.")), Length(max=400)])


#: The fields that the form of each move shows, in order.
MOVE_FIELDS: dict[Move, tuple[str, ...]] = {
    Move.ROUTE: ("process", "user", "reason"),
    Move.RETURN_TO_DESK: ("reason",),
    Move.REQUEST_COMPLETION: ("on", "act", "reason"),
    Move.COMPLETE: ("on", "process", "reason"),
    Move.WITHDRAW: ("reason",),
    Move.ORDER_EVIDENCE: ("on", "act", "reason"),
    Move.CLOSE_EVIDENCE: ("on", "reason"),
    Move.TRANSFER: ("act", "reason"),
    Move.VOID: ("reason",),
    Move.SOLVE: ("outcome", "solution"),
    Move.RETURN_SOLUTION: ("reason",),
    Move.ISSUE_ANSWER: (),
    Move.NOTIFY: ("on", "proof", "proof_file"),
    Move.APPEAL: ("reason",),
    Move.CLOSE: ("reason",),
}
