"""The report of interruptions: every figure by hand, and every link leads to as many rows as it says."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.domain.calendar import BusinessCalendar
from app.models import Service
from app.operations import interruptions
from app.reports.base import Asked, Linked, Reader, unlinked
from app.reports.interruptions import InterruptionForm, InterruptionReport

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)  # ten in the morning in Colombia, the hour of the tests
HOUR = timedelta(hours=1)


def day(n, hour=13):
    return datetime(2026, 7, n, hour, tzinfo=UTC)


@pytest.fixture
def told(make):
    """July: two of one cause (one announced, one not), a damage that goes on; June, voided and announced ones stay out."""
    works, damage = make.interruption_cause(name="Obra"), make.interruption_cause(name="Daño")
    sewer = make.session.scalars(select(Service).order_by(Service.position.desc())).first()
    first = make.interruption(day(6), "PLANNED", at=AT, cause=works, ends_at=day(6) + 4 * HOUR, n_subscribers=100,
                              notice_on=date(2026, 7, 3), notice_means="Radio", alternative="Carrotanque")  # fmt: skip
    make.interruption(day(7), "PLANNED", at=AT, cause=works, ends_at=day(7) + HOUR / 2, n_subscribers=30)
    goes_on = make.interruption(AT - 2 * HOUR, at=AT, cause=damage, service=sewer)
    make.interruption(day(1) - timedelta(days=2), at=AT, cause=damage, ends_at=day(1))
    interruptions.void(make.session, make.interruption(day(8), at=AT, cause=damage), "Repetida", at=AT)
    make.interruption(AT + HOUR, "PLANNED", at=AT, cause=works)
    event = interruptions.open_event(make.session, first, "Obra de la 8")
    interruptions.link(make.session, goes_on, event)
    for _n in range(3):
        make.case(day(6)).mass_event = event
    make.session.flush()
    return first


def report_of(session, **args):
    form = InterruptionForm({"period": "OTHER", "since": "2026-07-01", "until": "2026-07-31", **args})
    reader = Reader(1, "Luz", lambda _right, _view: True, {"pqr": lambda statement: statement})
    form.load(session, reader)
    assert form.validate(), form.errors
    return InterruptionReport(Asked(session, reader, form, BusinessCalendar((), ()), datetime(2026, 7, 10, 10)))


def values(part):
    return [tuple(unlinked(cell) for cell in row) for row in part.rows()]


def test_each_figure_is_what_one_counts_by_hand(app, seeded, told):
    with app.test_request_context():
        figures = {figure.label: figure.value for figure in report_of(seeded).headline()}

    assert list(figures.values()) == [3, 1, Decimal("6.50"), Decimal("415.00"), 1, 1, 3, Decimal("66.6"), Decimal("50.0")]


def test_each_table_adds_up_to_the_whole(app, seeded, told):
    with app.test_request_context():
        parts = {part.key: values(part) for part in report_of(seeded).parts()}

    assert parts["causes"] == [
        ("Obra", 2, 2, 1, Decimal("4.50"), Decimal("415.00"), 3), ("Daño", 1, 0, 1, Decimal("2.00"), Decimal("0.00"), 3),
    ]  # fmt: skip
    assert parts["months"] == [("2026-07", 3, 2, 2, Decimal("6.50"), Decimal("415.00"), 3)]
    assert [row[1] for row in parts["services"]] == [2, 1]
    assert [row[1:] for row in parts["notices"]] == [(1, 0, 0, 1, 0), (0, 0, 0, 0, 1)]
    assert [row[0] for row in parts["rows"]] == ["INT-2026-0001", "INT-2026-0002", "INT-2026-0003"]
    assert parts["rows"][0][6:12] == (datetime(2026, 7, 6, 8), datetime(2026, 7, 6, 12), Decimal("4.00"), 100, False, Decimal("400.00"))


def test_a_service_and_a_kind_narrow_it(app, seeded, told):
    with app.test_request_context():
        assert report_of(seeded, kind="PLANNED").headline()[0].value == 2
        assert report_of(seeded, service=str(told.service_id)).headline()[0].value == 2
        assert report_of(seeded, since="2025-01-01", until="2025-01-31").headline()[0].value == 0


def test_every_link_leads_to_as_many_rows_as_it_says(app, seeded, make, told, client, login):
    user = make.user("Subgerente administrativo y comercial")
    seeded.commit()
    login(client, user)
    with app.test_request_context():
        report = report_of(seeded)
        paths = [(figure.value, figure.path) for figure in report.headline() if figure.path]
        paths += [(cell.value, cell.path) for part in report.parts() if part.key != "rows" for row in part.rows() for cell in row
                  if isinstance(cell, Linked)]  # fmt: skip

    assert len(paths) > 10
    for n, path in paths:
        page = client.get(path).get_data(as_text=True)
        assert len(set(re.findall(r"INT-2026-\d{4}", page))) == n, path
