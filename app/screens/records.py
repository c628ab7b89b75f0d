"""What is remembered: the change log and the mail that left."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app import mailer
from app.baseviews import READ_ONLY, Button, Related, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import MessageStatus
from app.extensions import db, now
from app.listviews import Bulk
from app.models import ChangeLog, OutboxMessage
from app.operations import outbox
from app.security import may
from app.words import say, say_value


def history_of(table: str, key: Any) -> list[Button]:
    """Return the button that leads to the changes of a row, for whoever may read them."""
    if not may("can_list", "ChangeLog"):
        return []
    return [Button(_("Changes"), url_for("ChangeLogView.list", table_name=table, row_id=key))]


def readable(value: Any) -> str:
    """Return a value of a JSON column as people read it."""
    match value:
        case dict():
            return " · ".join(f"{key}: {readable(each)}" for key, each in value.items())
        case list():
            return ", ".join(readable(each) for each in value) or "—"
    return str(say_value(value))


#: Tables of the change log that have no screen of this kind.
TABLES = {
    "pqr": N_("Case"), "note": N_("Internal note"), "answer": N_("Answer"), "notice": N_("Notice"), "stored_file": N_("Stored file"),
    "document": N_("Document"), "consent": N_("Consent"), "calendar_day": N_("Non-working day"),
}  # fmt: skip


def view_of(table: str) -> type[RuledView] | None:
    """Return the screen that declares *table*, if one does."""
    screens = (type(view) for view in current_app.appbuilder.baseviews if isinstance(view, RuledView))
    return next((view for view in screens if view.datamodel.obj.__tablename__ == table), None)


def register_name(table: str) -> str:
    """Return how people call *table*."""
    view = view_of(table)
    return str(view.list_title) if view else _(TABLES[table]) if table in TABLES else table.replace("_", " ")


class ChangeLogView(RuledView):
    datamodel = SQLAInterface(ChangeLog)
    route_base = "/changelog"
    class_permission_name = "ChangeLog"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Change log")
    empty_text = _l("Nothing has changed yet. Whatever somebody adds or edits from now on is remembered here.")
    intro = _l("Who changed what, when and from what to what. Nobody can edit it.")
    list_columns = ["at", "table_name", "row_id", "action", "actor", "reason"]
    show_columns = ["at", "table_name", "row_id", "action", "actor", "reason", "request_id"]
    filter_columns = ("table_name", "row_id", "action", "request_id")
    base_order = ("at", "desc")
    clipped = ("reason",)
    ACTIONS = {"insert": N_("Added"), "update": N_("Changed"), "delete": N_("Deleted")}
    label_columns = {
        "at": _l("When"), "table_name": _l("Register"), "row_id": _l("Row"), "action": _l("What happened"), "actor": _l("Who"),
        "reason": _l("Reason"), "request_id": _l("Request"),
    }  # fmt: skip
    formatters_columns = {
        "action": lambda name: _(ChangeLogView.ACTIONS.get(name, name)),
        "table_name": lambda name: register_name(name),
        "actor": lambda user: user.get_full_name(),
    }

    def title_of(self, item: ChangeLog) -> str:
        return f"{self.shown(item, 'table_name')} · {item.row_id}"

    def related(self, item: ChangeLog) -> list[Related]:
        view = view_of(item.table_name)
        labels = view.label_columns if view else {}
        names = [*item.before, *(name for name in item.after if name not in item.before)]

        def label(name: str) -> Any:
            return labels.get(name) or labels.get(name.removesuffix("_id").removesuffix("_code")) or name.replace("_", " ")

        rows = [
            (label(name), Markup("<del>{}</del>").format(readable(item.before.get(name))), Markup("<ins>{}</ins>").format(new))
            for name, new in ((name, readable(item.after.get(name))) for name in names)
        ]
        return [Related(_("Before and after"), (_("Column"), _("Before"), _("After")), rows)]

    def buttons(self, item: ChangeLog) -> list[Button]:
        view = view_of(item.table_name)
        if view is None or item.action == "delete" or not may("can_show", view.class_permission_name):
            return []
        return [Button(_("Open the row"), url_for(f"{view.__name__}.show", pk=item.row_id))]


def queue_refusal(message: OutboxMessage) -> str:
    """Return why a message cannot be sent again; empty when it can."""
    return _("It has left already, or is leaving.") if message.status in (MessageStatus.SENT, MessageStatus.SENDING) else ""


class OutboxMessageView(RuledView):
    """The mail that left or is to leave. Its text is not shown: it may carry the key of the citizen."""

    datamodel = SQLAInterface(OutboxMessage)
    route_base = "/outbox"
    class_permission_name = "OutboxMessage"
    bulk = (
        Bulk(
            "resend", _l("Send again"), "resend", lambda _view, row: queue_refusal(row),
            lambda _view, row, _form: outbox.resend(db.session, row, now()),
        ),
    )  # fmt: skip
    include_route_methods = READ_ONLY | {"resend"}
    list_title = _l("Outgoing mail")
    empty_text = _l("No mail has been queued yet. Receipts, notices and reminders appear here before they leave.")
    list_columns = ["created_at", "subject", "to_address", "status", "n_attempts", "sent_at"]
    show_columns = [
        "subject", "to_address", "pqr", "event", "status", "n_attempts", "created_at", "next_attempt_at", "sent_at", "last_error",
    ]  # fmt: skip
    search_words = ("subject", "to_address")
    filter_columns = ("status",)
    base_order = ("created_at", "desc")
    clipped = ("subject",)
    label_columns = {
        "created_at": _l("Queued"), "subject": _l("Subject"), "to_address": _l("Addressee"), "status": _l("State"),
        "n_attempts": _l("Attempts"), "sent_at": _l("Sent"), "pqr": _l("Case"), "event": _l("What it tells"),
        "next_attempt_at": _l("Next attempt"), "last_error": _l("Last error"),
    }  # fmt: skip
    formatters_columns = {
        "pqr": lambda pqr: Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number),
        "last_error": lambda text: " ".join(_(line) for line in text.splitlines()),
    }

    @property
    def intro(self) -> str:
        why = _("The text of the messages is not shown, because it may carry the key of the citizen.")
        if mailer.is_configured(current_app.config):
            return why
        waiting = _("No mail server is set (ATIENDE_SMTP_HOST): messages wait here and leave as soon as there is one.")
        return f"{waiting} {why}"

    def buttons(self, item: OutboxMessage) -> list[Button]:
        if queue_refusal(item) or not self.may_do("resend"):
            return []
        return [Button(_("Send again"), url_for("OutboxMessageView.resend", pk=item.id), True, _("Send this message again?"))]

    @expose("/resend/<pk>", methods=["POST"])
    @has_access
    @permission_name("resend")
    def resend(self, pk: str) -> Any:
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
