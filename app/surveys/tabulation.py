"""The results of a campaign as a manager wants them: the figures, what to look into, each question, groups, rounds; and their file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from flask import abort, g, redirect, render_template, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.domain.campaigns import CampaignStatus, ResponseStatus
from app.domain.questionnaires import QuestionKind
from app.domain.surveys import LEAST_SHOWN, Measure
from app.domain.tabulation import Cross, Dimension, Figure, Group, Tabulated, Tabulation
from app.downloads import send_made
from app.drawing import Drawing, Plot, Series, drawn
from app.drawing import Point as Dot
from app.extensions import db, now, today
from app.listing import Bad, Listing, Moment
from app.listviews import calendar_now
from app.lookups import BIGGEST_ID
from app.models import Question, QuestionnaireVersion, SurveyAnswer, SurveyAnswerTag, SurveyCampaign, SurveyResponse, SurveyTag
from app.operations.tabulation import is_counted, tabulate
from app.reports import surveys as files
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.security import may
from app.surveys import board
from app.surveys.drill import SurveyResponseView
from app.surveys.segments import SEGMENTS, sees_small, text_of, zone_key
from app.words import page_lang

log = structlog.get_logger("atiende")

#: Earlier rounds that the line over time has.
N_ROUNDS = 6
#: Other campaigns offered at the head.
N_OTHERS = 12
#: What holds for one round alone; the other filters hold for the rounds it is compared with too.
OF_ROUND = ("answered_on",)
#: Campaigns that have results, and how their states look.
TONES = {CampaignStatus.OPEN: "info", CampaignStatus.CLOSED: "ok"}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the address asks for: the conditions that hold for every round, and those of this one."""

    listing: Listing
    where: tuple[Any, ...]
    of_round: tuple[Any, ...]


