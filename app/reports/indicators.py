"""The indicators as a workbook: their sheets, all their values as they were reported, and what was written beside them afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.extensions import local
from app.models import Indicator, IndicatorNote, IndicatorValue
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report, format_of
from app.reports.xlsx import write_sheets
from app.words import say_day, say_instant


class _Sheet(Report):
    """What the sheets share: no form, no totals; each is part of one workbook."""

    description, code, form = "", "", FilterForm

    def totals(self) -> list[Figure]:
        return []

    def filters_in_words(self) -> list[str]:
        return []


class CoverSheet(_Sheet):
    """Which controlled format it fills, of whom, by whom and when."""

    identifier, name = "indicator_cover", N_("Cover")
    header = (Column(N_("What"), Kind.TEXT, 28), Column(N_("Value"), Kind.TEXT, 70))

    def __init__(self, session: Session, author: str, at: datetime) -> None:
        self._session, self._author, self._at = session, author, at

    def rows(self) -> Iterator[Cells]:
        """Yield a row a fact; a code and a version only where the register has an edition in force."""
        format = format_of(self._session, "indicators", _("Board of indicators"))
        yield _("Company"), queries.organisation(self._session).name
        yield _("Report"), format.name
        if format.code:
            yield _("Code"), format.code
            yield _("Version"), format.version
        if format.changed_on:
            yield _("Last change"), say_day(format.changed_on)
        yield _("Issued by"), self._author
        yield _("Issued"), say_instant(self._at)


class DefinitionSheet(_Sheet):
    """The sheet of each indicator, one a row."""

    identifier, name = "indicator_sheets", N_("Indicators")
    header = (
        Column(N_("Code"), Kind.TEXT, 10), Column(N_("Name"), Kind.TEXT, 36), Column(N_("Process"), Kind.TEXT, 26),
        Column(N_("What it is for"), Kind.TEXT, 50, wraps=True), Column(N_("Formula"), Kind.TEXT, 50, wraps=True),
        Column(N_("Unit"), Kind.TEXT, 14), Column(N_("Which way is good"), Kind.TEXT, 20), Column(N_("Goal"), Kind.DECIMAL, 10),
        Column(N_("Near the goal up to"), Kind.DECIMAL, 12), Column(N_("Months of a period"), Kind.INT, 10),
        Column(N_("Source of the figures"), Kind.TEXT, 34), Column(N_("What asks for it"), Kind.TEXT, 34),
        Column(N_("How sure its rule is"), Kind.TEXT, 24), Column(N_("Who analyses it"), Kind.TEXT, 26), Column(N_("In use"), Kind.BOOL, 8),
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self) -> Iterator[Cells]:
        """Yield a row an indicator."""
        wanted = select(Indicator).order_by(Indicator.position, Indicator.code)
        for each in self._session.scalars(wanted.options(joinedload(Indicator.process), joinedload(Indicator.responsible))):
            yield (
                each.code, each.name, each.process.name if each.process else None, each.definition, each.formula, each.unit,
                _(each.direction.value), each.goal, each.fair, each.months, each.source, each.norm, each.confidence,
                each.responsible.get_full_name() if each.responsible else None, each.is_active,
            )  # fmt: skip


class ValueSheet(_Sheet):
    """All values, oldest first, as they were reported; drafts say so."""

    identifier, name = "indicator_values", N_("Values")
    header = (
        Column(N_("Code"), Kind.TEXT, 10), Column(N_("Name"), Kind.TEXT, 36), Column(N_("From"), Kind.DATE, 11),
        Column(N_("Until"), Kind.DATE, 11), Column(N_("Numerator"), Kind.DECIMAL, 12), Column(N_("Denominator"), Kind.DECIMAL, 12),
        Column(N_("Value"), Kind.DECIMAL, 12), Column(N_("Unit"), Kind.TEXT, 14), Column(N_("Goal"), Kind.DECIMAL, 10),
        Column(N_("Result"), Kind.TEXT, 20), Column(N_("Left out"), Kind.INT, 10), Column(N_("Analysis"), Kind.TEXT, 60, wraps=True),
        Column(N_("Reported"), Kind.DATETIME, 16), Column(N_("Reported by"), Kind.TEXT, 26), Column(N_("Action"), Kind.TEXT, 15),
        Column(N_("Why no action"), Kind.TEXT, 40, wraps=True), Column(N_("Reckoned again"), Kind.DECIMAL, 12),
        Column(N_("Differs since"), Kind.DATE, 11),
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self) -> Iterator[Cells]:
        """Yield a row a period."""
        wanted = select(IndicatorValue).join(IndicatorValue.indicator)
        wanted = wanted.order_by(Indicator.position, Indicator.code, IndicatorValue.period_from)
        loaded = [joinedload(getattr(IndicatorValue, name)) for name in ("indicator", "action", "reported_by")]
        for each in self._session.scalars(wanted.options(*loaded)):
            yield (
                each.indicator.code, each.indicator.name, each.period_from, each.period_until, each.numerator, each.denominator, each.value,
                each.indicator.unit, each.goal, _(each.standing.value), each.n_excluded, each.analysis, _clock(each.reported_at),
                each.reported_by.get_full_name() if each.reported_by else _("Draft"), each.action.number if each.action else None,
                each.no_action_reason, each.later_value, each.differs_since,
            )  # fmt: skip


class NoteSheet(_Sheet):
    """Corrections and remarks, which stand beside what was reported."""

    identifier, name = "indicator_notes", N_("Corrections and remarks")
    header = (
        Column(N_("Code"), Kind.TEXT, 10), Column(N_("Name"), Kind.TEXT, 36), Column(N_("From"), Kind.DATE, 11),
        Column(N_("Until"), Kind.DATE, 11), Column(N_("Reported"), Kind.DECIMAL, 12),
        Column(N_("What should have been reported"), Kind.DECIMAL, 14), Column(N_("Reason"), Kind.TEXT, 60, wraps=True),
        Column(N_("Written"), Kind.DATETIME, 16), Column(N_("By"), Kind.TEXT, 26),
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self) -> Iterator[Cells]:
        """Yield a row a note."""
        loaded = joinedload(IndicatorNote.value).joinedload(IndicatorValue.indicator), joinedload(IndicatorNote.author)
        for each in self._session.scalars(select(IndicatorNote).order_by(IndicatorNote.id).options(*loaded)):
            value = each.value
            yield (
                value.indicator.code, value.indicator.name, value.period_from, value.period_until, value.value, each.right_value,
                each.reason, _clock(each.at), each.author.get_full_name() if each.author else None,
            )  # fmt: skip


def _clock(instant: datetime | None) -> Any:
    return local(instant).replace(tzinfo=None) if instant else None


def workbook(session: Session, author: str, at: datetime) -> BinaryIO:
    """Return the workbook, written to its end."""
    sheets: list[Report] = [CoverSheet(session, author, at), DefinitionSheet(session), ValueSheet(session), NoteSheet(session)]
    file = TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    for sheet in sheets:
        sheet.name = _(sheet.name)  # type: ignore[misc]
    write_sheets(sheets, file)
    return file
