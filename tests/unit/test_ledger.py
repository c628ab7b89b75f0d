"""The baton ledger adds up."""

from datetime import date

from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.ledger import spans, stage_days

CALENDAR = BusinessCalendar([NonWorkingDay(date(2026, 7, 13), "Chiquinquirá"), NonWorkingDay(date(2026, 7, 20), "Independencia")], [2026])


def test_consecutive_spans_add_up_to_the_days_since_filing():
    lines = [
        ("Desk", "", date(2026, 7, 1), date(2026, 7, 3)),
        ("Billing", "Ana", date(2026, 7, 3), date(2026, 7, 17)),
        ("Desk", "", date(2026, 7, 17), None),
    ]

    found = spans(lines, CALENDAR, date(2026, 7, 24))

    assert [span.n_days for span in found] == [2, 9, 4]
    assert sum(span.n_days for span in found) == CALENDAR.between(date(2026, 7, 1), date(2026, 7, 24))


def test_a_stage_that_has_not_happened_has_no_days():
    points = [date(2026, 7, 1), date(2026, 7, 2), None, date(2026, 7, 10), None]

    assert stage_days(points, CALENDAR) == [1, None, 6, None]
