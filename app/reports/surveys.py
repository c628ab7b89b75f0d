"""
The results of a campaign as a workbook: a sheet each for the whole, the questions, their distributions, the groups; and, for whoever may
see answers one by one, what people wrote and all answers. A name stands beside an answer only where that person agreed to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from flask_babel import gettext as _
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.questionnaires import QuestionKind
from app.domain.surveys import LEAST_SHOWN, Estimate
from app.domain.tabulation import Bar, Change, Cross, Dimension, Figure, Group, Tabulated, Tabulation
from app.models import (
    Question,
    QuestionnaireSection,
    QuestionOption,
    SurveyAnswer,
    SurveyAnswerTag,
    SurveyCampaign,
    SurveyResponse,
    SurveyTag,
)
from app.reports.base import Cells, Column, ControlledFormat, FilterForm, Kind, Report, format_of
from app.reports.base import Figure as Total
from app.reports.xlsx import write_sheets
from app.words import page_lang, say_day, say_instant

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Cover:
    """Of which campaign, narrowed to what, for whom, when, and whether its reader sees groups of fewer than `LEAST_SHOWN` people."""

    campaign: SurveyCampaign
    words: Sequence[str]
    author: str
    at: datetime
    sees_small: bool


def text_of(row: Any) -> str:
    """Return the text of a question or an option in the reader's language; in Spanish where that one lacks."""
    return row.text_en if row.text_en and page_lang().startswith("en") else row.text_es


def _number(value: float | Decimal | None, places: int = 2) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.{places}f}") + 0


