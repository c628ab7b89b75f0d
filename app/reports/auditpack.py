"""The sheets of an audit pack: what was counted, what is missing, what was drawn; and the registers of actions and of outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from app.domain import N_
from app.domain.clauses import CLAUSES, Period, light_of
from app.models import Action, Nonconformity
from app.operations.audit_samples import Sampled
from app.operations.auditpack import ALIVE, during
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report


class _Sheet(Report):
    """What the sheets share: they hold what was read already, and no filter."""

    description: ClassVar[str] = ""
    form: ClassVar[type[FilterForm]] = FilterForm

    def __init__(self) -> None:
        self.name = _(self.name)  # type: ignore[misc]  what its sheet is called

    def totals(self) -> list[Figure]:
        return []

    def filters_in_words(self) -> list[str]:
        return []


class ClauseSheet(_Sheet):
    """Every count and every gap, a line each."""

    identifier: ClassVar[str] = "audit_pack"
    name: ClassVar[str] = N_("Clauses")
    header: ClassVar[tuple[Column, ...]] = (
        Column(N_("Clause of ISO 9001"), width=10), Column(N_("What it is about"), wraps=True, width=34),
        Column(N_("At a glance"), wraps=True, width=24), Column(N_("What it is"), width=12),
        Column(N_("Concept"), wraps=True, width=60), Column(N_("How many"), Kind.INT, 10),
        Column(N_("How much it weighs"), wraps=True, width=24),
    )  # fmt: skip

    def __init__(self, numbers: Mapping[str, int]) -> None:
        super().__init__()
        self._numbers = numbers

    def rows(self) -> Iterator[Cells]:
        """Yield the counts of each clause and then its gaps."""
        for clause in CLAUSES:
            told = clause.number, _(clause.title), _(light_of(clause, self._numbers).value)
            for count in clause.counts:
                yield (*told, _("Evidence of it"), _(count.label), self._numbers[count.key], None)
            for gap in clause.gaps:
                yield (*told, _("Gap"), _(gap.label), self._numbers[gap.key], _(gap.weight.value))


class SampleSheet(_Sheet):
    """Every record that was drawn."""

    identifier: ClassVar[str] = "audit_pack"
    name: ClassVar[str] = N_("Samples")
    header: ClassVar[tuple[Column, ...]] = (
        Column(N_("Clause of ISO 9001"), width=10), Column(N_("Kind"), wraps=True, width=30), Column(N_("Out of"), Kind.INT, 10),
        Column(N_("Place in the drawing"), Kind.INT, 10), Column(N_("Record"), wraps=True, width=30),
        Column(N_("What it is about"), wraps=True, width=60),
        Column(N_("Date"), Kind.DATE, 12), Column(N_("With its file"), Kind.BOOL, 10),
    )  # fmt: skip

    def __init__(self, samples: Mapping[str, Sampled]) -> None:
        super().__init__()
        self._samples = samples

    def rows(self) -> Iterator[Cells]:
        """Yield what was drawn for each clause, in the order of its records."""
        for clause in CLAUSES:
            for kind in clause.samples:
                found = self._samples[kind.key]
                for each in found.drawn:
                    told = each.place, each.number, each.title or None, each.on
                    yield (clause.number, _(kind.label), found.n_all, *told, each.file is not None)


class ActionRegister(_Sheet):
    """The actions that were asked for or ended in the period, and those under way."""

    identifier: ClassVar[str] = "action"
    name: ClassVar[str] = N_("Actions")
    header: ClassVar[tuple[Column, ...]] = (
        Column(N_("Number"), width=14), Column(N_("Kind"), wraps=True, width=18), Column(N_("What asked for it"), wraps=True, width=24),
        Column(N_("What has to be done"), wraps=True, width=44), Column(N_("Process"), wraps=True, width=22),
        Column(N_("Responsible"), wraps=True, width=22), Column(N_("Asked on"), Kind.DATE, 12), Column(N_("Do it by"), Kind.DATE, 12),
        Column(N_("State"), wraps=True, width=20), Column(N_("Root cause"), wraps=True, width=44), Column(N_("Review on"), Kind.DATE, 12),
        Column(N_("Effect"), width=14), Column(N_("Ended on"), Kind.DATE, 12), Column(N_("How it ended"), wraps=True, width=44),
    )  # fmt: skip

    def __init__(self, session: Session, period: Period) -> None:
        super().__init__()
        wanted = or_(during(Action.asked_on, period), during(Action.ended_on, period), Action.status.in_(ALIVE))
        found = select(Action).where(wanted).options(joinedload(Action.process), joinedload(Action.responsible))
        self._actions = session.scalars(found.order_by(Action.number)).all()

    def rows(self) -> Iterator[Cells]:
        """Yield a line an action."""
        for action in self._actions:
            yield (
                action.number, _(action.kind.value), f"{_(action.origin.value)} {action.origin_key}".strip(), action.title,
                action.process.name, _named(action.responsible), action.asked_on, action.due_on, _(action.status.value),
                action.cause or None, action.review_on, _(action.verdict.value) if action.verdict else None, action.ended_on,
                action.result or None,
            )  # fmt: skip


class OutputRegister(_Sheet):
    """The outputs that did not conform: found in the period, or not closed yet."""

    identifier: ClassVar[str] = "nonconformity"
    name: ClassVar[str] = N_("Non-conforming outputs")
    header: ClassVar[tuple[Column, ...]] = (
        Column(N_("Number"), width=14), Column(N_("Found on"), Kind.DATE, 12), Column(N_("Process"), wraps=True, width=22),
        Column(N_("What did not conform"), wraps=True, width=44), Column(N_("What was done at once"), wraps=True, width=34),
        Column(N_("State"), wraps=True, width=20), Column(N_("Disposition"), wraps=True, width=24),
        Column(N_("Treatment"), wraps=True, width=34), Column(N_("Treated on"), Kind.DATE, 12),
        Column(N_("Authorised by"), wraps=True, width=22),
        Column(N_("How it was verified"), wraps=True, width=34), Column(N_("Verified on"), Kind.DATE, 12), Column(N_("Action"), width=14),
        Column(N_("Why it asks for no action"), wraps=True, width=34),
    )  # fmt: skip

    def __init__(self, session: Session, period: Period) -> None:
        super().__init__()
        wanted = or_(during(Nonconformity.found_on, period), Nonconformity.verified_on.is_(None))
        loaded = (joinedload(Nonconformity.process), joinedload(Nonconformity.authorised_by), joinedload(Nonconformity.action))
        self._outputs = session.scalars(select(Nonconformity).where(wanted).options(*loaded).order_by(Nonconformity.number)).all()

    def rows(self) -> Iterator[Cells]:
        """Yield a line an output."""
        for output in self._outputs:
            yield (
                output.number, output.found_on, output.process.name, output.what, output.containment or None, _(output.status.value),
                _(output.disposition.value) if output.disposition else None, output.treatment or None, output.treated_on,
                _named(output.authorised_by), output.verification or None, output.verified_on,
                output.action.number if output.action else None, output.no_action_reason or None,
            )  # fmt: skip


def _named(user: Any) -> str | None:
    return user.get_full_name() if user else None
