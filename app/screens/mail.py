"""Mail that leaves: what became of each message, in which words it is written, and how each of the staff wants to hear of things."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, make_response, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import Select, select
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired

from app import mailer
from app.baseviews import READ_ONLY, Button, Related, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import Delivery, MessageStatus
from app.extensions import LANGUAGE, db, now
from app.forms import Checked, UpTo, check_email
from app.listing import Choices
from app.listviews import Bulk, Ready
from app.models import MessageTemplate, NoticePreference, OutboxMessage, Pqr
from app.operations import messages, notices, outbox
from app.screens.deciding import decide_one
from app.screens.records import history_of
from app.security import scope_cases
from app.words import say, say_instant, tidy
from app.work import silence_of_worker

#: Each in its own words.
LANGUAGES = {"es": "Español", "en": "English"}
#: What a mail may do inside a page that previews it: show itself, and nothing else.
MAIL_POLICY = "default-src 'none'; style-src-attr 'unsafe-inline'; sandbox; frame-ancestors 'self'"


def title_of(event: str) -> str:
    """Return what an event tells, in words; its name when no room declares it any more."""
    return _(messages.EVENTS[event].title) if event in messages.EVENTS else event


def event_facet(column: Any) -> Choices:
    def choices() -> list[tuple[str, str]]:
        return [(name, event.title) for name, event in messages.EVENTS.items()]

    return Choices("event", _l("What it tells"), choices, lambda name, _moment: column == name)


# ── What leaves ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class RedirectForm(FlaskForm):
    to = StringField(
        _l("New address"), filters=[tidy], validators=[DataRequired(_l("Write the address.")), Checked(check_email)],
        description=_l("The message leaves again as it is, to this address."),
    )  # fmt: skip


class GiveUpForm(FlaskForm):
    reason = TextAreaField(
        _l("Why it is given up"), filters=[tidy], validators=[DataRequired(_l("Write why it is given up.")), UpTo(500)],
        description=_l("For example: the address does not exist and the citizen was told by phone."),
    )  # fmt: skip


def _refusal(message: OutboxMessage) -> str:
    """Return why nothing can be decided about a message; empty when something can."""
    try:
        outbox.check_open(message)
    except DomainError as error:
        return say(error)
    return ""


def _redirect_refusal(_view: Any, message: OutboxMessage) -> str:
    return _refusal(message) or (_(outbox.NOT_ELSEWHERE) if message.event in outbox.NOTICES else "")


def _give_up_refusal(_view: Any, message: OutboxMessage) -> str:
    return _refusal(message) or (_("It was given up already.") if message.status is MessageStatus.DISCARDED else "")


def _give_up(_view: Any, message: OutboxMessage, form: Any) -> None:
    """Give up a message; the case of a legal notice learns that it did not arrive."""
    outbox.give_up(db.session, message, form.reason.data)
    notices.record_refusal(db.session, message, form.reason.data, at=now())


BULK = (
    Bulk(
        "resend", _l("Send again"), "resend", lambda _view, row: _refusal(row),
        lambda _view, row, _form: outbox.resend(db.session, row, now()),
    ),
    Bulk(
        "redirect", _l("Send to another address"), "resend", _redirect_refusal,
        lambda _view, row, form: outbox.redirect(db.session, row, form.to.data, now()), RedirectForm,
    ),
    Bulk("give_up", _l("Give up"), "resend", _give_up_refusal, _give_up, GiveUpForm),
)  # fmt: skip
#: What is decided about one message, on a page of its own: what asks, what refuses, what does it, and what it says afterwards.
DECISIONS = {
    "redirect": (BULK[1], N_("The message is queued again, to its new address.")),
    "give_up": (BULK[2], N_("The message is given up. It stays here with the reason.")),
}


class OutboxMessageView(RuledView):
    """The mail that left or is to leave. Its text is not shown: it may carry the key of the citizen."""

    datamodel = SQLAInterface(OutboxMessage)
    route_base = "/outbox"
    class_permission_name = "OutboxMessage"
    method_permission_name = {"decide": "resend"}
    bulk = BULK
    include_route_methods = READ_ONLY | {"resend", "decide"}
    list_title = _l("Outgoing mail")
    empty_text = _l("No mail has been queued yet. Receipts, notices and reminders appear here before they leave.")
    list_columns = ["created_at", "subject", "to_address", "status", "n_attempts", "sent_at"]
    show_fieldsets = [
        (_l("The message"), {"fields": [
            "subject", "to_address", "user", "event", "pqr", "attachment", "reply_to", "language", "created_at",
        ]}),
        (_l("What became of it"), {"fields": [
            "status", "was_interrupted", "sent_at", "n_attempts", "next_attempt_at", "last_error", "digest", "message_id", "in_reply_to",
        ]}),
    ]  # fmt: skip
    search_words = ("subject", "to_address")
    filter_columns = ("status",)
    own_facets = (event_facet(OutboxMessage.event),)
    ready_filters = (
        Ready(N_("Failed"), "status=FAILED"),
        Ready(N_("May have left twice"), "was_interrupted=1"),
        Ready(N_("Waiting for the digest"), "status=HELD"),
        Ready(N_("Given up"), "status=DISCARDED"),
    )
    base_order = ("created_at", "desc")
    clipped = ("subject",)
    label_columns = {
        "created_at": _l("Queued"), "subject": _l("Subject"), "to_address": _l("Addressee"), "status": _l("State"),
        "n_attempts": _l("Attempts"), "sent_at": _l("Sent"), "pqr": _l("Case"), "event": _l("What it tells"),
        "next_attempt_at": _l("Next attempt"), "last_error": _l("Last error, or why it was given up"), "user": _l("Of the staff"),
        "language": _l("Language"), "was_interrupted": _l("May have left twice"), "digest": _l("Told in the digest"),
        "message_id": "Message-ID", "in_reply_to": "In-Reply-To", "attachment": _l("File that goes with it"),
        "reply_to": _l("Where an answer goes"),
    }  # fmt: skip
    formatters_columns = {
        "pqr": lambda pqr: Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number),
        "event": title_of,
        "language": lambda code: LANGUAGES.get(code, code),
        "user": lambda user: user.get_full_name(),
        "attachment": lambda stored: stored.name,
        "digest": lambda row: Markup('<a href="{}">{}</a>').format(url_for("OutboxMessageView.show", pk=row.id), row.subject),
        "last_error": lambda text: " ".join(_(line) for line in text.splitlines()),
    }

    def _fits_a_cell(self, mapper: Any, name: str) -> bool:
        return name not in ("message_id", "in_reply_to", "digest", "attachment", "reply_to") and super()._fits_a_cell(mapper, name)

    @property
    def alarm(self) -> str:
        return silence_of_worker()

    @property
    def intro(self) -> str:
        why = _("The text of the messages is not shown, because it may carry the key of the citizen.")
        if mailer.is_configured(current_app.config):
            return why
        waiting = _("No mail server is set (ATIENDE_SMTP_HOST): messages wait here and leave as soon as there is one.")
        return f"{waiting} {why}"

    def buttons(self, item: OutboxMessage) -> list[Button]:
        if _refusal(item) or not self.may_do("resend"):
            return []
        again = Button(_("Send again"), url_for("OutboxMessageView.resend", pk=item.id), True, _("Send this message again?"))
        others = [(name, bulk) for name, (bulk, _said) in DECISIONS.items() if not bulk.refusal(self, item)]
        return [again, *(Button(str(bulk.label), url_for("OutboxMessageView.decide", pk=item.id, name=name)) for name, bulk in others)]

    def related(self, item: OutboxMessage) -> list[Related]:
        if item.event != "digest":
            return []
        told = select(OutboxMessage).where(OutboxMessage.digest_id == item.id).order_by(OutboxMessage.id)
        rows = [(say_instant(row.created_at), title_of(row.event), row.subject) for row in db.session.scalars(told)]
        return [Related(_("What it tells"), (_("Queued"), _("What it tells"), _("Subject")), rows)]

    @expose("/resend/<pk>", methods=["POST"])
    @has_access
    @permission_name("resend")
    def resend(self, pk: str) -> Any:
        """Queue a message again."""
        message = self.item(pk)
        try:
            outbox.resend(db.session, message, now())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_("The message is queued again."), "success")
        return redirect(url_for("OutboxMessageView.show", pk=pk))

    @expose("/<pk>/<any(redirect, give_up):name>", methods=["GET", "POST"])
    @has_access
    @permission_name("resend")
    def decide(self, pk: str, name: str) -> Any:
        """Ask for the new address, or for the reason, and do it."""
        message, (bulk, done) = self.item(pk, ("pqr",)), DECISIONS[name]
        is_notice = name == "give_up" and message.event in outbox.NOTICES
        return decide_one(self, message, bulk, done, "mail/decide.html", refusal=bulk.refusal(self, message), is_notice=is_notice)


# ── In which words ────────────────────────────────────────────────────────────────────────────────────────────────────────


class MessageTemplateView(RuledView):
    """The words of every event, in both languages. Which events there are is the product's; what they say is the house's."""

    datamodel = SQLAInterface(MessageTemplate)
    route_base = "/messagetemplate"
    class_permission_name = "MessageTemplate"
    method_permission_name = {"preview": "show", "mail": "show", "restore": "edit"}
    include_route_methods = READ_ONLY | {"edit", "preview", "mail", "restore"}
    list_title = _l("Message templates")
    intro = _l("What the mails that leave by themselves say. Each event has its words in Spanish and in English.")
    empty_text = _l("The templates are loaded with the product: run “flask atiende prepare”.")
    list_columns = ["event", "language", "subject"]
    show_columns = ["event", "language", "subject", "body", "changed_at"]
    edit_columns = ["subject", "body"]
    search_words = ("subject", "body")
    own_facets = (
        event_facet(MessageTemplate.event),
        Choices("language", _l("Language"), LANGUAGES.items, lambda code, _moment: MessageTemplate.language == code),
    )
    base_order = ("event", "asc")
    clipped = ("subject",)
    form_class_name = "form"
    label_columns = {
        "event": _l("What it tells"), "language": _l("Language"), "subject": _l("Subject"), "body": _l("Text"),
        "changed_at": _l("Last change"),
    }  # fmt: skip
    validators_columns = {"subject": [UpTo(240)], "body": [UpTo(10_000)]}
    formatters_columns = {"event": title_of, "language": lambda code: LANGUAGES.get(code, code)}
    form_intro = _l(
        "A line whose fields are all empty is left out. An address at the end of a line becomes a button; lines that begin with a dash, "
        "a list. The company signs below by itself."
    )

    def title_of(self, item: MessageTemplate) -> str:
        return f"{title_of(item.event)} · {LANGUAGES.get(item.language, item.language)}"

    def may_edit(self, item: MessageTemplate) -> bool:
        return item.event in messages.EVENTS

    def buttons(self, item: MessageTemplate) -> list[Button]:
        if not self.may_edit(item):
            return history_of("message_template", item.id)
        again = Button(
            _("Take the shipped words back"), url_for("MessageTemplateView.restore", pk=item.id), True,
            _("Replace subject and text by those that came with the product?"),
        )  # fmt: skip
        is_own = (item.subject, item.body) != messages.shipped().get((item.event, item.language), (item.subject, item.body))
        see = Button(_("See it as it arrives"), url_for("MessageTemplateView.preview", pk=item.id))
        return [see, *([again] if is_own and self.may_do("edit") else []), *history_of("message_template", item.id)]

    def related(self, item: MessageTemplate) -> list[Related]:
        event = messages.EVENTS.get(item.event)
        if event is None:
            return []
        rows = [(f"{{{name}}}", _(meaning), name in event.needs) for name, meaning in event.known.items()]
        return [Related(_("What it may name"), (_("Field"), _("What it says"), _("Has to be in the text")), rows)]

    def _form_page(self, form: Any, title: Any, template: str, item: Any = None) -> Any:
        fields = ", ".join(f"{{{name}}}" for name in messages.EVENTS[item.event].known)
        form["body"].render_kw = {"rows": 18}
        form["body"].description = _("These words are filled by themselves: %(fields)s.", fields=fields)
        return super()._form_page(form, title, template, item)

    def pre_update(self, item: MessageTemplate) -> None:
        item.subject, item.body = " ".join(item.subject.split()), tidy(item.body)
        messages.check_words(item.event, item.subject, item.body)

    @expose("/restore/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def restore(self, pk: str) -> Any:
        """Take the shipped words back."""
        item = self.item(pk)
        item.subject, item.body = messages.shipped().get((item.event, item.language)) or abort(404)
        db.session.commit()
        flash(_("The template says again what came with the product."), "success")
        return redirect(url_for("MessageTemplateView.show", pk=pk))

    @expose("/preview/<pk>")
    @has_access
    @permission_name("show")
    def preview(self, pk: str) -> str:
        """The message as it arrives, as text and as page, with an example or a case of the reader's."""
        item, pqr, number = self._asked(pk)
        others = select(MessageTemplate).where(MessageTemplate.event == item.event).order_by(MessageTemplate.language.desc())
        return self.render_template(
            "mail/preview.html", title=title_of(item.event), view=self, item=item, languages=LANGUAGES, number=number,
            is_missing=bool(number) and pqr is None, siblings=db.session.scalars(others).all(),
            seen=messages.specimen(db.session, item.event, item.language, pqr),
        )  # fmt: skip

    @expose("/mail/<pk>")
    @has_access
    @permission_name("show")
    def mail(self, pk: str) -> Response:
        """The page of the mail itself, for the frame of the preview: it may draw itself and nothing else."""
        item, pqr, _number = self._asked(pk)
        page = make_response(messages.specimen(db.session, item.event, item.language, pqr).html)
        page.headers["Content-Security-Policy"] = MAIL_POLICY
        page.headers["X-Frame-Options"] = "SAMEORIGIN"
        return page

    def _asked(self, pk: str) -> tuple[MessageTemplate, Pqr | None, str]:
        """Return the template, the case that was asked for if the reader may see it, and its number as it was typed."""
        item, number = self.item(pk), tidy(request.args.get("n"))[:40].upper()
        if not self.may_edit(item):
            abort(404)
        wanted: Select[Any] = select(Pqr).where(Pqr.number == number)
        return item, db.session.scalar(scope_cases(wanted, now().date())) if number else None, number


