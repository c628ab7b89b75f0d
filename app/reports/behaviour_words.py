"""
What the behaviour report says in words: the sentences a manager reads first, and what needs attention.

Both follow rules, so that the same figures always say the same: docs/rules/behaviour-report.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.dates import format_date
from flask_babel import gettext as _
from flask_babel import ngettext

from app.domain import N_
from app.reports.base import Linked, Sentence
from app.reports.behaviour_sources import LIVING, Counts, Dimension, Group, Subscribers, case_path, filter_of, nothing_of, overdue_before
from app.reports.forms import Span
from app.words import page_lang, say_day, say_number, say_percent

#: A cause or a zone grew when it has so many cases more than before, and so many of a hundred.
LEAST_GROWTH, LEAST_GROWTH_SHARE = 3, 20
#: A zone stands out from so many cases, with so many times the cases for each thousand subscribers of all zones together.
LEAST_OF_ZONE, TIMES_THE_MEAN = 5, 2
#: Late answers rose by so many points, out of so many answers in both spans.
LATE_POINTS, LEAST_ANSWERED = 5, 10
#: The attention is ill rated below this mean, of so many ratings.
GOOD_RATING, LEAST_RATED = Decimal("3.5"), 5
#: From so many of a hundred, of so many cases, the same trouble comes again too often.
AGAIN_SHARE, LEAST_AGAIN = 10, 5
#: From so many of a hundred, of so many decided, recursos change too many answers.
CHANGED_SHARE, LEAST_DECIDED = 30, 3
#: How many causes, and how many zones, one rule names.
MOST_NAMED = 2
THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class Compared:
    """A span, the one before it and the same a year ago. Of a span under way, all end after as many days."""

    now: Span
    before: Span
    year_ago: Span
    is_under_way: bool

    @classmethod
    def of(cls, span: Span, today: date) -> Compared:
        """Return what *span* is compared with on *today*."""
        if not span.since <= today < span.until:
            return cls(span, span.before, span.year_ago, False)
        n_days = (today - span.since).days

        def cut(other: Span) -> Span:
            return Span(other.since, min(date.fromordinal(other.since.toordinal() + n_days), other.until))

        return cls(Span(span.since, today), cut(span.before), cut(span.year_ago), True)

    @property
    def spans(self) -> tuple[Span, Span, Span]:
        return self.now, self.before, self.year_ago

    @property
    def has_year_ago(self) -> bool:
        """Whether the year before is another span than the one before."""
        return self.year_ago != self.before


def say_span(span: Span) -> str:
    """Return a span as people name it: julio de 2026, abril a junio de 2026, 2025, or the days from one to another."""
    after = date.fromordinal(span.until.toordinal() + 1)
    if span.since.day != 1 or after.day != 1 or span.since.year != span.until.year:
        return _("the days from %(since)s to %(until)s", since=say_day(span.since), until=say_day(span.until))
    if span.since.month == after.month == 1:
        return str(span.since.year)
    locale = page_lang().replace("-", "_")
    last = format_date(span.until, "MMMM 'de' y" if locale.startswith("es") else "MMMM y", locale=locale)
    if span.since.month == span.until.month:
        return last
    return _("%(first)s to %(last)s", first=format_date(span.since, "MMMM", locale=locale), last=last)


def sentence_case(text: str) -> str:
    """Return *text* with a capital at its head, and the rest as it is."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the rows behind the figures of a span are listed. Of lists that the reader may not open, the address is empty."""

    today: date
    has_silences: bool
    has_ratings: bool

    @staticmethod
    def filed(span: Span, **more: str) -> str:
        return case_path(filed_on=str(span), status=LIVING, **more)

    @staticmethod
    def answered(span: Span, **more: str) -> str:
        return case_path(answered_on=str(span), **more)

    @staticmethod
    def open(span: Span, **more: str) -> str:
        return case_path(open_on=str(span.until), **more)

    def overdue(self, span: Span) -> str:
        limit = date.fromordinal(overdue_before(span.until, self.today).toordinal() - 1)
        return self.open(span, due_on=f"..{limit}")

    def silences(self, span: Span, more: str = "") -> str:
        return f"/silence/list/?arisen_on={span}&withdrawn_on=empty{more}" if self.has_silences else ""

    def ratings(self, span: Span, more: str = "") -> str:
        return f"/rating/list/?rated_on={span}{more}" if self.has_ratings else ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was counted: the figures of the three spans, the groups, and who is served today."""

    compared: Compared
    counts: tuple[Counts, Counts, Counts]
    groups: dict[Dimension, list[Group]]
    subscribers: Subscribers
    paths: Paths

    @property
    def now(self) -> Counts:
        return self.counts[0]

    @property
    def before(self) -> Counts:
        return self.counts[1]


def called(dimension: Dimension, group: Group) -> str:
    """Return what a group is called, in the reader's language where it has no value."""
    return group.label or _(nothing_of(dimension))


