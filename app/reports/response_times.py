"""
R10-01-01 Control de tiempos de respuesta: how long each case took at each stage, and whether it was answered in time.

A view over the history of the cases, never typed. What each column means: docs/rules/response-times.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, Select, tuple_
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import DateField, SelectField
from wtforms.validators import Optional as Empty
from wtforms.validators import ValidationError

from app import queries
from app.domain import N_
from app.domain.calendar import ONE_DAY, BusinessCalendar
from app.domain.states import Identity, PqrStatus
from app.domain.times import NOT_COUNTED, Timeliness, TimesSummary, days_late, stages_of, stopped_days
from app.extensions import local
from app.models import Pqr
from app.queries import TimesFilter
from app.reports.base import Asked, Cells, Column, Figure, FilterForm, Kind, Offer, Part, Reader, Report, is_spanish

BATCH = 1_000
Key = tuple[date, int]
Options = Sequence[tuple[int, str]]
Scope = Callable[[Select[Any]], Select[Any]]

HEADER = (
    Column(N_("Number"), Kind.CASE, 17),
    Column(N_("Received"), Kind.DATETIME, 16),
    Column(N_("Counts as filed"), Kind.DATE, 11),
    Column(N_("Petitioner"), Kind.TEXT, 30),
    Column(N_("Account"), Kind.TEXT, 13),
    Column(N_("Service"), Kind.TEXT, 16),
    Column(N_("Type"), Kind.TEXT, 20),
    Column(N_("Cause"), Kind.TEXT, 30),
    Column(N_("Process"), Kind.TEXT, 24),
    Column(N_("First routed"), Kind.DATE, 11),
    Column(N_("Hand-overs"), Kind.TEXT, 36),
    Column(N_("Solution"), Kind.DATE, 11),
    Column(N_("Answer"), Kind.DATE, 11),
    Column(N_("Notice"), Kind.DATE, 11),
    Column(N_("Days at the desk"), Kind.INT, 10),
    Column(N_("Days in process"), Kind.INT, 10),
    Column(N_("Days for approval"), Kind.INT, 10),
    Column(N_("Days to notify"), Kind.INT, 10),
    Column(N_("Days in total"), Kind.INT, 10),
    Column(N_("Of these, clock stopped"), Kind.INT, 10),
    Column(N_("Legal due date"), Kind.DATE, 11),
    Column(N_("In time"), Kind.BOOL, 9),
    Column(N_("Days late"), Kind.INT, 9),
    Column(N_("State"), Kind.TEXT, 22),
)
_VERDICT = {Timeliness.IN_TIME: True, Timeliness.LATE: False}
PERIODS = {"filed": N_("Date of filing"), "answered": N_("Date of the answer"), "due": N_("Legal due date")}


# ── What may be asked ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _number(value: object) -> int | str:
    return int(str(value)) if value not in (None, "") else ""


class TimesForm(FilterForm):
    """The filter, as the URL carries it. Without any of its fields, the control shows what was filed since last month began."""

    period = SelectField(_l("Period by"), default="filed", validators=[Empty()])
    since = DateField(_l("From"), validators=[Empty()])
    until = DateField(_l("To"), validators=[Empty()])
    answered_by = SelectField(_l("Process"), coerce=_number, default="", validators=[Empty()], name="process")  # WTForms owns `process`
    request_type = SelectField(_l("Type"), coerce=_number, default="", validators=[Empty()])
    in_time = SelectField(_l("In time"), default="", validators=[Empty()])

    def __init__(self, args: Mapping[str, Any], today: date, processes: Options, types: Options) -> None:
        asked = any(name in args for name in ("period", "since", "until", "process", "request_type", "in_time"))
        super().__init__(formdata=args if asked else None, data=None if asked else {"since": last_month(today)})
        every = {"": _("All")}
        self.period.choices = {key: _(text) for key, text in PERIODS.items()}
        self.answered_by.choices = every | dict(processes)
        self.request_type.choices = every | dict(types)
        self.in_time.choices = every | {member.name: _(member.value) for member in Timeliness}

    def validate_until(self, field: DateField) -> None:
        if self.since.data and field.data and field.data < self.since.data:
            raise ValidationError(_("The period ends before it begins."))

    def wanted(self) -> TimesFilter:
        """Return the filter of a valid form."""
        return TimesFilter(
            period=self.period.data or "filed",
            since=self.since.data,
            until=self.until.data,
            process_id=self.answered_by.data or None,
            request_type_id=self.request_type.data or None,
            timeliness=Timeliness[self.in_time.data] if self.in_time.data else None,
        )

    def args(self) -> dict[str, str]:
        return args_of(self.wanted())

    def in_words(self, today: date | None = None) -> list[str]:
        """Return the filter as a sentence a part; its days follow no calendar."""
        words = [_period_in_words(self.wanted())]
        for field in (self.answered_by, self.request_type, self.in_time):
            words.append(f"{field.label.text}: {field.choices[field.data]}" if field.data else "")
        return [part for part in words if part] or [_("All cases")]


def last_month(today: date) -> date:
    """Return the first day of the month before *today*'s."""
    return (today.replace(day=1) - ONE_DAY).replace(day=1)


