"""Behind every figure of a survey: the answers one by one, and the page of each. Who answered is named only where they agreed to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from app.baseviews import RuledView
from app.domain import N_
from app.domain.campaigns import AlarmEffect, ResponseStatus
from app.domain.questionnaires import Asked, QuestionKind
from app.extensions import db
from app.listing import enum_facet, flag_facet
from app.listviews import Ready
from app.models import SurveyAlarm, SurveyAnswer, SurveyAnswerTag, SurveyResponse
from app.operations.questionnaires import form_of
from app.security import may
from app.surveys.segments import CAMPAIGN, GROUPS, SEGMENTS, Given, refuse_small, sees_small
from app.words import page_lang, say_number

#: Columns that tell which group somebody belongs to.
TELLING = frozenset(facet.name for facet in GROUPS)
STATUS_TONES = {ResponseStatus.COMPLETE: "ok", ResponseStatus.PARTIAL: "warn", ResponseStatus.SCREENED: "stop"}


class AnsweredView(RuledView):
    """What the lists of answers share: small groups find nothing, and nobody else's group is told."""

    class_permission_name = "SurveyResult"
    include_route_methods = {"list", "export"}
    method_permission_name = {"list": "see_answers", "show": "see_answers", "export": "see_answers"}
    telling: frozenset[str] = TELLING

    def may_do(self, method: str) -> bool:
        return super().may_do(method) and (method != "export" or may("can_export", "SurveyResult"))

    @expose("/export/<kind>")
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Any:
        """The rows as a file, for whoever may take results away."""
        return super().export(kind) if may("can_export", "SurveyResult") else abort(403)

    def narrowed(self) -> Select[Any]:
        refuse_small(self.listing(), self.moment())
        return super().narrowed()

    def columns(self) -> tuple[str, ...]:
        chosen = super().columns()
        return chosen if sees_small() else tuple(name for name in chosen if name not in self.telling)

    def sortable(self, name: str) -> bool:
        return (name not in self.telling or sees_small()) and super().sortable(name)

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        kind, value = super().exported(name, column)
        return (kind, value) if name not in self.telling or sees_small() else (kind, lambda _line: None)


def who_said(response: SurveyResponse) -> str:
    """Return who answered, where they agreed to be named; nothing otherwise."""
    return response.invitee.name if response.is_named and response.invitee is not None else ""


def alarms_of(response: SurveyResponse) -> Select[Any]:
    """Return the SELECT of what *response* asked for; of somebody without a name, not what would name them: whom to call, their case."""
    mine = select(SurveyAlarm).where(SurveyAlarm.response_id == response.id)
    if response.is_named:
        return mine
    return mine.where(SurveyAlarm.threshold_id.is_not(None), SurveyAlarm.effect != AlarmEffect.CASE)


class SurveyResponseView(AnsweredView):
    """Answers one by one. Read-only: they are written where people answer."""

    datamodel = SQLAInterface(SurveyResponse)
    route_base = "/survey-answers"
    include_route_methods = {"list", "show", "export"}
    list_title = _l("Answers to surveys")
    intro = _l("Each line is the answers of one person. A name stands beside them only where that person agreed to it.")
    empty_text = _l("Nobody has answered a survey yet.")
    list_columns = ["id", "campaign", "answered_on", "via", "status", "service", "zone", "stratum", "process", "who"]
    show_columns = [*list_columns, "screened_reason", "language", "interviewer", "wants_contact", "wants_case", "source_number"]
    more_columns = tuple(show_columns)  # no contract, no invitee: they would name somebody
    own_facets = (
        CAMPAIGN, enum_facet("status", _l("State"), SurveyResponse.status, ResponseStatus), *SEGMENTS,
        Given("answer", _l("What was answered")),
        flag_facet("is_named", _l("With a name"), SurveyResponse.is_named),
        flag_facet("wants_contact", _l("Wants to be contacted"), SurveyResponse.wants_contact),
        flag_facet("wants_case", _l("Wants a case"), SurveyResponse.wants_case),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("Filled in"), "status=COMPLETE"), Ready(N_("Half-filled"), "status=PARTIAL"),
        Ready(N_("Left out of the count"), "status=SCREENED"), Ready(N_("Want to be contacted"), "wants_contact=1"),
    )  # fmt: skip
    base_order = ("id", "desc")
    list_template = "surveys/answers.html"
    show_template = "surveys/response.html"
    label_columns = {
        "id": _l("Answer"), "campaign": _l("Campaign"), "answered_on": _l("Answered on"), "via": _l("Way of answering"),
        "status": _l("State"),
        "service": _l("Service"), "zone": _l("Zone"), "stratum": _l("Stratum"), "process": _l("Process"), "who": _l("Who"),
        "screened_reason": _l("Why it is left out"), "language": _l("Language"), "interviewer": _l("Asked or typed by"),
        "wants_contact": _l("Wants to be contacted"), "wants_case": _l("Wants a case"), "source_number": _l("Number in the file"),
    }  # fmt: skip
    formatters_columns = {"interviewer": lambda user: user.get_full_name()}

    @property
    def list_name(self) -> str:
        return "SurveyResponse"

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        return statement.options(*self._loading(columns), joinedload(SurveyResponse.invitee))

    def title_of(self, item: SurveyResponse) -> str:
        return _("Answer %(n)s", n=say_number(item.id))

    def shown(self, item: SurveyResponse, name: str) -> Any:
        match name:
            case "id":
                return self.title_of(item)
            case "who":
                return who_said(item) or "—"
            case "status":
                return Markup('<span class="pill {}">{}</span>').format(STATUS_TONES[item.status], _(item.status.value))
        return super().shown(item, name)

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        kind, value = super().exported(name, column)
        return (kind, lambda line: who_said(line) or None) if name == "who" else (kind, value)

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        """One person's answers to every question."""
        item = self.item(pk, ("campaign", "service", "process", "interviewer", "invitee"))
        alarms = alarms_of(item) if may("can_list", "SurveyAlarm") else None
        return self.render_template(
            self.show_template, view=self, item=item, title=self.title_of(item), who=who_said(item), sees_groups=sees_small(),
            sections=sections_of(item), alarms=db.session.scalars(alarms).all() if alarms is not None else (), tones=STATUS_TONES,
            list_url=url_for(f"{self.endpoint}.list", campaign=item.campaign_id),
        )  # fmt: skip


