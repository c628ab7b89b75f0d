"""
The matrix of interested parties (ISO 9001:2015, 4.2), read from the tables: who, what they need or expect, and how that is followed.

Screen, workbook and PDF read the same lines: a line a need, and one for each follow-up that answers no need of its group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.domain.interested import FREQUENCIES, QualityKind, Relevance, Standing, standing_of
from app.models import Evidence, InterestGroup, Mechanism, Need


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the matrix is asked for; empty means all."""

    group_id: int | None = None
    quality: QualityKind | None = None
    relevance: Relevance | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the matrix; without *need*: a follow-up that answers none; without *mechanism*: a need that nobody follows."""

    group: InterestGroup
    need: Need | None
    mechanism: Mechanism | None
    evidence: Evidence | None
    standing: Standing | None

    @property
    def changed_at(self) -> datetime:
        """Return when somebody last changed what the line says."""
        return max(row.changed_at for row in (self.group, self.need, self.mechanism) if row is not None)


def every_how_often(months: int) -> str:
    """Return a frequency in words."""
    return _(FREQUENCIES[months]) if months in FREQUENCIES else ngettext("Every %(num)s month", "Every %(num)s months", months)


def who_follows(mechanism: Mechanism) -> str:
    """Return who is responsible: the person, and the process."""
    person = mechanism.responsible.get_full_name() if mechanism.responsible else ""
    return " · ".join(part for part in (person, mechanism.process.name if mechanism.process else "") if part) or "—"


def groups_in_use(session: Session) -> list[tuple[int, str]]:
    """Return the groups that the house knows, in its order."""
    found = select(InterestGroup.id, InterestGroup.name).where(InterestGroup.is_active)
    return [(key, name) for key, name in session.execute(found.order_by(InterestGroup.position, InterestGroup.name))]


def matrix(session: Session, wanted: Wanted, today: date) -> list[Line]:
    """Return the lines in the order of the house, in three statements however many there are. What is inactive is left out."""
    needs = select(Need).join(Need.group).where(Need.is_active, InterestGroup.is_active).options(joinedload(Need.group))
    mechanisms = select(Mechanism).join(Mechanism.group).where(Mechanism.is_active, InterestGroup.is_active)
    mechanisms = mechanisms.options(*(joinedload(each) for each in (Mechanism.group, Mechanism.process, Mechanism.responsible)))
    if wanted.group_id:
        needs, mechanisms = needs.where(Need.group_id == wanted.group_id), mechanisms.where(Mechanism.group_id == wanted.group_id)
    followed = {row.id: row for row in session.scalars(mechanisms.order_by(Mechanism.id))}
    evidence = _newest(session, followed)
    rows: list[tuple[InterestGroup, Need | None, Mechanism | None]] = [
        (need.group, need, followed.get(need.mechanism_id or 0)) for need in session.scalars(needs.order_by(Need.position, Need.id))
    ]
    named = {mechanism.id for _group, _need, mechanism in rows if mechanism}
    rows += [(mechanism.group, None, mechanism) for key, mechanism in followed.items() if key not in named]
    rows.sort(key=lambda row: (row[0].position, row[0].name, row[0].id, row[1] is None))
    lines = (_line(*row, evidence, today) for row in rows)
    return [line for line in lines if _is_wanted(line, wanted)]


def _line(group: InterestGroup, need: Need | None, mechanism: Mechanism | None, evidence: dict[int, Evidence], today: date) -> Line:
    if mechanism is None:
        return Line(group, need, None, None, None)
    return Line(group, need, mechanism, evidence.get(mechanism.id), standing_of(mechanism.next_on, today))


def _newest(session: Session, mechanism_ids: Iterable[int]) -> dict[int, Evidence]:
    """Return the newest evidence of each mechanism."""
    of_one = {"partition_by": Evidence.mechanism_id, "order_by": (Evidence.on.desc(), Evidence.id.desc())}
    ranked = select(Evidence.id, func.row_number().over(**of_one).label("n")).where(Evidence.mechanism_id.in_(mechanism_ids)).subquery()
    newest = select(Evidence).join(ranked, ranked.c.id == Evidence.id).where(ranked.c.n == 1)
    return {row.mechanism_id: row for row in session.scalars(newest)}


def _is_wanted(line: Line, wanted: Wanted) -> bool:
    need = line.need
    return (
        (wanted.quality is None or (need is not None and need.quality is wanted.quality))
        and (wanted.relevance is None or (need is not None and need.relevance is wanted.relevance))
        and (wanted.standing is None or line.standing is wanted.standing)
    )


def by_group(lines: Sequence[Line]) -> list[tuple[InterestGroup, list[Line]]]:
    """Return the lines a group."""
    return [(group, list(its)) for group, its in groupby(lines, key=lambda line: line.group)]


@dataclass(frozen=True, slots=True)
class Sums:
    """What the lines add up to."""

    n_groups: int
    n_needs: int
    n_unfollowed: int
    standings: dict[Standing, int]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Sums:
        """Return the sums of *lines*; a mechanism that follows several needs counts once."""
        found = {line.mechanism.id: line.standing for line in lines if line.mechanism}
        each = [standing for standing in found.values() if standing]
        return cls(
            len({line.group.id for line in lines}), sum(line.need is not None for line in lines),
            sum(line.mechanism is None for line in lines), {standing: each.count(standing) for standing in Standing},
        )  # fmt: skip
