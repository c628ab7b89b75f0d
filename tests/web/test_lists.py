"""What every list promises: one address holds it all, pages stay flat, files hold exactly it, many rows move at once or not at all."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from html import unescape
from io import BytesIO, StringIO
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.domain.states import DocumentType, Identity, PqrStatus
from app.listing import Moment, Preset, span_of
from app.models import Assignment, ListColumns, Municipality, OutboxMessage, Pqr, Process, SavedFilter, Service
from app.operations import pqr as operations
from app.security import ADMIN, AUXILIAR, COMERCIAL, CONTROL, DUENO, SUBGERENTE


@pytest.fixture
def clerk(sign_in):
    return sign_in(AUXILIAR)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def first_cells(page: str) -> list[str]:
    """Return the text of the first cell of each row."""
    rows = re.findall(r"<tr role=\"row\">\s*(.*?)</tr>", page, re.S)
    cells = [re.findall(r"<td role=\"cell\"[^>]*>(.*?)</td>", row, re.S) for row in rows]
    return [text_of(next(cell for cell in row if 'type="checkbox"' not in cell)).strip() for row in cells if row]


def link(page: str, words: str) -> str:
    """Return the address of the link with these words; empty when there is none."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>\s*{re.escape(words)}\s*</a>', page)
    return unescape(found[1]) if found else ""


def walk(client, url: str, words: str) -> list[list[str]]:
    """Return the first cells of each page from *url* on, following the link with *words*."""
    pages = []
    while url:
        page = client.get(url).text
        pages.append(first_cells(page))
        url = link(page, words)
        assert len(pages) < 20
    return pages


@pytest.fixture
def many(seeded, a_party):
    """61 parties, a third without a phone, some phones the same."""
    return [
        a_party(name=f"Persona {n:02}", phone=None if n % 3 == 0 else f"+5730012300{n % 7:02}", municipality_code=None) for n in range(61)
    ]


# ── Pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["name", "-name", "phone", "-phone", "email", "municipality", "-municipality"])
def test_every_row_is_on_exactly_one_page_forward_and_backward(clerk, many, order):
    forward = walk(clerk, f"/party/list/?order={order}", "Next")
    last = link(clerk.get(f"/party/list/?order={order}").text, "Last")
    backward = walk(clerk, last, "Previous")

    names = [name for page in forward for name in page]
    assert [len(page) for page in forward] == [25, 25, 11]
    assert sorted(names) == sorted(party.name for party in many)
    assert backward[::-1] == forward


def test_sorting_puts_what_is_empty_last_and_first_when_turned(clerk, many):
    def phones(order: str) -> list[str]:
        page = clerk.get(f"/party/list/?order={order}&cols=phone,name").text
        return first_cells(page)

    assert "—" not in phones("phone")
    assert phones("-phone")[:20] == ["—"] * 20


def test_the_place_in_the_list_is_said(clerk, many):
    page = clerk.get("/party/list/?order=name").text
    assert "1 to 25 of 61" in text_of(page)
    second = clerk.get(link(page, "Next")).text
    assert "26 to 50 of 61" in text_of(second)
    assert "51 to 61 of 61" in text_of(clerk.get(link(page, "Last")).text)
    assert "1 to 25 of 61" in text_of(clerk.get(link(second, "Previous")).text)
    assert first_cells(clerk.get(link(second, "First")).text) == first_cells(page)


@pytest.mark.parametrize("place", ["x", ".", "2026-13-01.5", "a.99999999999999999999", "a.-1", "%00.1", "😀.1", "." + "9" * 500])
def test_a_mangled_place_is_the_first_page(clerk, many, place):
    for order in ("name", "filed_on"):
        assert clerk.get(f"/party/list/?order={order}&after={place}").status_code == 200
        assert clerk.get(f"/pqr/?order={order}&before={place}").status_code == 200


def test_a_row_that_vanishes_between_two_pages_breaks_nothing(clerk, many, seeded):
    url = link(clerk.get("/party/list/?order=name").text, "Next")
    seeded.delete(many[24])  # the last row of the first page, where the next one begins
    seeded.commit()

    assert first_cells(clerk.get(url).text)[0] == "Persona 25"


def test_a_list_counts_no_further_than_it_must(clerk, many, monkeypatch):
    monkeypatch.setattr("app.listviews.BOUND", 20)
    monkeypatch.setattr("app.listing.BOUND", 20)
    page = clerk.get("/party/list/?order=name").text

    assert "more than" in text_of(page)
    assert [len(each) for each in walk(clerk, "/party/list/?order=name", "Next")] == [25, 25, 11]
    assert first_cells(clerk.get(link(page, "Last")).text)[-1] == "Persona 60"


