"""Mi día and the menu: what each role finds there, that every number is the number of rows behind it, and what it costs."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import delete, select, update

from app.domain.states import Identity, MessageStatus, Outcome
from app.models import (
    CalendarDay,
    CalendarYear,
    ListColumns,
    Organisation,
    OutboxMessage,
    Parameter,
    Pqr,
    Process,
    ProcessMember,
    SavedFilter,
)
from app.operations import pqr as operations
from app.security import ADMIN, AUXILIAR, CALIDAD, COMERCIAL, CONTROL, DUENO, SUBGERENTE, TECNICO

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
MINE, OTHER = "TECNICA", "FACTURACION"


@pytest.fixture
def moved(seeded, make, a_case):
    """moved(*moves, process=MINE, at=AT) → a case that was routed to *process* and then went on: solved, returned, desk, answered."""

    def build(*moves, process=MINE, at=AT, **fields):
        pqr, who = a_case(at=at, **fields), {"at": at, "actor_id": None}
        operations.route(seeded, pqr, make.process(process), "Es de su área", **who)
        for move in moves:
            if move == "solved":
                operations.solve(seeded, pqr, "Se corrige.", Outcome.GRANTED, **who)
            elif move == "returned":
                operations.return_solution(seeded, pqr, "Falta la lectura", **who)
            elif move == "desk":
                operations.return_to_desk(seeded, pqr, "No es de esta área", **who)
            elif move == "answered":
                operations.mark_answered(seeded, pqr, **who)
        return pqr

    return build


def tiles(page: str) -> dict[str, int]:
    """Return the numbers of the page by their words."""
    found = re.findall(r'<a class="tile[^"]*" href="[^"]*"><strong>([\d.,]+)</strong> ([^<]+)</a>', page)
    return {unescape(text).strip(): int(re.sub(r"\D", "", n)) for n, text in found}


def links(page: str) -> dict[str, str]:
    found = re.findall(r'<a class="tile[^"]*" href="([^"]*)"><strong>[\d.,]+</strong> ([^<]+)</a>', page)
    return {unescape(text).strip(): unescape(href) for href, text in found}


def menu(page: str) -> str:
    return page[page.index('<nav class="side"') : page.index("</nav>")]


def counter(page: str, label: str) -> str:
    """Return what the menu counts beside *label*; nothing when it counts nothing."""
    line = next(line for line in menu(page).splitlines() if f"<span>{label}</span>" in line)
    found = re.search(r'<b class="n">([\d+]+)', line)
    return found[1] if found else ""


def text_of(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", page))


# ── What each role finds ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_desk_finds_what_to_route_and_to_notify_and_what_came_back_to_it(sign_in, a_case, moved):
    a_case(), a_case(), moved(), moved("solved", "answered"), moved("desk")
    page = sign_in(AUXILIAR).get("/").text

    assert tiles(page).items() >= {"To route": 2, "To notify": 1, "Returned to me": 1, "Waiting for me": 4}.items()
    assert "Wait for my approval" not in tiles(page)


def test_an_owner_finds_what_his_process_holds_and_what_came_back_to_it(sign_in, moved):
    new, back, gone = moved(), moved("solved", "returned"), moved("solved")
    elsewhere = moved("solved", "returned", process=OTHER)
    page = sign_in(DUENO, MINE).get("/").text

    assert tiles(page).items() >= {"Waiting for me": 2, "Returned to me": 1}.items()
    assert {"To route", "To notify", "Wait for my approval"}.isdisjoint(tiles(page))
    waiting = page[page.index('<h2 id="waiting">') : page.index('id="trend"')]
    assert new.number in waiting and back.number in waiting
    assert gone.number not in waiting and elsewhere.number not in waiting
    assert waiting.count("Returned</strong>") == 1


def test_what_came_back_is_no_longer_returned_once_it_moves_on(sign_in, seeded, moved):
    pqr = moved("solved", "returned")
    owner = sign_in(DUENO, MINE)
    assert tiles(owner.get("/").text)["Returned to me"] == 1

    operations.solve(seeded, pqr, "Ahora sí.", Outcome.GRANTED, at=AT, actor_id=None)
    assert tiles(owner.get("/").text)["Returned to me"] == 0


def test_what_one_person_holds_waits_for_that_person_and_not_for_the_rest_of_the_process(sign_in, seeded, make, a_case):
    his, other = sign_in(DUENO, MINE), sign_in(DUENO, MINE)
    pqr = a_case()
    user = next(member.user for member in seeded.scalars(select(ProcessMember).where(ProcessMember.user_id == his.user_id)))
    operations.route(seeded, pqr, make.process(MINE), "Suyo", at=AT, actor_id=None, user=user)

    assert tiles(his.get("/").text)["Waiting for me"] == 1
    assert tiles(other.get("/").text)["Waiting for me"] == 0


def test_a_manager_finds_what_waits_for_approval(sign_in, moved):
    moved("solved"), moved("solved", process=OTHER), moved()
    page = sign_in(SUBGERENTE).get("/").text

    assert tiles(page).items() >= {"Wait for my approval": 2, "Waiting for me": 2}.items()
    assert links(page)["Wait for my approval"] == "/pqr/?status=SOLVED"


def test_a_technician_finds_the_way_to_what_is_assigned_to_him(sign_in, a_case):
    pqr = a_case()
    page = sign_in(TECNICO).get("/").text

    assert 'href="/tecnico/"' in page
    assert tiles(page) == {} and pqr.number not in page


@pytest.mark.parametrize("role", [AUXILIAR, DUENO, TECNICO, SUBGERENTE, COMERCIAL, CALIDAD, CONTROL, ADMIN])
def test_the_page_of_every_role_stays_within_its_statements_however_many_cases_there_are(
    sign_in, a_case, moved, seeded, count_statements, role
):
    person = sign_in(role, MINE if role == DUENO else None)
    counts = []
    for n in (1, 12):
        for i in range(n):
            moved("solved", "returned", at=AT - timedelta(days=i)), moved("solved"), moved("desk", process=OTHER), a_case()
        seeded.expire_all()
        with count_statements() as statements:
            assert person.get("/").status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 8


def test_no_number_counts_what_the_reader_may_not_see(sign_in, moved):
    moved(process=OTHER, at=AT - timedelta(days=60)), moved("solved", process=OTHER), moved("solved", "answered", process=OTHER)
    page = sign_in(DUENO, MINE).get("/").text

    assert set(tiles(page).values()) == {0}
    assert counter(page, "Cases") == counter(page, "My day") == ""
    assert not re.search(r"<td><a [^>]*>[1-9]", page)


def test_a_reserved_name_stays_hidden_in_what_waits(sign_in, make, moved):
    moved(identity=Identity.RESERVED, party=make.party(name="Nadie Debe Leerme"))

    assert "Nadie Debe Leerme" not in sign_in(DUENO, MINE).get("/").text


# ── Numbers and the lists behind them ─────────────────────────────────────────────────────────────────────────────────────


def numbers_in(page: str) -> set[str]:
    main = page[page.index("<main") : page.index("</main>")]
    return set(re.findall(r"/pqr/(PQR-\d+-\d+)", main))


@pytest.mark.parametrize("role", [AUXILIAR, DUENO, SUBGERENTE, ADMIN])
def test_every_number_is_the_number_of_rows_behind_its_link(sign_in, a_case, moved, role):
    for days in (0, 3, 12, 15, 16, 40):
        a_case(at=AT - timedelta(days=days))
        moved(at=AT - timedelta(days=days)), moved("solved", "returned", at=AT - timedelta(days=days))
    moved("desk"), moved("solved"), moved("solved", "answered")
    person = sign_in(role, MINE if role == DUENO else None)
    page = person.get("/").text
    cases = {text: href for text, href in links(page).items() if href.startswith("/pqr/")}

    assert len(cases) >= 8
    found = {text: len(numbers_in(person.get(href).text)) for text, href in cases.items()}
    assert found == {text: min(n, 25) for text, n in tiles(page).items() if text in cases}


def test_the_trend_counts_by_week_and_each_number_leads_to_its_week(sign_in, a_case, moved):
    a_case(at=AT), a_case(at=AT - timedelta(days=7)), a_case(at=AT - timedelta(days=7)), a_case(at=AT - timedelta(days=80))
    moved("solved", "answered", at=AT - timedelta(days=8))
    person = sign_in(AUXILIAR)
    page = person.get("/").text
    trend = page[page.index('id="trend"') : page.index("</main>")]
    filed = re.findall(r'href="(/pqr/\?filed_on=[^"]+)">(\d+)', trend)
    answered = re.findall(r'href="(/pqr/\?answered_on=[^"]+)">(\d+)', trend)

    assert [int(n) for _, n in filed] == [0, 0, 0, 0, 0, 0, 3, 1]
    assert [int(n) for _, n in answered] == [0, 0, 0, 0, 0, 0, 1, 0]
    assert filed[-1][0] == "/pqr/?filed_on=2026-07-06..2026-07-12"
    assert [len(numbers_in(person.get(href).text)) for href, _ in filed] == [int(n) for _, n in filed]
    assert [len(numbers_in(person.get(href).text)) for href, _ in answered] == [int(n) for _, n in answered]
    assert trend.count("<rect") == 16
    assert trend.index("<svg") < trend.index("<table") and 'aria-hidden="true"' in trend


# ── The menu ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_menu_counts_what_waits_for_the_reader_and_what_is_urgent(sign_in, a_case, moved):
    a_case(at=AT - timedelta(days=60)), a_case(), moved()
    page = sign_in(AUXILIAR).get("/").text

    assert counter(page, "My day") == "2"
    assert counter(page, "Cases") == str(sum(tiles(page)[text] for text in ("In silence", "Late", "Due today or tomorrow")))
    assert "late or due by the next working day" in menu(page)
    assert menu(page).count('class="n"') == 2  # and no other page counts, though it may need the same right


def test_a_counter_says_99_plus_beyond_99(sign_in, a_case):
    for _i in range(101):
        a_case()

    assert counter(sign_in(AUXILIAR).get("/").text, "My day") == "99+"


def test_due_tomorrow_is_the_next_working_day_that_the_calendar_says(seeded):
    """The menu asks the database, because reading the whole calendar for a number on every page would cost more."""
    from app.days import days_after, next_working_day

    def after(day):
        return seeded.scalar(select(next_working_day()), days_after(date(2026, 7, day))).day

    seeded.execute(update(Organisation).values(working_week="12345"))
    assert (after(14), after(17)) == (15, 21)  # Monday the 20th is a holiday
    seeded.add(CalendarDay(on=date(2026, 7, 15), year=2026, name="Día cívico", norm="Decreto 1", source="prueba"))
    seeded.flush()
    assert after(14) == 16
    seeded.execute(update(Organisation).values(working_week="123456"))
    assert after(17) == 18


def test_mail_that_did_not_leave_is_counted_for_whoever_may_see_it(sign_in, seeded):
    seeded.add(
        OutboxMessage(key="k", event="filed", to_address="a@example.com", subject="s", body="b", status=MessageStatus.FAILED,
                      next_attempt_at=AT, message_id="<k@example.com>", created_at=AT)
    )  # fmt: skip
    seeded.flush()

    assert counter(sign_in(ADMIN).get("/").text, "Outgoing mail") == "1"
    assert "Outgoing mail" not in menu(sign_in(AUXILIAR).get("/").text)


def test_pinned_lists_stand_under_their_screen_for_their_owner_and_the_role_they_are_shared_with(sign_in, seeded):
    owner, colleague, stranger = sign_in(AUXILIAR), sign_in(AUXILIAR), sign_in(CALIDAD)
    role = seeded.scalars(select(Role).where(Role.name == AUXILIAR)).one()
    seeded.add_all([
        SavedFilter(list_name="Pqr", name="Míos", query="light=late&order=due_on", owner_id=owner.user_id, is_pinned=True),
        SavedFilter(list_name="Pqr", name="De la oficina", query="q=agua", owner_id=owner.user_id, role_id=role.id, is_pinned=True),
        SavedFilter(list_name="Pqr", name="Sin fijar", query="q=luz", owner_id=owner.user_id, is_pinned=False),
    ])  # fmt: skip
    seeded.flush()

    mine = menu(owner.get("/").text)
    assert 'href="/pqr/?light=late&amp;order=due_on">Míos</a>' in mine and "De la oficina" in mine and "Sin fijar" not in mine
    assert "De la oficina" in menu(colleague.get("/").text) and "Míos" not in menu(colleague.get("/").text)
    assert "De la oficina" not in menu(stranger.get("/").text)
    here = menu(owner.get("/pqr/?light=late&order=due_on").text)
    assert re.findall(r'aria-current="page"[^>]*>(?:<svg.*?</svg>)?(?:<span>)?([^<]+)<', here) == ["Míos"]


def test_what_somebody_chose_comes_in_one_statement(app, seeded, a_user, count_statements):
    from app.days import reader_settings, reader_statement

    user, other = a_user(AUXILIAR), a_user(AUXILIAR)
    seeded.add_all([
        ListColumns(user_id=user.id, list_name="Pqr", names="number,due_on"),
        ListColumns(user_id=other.id, list_name="Party", names="name"),
        SavedFilter(list_name="Pqr", name="b", query="q=b", owner_id=user.id),
        SavedFilter(list_name="Pqr", name="A", query="q=a", owner_id=user.id),
        SavedFilter(list_name="Party", name="c", query="q=c", owner_id=other.id),
    ])  # fmt: skip
    seeded.flush()
    with count_statements() as statements:
        found = reader_settings(seeded, reader_statement({"all": select(Pqr.id)}), {"reader_id": user.id})

    assert len(statements) == 1
    assert found.columns_of("Pqr") == ("number", "due_on") and found.columns_of("Party") == ()
    assert [(each.name, each.is_own, each.is_pinned) for each in found.filters_of("Pqr")] == [("A", True, False), ("b", True, False)]
    assert found.filters_of("Party") == [] and found.counters == {"all": 0}


def test_the_menu_opens_only_what_the_rights_open_and_speaks_the_language_of_the_reader(sign_in):
    clerk, admin = sign_in(AUXILIAR), sign_in(ADMIN)

    assert "Cases" in menu(clerk.get("/").text) and "Parameters" not in menu(clerk.get("/").text)
    assert "Parameters" in menu(admin.get("/").text)
    clerk.get("/lang/es")
    assert "Cuentas" in menu(clerk.get("/").text) and "Accounts" in menu(admin.get("/").text)


def test_every_screen_of_the_menu_has_an_icon_that_the_sprite_draws(app, sign_in):
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', app.test_client().get("/static/icons.svg").text))
    page = menu(sign_in(ADMIN).get("/").text)
    used = re.findall(r"icons\.svg[^#]*#([\w-]+)", page)

    assert len(used) == page.count("<svg") and len(set(used)) > 15
    assert set(used) <= sprite


# ── A new house ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def steps(page: str) -> dict[str, bool]:
    found = re.findall(r'<li class="(done|todo)">.*?<a href="[^"]+">([^<]+)</a>', page, re.S)
    return {unescape(text): state == "done" for state, text in found}


def complete(session, make, user_id):
    """Do every first step that the database remembers."""
    house = session.scalars(select(Organisation)).first()
    house.name, house.nit, house.address, house.email = "Aguas del Ejemplo S.A. E.S.P.", "9001234568", "Calle 1", "a@example.com"
    house.signatory_name, house.logo = "Ana Ejemplo", b"\x89PNG\r\n\x1a\n"
    for process in session.scalars(select(Process)):
        session.add(ProcessMember(process_id=process.id, user_id=user_id))
    session.flush()


def test_a_new_house_is_told_its_first_steps_until_they_are_done(app, sign_in, seeded, make, a_case):
    seeded.execute(update(Organisation).values(nit="9000000005", address="EDITE ESTOS DATOS", signatory_name="EDITE: nombre"))
    seeded.execute(delete(ProcessMember))
    seeded.flush()
    admin = sign_in(ADMIN)
    before = steps(admin.get("/").text)

    assert before["The company: name, NIT, address and e-mail"] is False
    assert before["Who signs the answers"] is before["The logo"] is before["Somebody in each process"] is before["The first case"] is False
    assert before["The calendar of this year and the next"] is True

    complete(seeded, make, admin.user_id)
    sign_in(AUXILIAR), a_case()
    assert [text for text, done in steps(admin.get("/").text).items() if not done] == ["The mail server"]

    app.config["SMTP_HOST"] = "mail.example.com"
    assert steps(admin.get("/").text) == {}
    assert "first step" not in admin.get("/").text.lower()


def test_the_steps_name_what_is_missing(sign_in, seeded, make):
    seeded.execute(delete(ProcessMember))
    for process in seeded.scalars(select(Process).where(Process.code != MINE)):
        seeded.add(ProcessMember(process_id=process.id, user_id=make.user(DUENO).id))
    seeded.execute(delete(CalendarDay).where(CalendarDay.year == 2027))
    seeded.execute(delete(CalendarYear).where(CalendarYear.year == 2027))
    seeded.flush()
    page = text_of(sign_in(ADMIN).get("/").text)

    assert f"Still without anybody: {make.process(MINE).name}." in page
    assert "Still to load: 2027." in page
    assert "Last year of the calendar" not in page or "2026" in page


def test_a_member_whose_time_is_over_leaves_the_process_without_anybody(sign_in, seeded, make):
    complete(seeded, make, make.user(DUENO).id)
    seeded.execute(update(ProcessMember).values(valid_until=date(2026, 7, 9)))
    seeded.flush()

    assert steps(sign_in(ADMIN).get("/").text)["Somebody in each process"] is False


def test_only_an_administrator_sees_the_first_steps_and_the_house(sign_in):
    for role in (AUXILIAR, SUBGERENTE, TECNICO):
        page = sign_in(role).get("/").text
        assert steps(page) == {} and "Mail waiting" not in tiles(page)


def test_the_first_steps_can_be_put_away_for_everybody_and_come_back(app, sign_in, seeded):
    admin, other = sign_in(ADMIN), sign_in(ADMIN)
    assert steps(other.get("/").text)

    assert admin.post("/first-steps", data={"hide": "1"}).location == "/"
    seeded.expire_all()
    assert steps(other.get("/").text) == {}
    assert "first steps are left" in text_of(other.get("/").text)
    assert seeded.get(Parameter, "first_steps.hidden").value == "1"

    other.post("/first-steps", data={"hide": "0"})
    seeded.expire_all()
    assert steps(admin.get("/").text)


def test_an_administrator_sees_mail_that_waits_and_a_calendar_that_ends(sign_in, seeded):
    for i, status in enumerate((MessageStatus.QUEUED, MessageStatus.QUEUED, MessageStatus.FAILED)):
        seeded.add(
            OutboxMessage(key=f"k{i}", event="filed", to_address="a@example.com", subject="s", body="b", status=status,
                          next_attempt_at=AT, message_id=f"<k{i}@example.com>", created_at=AT)
        )  # fmt: skip
    seeded.execute(delete(CalendarDay).where(CalendarDay.year > 2026))
    seeded.execute(delete(CalendarYear).where(CalendarYear.year > 2026))
    seeded.flush()
    admin = sign_in(ADMIN)
    page = admin.get("/").text

    assert tiles(page).items() >= {"Mail that did not leave": 1, "Mail waiting": 2, "Last year of the calendar": 2026}.items()
    assert links(page)["Mail that did not leave"] == "/outbox/list/?status=FAILED"
    assert admin.get(links(page)["Mail waiting"]).text.count("a@example.com") >= 2
