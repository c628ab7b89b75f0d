"""The legal matrix as a file, with the columns that companies keep in theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.domain import N_
from app.models import LegalEvaluation
from app.operations import legalmatrix
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report

HEADER = (
    Column(N_("No."), width=9), Column(N_("Norm"), wraps=True, width=28), Column(N_("Articles"), wraps=True, width=18),
    Column(N_("Topic"), wraps=True, width=26), Column(N_("Obligation"), wraps=True, width=52),
    Column(N_("Applies to"), wraps=True, width=26),
    Column(N_("How it is met"), wraps=True, width=40), Column(N_("Process"), wraps=True, width=22),
    Column(N_("Responsible"), wraps=True, width=22), Column(N_("Where it was read"), wraps=True, width=26),
    Column(N_("How sure it is"), wraps=True, width=22), Column(N_("Every how many months"), Kind.INT, 12),
    Column(N_("Last evaluation"), Kind.DATE, 13), Column(N_("Result"), wraps=True, width=16),
    Column(N_("Evidence of compliance"), wraps=True, width=40),
    Column(N_("Action, or why none"), wraps=True, width=26), Column(N_("Next evaluation"), Kind.DATE, 13),
    Column(N_("State"), wraps=True, width=18),
)  # fmt: skip


class LegalMatrix(Report):
    """The rows in use with the newest evaluation of each; they are read at once, for they are few."""

    identifier: ClassVar[str] = "legal_matrix"
    name: ClassVar[str] = N_("Legal matrix")
    description: ClassVar[str] = N_("What norms oblige the company to, how it is met, and its last evaluation (ISO 9001:2015, 4.2).")
    header: ClassVar[tuple[Column, ...]] = HEADER
    form: ClassVar[type[FilterForm]] = FilterForm

    def __init__(self, session: Session, today: date) -> None:
        self._rows, self._today = legalmatrix.matrix(session), today
        self._latest = legalmatrix.latest_of(session, [item.id for item in self._rows])

    def rows(self) -> Iterator[Cells]:
        """Yield a row an obligation."""
        for item in self._rows:
            state = legalmatrix.state_of(item, self._today)
            yield (
                f"ML-{item.id}", item.norm, item.articles, item.topic, item.obligation, item.applies_to, item.how_met,
                item.process.name if item.process else None, item.responsible.get_full_name() if item.responsible else None, item.source,
                item.confidence, item.every_months, *_found(self._latest.get(item.id)), item.next_on, _(state.value),
            )  # fmt: skip

    def totals(self) -> list[Figure]:
        return [Figure(_(words), n) for words, n in legalmatrix.sums(self._rows, self._today)]

    def filters_in_words(self) -> list[str]:
        return [_("Obligations in use")]


def _found(row: LegalEvaluation | None) -> Cells:
    return (row.on, _(row.result.value), row.evidence, legalmatrix.follow_up(row)) if row is not None else (None,) * 4
