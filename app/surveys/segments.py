"""
Which answers are looked at: what results, answers one by one and open answers are narrowed by, with the same names in every address.

Groups of fewer than `LEAST_SHOWN` people are shown only to whoever may see small groups: for others such a filter finds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, case, func, select, true
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.campaigns import AnswerVia, ResponseStatus
from app.domain.errors import DomainError
from app.domain.surveys import LEAST_SHOWN, is_small
from app.extensions import db
from app.listing import EMPTY, Choices, Dates, Facet, Listing, Moment, Rows, enum_facet
from app.lookups import BIGGEST_ID
from app.models import Process, Question, QuestionOption, Service, SurveyAnswer, SurveyCampaign, SurveyResponse
from app.security import may
from app.words import page_lang


class TooFew(DomainError):
    """What is asked for is a group so small that its answers would tell who gave them."""

    msgid = N_("Fewer than %(n)s people answered in this group: to keep their answers anonymous, nothing of it is shown.")

    def __init__(self) -> None:
        super().__init__(n=LEAST_SHOWN)


def sees_small() -> bool:
    """Return whether the reader may see groups of fewer than `LEAST_SHOWN` people."""
    return may("can_see_small", "SurveyResult")


# ── What answers are narrowed by ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Zones(Facet):
    """Zones as they were written on the day of the answer; a comma in a name travels as a semicolon."""

    form: ClassVar[str] = "choices"

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        parts = [part for part in value.split(",") if part]
        asked = [part for part in parts if part != EMPTY] + ([""] if EMPTY in parts else [])
        return func.replace(SurveyResponse.zone, ",", ";").in_(asked) if asked else None

    def words(self, session: Session, value: str) -> str:
        return " · ".join(_("(empty)") if part == EMPTY else part.replace(";", ",") for part in value.split(",") if part)

    def options(self, session: Session) -> list[tuple[str, str]]:
        zones = session.scalars(select(SurveyResponse.zone).distinct().order_by(SurveyResponse.zone).limit(200))
        return [(zone_key(zone), zone or _("(empty)")) for zone in zones]


def zone_key(zone: str) -> str:
    """Return *zone* as the address says it."""
    return zone.replace(",", ";") or EMPTY


def _strata() -> list[tuple[str, str]]:
    return [*((str(n), str(n)) for n in range(1, 7)), (EMPTY, N_("(empty)"))]


def _in_stratum(value: str, _moment: Moment) -> ColumnElement[bool]:
    return SurveyResponse.stratum.is_(None) if value == EMPTY else SurveyResponse.stratum == int(value)


#: What tells one group of people from another.
GROUPS: tuple[Facet, ...] = (
    Rows("service", _l("Service"), SurveyResponse.service_id, Service, Service.id, None, True),
    Zones("zone", _l("Zone")),
    Choices("stratum", _l("Stratum"), _strata, _in_stratum),
    Rows("process", _l("Process"), SurveyResponse.process_id, Process, Process.id, None, True),
)
#: All that results are narrowed by.
SEGMENTS: tuple[Facet, ...] = (
    *GROUPS,
    enum_facet("via", _l("Way of answering"), SurveyResponse.via, AnswerVia),
    Dates("answered_on", _l("Answered on"), SurveyResponse.answered_on),
)
CAMPAIGN = Rows("campaign", _l("Campaign"), SurveyResponse.campaign_id, SurveyCampaign, SurveyCampaign.id)


@dataclass(frozen=True)
class Given(Facet):
    """
    Who answered a question, and what: `12` (anything), `12:4..5` (those values, reversed questions turned round), `12:na`,
    `12/34` (chose option 34), `12/34:1..2` (a row of a matrix).
    """

    form: ClassVar[str] = "text"

    @staticmethod
    def parts(value: str) -> tuple[int, int | None, str] | None:
        """Return question, option and what was given; None for what is no such value."""
        of, _colon, given = value.partition(":")
        question, slash, option = of.partition("/")
        keys = [question, option] if slash else [question]
        if not all(key.isdecimal() and int(key) <= BIGGEST_ID for key in keys):
            return None
        return int(question), int(option) if slash else None, given

    @staticmethod
    def ends(given: str) -> tuple[int, int] | None:
        least, dots, greatest = given.partition("..")
        ends = [least, greatest if dots else least]
        return (int(ends[0]), int(ends[1])) if all(end.isdecimal() and len(end) < 4 for end in ends) else None

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        found = self.parts(value)
        if found is None:
            return None
        question, option, given = found
        answer = SurveyAnswer
        clauses: list[ColumnElement[bool]] = [answer.question_id == question]
        if option is not None:
            clauses.append(answer.option_id == option)
        if given == "na":
            clauses.append(answer.is_na)
        else:
            clauses.append(~answer.is_na)
            if (ends := self.ends(given)) is not None:
                clauses.append(answer.value.between(*ends))
        return SurveyResponse.id.in_(select(answer.response_id).where(and_(*clauses)))

    def words(self, session: Session, value: str) -> str:
        found = self.parts(value)
        row = None
        if found is not None:
            option = and_(QuestionOption.question_id == Question.id, QuestionOption.id == found[1])
            row = session.execute(select(Question, QuestionOption).outerjoin(QuestionOption, option).where(Question.id == found[0])).first()
        if row is None or found is None:
            return value
        question, chosen = row
        of = [f"{question.code} {clipped(text_of(question))}", *([text_of(chosen)] if chosen else [])]
        ends = self.ends(found[2])
        said = _("no answer") if found[2] == "na" else "" if ends is None else _span(*ends)
        return " · ".join([*of, said] if said else of)

    def read(self, session: Session, given: Mapping[str, list[str]]) -> str:
        return "".join((given.get("text") or [""])[0].split())[:60]


def _span(least: int, greatest: int) -> str:
    return str(least) if least == greatest else _("%(low)s to %(high)s", low=least, high=greatest)


def clipped(text: str, longest: int = 60) -> str:
    """Return *text* cut where it grows long."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def text_of(row: Any) -> str:
    """Return the text of a question or an option in the reader's language; in Spanish where that one lacks."""
    return row.text_en if row.text_en and page_lang().startswith("en") else row.text_es


def refuse_small(listing: Listing, moment: Moment) -> None:
    """
    Raise TooFew when *listing* asks for a group that the reader may not see in some campaign, or leaves out one: who is missing from
    a list is known as well. Filters that tell no people apart are always fine.
    """
    values = {name: value for name, value in listing.values.items() if name in _TELLING}
    if not values or sees_small():
        return
    clauses = [_TELLING[name].condition(value, moment) for name, value in values.items()]
    inside = case((and_(true(), *(clause for clause in clauses if clause is not None)), 1), else_=0)
    counts = select(func.count(), func.sum(inside)).where(SurveyResponse.status == ResponseStatus.COMPLETE)
    campaigns = CAMPAIGN.condition(listing.values.get("campaign", ""), moment)
    if campaigns is not None:
        counts = counts.where(campaigns)
    for n, n_inside in db.session.execute(counts.group_by(SurveyResponse.campaign_id)):
        if is_small(n_inside) or is_small(n - n_inside):
            raise TooFew


_TELLING = {facet.name: facet for facet in GROUPS}


