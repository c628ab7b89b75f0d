"""What people wrote in their own words: searched with accents forgiven, tagged many at once, and counted by tag."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import ColumnElement, Select, String, and_, cast, distinct, func, inspect, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload
from werkzeug.wrappers import Response

from app import search
from app.domain import N_
from app.domain.campaigns import ResponseStatus
from app.domain.errors import DomainError
from app.extensions import db
from app.listing import EMPTY, Facet, Moment, Rows, enum_facet, flag_facet
from app.listviews import Ready
from app.lookups import BIGGEST_ID
from app.models import Question, SurveyAnswer, SurveyAnswerTag, SurveyResponse, SurveyTag
from app.operations import survey_tags
from app.reports.base import Kind
from app.security import may
from app.surveys.drill import AnsweredView, who_said
from app.surveys.segments import CAMPAIGN, SEGMENTS, clipped, sees_small, text_of
from app.words import say

log = structlog.get_logger("atiende")

#: Answers that one press tags at most.
MOST_TAGGED = 1000
_TAB, _LINE = "\t", "\n"


class OpenQuestions(Facet):
    """Questions by their code, which stays from version to version."""

    form = "choices"

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        codes = [code for code in value.split(",") if code]
        return Question.code.in_(codes) if codes else None

    def options(self, session: Session) -> list[tuple[str, str]]:
        newest = select(func.max(SurveyAnswer.question_id)).join(Question, Question.id == SurveyAnswer.question_id)
        newest = newest.where(SurveyAnswer.words.is_not(None)).group_by(Question.code)
        rows = session.scalars(select(Question).where(Question.id.in_(newest)).order_by(Question.code).limit(60))
        return [(row.code, f"{row.code} {clipped(text_of(row))}") for row in rows]


class Tagged(Rows):
    """Answers that have one of these tags, or none at all."""

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        clauses, keys = [], self._keys(value)
        if keys:
            clauses.append(SurveyAnswer.id.in_(select(SurveyAnswerTag.answer_id).where(SurveyAnswerTag.tag_id.in_(keys))))
        if EMPTY in value.split(","):
            clauses.append(~SurveyAnswer.id.in_(select(SurveyAnswerTag.answer_id)))
        return or_(*clauses) if clauses else None


def _tags_of() -> Any:
    """Return the subquery of the tags of an answer in one text: a key and a name on each line."""
    line = cast(SurveyTag.id, String) + _TAB + SurveyTag.name
    found = select(func.aggregate_strings(line, _LINE)).join(SurveyAnswerTag, SurveyAnswerTag.tag_id == SurveyTag.id)
    return found.where(SurveyAnswerTag.answer_id == SurveyAnswer.id).correlate(SurveyAnswer).scalar_subquery()


def tags_on(answer: SurveyAnswer) -> list[tuple[int, str]]:
    """Return key and name of the tags on *answer*, as its list read them."""
    pairs = (line.partition(_TAB) for line in (inspect(answer).info.get("tags") or "").split(_LINE) if line)
    return sorted(((int(key), name) for key, _tab, name in pairs), key=lambda pair: pair[1])


class SurveyWordsView(AnsweredView):
    """Open answers, and which other option people wrote. They are read and tagged; nobody changes them."""

    datamodel = SQLAInterface(SurveyAnswer)
    route_base = "/survey-words"
    include_route_methods = {"list", "export", "label"}
    list_title = _l("Open answers")
    intro = _l("What people wrote in their own words. Choose some and tag them, and the tags say what most of them speak of.")
    empty_text = _l("Nobody has written anything in their own words yet.")
    list_template = "surveys/words.html"
    list_columns = show_columns = [
        "campaign", "question", "words", "tags", "answered_on", "via", "service", "zone", "stratum", "process", "who",
    ]  # fmt: skip
    search_words = ("words",)
    search_hint = _l("Search what people wrote")
    own_facets = (
        CAMPAIGN, OpenQuestions("question", _l("Question")), Tagged("tag", _l("Tag"), SurveyTag.id, SurveyTag, SurveyTag.id, None, True),
        *SEGMENTS, enum_facet("status", _l("State"), SurveyResponse.status, ResponseStatus),
        flag_facet("is_named", _l("With a name"), SurveyResponse.is_named),
    )  # fmt: skip
    ready_filters = (Ready(N_("Without a tag"), f"tag={EMPTY}"),)
    base_order = ("id", "desc")
    label_columns = {
        "campaign": _l("Campaign"), "question": _l("Question"), "words": _l("What they wrote"), "tags": _l("Tags"),
        "answered_on": _l("Answered on"), "via": _l("Way of answering"), "service": _l("Service"), "zone": _l("Zone"),
        "stratum": _l("Stratum"), "process": _l("Process"), "who": _l("Who"),
    }  # fmt: skip

    @property
    def list_name(self) -> str:
        return "SurveyWords"

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return (
            statement.join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
            .join(Question, Question.id == SurveyAnswer.question_id)
            .where(SurveyAnswer.words.is_not(None), SurveyResponse.status != ResponseStatus.SCREENED)
        )

    def matching(self, text: str) -> Any:
        return search.folded_contains((SurveyAnswer.words,), text)

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        response = contains_eager(SurveyAnswer.response)
        related = (SurveyResponse.campaign, SurveyResponse.invitee, SurveyResponse.service, SurveyResponse.process)
        options = [contains_eager(SurveyAnswer.question), joinedload(SurveyAnswer.option), *(response.joinedload(each) for each in related)]
        return statement.options(*options).add_columns(_tags_of())

    def line_of(self, row: Any) -> SurveyAnswer:
        """Return the answer, with its tags beside it."""
        inspect(row[0]).info["tags"] = row[1]
        return row[0]

    def title_of(self, item: SurveyAnswer) -> str:
        return clipped(item.words or "")

    def row_url(self, item: SurveyAnswer) -> str:
        return url_for("SurveyResponseView.show", pk=item.response_id)

    def shown(self, item: SurveyAnswer, name: str) -> Any:
        match name:
            case "tags":
                return ", ".join(tag for _key, tag in tags_on(item)) or "—"
            case "question":
                return f"{item.question.code} {text_of(item.question)}"
            case "who":
                return who_said(item.response) or "—"
            case "words":
                return self.words_of(item)
        return super().shown(item if hasattr(SurveyAnswer, name) else item.response, name)

    @staticmethod
    def words_of(item: SurveyAnswer) -> str:
        """Return what was written; of an option that asks which one, after that option."""
        return f"{text_of(item.option)}: {item.words}" if item.option is not None else item.words or ""

    def exported(self, name: str, column: Any) -> tuple[Any, Any]:
        if name == "answered_on":
            return Kind.DATE, lambda line: line.response.answered_on
        return super().exported(name, None)

    def list_facts(self, narrowed: Select[Any], columns: tuple[str, ...]) -> dict[str, Any]:
        facts = super().list_facts(narrowed, columns)
        return facts | {
            "tags": self._counts(narrowed), "may_tag": may("can_tag", "SurveyResult"), "sees_groups": sees_small(), "tags_on": tags_on,
            "who_said": who_said, "text_of": text_of, "most": MOST_TAGGED,
        }  # fmt: skip

    @staticmethod
    def _counts(narrowed: Select[Any]) -> list[tuple[int, str, int]]:
        """Return the tags in use with how many of the answers found have each, the most frequent first."""
        found = narrowed.with_only_columns(SurveyAnswer.id)
        n = func.count(distinct(SurveyAnswerTag.id))
        tagged = and_(SurveyAnswerTag.tag_id == SurveyTag.id, SurveyAnswerTag.answer_id.in_(found))
        statement = select(SurveyTag.id, SurveyTag.name, n).outerjoin(SurveyAnswerTag, tagged)
        statement = statement.where(or_(SurveyTag.is_active, SurveyAnswerTag.id.is_not(None))).group_by(SurveyTag.id, SurveyTag.name)
        return [(key, name, count) for key, name, count in db.session.execute(statement.order_by(n.desc(), SurveyTag.name))]

    @expose("/label", methods=["POST"])
    @has_access
    @permission_name("tag")
    def label(self) -> Response:
        """Put a tag on the chosen answers (all that were found, with `every`), or take one off (`off`)."""
        try:
            words = self._taken_off() if "off" in request.form else self._put_on()
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(_("Nothing was done: %(why)s", why=say(error)), "warning")
        else:
            flash(words, "success")
        return redirect(self.listing().to())

    def _put_on(self) -> str:
        answers = self._ticked()
        if not answers:
            raise DomainError(N_("Choose at least one answer."))
        tag = survey_tags.tag_called(db.session(), request.form.get("name", ""))
        n = survey_tags.put(db.session(), tag, answers)
        log.info("survey tag", tag=tag.id, n_rows=n, user_id=current_user.id, request_id=g.request_id)
        return ngettext("%(num)s answer tagged “%(tag)s”.", "%(num)s answers tagged “%(tag)s”.", n, tag=tag.name)

    def _taken_off(self) -> str:
        answer_id, _dash, tag_id = request.form["off"].partition("-")
        keys = [int(key) if key.isdecimal() and int(key) <= BIGGEST_ID else 0 for key in (answer_id, tag_id)]
        tag = db.session.get(SurveyTag, keys[1])
        answers = self._rows_of([keys[0]])
        if tag is None or not answers:
            raise DomainError(N_("That answer or that tag is no longer there."))
        survey_tags.take(db.session(), tag, answers)
        return _("The tag “%(tag)s” was taken off.", tag=tag.name)

    def _ticked(self) -> list[SurveyAnswer]:
        if request.form.get("every") == "1":
            return list(db.session.scalars(self.narrowed().order_by(SurveyAnswer.id).limit(MOST_TAGGED)))
        return self._rows_of(int(key) for key in request.form.getlist("row")[:MOST_TAGGED] if key.isdecimal() and int(key) <= BIGGEST_ID)

    def _rows_of(self, keys: Iterable[int]) -> list[SurveyAnswer]:
        return list(db.session.scalars(self.scope(select(SurveyAnswer)).where(SurveyAnswer.id.in_(list(keys)))))