# ── How each hears ────────────────────────────────────────────────────────────────────────────────────────────────────────

WAYS = {
    Delivery.AT_ONCE: _l("At once"), Delivery.DIGEST: _l("In the daily digest"), Delivery.NEVER: _l("Never"),
}  # fmt: skip


Ways = dict[str, tuple[Delivery, ...]]


class PreferenceForm(FlaskForm):
    language = SelectField(_l("Language of my mail"), choices=list(LANGUAGES.items()))


def _form_class(arranged: Ways) -> type[FlaskForm]:
    """Return the form with one field an event that the reader may arrange."""
    fields = {
        name: SelectField(_l(messages.EVENTS[name].title), choices=[(way.name, WAYS[way]) for way in ways])
        for name, ways in arranged.items()
    }
    return type("AllPreferences", (PreferenceForm,), fields)


class PreferenceView(BaseView):
    """`/mail/preferences/`: everybody's own, and nobody else's."""

    route_base = "/mail/preferences"
    default_view = "edit"
    class_permission_name = "MailPreference"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self) -> Any:
        """How the reader wants to hear of each event."""
        ways = messages.ways_of(db.session)
        arranged = {name: each for name, each in ways.items() if len(each) > 1}
        form = _form_class(arranged)(data=self._kept(arranged))
        if form.validate_on_submit():
            wanted = {name: Delivery[form[name].data] for name in arranged}
            messages.choose(db.session, current_user, form.language.data, wanted)
            db.session.commit()
            flash(_("Saved: from now on you are told that way."), "success")
            return redirect(url_for("PreferenceView.edit"))
        always = [_(event.title) for name, event in messages.EVENTS.items() if self._is_always(name, ways)]
        page = self.render_template("mail/preferences.html", form=form, names=list(arranged), always=always, address=current_user.email)
        return (page, 422) if form.is_submitted() else page

    @staticmethod
    def _is_always(name: str, ways: Ways) -> bool:
        return messages.EVENTS[name].audience is messages.Audience.STAFF and len(ways[name]) == 1 and name != "digest"

    @staticmethod
    def _kept(arranged: Ways) -> dict[str, str]:
        """Return what the reader chose, by field; where nothing, what is declared."""
        rows = db.session.scalars(select(NoticePreference).where(NoticePreference.user_id == current_user.id))
        chosen = {row.event: row.delivery for row in rows}
        kept = {
            name: (chosen[name] if chosen.get(name) in ways else messages.EVENTS[name].delivery).name for name, ways in arranged.items()
        }
        return {"language": messages.language_of(db.session, current_user) or LANGUAGE, **kept}
