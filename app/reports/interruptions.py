"""
Interruptions of the network that began in a period: how many, how long, for how many subscribers, announced or not, and which cases they
caused. What each figure counts: docs/rules/interruptions.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session
from wtforms import SelectField
from wtforms.validators import Optional as Empty

from app.domain import N_
from app.domain.interruptions import InterruptionKind, NoticeStanding, minutes_of, notice_standing
from app.domain.reports import ReportGroup
from app.domain.sui import first_of, last_of
from app.extensions import LOCAL_ZONE, local
from app.models import Interruption, InterruptionCause, Municipality, Pqr, Service
from app.reports.base import Cells, Column, Figure, Kind, Linked, Offer, Part, Reader
from app.reports.forms import ReportForm
from app.reports.grouping import By, Count, More, PeriodReport, enum_field, said, share

HUNDREDTH = Decimal("0.01")
ROWS = (
    Column(N_("Number"), Kind.TEXT, 16), Column(N_("Kind"), Kind.TEXT, 14), Column(N_("Cause"), Kind.TEXT, 30),
    Column(N_("Service"), Kind.TEXT, 16), Column(N_("Municipality"), Kind.TEXT, 20), Column(N_("Sector"), Kind.TEXT, 34, wraps=True),
    Column(N_("Start"), Kind.DATETIME, 17), Column(N_("Restored at"), Kind.DATETIME, 17), Column(N_("Hours"), Kind.DECIMAL, 10),
    Column(N_("Subscribers reached"), Kind.INT, 12), Column(N_("Estimated"), Kind.BOOL, 10),
    Column(N_("Subscriber-hours"), Kind.DECIMAL, 14), Column(N_("Notice to the users"), Kind.TEXT, 26),
    Column(N_("Alternative supply"), Kind.TEXT, 30, wraps=True), Column(N_("Cases of its mass event"), Kind.INT, 12),
)  # fmt: skip


class InterruptionForm(ReportForm):
    """Besides the period: a service, and whether they were planned."""

    service = SelectField(_l("Service"), default="", validators=[Empty()])
    kind = enum_field(_l("Kind"), InterruptionKind)

    def load(self, session: Session, reader: Reader) -> None:
        found = session.execute(select(Service.id, Service.name).order_by(Service.position, Service.id))
        self.service.choices = [("", _("All")), *((str(key), name) for key, name in found)]


def standing_of(fact: Any) -> NoticeStanding:
    return notice_standing(fact.kind, fact.notice_on, fact.starts_on)


def _told(standing: NoticeStanding, title: str) -> Count:
    return Count(title, lambda fact: standing_of(fact) is standing, {"notice": standing.name})


COUNTS = (
    Count(N_("Interruptions"), lambda _fact: True, {}),
    Count(N_("Planned"), lambda fact: fact.kind is InterruptionKind.PLANNED, {"kind": "PLANNED"}),
    Count(N_("Without alternative supply"), lambda fact: not fact.has_alternative),
)
STANDINGS = tuple(_told(each, each.value) for each in NoticeStanding)


class InterruptionReport(PeriodReport):
    """What began in the period, as it stands on the day of the report; the voided ones and those still to begin are left out."""

    identifier = "interruptions"
    name = N_("Interruptions of the service")
    description = N_("What left sectors without service: by cause, hours, subscriber-hours, announced or not, and the cases they caused.")
    form = InterruptionForm
    list_path, list_right = "/interruption/list/", ("can_list", "Interruption")

    def _listed(self) -> dict[str, str]:
        form = self._asked.form
        return {
            "starts_on": str(self._span), "service": form.service.data or "", "kind": form.kind.data or "", "state": "RUNNING,RESTORED",
        }  # fmt: skip

    def _sees_all(self) -> bool:
        return True  # the register has no owner: whoever may read it reads all of it

    # What is counted

    def _wanted(self, *columns: Any) -> Select[Any]:
        form, span = self._asked.form, self._span
        begun = Interruption.starts_at <= self._asked.at.replace(tzinfo=LOCAL_ZONE)
        statement = select(*columns).where(Interruption.starts_on.between(span.since, span.until), Interruption.voided_at.is_(None), begun)
        if form.service.data:
            statement = statement.where(Interruption.service_id == int(form.service.data))
        return statement.where(Interruption.kind == InterruptionKind[form.kind.data]) if form.kind.data else statement

    def _statement(self) -> Select[Any]:
        """Return the SELECT of each of them: they are few, and their hours are not added up alike by the two engines."""
        columns = (
            Interruption.id, Interruption.number, Interruption.kind, Interruption.cause_id, InterruptionCause.name.label("cause"),
            Interruption.service_id, Service.name.label("service"), Interruption.municipality_code,
            Municipality.name.label("municipality"), Interruption.sector, Interruption.starts_at, Interruption.starts_on,
            Interruption.ends_at, Interruption.n_subscribers, Interruption.is_estimated, Interruption.notice_on,
            Interruption.has_alternative, Interruption.alternative, Interruption.mass_event_id, literal(1).label("n"),
        )  # fmt: skip
        rows = self._wanted(*columns).join(InterruptionCause, InterruptionCause.id == Interruption.cause_id)
        rows = rows.join(Service, Service.id == Interruption.service_id)
        rows = rows.join(Municipality, Municipality.code == Interruption.municipality_code)
        return rows.order_by(Interruption.starts_at, Interruption.id)

    @cached_property
    def _cases(self) -> dict[int, int]:
        """How many cases in the reader's scope each mass event of them has."""
        if not self._reader.may("can_list", "Pqr"):
            return {}
        events = {fact.mass_event_id for fact in self.facts if fact.mass_event_id}
        counted = select(Pqr.mass_event_id, func.count()).where(Pqr.mass_event_id.in_(events)).group_by(Pqr.mass_event_id)
        return dict(tuple(row) for row in self._session.execute(self._reader.scope("pqr", counted))) if events else {}

    def _minutes(self, fact: Any) -> int:
        return minutes_of(fact.starts_at, fact.ends_at, self._asked.at.replace(tzinfo=LOCAL_ZONE))

    def _hours(self, facts: Sequence[Any]) -> Decimal:
        return (Decimal(sum(map(self._minutes, facts))) / 60).quantize(HUNDREDTH)

    def _subscriber_hours(self, facts: Sequence[Any]) -> Decimal:
        return (Decimal(sum(self._minutes(fact) * (fact.n_subscribers or 0) for fact in facts)) / 60).quantize(HUNDREDTH)

    def _n_cases(self, facts: Sequence[Any]) -> int:
        return sum(self._cases.get(event, 0) for event in {fact.mass_event_id for fact in facts})

    # What it says

    def headline(self) -> list[Figure]:
        n, planned = self._n(), self._n(COUNTS[1].counts)
        untold = self._n(lambda fact: standing_of(fact) in (NoticeStanding.NONE, NoticeStanding.LATE))
        running = self._n(lambda fact: fact.ends_at is None)
        unknown = self._n(lambda fact: fact.n_subscribers is None)
        told = [
            Figure(_("Interruptions that began in the period"), n, self.to({})), Figure(_("Still without service"), running,
            self.to({"state": "RUNNING"}), tone="bad" if running else ""), Figure(_("Hours without service"), self._hours(self.facts)),
            Figure(_("Subscriber-hours"), self._subscriber_hours(self.facts)),
            Figure(_("Planned without notice before"), untold, self.to({"notice": "NONE,LATE"}), tone="bad" if untold else ""),
            Figure(_("Without a number of subscribers"), unknown, tone="warn" if unknown else ""),
            Figure(_("Cases of their mass events"), self._n_cases(self.facts)),
        ]  # fmt: skip
        in_time = self._n(lambda fact: fact.kind is InterruptionKind.PLANNED and standing_of(fact) is NoticeStanding.IN_TIME)
        shares = ((_("Planned"), share(planned, n)), (_("Of the planned, announced in time"), share(in_time, planned)))
        return told + [Figure(label, value, unit="%") for label, value in shares if value is not None]

    def _month(self, fact: Any) -> str:
        first, last = max(first_of(fact.starts_on), self._span.since), min(last_of(fact.starts_on), self._span.until)
        return f"{first}..{last}"

    def _made(self) -> Iterator[Part]:
        names = {("cause", fact.cause_id): fact.cause for fact in self.facts}
        names |= {("service", fact.service_id): fact.service for fact in self.facts}
        names |= {("place", fact.municipality_code): fact.municipality for fact in self.facts}
        about = _(
            "What began in the period, whole, as it stands today; what goes on counts until now. Voided ones are left out. "
            "Subscriber-hours add up the hours of each one times the subscribers it reached; one without that number adds nothing. Cases "
            "are those of its mass event that the reader may see."
        )
        more = (
            More(Column(N_("Hours"), Kind.DECIMAL, 12), self._hours),
            More(Column(N_("Subscriber-hours"), Kind.DECIMAL, 14), self._subscriber_hours),
            More(Column(N_("Cases of their mass events"), Kind.INT, 12), self._n_cases),
        )
        groupings = (
            ("causes", N_("By cause"), By(N_("Cause"), lambda fact: fact.cause_id, lambda key: names["cause", key], "cause")),
            ("months", N_("By month"), By(N_("Month"), self._month, lambda key: key[:7], "starts_on", in_order=True)),
            ("services", N_("By service"), By(N_("Service"), lambda fact: fact.service_id, lambda key: names["service", key], "service")),
            ("places", N_("By municipality"),
             By(N_("Municipality"), lambda fact: fact.municipality_code, lambda key: names["place", key], "municipality")),
        )  # fmt: skip
        for key, title, by in groupings:
            yield self.table(key, _(title), by, COUNTS, more, about=about if key == "causes" else "", has_plot=key in ("causes", "months"))
        planned = _("Planned works ask for ample and timely notice (Ley 142 of 1994, art. 139.1); the law gives no number of days.")
        by = By(N_("Kind"), lambda fact: fact.kind, said, "kind", in_order=True)
        yield self.table("notices", _("Notice to the users"), by, STANDINGS, about=planned)
        yield self.detail(_("Interruptions, one by one"), ROWS, self._rows, self._n)

    def _rows(self, limit: int | None) -> Iterator[Cells]:
        for fact in self.facts[:limit]:
            starts, ends = (local(each).replace(tzinfo=None) if each else None for each in (fact.starts_at, fact.ends_at))
            yield (
                Linked(fact.number, f"/interruption/show/{fact.id}"), _(fact.kind.value), fact.cause, fact.service, fact.municipality,
                fact.sector, starts, ends, self._hours([fact]), fact.n_subscribers, fact.is_estimated,
                None if fact.n_subscribers is None else self._subscriber_hours([fact]), _(standing_of(fact).value), fact.alternative,
                self._cases.get(fact.mass_event_id, 0) if fact.mass_event_id else None,
            )  # fmt: skip


OFFER = Offer(
    InterruptionReport, ReportGroup.REGULATOR, ("can_list", "Interruption"), InterruptionReport,
    N_("For the operation and the regulator: how often, how long and for how many the service failed, and whether it was announced."),
    "Ley 142 de 1994, art. 139", words=(N_("continuity"), N_("cut"), N_("suspension of the service"), N_("subscribers")),
)  # fmt: skip
