"""The audit pack: clause by clause what the system can show for a period and what is missing; one press puts it all in a ZIP."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import BooleanField, IntegerField
from wtforms.validators import InputRequired, NumberRange
from wtforms.validators import Optional as Empty

from app.domain.clauses import CLAUSES, MOST_SAMPLE, MOST_SEED, OUTSIDE, SAMPLE, Light, Period, Weight, check_period, light_of
from app.domain.errors import DomainError
from app.domain.states import PqrStatus
from app.extensions import db, now, start_writing, today
from app.forms import LenientDateField
from app.intake import blame
from app.models import Job
from app.operations import auditpack, work
from app.qms.links import may_open
from app.qms.packing import KIND, Wanted
from app.security import may
from app.words import say_day

TONES = {Light.GREEN: "ok", Light.AMBER: "warn", Light.RED: "bad", Light.GREY: "stop"}
WEIGHTS = {Weight.MINOR: "warn", Weight.MAJOR: "bad"}
#: Packs of the reader that the page names; all of his works are in his tray.
MOST_PACKS = 5

#: Where the rows behind a count or a gap are listed: `{p}` is the period, `{y}` yesterday, `{w}` and `{m}`
#: the day before a week and thirty days ago, `{s}` every state of a case that counts.
LINKS: dict[str, str] = {
    "groups": "/interested/", "needs": "/need/list/?is_active=1", "mechanisms": "/mechanism/list/?is_active=1",
    "evidence": "/evidence/list/?on={p}", "mechanisms_overdue": "/mechanism/list/?due=overdue",
    "needs_unfollowed": "/need/list/?is_active=1&mechanism=empty", "legal": "/legalrequirement/list/?is_active=1",
    "legal_never": "/legalrequirement/list/?is_active=1&evaluated_on=empty",
    "legal_overdue": "/legalrequirement/list/?is_active=1&next_on=overdue",
    "legal_failing": "/legalrequirement/list/?is_active=1&standing=PARTLY,FAILS", "processes": "/process/list/?is_active=1",
    "processes_unowned": "/processmember/list/", "sheets": "/process-sheet/list/", "processes_unsheeted": "/process-sheet/list/",
    "filed": "/pqr/?filed_on={p}&status={s}", "answered": "/pqr/?answered_on={p}",
    "answered_in_time": "/pqr/?answered_on={p}&timeliness=IN_TIME",
    "answered_late": "/pqr/?answered_on={p}&timeliness=LATE", "silences": "/silence/list/?arisen_on={p}",
    "cases_overdue": "/pqr/?light=late,silence", "silences_open": "/silence/list/?pending=1", "risks": "/risk/list/?state=OPEN",
    "risks_unattended": "/risk/list/?gap=1", "risks_overdue": "/risk/list/?late=1",
    "risk_actions": "/action/list/?origin=RISK&asked_on={p}", "processes_unrisked": "/risk-map/",
    "editions_waiting": "/controlled-document/list/?draft=1", "calendar_changes": "/calendar/",
    "messages": "/outbox/list/?status=SENT&sent_at={p}", "messages_failed": "/outbox/list/?status=FAILED&created_at={p}",
    "unnotified": "/pqr/?status=ANSWERED&answered_on=..{w}", "controlled": "/controlled-document/list/?is_active=1",
    "in_force": "/controlled-document/list/?is_active=1&in_force=1",
    "documents_unissued": "/controlled-document/list/?is_active=1&in_force=0", "quotations": "/quotation/list/?sent_on={p}",
    "contracts_signed": "/contract/list/?signed_on={p}", "contracts": "/contract/list/?state=ACTIVE,ENDING",
    "checklists": "/checklist/list/?status=CLOSED&approved_at={p}", "contracts_unverified": "/compliance/",
    "findings_open": "/checklist/list/?findings=1", "contracts_bare": "/contract/list/?state=ACTIVE,ENDING",
    "closed": "/pqr/?status=CLOSED&closed_on={p}", "closed_unanswered": "/pqr/?status=CLOSED&closed_on={p}",
    "orders": "/orden/list/?status=DONE&done_on={p}", "orders_overdue": "/orden/list/?status=ISSUED&due_on=..{y}",
    "invoice_changes": "/invoice-change/list/?status=AUTHORISED&authorised_on={p}",
    "financings": "/financing/list/?status=SIGNED&signed_on={p}", "outputs": "/nonconformity/list/?found_on={p}",
    "outputs_untreated": "/nonconformity/list/?status=OPEN&found_on=..{m}", "outputs_unverified": "/nonconformity/list/?status=TREATED",
    "outputs_closed": "/nonconformity/list/?verified_on={p}", "indicators": "/indicators/", "values": "/indicators/",
    "values_reported": "/indicators/", "values_good": "/indicators/", "indicators_unmeasured": "/indicators/",
    "values_unreported": "/indicators/", "values_analysed": "/indicators/", "values_unanalysed": "/indicators/",
    "campaigns": "/surveycampaign/list/?status=CLOSED&closed_at={p}",
    "campaigns_unreported": "/surveycampaign/list/?status=CLOSED&closed_at={p}",
    "campaigns_unconcluded": "/surveycampaign/list/?status=CLOSED&closed_at={p}", "ratings": "/rating/list/?rated_on={p}",
    "alarms_open": "/survey-alarm/list/?status=OPEN", "no_campaign": "/surveycampaign/list/",
    "reviews": "/management-review/list/?status=SIGNED&held_on={p}", "no_review": "/management-review/list/",
    "reviews_unsigned": "/management-review/list/?status=DRAFT", "decisions": "/management-review/list/?status=SIGNED&held_on={p}",
    "decisions_late": "/action/list/?origin=REVIEW&late=1", "improvements": "/action/list/?kind=IMPROVEMENT&asked_on={p}",
    "preventive": "/action/list/?kind=PREVENTIVE&asked_on={p}", "actions": "/action/list/?kind=CORRECTION,CORRECTIVE&asked_on={p}",
    "actions_done": "/action/list/?status=DONE&ended_on={p}", "audit_actions": "/action/list/?origin=AUDIT&asked_on={p}",
    "actions_late": "/action/list/?status=OPEN,PLANNED,RUNNING&due_on=..{y}",
    "reviews_late": "/action/list/?status=REVIEW&review_on=..{y}", "actions_uncaused": "/action/list/?status=OPEN&asked_on=..{m}",
    "tasks_late": "/action/list/?task=late", "no_improvement": "/action/list/", "no_effect": "/action/list/?status=REVIEW",
    "effective": "/action/list/?verdict=EFFECTIVE", "not_effective": "/action/list/?verdict=NOT_EFFECTIVE",
}  # fmt: skip


class PeriodForm(FlaskForm):
    """Which period is looked at; it travels in the address and changes nothing."""

    class Meta:
        csrf = False

    since = LenientDateField(_l("From"), validators=[InputRequired(_l("Write the first day of the period."))])
    until = LenientDateField(_l("Until"), validators=[InputRequired(_l("Write the last day of the period."))])


class PackForm(FlaskForm):
    since, until = PeriodForm.since, PeriodForm.until
    n = IntegerField(
        _l("Records of each kind"), default=SAMPLE, validators=[InputRequired(), NumberRange(1, MOST_SAMPLE)],
        description=_l("How many are drawn at most."),
    )  # fmt: skip
    seed = IntegerField(
        _l("Seed of the drawing"), validators=[Empty(), NumberRange(1, MOST_SEED)],
        description=_l("A number that the auditor may give. Empty: one is drawn, and the pack says which."),
    )  # fmt: skip
    with_files = BooleanField(
        _l("With the documents that are drawn and the filled formats"), default=True,
        description=_l("They hold personal data. Without them the pack only has counts, gaps and the list of what was drawn."),
    )  # fmt: skip


def _links(period: Period, on: date) -> dict[str, str]:
    """Return where the rows of each key are listed, as far as the reader may open it."""
    yesterday = on - auditpack.DAY
    parts = {
        "p": f"{period.since}..{period.until}", "y": str(yesterday), "w": str(yesterday - auditpack.WEEK),
        "m": str(yesterday - auditpack.MONTH), "s": ",".join(each.name for each in PqrStatus if each is not PqrStatus.VOIDED),
    }  # fmt: skip
    return {key: path.format(**parts) for key, path in LINKS.items() if may_open(path)}


class AuditPackView(BaseView):
    """`/audit-pack/`: what an auditor asks for, of a period."""

    route_base = "/audit-pack"
    default_view = "list"
    class_permission_name = "AuditPack"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """Clause by clause: counts, gaps and links, of the period in the address; this year unless it says another."""
        on = today()
        form = PeriodForm(request.args if "since" in request.args else None, data={"since": on.replace(month=1, day=1), "until": on})
        return self._page(form, PackForm(formdata=None, data={"since": form.since.data, "until": form.until.data}))

    def _page(self, form: PeriodForm, asked: PackForm) -> Any:
        period = self._period(form)
        facts: dict[str, Any] = {"form": form, "asked": asked, "period": period, "may_make": may("can_make", "AuditPack")}
        if period is not None:
            numbers = auditpack.numbers(db.session(), period, today())
            lights = {clause.number: light_of(clause, numbers) for clause in CLAUSES}
            counted = [(light, [*lights.values()].count(light)) for light in Light]
            facts |= {"numbers": numbers, "lights": lights, "counted": counted, "links": _links(period, today())}
        page = self.render_template(
            "qms/audit_pack.html", clauses=CLAUSES, outside=OUTSIDE, tones=TONES, weights=WEIGHTS, on=today(), packs=self._packs(), **facts
        )
        return page, 422 if form.errors or asked.errors else 200

    @staticmethod
    def _period(form: PeriodForm | PackForm) -> Period | None:
        """Return the period of a valid form, else leave in it what is wrong."""
        if form.since.data is None or form.until.data is None:
            form.validate()
            return None
        try:
            return check_period(form.since.data, form.until.data, today())
        except DomainError as error:
            blame(form, error)
            return None

    @staticmethod
    def _packs() -> Any:
        mine = select(Job).where(Job.kind == KIND, Job.asked_by_id == current_user.id)
        return db.session.scalars(mine.order_by(Job.id.desc()).limit(MOST_PACKS)).all()

    @expose("/make", methods=["POST"])
    @has_access
    @permission_name("make")
    def make(self) -> Any:
        """Ask for the pack; it is made in the background and waits in the tray."""
        form = PackForm()
        period = self._period(form) if form.validate() else None
        if period is None:
            shown = PeriodForm(formdata=None, data={"since": form.since.data, "until": form.until.data})
            return self._page(shown, form)
        start_writing()
        with_files = bool(form.with_files.data) and may("can_download", "AuditPack")
        wanted = Wanted(period, form.seed.data or 1 + secrets.randbelow(999_999), form.n.data, with_files, may("can_see_reserved"))
        title = _("Audit pack, %(since)s to %(until)s", since=say_day(period.since), until=say_day(period.until))
        job = work.start(db.session(), KIND, title, wanted.params(), current_user.id, now())
        db.session.commit()
        flash(_("The pack is being put together. It waits here and in your tray; you may leave this page."), "success")
        return redirect(url_for("WorkView.show", pk=job.id))
