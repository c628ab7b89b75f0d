"""
What narrows the reports of the catalogue: the form that all of them share.

A form is made from the arguments of an address (or of a schedule, which has the same), told its choices, and asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import DateField, HiddenField, SelectField
from wtforms.validators import Optional as Empty
from wtforms.validators import ValidationError

from app.domain.reports import ReportPeriod
from app.reports.base import FilterForm, Reader
from app.words import say_day

_DAY = timedelta(1)
#: Between which years a period may lie; what it is compared with lies a little before.
FIRST_YEAR, LAST_YEAR = 1900, 2200


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last day that a report looks at."""

    since: date
    until: date

    def __str__(self) -> str:
        return f"{self.since}..{self.until}"

    @property
    def before(self) -> Span:
        """The span of the same length that ends the day before: whole months before whole months."""
        months = _months(self)
        if months:
            return Span(_back(self.since, months), self.since - _DAY)
        return Span(self.since - (self.until - self.since) - _DAY, self.since - _DAY)

    @property
    def year_ago(self) -> Span:
        """The same days a year before; 29 February becomes the 28th, and a month that ends ends there too."""
        if _months(self):
            return Span(_back(self.since, 12), _back(self.until + _DAY, 12) - _DAY)
        return Span(_same_day(self.since), _same_day(self.until))


def _same_day(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, 2, 28)


def _months(span: Span) -> int:
    """Return how many whole months *span* is; 0 if it is not."""
    after = span.until + _DAY
    if span.since.day != 1 or after.day != 1:
        return 0
    return (after.year - span.since.year) * 12 + after.month - span.since.month


def _back(first: date, months: int) -> date:
    """Return the first day of the month *months* before that of *first*; negative goes on."""
    n = first.year * 12 + first.month - 1 - months
    return date(n // 12, n % 12 + 1, 1)


DEFAULT = ReportPeriod.THIS_MONTH.name
_LENGTHS = {"MONTH": 1, "QUARTER": 3, "HALF": 6, "YEAR": 12}


def span_of(period: ReportPeriod, today: date) -> Span:
    """Return the days of *period* as of *today*; one that runs ends when the calendar says. Raises ValueError for OTHER."""
    first = today.replace(day=1)
    if period is ReportPeriod.LAST_12_MONTHS:
        return Span(_back(first, 12), first - _DAY)
    if period is ReportPeriod.OTHER:
        raise ValueError("OTHER has its own days")
    which, _under, length = period.name.partition("_")
    n = _LENGTHS[length]
    since = _back(first, (first.month - 1) % n + (n if which == "LAST" else 0))
    return Span(since, _back(since, -n) - _DAY)


class ReportForm(FilterForm):
    """The period of a report, the month under way unless told. A subclass adds fields; what has choices gets them in `load`."""

    period = SelectField(_l("Period"), default=DEFAULT, validators=[Empty()])
    since = DateField(_l("From"), validators=[Empty()])
    until = DateField(_l("To"), validators=[Empty()])
    was = HiddenField()

    def __init__(self, args: Mapping[str, Any]) -> None:
        super().__init__(formdata=ImmutableMultiDict(args) if args else None)
        self.period.choices = [(member.name, _(member.value)) for member in ReportPeriod]
        days = f"{self.since.data or ''}..{self.until.data or ''}"
        if days != ".." and ("period" not in args or days != (self.was.data or days)):
            self.period.data = ReportPeriod.OTHER.name  # who typed days means them, whatever the list above them still says
        self.was.data = days

    def load(self, session: Session, reader: Reader) -> None:
        """Give the fields their choices, of what *reader* may ask for."""

    def validate_period(self, field: SelectField) -> None:
        if field.data == ReportPeriod.OTHER.name and (self.since.data is None or self.until.data is None):
            raise ValidationError(_("Write the first and the last day of the period."))

    def validate_until(self, field: DateField) -> None:
        if self.period.data != ReportPeriod.OTHER.name or self.since.data is None:
            return
        if field.data < self.since.data:
            raise ValidationError(_("The period ends before it begins."))
        if self.since.data.year < FIRST_YEAR or field.data.year > LAST_YEAR:
            raise ValidationError(_("Write days from %(first)s to %(last)s.", first=FIRST_YEAR, last=LAST_YEAR))

    def span(self, today: date) -> Span:
        """Return the days that a valid form asks for."""
        period = ReportPeriod[self.period.data or DEFAULT]
        return Span(self.since.data, self.until.data) if period is ReportPeriod.OTHER else span_of(period, today)

    def in_words(self, today: date) -> list[str]:
        """Return the filter as a sentence a part, in the reader's language."""
        span = self.span(today)
        words = [self._period_in_words(span)]
        for field in self._narrowing():
            if field.data not in (None, "", [], False):
                said = dict(field.choices).get(field.data, field.data) if getattr(field, "choices", None) else field.data
                words.append(f"{field.label.text}: {said}")
        return words

    def _period_in_words(self, span: Span) -> str:
        """Return the days, and by which name they were asked for: that name means other days next month."""
        days, period = {"since": say_day(span.since), "until": say_day(span.until)}, ReportPeriod[self.period.data or DEFAULT]
        if period is ReportPeriod.OTHER:
            return _("From %(since)s to %(until)s", **days)
        return _("%(period)s: from %(since)s to %(until)s", period=_(period.value), **days)

    def args(self) -> dict[str, str]:
        """Return the arguments of the address that asks for the same again."""
        found = {"period": self.period.data or DEFAULT}
        if found["period"] == ReportPeriod.OTHER.name:
            found |= {name: f"{self[name].data:%Y-%m-%d}" for name in ("since", "until") if self[name].data}
        return found | {field.name: str(field.data) for field in self._narrowing() if field.data not in (None, "", [], False)}

    def _narrowing(self) -> list[Any]:
        return [field for field in self if field.short_name not in ("period", "since", "until", "was")]
