"""Mail that arrived: what became of each message, and the quarantine where somebody decides."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import Select, or_, select
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired

from app import mailbox
from app.baseviews import READ_ONLY, Button, Related, RuledView
from app.domain import N_, letters
from app.domain.errors import DomainError
from app.domain.letters import Ground
from app.domain.states import Identity
from app.downloads import send_stored
from app.extensions import db, now
from app.forms import UpTo
from app.listing import Choices
from app.listviews import Bulk, Ready
from app.models import InboundMessage, Pqr
from app.operations import files, inbox
from app.screens.deciding import decide_one
from app.screens.records import history_of
from app.security import may
from app.words import say, tidy

#: Bytes of a message whose attachments its page names: a larger one is downloaded to be looked at.
MOST_TO_LOOK_INTO = 5 * 1024 * 1024
#: Seconds that the test of the mailbox waits for each answer.
PATIENCE = 10


class NoteForm(FlaskForm):
    number = StringField(
        _l("Number of the case"), filters=[tidy], validators=[DataRequired(_l("Write the number of the case."))],
        description=_l("For example PQR-2026-000123. The message and its files are added to it; the sender is told nothing."),
    )  # fmt: skip


class DiscardForm(FlaskForm):
    reason = TextAreaField(
        _l("Why nothing is done with it"), filters=[tidy],
        validators=[DataRequired(_l("Write why nothing is done with this message.")), UpTo(500)],
        description=_l("For example: advertising. The message stays here with the reason."),
    )  # fmt: skip


def _refusal(_view: Any, message: InboundMessage) -> str:
    """Return why nothing can be decided about a message; empty when something can."""
    try:
        inbox.check_waiting(message)
    except DomainError as error:
        return say(error)
    return ""


def _actor() -> int:
    return int(current_user.id)


BULK = (
    Bulk(
        "make_case", _l("Make a case"), "handle", _refusal,
        lambda _view, row, _form: inbox.make_case(db.session, row, at=now(), actor_id=_actor()),
    ),
    Bulk(
        "discard", _l("Discard"), "handle", _refusal,
        lambda _view, row, form: inbox.discard(db.session, row, form.reason.data, at=now(), actor_id=_actor()), DiscardForm,
    ),
)  # fmt: skip
NOTE = Bulk(
    "note", _l("Note it on a case"), "handle", _refusal,
    lambda _view, row, form: inbox.note_on(db.session, row, form.number.data, at=now(), actor_id=_actor()), NoteForm,
)  # fmt: skip
#: What is decided about one message on a page of its own, and what it says afterwards.
DECISIONS = {
    "note": (NOTE, N_("The message is a note on the case now.")),
    "discard": (BULK[1], N_("The message is discarded. It stays here with the reason.")),
}


def ground_in_words(code: str) -> str:
    return _(Ground[code].value) if code in Ground.__members__ else code


def _grounds() -> list[tuple[str, str]]:
    return [(ground.name, ground.value) for ground in Ground]


def _case_link(pqr: Pqr) -> Markup:
    return Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number)


class InboundMessageView(RuledView):
    """Every message that arrived. What it says is shown as plain text only; its original is a download."""

    datamodel = SQLAInterface(InboundMessage)
    route_base = "/inbox"
    class_permission_name = "InboundMessage"
    method_permission_name = {"original": "show", "make_case": "handle", "decide": "handle", "test": "handle"}
    bulk = BULK
    include_route_methods = READ_ONLY | {"original", "make_case", "decide", "test"}
    list_template = "inbox/list.html"
    list_title = _l("Incoming mail")
    empty_text = _l("No message has been read yet. What arrives in the mailbox appears here within a minute.")
    list_columns = ["received_at", "from_address", "subject", "status", "ground", "pqr"]
    show_fieldsets = [
        (_l("The message"), {"fields": ["subject", "from_name", "from_address", "to_address", "received_at", "sent_at", "body_trimmed"]}),
        (_l("What became of it"), {"fields": ["status", "ground", "pqr", "reason", "handled_by", "handled_at", "mailbox", "n_bytes"]}),
        (_l("The whole text, as it came"), {"fields": ["body"]}),
    ]
    search_words = ("subject", "from_address", "from_name")
    filter_columns = ("status",)
    own_facets = (Choices("ground", _l("Why it was set aside"), _grounds, lambda code, _moment: InboundMessage.ground == code),)
    ready_filters = (
        Ready(N_("In quarantine"), "status=QUARANTINED"),
        Ready(N_("Became cases"), "status=FILED"),
        Ready(N_("Notes on cases"), "status=NOTED"),
    )
    base_order = ("received_at", "desc")
    clipped = ("subject", "ground")
    label_columns = {
        "received_at": _l("Arrived"), "sent_at": _l("Sent, as it says"), "from_address": _l("Sender"),
        "from_name": _l("Name of the sender"), "to_address": _l("Addressee"), "subject": _l("Subject"),
        "status": _l("What became of it"), "ground": _l("Why it was set aside"),
        "pqr": _l("Case"), "body": _l("Text"), "body_trimmed": _l("Text without quotes and signature"), "reason": _l("Reason"),
        "handled_by": _l("Decided by"), "handled_at": _l("When it was decided"), "mailbox": _l("Mailbox"), "n_bytes": _l("Bytes"),
    }  # fmt: skip
    formatters_columns = {"ground": ground_in_words, "pqr": _case_link, "handled_by": lambda user: user.get_full_name()}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        """Leave out who wrote about a case of reserved identity, for whoever may not know."""
        if may("can_see_reserved", "Pqr"):
            return statement
        reserved = select(Pqr.id).where(Pqr.identity == Identity.RESERVED)
        return statement.where(or_(InboundMessage.pqr_id.is_(None), InboundMessage.pqr_id.not_in(reserved)))

    def _fits_a_cell(self, mapper: Any, name: str) -> bool:
        return name not in ("body", "body_trimmed") and super()._fits_a_cell(mapper, name)

    @property
    def intro(self) -> str:
        if mailbox.is_configured(current_app.config):
            return _("A message becomes a case, a note on its case, or waits in quarantine; its legal term runs from when it was received.")
        return _("No mailbox is set (ATIENDE_IMAP_HOST): nothing is read. The administrator sets it where the program runs.")

    @property
    def has_mailbox(self) -> bool:
        return mailbox.is_configured(current_app.config)

    def title_of(self, item: InboundMessage) -> str:
        return item.subject or _("(no subject)")

    def buttons(self, item: InboundMessage) -> list[Button]:
        original = [Button(_("Original (.eml)"), url_for("InboundMessageView.original", pk=item.id))] if item.raw_file_id else []
        if not self.may_do("decide") or _refusal(self, item):
            return [*original, *history_of("inbound_message", item.id)]
        asks = _("File this message? Its sender gets the receipt, and the term runs from when it was received.")
        make = Button(_("Make a case"), url_for("InboundMessageView.make_case", pk=item.id), True, asks)
        others = [Button(str(bulk.label), url_for("InboundMessageView.decide", pk=item.id, name=name))
                  for name, (bulk, _said) in DECISIONS.items()]  # fmt: skip
        return [make, *others, *original, *history_of("inbound_message", item.id)]

    def related(self, item: InboundMessage) -> list[Related]:
        """Name what the message brings while somebody has to decide; later its files are those of the case."""
        if _refusal(self, item) or item.raw_file is None or item.raw_file.n_bytes > MOST_TO_LOOK_INTO:
            return []
        try:
            with files.open_file(item.raw_file) as blob:
                enclosures = letters.read(blob.read()).enclosures
        except files.FileMissing as error:
            return [Related(_("Files that it brings"), (_("Name"),), [(say(error),)])]
        rows = [(files.clean_name(each.name), each.media_type, len(each.content)) for each in enclosures]
        return [Related(_("Files that it brings"), (_("Name"), _("Kind, as it says"), _("Bytes")), rows)]

    @expose("/original/<pk>", methods=["GET"])
    @has_access
    @permission_name("show")
    def original(self, pk: str) -> Any:
        """Return the message as it came."""
        message = self.item(pk, ("raw_file",))
        return send_stored(message.raw_file) if message.raw_file else abort(404)

    @expose("/make_case/<pk>", methods=["POST"])
    @has_access
    @permission_name("handle")
    def make_case(self, pk: str) -> Any:
        """File a message that waits; asked twice, it leads to the same case."""
        message = self.item(pk)
        try:
            case = inbox.make_case(db.session, message, at=now(), actor_id=_actor())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            return redirect(url_for("InboundMessageView.show", pk=pk))
        flash(_("The message is case %(number)s now.", number=case.number), "success")
        return redirect(f"/pqr/{case.number}")

    @expose("/<pk>/<any(note, discard):name>", methods=["GET", "POST"])
    @has_access
    @permission_name("handle")
    def decide(self, pk: str, name: str) -> Any:
        """Ask for the case, or for the reason, and do it."""
        message, (bulk, done) = self.item(pk, ("pqr",)), DECISIONS[name]
        data = {"number": message.pqr.number} if message.pqr else None
        return decide_one(self, message, bulk, done, "inbox/decide.html", refusal=_refusal(self, message), data=data)

    @expose("/test", methods=["POST"])
    @has_access
    @permission_name("handle")
    def test(self) -> Any:
        """Enter the mailbox, read nothing, and say how it went."""
        if not self.has_mailbox:
            abort(404)
        try:
            with mailbox.Mailbox(current_app.config, timeout=PATIENCE) as box:
                flash(_("The mailbox %(name)s answers: %(n)s messages wait to be read.", name=box.name, n=box.n_waiting()), "success")
        except mailbox.NotRead as error:
            flash(say(error), "warning")
        return redirect(self.list_url())