def presets(today: date) -> list[tuple[str, dict[str, str]]]:
    """Return the periods of one click: their words and URL arguments."""
    return [
        (_("Since last month"), {}),
        (_("This year"), args_of(TimesFilter(since=date(today.year, 1, 1)))),
        (_("All"), args_of(TimesFilter())),
    ]


def args_of(wanted: TimesFilter) -> dict[str, str]:
    """Return the URL arguments that ask for *wanted* again; all of them, so that an empty one stays empty."""
    return {
        "period": wanted.period,
        "since": f"{wanted.since:%Y-%m-%d}" if wanted.since else "",
        "until": f"{wanted.until:%Y-%m-%d}" if wanted.until else "",
        "process": str(wanted.process_id or ""),
        "request_type": str(wanted.request_type_id or ""),
        "in_time": wanted.timeliness.name if wanted.timeliness else "",
    }


def _period_in_words(wanted: TimesFilter) -> str:
    what = _(PERIODS[wanted.period])
    since, until = (_day(day) if day else "" for day in (wanted.since, wanted.until))
    if since and until:
        return _("%(what)s: from %(since)s to %(until)s", what=what, since=since, until=until)
    if since:
        return _("%(what)s: from %(since)s on", what=what, since=since)
    return _("%(what)s: up to %(until)s", what=what, until=until) if until else ""


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}" if is_spanish() else format_date(day, "d MMM y", locale="en")


def key_in(text: str) -> Key | None:
    """Return the key that a pager wrote as 2026-07-10.123; None for anything else, which starts at the first page."""
    day, _dot, identifier = text.partition(".")
    if not (identifier.isascii() and identifier.isdigit()) or len(identifier) > 9:
        return None
    try:
        return date.fromisoformat(day), int(identifier)
    except ValueError:
        return None


