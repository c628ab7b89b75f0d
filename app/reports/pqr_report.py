"""
The PQR report: how every case is going, what proves that the citizen was attended, and how long the answers took.

Procedure 7.1 asks for these three things of the report. What each figure counts and leaves out: docs/rules/pqr-report.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, Decimal
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

from babel.dates import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, Select
from wtforms import SelectField
from wtforms.validators import Optional as Empty

from app.domain import N_
from app.domain.calendar import BusinessCalendar
from app.domain.deadlines import silence_on
from app.domain.errors import DomainError
from app.domain.reports import ReportGroup
from app.domain.states import Category, Identity, Outcome, PqrStatus, states_in
from app.domain.times import LATE_BANDS, NOT_COUNTED, TENTH, Spread, Stages, Timeliness, band_of, days_late, stages_of
from app.drawing import Plot, Point, Series
from app.models import Pqr
from app.reports import pqr_sources as sources
from app.reports.base import Asked, Cells, Column, Figure, Kind, Linked, Offer, Part, PartedReport, Reader, Sentence, is_spanish, n_of
from app.reports.forms import ReportForm
from app.reports.pqr_sources import Gap, Wanted
from app.reports.response_times import PERIODS, wall_clock
from app.words import say_day, say_number

BATCH = 1_000
#: The most cases that are added up while somebody waits: some twenty seconds of work.
MOST_READ = 500_000
#: The most lines of a chart of names; its table has all of them.
MOST_DRAWN = 15
_COLUMN_OF = {"filed": "filed_on", "answered": "answered_on", "due": "due_on"}

#: What a case waits for, by its state; an end waits for nothing.
NEXT_STEP = {
    PqrStatus.RECEIVED: N_("Route it to the process that answers"),
    PqrStatus.ROUTED: N_("Record the solution"),
    PqrStatus.AWAITING_USER: N_("Wait for what was asked of the citizen"),
    PqrStatus.EVIDENCE: N_("End the evidence stage"),
    PqrStatus.SOLVED: N_("Approve and issue the answer"),
    PqrStatus.ANSWERED: N_("Notify the answer"),
    PqrStatus.NOTIFIED: N_("Close it once the term to appeal is over"),
    PqrStatus.APPEALED: N_("Decide the appeal"),
}
#: Why no share counts a case that ended so.
WHY_NOT = {
    PqrStatus.WITHDRAWN: N_("The citizen withdrew it: nobody owes its answer"),
    PqrStatus.ARCHIVED: N_("Not clarified in time: it was archived and nobody owes its answer"),
    PqrStatus.TRANSFERRED: N_("Another body is competent and has to answer"),
    PqrStatus.VOIDED: N_("Its number was voided"),
}
STAGES = {
    "desk": N_("At the desk: filing to first routing"),
    "process": N_("In process: to the solution"),
    "approval": N_("Approval: to the answer"),
    "total": N_("Filing to answer"),
    "notice": N_("Notice: answer to notice"),
}
#: What is owed, as a row names it.
SHORT = {
    Gap.RECEIPT: N_("acknowledgement of receipt"), Gap.DOCUMENT: N_("document of the answer"), Gap.NOTICE: N_("notice"),
    Gap.PROOF: N_("file that proves the notice"), Gap.EVIDENCE: N_("evidence"),
}  # fmt: skip
#: What each kind of proof of a notice is called: a file, the paper of the notice, or the opening of the link.
PROOFS = (N_("File attached"), N_("Signed or posted paper"), N_("Link opened"))
_TONES = {Timeliness.IN_TIME: "ok", Timeliness.LATE: "bad", Timeliness.RUNNING: "info", Timeliness.NOT_COUNTED: "stop"}
_OPEN = states_in(Category.OPEN)
_STOPPED = states_in(Category.STOPPED)
_ANSWERED = (PqrStatus.ANSWERED, PqrStatus.NOTIFIED, PqrStatus.APPEALED)


class TooManyCases(DomainError):
    """More cases than a report adds up; the database has counted no further than that, and nothing was read."""

    msgid = N_("That would be more than %(most)s cases, too many to add up. Nothing was made: choose a shorter period or more filters.")


# ── What may be asked ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _number(value: object) -> int | str:
    return int(str(value)) if value not in (None, "") else ""


def _choice(label: Any) -> SelectField:
    return SelectField(label, coerce=_number, default="", validators=[Empty()])


class PqrForm(ReportForm):
    """The period, by which date of the cases it is, and what may narrow it. `names` says how what is grouped is called."""

    by = SelectField(_l("Period by"), default="filed", validators=[Empty()])
    answers = _choice(_l("Process that answers"))
    request_type = _choice(_l("Type"))
    service = _choice(_l("Service"))
    channel = _choice(_l("Channel"))

    names: sources.Names

    def load(self, session: Any, reader: Reader) -> None:
        self.names = sources.names(session)
        self.by.choices = [(key, _(text)) for key, text in PERIODS.items()]
        kinds = {"process": self.answers, "type": self.request_type, "service": self.service, "channel": self.channel}
        for kind, select in kinds.items():
            select.choices = [("", _("All")), *self.names[kind].items()]

    def wanted(self, today: date) -> Wanted:
        """Return the filter of a valid form."""
        keys = (field.data or None for field in (self.answers, self.request_type, self.service, self.channel))
        return Wanted(self.by.data or "filed", self.span(today), *keys)


# ── The figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Tally:
    """What some of the cases add up to."""

    n: Counter[Timeliness] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)

    @property
    def all(self) -> int:
        return self.n.total()

    @property
    def judged(self) -> int:
        """Cases of which it is settled whether they are in time."""
        return self.n[Timeliness.IN_TIME] + self.n[Timeliness.LATE]

    @property
    def share(self) -> Decimal | None:
        """Percentage in time of those settled, rounded down, so that 100 means all."""
        return percent(self.n[Timeliness.IN_TIME], self.judged)


def percent(n: int, of: int) -> Decimal | None:
    """Return what *n* is of *of*, rounded down to a tenth; None of nothing."""
    return (Decimal(100) * n / of).quantize(TENTH, ROUND_DOWN) if of else None


class Group(NamedTuple):
    """What cases that are counted together have in common: what `sources.facts` groups, days to answer and late, and what was done."""

    status: PqrStatus
    timeliness: Timeliness
    month: int
    process: int
    type: int
    cause: int | None
    is_ours: int
    gaps: int
    silence: int
    days: int | None
    late: int | None
    is_answered: bool
    is_notified: bool


class Facts:
    """All figures of the report, added up in one pass over the rows of `sources.facts`; its memory grows with the groups."""

    DIMENSIONS = ("process", "type", "cause", "month")

    def __init__(self, rows: Iterable[Row[Any]], today: date, calendar: BusinessCalendar) -> None:
        self.total = Tally()
        self.states: Counter[PqrStatus] = Counter()
        self.by: dict[str, dict[Any, Tally]] = {name: {} for name in self.DIMENSIONS}
        self.stages: dict[str, Counter[int]] = {name: Counter() for name in STAGES}
        self.bands: Counter[tuple[tuple[int, int | None], bool]] = Counter()
        self.owed: Counter[Gap] = Counter()
        self.lacking: Counter[Gap] = Counter()
        self.n_lacking = self.n_foreign = self.n_silent = self.n_awaited = self.n_recognised = 0
        for group, n in self._grouped(rows, today, calendar).items():
            self._add(group, n)

    def _grouped(self, rows: Iterable[Row[Any]], today: date, calendar: BusinessCalendar) -> Counter[Group]:
        """Return how many cases each group has; the stages are counted on the way."""
        groups: Counter[Any] = Counter()
        took: Counter[Stages] = Counter()
        for *facts, effective_on, routed_on, solved_on, answered_on, notified_on, due_on in rows:
            stages = stages_of(effective_on, routed_on, solved_on, answered_on, notified_on, calendar)
            took[stages] += 1
            late = days_late(due_on, answered_on, today, calendar) if facts[1] is Timeliness.LATE else None
            groups[(*facts, stages.total, late, answered_on is not None, notified_on is not None)] += 1
        for stages, n in took.items():
            for name, counter in self.stages.items():
                if (days := getattr(stages, name)) is not None:
                    counter[days] += n
        return Counter({Group(*key): n for key, n in groups.items()})

    def _add(self, group: Group, n: int) -> None:
        self.states[group.status] += n
        for tally in (self.total, *(self.by[name].setdefault(getattr(group, name), Tally()) for name in self.DIMENSIONS)):
            tally.n[group.timeliness] += n
            if group.days is not None:
                tally.days[group.days] += n
        if group.late is not None:
            self.bands[band_of(group.late), not group.is_answered] += n
        silent, awaited, recognised = (group.silence >> bit & 1 for bit in range(3))
        self.n_silent, self.n_awaited = self.n_silent + n * silent, self.n_awaited + n * awaited
        self.n_recognised += n * recognised
        self._prove(group, n)

    def _prove(self, group: Group, n: int) -> None:
        gaps, is_alive = sources.gaps_in(group.gaps), group.status is not PqrStatus.VOIDED
        self.lacking.update(dict.fromkeys(gaps, n))
        self.n_lacking += n * any(gap in sources.OWED for gap in gaps)
        if not group.is_ours:
            self.n_foreign += n * is_alive
            return
        owes = dict.fromkeys((Gap.DOCUMENT, Gap.NOTICE, Gap.EVIDENCE), group.is_answered)
        owes |= {Gap.RECEIPT: is_alive, Gap.PROOF: group.is_notified, Gap.RATING: group.status is PqrStatus.CLOSED}
        self.owed.update({gap: n for gap, is_owed in owes.items() if is_owed})

    def in_states(self, *states: PqrStatus) -> int:
        return sum(self.states[state] for state in states)

    @property
    def n_alive(self) -> int:
        """Cases that were not voided: those that somebody attends."""
        return self.total.all - self.states[PqrStatus.VOIDED]


# ── Columns ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

FOLLOW_UP = (
    Column(N_("Number"), Kind.CASE, 17), Column(N_("Received"), Kind.DATETIME, 16), Column(N_("Type"), Kind.TEXT, 20),
    Column(N_("State"), Kind.TEXT, 20), Column(N_("Business days left"), Kind.INT, 10), Column(N_("Alerts"), Kind.TEXT, 30, wraps=True),
    Column(N_("Next step"), Kind.TEXT, 28, wraps=True), Column(N_("Process"), Kind.TEXT, 22), Column(N_("Person in charge"), Kind.TEXT, 20),
    Column(N_("Legal due date"), Kind.DATE, 11), Column(N_("Safe date"), Kind.DATE, 11), Column(N_("Last move"), Kind.TEXT, 26),
    Column(N_("Day of the last move"), Kind.DATE, 11), Column(N_("Petitioner"), Kind.TEXT, 28), Column(N_("Channel"), Kind.TEXT, 16),
    Column(N_("Service"), Kind.TEXT, 16), Column(N_("Account"), Kind.TEXT, 13),
)  # fmt: skip
PROOF = (
    Column(N_("Number"), Kind.CASE, 17), Column(N_("Date of filing"), Kind.DATE, 11), Column(N_("State"), Kind.TEXT, 20),
    Column(N_("What is missing"), Kind.TEXT, 36, wraps=True), Column(N_("Acknowledgement of receipt"), Kind.TEXT, 22),
    Column(N_("Sense of the answer"), Kind.TEXT, 18), Column(N_("Answer"), Kind.DATE, 11),
    Column(N_("Document of the answer"), Kind.TEXT, 18), Column(N_("Means of the notice"), Kind.TEXT, 20),
    Column(N_("Result of the notice"), Kind.TEXT, 16), Column(N_("Notified"), Kind.DATE, 11),
    Column(N_("Proof of the notice"), Kind.TEXT, 20),
    Column(N_("Evidence files"), Kind.INT, 9), Column(N_("Field work done"), Kind.INT, 9), Column(N_("Rating"), Kind.INT, 9),
    Column(N_("Fingerprint (SHA-256)"), Kind.TEXT, 24),
)  # fmt: skip
MISSING = (
    Column(N_("What is missing"), Kind.TEXT, 44), Column(N_("Cases that should have it"), Kind.INT, 14),
    Column(N_("Cases that lack it"), Kind.INT, 14), Column(N_("Percent"), Kind.DECIMAL, 10),
)  # fmt: skip
_SPREAD = (
    Column(N_("Average"), Kind.DECIMAL, 10), Column(N_("Median"), Kind.DECIMAL, 10), Column(N_("Nine of ten within"), Kind.INT, 11),
    Column(N_("Longest"), Kind.INT, 10),
)  # fmt: skip
STAGE = (Column(N_("Stage"), Kind.TEXT, 40), Column(N_("Cases"), Kind.INT, 10), *_SPREAD)
_COUNTS = (
    Column(N_("Cases"), Kind.INT, 9), Column(N_("In time"), Kind.INT, 9), Column(N_("Past the legal term"), Kind.INT, 11),
    Column(N_("Still in term"), Kind.INT, 10), Column(N_("Not counted"), Kind.INT, 10), Column(N_("Percent in time"), Kind.DECIMAL, 10),
)  # fmt: skip
BAND = (
    Column(N_("Business days late"), Kind.TEXT, 20), Column(N_("Answered late"), Kind.INT, 12),
    Column(N_("Late and still open"), Kind.INT, 12), Column(N_("Cases"), Kind.INT, 10),
)  # fmt: skip
EXCLUDED = (
    Column(N_("Number"), Kind.CASE, 17), Column(N_("Date of filing"), Kind.DATE, 11), Column(N_("Type"), Kind.TEXT, 20),
    Column(N_("State"), Kind.TEXT, 16), Column(N_("Since"), Kind.DATE, 11), Column(N_("Why it is not counted"), Kind.TEXT, 44, wraps=True),
    Column(N_("What was written"), Kind.TEXT, 44, wraps=True),
)  # fmt: skip
SILENCE = (
    Column(N_("Number"), Kind.CASE, 17), Column(N_("Date of filing"), Kind.DATE, 11), Column(N_("Type"), Kind.TEXT, 20),
    Column(N_("Process"), Kind.TEXT, 24), Column(N_("Legal due date"), Kind.DATE, 11), Column(N_("Answer"), Kind.DATE, 11),
    Column(N_("Silence arose"), Kind.DATE, 11), Column(N_("To recognise by"), Kind.DATE, 11), Column(N_("Recognised"), Kind.DATE, 11),
    Column(N_("Act"), Kind.TEXT, 18), Column(N_("To be recognised"), Kind.BOOL, 11),
)  # fmt: skip


# ── The report ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PqrReport(PartedReport):
    """The report for one reader, filter and day. Every part narrows the same SELECT with the same scope."""

    identifier = "pqr_report"
    name = N_("PQR report")
    description = N_("How every case is going, what proves that the citizen was attended, and how long the answers took.")
    form = PqrForm

    def __init__(self, asked: Asked) -> None:
        self._session, self._reader, self._calendar, self._today = asked.session, asked.reader, asked.calendar, asked.today
        self._form: PqrForm = asked.form
        self._wanted = self._form.wanted(asked.today)

    # ── what is read ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _scoped(self, statement: Select[Any]) -> Select[Any]:
        return self._reader.scope("pqr", statement)

    @cached_property
    def facts(self) -> Facts:
        """The figures, read once however many ask for them. Raises TooManyCases."""
        some = self._scoped(sources.cases(self._wanted, self._today, Pqr.id)).limit(MOST_READ + 1)
        if n_of(self._session, some) > MOST_READ:
            raise TooManyCases(most=say_number(MOST_READ))
        statement = self._scoped(sources.facts(self._wanted, self._today)).execution_options(yield_per=BATCH)
        return Facts(self._session.execute(statement), self._today, self._calendar)

    def _streamed(
        self, key: str, title: str, header: tuple[Column, ...], lines: Any, cells: Any, n: int, order: Sequence[Any] = (), **more: Any
    ) -> Part:  # fmt: skip
        """Return a part whose rows are cases: read a batch at a time, by *order*, then as they were filed."""
        statement = self._scoped(lines(self._wanted, self._today)).order_by(*order, Pqr.filed_on, Pqr.id)

        def rows() -> Iterator[Cells]:
            with self._session.execute(statement.execution_options(yield_per=BATCH)) as found:
                yield from map(cells, found)

        def first(limit: int) -> list[Cells]:
            return [cells(line) for line in self._session.execute(statement.limit(limit))] if n else []

        return Part(key, title, header, rows, n_rows=lambda: n, first=first, **more)

    def _path(self, **filters: str) -> str:
        """Return the address of the list of cases that are the report's and *filters*."""
        wanted = self._wanted
        keys = {
            "answers": wanted.process_id, "request_type": wanted.request_type_id, "service": wanted.service_id,
            "channel": wanted.channel_id,
        }  # fmt: skip
        base = {_COLUMN_OF[wanted.by]: str(wanted.span)} | {name: str(key) for name, key in keys.items() if key is not None}
        return "/pqr/?" + urlencode(base | filters, safe=",.:")

    def _in_states(self, *states: PqrStatus) -> str:
        return self._path(status=",".join(state.name for state in states))

    # ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def filters_in_words(self) -> list[str]:
        scoped = [] if self._reader.may("can_see_all", "Pqr") else [_("Only the cases of the reader's own processes")]
        return [*self._form.in_words(self._today), *scoped]

    def headline(self) -> list[Figure]:
        facts, spread = self.facts, Spread(self.facts.total.days)
        late = facts.total.n[Timeliness.LATE]
        return [
            Figure(_("All cases"), facts.total.all, self._path()),
            Figure(_("In time"), _some(facts.total.share), unit="%" if facts.total.judged else ""),
            Figure(_("Median of business days to answer"), _some(spread.median)),
            Figure(_("Past the legal term"), late, self._path(timeliness="LATE"), tone="bad" if late else "ok"),
            Figure(_("With some proof missing"), facts.n_lacking, self._path(lacks="some"), tone="warn" if facts.n_lacking else "ok"),
            Figure(_("Positive silences"), facts.n_silent, tone="bad" if facts.n_silent else "ok"),
        ]

    def sentences(self) -> Sequence[Sentence]:
        """Return the three parts in three sentences."""
        facts, spread = self.facts, Spread(self.facts.total.days)
        if not facts.total.all:
            return ()
        late = self._n_open_late
        worst = max(sources.OWED, key=lambda gap: facts.lacking[gap])
        follow_up = _(
            "Follow-up: of %(n)s cases, %(open)s are still without an answer; %(late)s of these are past their legal term.",
            n=say_number(facts.total.all), open=say_number(facts.in_states(*_OPEN, *_STOPPED)), late=say_number(late),
        )  # fmt: skip
        proof = _(
            "Proof: %(n)s of %(of)s cases lack something. What is missing most often: %(what)s (%(times)s).",
            n=say_number(facts.n_lacking), of=say_number(facts.n_alive), what=_(SHORT[worst]), times=say_number(facts.lacking[worst]),
        ) if facts.n_lacking else _("Proof: no case lacks anything that is owed by now.")  # fmt: skip
        time = _(
            "Response time: half of the answers came within %(median)s business days, and nine of ten within %(p90)s.",
            median=say_number(spread.median), p90=say_number(spread.p90),
        ) if spread.n else _("Response time: no case has been answered yet.")  # fmt: skip
        return (
            Sentence(follow_up, self._path(timeliness="LATE", open="1") if late else self._path(), "bad" if late else ""),
            Sentence(proof, self._path(lacks="some") if facts.n_lacking else "", "warn" if facts.n_lacking else "ok"),
            Sentence(time),
        )

    @property
    def _n_open_late(self) -> int:
        return sum(n for (_band, is_open), n in self.facts.bands.items() if is_open)

    def parts(self) -> Sequence[Part]:
        return (
            self._follow_up(),
            self._missing(),
            self._proof(),
            self._stages(),
            *self._groups(),
            self._bands(),
            self._excluded(),
            self._silences(),
        )

    # ── 1. Follow-up ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _follow_up(self) -> Part:
        facts, total = self.facts, self.facts.total
        groups = {
            _("Open, the clock runs"): _OPEN, _("Clock stopped by law"): _STOPPED, _("Answered, not closed yet"): _ANSWERED,
            _("Closed"): (PqrStatus.CLOSED,), _("Ended without an answer"): NOT_COUNTED,
        }  # fmt: skip
        figures = [Figure(_("All cases"), total.all, self._path())]
        figures += [Figure(words, facts.in_states(*states), self._in_states(*states)) for words, states in groups.items()]
        n_late = self._n_open_late
        late = Figure(
            _("Past the legal term and still open"), n_late, self._path(timeliness="LATE", open="1"), tone="bad" if n_late else "ok"
        )
        said = _Said(self._reader, self._today, self._calendar)
        return self._streamed(
            "follow_up", _("1. Follow-up"), FOLLOW_UP, sources.follow_up_lines, said.follow_up, total.all,
            order=sources.pressing_first(),
            about=_(
                "Every case of the period as it stands today. Days left are business days to the legal due date; below zero, the days "
                "that it is late. What a lawful act has stopped has no due date."
            ),
            figures=(*figures, late), plots=self._plot_of_states(),
        )  # fmt: skip

    def _plot_of_states(self) -> tuple[Plot, ...]:
        states = [state for state in PqrStatus if self.facts.states[state]]
        if not states:
            return ()
        points = tuple(Point(n := self.facts.states[state], say_number(n), self._in_states(state)) for state in states)
        title, about = _("Cases by state"), _("How many cases of the period are in each state today.")
        return (Plot("BarChart", title, about, tuple(_(state.value) for state in states), (Series(_("Cases"), points),)),)

    # ── 2. Proof ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _missing(self) -> Part:
        facts = self.facts
        whole = facts.n_alive - facts.n_lacking

        def rows() -> Iterator[Cells]:
            for gap in Gap if facts.n_alive else ():
                n, of = facts.lacking[gap], facts.owed[gap]
                yield (_(gap.value), of, Linked(n, self._path(lacks=gap.name)), percent(n, of))

        figures = (
            Figure(_("Cases to prove"), facts.n_alive, self._in_states(*(s for s in PqrStatus if s is not PqrStatus.VOIDED))),
            Figure(_("With all that is owed by now"), whole, self._path(lacks="none"), tone="ok"),
            Figure(_("With some proof missing"), facts.n_lacking, self._path(lacks="some"), tone="warn" if facts.n_lacking else "ok"),
            Figure(_("Brought from a register of before, where their papers are"), facts.n_foreign),
        )
        return Part(
            "missing", _("2. Proof: what is missing"), MISSING, rows,
            about=_(
                "One case may lack several things. Voided cases are left out. A case brought from a register of before owes nothing here. "
                "Evidence is a file that the staff put on the case, or field work done. A rating is not owed: it depends on the citizen."
            ),
            figures=figures,
        )  # fmt: skip

    def _proof(self) -> Part:
        return self._streamed(
            "proof", _("2. Proof: case by case"), PROOF, sources.proof_lines, _proof_cells,
            self.facts.n_alive,
            about=_("The fingerprint is that of the stored file of the answer: the same file has the same one, and a changed one has not."),
        )  # fmt: skip

    # ── 3. Response time ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _stages(self) -> Part:
        facts, n = self.facts, self.facts.total.n

        def rows() -> Iterator[Cells]:
            for name, words in STAGES.items() if facts.total.all else ():
                spread = Spread(facts.stages[name])
                yield (_(words), spread.n, *_spread(spread))

        words = {
            Timeliness.IN_TIME: _("Answered in time"), Timeliness.LATE: _("Past the legal term"),
            Timeliness.RUNNING: _("Still in term"), Timeliness.NOT_COUNTED: _("Not counted in the share"),
        }  # fmt: skip
        spread, share = Spread(facts.total.days), facts.total.share
        figures = [Figure(text, n[each], self._path(timeliness=each.name), tone=_TONES[each]) for each, text in words.items()]
        figures += [
            Figure(_("In time, of those answered or past their term"), _some(share), unit="%" if facts.total.judged else ""),
            Figure(_("Business days to answer, average"), _some(spread.average)),
            Figure(_("Business days to answer, median"), _some(spread.median)),
            Figure(_("Nine of ten answers came within"), _some(spread.p90)),
        ]
        return Part(
            "stages", _("3. Times by stage"), STAGE, rows,
            about=_(
                "Business days, by the definitions of R10-01-01: a stage that a case skipped goes to the next one, and days on which a "
                "lawful act stopped the clock are inside. Nine of ten: the fewest days within which at least 90 % were done."
            ),
            figures=tuple(figures),
        )  # fmt: skip

    def _groups(self) -> Iterator[Part]:
        """Yield the response time by process, by cause, by type and by month: their sums are those of all cases."""
        names = self._form.names
        filters = {"process": "answers", "cause": "cause", "type": "request_type"}
        heads = {
            "process": (N_("Process that answers"), _("3. Times by process")),
            "cause": (N_("Cause"), _("3. Times by cause")),
            "type": (N_("Type"), _("3. Times by type")),
        }
        for name, (head, title) in heads.items():
            found = self.facts.by[name]
            keys = sorted(found, key=lambda key: (-found[key].all, names[name].get(key, "")))
            lines = [(names[name].get(key) or _("Not stated"), found[key], {filters[name]: str(key or "empty")}) for key in keys]
            yield self._group(f"by_{name}", title, head, lines, plots=self._plot_of_groups(lines) if name == "process" else ())
        by = _COLUMN_OF[self._wanted.by]
        found = sorted((date(int(key) // 100, int(key) % 100, 1), tally) for key, tally in self.facts.by["month"].items())
        months = [(month_name(month), tally, {by: self._within(month)}) for month, tally in found]
        yield self._group("by_month", _("3. Times by month"), N_("Month"), months, plots=self._plot_of_months(months))

    def _within(self, month: date) -> str:
        """Return the days of *month* that are of the period."""
        span = self._wanted.span
        last = date(month.year + month.month // 12, month.month % 12 + 1, 1).toordinal() - 1
        return f"{max(month, span.since)}..{min(date.fromordinal(last), span.until)}"

    def _group(self, key: str, title: str, head: str, lines: list[tuple[str, Tally, dict[str, str]]], **more: Any) -> Part:
        def rows() -> Iterator[Cells]:
            for name, tally, filters in lines:
                counts = (Linked(tally.n[each], self._path(**filters, timeliness=each.name)) for each in Timeliness)
                yield (name, Linked(tally.all, self._path(**filters)), *counts, tally.share, *_spread(Spread(tally.days)))

        return Part(key, title, (Column(head, Kind.TEXT, 40), *_COUNTS, *_SPREAD), rows, **more)

    def _plot_of_groups(self, lines: list[tuple[str, Tally, dict[str, str]]]) -> tuple[Plot, ...]:
        drawn = [(name, Spread(tally.days), filters) for name, tally, filters in lines if tally.days][:MOST_DRAWN]
        if not drawn:
            return ()
        series = [
            Series(words, tuple(Point(value(spread), say_number(value(spread)), self._path(**filters)) for _name, spread, filters in drawn))
            for words, value in ((_("Median"), lambda spread: spread.median), (_("Nine of ten within"), lambda spread: spread.p90))
        ]
        about = _("Business days from filing to answer of each process, those with most cases first.")
        labels = tuple(name for name, _spread, _filters in drawn)
        return (Plot("BarChart", _("Days to answer, by process"), about, labels, tuple(series)),)

    def _plot_of_months(self, months: list[tuple[str, Tally, dict[str, str]]]) -> tuple[Plot, ...]:
        if len(months) < 2:
            return ()
        counted = (Timeliness.IN_TIME, Timeliness.LATE, Timeliness.RUNNING)

        def point(tally: Tally, filters: dict[str, str], which: Timeliness) -> Point:
            return Point(tally.n[which], say_number(tally.n[which]), self._path(**filters, timeliness=which.name))

        series = [
            Series(_(each.value), tuple(point(tally, filters, each) for _name, tally, filters in months), _TONES[each]) for each in counted
        ]
        title, about = _("In time and late, by month"), _("Cases of each month: answered in time, past their term, and still in term.")
        labels = tuple(name for name, _tally, _filters in months)
        return (Plot("ColumnChart", title, about, labels, tuple(series), is_stacked=True, is_time=True),)

    def _bands(self) -> Part:
        bands = self.facts.bands

        def rows() -> Iterator[Cells]:
            for band in LATE_BANDS if self.facts.total.all else ():
                late = {"late_by": band_key(band)}
                answered, still_open = bands[band, False], bands[band, True]
                parts = (Linked(answered, self._path(**late, open="0")), Linked(still_open, self._path(**late, open="1")))
                yield (band_words(band), *parts, Linked(answered + still_open, self._path(**late)))

        figure = Figure(_("Past the legal term"), bands.total(), self._path(timeliness="LATE"), tone="bad" if bands.total() else "ok")
        return Part(
            "late", _("3. Late by how much"), BAND, rows,
            about=_("Business days after the legal due date, up to the answer; up to today while there is none."), figures=(figure,),
            plots=self._plot_of_bands(),
        )  # fmt: skip

    def _plot_of_bands(self) -> tuple[Plot, ...]:
        bands = self.facts.bands
        if not bands:
            return ()
        words = ((_("Answered late"), False, "warn"), (_("Late and still open"), True, "bad"))

        def point(band: tuple[int, int | None], is_open: bool) -> Point:
            n = bands[band, is_open]
            return Point(n, say_number(n), self._path(late_by=band_key(band), open="1" if is_open else "0"))

        series = [Series(name, tuple(point(band, is_open) for band in LATE_BANDS), tone) for name, is_open, tone in words]
        title, about = _("By how much it is late"), _("Cases past their legal term, by business days.")
        return (Plot("ColumnChart", title, about, tuple(map(band_words, LATE_BANDS)), tuple(series), is_stacked=True),)

    def _excluded(self) -> Part:
        n = self.facts.in_states(*NOT_COUNTED)
        figures = tuple(
            Figure(_(state.value), self.facts.states[state], self._in_states(state)) for state in NOT_COUNTED if self.facts.states[state]
        )
        said = _Said(self._reader, self._today, self._calendar)
        return self._streamed(
            "excluded", _("3. Not counted, and why"), EXCLUDED, sources.excluded_lines, said.excluded, n,
            about=_("They are in the totals of cases and in no share of answers in time."), figures=figures,
        )  # fmt: skip

    def _silences(self) -> Part:
        facts = self.facts
        figures = (
            Figure(_("Positive silences"), facts.n_silent, tone="bad" if facts.n_silent else "ok"),
            Figure(_("To be recognised"), facts.n_awaited, self._path(sap="awaited"), tone="bad" if facts.n_awaited else "ok"),
            Figure(_("Recognised"), facts.n_recognised, self._path(sap="recognised")),
        )
        return self._streamed(
            "silences", _("3. Positive silences"), SILENCE, sources.silence_lines, _silence_cells, facts.n_silent,
            about=_(
                "Silences that arose in the cases of the period (Law 142, art. 158). One that was answered late with all granted, and "
                "notified, has nothing left to recognise. What a change of the calendar undid is left out."
            ),
            figures=figures,
        )  # fmt: skip


# ── Cells ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Said:
    """How lines become cells for one reader and day; words that repeat in every row are looked up once."""

    def __init__(self, reader: Reader, today: date, calendar: BusinessCalendar) -> None:
        self._reveals, self._today, self._calendar = reader.may("can_see_reserved", "Pqr"), today, calendar
        self._words: dict[str, str] = {}

    def _say(self, text: str) -> str:
        if text not in self._words:
            self._words[text] = _(text)
        return self._words[text]

    def _who(self, line: Row[Any]) -> str:
        if line.identity is Identity.ANONYMOUS:
            return self._say(N_("Anonymous petitioner"))
        if line.identity is Identity.RESERVED and not self._reveals:
            return self._say(N_("Reserved identity"))
        return str(line.party)

    def follow_up(self, line: Row[Any]) -> Cells:
        is_open = line.status in _OPEN
        left = self._left(line.due_on) if is_open and line.due_on else None
        return (
            line.number, wall_clock(line.filed_at), line.request_type, self._say(line.status.value), left,
            "; ".join(self._alerts(line)) or None, self._next(line), line.process, line.holder, line.due_on,
            line.safe_on if is_open else None, self._say(line.move.value) if line.move else None, line.moved_on, self._who(line),
            line.channel, line.service, line.account,
        )  # fmt: skip

    def _left(self, due_on: date) -> int:
        late = days_late(due_on, None, self._today, self._calendar)
        return -late if late else self._calendar.between(self._today, due_on)

    def _next(self, line: Row[Any]) -> str | None:
        step = NEXT_STEP.get(line.status)
        until = line.asked_until if line.status is PqrStatus.AWAITING_USER else line.appeal_until
        if step is None:
            return None
        if until and line.status in (PqrStatus.AWAITING_USER, PqrStatus.NOTIFIED):
            return _("%(step)s (until %(day)s)", step=self._say(step), day=say_day(until))
        return self._say(step)

    def _alerts(self, line: Row[Any]) -> Iterator[str]:
        """Yield what somebody has to look at, the gravest first."""
        today, status = self._today, line.status
        is_granted = line.notified_on and line.outcome is Outcome.GRANTED
        if line.recognise_by and not is_granted:
            yield _("Recognise the silence by %(day)s", day=say_day(line.recognise_by))
        if status in _OPEN and line.due_on:
            if line.due_on < today:
                is_silent = silence_on(line.due_on, today, None, line.regime)
                yield self._say(N_("Past the legal term, in silence") if is_silent else N_("Past the legal term"))
            elif line.safe_on <= today:
                yield self._say(N_("Its safe date is here"))
        if status is PqrStatus.AWAITING_USER and line.asked_until and line.asked_until < today:
            yield self._say(N_("The citizen's time to complete is over"))
        if status is PqrStatus.NOTIFIED and line.appeal_until and line.appeal_until < today:
            yield self._say(N_("The term to appeal is over: it may be closed"))
        if line.is_priority and not status.is_final:
            yield self._say(N_("Priority"))

    def excluded(self, line: Row[Any]) -> Cells:
        is_masked = line.identity is Identity.RESERVED and not self._reveals
        reason = self._say(N_("Reserved identity")) if is_masked and line.reason else line.reason or None
        state = self._say(line.status.value)
        return (line.number, line.filed_on, line.request_type, state, line.closed_on, self._say(WHY_NOT[line.status]), reason)


def _proof_cells(line: Row[Any]) -> Cells:
    missing = [_(SHORT[gap]) for gap in sources.gaps_in(line.gaps) if gap in SHORT]
    served = (line.proof_0, line.proof_1, line.proof_2) if line.served_on else ()
    proofs = [_(PROOFS[n]) for n, each in enumerate(served) if each is not None]
    receipt = line.receipt or (_("By e-mail") if line.is_told else _("In the register of before") if line.source else None)
    return (
        line.number, line.filed_on, _(line.status.value), "; ".join(missing) or None, receipt,
        _(line.outcome.value) if line.outcome else None, line.answered_on, line.answer, _(line.means.value) if line.means else None,
        _(line.result.value) if line.result else None, line.notified_on, ", ".join(proofs) or None, line.n_files, line.n_orders,
        line.score, line.sha256,
    )  # fmt: skip


def _silence_cells(line: Row[Any]) -> Cells:
    return (
        line.number, line.filed_on, line.request_type, line.process, line.due_on, line.answered_on, line.arisen_on, line.recognise_by,
        line.recognised_on, line.act, bool(line.is_awaited),
    )  # fmt: skip


def _spread(spread: Spread) -> tuple[Any, ...]:
    return spread.average, spread.median, spread.p90, spread.longest


def _some(value: Any) -> Any:
    return "—" if value is None else value


def month_name(month: date) -> str:
    """Return «julio de 2026», in the reader's language."""
    return format_date(month, "MMMM 'de' y" if is_spanish() else "MMMM y", locale="es" if is_spanish() else "en")


def band_key(band: tuple[int, int | None]) -> str:
    """Return *band* as the list of cases is asked for it: 3-5, 11-."""
    return f"{band[0]}-{band[1] or ''}"


def band_words(band: tuple[int, int | None]) -> str:
    """Return *band* in words."""
    least, most = band
    if most is None:
        return _("More than %(n)s days", n=least - 1)
    return _("%(least)s to %(most)s days", least=least, most=most)


OFFER = Offer(
    PqrReport, ReportGroup.CASES, ("can_list", "PqrReport"), PqrReport,
    serves=N_("For whoever attends and for the Subgerencia: to follow up every case, prove that it was attended, and measure times."),
    norm="Procedimiento 7.1; C10-01 H y V; Ley 142 de 1994, arts. 153 y 158",
    words=(N_("follow-up"), N_("evidence"), N_("silence"), N_("median"), N_("days")),
)  # fmt: skip
