"""The days that a report looks at: periods that follow the calendar, what they are compared with, and what a filter means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from app.domain.reports import ReportPeriod
from app.reports.forms import ReportForm, Span, span_of

DAYS = st.dates(date(2001, 1, 1), date(2100, 12, 31))
FOLLOWING = [period for period in ReportPeriod if period is not ReportPeriod.OTHER]


@pytest.fixture
def asking() -> Iterator[None]:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "only for this test"
    Babel(app)
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [
        ("THIS_MONTH", date(2026, 8, 1), date(2026, 8, 31)),
        ("LAST_MONTH", date(2026, 7, 1), date(2026, 7, 31)),
        ("THIS_QUARTER", date(2026, 7, 1), date(2026, 9, 30)),
        ("LAST_QUARTER", date(2026, 4, 1), date(2026, 6, 30)),
        ("THIS_HALF", date(2026, 7, 1), date(2026, 12, 31)),
        ("LAST_HALF", date(2026, 1, 1), date(2026, 6, 30)),
        ("THIS_YEAR", date(2026, 1, 1), date(2026, 12, 31)),
        ("LAST_YEAR", date(2025, 1, 1), date(2025, 12, 31)),
        ("LAST_12_MONTHS", date(2025, 8, 1), date(2026, 7, 31)),
    ],
)
def test_a_period_follows_the_calendar(period: str, since: date, until: date) -> None:
    assert span_of(ReportPeriod[period], date(2026, 8, 15)) == Span(since, until)


def test_what_is_compared_has_whole_months_where_the_period_has() -> None:
    quarter, february = Span(date(2026, 1, 1), date(2026, 3, 31)), Span(date(2024, 2, 1), date(2024, 2, 29))
    assert quarter.before == Span(date(2025, 10, 1), date(2025, 12, 31))
    assert quarter.year_ago == Span(date(2025, 1, 1), date(2025, 3, 31))
    assert february.year_ago == Span(date(2023, 2, 1), date(2023, 2, 28))
    assert Span(date(2024, 2, 10), date(2024, 2, 29)).year_ago == Span(date(2023, 2, 10), date(2023, 2, 28))
    assert Span(date(2026, 5, 4), date(2026, 5, 10)).before == Span(date(2026, 4, 27), date(2026, 5, 3))


@given(st.sampled_from(FOLLOWING), DAYS)
def test_a_period_joins_the_one_before_it(period: ReportPeriod, today: date) -> None:
    span = span_of(period, today)
    assert span.since <= span.until
    assert span.before.until == span.since - timedelta(1)
    if period.name.startswith("THIS_"):
        assert span.since <= today <= span.until
        assert span_of(ReportPeriod[period.name.replace("THIS_", "LAST_")], today) == span.before


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize(
    ("args", "asked"),
    [
        ({}, "THIS_MONTH"),
        ({"period": "LAST_YEAR"}, "LAST_YEAR"),
        ({"since": "2026-01-05", "until": "2026-01-09"}, "OTHER"),
        ({"period": "THIS_MONTH", "since": "2026-01-05", "until": "2026-01-09", "was": ".."}, "OTHER"),
        ({"period": "THIS_MONTH", "since": "2026-01-05", "until": "2026-01-09", "was": "2026-01-05..2026-01-09"}, "THIS_MONTH"),
        ({"period": "OTHER", "since": "2026-02-01", "until": "2026-02-03", "was": "2026-01-05..2026-01-09"}, "OTHER"),
    ],
)
def test_days_that_were_typed_count_and_days_that_were_left_do_not(args: dict[str, str], asked: str) -> None:
    form = ReportForm(args)
    assert form.period.data == asked
    assert form.args()["period"] == asked
    assert "was" not in form.args()
    if asked == "OTHER":
        assert form.span(date(2026, 8, 15)) == Span(date.fromisoformat(args["since"]), date.fromisoformat(args["until"]))