def test_deep_pages_cost_the_same_statements(clerk, many, count_statements):
    first = clerk.get("/party/list/?order=name").text
    with count_statements() as shallow:
        clerk.get("/party/list/?order=name")
    with count_statements() as deep:
        clerk.get(link(first, "Next"))

    assert len(deep) == len(shallow) <= 8


# ── Filters ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def moment(today: date) -> Moment:
    from app.domain.calendar import BusinessCalendar

    return Moment(today, 1, lambda: BusinessCalendar.__new__(BusinessCalendar))


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [
        (Preset.TODAY, "2026-02-28", "2026-02-28"),
        (Preset.WEEK, "2026-02-23", "2026-03-01"),
        (Preset.MONTH, "2026-02-01", "2026-02-28"),
        (Preset.YEAR, "2026-01-01", "2026-12-31"),
        (Preset.LAST30, "2026-01-29", "2026-02-28"),
        (Preset.OVERDUE, None, "2026-02-27"),
    ],
)
def test_presets_follow_the_day(preset, since, until):
    assert span_of(preset, moment(date(2026, 2, 28))) == tuple(day and date.fromisoformat(day) for day in (since, until))


def test_the_next_five_working_days_follow_the_calendar(clerk, a_case, app):
    """From Wednesday 1 July 2026: 2, 3, 6, 7 and 8 July."""
    app.config["ATIENDE_NOW"] = "2026-07-01T10:00-05:00"
    on_time, later = a_case(), a_case()
    for pqr, due in ((on_time, date(2026, 7, 8)), (later, date(2026, 7, 9))):
        pqr.due_on = pqr.safe_on = due
    clerk.get("/")
    from app.extensions import db

    db.session.commit()

    assert first_cells(clerk.get("/pqr/?due_on=next5&open=1").text) == [on_time.number]


def test_a_filter_that_the_calendar_cannot_answer_says_what_to_load_and_shows_nothing(clerk, a_case, app):
    a_case()
    app.config["ATIENDE_NOW"] = "2045-07-01T10:00-05:00"
    page = clerk.get("/pqr/?due_on=next5").text

    assert "2045" in text_of(page)
    assert first_cells(page) == []


def test_an_enum_takes_several_values_and_a_relation_too(clerk, seeded, a_case):
    one, two, three = a_case(), a_case(), a_case()
    operations.route(seeded, two, process(seeded), "x", at=two.filed_at + timedelta(hours=1), actor_id=None)
    operations.void(seeded, three, "Repetida", at=three.filed_at + timedelta(hours=1), actor_id=None)
    seeded.commit()

    assert set(first_cells(clerk.get("/pqr/?status=RECEIVED,ROUTED").text)) == {one.number, two.number}
    assert set(first_cells(clerk.get(f"/pqr/?process={two.process_id}").text)) == {two.number}
    assert set(first_cells(clerk.get(f"/pqr/?process={two.process_id},{one.process_id}&status=VOIDED").text)) == {three.number}
    assert set(first_cells(clerk.get("/pqr/?open=0").text)) == {three.number}


def process(session, code: str = "FACTURACION") -> Process:
    return session.scalars(select(Process).where(Process.code == code)).one()


@pytest.mark.parametrize(
    "query",
    ["status=NOPE", "status=,,,", "process=abc", "process=99999999999999999999", "filed_on=x..y", "filed_on=..", "filed_on=9999-12-31",
     "filed_on=0001-01-01..9999-12-31", "due_on=empty", "light=nope", "disputed_cop=1..x", "disputed_cop=NaN", "disputed_cop=1e400",
     "open=2", "party=%00", "order=nope", "order=-", "cols=,,,", "cols=nope", "facet=nope", "set=nope", "waiting=you", "holder=me,0",
     "q=%00", "from=-5", "from=99999999999999999999"],
)  # fmt: skip
def test_an_address_that_means_nothing_still_opens_the_list(clerk, a_case, query):
    a_case()
    assert clerk.get(f"/pqr/?{query}").status_code == 200