class SurveyResultView(BaseView):
    """`/survey-results/`: the newest campaign with results, any other, and their workbook. Every figure leads to the answers behind it."""

    route_base = "/survey-results"
    default_view = "list"
    class_permission_name = "SurveyResult"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """The results of the newest campaign that has answers enough to show; else of the newest that has any."""
        answered = select(func.count()).where(
            SurveyResponse.campaign_id == SurveyCampaign.id, SurveyResponse.status == ResponseStatus.COMPLETE
        ).scalar_subquery()  # fmt: skip
        enough = case((answered >= (1 if sees_small() else LEAST_SHOWN), 1), else_=0)
        newest = self._campaigns().order_by(enough.desc(), SurveyCampaign.opens_on.desc(), SurveyCampaign.id.desc())
        any_answer = select(SurveyResponse.id).where(SurveyResponse.campaign_id == SurveyCampaign.id)
        found = db.session.scalars(newest.where(any_answer.exists()).limit(1)).first()
        if found is None:
            return self.render_template("surveys/tabulation_none.html", may_campaigns=may("can_list", "SurveyCampaign"))
        return redirect(url_for("SurveyResultView.show", pk=found.id))

    @expose("/<pk>")
    @has_access
    @permission_name("list")
    def show(self, pk: str) -> Any:
        """The figures of a campaign, narrowed to what the address asks for."""
        campaign = self._campaign(pk)
        asked, problem = self._asked(pk), ""
        if request.args.get("set") in asked.listing.facets:
            try:
                return redirect(self._taken(asked.listing))
            except Bad as error:
                problem = str(error)
        screen = next(view for view in self.appbuilder.baseviews if type(view) is SurveyResponseView)
        panel = screen._panel(problem) | {"listing": asked.listing}
        panel["facet"] = panel["facet"] if getattr(panel["facet"], "name", "") in asked.listing.facets else None
        if request.headers.get("X-Fragment") == "panel":
            return render_template("list/_panel.html", **panel)
        by = self._by(campaign)
        found = tabulate(
            db.session(), campaign, where=asked.where, of_round=asked.of_round, by=by, n_rounds=N_ROUNDS, sees_small=sees_small()
        )
        return self.render_template(
            "surveys/tabulation.html", **panel, campaign=campaign, found=found, by=by, page=Page(campaign, found, asked.listing),
            chips=asked.listing.chips(db.session), others=self._others(campaign), tags=self._tags(campaign, asked),
            dimensions=Dimension, board=board, kinds=QuestionKind, text_of=text_of, least=LEAST_SHOWN, pill=change_pill, tones=TONES,
            is_english=page_lang().startswith("en"),
            may_export=may("can_export", "SurveyResult") and found.n > 0, may_see=may("can_see_answers", "SurveyResult"),
        )  # fmt: skip

    @expose("/<pk>/excel")
    @has_access
    @permission_name("export")
    def workbook(self, pk: str) -> Response:
        """The workbook: figures, questions, distributions, groups; open answers and all answers for whoever may see them one by one."""
        campaign, asked, small = self._campaign(pk), self._asked(pk), sees_small()
        find = partial(tabulate, db.session(), campaign, where=asked.where, of_round=asked.of_round, sees_small=small)
        found = find(n_rounds=N_ROUNDS)
        groups = [cross for dimension in Dimension if (cross := find(by=dimension, n_rounds=0).cross) is not None]
        words = [f"{chip.label}: {chip.words}" for chip in asked.listing.chips(db.session)] or [_("All answers")]
        counted = self._counted(campaign, asked) if may("can_see_answers", "SurveyResult") and found.n else None
        cover = files.Cover(campaign, words, current_user.get_full_name(), now(), small)
        file = files.workbook(db.session(), cover, found, groups, counted)
        log.info("export", report="survey", extension="xlsx", user_id=current_user.id, request_id=g.request_id)
        return send_made(file, f"{campaign.number}-{today():%Y-%m-%d}.xlsx", XLSX_TYPE)

    # What a request asks

    @staticmethod
    def _campaigns() -> Select[Any]:
        return select(SurveyCampaign).where(SurveyCampaign.status.in_(TONES))

    def _campaign(self, pk: str) -> SurveyCampaign:
        if not pk.isdecimal() or int(pk) > BIGGEST_ID:
            abort(404)
        version = joinedload(SurveyCampaign.version).joinedload(QuestionnaireVersion.questionnaire)
        statement = self._campaigns().where(SurveyCampaign.id == int(pk))
        return db.session.scalars(statement.options(version, joinedload(SurveyCampaign.process))).first() or abort(404)

    @staticmethod
    def _asked(pk: str) -> Narrowed:
        listing = Listing(url_for("SurveyResultView.show", pk=pk), request.args, SEGMENTS, ("by",))
        moment = Moment(today(), current_user.id, calendar_now)
        found: dict[bool, list[Any]] = {True: [], False: []}
        for name, value in listing.values.items():
            condition = listing.facets[name].condition(value, moment)
            if condition is not None:
                found[name in OF_ROUND].append(condition)
        return Narrowed(listing, tuple(found[False]), tuple(found[True]))

    @staticmethod
    def _taken(listing: Listing) -> str:
        given = {key: request.args.getlist(key) for key in ("v", "text", "since", "until")}
        return listing.to(**{request.args["set"]: listing.facets[request.args["set"]].read(db.session, given)})

    @staticmethod
    def _by(campaign: SurveyCampaign) -> Dimension:
        """Return what groups are set apart by: what the address says, else what the sample was split by, else services."""
        name = request.args.get("by", "").upper()
        if name in Dimension.__members__:
            return Dimension[name]
        return Dimension.ZONE if campaign.by_zone else Dimension.STRATUM if campaign.by_stratum else Dimension.SERVICE

    @staticmethod
    def _counted(campaign: SurveyCampaign, asked: Narrowed) -> Select[Any]:
        """Return the SELECT of the keys of the answers behind the figures."""
        return select(SurveyResponse.id).where(is_counted(campaign.id), *asked.where, *asked.of_round)

    def _others(self, campaign: SurveyCampaign) -> list[SurveyCampaign]:
        """Return the newest campaigns besides this one: first of its questionnaire, then of others."""
        own = (SurveyCampaign.questionnaire_id == campaign.questionnaire_id).desc()
        statement = self._campaigns().where(SurveyCampaign.id != campaign.id)
        return [*db.session.scalars(statement.order_by(own, SurveyCampaign.opens_on.desc(), SurveyCampaign.id.desc()).limit(N_OTHERS))]

    def _tags(self, campaign: SurveyCampaign, asked: Narrowed) -> dict[str, list[tuple[int, str, int]]]:
        """Return what open answers speak of: key, name and number of the tags of each question."""
        n = func.count()
        statement = (
            select(Question.code, SurveyTag.id, SurveyTag.name, n)
            .join(SurveyAnswer, SurveyAnswer.question_id == Question.id)
            .join(SurveyAnswerTag, SurveyAnswerTag.answer_id == SurveyAnswer.id)
            .join(SurveyTag, SurveyTag.id == SurveyAnswerTag.tag_id)
            .where(Question.version_id == campaign.version_id, SurveyAnswer.response_id.in_(self._counted(campaign, asked)))
            .group_by(Question.code, SurveyTag.id, SurveyTag.name)
            .order_by(n.desc(), SurveyTag.name)
        )
        found: dict[str, list[tuple[int, str, int]]] = {}
        for code, *tag in db.session.execute(statement):
            found.setdefault(code, []).append(tuple(tag))  # type: ignore[arg-type]
        return found


# ── What the page is made of ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of groups: a question or a row of a matrix, and whether the groups surely differ."""

    key: tuple[int, int | None]
    code: str
    text: str
    url: str
    kind: QuestionKind
    whole: float | None
    differs: bool


