"""
The behaviour report: what came in, from where and why, against the span before and a year ago, and how it was answered.

Made for the Subgerencia, which reads the first page in two minutes. What each figure counts: docs/rules/behaviour-report.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from babel.dates import format_date
from flask_babel import gettext as _

from app.domain import N_
from app.drawing import Plot, Point, Series
from app.reports import behaviour_sources as sources
from app.reports.base import Asked, Cells, Column, Figure, Kind, Part, PartedReport, Sentence
from app.reports.behaviour_sources import Counts, Dimension, Group
from app.reports.behaviour_words import (
    Compared,
    Facts,
    Paths,
    attention,
    called,
    change,
    linked,
    per_thousand,
    rate_of,
    say_span,
    sentence_case,
    sentences,
)
from app.reports.forms import ReportForm, Span
from app.words import page_lang, say_day, say_number

#: The tables of groups, in their order; the months have one of their own.
GROUPED = tuple(dimension for dimension in Dimension if dimension is not Dimension.MONTH)
_OF = {
    Dimension.TYPE: N_("Type"), Dimension.CAUSE: N_("Cause"), Dimension.SERVICE: N_("Service"), Dimension.CHANNEL: N_("Channel"),
    Dimension.ZONE: N_("Zone"), Dimension.PROCESS: N_("Process"),
}  # fmt: skip
_ABOUT = {
    Dimension.TYPE: "",
    Dimension.CAUSE: N_("Causes of the same code and name are one, whatever their service."),
    Dimension.SERVICE: N_("Subscribers are the accounts in service today: what they were is not known."),
    Dimension.CHANNEL: "",
    Dimension.ZONE: N_("The zone of the account of each case. Subscribers are the accounts in service today: what they were is not known."),
    Dimension.PROCESS: N_("The process that answers: the last one that had the case, the front desk apart."),
}
#: How many months the month by month shows, at least; and how many causes are drawn.
MONTHS, MOST_BARS = 12, 5
SCORES = (5, 4, 3, 2, 1)


@dataclass(frozen=True, slots=True)
class _Line:
    """A figure of the three spans: what it is called, what it is of the counts, and where its rows are in a span."""

    title: str
    value: Callable[[Counts], Any]
    path: Callable[[Paths, Span], str] = lambda _paths, _span: ""


_NUMBERS = (
    _Line(N_("Cases filed"), lambda n: n.filed, lambda p, s: p.filed(s)),
    _Line(N_("Of these, recursos"), lambda n: n.appeals, lambda p, s: p.filed(s, appeal="1")),
    _Line(N_("Of these, the same trouble again within 90 days"), lambda n: n.recurrent, lambda p, s: p.filed(s, again="1")),
    _Line(N_("Voided, and counted nowhere else"), lambda n: n.voided, lambda _p, s: sources.case_path(filed_on=str(s), status="VOIDED")),
    _Line(N_("Cases answered"), lambda n: n.answered, lambda p, s: p.answered(s)),
    _Line(N_("Of these, answered late"), lambda n: n.late, lambda p, s: p.answered(s, timeliness="LATE")),
    _Line(N_("Decided: granted or denied"), lambda n: n.decided, lambda p, s: p.answered(s, outcome="GRANTED,PARTLY,DENIED")),
    _Line(N_("Of these, granted in all or in part"), lambda n: n.upheld, lambda p, s: p.answered(s, outcome="GRANTED,PARTLY")),
    _Line(N_("Recursos decided"), lambda n: n.appeals_decided,
          lambda p, s: p.answered(s, appeal="1", outcome="CONFIRMED,MODIFIED,REVOKED,REJECTED")),
    _Line(N_("Of these, that changed the answer"), lambda n: n.changed, lambda p, s: p.answered(s, appeal="1", outcome="MODIFIED,REVOKED")),
    _Line(N_("Positive silences that arose"), lambda n: n.silences, lambda p, s: p.silences(s)),
    _Line(N_("Of these, recognised"), lambda n: n.recognised, lambda p, s: p.silences(s, f"&recognised_on={s.since}..")),
    _Line(N_("Open at the end"), lambda n: n.open, lambda p, s: p.open(s)),
    _Line(N_("Of these, past their term"), lambda n: n.overdue, lambda p, s: p.overdue(s)),
    _Line(N_("Ratings of the attention"), lambda n: n.ratings, lambda p, s: p.ratings(s)),
)  # fmt: skip
_SHARES = (
    _Line(N_("Answered late, percentage of those answered"), lambda n: n.late_share),
    _Line(N_("Granted in all or in part, percentage of those decided"), lambda n: n.upheld_share),
    _Line(N_("Recursos that changed the answer, percentage of those decided"), lambda n: n.changed_share),
    _Line(N_("The same trouble again, percentage of those filed"), lambda n: n.recurrent_share),
    _Line(N_("Satisfaction with the attention, mean of 1 to 5"), lambda n: n.rating),
)


class Behaviour(PartedReport):
    """The report of one reader and span. Five statements, whatever the number of cases."""

    identifier = "behaviour"
    name = N_("Behaviour of the cases")
    description = N_("How many cases came in, from where and why, against the span before and a year ago, and how they were answered.")
    form = ReportForm

    def __init__(self, asked: Asked) -> None:
        self._asked, self._session = asked, asked.session
        self.compared = Compared.of(asked.form.span(asked.today), asked.today)
        may = asked.reader.may
        self._paths = Paths(asked.today, may("can_list", "Silence"), may("can_list", "Rating"))
        self._names = may("can_list", "Party")

    def _scope(self, statement: Any) -> Any:
        return self._asked.reader.scope("pqr", statement)

    # ── what was counted ──────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def facts(self) -> Facts:
        """Everything but the months and who files most."""
        spans, today = self.compared.spans, self._asked.today
        counts = sources.headlines(self._session, self._scope, spans, today=today, with_recurrence=True)
        groups = sources.tables(self._session, self._scope, spans, GROUPED, today=today)
        return Facts(self.compared, (counts[0], counts[1], counts[2]), groups, sources.subscribers(self._session), self._paths)

    @cached_property
    def months(self) -> list[sources.Month]:
        """The months of the span, twelve at least: those before it come first."""
        span = self.compared.now
        first = span.until.replace(day=1)
        since = min(span.since.replace(day=1), date(first.year - (first.month < MONTHS), first.month % MONTHS + 1, 1))
        return sources.months(self._session, self._scope, Span(since, span.until), self.facts.now.open)

    @cached_property
    def _frequent(self) -> dict[str, list[sources.Frequent]]:
        return sources.most_frequent(self._session, self._scope, self.compared.now, with_names=self._names)

    # ── the page of two minutes ───────────────────────────────────────────────────────────────────────────────────────────

    def sentences(self) -> Sequence[Sentence]:
        return sentences(self.facts)

    def headline(self) -> list[Figure]:
        (now, before, _year), span, paths = self.facts.counts, self.compared.now, self._paths
        return [
            Figure(_("Cases filed"), now.filed, paths.filed(span), before.filed),
            Figure(_("Cases answered"), now.answered, paths.answered(span), before.answered),
            Figure(_("Late answers"), _or_dash(now.late_share), paths.answered(span, timeliness="LATE"), before.late_share, unit="%"),
            Figure(_("Open at the end"), now.open, paths.open(span), before.open),
            Figure(_("Past their term"), now.overdue, paths.overdue(span), before.overdue, "bad" if now.overdue else "ok"),
            Figure(_("Granted in all or in part"), _or_dash(now.upheld_share), paths.answered(span, outcome="GRANTED,PARTLY"),
                   before.upheld_share, unit="%"),
            Figure(_("Positive silences"), now.silences, paths.silences(span), before.silences, "bad" if now.silences else "ok"),
            Figure(_("Satisfaction, 1 to 5"), _or_dash(now.rating), paths.ratings(span), before.rating),
        ]  # fmt: skip

    def filters_in_words(self) -> list[str]:
        span, form = self.compared, self._asked.form
        said = [*form.in_words(self._asked.today)]
        told = {"before": say_span(span.before), "year_ago": say_span(span.year_ago)}
        said.append(_("Compared with %(before)s and with %(year_ago)s", **told) if span.has_year_ago
                    else _("Compared with %(before)s", before=told["before"]))  # fmt: skip
        if span.is_under_way:
            said.append(_("The period is under way: it is compared with the same days of the others"))
        if not self._asked.reader.may("can_see_all", "Pqr"):
            said.append(_("Only the cases of the reader's own processes"))
        return said

    # ── the tables ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def parts(self) -> Sequence[Part]:
        return (
            self._summary(), self._table("numbers", _("The figures, compared"), _NUMBERS, Kind.INT),
            self._table("shares", _("Shares and means"), (*_SHARES, self._rate()), Kind.DECIMAL), *map(self._grouped, GROUPED),
            self._by_month(), *self._tops(), self._ratings(),
        )  # fmt: skip

    def _summary(self) -> Part:
        header = (Column(N_("What needs attention"), Kind.TEXT, 44, wraps=True), Column(N_("How many"), Kind.INT, 9),
                  Column(N_("Why it is here"), Kind.TEXT, 42, wraps=True))  # fmt: skip
        lines = attention(self.facts)
        about = "" if lines else _("By the rules of this report, nothing needs attention.")
        plots = (self._months_drawn(), self._bars(Dimension.CAUSE)) if self.facts.now.filed or self.facts.before.filed else ()
        return Part("summary", _("In two minutes"), header, lambda: (line for line in lines), about, plots=plots)

    def _versus(self, kind: Kind) -> tuple[Column, ...]:
        """Return the columns of a number in the spans, with by how much of a hundred it changed; of shares and means, by how much."""
        now, before, year_ago = (Column(sentence_case(say_span(span)), kind, 12, is_said=True) for span in self.compared.spans)
        of_shares = kind is Kind.DECIMAL
        changed = Column(N_("Difference") if of_shares else N_("Change, %"), Kind.DECIMAL, 11)
        in_a_year = Column(N_("Difference in a year") if of_shares else N_("Change in a year, %"), Kind.DECIMAL, 11)
        return (now, before, changed, year_ago, in_a_year) if self.compared.has_year_ago else (now, before, changed)

    def _against(self, values: Sequence[Any], path: Callable[[Span], str], differ: Callable[[Any, Any], Any] = change) -> Cells:
        """Return the cells of those columns."""
        now, before, year_ago = (linked(value, path(span)) for value, span in zip(values, self.compared.spans, strict=True))
        cells = now, before, differ(values[0], values[1]), year_ago, differ(values[0], values[2])
        return cells if self.compared.has_year_ago else cells[:3]

    def _rate(self) -> _Line:
        n = self.facts.subscribers.n
        return _Line(N_("Filed for each 1,000 subscribers of today"), lambda counts: per_thousand(counts.filed, n))

    def _table(self, key: str, title: str, lines: Sequence[_Line], kind: Kind) -> Part:
        def rows() -> Iterator[Cells]:
            for line in lines:
                values = [line.value(counts) for counts in self.facts.counts]
                yield (_(line.title), *self._against(values, partial(line.path, self._paths), _more if kind is Kind.DECIMAL else change))

        return Part(key, title, (Column(N_("What"), Kind.TEXT, 48), *self._versus(kind)), rows)

    def _grouped(self, dimension: Dimension) -> Part:
        groups, has_rate = self.facts.groups[dimension], dimension in (Dimension.SERVICE, Dimension.ZONE)
        rate = (Column(N_("Subscribers today"), Kind.INT, 12), Column(N_("For each 1,000"), Kind.DECIMAL, 11)) if has_rate else ()
        header = (
            Column(_OF[dimension], Kind.TEXT, 36, wraps=True), *self._versus(Kind.INT), Column(N_("Cases answered"), Kind.INT, 11),
            Column(N_("Late answers"), Kind.INT, 9), Column(N_("Open at the end"), Kind.INT, 11), *rate,
        )  # fmt: skip

        def rows() -> Iterator[Cells]:
            for group in groups:
                yield (*self._cells(dimension, group), *(rate_of(dimension, group, self.facts.subscribers) if has_rate else ()))

        about = _("The columns of periods count cases by their day of filing.")
        if _ABOUT[dimension]:
            about += " " + _(_ABOUT[dimension])
        return Part(dimension.name.lower(), _(dimension.value), header, rows, about)

    def _cells(self, dimension: Dimension, group: Group) -> Cells:
        only, paths, span = {sources.filter_of(dimension): group.key}, self._paths, self.compared.now
        return (
            called(dimension, group), *self._against(group.filed, lambda of: paths.filed(of, **only)),
            linked(group.answered, paths.answered(span, **only)), linked(group.late, paths.answered(span, timeliness="LATE", **only)),
            linked(group.open, paths.open(span, **only)),
        )  # fmt: skip

    def _by_month(self) -> Part:
        header = (
            Column(N_("Month"), Kind.TEXT, 18), Column(N_("Cases filed"), Kind.INT, 11), Column(N_("The month before"), Kind.INT, 11),
            Column(N_("Change, %"), Kind.DECIMAL, 11), Column(N_("A year before"), Kind.INT, 11),
            Column(N_("Change in a year, %"), Kind.DECIMAL, 11), Column(N_("Cases answered"), Kind.INT, 11),
            Column(N_("Late answers"), Kind.INT, 9), Column(N_("Open at the end"), Kind.INT, 11),
        )  # fmt: skip
        about = _("The last month goes up to %(day)s; the whole months before it are beside it.", day=say_day(self.compared.now.until))
        is_whole = date.fromordinal(self.compared.now.until.toordinal() + 1).day == 1
        return Part("month", _(Dimension.MONTH.value), header, self._month_rows, "" if is_whole else about)

    def _month_rows(self) -> Iterator[Cells]:
        paths, before = self._paths, None
        for month in self.months:
            span = self._month_span(month.first)
            yield (
                sentence_case(say_span(_whole(month.first))), linked(month.filed, paths.filed(span)), before, change(month.filed, before),
                linked(month.year_ago, paths.filed(_whole(_year_before(month.first)))), change(month.filed, month.year_ago),
                linked(month.answered, paths.answered(span)), linked(month.late, paths.answered(span, timeliness="LATE")),
                linked(month.open, paths.open(span)),
            )  # fmt: skip
            before = month.filed

    def _month_span(self, first: date) -> Span:
        return Span(first, min(_whole(first).until, self.compared.now.until))

    def _tops(self) -> Iterator[Part]:
        about = _("With two cases or more, filed with a name: of anonymous and reserved identities nothing is told.")
        header = (Column(N_("Account"), Kind.TEXT, 20), Column(N_("Service"), Kind.TEXT, 24), Column(N_("Cases filed"), Kind.INT, 11))

        def cells(kind: str) -> Iterator[Cells]:
            for row in self._frequent[kind]:
                path = self._paths.filed(self.compared.now, identity="NAMED", **{kind: str(row.id)})
                yield (row.name, *([row.more] if kind == "account" else []), linked(row.n, path))

        yield Part("accounts", _("Accounts that file most"), header, lambda: cells("account"), about)
        if self._names:
            yield Part("parties", _("Petitioners who file most"), (Column(N_("Petitioner"), Kind.TEXT, 44), header[-1]),
                       lambda: cells("party"), about)  # fmt: skip

    def _ratings(self) -> Part:
        header = (Column(N_("Score"), Kind.INT, 9), Column(N_("Ratings"), Kind.INT, 11), Column(N_("Share, %"), Kind.DECIMAL, 11),
                  Column(sentence_case(say_span(self.compared.before)), Kind.INT, 14, is_said=True))  # fmt: skip

        def rows() -> Iterator[Cells]:
            now, before = self.facts.now, self.facts.before
            for score in SCORES:
                n, was = now.scores[score - 1], before.scores[score - 1]
                paths = [self._paths.ratings(span, f"&score={score}") for span in (self.compared.now, self.compared.before)]
                yield score, linked(n, paths[0]), sources.share(n, now.ratings), linked(was, paths[1])

        about = _("By the day of the rating, whenever the case was filed; those of the tablet of the counter may be of no case.")
        return Part("ratings", _("Satisfaction with the attention"), header, rows, about)

    # ── drawn ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _months_drawn(self) -> Plot:
        lines = self.months
        labels = tuple(_short_month(month.first) for month in lines)
        filed = tuple(Point(month.filed, say_number(month.filed), self._paths.filed(self._month_span(month.first))) for month in lines)
        year_ago = tuple(
            Point(month.year_ago, say_number(month.year_ago), self._paths.filed(_whole(_year_before(month.first)))) for month in lines
        )
        series = Series(_("Cases filed"), filed), Series(_("A year before"), year_ago, "stop")
        about = _("The table of the months has the same numbers.")
        return Plot("LineChart", _("Cases filed, month by month"), about, labels, series, is_time=True)

    def _bars(self, dimension: Dimension) -> Plot:
        groups = [group for group in self.facts.groups[dimension] if group.label][:MOST_BARS]
        labels = tuple(called(dimension, group) for group in groups)
        series = []
        for index, (span, tone) in enumerate(zip(self.compared.spans[:2], ("", "stop"), strict=True)):
            only = [self._paths.filed(span, **{sources.filter_of(dimension): group.key}) for group in groups]
            points = (Point(group.filed[index], say_number(group.filed[index]), path) for group, path in zip(groups, only, strict=True))
            series.append(Series(sentence_case(say_span(span)), tuple(points), tone))
        title = _("What is asked about most, and what it was before")
        return Plot("BarChart", title, _("The table of the causes has the same numbers."), labels, tuple(series))


def _more(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else now - before


def _or_dash(value: Decimal | None) -> Decimal | str:
    return "—" if value is None else value


def _whole(first: date) -> Span:
    """Return the month that begins on *first*."""
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return Span(first, date.fromordinal(following.toordinal() - 1))


def _year_before(first: date) -> date:
    return first.replace(year=first.year - 1)


def _short_month(first: date) -> str:
    return format_date(first, "MMM y", locale=page_lang().replace("-", "_")).replace(".", "")