def test_each_filter_is_a_chip_that_says_what_it_is_and_goes_away(clerk, a_case):
    pqr = a_case()
    page = clerk.get(f"/pqr/?status=RECEIVED&filed_on=2026-01-01..&process={pqr.process_id}&q=x").text

    assert f"State: {PqrStatus.RECEIVED.value}" in text_of(page)
    assert f"Process: {pqr.process.name}" in text_of(page)
    assert "Filed: from 1 Jan 2026" in text_of(page)
    gone = unescape(re.search(r'<a class="off" href="([^"]+)"><span[^>]*>×</span><span[^>]*>Remove the filter State', page)[1])
    assert parse_qs(urlsplit(gone).query) == {"q": ["x"], "filed_on": ["2026-01-01.."], "process": [str(pqr.process_id)]}


def test_the_panel_of_a_filter_puts_what_was_ticked_into_the_address(clerk, a_case):
    a_case()
    panel = clerk.get("/pqr/?q=agua&facet=status", headers={"X-Fragment": "panel"}).text
    assert "<html" not in panel
    assert 'value="agua"' in panel

    taken = clerk.get("/pqr/?q=agua&set=status&v=RECEIVED&v=ROUTED")
    assert parse_qs(urlsplit(taken.location).query) == {"q": ["agua"], "status": ["RECEIVED,ROUTED"]}
    bounded = clerk.get("/pqr/?set=filed_on&since=2026-01-01&until=")
    assert parse_qs(urlsplit(bounded.location).query) == {"filed_on": ["2026-01-01.."]}
    assert parse_qs(urlsplit(clerk.get("/pqr/?status=ROUTED&set=status").location).query) == {}


def test_what_was_typed_wrong_into_a_panel_is_kept_and_explained(clerk, a_case, a_party):
    a_case()
    a_party(name="Ana Uno"), a_party(name="Ana Uno", document_number="52000999")
    turned = clerk.get("/pqr/?set=filed_on&since=2026-05-02&until=2026-05-01").text
    unknown = clerk.get("/pqr/?set=party&text=Nadie Conocido").text
    several = clerk.get("/pqr/?set=party&text=Ana Uno").text

    assert "The first day comes after the last one." in turned
    assert 'value="2026-05-02"' in turned
    assert "Nothing matches" in unknown
    assert 'value="Nadie Conocido"' in unknown
    assert "Several match" in several


def test_a_relation_is_found_by_its_text_and_named_on_its_chip(clerk, a_case):
    pqr = a_case()
    a_case()
    other = pqr.party
    key = f"{other.name} · {other.document_type.name} {other.document_number}"
    taken = clerk.get(f"/pqr/?set=party&text={quote(key)}")
    page = clerk.get(taken.location).text

    assert parse_qs(urlsplit(taken.location).query) == {"party": [str(other.id)]}
    assert f"Who: {other.name}" in text_of(page)


def test_the_cases_of_somebody_leave_out_the_reserved_ones(sign_in, seeded, a_case, a_party):
    person = a_party(name="Marta Reservada")
    named = a_case(party=person)
    hidden = a_case(party=person, identity=Identity.RESERVED)
    seeded.commit()
    quality = sign_in(COMERCIAL)

    assert first_cells(quality.get(f"/pqr/?party={person.id}").text) == [named.number]
    assert "Marta" not in quality.get(f"/pqr/?q={hidden.number}").text
    assert "Marta" not in quality.get("/pqr/export/csv?cols=number,party&q=" + hidden.number).text
    assert set(first_cells(sign_in(CONTROL).get(f"/pqr/?party={person.id}").text)) == {named.number, hidden.number}
    assert "order=party" not in quality.get("/pqr/").text  # the place in the alphabet would tell


def test_an_owner_finds_only_what_his_process_had_whatever_the_address_says(sign_in, seeded, a_case):
    mine, other = a_case(), a_case()
    operations.route(seeded, mine, process(seeded), "x", at=mine.filed_at + timedelta(hours=1), actor_id=None)
    seeded.commit()
    owner = sign_in(DUENO, "FACTURACION")

    for query in ("", "status=RECEIVED,ROUTED", f"q={other.number}", f"process={other.process_id}", "end=1", "order=due_on"):
        assert other.number not in first_cells(owner.get(f"/pqr/?{query}").text)
    assert other.number not in owner.get("/pqr/export/csv").text
    assert mine.number in owner.get("/pqr/export/csv").text