class Page:
    """The addresses behind the figures, and the pieces of the page that need more than a figure."""

    def __init__(self, campaign: SurveyCampaign, found: Tabulation, listing: Listing) -> None:
        self._campaign, self._found, self._listing = campaign, found, listing
        self._is_open = may("can_see_answers", "SurveyResult")

    def answers(self, figure: Figure | None = None, given: str = "", **more: str) -> str:
        """Return the address of the answers behind a figure; empty where the reader sees none one by one."""
        if not self._is_open:
            return ""
        values = {"campaign": str(self._campaign.id), "status": ResponseStatus.COMPLETE.name, **self._listing.values}
        if figure is not None:
            values["answer"] = f"{figure.question_id}" + (f"/{figure.option_id}" if figure.option_id else "") + given
        return url_for("SurveyResponseView.list", **(values | more))  # type: ignore[arg-type]

    def given_url(self, figure: Figure) -> Callable[[str], str]:
        """Return what gives the address behind a part of the distribution of *figure*."""
        return lambda given: self.answers(figure, given)

    def line_url(self, figure: Figure) -> Callable[[board.Line], str]:
        """Return what gives the address behind an option of a list; spans of numbers have none."""
        return lambda line: self.answers(Figure(figure.question_id, line.option_id)) if line.option_id else ""

    def whole_url(self, **values: str) -> str:
        """Return the address of answers of the campaign, whatever the page is narrowed to."""
        values = {"status": ResponseStatus.COMPLETE.name, **values}
        return url_for("SurveyResponseView.list", campaign=self._campaign.id, **values) if self._is_open else ""  # type: ignore[arg-type]

    def words(self, code: str = "", **more: str) -> str:
        """Return the address of the open answers to a question."""
        if not self._is_open:
            return ""
        values = {"campaign": str(self._campaign.id), "question": code or None, "status": ResponseStatus.COMPLETE.name}
        return url_for("SurveyWordsView.list", **{**values, **self._listing.values, **more})  # type: ignore[arg-type]

    @staticmethod
    def key_of(dimension: Dimension, group: Group) -> str:
        """Return how the address names *group*."""
        if dimension is Dimension.VIA:
            return group.key.name
        if dimension is Dimension.ZONE:
            return zone_key(group.key or "")
        return "empty" if group.key is None else str(group.key)

    def group_url(self, dimension: Dimension, group: Group) -> str:
        """Return the address of these results narrowed to *group*."""
        return self._listing.to(**{dimension.name.lower(): self.key_of(dimension, group)})

    def cell_url(self, dimension: Dimension, group: Group, key: tuple[int, int | None]) -> str:
        return self.answers(Figure(*key), **{dimension.name.lower(): self.key_of(dimension, group)})

    @staticmethod
    def group_label(group: Group) -> str:
        if group.label:
            return group.label
        if group.key is None or group.key == "":
            return _("(not known)")
        return _(group.key.value) if hasattr(group.key, "value") else str(group.key)

    def rows(self, cross: Cross) -> Iterable[Row]:
        """Yield what groups are compared by: scored questions, and the rows of matrices."""
        for question in self._found.questions:
            if question.kind in (QuestionKind.TEXT, QuestionKind.ONE, QuestionKind.MANY, QuestionKind.NUMBER):
                continue
            for figure in board.figures_of(question):
                key = (figure.question_id, figure.option_id)
                p_value = cross.p_values.get(key)
                text = text_of(figure) if figure.option_id else text_of(question)
                whole = figure.nps.score.value if figure.nps else figure.csat.value if figure.csat else None
                differs = p_value is not None and p_value < 0.05
                yield Row(key, question.code, text, f"#{board.anchor(figure)}", question.kind, whole, differs)

    def drawing(self) -> Drawing | None:
        """Return the line of satisfaction and recommendation over the rounds; nothing before there are two."""
        found = self._found
        rounds = [each for each in reversed(found.rounds) if each.n]
        if not rounds or found.csat is None:
            return None
        labels = [f"{each.period_until:%m/%Y}" for each in (*rounds, self._campaign)]
        nps = found.nps.nps.score if found.nps and found.nps.nps else None
        urls = [url_for("SurveyResultView.show", pk=each.id) for each in rounds] + [""]
        lines = [(Measure.CSAT, [each.csat for each in rounds] + [found.csat], partial(board.percent, places=1), "info")]
        if nps is not None:
            lines.append((Measure.NPS, [each.nps for each in rounds] + [nps], partial(board.signed, places=0), "soon"))
        series = tuple(
            Series(_(measure.value), tuple(
                Dot(None if one is None else board.rounded(one.value), "" if one is None else say(one.value), url)
                for one, url in zip(estimates, urls, strict=True)
            ), tone)
            for measure, estimates, say, tone in lines
        )  # fmt: skip
        title = _("Round by round")
        return drawn(Plot("LineChart", title, _("The table has the same numbers."), tuple(labels), series, is_time=True))

    @staticmethod
    def is_listed(question: Tabulated) -> bool:
        """Return whether its distribution is shown as bars below each other, and not as one strip."""
        return question.kind in (QuestionKind.ONE, QuestionKind.MANY, QuestionKind.NUMBER)


def change_pill(change: Any) -> Markup:
    """Return a change as a word with its mark and colour."""
    tone, mark = board.VERDICT_TONES[change.verdict], board.VERDICT_MARKS[change.verdict]
    return Markup('<span class="pill {}"><span aria-hidden="true">{}</span> {}</span>').format(tone, mark, _(change.verdict.value))
