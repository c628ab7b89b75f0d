"""The claims files of the SUI that were frozen: month by month and service by service, with their hash and what the SUI acknowledged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from app.domain import N_
from app.domain.reports import ReportGroup
from app.domain.sui import LoadStatus, SuiFormat, first_of
from app.extensions import local
from app.models import Service, SuiLoad
from app.reports.base import Asked, Cells, Column, Figure, Kind, Linked, Offer, Part, PartedReport, n_of
from app.reports.forms import ReportForm

HEADER = (
    Column(N_("Month"), Kind.TEXT, 10), Column(N_("Service"), Kind.TEXT, 18), Column(N_("Version"), Kind.INT, 9),
    Column(N_("State"), Kind.TEXT, 28), Column(N_("Rows"), Kind.INT, 10), Column(N_("Frozen"), Kind.DATETIME, 17),
    Column(N_("Reported to the SUI"), Kind.DATE, 12), Column(N_("Receipt"), Kind.TEXT, 24),
    Column(N_("Why it was reported again"), Kind.TEXT, 40, wraps=True), Column(N_("Hash (SHA-256)"), Kind.TEXT, 66),
)  # fmt: skip


class SuiClaims(PartedReport):
    """The frozen months of a period. Whoever may open the desk sees all of them."""

    identifier = "sui_claims"
    name = N_("Claims files of the SUI")
    description = N_("Each month of claims that was frozen: its version, its rows, its hash, and when the SUI acknowledged it.")
    form = ReportForm

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._span = asked.form.span(asked.today)

    def _loads(self, *columns: Any) -> Select[Any]:
        between = SuiLoad.month.between(first_of(self._span.since), self._span.until)
        return select(*columns).join(Service, Service.id == SuiLoad.service_id).where(SuiLoad.format == SuiFormat.CLAIMS, between)

    def _rows(self) -> Iterator[Cells]:
        found = self._loads(SuiLoad, Service.name).order_by(SuiLoad.month, Service.position, Service.id, SuiLoad.version)
        for load, service in self._asked.session.execute(found):
            yield (
                Linked(f"{load.month:%Y-%m}", f"/sui/load/{load.id}"), service, load.version, _(load.status.value), load.n_rows,
                local(load.frozen_at).replace(tzinfo=None), load.sent_on, load.receipt or None, load.reason or None, load.sha256,
            )  # fmt: skip

    def parts(self) -> Sequence[Part]:
        n_rows = self._loads(SuiLoad.id)
        about = _("The months of the period that were frozen, every version of each. Months that nobody froze are on the desk.")
        return (Part("loads", _(self.name), HEADER, self._rows, about, n_rows=lambda: n_of(self._asked.session, n_rows)),)

    def headline(self) -> list[Figure]:
        counted = self._loads(SuiLoad.status, func.count(), func.sum(SuiLoad.n_rows)).group_by(SuiLoad.status)
        found = {status: (n, rows) for status, n, rows in self._asked.session.execute(counted)}
        sent, frozen = (found.get(status, (0, 0)) for status in (LoadStatus.SENT, LoadStatus.FROZEN))
        return [
            Figure(_("Months reported"), sent[0]),
            Figure(_("Frozen, not reported"), frozen[0], tone="warn" if frozen[0] else ""),
            Figure(_("Rows of both"), int(sent[1] + frozen[1])),
        ]

    def filters_in_words(self) -> list[str]:
        return self._asked.form.in_words(self._asked.today)


OFFER = Offer(
    SuiClaims, ReportGroup.REGULATOR, ("can_list", "Sui"), SuiClaims,
    N_("For the Subgerencia and Control interno: which months were reported to the Superservicios, and the proof of each."),
    "Resolución SSPD 20151300054575 de 2015", address="/sui/", words=("SUI", N_("claims"), N_("regulator"), "Superservicios"),
)  # fmt: skip
