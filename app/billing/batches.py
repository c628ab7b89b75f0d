"""Batches for the billing system: what waits, a batch of it, its file again, and how much of it was answered."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import structlog
from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import Form, RadioField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from app import jobs
from app.baseviews import READ_ONLY, Button, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import BillingKind, BillingStatus
from app.downloads import send_stored
from app.extensions import LOCAL_ZONE, db, now
from app.forms import choices_of
from app.intake import blame
from app.listing import Choices, Moment
from app.listviews import Ready
from app.models import BillingBatch, Job, StoredFile
from app.operations import billing, work
from app.reports.billing import issue_batch
from app.words import say_day

log = structlog.get_logger("atiende")
#: With more things than these a batch is long work.
MOST_AT_ONCE = 2_000
WEEK = timedelta(7)
_OPEN = BillingBatch.n_billed + BillingBatch.n_rejected < BillingBatch.n_items


def _waits(value: str, moment: Moment) -> ColumnElement[bool]:
    if value == "no":
        return ~_OPEN
    if value == "yes":
        return _OPEN
    return _OPEN & (BillingBatch.made_at < datetime.combine(moment.today - WEEK, time(), LOCAL_ZONE))


class OpenForm(FlaskForm):
    """What a batch takes, and how it is written."""

    kinds = SelectMultipleField(
        _l("What is sent"), choices=choices_of(BillingKind), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    media = RadioField(
        _l("How the file is made"), default="csv",
        choices=[("csv", _l("CSV, one file a kind, in a ZIP")), ("xlsx", _l("Excel, one sheet a kind"))],
    )  # fmt: skip


class BillingBatchView(RuledView):
    """The batches, newest first; each with its numbers by kind."""

    datamodel = SQLAInterface(BillingBatch)
    route_base = "/billing"
    class_permission_name = "BillingBatch"
    include_route_methods = READ_ONLY | {"open", "download"}
    list_template, show_template = "billing/list.html", "billing/show.html"
    list_title = _l("Batches for billing")
    intro = _l("What the billing system has to know: solutions, invoice changes, financing and reconnections, each told once.")
    empty_text = _l("Nothing was sent to billing yet. Press “Make a batch” to see what waits.")
    list_columns = ["number", "made_at", "made_by", "n_items", "n_billed", "n_rejected"]
    show_columns = ["made_at", "made_by", "n_items", "n_billed", "n_rejected"]
    search_words = ("number",)
    base_order = ("number", "desc")
    own_facets = (
        Choices("waits", _l("Waits for an answer"),
                lambda: (("yes", N_("Yes")), ("week", N_("For more than a week")), ("no", N_("No: all is answered"))), _waits),
    )  # fmt: skip
    ready_filters = (
        Ready(_l("Waits for an answer"), "waits=yes"),
        Ready(_l("Waits for more than a week"), "waits=week&order=made_at"),
    )
    label_columns = {
        "number": _l("Batch"), "made_at": _l("Made on"), "made_by": _l("By whom"), "n_items": _l("Things"), "n_billed": _l("Invoiced"),
        "n_rejected": _l("Rejected"),
    }  # fmt: skip
    formatters_columns = {"made_by": lambda user: user.get_full_name()}

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form  # a batch is made, never written

    def title_of(self, item: BillingBatch) -> str:
        return item.number

    def buttons(self, item: BillingBatch) -> list[Button]:
        return [Button(_("Download the file"), url_for("BillingBatchView.download", pk=item.id))]

    def counts(self, item: BillingBatch) -> list[tuple[str, list[tuple[str, int, str]]]]:
        """Return for its page, by kind and state, how many things there are and where they are listed."""
        return [
            (_(kind.value), [(_(status.value), n, _items_url(item, kind, status)) for status in BillingStatus if (n := found.get(status))])
            for kind, found in billing.counts_of(db.session, item).items()
        ]  # fmt: skip

    @expose("/open", methods=["GET", "POST"])
    @has_access
    @permission_name("bill")
    def open(self) -> Any:
        """See what waits; make a batch of it."""
        waiting: dict[BillingKind, Any] = {}
        form = OpenForm(data={"kinds": _asked_kinds()})
        try:
            waiting = billing.waiting(db.session)
            if form.validate_on_submit():
                return self._opened(form, waiting)
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
        form.kinds.choices = [(kind.name, _said(kind, *waiting[kind])) for kind in waiting]
        facts = {"form": form, "n": sum(n for n, _first in waiting.values()), "view": self}
        return self.render_template("billing/open.html", **facts), 422 if form.errors else 200

    def _opened(self, form: OpenForm, waiting: dict[BillingKind, Any]) -> Response:
        """Make the batch, now or as long work. Raises DomainError."""
        kinds = [BillingKind[name] for name in form.kinds.data]
        if not kinds:
            raise DomainError(N_("Choose at least one kind."), field="kinds")
        if sum(waiting[kind][0] for kind in kinds) > MOST_AT_ONCE:
            params = {"kinds": [kind.name for kind in kinds], "media": form.media.data}
            job = work.start(db.session, "billing", _("Batch for billing"), params, current_user.id, now())
            db.session.commit()
            flash(_("There are many things, so the batch is made in the background. It waits here and in your tray."), "success")
            log.info("billing", job=job.id, user_id=current_user.id, request_id=g.request_id)
            return redirect(url_for("BillingBatchView.list"))
        batch = issue_batch(db.session, kinds, form.media.data, at=now(), actor_id=current_user.id)
        db.session.commit()
        log.info("billing", batch=batch.number, n_items=batch.n_items, user_id=current_user.id, request_id=g.request_id)
        flash(_("%(number)s is made. Download its file and take it to the billing system.", number=batch.number), "success")
        return redirect(url_for("BillingBatchView.show", pk=batch.id))

    @expose("/download/<pk>")
    @has_access
    @permission_name("show")
    def download(self, pk: str) -> Response:
        """The file of the batch, the same bytes every time."""
        return send_stored(self.item(pk, ["file"]).file)


def _asked_kinds() -> list[str]:
    """Return the kinds that the address names, else all."""
    named = [name for name in request.args.getlist("kind") if name in BillingKind.__members__]
    return named or [kind.name for kind in BillingKind]


def _said(kind: BillingKind, n: int, first: Any) -> str:
    if not n:
        return _("%(kind)s: nothing waits", kind=_(kind.value))
    waits = ngettext("%(num)s waits", "%(num)s wait", n)
    return _("%(kind)s: %(waits)s, the oldest of %(day)s", kind=_(kind.value), waits=waits, day=say_day(first))


def _items_url(batch: BillingBatch, kind: BillingKind, status: BillingStatus) -> str:
    return url_for("BillingItemView.list", batch=batch.id, kind=kind.name, status=status.name)


@jobs.handler("billing")
def make_batch(session: Session, job: Job, progress: jobs.Progress) -> StoredFile | None:
    """Make the batch that somebody asked for. Done again after its worker died, it finds what was made, or begins anew."""
    progress(0, None, _("Gathering what waits"))
    batch = billing.batch_of_job(session, job.id)
    if batch is None:
        kinds = [BillingKind[name] for name in job.params["kinds"]]
        batch = issue_batch(session, kinds, job.params["media"], at=now(), actor_id=job.asked_by_id, job_id=job.id)
        session.commit()
    job.result = _("%(number)s is made, with %(n)s things.", number=batch.number, n=batch.n_items)
    return batch.file