# ── The report ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class ResponseTimes(Report):
    """
    The control for one reader, filter and day. Screen, workbook, CSV and figures narrow one SELECT with one scope.

    Args:
        scope: Limits a SELECT over Pqr to the reader's cases.
        words: The filter in words, for the cover.
        reveals_reserved: Whether the reader may know who hides behind a reserved identity.
        is_scoped: Whether the reader's rights leave cases out; the cover says so.
    """

    identifier = "response_times"
    name = N_("Control of response times")
    description = N_("How long each case took at each stage, in business days, and whether it was answered inside its legal term.")
    header = HEADER
    form = TimesForm

    def __init__(
        self,
        session: Session,
        wanted: TimesFilter,
        calendar: BusinessCalendar,
        today: date,
        scope: Scope,
        *,
        words: Sequence[str] = (),
        reveals_reserved: bool = False,
        is_scoped: bool = False,
    ) -> None:
        self._session, self._wanted, self._calendar, self._today, self._scope = session, wanted, calendar, today, scope
        self._words, self._reveals_reserved, self._is_scoped = words, reveals_reserved, is_scoped
        self._said = _Words()
        self._written = TimesSummary()

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _lines(self) -> Select[Any]:
        return self._scope(queries.response_time_lines(self._wanted, self._today))

    def rows(self) -> Iterator[Cells]:
        """Yield every row in order of filing. The hand-overs come with each thousand cases, so memory and statements stay few."""
        statement = self._lines().order_by(Pqr.filed_on, Pqr.id).execution_options(yield_per=BATCH)
        self._written = TimesSummary()
        with self._session.execute(statement) as lines:
            for batch in lines.partitions():
                yield from self._cells(batch)

    def page(self, after: Key | None, limit: int) -> tuple[list[Cells], Key | None]:
        """Return up to *limit* rows, newest first, after the key of the last one seen; and the key to go on with, if there are more."""
        key = (Pqr.filed_on, Pqr.id)
        statement = self._lines().order_by(*(column.desc() for column in key)).limit(limit + 1)
        if after is not None:
            statement = statement.where(tuple_(*key) < after)
        lines = self._session.execute(statement).all()
        shown = lines[:limit]
        return list(self._cells(shown)), (shown[-1].filed_on, shown[-1].id) if len(lines) > limit else None

    def _cells(self, lines: Sequence[Row[Any]]) -> Iterator[Cells]:
        batons = queries.batons(self._session, [line.id for line in lines])
        calendar, today, said = self._calendar, self._today, self._said
        for line in lines:
            handed = batons[line.id]
            routed_on, hand_overs = _hand_overs(handed, line.filed_on, said)
            stages = stages_of(line.effective_on, routed_on, line.solved_on, line.answered_on, line.notified_on, calendar)
            acts = [(act.on, act.clock == "STOPPED") for act in handed if act.is_act]
            until = line.answered_on or line.closed_on or today
            stopped = stopped_days(acts, line.effective_on, until, calendar) if acts else None
            is_late = line.timeliness is Timeliness.LATE
            self._written.add(line.timeliness, line.status, stages.total)
            yield (
                line.number,
                wall_clock(line.filed_at),
                line.effective_on,
                self._petitioner(line),
                line.account,
                line.service,
                line.request_type,
                f"{line.cause_group} {line.cause_code} · {line.cause}" if line.cause else None,
                line.process,
                routed_on,
                hand_overs,
                line.solved_on,
                line.answered_on,
                line.notified_on,
                stages.desk,
                stages.process,
                stages.approval,
                stages.notice,
                stages.total,
                stopped,
                line.due_on,
                _VERDICT.get(line.timeliness),
                days_late(line.due_on, line.answered_on, today, calendar) if is_late else None,
                said.status[line.status],
            )

    def _petitioner(self, line: Row[Any]) -> str:
        if line.identity is Identity.ANONYMOUS:
            return self._said.anonymous
        if line.identity is Identity.RESERVED and not self._reveals_reserved:
            return self._said.reserved
        return line.party

    # ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def summary(self) -> TimesSummary:
        """Return the figures of all rows, counted by the database: what `rows()` would add up to."""
        facts = self._scope(queries.response_time_facts(self._wanted, self._today))
        found = TimesSummary()
        for timeliness, status, answered_on, effective_on, n in queries.grouped(self._session, facts):
            found.add(timeliness, status, self._calendar.between(effective_on, answered_on) if answered_on else None, n)
        return found

    def totals(self) -> list[Figure]:
        return figures(self._written)

    def headline(self) -> list[Figure]:
        return figures(self.summary())

    def parts(self) -> Sequence[Part]:
        return (Part("rows", _(self.name), self.header, self.rows, n_rows=self._n_rows),)

    def _n_rows(self) -> int:
        return self.summary().n

    def filters_in_words(self) -> list[str]:
        return [*self._words, *([_("Only the cases of the reader's own processes")] if self._is_scoped else [])]