# ── Search ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_search_box_forgives_accents_in_big_and_small_tables(clerk, sign_in, seeded, a_party):
    a_party(name="Íngrid Nuñez")
    admin = sign_in(ADMIN)
    city = seeded.scalars(select(Municipality).where(Municipality.code == "11001")).one()

    assert first_cells(clerk.get("/party/list/?q=ingrid nunez").text) == ["Íngrid Nuñez"]
    assert city.name in text_of(admin.get("/municipality/list/?q=bogota").text)


# ── Columns ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def headings(page: str) -> list[str]:
    return [text_of(cell).strip(" ↑↓") for cell in re.findall(r'<th scope="col" role="columnheader"[^>]*>(.*?)</th>', page, re.S)]


def test_columns_are_chosen_ordered_kept_and_given_back(clerk, many, seeded):
    before = headings(clerk.get("/party/list/").text)
    sent = {"all": ["name", "phone", "address", "kind"], "name": ["phone", "name"], "query": "q=persona"}
    answer = clerk.post("/lists/Party/columns", data={**sent, "up": "phone"})
    assert seeded.scalars(select(ListColumns.names)).all() == ["phone,name"]
    assert answer.status_code == 302

    page = clerk.get("/party/list/").text
    assert headings(page)[:2] == ["Phone", "Name"]
    assert 'href="/party/show/' in page
    assert clerk.get("/party/export/csv").text.splitlines()[0].lstrip("\ufeff") == "Phone,Name"

    clerk.post("/lists/Party/columns", data={"all": ["name"], "name": ["name"], "do": "reset"})
    assert headings(clerk.get("/party/list/").text) == before
    assert seeded.scalar(select(func.count()).select_from(ListColumns)) == 0


def test_columns_of_one_reader_are_not_those_of_another(clerk, sign_in, many):
    clerk.post("/lists/Party/columns", data={"all": ["phone"], "name": ["phone"]})

    assert headings(sign_in(COMERCIAL).get("/party/list/").text)[0] == "Name"


def test_a_column_that_nobody_offers_cannot_be_asked_for(clerk, a_case):
    a_case()
    page = clerk.get("/pqr/?cols=number,access_key,body").text

    assert headings(page)[-1] == "Number"
    clerk.post("/lists/Pqr/columns", data={"all": ["number", "access_key"], "name": ["number", "access_key"]})
    assert "access_key" not in clerk.get("/pqr/export/csv").text.splitlines()[0].lower()


# ── Saved filters ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_filter_is_saved_shared_with_a_role_and_pinned(clerk, sign_in, seeded, a_case):
    a_case()
    role = clerk.user.roles[0]
    data = {"title": "Mis vencidas", "query": "light=late&order=due_on", "role": str(role.id), "is_pinned": "y"}
    assert clerk.post("/lists/Pqr/filters", data=data).status_code == 302

    colleague, manager = sign_in(AUXILIAR), sign_in(SUBGERENTE)
    assert 'href="/pqr/?light=late&amp;order=due_on"' in clerk.get("/").text  # in the menu
    assert "Mis vencidas" in colleague.get("/pqr/").text
    assert "Mis vencidas" in colleague.get("/").text
    assert "Mis vencidas" not in manager.get("/pqr/").text

    row = seeded.scalars(select(SavedFilter)).one()
    assert colleague.post(f"/lists/Pqr/filters/{row.id}", data={"do": "delete"}).status_code == 404
    clerk.post(f"/lists/Pqr/filters/{row.id}", data={"do": "unpin"})
    assert "Mis vencidas" not in colleague.get("/").text
    clerk.post(f"/lists/Pqr/filters/{row.id}", data={"do": "delete"})
    assert seeded.scalar(select(func.count()).select_from(SavedFilter)) == 0


def test_a_filter_is_shared_only_with_a_role_of_ones_own(clerk, seeded, app):
    from flask_appbuilder.security.sqla.models import Role

    other = seeded.scalars(select(Role).where(Role.name == SUBGERENTE)).one()
    answer = clerk.post("/lists/Pqr/filters", data={"title": "Ajena", "query": "q=x", "role": str(other.id)})

    assert answer.status_code == 422
    assert seeded.scalar(select(func.count()).select_from(SavedFilter)) == 0


def test_saving_under_the_same_name_says_what_it_shows_from_now_on(clerk, seeded):
    for query in ("q=uno", "q=dos"):
        clerk.post("/lists/Pqr/filters", data={"title": "Cosas", "query": query, "role": ""})

    assert [row.query for row in seeded.scalars(select(SavedFilter))] == ["q=dos"]


