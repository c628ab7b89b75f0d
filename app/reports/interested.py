"""The matrix of interested parties as a file that an auditor reads, and the filter that its address carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import SelectField

from app.domain import N_
from app.domain.interested import QualityKind, Relevance, Standing
from app.models import Need
from app.operations.matrix import Line, Sums, Wanted, every_how_often, who_follows
from app.reports.base import Cells, Column, Figure, FilterForm, Kind, Report

HEADER = (
    Column(N_("Interested party"), wraps=True, width=26), Column(N_("Kind"), wraps=True, width=13),
    Column(N_("Need or expectation"), wraps=True, width=44), Column(N_("Quality"), wraps=True, width=18),
    Column(N_("Relevance"), wraps=True, width=11), Column(N_("How it is met"), wraps=True, width=40),
    Column(N_("Where it comes from"), wraps=True, width=26), Column(N_("Follow-up mechanism"), wraps=True, width=34),
    Column(N_("Frequency"), wraps=True, width=16), Column(N_("Responsible"), wraps=True, width=26),
    Column(N_("Last evidence"), Kind.DATE, 13), Column(N_("What it is"), wraps=True, width=34),
    Column(N_("Next date"), Kind.DATE, 13), Column(N_("State"), wraps=True, width=16),
)  # fmt: skip


class MatrixForm(FilterForm):
    """What narrows the matrix, from its address."""

    group = SelectField(N_("Interested party"))
    quality = SelectField(N_("Quality"))
    relevance = SelectField(N_("Relevance"))
    standing = SelectField(N_("State"))

    def __init__(self, given: MultiDict[str, str], groups: Sequence[tuple[int, str]]) -> None:
        super().__init__(given)
        every = ("", _("All"))
        self.group.choices = [every, *((str(key), name) for key, name in groups)]
        followed = (each for each in Standing if each is not Standing.IDLE)
        for field, members in ((self.quality, QualityKind), (self.relevance, Relevance), (self.standing, followed)):
            field.choices = [every, *((each.name, _(each.value)) for each in members)]
        for field in (self.group, self.quality, self.relevance, self.standing):
            field.label.text = _(str(field.label.text))
            field.data = field.data or ""

    def wanted(self) -> Wanted:
        """Return what a valid form asks for."""
        return Wanted(
            int(self.group.data) if self.group.data else None, _member(QualityKind, self.quality.data),
            _member(Relevance, self.relevance.data), _member(Standing, self.standing.data),
        )  # fmt: skip

    def in_words(self, _today: Any = None) -> list[str]:
        """Return what is asked for, in the reader's language; it follows no calendar."""
        fields = (field for field in (self.group, self.quality, self.relevance, self.standing) if field.data)
        return [f"{field.label.text}: {dict(field.choices)[field.data]}" for field in fields] or [_("All rows")]

    def args(self) -> dict[str, str]:
        """Return the address of what is asked for."""
        return {field.name: field.data for field in (self.group, self.quality, self.relevance, self.standing) if field.data}


def _member(enum: Any, name: str) -> Any:
    return enum[name] if name else None


class InterestedMatrix(Report):
    """The matrix as a file. Its lines were read before: they are few."""

    identifier: ClassVar[str] = "interested"
    name: ClassVar[str] = N_("Matrix of interested parties")
    description: ClassVar[str] = N_("Needs and expectations of each group, how they are followed, and the evidence (ISO 9001:2015, 4.2).")
    header: ClassVar[tuple[Column, ...]] = HEADER
    form: ClassVar[type[FilterForm]] = MatrixForm

    def __init__(self, lines: Sequence[Line], words: Sequence[str] = ()) -> None:
        self._lines, self._words = lines, list(words)

    def rows(self) -> Iterator[Cells]:
        """Yield the lines in their order."""
        for line in self._lines:
            yield (line.group.name, *_of_need(line.need), *_of_mechanism(line))

    def totals(self) -> list[Figure]:
        sums = Sums.of(self._lines)
        return [
            Figure(_("Interested parties"), sums.n_groups), Figure(_("Needs and expectations"), sums.n_needs),
            Figure(_("Without a follow-up"), sums.n_unfollowed),
            *(Figure(_("Follow-ups: %(state)s", state=_(standing.value)), n) for standing, n in sums.standings.items()
              if standing is not Standing.IDLE),
        ]  # fmt: skip

    def filters_in_words(self) -> list[str]:
        return self._words


def _of_need(need: Need | None) -> Cells:
    if need is None:
        return (None,) * 6
    return _(need.kind.value), need.text, _(need.quality.value), _(need.relevance.value), need.how_met, need.source


def _of_mechanism(line: Line) -> Cells:
    mechanism, evidence = line.mechanism, line.evidence
    if mechanism is None or line.standing is None:
        return (None,) * 6 + (_("Without a follow-up"),)
    return (
        mechanism.name, every_how_often(mechanism.months), who_follows(mechanism), evidence.on if evidence else None,
        evidence.title if evidence else None, mechanism.next_on, _(line.standing.value),
    )  # fmt: skip