def change(now: Decimal | int | None, before: Decimal | int | None) -> Decimal | None:
    """Return by how many of a hundred *now* is more than *before*; None where there was nothing."""
    if now is None or not before:
        return None
    return ((Decimal(now) - before) * 100 / Decimal(before)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def per_thousand(n: int, subscribers: int) -> Decimal | None:
    """Return how many cases there are for each thousand accounts; None without accounts."""
    return (Decimal(THOUSAND) * n / subscribers).quantize(Decimal("0.01"), ROUND_HALF_UP) if subscribers else None


def rate_of(dimension: Dimension, group: Group, subscribers: Subscribers) -> tuple[int, Decimal | None]:
    """Return how many accounts in service a service or a zone has today, and its cases for each thousand of them."""
    counted = subscribers.by_service if dimension is Dimension.SERVICE else subscribers.by_zone
    n = sum(counted[key] for key in group.key.split(",")) if dimension is Dimension.SERVICE else counted[group.key]
    return n, per_thousand(group.filed[0], n)


def growth(groups: Iterable[Group]) -> list[Group]:
    """Return the groups that grew, the one that grew by most first."""

    def grew(group: Group) -> bool:
        more = group.filed[0] - group.filed[1]
        return more >= LEAST_GROWTH and more * 100 >= LEAST_GROWTH_SHARE * group.filed[1]

    return sorted(filter(grew, groups), key=lambda group: (group.filed[1] - group.filed[0], group.label))


def _named(dimension: Dimension, groups: Iterable[Group]) -> list[Group]:
    """Return those with a value: that cases without one grew says nothing of where the trouble is."""
    return [group for group in groups if group.label]


# ── The sentences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def sentences(facts: Facts) -> list[Sentence]:
    """Return what the span was like, a fact a sentence: at most five."""
    said = [_filed(facts), _grown(facts), _answers(facts), _left(facts), _ended(facts)]
    return [sentence for sentence in said if sentence is not None]


def _filed(facts: Facts) -> Sentence:
    span, n = facts.compared.now, facts.now.filed
    what = ngettext("%(n)s case was filed", "%(n)s cases were filed", n, n=say_number(n)) if n else _("No case was filed")
    against = [_against(n, facts.before.filed, facts.compared.before)]
    if facts.compared.has_year_ago:
        against.append(_against(n, facts.counts[2].filed, facts.compared.year_ago))
    versus = _("%(one)s, and %(other)s", one=against[0], other=against[1]) if len(against) > 1 else against[0]
    text = _("%(span)s: %(what)s; %(versus)s.", span=sentence_case(say_span(span)), what=what, versus=versus)
    return Sentence(text, facts.paths.filed(span))


def _against(n: int, before: int, span: Span) -> str:
    told = {"span": say_span(span), "n": say_number(before)}
    if not before:
        return _("there were none in %(span)s", **told)
    if n == before:
        return _("as many as in %(span)s", **told)
    share = say_percent(abs(change(n, before) or Decimal(0)))
    if n > before:
        return _("%(share)s more than in %(span)s (%(n)s)", share=share, **told)
    return _("%(share)s fewer than in %(span)s (%(n)s)", share=share, **told)


def _grown(facts: Facts) -> Sentence | None:
    if not facts.now.filed:
        return None
    grown = []
    for dimension, words in ((Dimension.CAUSE, N_("the cause “%(label)s”, from %(before)s to %(now)s")),
                             (Dimension.ZONE, N_("the zone %(label)s, from %(before)s to %(now)s"))):  # fmt: skip
        for group in growth(_named(dimension, facts.groups[dimension]))[:1]:
            told = {"label": group.label, "before": say_number(group.filed[1]), "now": say_number(group.filed[0])}
            grown.append((_(words, **told), facts.paths.filed(facts.compared.now, **{filter_of(dimension): group.key})))
    if not grown:
        return Sentence(_("No cause and no zone grew much."))
    what = "; ".join(text for text, _path in grown)
    return Sentence(_("What grew most: %(what)s.", what=what), grown[0][1], "warn")


def _answers(facts: Facts) -> Sentence:
    now, before, span = facts.now, facts.before, facts.compared.now
    if not now.answered:
        return Sentence(_("None was answered."))
    answered = ngettext("%(n)s was answered", "%(n)s were answered", now.answered, n=say_number(now.answered))
    if not now.late:
        return Sentence(_("%(answered)s, none of them late.", answered=answered), facts.paths.answered(span), "ok")
    told = {"answered": answered, "late": say_number(now.late), "share": say_percent(now.late_share)}
    path = facts.paths.answered(span, timeliness="LATE")
    if before.late_share is None:
        return Sentence(_("%(answered)s, %(late)s of them late (%(share)s).", **told), path, "bad")
    was, tone = say_percent(before.late_share), "bad" if (now.late_share or 0) > before.late_share else "warn"
    return Sentence(_("%(answered)s, %(late)s of them late: %(share)s, and %(was)s before.", was=was, **told), path, tone)


def _left(facts: Facts) -> Sentence:
    now, span = facts.now, facts.compared.now
    told = {"open": say_number(now.open), "overdue": say_number(now.overdue)}
    if not now.open:
        return Sentence(_("No case is left open."), tone="ok")
    if not now.overdue:
        return Sentence(_("Open at the end: %(open)s, none of them past its term.", **told), facts.paths.open(span), "ok")
    return Sentence(_("Open at the end: %(open)s, and %(overdue)s of them past their term.", **told), facts.paths.overdue(span), "bad")


def _ended(facts: Facts) -> Sentence | None:
    """What matters most of how cases ended: silences, else what was granted and what recursos changed."""
    now, span = facts.now, facts.compared.now
    if now.silences:
        arisen = ngettext("%(n)s positive silence arose", "%(n)s positive silences arose", now.silences, n=say_number(now.silences))
        text = _("%(arisen)s; recognised: %(n)s.", arisen=arisen, n=say_number(now.recognised))
        return Sentence(text, facts.paths.silences(span), "bad" if now.recognised < now.silences else "warn")
    if not now.decided:
        return None
    granted = _("In %(share)s of what was decided the customer was right, in all or in part", share=say_percent(now.upheld_share))
    path = facts.paths.answered(span, outcome="GRANTED,PARTLY")
    if not now.appeals_decided:
        return Sentence(_("%(granted)s; no recurso was decided.", granted=granted), path)
    told = {"granted": granted, "changed": say_number(now.changed), "n": say_number(now.appeals_decided)}
    return Sentence(_("%(granted)s; of %(n)s recursos decided, %(changed)s changed the answer.", **told), path)


# ── What needs attention ──────────────────────────────────────────────────────────────────────────────────────────────────

Line = tuple[str, int | Linked, str]


def linked(value: Any, path: str) -> Any:
    """Return *value* with the way to its rows; nothing, and what has no list, has none."""
    return Linked(value, path) if value and path else value


def attention(facts: Facts) -> list[Line]:
    """Return what needs attention: what, how many cases (linked), and why it is here."""
    return [*_owed(facts), *_growing(facts), *_standing_out(facts), *_service(facts)]


def _owed(facts: Facts) -> Iterator[Line]:
    now, span = facts.now, facts.compared.now
    if now.overdue:
        path = facts.paths.overdue(span)
        yield _("Open cases past their term"), linked(now.overdue, path), _("Each may be a positive silence (Ley 142 art. 158).")
    waiting = now.silences - now.recognised
    if waiting:
        path = facts.paths.silences(span, "&recognised_on=empty")
        yield _("Silences without recognition"), linked(waiting, path), _("They are recognised within 72 hours.")


def _growing(facts: Facts) -> Iterator[Line]:
    for dimension, words in ((Dimension.CAUSE, N_("Cause that grows: %(label)s")), (Dimension.ZONE, N_("Zone that grows: %(label)s"))):
        for group in growth(_named(dimension, facts.groups[dimension]))[:MOST_NAMED]:
            path = facts.paths.filed(facts.compared.now, **{filter_of(dimension): group.key})
            told = {"before": say_number(group.filed[1]), "now": say_number(group.filed[0])}
            yield _(words, label=group.label), linked(group.filed[0], path), _("From %(before)s to %(now)s cases.", **told)


def _standing_out(facts: Facts) -> Iterator[Line]:
    zones = [(group, *rate_of(Dimension.ZONE, group, facts.subscribers)) for group in _named(Dimension.ZONE, facts.groups[Dimension.ZONE])]
    served = [(group, n, rate) for group, n, rate in zones if rate is not None]
    mean = per_thousand(sum(group.filed[0] for group, _n, _rate in served), sum(facts.subscribers.by_zone.values()))
    if not mean:
        return
    far = [(rate, group) for group, _n, rate in served if group.filed[0] >= LEAST_OF_ZONE and rate >= TIMES_THE_MEAN * mean]
    for rate, group in sorted(far, key=lambda each: (-each[0], each[1].label))[:MOST_NAMED]:
        why = _("%(rate)s cases for each 1,000 subscribers; of all zones, %(mean)s.", rate=say_number(rate), mean=say_number(mean))
        path = facts.paths.filed(facts.compared.now, zone=group.key)
        yield _("Zone with many cases for its size: %(label)s", label=group.label), linked(group.filed[0], path), why


def _service(facts: Facts) -> Iterator[Line]:
    now, before, span = facts.now, facts.before, facts.compared.now
    is_judged = min(now.answered, before.answered) >= LEAST_ANSWERED
    if is_judged and (now.late_share or 0) >= (before.late_share or 0) + LATE_POINTS:
        why = _("%(share)s of the answers; %(was)s before.", share=say_percent(now.late_share), was=say_percent(before.late_share))
        yield _("More answers are late"), linked(now.late, facts.paths.answered(span, timeliness="LATE")), why
    if now.recurrent >= LEAST_AGAIN and (now.recurrent_share or 0) >= AGAIN_SHARE:
        why = _("%(share)s of the cases repeat one of the 90 days before.", share=say_percent(now.recurrent_share))
        yield _("The same trouble comes again"), linked(now.recurrent, facts.paths.filed(span, again="1")), why
    if now.appeals_decided >= LEAST_DECIDED and (now.changed_share or 0) >= CHANGED_SHARE:
        why = _("%(share)s of the recursos decided changed the first answer.", share=say_percent(now.changed_share))
        path = facts.paths.answered(span, appeal="1", outcome="MODIFIED,REVOKED")
        yield _("Answers do not stand when they are appealed"), linked(now.changed, path), why
    if now.ratings >= LEAST_RATED and (now.rating or 0) < GOOD_RATING:
        why = _("%(mean)s of 5; good is from %(good)s on.", mean=say_number(now.rating), good=say_number(GOOD_RATING))
        yield _("The attention is ill rated"), linked(now.ratings, facts.paths.ratings(span)), why
