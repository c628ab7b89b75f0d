"""How the office attends: the silences to recognise, and how citizens rated it."""

from __future__ import annotations

from enum import Enum
from typing import Any

from flask import url_for
from flask_appbuilder.models.group import aggregate_avg, aggregate_count
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, case, exists, literal, or_, select
from sqlalchemy import Enum as EnumType

from app.baseviews import READ_ONLY, Button, RuledView
from app.charts import RuledChartView
from app.days import to_recognise
from app.domain import N_
from app.extensions import today
from app.listing import Choices, Facet, Moment
from app.listviews import Ready
from app.models import Pqr, Rating, Silence
from app.operations.rating import SCORES
from app.screens.records import history_of
from app.security import may, scope_cases


def link_to_case(pqr: Pqr) -> Markup:
    return Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number)


def no_relations(mapper: Any, name: str) -> bool:
    """Whether column *name* refers to a row of a table of which nobody ticks one."""
    return name in mapper.relationships and name != "channel"


def _awaited(_value: str, _moment: Moment) -> ColumnElement[bool]:
    return exists().where(Pqr.id == Silence.pqr_id, to_recognise()).correlate(Silence)


# ── Silences ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class SilenceView(RuledView):
    """The positive silences (Ley 142 art. 158): which arose, until when each is to be recognised, and by which act it was."""

    datamodel = SQLAInterface(Silence)
    route_base = "/silence"
    class_permission_name = "Silence"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Positive silence")
    intro = _l("It arises by itself when a term of Law 142 ends without an answer. It is recognised, on the case, within 72 hours.")
    empty_text = _l("No term has ended without an answer. A silence appears here by itself on the day after.")
    list_columns = ["pqr", "ground", "arisen_on", "recognise_by", "left", "recognised_on", "document"]
    more_columns = ("left",)
    show_fieldsets = [
        (_l("The silence"), {"fields": ["pqr", "ground", "arisen_on", "recognise_by"]}),
        (_l("How it was recognised"), {"fields": ["recognised_on", "document", "grants", "order", "change"]}),
        (_l("If it was none"), {"fields": ["withdrawn_on", "withdrawn_reason"]}),
    ]
    own_facets: tuple[Facet, ...] = (Choices("pending", _l("To be recognised"), lambda: (("1", N_("Yes")),), _awaited),)
    ready_filters = (Ready(N_("To be recognised"), "pending=1&order=recognise_by"),)
    filter_columns = ("ground",)
    base_order = ("recognise_by", "desc")
    label_columns = {
        "pqr": _l("Case"), "ground": _l("Ground"), "arisen_on": _l("Arose on"), "recognise_by": _l("To recognise by"),
        "left": _l("What is left"), "recognised_on": _l("Recognised on"), "document": _l("Act"), "grants": _l("What is granted"),
        "order": _l("Field order that carries it out"), "change": _l("Change of the invoice that carries it out"),
        "withdrawn_on": _l("Lifted on"), "withdrawn_reason": _l("Why it was none"),
    }  # fmt: skip
    formatters_columns = {"pqr": link_to_case}

    def facet_of(self, mapper: Any, name: str) -> Facet | None:
        return None if no_relations(mapper, name) else super().facet_of(mapper, name)

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return statement.where(Silence.pqr_id.in_(scope_cases(select(Pqr.id), today())))

    def shown(self, item: Silence, name: str) -> Any:
        return say_left(item) if name == "left" else super().shown(item, name)

    def title_of(self, item: Silence) -> str:
        return str(item.pqr)

    def buttons(self, item: Silence) -> list[Button]:
        url = url_for("CaseView.move", number=item.pqr.number, name="recognise")
        is_awaited = item.recognised_on is None and item.withdrawn_on is None and may("can_recognise")
        return [*([Button(_("Recognise the silence"), url)] if is_awaited else []), *history_of("silence", item.id)]


