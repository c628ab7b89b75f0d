"""Programs that are told what happens to cases: their addresses, and every delivery with what became of it."""

from __future__ import annotations

import json
from typing import Any

from flask import current_app, flash, g, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms.validators import DataRequired

from app.baseviews import READ_ONLY, READ_WRITE, Button, Related, RuledView
from app.domain.errors import DomainError
from app.domain.hooks import EVENTS, TEST
from app.domain.states import MessageStatus
from app.extensions import db, now
from app.forms import CheckboxesField
from app.listviews import Bulk
from app.models import Webhook, WebhookDelivery
from app.operations import webhooks
from app.screens.records import history_of
from app.words import say


class EventsField(CheckboxesField):
    """The events that an address hears of, kept as one text."""

    def process_data(self, value: Any) -> None:
        self.data = value.split(",") if value else []

    def populate_obj(self, obj: Any, name: str) -> None:
        setattr(obj, name, ",".join(self.data or ()))


def _events_in_words(events: str) -> str:
    return " · ".join(_(EVENTS[event]) for event in events.split(",") if event in EVENTS)


class WebhookView(RuledView):
    """Addresses. The secret is shown when it is made and never again; whoever lost it makes another."""

    datamodel = SQLAInterface(Webhook)
    route_base = "/webhook"
    class_permission_name = "Webhook"
    include_route_methods = READ_WRITE | {"rotate", "test", "resume"}
    list_title, add_title = _l("Webhooks"), _l("New webhook")
    intro = _l("Addresses of other programs that are told what happens to cases, with a signature. No message names anybody.")
    empty_text = _l("No program is told anything yet. Add the address of one, and choose what it has to know.")
    list_columns = ["name", "url", "events", "is_active", "n_failures", "paused_at"]
    show_columns = ["name", "url", "events", "is_active", "n_failures", "failing_since", "paused_at", "paused_why", "previous_until"]
    add_columns = edit_columns = ["name", "url", "events", "is_active"]
    search_words = ("name", "url")
    filter_columns = ("is_active",)
    base_order = ("name", "asc")
    clipped = ("url", "events")
    label_columns = {
        "name": _l("Name"), "url": _l("Address"), "events": _l("What it is told"), "is_active": _l("Active"),
        "n_failures": _l("Failures in a row"), "failing_since": _l("Failing since"), "paused_at": _l("Paused"),
        "paused_why": _l("Why it is paused"), "previous_until": _l("The secret before is good until"),
    }  # fmt: skip
    description_columns = {
        "name": _l("Which program it is."),
        "url": _l("The whole address, as in https://example.com/hook. It has to answer within ten seconds."),
        "is_active": _l("Untick it to tell it nothing more; what is queued waits."),
    }
    add_form_extra_fields = {
        "events": EventsField(
            _l("What it is told"), choices=[(name, _l(text)) for name, text in EVENTS.items()],
            validators=[DataRequired(_l("Choose at least one event."))],
        ),
    }
    formatters_columns = {"events": _events_in_words, "paused_why": lambda why: _(why) if why else "—"}

    def pre_add(self, item: Webhook) -> None:
        self.pre_update(item)
        g.new_secret = item.secret = webhooks.new_secret()

    def pre_update(self, item: Webhook) -> None:
        webhooks.check_hook(item, allows_private=current_app.config["WEBHOOK_PRIVATE"])

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """As everywhere; and what was just made is shown with its secret, this once."""
        answer = super().add()
        is_made = isinstance(answer, Response) and answer.status_code == 302 and "new_secret" in g
        if not is_made:
            return answer
        hook = db.session.scalar(select(Webhook).where(Webhook.secret == g.new_secret))
        return self._secret_page(hook)

    def _secret_page(self, hook: Webhook) -> str:
        return self.render_template("webhooks/secret.html", view=self, hook=hook, secret=hook.secret)

    def buttons(self, item: Webhook) -> list[Button]:
        found = []
        if self.may_do("test"):
            found.append(Button(_("Send a test"), url_for("WebhookView.test", pk=item.id), True))
        if self.may_do("resume") and item.paused_at:
            found.append(Button(_("Resume"), url_for("WebhookView.resume", pk=item.id), True))
        if self.may_do("rotate"):
            ask = _("Make a new secret? The one in use is good for 24 hours more.")
            found.append(Button(_("Make a new secret"), url_for("WebhookView.rotate", pk=item.id), True, ask))
        return found + history_of("webhook", item.id)

    def related(self, item: Webhook) -> list[Related]:
        newest = select(WebhookDelivery).where(WebhookDelivery.webhook_id == item.id).order_by(WebhookDelivery.id.desc()).limit(10)
        rows = [(link_to_delivery(each), each.event, each.status, each.last_status, each.created_at) for each in db.session.scalars(newest)]
        columns = (_("Delivery"), _("Event"), _("State"), _("Answer"), _("Queued"))
        return [Related(_("The last deliveries"), columns, rows, url_for("WebhookDeliveryView.list", webhook=item.id))]

    @expose("/rotate/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def rotate(self, pk: str) -> str:
        """Make a new secret and show it, this once."""
        hook = self.item(pk)
        webhooks.rotate(db.session(), hook, now())
        db.session.commit()
        return self._secret_page(hook)

    @expose("/test/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def test(self, pk: str) -> Response:
        """Send a message that means nothing, and show what becomes of it."""
        delivery = webhooks.send_test(db.session(), self.item(pk), now())
        db.session.commit()
        flash(_("A test is on its way. Reload this page in some seconds to see what was answered."), "success")
        return redirect(url_for("WebhookDeliveryView.show", pk=delivery.id))

    @expose("/resume/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def resume(self, pk: str) -> Response:
        """Call a paused address again."""
        webhooks.resume(db.session(), self.item(pk))
        db.session.commit()
        flash(_("It is called again; what waited leaves now."), "success")
        return redirect(url_for("WebhookView.show", pk=pk))


def link_to_delivery(delivery: WebhookDelivery) -> Markup:
    return Markup('<a class="num" href="{}">{}</a>').format(url_for("WebhookDeliveryView.show", pk=delivery.id), delivery.key)


def resend_refusal(delivery: WebhookDelivery) -> str:
    """Return why a delivery cannot be sent again; empty when it can."""
    return _("It is on its way already.") if delivery.status in (MessageStatus.QUEUED, MessageStatus.SENDING) else ""


def drop_refusal(delivery: WebhookDelivery) -> str:
    """Return why a delivery cannot be given up; empty when it can."""
    return "" if delivery.status in (MessageStatus.QUEUED, MessageStatus.FAILED) else _("It was delivered, is on its way, or was given up.")


class WebhookDeliveryView(RuledView):
    """Each message to another program: what it said, what was answered, and what is still to happen."""

    datamodel = SQLAInterface(WebhookDelivery)
    route_base = "/webhook-delivery"
    class_permission_name = "WebhookDelivery"
    bulk = (
        Bulk(
            "resend", _l("Send again"), "resend", lambda _view, row: resend_refusal(row),
            lambda _view, row, _form: webhooks.resend(db.session(), row, now()),
        ),
        Bulk(
            "drop", _l("Give up"), "resend", lambda _view, row: drop_refusal(row),
            lambda _view, row, _form: webhooks.drop(db.session(), [row]),
        ),
    )  # fmt: skip
    include_route_methods = READ_ONLY | {"resend"}
    list_title = _l("Deliveries of webhooks")
    intro = _l("Each message has an identifier; one that is sent again keeps it, so that its receiver knows it.")
    empty_text = _l("Nothing was told to other programs yet.")
    list_columns = ["created_at", "webhook", "event", "key", "status", "n_attempts", "last_status", "sent_at"]
    show_columns = [
        "webhook", "event", "key", "pqr", "status", "n_attempts", "was_interrupted", "created_at", "next_attempt_at", "sent_at",
        "last_status", "last_answer", "last_error", "payload",
    ]  # fmt: skip
    search_words = ("key",)
    filter_columns = ("webhook", "event", "status")
    base_order = ("created_at", "desc")
    label_columns = {
        "created_at": _l("Queued"), "webhook": _l("Webhook"), "event": _l("Event"), "key": _l("Identifier"), "pqr": _l("Case"),
        "status": _l("State"), "n_attempts": _l("Attempts"), "last_status": _l("Answer"), "last_answer": _l("What was answered"),
        "last_error": _l("Why it failed"), "sent_at": _l("Delivered"), "next_attempt_at": _l("Next attempt"), "payload": _l("Message"),
        "was_interrupted": _l("It may have arrived twice"),
    }  # fmt: skip
    formatters_columns = {
        "pqr": lambda pqr: Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number),
        "event": lambda name: f"{name} · {_(EVENTS[name])}" if name in EVENTS else name,
        "last_error": lambda msgid: _(msgid) if msgid else "—",
        "payload": lambda body: Markup('<pre class="told">{}</pre>').format(json.dumps(json.loads(body), ensure_ascii=False, indent=1)),
    }

    def title_of(self, item: WebhookDelivery) -> str:
        return item.key

    def buttons(self, item: WebhookDelivery) -> list[Button]:
        if item.event == TEST or resend_refusal(item) or not self.may_do("resend"):
            return []
        return [Button(_("Send again"), url_for("WebhookDeliveryView.resend", pk=item.id), True, _("Send this message again?"))]

    @expose("/resend/<pk>", methods=["POST"])
    @has_access
    @permission_name("resend")
    def resend(self, pk: str) -> Response:
        try:
            webhooks.resend(db.session(), self.item(pk), now())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_("The message is queued again."), "success")
        return redirect(url_for("WebhookDeliveryView.show", pk=pk))
