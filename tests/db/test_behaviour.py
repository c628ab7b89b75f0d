"""The behaviour report, on a table of cases whose every figure is written here by hand."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import pytest
from flask_babel import force_locale
from sqlalchemy import func, select

from app import queries
from app.domain.states import AppealKind, Identity, Outcome, PqrStatus, RatingVia, SilenceGround
from app.models import Appeal, Pqr, Rating, Service, Silence, SuiCause
from app.reports import behaviour_sources as sources
from app.reports.base import Asked, Linked, Reader
from app.reports.behaviour import Behaviour
from app.reports.behaviour_sources import Dimension
from app.reports.behaviour_words import Compared, say_span
from app.reports.forms import ReportForm, Span

TODAY = date(2026, 8, 12)
JULY, JUNE = Span(date(2026, 7, 1), date(2026, 7, 31)), Span(date(2026, 6, 1), date(2026, 6, 30))
JULY_2025 = Span(date(2025, 7, 1), date(2025, 7, 31))


def everything(statement):
    return statement


@pytest.fixture
def house(seeded, make):
    """Two causes, two zones with accounts in service, and a third without."""
    services = {code: seeded.scalars(select(Service).where(Service.code == code)).one() for code in ("ACUEDUCTO", "ASEO")}
    causes = seeded.scalars(select(SuiCause).where(SuiCause.service_id == services["ACUEDUCTO"].id).order_by(SuiCause.id)).all()
    water = services["ACUEDUCTO"]
    accounts = {zone: [make.account(service=water, zone=zone) for _n in range(n)] for zone, n in (("Norte", 4), ("Sur", 16))}
    accounts["Sur"].append(make.account(service=services["ASEO"], zone="Sur", is_active=False))
    return {"causes": causes, "accounts": accounts, "services": services}


class Table:
    """Cases, a line each, in states that no operation has to walk to."""

    def __init__(self, session, make, house):
        self.session, self.make, self.house = session, make, house
        self.cases = []

    def case(self, on, *, cause=None, zone=None, n=0, answered=None, late=False, outcome=Outcome.DENIED, ended=None, **fields):
        account = self.house["accounts"][zone][n] if zone else None
        if account:
            fields |= {"account": account, "service": account.service}
        pqr = self.make.case(at=f"{on}T10:00:00-05:00", **fields)
        pqr.cause = self.house["causes"][cause] if cause is not None else None
        if answered:
            pqr.status, pqr.outcome = PqrStatus.ANSWERED, outcome
            pqr.solved_on = pqr.answered_on = date.fromisoformat(answered)
            pqr.due_on = pqr.safe_on = pqr.answered_on if not late else pqr.effective_on
        if ended:
            pqr.status, pqr.closed_on = ended[0], date.fromisoformat(ended[1])
        self.session.flush()
        self.cases.append(pqr)
        return pqr

    def appeal(self, first, on, **fields):
        child = self.case(on, request_type="RECURSO", **fields)
        child.account, child.party, child.service, child.cause = first.account, first.party, first.service, first.cause
        self.session.add(Appeal(pqr_id=child.id, against_id=first.id, kind=AppealKind.REPOSICION, is_timely=True, is_admitted=True))
        self.session.flush()
        return child


@pytest.fixture
def table(seeded, make, house):
    """
    July 2026, which is looked at in August, with June and July of 2025.

    filed in July: 9 that count (7 of Norte, 1 of Sur, 1 without account), and 1 voided.
    """
    it = Table(seeded, make, house)
    # July of the year before: 2, both answered then
    for day in ("2025-07-02", "2025-07-20"):
        it.case(day, cause=0, zone="Norte", n=3, answered="2025-07-25")
    # June: 3 filed; one answered in July, late; one still open and past its term; one withdrawn in July
    first = it.case("2026-06-03", cause=0, zone="Norte", answered="2026-07-01", late=True, outcome=Outcome.GRANTED)
    it.case("2026-06-04", cause=1, zone="Sur")
    it.case("2026-06-05", zone="Sur", n=1, ended=(PqrStatus.WITHDRAWN, "2026-07-15"))
    # July
    it.case("2026-07-02", cause=0, zone="Norte", answered="2026-07-10", outcome=Outcome.PARTLY)  # repeats the first
    it.case("2026-07-03", cause=0, zone="Norte", n=1, answered="2026-07-20")
    it.case("2026-07-06", cause=0, zone="Norte", n=1)  # repeats the one before
    for n in (2, 3):
        it.case("2026-07-07", cause=0, zone="Norte", n=n, answered="2026-08-03")
    it.case("2026-07-08", cause=1, zone="Sur", n=2, ended=(PqrStatus.TRANSFERRED, "2026-07-09"))
    it.case("2026-07-09", identity=Identity.ANONYMOUS, request_type="DENUNCIA")
    it.case("2026-07-10", cause=0, zone="Norte", n=2, identity=Identity.RESERVED)  # repeats
    it.case("2026-07-11", cause=0, zone="Norte", ended=(PqrStatus.VOIDED, "2026-07-13"))
    it.appeal(first, "2026-07-14", answered="2026-07-30", outcome=Outcome.REVOKED)
    add_around(seeded, it)
    return it


SILENCES = (("2026-06-20", 3, ""), ("2026-07-20", 5, ""), ("2026-07-25", 14, "El calendario cambió"))
RATINGS = (("2026-06-30", 2), ("2026-07-02", 5), ("2026-07-03", 4), ("2026-07-31", 1), ("2026-07-31", 4))


def add_around(session, it):
    """A silence of June and two of July, one of them lifted; four ratings of July, one of June."""
    for day, n, lifted in SILENCES:
        on = date.fromisoformat(day)
        session.add(Silence(pqr=it.cases[n], ground=SilenceGround.TERM, arisen_on=on, recognise_by=date(2026, 7, 31),
                            withdrawn_on=date(2026, 7, 31) if lifted else None, withdrawn_reason=lifted))  # fmt: skip
    for day, score in RATINGS:
        at = datetime.fromisoformat(f"{day}T09:00:00-05:00")
        session.add(Rating(rated_at=at, rated_on=at.date(), score=score, via=RatingVia.COUNTER))
    session.flush()


def test_the_figures_of_three_spans_are_counted_in_one_statement(seeded, table, count_statements):
    with count_statements() as statements:
        july, june, year_ago = sources.headlines(seeded, everything, [JULY, JUNE, JULY_2025], today=TODAY, with_recurrence=True)

    assert len(statements) == 1
    assert (july.filed, july.voided, july.appeals, july.recurrent) == (9, 1, 1, 3)
    assert (july.answered, july.late, july.late_share) == (4, 1, Decimal("25.0"))
    assert (july.decided, july.upheld, july.upheld_share) == (3, 2, Decimal("66.7"))
    assert (july.appeals_decided, july.changed, july.changed_share) == (1, 1, Decimal("100.0"))
    assert (july.open, july.overdue) == (6, 2)
    assert (july.silences, july.recognised) == (1, 0)
    assert (july.scores, july.ratings, july.rating) == ((1, 0, 0, 2, 1), 4, Decimal("3.50"))
    assert (june.filed, june.answered, june.open, june.overdue, june.silences, june.ratings) == (3, 0, 3, 2, 1, 1)
    assert (year_ago.filed, year_ago.answered, year_ago.open, year_ago.rating) == (2, 2, 0, None)


# ── By what they are ──────────────────────────────────────────────────────────────────────────────────────────────────────


def lines(groups):
    """Return (label, filed in each span, answered, late, open) of each group."""
    return [(group.label, group.filed, group.answered, group.late, group.open) for group in groups]


def test_six_dimensions_in_three_spans_are_one_statement_and_each_adds_up_to_the_same(seeded, table, house, count_statements):
    wanted = [dimension for dimension in Dimension if dimension is not Dimension.MONTH]
    with count_statements() as statements:
        found = sources.tables(seeded, everything, [JULY, JUNE, JULY_2025], wanted, today=TODAY)

    assert len(statements) == 1
    names = [f"{cause.group_code} {cause.code} · {cause.name}" for cause in house["causes"]]
    assert lines(found[Dimension.CAUSE]) == [
        (names[0], [7, 1, 2], 4, 1, 4), (names[1], [1, 1, 0], 0, 0, 1), ("", [1, 1, 0], 0, 0, 1),
    ]  # fmt: skip
    assert lines(found[Dimension.ZONE]) == [("Norte", [7, 1, 2], 4, 1, 4), ("Sur", [1, 2, 0], 0, 0, 1), ("", [1, 0, 0], 0, 0, 1)]
    assert lines(found[Dimension.SERVICE])[0][1:] == ([8, 3, 2], 4, 1, 5)
    assert {label: filed for label, filed, *_rest in lines(found[Dimension.TYPE])} == {
        "Reclamo por la factura": [7, 3, 2], "Denuncia": [1, 0, 0], "Recurso de reposición": [1, 0, 0],
    }  # fmt: skip
    for groups in found.values():
        sums = [sum(column) for column in zip(*(group.filed for group in groups), strict=True)]
        assert sums == [9, 3, 2]
        assert [sum(getattr(group, name) for group in groups) for name in ("answered", "late", "open")] == [4, 1, 6]


def test_a_dimension_alone_says_what_the_list_is_told(seeded, table, house):
    by_zone = sources.counts_by(seeded, everything, JULY, Dimension.ZONE)

    assert by_zone == [("Norte", "Norte", 7, 4, 1), ("Sur", "Sur", 1, 0, 0), ("empty", "", 1, 0, 0)]
    key, _label, *numbers = sources.counts_by(seeded, everything, Span(date(2026, 6, 1), date(2026, 7, 31)), Dimension.MONTH)[0]
    assert (key, numbers) == ("2026-06-01", [3, 0, 0])


def test_a_cause_that_changed_its_row_but_not_its_name_stays_one(seeded, table, house):
    old = house["causes"][0]
    twin = SuiCause(service_id=house["services"]["ASEO"].id, group_code=old.group_code, code=old.code, name=old.name,
                    valid_from=date(2020, 1, 1))  # fmt: skip
    seeded.add(twin)
    table.cases[6].cause = twin
    seeded.flush()

    first = sources.counts_by(seeded, everything, JULY, Dimension.CAUSE)[0]

    assert first[2:] == (7, 4, 1)
    assert sorted(map(int, first[0].split(","))) == sorted((old.id, twin.id))


def test_the_months_count_back_what_was_open_at_the_end_of_each(seeded, table, count_statements):
    with count_statements() as statements:
        found = sources.months(seeded, everything, Span(date(2026, 5, 1), date(2026, 7, 31)), n_open=6)

    assert len(statements) == 1
    assert [(month.first.month, month.filed, month.year_ago, month.answered, month.late, month.open) for month in found] == [
        (5, 0, 0, 0, 0, 0), (6, 3, 0, 0, 0, 3), (7, 9, 2, 4, 1, 6),
    ]  # fmt: skip
    for month in found:
        last = Span(month.first, date(2026, month.first.month, 30 if month.first.month == 6 else 31))
        assert sources.headline(seeded, everything, last, today=TODAY).open == month.open


def test_subscribers_are_the_accounts_in_service(seeded, house):
    found = sources.subscribers(seeded)

    assert (found.n, found.by_zone) == (20, Counter({"Sur": 16, "Norte": 4}))


def test_who_files_most_leaves_out_whoever_did_not_give_a_name(seeded, table, house):
    found = sources.most_frequent(seeded, everything, JULY, with_names=False)

    norte = house["accounts"]["Norte"]
    # the third of Norte filed twice, once with reserved identity; the first filed, and so did its recurso
    assert [(row.id, row.n) for row in found["account"]] == [(norte[0].id, 2), (norte[1].id, 2)]
    assert found["party"] == []
    seeded.get_one(Pqr, table.cases[6].id).party = table.cases[5].party
    seeded.flush()
    named = sources.most_frequent(seeded, everything, JULY, with_names=True)
    assert [(row.name, row.n) for row in named["party"]] == [(table.cases[5].party.name, 2)]


# ── What it is compared with ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_period_under_way_is_compared_with_the_same_days():
    found = Compared.of(Span(date(2026, 8, 1), date(2026, 8, 31)), TODAY)

    assert found.is_under_way
    assert [str(span) for span in found.spans] == ["2026-08-01..2026-08-12", "2026-07-01..2026-07-12", "2025-08-01..2025-08-12"]


def test_the_last_days_of_march_are_compared_with_all_of_february():
    found = Compared.of(Span(date(2026, 3, 1), date(2026, 3, 31)), date(2026, 3, 30))

    assert str(found.before) == "2026-02-01..2026-02-28"


def test_a_whole_year_has_one_year_before_and_no_other():
    found = Compared.of(Span(date(2025, 1, 1), date(2025, 12, 31)), TODAY)

    assert (found.is_under_way, found.has_year_ago) == (False, False)


def test_spans_are_named_as_people_name_them(app):
    with app.test_request_context(), force_locale("en"):
        assert say_span(JULY) == "July 2026"
        assert say_span(Span(date(2026, 4, 1), date(2026, 6, 30))) == "April to June 2026"
        assert say_span(Span(date(2025, 1, 1), date(2025, 12, 31))) == "2025"
        assert say_span(Span(date(2026, 7, 1), date(2026, 7, 12))) == "the days from 1 Jul 2026 to 12 Jul 2026"


# ── The report ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def report(session, *, may=lambda _right, _view: True, scope=everything, **args):
    form = ReportForm(args or {"period": "LAST_MONTH"})
    assert form.validate(), form.errors
    reader = Reader(1, "Gerencia", may, {"pqr": scope})
    at = datetime(2026, 8, 12, 9, 30)
    return Behaviour(Asked(session, reader, form, queries.calendar_of(session, queries.organisation(session)), at))


@pytest.fixture
def spoken(app):
    with app.test_request_context(), force_locale("en"):
        yield


def plain(cells):
    return tuple(cell.value if isinstance(cell, Linked) else cell for cell in cells)


def part(made, key):
    return next(each for each in made.parts() if each.key == key)


def test_the_page_of_two_minutes_says_what_happened_by_rules(seeded, table, spoken):
    assert [sentence.text for sentence in report(seeded).sentences()] == [
        "July 2026: 9 cases were filed; 200% more than in June 2026 (3), and 350% more than in July 2025 (2).",
        f"What grew most: the cause “{sources.counts_by(seeded, everything, JULY, Dimension.CAUSE)[0][1]}”, from 1 to 7; "
        "the zone Norte, from 1 to 7.",
        "4 were answered, 1 of them late (25%).",
        "Open at the end: 6, and 2 of them past their term.",
        "1 positive silence arose; recognised: 0.",
    ]


def test_what_needs_attention_follows_the_rules_and_says_why(seeded, table, house, spoken):
    cause = sources.counts_by(seeded, everything, JULY, Dimension.CAUSE)[0][1]

    assert [plain(cells) for cells in part(report(seeded), "summary").rows()] == [
        ("Open cases past their term", 2, "Each may be a positive silence (Ley 142 art. 158)."),
        ("Silences without recognition", 1, "They are recognised within 72 hours."),
        (f"Cause that grows: {cause}", 7, "From 1 to 7 cases."),
        ("Zone that grows: Norte", 7, "From 1 to 7 cases."),
        ("Zone with many cases for its size: Norte", 7, "1,750 cases for each 1,000 subscribers; of all zones, 400."),
    ]


def test_the_figures_compared_change_by_as_many_of_a_hundred(seeded, table, spoken):
    made = report(seeded)

    numbers = {cells[0]: plain(cells[1:]) for cells in part(made, "numbers").rows()}
    assert numbers["Cases filed"] == (9, 3, Decimal("200.0"), 2, Decimal("350.0"))
    assert numbers["Cases answered"] == (4, 0, None, 2, Decimal("100.0"))
    assert numbers["Open at the end"] == (6, 3, Decimal("100.0"), 0, None)
    shares = {cells[0]: plain(cells[1:]) for cells in part(made, "shares").rows()}
    assert shares["Satisfaction with the attention, mean of 1 to 5"] == (Decimal("3.50"), Decimal("2.00"), Decimal("1.50"), None, None)
    assert shares["Filed for each 1,000 subscribers of today"][:3] == (Decimal("450.00"), Decimal("150.00"), Decimal("300.00"))


def test_a_zone_and_a_service_say_their_cases_for_each_thousand_subscribers_of_today(seeded, table, spoken):
    made = report(seeded)

    zones = {cells[0]: plain(cells[-2:]) for cells in part(made, "zone").rows()}
    assert zones == {"Norte": (4, Decimal("1750.00")), "Sur": (16, Decimal("62.50")), "Without a zone": (0, None)}
    assert [plain(cells[-2:]) for cells in part(made, "service").rows()] == [(20, Decimal("400.00")), (0, None)]


def test_the_whole_report_takes_five_statements_and_makes_every_table(seeded, table, spoken, count_statements):
    made = report(seeded)
    with count_statements() as statements:
        made.sentences(), made.headline()
        n_rows = {each.key: len(list(each.rows())) for each in made.parts()}

    assert len(statements) == 5
    assert n_rows["month"] == 12
    assert n_rows["ratings"] == 5


def test_whoever_may_not_list_the_parties_is_told_no_names_and_no_lists_that_are_shut(seeded, table, spoken):
    made = report(seeded, may=lambda right, view: view == "Pqr" and right != "can_see_all")

    assert "parties" not in {each.key for each in made.parts()}
    assert "Only the cases of the reader's own processes" in made.filters_in_words()
    paths = [path for _where, path, _n in figures_of(made)]
    assert paths
    assert {path.split("?")[0] for path in paths} == {"/pqr/"}


def test_a_span_in_which_nothing_happened_is_said_in_words(seeded, house, spoken):
    made = report(seeded, period="OTHER", since="2024-02-01", until="2024-02-29")

    assert [sentence.text for sentence in made.sentences()] == [
        "February 2024: No case was filed; there were none in January 2024, and there were none in February 2023.",
        "None was answered.",
        "No case is left open.",
    ]
    assert list(part(made, "summary").rows()) == []
    assert part(made, "summary").about == "By the rules of this report, nothing needs attention."
    assert [figure.value for figure in made.headline()][:3] == [0, 0, "—"]


def test_days_nobody_means_are_refused(seeded, spoken):
    for since, until in (("0001-01-01", "2026-01-01"), ("2026-01-01", "9999-12-31"), ("2026-02-01", "2026-01-01")):
        assert not ReportForm({"period": "OTHER", "since": since, "until": until}).validate()


# ── Every figure leads to its rows ────────────────────────────────────────────────────────────────────────────────────────


def figures_of(made):
    """Yield where a figure stands, its address, and what it counts: of a share, its numerator is behind it."""
    for figure in made.headline():
        if figure.path and isinstance(figure.value, int):
            yield figure.label, figure.path, figure.value
    for each in made.parts():
        for figure in each.figures:
            yield each.key, figure.path, figure.value
        for cells in each.rows():
            yield from ((each.key, cell.path, cell.value) for cell in cells if isinstance(cell, Linked) and isinstance(cell.value, int))
        for plot in each.plots:
            for series in plot.series:
                yield from ((each.key, point.url, point.value) for point in series.points if point.url)


def n_behind(app, session, path):
    """Return how many rows the list at *path* has; every word of the address has to be one of its filters."""
    from urllib.parse import parse_qsl, urlsplit

    from app.listing import Listing, Moment

    address = urlsplit(path)
    asked = dict(parse_qsl(address.query))
    base = address.path.removesuffix("list/").rstrip("/")
    screen = next(view for view in app.appbuilder.baseviews if view.route_base == base and hasattr(view, "facets"))
    assert set(asked) <= {facet.name for facet in screen.facets}, path
    moment = Moment(TODAY, 1, lambda: queries.calendar_of(session, queries.organisation(session)))
    conditions = list(Listing(address.path, asked, screen.facets).conditions(moment))
    assert len(conditions) == len(asked), path
    model = screen.datamodel.obj
    return session.scalar(select(func.count()).select_from(model).where(*conditions))


def test_behind_every_figure_of_the_report_are_exactly_its_rows(app, seeded, table, spoken):
    table.cases[6].party = table.cases[5].party
    seeded.flush()
    found = list(figures_of(report(seeded)))

    wrong = [(where, path, n, behind) for where, path, n in found if (behind := n_behind(app, seeded, path)) != n]

    assert not wrong
    assert {where for where, _path, _n in found} >= {
        "summary", "numbers", "type", "cause", "service", "channel", "zone", "process", "month", "accounts", "parties", "ratings",
    }  # fmt: skip


def test_behind_every_figure_of_a_month_under_way_are_exactly_its_rows(app, seeded, table, spoken):
    for day in ("2026-08-03", "2026-08-12"):
        table.case(day, cause=1, zone="Sur")

    found = list(figures_of(report(seeded, period="THIS_MONTH")))

    assert not [(where, path, n, behind) for where, path, n in found if (behind := n_behind(app, seeded, path)) != n]
    assert sum(n == 2 for _where, _path, n in found) > 3