def say_left(silence: Silence) -> str:
    """Return how a silence stands: recognised, withdrawn, or the days that are left of its 72 hours."""
    if silence.withdrawn_on:
        return _("It was none")
    if silence.recognised_on:
        return _("Recognised late") if silence.recognised_on > silence.recognise_by else _("Recognised")
    days = (silence.recognise_by - today()).days
    if days < 0:
        return ngettext("%(num)s day late", "%(num)s days late", -days)
    return ngettext("%(num)s day left", "%(num)s days left", days) if days else _("Ends today")


# ── Ratings ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Mood(Enum):
    """What a score of 1 to 5 means."""

    SATISFIED = N_("Satisfied")
    NEUTRAL = N_("Neither")
    UNSATISFIED = N_("Unsatisfied")


_MOODS = EnumType(Mood, native_enum=False, length=24)
MOOD = case(
    (Rating.score >= 4, literal(Mood.SATISFIED, _MOODS)),
    (Rating.score == 3, literal(Mood.NEUTRAL, _MOODS)),
    else_=literal(Mood.UNSATISFIED, _MOODS),
)


class RatingView(RuledView):
    """How citizens rated the attention, by the link of a mail or on the tablet of the counter. Nobody edits what they said."""

    datamodel = SQLAInterface(Rating)
    route_base = "/rating"
    class_permission_name = "Rating"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Ratings of the attention")
    intro = _l("One question, of 1 to 5, to whoever was answered and to whoever leaves the counter.")
    empty_text = _l("Nobody has rated the attention yet. The mail with the answer asks for it, and so does the tablet of the counter.")
    list_columns = ["rated_on", "score", "comment", "via", "channel", "pqr"]
    show_columns = ["rated_at", "rated_on", "score", "comment", "via", "channel", "pqr"]
    own_facets: tuple[Facet, ...] = (
        Choices("mood", _l("Satisfaction"), lambda: ((each.name, each.value) for each in Mood), lambda value, _moment: Mood[value] == MOOD),
    )
    filter_columns = ("score", "via", "channel")
    search_words = ("comment",)
    base_order = ("rated_on", "desc")
    clipped = ("comment",)
    label_columns = {
        "rated_at": _l("Rated at"), "rated_on": _l("Rated on"), "score": _l("Score"), "comment": _l("Comment"), "via": _l("Where"),
        "channel": _l("Channel"), "pqr": _l("Case"),
    }  # fmt: skip
    formatters_columns = {"pqr": link_to_case, "score": lambda score: f"{score} · {_(SCORES[score])}"}

    def facet_of(self, mapper: Any, name: str) -> Facet | None:
        return None if no_relations(mapper, name) else super().facet_of(mapper, name)

    def scope(self, statement: Select[Any]) -> Select[Any]:
        """Ratings of the cases of the reader, and those of the counter that are of no case."""
        mine = scope_cases(select(Pqr.id).where(Pqr.id == Rating.pqr_id), today())  # asked of each rating: not the list of all his cases
        return statement.where(or_(Rating.pqr_id.is_(None), mine.exists()))

    def title_of(self, item: Rating) -> str:
        return str(self.shown(item, "score"))


class RatingChartView(RuledChartView):
    """Average and satisfaction, by month and by channel."""

    route_base = "/charts/ratings"
    class_permission_name = "RatingChart"
    list_view, chart_title, counted = RatingView, _l("Charts of the ratings"), _l("Ratings")
    definitions = [
        {"group": "rated_on", "name": "average", "label": _l("Average by month"), "period": "month",
         "series": [(aggregate_avg, "score")], "chart_type": "LineChart"},
        {"group": "rated_on", "name": "satisfaction", "label": _l("Satisfaction by month"), "period": "month", "split": "mood",
         "series": [(aggregate_count, "id")], "tones": {"SATISFIED": "ok", "NEUTRAL": "warn", "UNSATISFIED": "bad"}},
        {"group": "channel", "label": _l("Average by channel"), "series": [(aggregate_avg, "score")], "chart_type": "BarChart"},
        {"group": "mood", "label": _l("Satisfaction"), "series": [(aggregate_count, "id")], "chart_type": "PieChart"},
        {"group": "via", "label": _l("Where it was rated"), "series": [(aggregate_count, "id")]},
    ]  # fmt: skip

    def expressions(self) -> dict[str, Any]:
        return {"mood": MOOD}