def _ends(estimate: Estimate | None) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Return a figure and the ends of its interval."""
    return (None, None, None) if estimate is None else (_number(estimate.value), _number(estimate.low), _number(estimate.high))


class _Sheet(Report):
    """What the sheets share: no form, no totals; each is part of one workbook."""

    description, form = "", FilterForm

    def totals(self) -> list[Total]:
        return []

    def filters_in_words(self) -> list[str]:
        return []


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class SummarySheet(_Sheet):
    """The whole: whose results, narrowed to what, satisfaction, recommendation, who answered, how it was counted, the rounds before."""

    identifier, name = "survey_summary", N_("Summary")
    header = (
        Column(N_("Figure"), Kind.TEXT, 44), Column(N_("Value"), Kind.DECIMAL, 12), Column(N_("From"), Kind.DECIMAL, 10),
        Column(N_("Until"), Kind.DECIMAL, 10), Column(N_("In words"), Kind.TEXT, 60),
    )  # fmt: skip

    def __init__(self, organisation: str, cover: Cover, found: Tabulation, format: ControlledFormat) -> None:
        self._organisation, self._cover, self._found, self._format = organisation, cover, found, format

    def rows(self) -> Iterator[Cells]:
        """Yield a row a figure or fact."""
        yield from ((label, None, None, None, words) for label, words in self._facts())
        yield from self._figures()
        yield from self._people()
        for each in self._found.rounds:
            yield _("%(round)s: satisfied, %%", round=each.number), *_ends(each.csat), each.name
            yield _("%(round)s: NPS", round=each.number), *_ends(each.nps), each.name

    def _figures(self) -> Iterator[Cells]:
        found = self._found
        yield _("Answers counted"), found.n, None, None, _("hidden: fewer than %(n)s", n=LEAST_SHOWN) if found.is_hidden else ""
        yield _("Satisfied (CSAT), %"), *_ends(found.csat), _("interval of 95 %")
        nps = found.nps.nps if found.nps is not None else None
        yield _("Recommendation (NPS)"), *_ends(nps.score if nps else None), _("interval of 95 %")
        words = _("at %(n)s %%", n=self._cover.campaign.confidence)
        yield _("Margin of error, percentage points"), _number(found.margin), None, None, words
        if found.is_weighted:
            words = _("each stratum weighs as many people as it has")
            yield _("Design effect of the weights"), _number(found.design_effect), None, None, words

    def _people(self) -> Iterator[Cells]:
        people = self._found.people
        yield _("Response rate, %"), _number(people.rate), None, None, ""
        for label, n in (
            (_("Asked"), people.n_asked), (_("Filled in"), people.n_complete), (_("Half-filled, not counted"), people.n_partial),
            (_("Left out of the count"), people.n_screened),
        ):  # fmt: skip
            yield label, n, None, None, ""
        for reason, n in people.screened:
            yield _("Left out: %(why)s", why=reason), n, None, None, ""
        for way in people.channels:
            words = "" if way.n_asked is None else _("of %(n)s asked", n=way.n_asked)
            yield _("By: %(way)s", way=_(way.via.value)), way.n_complete, None, None, words

    def _facts(self) -> Iterator[tuple[str, str]]:
        campaign, cover = self._cover.campaign, self._cover
        form = campaign.version.questionnaire
        yield _("Company"), self._organisation
        yield _("Campaign"), f"{campaign.number} · {campaign.name}"
        if self._format.code:
            yield _("Format"), _("%(code)s, version %(version)s", code=self._format.code, version=self._format.version)
        version = _("version %(n)s", n=campaign.version.number)
        yield _("Form"), f"{form.code} {form.name}, {version}"
        yield _("Period"), _("from %(since)s to %(until)s", since=say_day(campaign.period_from), until=say_day(campaign.period_until))
        for words in cover.words:
            yield _("Only"), words
        yield _("Issued by"), f"{cover.author}, {say_instant(cover.at)}"
        if not cover.sees_small:
            yield _("Small groups"), _("Groups of fewer than %(n)s people are not in this file.", n=LEAST_SHOWN)


def _figures(found: Tabulation) -> Iterator[tuple[str, Tabulated, Figure]]:
    """Yield section, question and figure; of a matrix the whole and then its rows."""
    for section in found.sections:
        title = section.title_en if section.title_en and page_lang().startswith("en") else section.title_es
        for question in section.questions:
            yield title, question, question.figure
            for row in question.rows:
                yield title, question, row


def _said(question: Tabulated, figure: Figure) -> tuple[str, str, str | None]:
    return question.code, text_of(question), text_of(figure) if figure.option_id else None


class QuestionSheet(_Sheet):
    """A row a question, and one a row of a matrix: how many, mean, satisfied, NPS, and the change against the round before."""

    identifier, name = "survey_questions", N_("Questions")
    header = (
        Column(N_("Section"), Kind.TEXT, 24), Column(N_("Code"), Kind.TEXT, 8), Column(N_("Question"), Kind.TEXT, 60, wraps=True),
        Column(N_("Row"), Kind.TEXT, 20), Column(N_("Kind"), Kind.TEXT, 22), Column(N_("Reversed"), Kind.BOOL, 10),
        Column(N_("Number of answers"), Kind.INT, 10), Column(N_("No opinion"), Kind.INT, 10), Column(N_("Left empty"), Kind.INT, 10),
        Column(N_("Mean"), Kind.DECIMAL, 10), Column(N_("lower end"), Kind.DECIMAL, 10), Column(N_("upper end"), Kind.DECIMAL, 10),
        Column(N_("Standard deviation"), Kind.DECIMAL, 11),
        Column(N_("Satisfied, %"), Kind.DECIMAL, 11), Column(N_("lower end"), Kind.DECIMAL, 10), Column(N_("upper end"), Kind.DECIMAL, 10),
        Column("NPS", Kind.DECIMAL, 10, is_said=True), Column(N_("lower end"), Kind.DECIMAL, 10), Column(N_("upper end"), Kind.DECIMAL, 10),
        Column(N_("Compared by"), Kind.TEXT, 20), Column(N_("Round before"), Kind.TEXT, 16), Column(N_("Before"), Kind.DECIMAL, 10),
        Column(N_("Difference"), Kind.DECIMAL, 11), Column(N_("p value"), Kind.DECIMAL, 10), Column(N_("Change"), Kind.TEXT, 24),
    )  # fmt: skip

    def __init__(self, found: Tabulation) -> None:
        self._found = found

    def rows(self) -> Iterator[Cells]:
        """Yield a row a figure, and one more for each further measure that it is compared by."""
        for section, question, figure in _figures(self._found):
            nps = figure.nps.score if figure.nps else None
            first = (
                section, *_said(question, figure), _(question.kind.value), question.is_reversed, figure.n, figure.n_na, figure.n_blank,
                *_ends(figure.mean), _number(figure.deviation), *_ends(figure.csat), *_ends(nps),
            )  # fmt: skip
            newest = figure.changes[0].round.id if figure.changes else None
            changes: list[Change | None] = [change for change in figure.changes if change.round.id == newest]
            for change in changes or [None]:
                yield *first, *self._change(change)

    @staticmethod
    def _change(change: Change | None) -> Cells:
        if change is None:
            return (None,) * 6
        before = _number(change.before.value) if change.before else None
        shown = (before, _number(change.difference), _number(change.p_value, 4))
        return _(change.measure.value), change.round.number, *shown, _(change.verdict.value)


class DistributionSheet(_Sheet):
    """A row a step of a scale, an option of a list or a span of numbers: how many answered it."""

    identifier, name = "survey_distributions", N_("Distributions")
    header = (
        Column(N_("Section"), Kind.TEXT, 24), Column(N_("Code"), Kind.TEXT, 8), Column(N_("Question"), Kind.TEXT, 60),
        Column(N_("Row"), Kind.TEXT, 20), Column(N_("Answer"), Kind.TEXT, 40), Column(N_("Number of answers"), Kind.INT, 10),
        Column("%", Kind.DECIMAL, 10, is_said=True),
    )  # fmt: skip

    def __init__(self, found: Tabulation) -> None:
        self._found = found

    def rows(self) -> Iterator[Cells]:
        """Yield the distributions, in the order of the form."""
        for section, question, figure in _figures(self._found):
            for bar in figure.bars:
                yield section, *_said(question, figure), self._answer(question, bar), bar.n, _number(bar.percent)

    @staticmethod
    def _answer(question: Tabulated, bar: Bar) -> str:
        if bar.option_id is not None:
            return text_of(bar)
        if question.kind is QuestionKind.YES_NO:
            return _("Yes") if (bar.value == 1) != question.is_reversed else _("No")
        return str(bar.value) if bar.until is None or bar.until == bar.value else f"{bar.value} – {bar.until}"


def group_label(dimension: Dimension, group: Group) -> str:
    """Return how a group is called."""
    if group.label or group.key in (None, ""):
        return group.label or _("(not known)")
    return _(group.key.value) if dimension is Dimension.VIA else str(group.key)


class GroupSheet(_Sheet):
    """A row a group and question: the figures of services, zones, strata, processes and ways of answering. Small groups are left out."""

    identifier, name = "survey_groups", N_("Groups")
    header = (
        Column(N_("Set apart by"), Kind.TEXT, 18), Column(N_("Group"), Kind.TEXT, 26), Column(N_("People"), Kind.INT, 10),
        Column(N_("Code"), Kind.TEXT, 8), Column(N_("Question"), Kind.TEXT, 60), Column(N_("Row"), Kind.TEXT, 20),
        Column(N_("Number of answers"), Kind.INT, 10), Column(N_("Mean"), Kind.DECIMAL, 10), Column(N_("Satisfied, %"), Kind.DECIMAL, 11),
        Column(N_("lower end"), Kind.DECIMAL, 10), Column(N_("upper end"), Kind.DECIMAL, 10), Column("NPS", Kind.DECIMAL, 10, is_said=True),
        Column(N_("Groups differ, p value"), Kind.DECIMAL, 14),
    )  # fmt: skip

    def __init__(self, found: Tabulation, crosses: Sequence[Cross]) -> None:
        self._found, self._crosses = found, crosses

    def rows(self) -> Iterator[Cells]:
        """Yield the groups that may be shown, question by question."""
        for cross in self._crosses:
            for group in cross.groups:
                if not group.is_hidden:
                    yield from self._group(cross, group)

    def _group(self, cross: Cross, group: Group) -> Iterator[Cells]:
        head = _(cross.dimension.value), group_label(cross.dimension, group), group.n
        for _section, question, figure in _figures(self._found):
            key = (figure.question_id, figure.option_id)
            cell, p_value = group.cells.get(key), cross.p_values.get(key)
            if cell is None or cell.is_hidden:
                continue
            nps = _number(cell.nps.value) if cell.nps else None
            mean = _number(cell.mean.value) if cell.mean else None
            yield *head, *_said(question, figure), cell.n, mean, *_ends(cell.csat), nps, _number(p_value, 4)


# ── One by one ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _segments(response: SurveyResponse, sees_small: bool) -> Cells:
    """Return the group somebody belongs to; for whoever sees no small groups, nothing."""
    if not sees_small:
        return ()
    service, process = (each.name if each is not None else None for each in (response.service, response.process))
    return service, response.zone, response.stratum, process


SEGMENT_COLUMNS = (
    Column(N_("Service"), Kind.TEXT, 16), Column(N_("Zone"), Kind.TEXT, 18), Column(N_("Stratum"), Kind.INT, 8),
    Column(N_("Process"), Kind.TEXT, 20),
)  # fmt: skip
_LOADED = (SurveyResponse.invitee, SurveyResponse.service, SurveyResponse.process)


def _named(response: SurveyResponse) -> str | None:
    return response.invitee.name if response.is_named and response.invitee is not None else None


class WordSheet(_Sheet):
    """What people wrote in their own words, with its tags."""

    identifier, name = "survey_words", N_("Open answers")

    def __init__(self, session: Session, counted: Select[Any], sees_small: bool) -> None:
        self._session, self._counted, self._sees_small = session, counted, sees_small
        self.header = (  # type: ignore[misc]
            Column(N_("Answer"), Kind.INT, 10), Column(N_("Answered on"), Kind.DATE, 12), Column(N_("Code"), Kind.TEXT, 8),
            Column(N_("Question"), Kind.TEXT, 40), Column(N_("What they wrote"), Kind.TEXT, 80, wraps=True),
            Column(N_("Tags"), Kind.TEXT, 30),
            *(SEGMENT_COLUMNS if sees_small else ()), Column(N_("Who"), Kind.TEXT, 28),
        )  # fmt: skip

    def rows(self) -> Iterator[Cells]:
        """Yield an open answer a row, question by question."""
        tags = select(func.aggregate_strings(SurveyTag.name, ", ")).join(SurveyAnswerTag, SurveyAnswerTag.tag_id == SurveyTag.id)
        tags = tags.where(SurveyAnswerTag.answer_id == SurveyAnswer.id).correlate(SurveyAnswer)
        statement = (
            select(SurveyAnswer, SurveyResponse, Question, QuestionOption, tags.scalar_subquery())
            .join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
            .join(Question, Question.id == SurveyAnswer.question_id)
            .join(QuestionnaireSection, QuestionnaireSection.id == Question.section_id)
            .outerjoin(QuestionOption, QuestionOption.id == SurveyAnswer.option_id)
            .where(SurveyAnswer.words.is_not(None), SurveyAnswer.response_id.in_(self._counted))
            .order_by(QuestionnaireSection.position, Question.position, SurveyAnswer.id)
            .options(*(joinedload(each) for each in _LOADED))
        )
        for answer, response, question, option, tagged in self._session.execute(statement.execution_options(yield_per=BATCH)):
            words = f"{text_of(option)}: {answer.words}" if option is not None else answer.words
            yield (
                response.id, response.answered_on, question.code, text_of(question), words, tagged,
                *_segments(response, self._sees_small), _named(response),
            )  # fmt: skip


#: What the cells of a question hold; of the other kinds, text.
_KINDS = dict.fromkeys((QuestionKind.SCALE5, QuestionKind.SCALE7, QuestionKind.MATRIX, QuestionKind.NPS), Kind.INT) | {
    QuestionKind.NUMBER: Kind.DECIMAL
}


class AnswerSheet(_Sheet):
    """All answers: a row a person, a column a question or a row of a matrix, as they were given (reversed questions not turned round)."""

    identifier, name = "survey_answers", N_("All answers")

    def __init__(self, session: Session, found: Tabulation, counted: Select[Any], sees_small: bool) -> None:
        self._session, self._counted, self._sees_small = session, counted, sees_small
        self._columns: list[tuple[int, int | None]] = []
        columns = []
        for _section, question, figure in _figures(found):
            if question.rows and figure.option_id is None:
                continue
            self._columns.append((figure.question_id, figure.option_id))
            title = f"{question.code} {text_of(question)}" + (f" · {text_of(figure)}" if figure.option_id else "")
            columns.append(Column(title, _KINDS.get(question.kind, Kind.TEXT), 16, is_said=True))
        self.header = (  # type: ignore[misc]
            Column(N_("Answer"), Kind.INT, 10), Column(N_("Answered on"), Kind.DATE, 12), Column(N_("Way of answering"), Kind.TEXT, 18),
            *(SEGMENT_COLUMNS if sees_small else ()), Column(N_("Who"), Kind.TEXT, 28), *columns,
        )  # fmt: skip

    def rows(self) -> Iterator[Cells]:
        """Yield a person a row, a batch at a time."""
        statement = select(SurveyResponse).where(SurveyResponse.id.in_(self._counted)).order_by(SurveyResponse.id)
        statement = statement.options(*(joinedload(each) for each in _LOADED))
        last = 0
        while batch := self._session.scalars(statement.where(SurveyResponse.id > last).limit(BATCH)).all():
            last, given = batch[-1].id, self._given([response.id for response in batch])
            for response in batch:
                cells = given.get(response.id, {})
                yield (
                    response.id, response.answered_on, _(response.via.value), *_segments(response, self._sees_small), _named(response),
                    *(self._cell(cells.get(key, ())) for key in self._columns),
                )  # fmt: skip

    def _given(self, ids: Sequence[int]) -> dict[int, dict[tuple[int, int | None], list[Any]]]:
        """Return what each response of *ids* answered, by column."""
        answer = SurveyAnswer
        columns = (answer.response_id, answer.question_id, answer.option_id, answer.kind, answer.score, answer.number, answer.words)
        statement = (
            select(*columns, QuestionOption.text_es, QuestionOption.text_en)
            .outerjoin(QuestionOption, QuestionOption.id == answer.option_id)
            .where(answer.response_id.in_(ids), ~answer.is_na)
            .order_by(answer.id)
        )
        found: dict[int, dict[tuple[int, int | None], list[Any]]] = {}
        for row in self._session.execute(statement):
            key = (row.question_id, row.option_id if row.kind is QuestionKind.MATRIX else None)
            found.setdefault(row.response_id, {}).setdefault(key, []).append(self._one(row))
        return found

    @staticmethod
    def _one(row: Row[Any]) -> Any:
        if row.kind is QuestionKind.YES_NO:
            return _("Yes") if row.score else _("No")
        if row.kind in (QuestionKind.ONE, QuestionKind.MANY):
            return text_of(row) + (f": {row.words}" if row.words else "")
        return next(value for value in (row.score, row.number, row.words) if value is not None)

    @staticmethod
    def _cell(given: Sequence[Any]) -> Any:
        """Return what stands in a cell: several of a list in one, nothing where nothing was answered or there is no opinion."""
        return "; ".join(given) if len(given) > 1 else next(iter(given), None)


# ── The workbook ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def workbook(session: Session, cover: Cover, found: Tabulation, crosses: Iterable[Cross], counted: Select[Any] | None) -> BinaryIO:
    """
    Return the workbook, written to its end.

    Args:
        counted: SELECT of the keys of the responses behind the figures; None leaves out what people wrote and all answers.
    """
    sheets: list[Report] = [
        SummarySheet(queries.organisation(session).name, cover, found, format_of(session, "survey_report", "")),
        QuestionSheet(found), DistributionSheet(found),
        GroupSheet(found, list(crosses)),
    ]  # fmt: skip
    if counted is not None:
        sheets += [WordSheet(session, counted, cover.sees_small), AnswerSheet(session, found, counted, cover.sees_small)]
    file = TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    for sheet in sheets:
        sheet.name = _(sheet.name)  # type: ignore[misc]
    write_sheets(sheets, file)
    return file