def read_form(_offer: Offer, args: Mapping[str, Any], session: Session, _reader: Reader, today: date) -> TimesForm:
    """Return the form of the arguments of an address."""
    return TimesForm(ImmutableMultiDict(args), today, *queries.names_for_filters(session))


def made(asked: Asked) -> ResponseTimes:
    """Return the control of what was asked, for its reader."""
    reader = asked.reader
    return ResponseTimes(
        asked.session, asked.form.wanted(), asked.calendar, asked.today, lambda statement: reader.scope("pqr", statement),
        words=asked.form.in_words(), reveals_reserved=reader.may("can_see_reserved", "Pqr"), is_scoped=not reader.may("can_see_all", "Pqr"),
    )  # fmt: skip


def figures(summary: TimesSummary) -> list[Figure]:
    """Return the totals in the reader's language; shares and means only where something was counted."""
    share = summary.share_in_time
    found = [
        Figure(_("All cases"), summary.n),
        Figure(_("Answered in time"), summary.of(Timeliness.IN_TIME)),
        Figure(_("Past the legal term"), summary.of(Timeliness.LATE)),
        Figure(_("Past the legal term and still open"), summary.n_open_late),
        Figure(_("Still in term"), summary.of(Timeliness.RUNNING)),
        Figure(_("Without answer, in term or past it"), summary.n_open),
    ]
    if share is not None:
        found.append(Figure(_("Percentage in time, of those answered or past their term"), share))
    if summary.average is not None and summary.median is not None:
        found.append(Figure(_("Business days from filing to answer, average"), summary.average))
        found.append(Figure(_("Business days from filing to answer, median"), summary.median))
    found.append(Figure(_("Not counted in the share"), not_counted(summary) or _("No case")))
    return found


def not_counted(summary: TimesSummary) -> str:
    """Return in words which cases no share counts: 2 withdrawn, 1 voided."""
    return ", ".join(f"{n} · {_(status.value)}" for status in NOT_COUNTED if (n := summary.in_status(status)))


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Words:
    """The few words that repeat in every row, in the reader's language, looked up once."""

    def __init__(self) -> None:
        self.anonymous, self.reserved = _("Anonymous petitioner"), _("Reserved identity")
        self.status = {status: _(status.value) for status in PqrStatus}
        self._days: dict[tuple[date, bool], str] = {}
        self._is_spanish = is_spanish()

    def day(self, day: date, filed_on: date) -> str:
        """Return 02/07, with its year when that is not the year of filing."""
        key = (day, day.year != filed_on.year)
        if key not in self._days:
            self._days[key] = self._short(*key)
        return self._days[key]

    def _short(self, day: date, has_year: bool) -> str:
        if self._is_spanish:
            return f"{day:%d/%m/%Y}" if has_year else f"{day:%d/%m}"
        return format_date(day, "d MMM y" if has_year else "d MMM", locale="en")


def _hand_overs(handed: Sequence[Row[Any]], filed_on: date, said: _Words) -> tuple[date | None, str | None]:
    """
    Return when the case first left the desk for a process, and every hand-over: 02/07 Facturación; 09/07 Técnica.

    The first line of the ledger is the filing itself.
    """
    lines = [line for line in handed if not line.is_act]
    desk = lines[0].process_id if lines else None
    routed_on = next((line.on for line in lines[1:] if line.process_id != desk), None)
    return routed_on, "; ".join(f"{said.day(line.on, filed_on)} {line.process}" for line in lines[1:]) or None


def wall_clock(instant: datetime) -> datetime:
    """Return *instant* as Colombian clocks show it, naive: what cells hold."""
    return local(instant).replace(tzinfo=None)