def test_a_saved_query_never_leads_away(clerk, seeded):
    answer = clerk.post("/lists/Pqr/filters", data={"title": "X", "query": "//evil.example/?x", "role": ""})

    assert answer.location.startswith("/pqr/?")


def test_ready_filters_are_for_whom_they_serve(clerk, sign_in, a_case):
    a_case()
    assert "Waiting for my approval" not in clerk.get("/pqr/").text
    assert "Waiting for my approval" in sign_in(SUBGERENTE).get("/pqr/").text


def test_every_ready_filter_opens(clerk, sign_in, a_case):
    a_case()
    manager = sign_in(ADMIN)
    page = manager.get("/pqr/").text
    saved = re.findall(r'<a class="chip" href="([^"]+)"', page)

    assert len(saved) >= 7
    for url in saved:
        answer = manager.get(unescape(url)).text
        assert 'aria-current="true"' in answer  # the chip knows that it is on


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_excel_and_csv_hold_exactly_the_filtered_rows_and_the_visible_columns(clerk, many, a_party):
    a_party(name="=SUMA(9)", phone="+573001112233", document_type=DocumentType.CC, document_number="0001234567")
    table = list(csv.reader(StringIO(clerk.get("/party/export/csv?q=suma&cols=name,phone,document_number").text.lstrip("\ufeff"))))
    assert table[0] == ["Name", "Phone", "Document number"]
    assert table[1][0] == "'=SUMA(9)"
    assert len(table) == 2

    answer = clerk.get("/party/export/xlsx?q=persona&order=-name&cols=name,kind")
    book = load_workbook(BytesIO(answer.data))
    rows = list(book["Data"].values)
    assert rows[0] == ("Name", "Kind")
    assert [row[0] for row in rows[1:]] == sorted((party.name for party in many), reverse=True)
    assert re.search(r'filename="?parties-20\d\d-\d\d-\d\d\.xlsx', answer.headers["Content-Disposition"])
    assert "Search: persona" in [cell for row in book["Cover"].values for cell in row]


def test_dates_and_numbers_leave_as_dates_and_numbers(clerk, seeded, a_case):
    pqr = a_case()
    pqr.disputed_cop = 1234567
    seeded.commit()
    book = load_workbook(BytesIO(clerk.get("/pqr/export/xlsx?cols=number,filed_on,due_on,disputed_cop,light,is_priority").data))
    _heading, row = book["Data"].values

    assert (row[0], row[1].date(), row[2].date(), row[3]) == (pqr.number, pqr.filed_on, pqr.due_on, 1234567)
    assert isinstance(row[4], str)
    assert row[5] == "No"


def test_all_columns_means_all_that_may_be_chosen(clerk, many):
    heading = clerk.get("/party/export/csv?all=1").text.splitlines()[0]

    assert {"Address", "Municipality", "E-mail"} <= set(heading.lstrip("\ufeff").split(","))


def test_a_file_of_another_kind_is_not_made(clerk):
    assert clerk.get("/party/export/exe").status_code == 404


def test_a_file_costs_a_fixed_number_of_statements(clerk, many, count_statements):
    with count_statements() as statements:
        clerk.get("/party/export/xlsx?all=1")

    assert len(statements) <= 8


# ── Many rows at once ─────────────────────────────────────────────────────────────────────────────────────────────────────


def preview(client, name: str, keys, **data):
    return client.post(f"/pqr/bulk/{name}", data={"row": [str(key) for key in keys], **data})


def seal_of(page: str) -> str:
    return re.search(r'name="sure" value="([^"]*)"', page)[1]


def test_routing_many_shows_first_what_will_be_done_and_what_not_and_why(clerk, seeded, a_case):
    one, two, done = a_case(), a_case(), a_case()
    operations.void(seeded, done, "Repetida", at=done.filed_at + timedelta(hours=1), actor_id=None)
    seeded.commit()
    page = preview(clerk, "route", [one.id, two.id, done.id, 999_999]).text

    assert "2 rows can be done" in text_of(page)
    assert "1 is left as it is" in text_of(page)
    assert "1 of the chosen rows is not yours to see" in text_of(page)
    seeded.expire_all()
    assert {seeded.get(Pqr, each.id).status for each in (one, two)} == {PqrStatus.RECEIVED}

    to = {"process_id": process(seeded).id, "reason": "Reparto de la mañana", "sure": seal_of(page)}
    answer = preview(clerk, "route", [one.id, two.id, done.id], **to)
    seeded.expire_all()
    assert answer.status_code == 302
    assert {seeded.get(Pqr, each.id).process.code for each in (one, two)} == {"FACTURACION"}
    assert seeded.get(Pqr, done.id).status is PqrStatus.VOIDED
    assert {row.reason for row in seeded.scalars(select(Assignment).where(Assignment.out_at.is_(None), Assignment.pqr_id == one.id))} == {
        "Reparto de la mañana"
    }