# ── The page of one ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Said:
    """
    What was answered to a question, or to a row of a matrix.

    Args:
        words: As people read it; empty when nothing was answered.
        step, steps: Which place of how many on its scale, as it was given; 0 without a scale.
        tone: Of a scored answer, reversed questions turned round.
    """

    text: str
    words: str
    step: int = 0
    steps: int = 0
    tone: str = ""
    is_text: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replied:
    """A question with what was answered to it: one, or one a row of its matrix."""

    code: str
    text: str
    said: Sequence[Said]
    is_matrix: bool = False


def sections_of(response: SurveyResponse) -> list[tuple[str, list[Replied]]]:
    """Return the sections of the questionnaire with what *response* answered, in five statements."""
    form, language = form_of(db.session(), response.campaign.version_id), page_lang()
    answers: dict[int, list[SurveyAnswer]] = {}
    tags: dict[int, list[str]] = {}
    for answer in db.session.scalars(select(SurveyAnswer).where(SurveyAnswer.response_id == response.id).order_by(SurveyAnswer.id)):
        answers.setdefault(answer.question_id, []).append(answer)
    of_response = select(SurveyAnswer.id).where(SurveyAnswer.response_id == response.id, SurveyAnswer.words.is_not(None))
    for tagged in db.session.scalars(
        select(SurveyAnswerTag).where(SurveyAnswerTag.answer_id.in_(of_response)).options(joinedload(SurveyAnswerTag.tag))
    ):
        tags.setdefault(tagged.answer_id, []).append(tagged.tag.name)
    return [
        (section.title.to(language), [replied(asked, answers.get(asked.id, []), tags, language) for asked in section.questions])
        for section in form.sections
    ]


def replied(asked: Asked, answers: Sequence[SurveyAnswer], tags: Mapping[int, Sequence[str]], language: str) -> Replied:
    """Return what *answers* say to the question *asked*."""
    said = tuple(_said(asked, answers, tags, language))
    return Replied(asked.code, asked.text.to(language), said, asked.kind is QuestionKind.MATRIX)


def _said(asked: Asked, answers: Sequence[SurveyAnswer], tags: Mapping[int, Sequence[str]], language: str) -> Iterator[Said]:
    by_option = {answer.option_id: answer for answer in answers}
    if asked.kind is QuestionKind.MATRIX:
        for row in asked.options:
            yield _one(asked, by_option.get(row.id), tags, row.text.to(language))
    elif asked.kind in (QuestionKind.ONE, QuestionKind.MANY) and not any(answer.is_na for answer in answers):
        chosen = [option for option in asked.options if option.id in by_option]
        words = [": ".join(filter(None, (option.text.to(language), by_option[option.id].words))) for option in chosen]
        yield Said("", ", ".join(words), tags=tuple(name for answer in answers for name in tags.get(answer.id, ())))
    else:
        yield _one(asked, answers[0] if answers else None, tags, "")


def _one(asked: Asked, answer: SurveyAnswer | None, tags: Mapping[int, Sequence[str]], text: str) -> Said:
    if answer is None:
        return Said(text, "")
    if answer.is_na:
        return Said(text, _("Does not know, or it does not apply"))
    if answer.score is None or answer.value is None:
        words = say_number(answer.number) if answer.number is not None else answer.words or ""
        return Said(text, words, is_text=answer.words is not None, tags=tuple(tags.get(answer.id, ())))
    least, greatest = asked.scores[0], asked.scores[-1]
    if asked.kind is QuestionKind.YES_NO:
        return Said(text, _("Yes") if answer.score else _("No"), tone="ok" if answer.value else "bad")
    words = _("%(n)s of %(most)s", n=answer.score, most=greatest)
    return Said(text, words, answer.score - least + 1, greatest - least + 1, _tone(asked.kind, answer.value, greatest))


def _tone(kind: QuestionKind, value: int, greatest: int) -> str:
    """Return whether *value*, more being better, is satisfied, so so or not: as CSAT and NPS count them."""
    if kind is QuestionKind.NPS:
        return "ok" if value >= 9 else "stop" if value >= 7 else "bad"
    return "ok" if value >= greatest - 1 else "stop" if value >= (greatest + 1) // 2 else "bad"
