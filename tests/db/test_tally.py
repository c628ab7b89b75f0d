"""What the database sums for a chart, on both engines: one statement, exact numbers, nobody's rows but the reader's."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask_appbuilder.models.group import aggregate_avg, aggregate_count, aggregate_sum
from sqlalchemy import Date, Integer, Numeric, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.domain.times import Timeliness
from app.models import Account, Pqr
from app.queries import timeliness_on
from app.tally import ALL, Definition, Tally
from tests.databases import statements_of

TODAY = date(2026, 7, 10)


def define(**given):
    return Definition.read({"series": [(aggregate_count, "id")], **given}, chart_type="BarChart", top=12, labels={})


def tally(session, definition, model, columns=None, rows=None, **options):
    columns = columns or {name: getattr(model, name) for name in (*definition.groups, definition.split) if name}
    period = options.pop("period", definition.period)
    return Tally(session, definition, model, select(model) if rows is None else rows, columns, period=period, **options)


@pytest.fixture
def accounts(seeded, make):
    """Twenty accounts: stratum 1 to 4 by turns, and two without."""
    made = [make.account(stratum=n % 4 + 1) for n in range(18)] + [make.account(stratum=None) for _ in range(2)]
    seeded.flush()
    return made


def test_groups_are_counted_by_the_database_in_one_statement(accounts, seeded, app):
    from app.extensions import db

    with statements_of(db.engine) as statements:
        found = tally(seeded, define(group="stratum"), Account, limit=500)

    assert len(statements) == 1
    assert "GROUP BY" in statements[0]
    assert {key: found.value(key, 0) for key in found.cells} == {1: 5, 2: 5, 3: 4, 4: 4, None: 2}
    assert found.total(0) == 20
    assert found.n_groups == 5


def test_of_many_groups_the_largest_are_read_and_the_others_summed(accounts, seeded):
    definition = define(group="stratum", series=[(aggregate_count, "id"), (aggregate_sum, "stratum"), (aggregate_avg, "stratum")])
    found = tally(seeded, definition, Account, limit=2)
    shown = found.ranked()

    assert (found.n_groups, sorted(shown)) == (5, [1, 2])
    assert found.total(0) == 20
    assert found.rest(shown, 0) == 10
    assert found.total(1) == 5 * 1 + 5 * 2 + 4 * 3 + 4 * 4
    assert found.rest(shown, 1) == 4 * 3 + 4 * 4
    assert found.total(2) == Decimal("2.39")  # 43 / 18: the two without stratum do not count
    assert found.rest(shown, 2) == Decimal("3.50")


def test_the_average_of_nothing_is_nothing(accounts, seeded):
    found = tally(seeded, define(group="stratum", series=[(aggregate_avg, "stratum")]), Account, limit=500)

    assert found.value(None, 0) is None
    assert found.value(3, 0) == 3


def test_without_rows_there_are_no_groups(seeded):
    for definition in (define(group="stratum"), define(group="use", split="stratum")):
        found = tally(seeded, definition, Account, limit=500)
        assert (found.cells, found.n_groups, found.total(0), found.total(ALL)) == ({}, 0, 0, 0)


def test_a_column_by_itself_is_its_sum(accounts, seeded):
    found = tally(seeded, define(group="use", series=["stratum"]), Account, limit=500)

    assert [found.value(key, 0) for key in found.cells] == [43]


class Base(DeclarativeBase):
    pass


class Reading(Base):
    __tablename__ = "reading_of_charts"
    id: Mapped[int] = mapped_column(primary_key=True)
    on: Mapped[date | None] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    kind: Mapped[str | None] = mapped_column(String(10))
    litres: Mapped[int | None] = mapped_column(Integer)
    price: Mapped[Decimal | None] = mapped_column(Numeric(16, 2))


@pytest.fixture
def readings(own_databases):
    """A table of dates on each engine, beside the product."""
    engine = create_engine(own_databases.create("readings"))
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
    own_databases.drop(own_databases.url("readings"))


def fill(session, days):
    for n, day in enumerate(days):
        until = day + timedelta(days=20) if day.year < 9999 else None
        session.add(Reading(on=day, until=until, kind="ab"[n % 2], litres=n, price=Decimal("0.10")))
    session.flush()


@pytest.mark.parametrize("period", ["day", "month", "year"])
def test_periods_are_the_same_on_both_engines_and_have_no_gaps(readings, period):
    days = [date(2025, 11, 30), date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 31)]
    days = days if period != "year" else [*days, date(2023, 2, 28)]
    fill(readings, days)
    readings.add(Reading(on=None, litres=1))
    found = tally(readings, define(group="on", period="day", series=[(aggregate_count, "id"), (aggregate_avg, "litres")]), Reading,
                  period=period)  # fmt: skip
    first = {"day": lambda day: day, "month": lambda day: day.replace(day=1), "year": lambda day: day.replace(month=1, day=1)}[found.period]

    assert found.period == ("month" if period == "day" else period), "sixty-three days or more are shown by month"
    assert {key: found.value(key, 0) for key in found.cells if found.cells[key]} == Counter(map(first, days))
    assert found.ranked() == sorted(found.cells)
    assert len(found.cells) == {"month": 3, "year": 4}[found.period]
    assert found.total(0) == len(days)
    assert found.total(1) == Decimal(sum(range(len(days)))) / len(days)


def test_a_short_span_is_shown_by_day_with_its_empty_days(readings):
    fill(readings, [date(2026, 2, 26), date(2026, 3, 2)])
    found = tally(readings, define(group="on", period="day"), Reading)

    assert [found.value(day, 0) for day in found.ranked()] == [1, 0, 0, 0, 1]


def test_a_date_that_somebody_mistyped_does_not_fill_a_thousand_years(readings):
    fill(readings, [date(1, 1, 1), date(2026, 3, 2), date(9999, 12, 31)])
    found = tally(readings, define(group="on", period="day"), Reading)

    assert found.ranked() == [date(1, 1, 1), date(2026, 1, 1), date(9999, 1, 1)]


def test_two_dates_share_a_chart_and_a_split_stacks_one(readings):
    fill(readings, [date(2026, 1, 5), date(2026, 1, 20), date(2026, 2, 1)])
    both = tally(readings, define(group=("on", "until"), period="month"), Reading)
    split = tally(readings, define(group="on", period="month", split="kind", series=[(aggregate_sum, "price")]), Reading)
    january, february = date(2026, 1, 1), date(2026, 2, 1)

    assert [(both.value(day, "on"), both.value(day, "until")) for day in both.ranked()] == [(2, 1), (1, 2)]
    assert (both.total("on"), both.total("until")) == (3, 3)
    assert split.split_values() == ["a", "b"]
    assert [split.value(january, of) for of in ("a", "b", ALL)] == [Decimal("0.10"), Decimal("0.10"), Decimal("0.20")]
    assert [split.value(february, of) for of in ("a", "b", ALL)] == [Decimal("0.10"), 0, Decimal("0.10")]
    assert split.total(ALL) == Decimal("0.30")


def test_an_expression_groups_as_a_column_does(seeded, make):
    for day in ("2026-05-04", "2026-05-05", "2026-07-09"):
        make.case(f"{day}T10:00-05:00")
    columns = {"filed_on": Pqr.filed_on, "timeliness": timeliness_on(TODAY)}
    found = tally(seeded, define(group="filed_on", period="month", split="timeliness"), Pqr, columns)

    assert found.split_values() == [Timeliness.LATE, Timeliness.RUNNING]
    assert [(found.value(day, Timeliness.LATE), found.value(day, Timeliness.RUNNING)) for day in found.ranked()] == [(2, 0), (0, 0), (0, 1)]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "given",
    [
        {"group": "use", "chart_type": "AreaChart"},
        {"group": "use", "series": [(len, "id")]},
        {"group": "use", "colour": "red"},
        {"group": ("use", "stratum")},
        {"group": "use", "period": "decade"},
        {"group": "use", "split": "stratum", "series": ["stratum", "id"]},
        {"group": ("on", "until"), "period": "month", "split": "use"},
    ],
    ids=str,
)
def test_a_definition_that_cannot_be_drawn_stops_the_start(given):
    with pytest.raises(ValueError, match=r"^(use|on|\()"):
        define(**given)