def test_what_changed_after_the_preview_is_not_done(clerk, seeded, a_case):
    one, two = a_case(), a_case()
    seal = seal_of(preview(clerk, "route", [one.id, two.id]).text)
    operations.void(seeded, two, "Repetida", at=two.filed_at + timedelta(hours=1), actor_id=None)
    seeded.commit()
    answer = preview(clerk, "route", [one.id, two.id], process_id=process(seeded).id, reason="x", sure=seal)
    seeded.expire_all()

    assert "Something changed in the meantime" in text_of(answer.text)
    assert seeded.get(Pqr, one.id).status is PqrStatus.RECEIVED


def test_many_rows_move_all_or_none(clerk, seeded, a_case, monkeypatch):
    from app import caselist
    from app.domain.errors import DomainError

    one, two = a_case(), a_case()
    real, calls = caselist.operations.route, []

    def breaks_at_the_second(session, pqr, *args, **kwargs):
        calls.append(pqr.id)
        if len(calls) == 2:
            raise DomainError("There is no case %(number)s.", number=pqr.number)
        return real(session, pqr, *args, **kwargs)

    seal = seal_of(preview(clerk, "route", [one.id, two.id]).text)
    monkeypatch.setattr(caselist.operations, "route", breaks_at_the_second)
    answer = preview(clerk, "route", [one.id, two.id], process_id=process(seeded).id, reason="x", sure=seal)
    seeded.expire_all()

    assert "Nothing was done" in text_of(answer.text)
    assert calls == [one.id, two.id]
    assert {seeded.get(Pqr, each.id).status for each in (one, two)} == {PqrStatus.RECEIVED}
    assert seeded.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_an_owner_moves_no_case_of_others_in_bulk(sign_in, seeded, a_case):
    mine, other = a_case(), a_case()
    at = mine.filed_at + timedelta(hours=1)
    operations.route(seeded, mine, process(seeded), "x", at=at, actor_id=None)
    seeded.commit()
    page = preview(sign_in(DUENO, "FACTURACION"), "route", [mine.id, other.id]).text

    assert other.number not in page
    assert "1 row can be done" in text_of(page)


def test_what_was_typed_into_a_bulk_form_is_kept_when_it_is_refused(clerk, a_case):
    one = a_case()
    seal = seal_of(preview(clerk, "route", [one.id]).text)
    answer = preview(clerk, "route", [one.id], process_id="", reason="Una razón", sure=seal)

    assert answer.status_code == 422
    assert 'value="Una razón"' in answer.text


def test_all_the_rows_found_may_be_chosen_at_once(clerk, seeded, a_case):
    for _n in range(3):
        a_case()
    page = clerk.post("/pqr/bulk/route?status=RECEIVED", data={"every": "1"}).text

    assert "3 rows can be done" in text_of(page)


def test_choosing_nothing_says_so(clerk):
    answer = clerk.post("/pqr/bulk/route?q=x", data={}, follow_redirects=True)

    assert "Choose at least one row." in text_of(answer.text)


def test_a_catalogue_is_switched_off_in_bulk(sign_in, seeded):
    admin = sign_in(ADMIN)
    services = seeded.scalars(select(Service).order_by(Service.id).limit(2)).all()
    keys = [service.id for service in services]
    page = admin.post("/service/bulk/deactivate", data={"row": keys}).text
    admin.post("/service/bulk/deactivate", data={"row": keys, "sure": seal_of(page)})
    seeded.expire_all()

    assert [seeded.get(Service, key).is_active for key in keys] == [False, False]


# ── Nothing of it lives on the view ───────────────────────────────────────────────────────────────────────────────────────


def test_two_lists_in_one_request_context_do_not_mix(app, clerk, many):
    """Each endpoint has its own listing; a second request starts anew."""
    assert first_cells(clerk.get("/party/list/?q=persona 07").text) == ["Persona 07"]
    assert len(first_cells(clerk.get("/party/list/").text)) == 25
    views = [view for view in app.appbuilder.baseviews if view.__class__.__name__ == "PartyView"]
    assert all("_filters" not in vars(view) or not view._filters.values for view in views)
