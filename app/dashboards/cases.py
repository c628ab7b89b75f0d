"""The board of cases: how many come and are answered, in time or not, what is open and how it stands, and about what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select, union_all

from app.dashboards.base import LIVING, TOP, Bars, Board, Chart, Facts, Group, Moment, Part, Span, Tile, by_month, told, within
from app.days import to_recognise
from app.domain import N_
from app.domain.deadlines import Regime
from app.domain.states import Category, PqrStatus, states_in
from app.models import Channel, Pqr, Process, Rating, RequestType, Silence, SuiCause

_VOIDED = Pqr.status == PqrStatus.VOIDED
_IN_TIME = case((Pqr.answered_on <= Pqr.due_on, 1), else_=0)
_ALIVE = states_in(Category.OPEN, Category.STOPPED)
#: What cases are counted by, and whose names their keys have.
_BY: dict[str, tuple[Any, Any]] = {
    "request_type": (Pqr.request_type_id, RequestType), "channel": (Pqr.channel_id, Channel), "cause": (Pqr.cause_id, SuiCause),
    "process": (Pqr.process_id, Process),
}  # fmt: skip
#: How the work of a process stands, the worst first; one index tells it, so late and in silence are one.
_LIGHTS = ("late", "now", "soon", "ok", "stopped")


# ── The figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _filed(m: Moment, span: Span) -> Select[Any]:
    """Return the SELECT of how many were filed: all less those that were voided, which indexes tell without looking at a case."""
    every = m.count("pqr", Pqr, within(Pqr.filed_on, span))
    return select(every.scalar_subquery() - every.where(_VOIDED).scalar_subquery())


def _rated(m: Moment, span: Span) -> Select[Any]:
    """Return the SELECT of the sum and the number of ratings."""
    return m.rated(select(func.sum(Rating.score), func.count()).select_from(Rating).where(within(Rating.rated_on, span)))


def _silences(m: Moment, *conditions: ColumnElement[bool]) -> Select[Any]:
    rows = select(func.count()).select_from(Silence).join(Pqr, Pqr.id == Silence.pqr_id)
    return m.scope("pqr", rows.where(*conditions))


def _of_span(m: Moment, span: Span) -> Iterator[Part]:
    answered = select(func.count(), func.sum(_IN_TIME)).select_from(Pqr).where(within(Pqr.answered_on, span))
    yield ("filed",), _filed(m, span)
    yield ("answered", "in_time"), m.scope("pqr", answered)
    yield ("silences",), _silences(m, within(Silence.arisen_on, span), Silence.withdrawn_on.is_(None))
    yield ("scores", "ratings"), _rated(m, span)


def _of_today(m: Moment) -> Iterator[Part]:
    running = Pqr.status.in_(states_in(Category.OPEN))
    yield ("silence",), m.count("pqr", Pqr, running, Pqr.due_on < m.today, Pqr.regime == Regime.LEY142)
    yield ("to_recognise",), _silences(m, to_recognise())


# ── Groups ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _months(m: Moment) -> list[Group]:
    """Return what was filed, answered, and answered in time in each month: days are counted, and added up here."""

    def by_day(kind: str, column: Any, *more: Any) -> Select[Any]:
        columns = (literal(kind).label("kind"), column.label("day"), func.count().label("n"), (more or (literal(0),))[0].label("hits"))
        return m.scope("pqr", select(*columns).select_from(Pqr).where(within(column, m.year))).group_by(column)

    rows = m.session.execute(
        union_all(
            by_day("filed", Pqr.filed_on), by_day("voided", Pqr.filed_on).where(_VOIDED),
            by_day("answered", Pqr.answered_on, func.sum(_IN_TIME)),
        )
    ).all()  # fmt: skip
    days = (
        (day, {"filed": (n, 0, 0), "voided": (-n, 0, 0), "answered": (0, hits, n - hits)}[kind]) for kind, day, n, hits in rows
    )
    sums = by_month(m.months, days, 3)
    return [Group(str(span), "", values) for span, values in zip(m.months, sums, strict=True)]


def _by_all(m: Moment) -> dict[str, list[Group]]:
    """Return what was filed by each of `_BY`: the cases are gone through once, and their few combinations added up by each."""
    columns = [column.label(name) for name, (column, _model) in _BY.items()]
    rows = m.scope("pqr", select(*columns, func.count().label("n")).select_from(Pqr).where(within(Pqr.filed_on, m.spans.now), ~_VOIDED))
    combined = rows.group_by(*(column for column, _model in _BY.values())).cte("combined")
    parts = []
    for name, (_column, model) in _BY.items():
        sums = select(combined.c[name].label("key"), func.sum(combined.c.n).label("n")).group_by(combined.c[name]).subquery()
        parts.append(select(literal(name).label("by"), sums.c.key, model.name.label("name"), sums.c.n)
                     .select_from(sums).outerjoin(model, model.id == sums.c.key))  # fmt: skip
    found: dict[str, list[Group]] = {name: [] for name in _BY}
    for by, key, label, n in m.session.execute(union_all(*parts)):
        found[by].append(Group("empty" if key is None else str(key), label or "", (int(n),)))
    return {name: sorted(groups, key=lambda each: (-each.values[0], each.label)) for name, groups in found.items()}


def _lights(m: Moment) -> Any:
    """Return the expression of how an open case stands; status and due date tell it."""
    tomorrow, fifth = m.calendar.add(m.today, 1), m.calendar.add(m.today, 5)
    stopped = Pqr.status.in_(states_in(Category.STOPPED))
    return case((stopped, "stopped"), (Pqr.due_on < m.today, "late"), (Pqr.due_on <= tomorrow, "now"), (Pqr.due_on <= fifth, "soon"),
                else_="ok")  # fmt: skip


def _workload(m: Moment) -> list[Group]:
    """Return the open cases of each process by how they stand; processes come first, so that their index is walked and nothing else."""
    light = _lights(m).label("light")
    rows = select(Process.id, Process.name, light, func.count()).select_from(Process).join(Pqr, Pqr.process_id == Process.id)
    counted = m.scope("pqr", rows.where(Pqr.status.in_(_ALIVE))).group_by(Process.id, Process.name, light)
    found: dict[tuple[int, str], dict[str, int]] = {}
    for key, name, shown, n in m.session.execute(counted):
        found.setdefault((key, name), {})[shown] = n
    groups = [Group(str(key), name, tuple(its.get(each, 0) for each in _LIGHTS)) for (key, name), its in found.items()]
    return sorted(groups, key=lambda each: (-sum(each.values), each.label))


def _scores(m: Moment) -> list[Group]:
    rows = _rated(m, m.spans.now).with_only_columns(Rating.score, func.count()).group_by(Rating.score)
    found = dict(m.session.execute(rows).all())
    return [Group(str(score), str(score), (found.get(score, 0),)) for score in range(5, 0, -1)] if found else []


def read(m: Moment) -> Facts:
    """Return the figures of the board in five statements. Raises CalendarGap when the calendar does not reach."""
    numbers = told(m.session, (_of_span(m, span) for span in m.spans.all), _of_today(m))
    numbers["late_answers"] = [(n or 0) - (hits or 0) for n, hits in zip(numbers["answered"], numbers["in_time"], strict=True)]
    workload = _workload(m)
    for n, light in enumerate(_LIGHTS):
        numbers[light] = [sum(group.values[n] for group in workload)]
    numbers["open"] = [sum(sum(group.values) for group in workload)]
    return Facts(numbers, {**_by_all(m), "months": _months(m), "workload": workload, "scores": _scores(m)})


# ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_FILED = f"/pqr/?filed_on={{p}}&status={LIVING}"
_OPEN = "/pqr/?process={k}&light="


def _by(name: str, title: str) -> Chart:
    bars = (Bars(N_("Filed"), f"{_FILED}&{name}={{k}}", "info"),)
    return Chart(name, title, N_("No case was filed in these days."), bars, top=TOP)


BOARD = Board(
    "cases", N_("Dashboard: cases"), N_("Petitions, complaints, claims and recursos; voided ones count nowhere."), "CaseDashboard", read,
    period=(
        Tile("filed", N_("Filed"), N_("No case was filed in these days."), _FILED, tone="info"),
        Tile("answered", N_("Answered"), N_("No case was answered in these days."), "/pqr/?answered_on={p}", tone="info"),
        Tile("in_time", N_("Answered in time"), N_("Nothing to measure: no case was answered."),
             "/pqr/?answered_on={p}&timeliness=IN_TIME", of="answered", unit="%", better=1, tone="ok"),
        Tile("late_answers", N_("Answered late"), N_("No answer was late."), "/pqr/?answered_on={p}&timeliness=LATE", better=-1,
             tone="bad"),
        Tile("silences", N_("Positive silences that arose"), N_("No silence arose."),
             "/silence/list/?arisen_on={p}&withdrawn_on=empty", better=-1, tone="silence"),
        Tile("scores", N_("Rating of the attention, of 5"), N_("Nobody rated the attention in these days."), "/rating/list/?rated_on={p}",
             of="ratings", times=1, better=1, tone="ok"),
    ),
    today=(
        Tile("open", N_("Open cases"), N_("No case is open."), "/pqr/?open=1", tone="info"),
        Tile("late", N_("Past their term"), N_("None is past its term."), "/pqr/?light=late,silence", better=-1, tone="bad"),
        Tile("silence", N_("In silence (Law 142)"), N_("None is in silence."), "/pqr/?light=silence", better=-1, tone="silence"),
        Tile("now", N_("Due today or on the next working day"), N_("None is due."), "/pqr/?light=now", tone="soon"),
        Tile("soon", N_("Due within five working days"), N_("None is due."), "/pqr/?light=soon", tone="warn"),
        Tile("stopped", N_("With the clock stopped"), N_("No clock is stopped."), "/pqr/?light=stopped", tone="stop"),
        Tile("to_recognise", N_("Silences to recognise"), N_("No silence waits to be recognised."), "/silence/list/?pending=1", better=-1,
             tone="silence"),
    ),
    charts=(
        Chart("months", N_("Filed and answered, by month"), N_("No case in twelve months."), (
            Bars(N_("Filed"), f"/pqr/?filed_on={{k}}&status={LIVING}", "info"),
            Bars(N_("Answered in time"), "/pqr/?answered_on={k}&timeliness=IN_TIME", "ok"),
            Bars(N_("Answered late"), "/pqr/?answered_on={k}&timeliness=LATE", "bad"),
        ), kind="LineChart", is_time=True),
        Chart("workload", N_("Open cases by process"), N_("No case is open."), (
            Bars(N_("Past their term"), f"{_OPEN}late,silence", "bad"), Bars(N_("Today or next working day"), f"{_OPEN}now", "soon"),
            Bars(N_("Five working days"), f"{_OPEN}soon", "warn"), Bars(N_("In time"), f"{_OPEN}ok", "ok"),
            Bars(N_("Clock stopped"), f"{_OPEN}stopped", "stop"),
        ), is_stacked=True),
        _by("request_type", N_("Filed, by type")), _by("cause", N_("Filed, by cause")), _by("channel", N_("Filed, by channel")),
        _by("process", N_("Filed, by the process that has them now")),
        Chart("scores", N_("Ratings of the attention"), N_("Nobody rated the attention in these days."),
              (Bars(N_("Ratings"), "/rating/list/?rated_on={p}&score={k}", "info"),), kind="ColumnChart", is_whole=True),
    ),
)  # fmt: skip
