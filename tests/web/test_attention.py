"""Pages of silence, mass events and ratings."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app.domain.states import DocumentKind, Outcome, PqrStatus
from app.models import Document, MassEvent, Pqr, Process, Rating, Silence
from app.operations import mass, rating, silence
from app.operations import pqr as operations

FILED = datetime(2026, 7, 10, 15, tzinfo=UTC)
LATE = "2026-08-05T10:00-05:00"  # what was filed on 10 July was due on the 4th


@pytest.fixture
def boss(client, login, a_user):
    return login(client, a_user("Subgerente administrativo y comercial"))


@pytest.fixture
def clerk(app, login, a_user):
    return login(app.test_client(), a_user("Auxiliar PQR"))


def routed(session, a_case, **fields) -> Pqr:
    pqr = a_case(at=FILED, **fields)
    other = session.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id)).first()
    operations.route(session, pqr, other, "Revisar", at=FILED, actor_id=None)
    return pqr


def answered(session, a_case, **fields) -> Pqr:
    pqr = routed(session, a_case, **fields)
    operations.solve(session, pqr, "Se revisó", Outcome.DENIED, at=FILED, actor_id=None)
    operations.mark_answered(session, pqr, at=FILED, actor_id=None)
    return pqr


# ── Silence ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_night_puts_it_on_mi_dia_in_the_menu_and_on_the_case(seeded, a_case, boss, at):
    pqr = routed(seeded, a_case)
    at(LATE)
    silence.keep_up(seeded, datetime.fromisoformat(LATE))
    seeded.commit()

    home, listed, page = (boss.get(url).text for url in ("/", "/silence/list/?pending=1", f"/pqr/{pqr.number}"))

    assert "/silence/list/?pending=1" in home
    assert re.search(r'href="/silence/list/"(?:(?!</a>).)*\b1\b', home, re.S)
    assert pqr.number in listed
    assert f"/pqr/{pqr.number}/move/recognise" in page


def test_recognising_leads_back_to_the_case_with_its_act(seeded, a_case, boss, at):
    pqr = routed(seeded, a_case)
    at(LATE)
    url, number = f"/pqr/{pqr.number}/move/recognise", pqr.number

    refused = boss.post(url, data={"grants": " "})
    done = boss.post(url, data={"grants": "Se reliquida la factura."})

    assert (refused.status_code, 'id="grants-error"' in refused.text) == (422, True)
    assert done.status_code == 302
    seeded.expire_all()
    act = seeded.scalars(select(Document).where(Document.kind == DocumentKind.RECOGNITION)).one()
    page = boss.get(f"/pqr/{number}").text
    assert act.number in page
    assert "/move/recognise" not in page


def test_whoever_attends_sees_it_and_may_not_recognise_it(seeded, a_case, clerk, at):
    pqr = routed(seeded, a_case)
    at(LATE)
    silence.keep_up(seeded, datetime.fromisoformat(LATE))
    seeded.commit()

    assert "/move/recognise" not in clerk.get(f"/pqr/{pqr.number}").text
    assert clerk.post(f"/pqr/{pqr.number}/move/recognise", data={"grants": "Todo"}).status_code == 403
    assert seeded.scalars(select(Silence)).one().recognised_on is None


def test_an_owner_sees_the_silences_of_his_processes_alone(seeded, a_case, app, login, a_user, make, at):
    owner = a_user("Dueño de proceso", process="FACTURACION")
    pqr = routed(seeded, a_case)
    at(LATE)
    silence.keep_up(seeded, datetime.fromisoformat(LATE))
    operations.route(seeded, pqr, make.process("TECNICA"), "Es de la red", at=datetime.fromisoformat(LATE), actor_id=None)
    seeded.commit()
    other = login(app.test_client(), a_user("Dueño de proceso", process="TECNICA"))

    assert pqr.number in other.get("/silence/list/").text
    assert (pqr.number in login(app.test_client(), owner).get("/silence/list/").text) is any(
        line.process.code == "FACTURACION" for line in pqr.assignments
    )


@pytest.mark.parametrize(
    ("value", "day", "is_found"), [("risk", "2026-07-18", False), ("risk", "2026-07-25", True), ("awaited", "2026-07-25", False)]
)
def test_the_list_of_cases_finds_the_answers_at_risk(seeded, a_case, boss, at, value, day, is_found):
    pqr = answered(seeded, a_case)
    seeded.commit()
    at(f"{day}T10:00-05:00")

    assert (pqr.number in boss.get(f"/pqr/?sap={value}").text) is is_found
    assert ("/move/recognise" in boss.get(f"/pqr/{pqr.number}").text) is (day == "2026-07-25")


# ── Mass events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def event(seeded) -> MassEvent:
    row = MassEvent(
        name="Corte en La Floresta", since_on=date(2026, 7, 9), what="Se rompió un tubo", solution="Se reparó", outcome=Outcome.GRANTED,
        answer_text="{petitioner}: {solution} en {event}.",
    )  # fmt: skip
    seeded.add(row)
    seeded.flush()
    return row


def test_an_event_is_solved_and_issued_in_two_presses_and_each_case_says_what_became_of_it(seeded, a_case, a_party, boss, event):
    pqrs = [routed(seeded, a_case, party=a_party(name=name)) for name in ("Luz Marina", "Jairo Peña")]
    own = answered(seeded, a_case)
    for pqr in (*pqrs, own):
        mass.link(seeded, pqr, event)
    seeded.commit()
    numbers, event_id = [pqr.number for pqr in pqrs], event.id

    before = boss.get(f"/massevent/apply/{event_id}").text
    solved = boss.post(f"/massevent/apply/{event_id}").text
    seeded.expire_all()
    statuses = [pqr.status for pqr in pqrs]
    issued = boss.post(f"/massevent/issue/{event_id}").text

    assert "Luz Marina: Se reparó en Corte en La Floresta." in before
    assert all(number in solved and number in issued for number in numbers)
    assert own.number not in solved
    assert statuses == [PqrStatus.SOLVED] * 2
    seeded.expire_all()
    assert [pqr.answer.number for pqr in pqrs] == ["RES-2026-000001", "RES-2026-000002"]


def test_a_letter_changed_by_hand_is_refused_with_its_reason_and_the_others_leave(seeded, a_case, boss, event):
    pqrs = [routed(seeded, a_case) for _n in range(3)]
    for pqr in pqrs:
        mass.link(seeded, pqr, event)
    mass.one_by_one(seeded, pqrs, lambda pqr: mass.solve(seeded, event, pqr, at=FILED, actor_id=None))
    pqrs[1].answer.body = "Escrito a mano"
    seeded.commit()

    page = boss.post(f"/massevent/issue/{event.id}").text

    seeded.expire_all()
    assert [pqr.status for pqr in pqrs] == [PqrStatus.ANSWERED, PqrStatus.SOLVED, PqrStatus.ANSWERED]
    row = re.search(rf"<tr>(?:(?!</tr>).)*{pqrs[1].number}.*?</tr>", page, re.S)
    assert row and len(re.sub(r"<[^>]+>", "", row[0])) > len(pqrs[1].number) + 40


def test_an_event_without_its_answer_says_what_is_missing(seeded, a_case, boss, event):
    event.answer_text = ""
    mass.link(seeded, routed(seeded, a_case), event)
    seeded.commit()

    assert boss.get(f"/massevent/apply/{event.id}").status_code == 200
    assert boss.post(f"/massevent/apply/{event.id}").status_code == 422


def test_the_text_with_a_field_that_does_not_exist_is_refused_and_kept(seeded, boss):
    typed = {"name": "Agua turbia", "since_on": "2026-07-09", "what": "Turbia", "answer_text": "Señora {apellido}"}

    page = boss.post("/massevent/add", data=typed)

    assert page.status_code == 422
    assert "Señora {apellido}" in page.text
    assert "{apellido}" in page.text.split('id="answer_text-error"')[1].split("</span>")[0]


def test_a_case_is_linked_on_its_page_and_found_in_the_list(seeded, a_case, clerk, event):
    pqr = routed(seeded, a_case)
    seeded.commit()
    number, event_id = pqr.number, event.id

    wrong = clerk.post(f"/massevent/link/{number}", data={"event": "No existe"}, follow_redirects=True)
    clerk.post(f"/massevent/link/{number}", data={"event": "Corte en La Floresta"})

    assert "No existe" in wrong.text
    assert number in clerk.get(f"/pqr/?mass_event={event_id}").text
    assert f"/massevent/show/{event_id}" in clerk.get(f"/pqr/{number}").text
    clerk.post(f"/massevent/link/{number}", data={"event": ""})
    assert number not in clerk.get(f"/pqr/?mass_event={event_id}").text


def test_many_cases_are_linked_from_the_list(seeded, a_case, clerk, event):
    pqrs = [routed(seeded, a_case) for _n in range(3)]
    seeded.commit()
    keys = [str(pqr.id) for pqr in pqrs]

    page = clerk.post("/pqr/bulk/link", data={"row": keys})
    seal = re.search(r'name="sure" value="(\w+)"', page.text)[1]
    clerk.post("/pqr/bulk/link", data={"row": keys, "sure": seal, "event": "Corte en La Floresta"})

    seeded.expire_all()
    assert [pqr.mass_event_id for pqr in pqrs] == [event.id] * 3


# ── Ratings ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_the_link_asks_one_question_and_names_nobody(seeded, a_case, a_party, client):
    pqr = answered(seeded, a_case, party=a_party(name="Luz Marina Gómez"))
    seeded.commit()
    token = rating.token_of(pqr)

    page = client.get(f"/e/{token}")

    assert page.text.count('type="radio"') == 5
    assert "Luz Marina" not in page.text
    assert "<script" not in page.text
    assert len(page.data) < 20_000
    empty = client.post(f"/e/{token}", data={"comment": "Nada"})
    assert (empty.status_code, "Nada" in empty.text) == (422, True)
    assert client.post(f"/e/{token}", data={"score": "4", "comment": "Bien"}).location.endswith("?done=1")
    assert client.get(f"/e/{token}?done=1").status_code == 200
    assert re.search(r'value="4"[^>]*checked|checked[^>]*value="4"', client.get(f"/e/{token}").text)
    client.post(f"/e/{token}", data={"score": "5", "comment": ""})
    assert [(row.score, row.comment) for row in seeded.scalars(select(Rating))] == [(5, "")]


@pytest.mark.parametrize("token", ["x", "eyJwIjoxfQ.aaaa.bbbb"])
def test_a_link_that_nobody_signed_leads_nowhere(seeded, client, token):
    assert client.get(f"/e/{token}").status_code == 404


def test_a_link_that_ended_says_so(seeded, a_case, client, at):
    pqr = answered(seeded, a_case)
    seeded.commit()
    token = rating.token_of(pqr)
    at("2099-01-01T10:00-05:00")

    assert client.get(f"/e/{token}").status_code == 410
    assert client.post(f"/e/{token}", data={"score": "5"}).status_code == 410
    assert seeded.scalars(select(Rating)).all() == []


def test_a_case_that_is_not_answered_has_no_page_to_rate_it(seeded, a_case, client):
    pqr = a_case(at=FILED)
    seeded.commit()

    assert client.get(f"/e/{rating.token_of(pqr)}").status_code == 404


def test_the_tablet_asks_again_and_again_and_shows_no_names(seeded, a_case, a_party, clerk):
    pqr = answered(seeded, a_case, party=a_party(name="Luz Marina Gómez"))
    seeded.commit()

    page = clerk.get(f"/evaluacion/?case={pqr.number}").text
    about = re.search(r'name="about"[^>]*value="([^"]+)"', page)[1]
    done = clerk.post("/evaluacion/", data={"score": "5", "about": about})
    clerk.post("/evaluacion/", data={"score": "1"})

    assert "Luz Marina" not in page
    assert pqr.number not in page
    assert "<nav" not in page
    assert 'http-equiv="refresh"' in clerk.get(done.location).text
    rows = seeded.scalars(select(Rating).order_by(Rating.id)).all()
    assert [(row.score, row.pqr_id, row.via.name) for row in rows] == [(5, pqr.id, "COUNTER"), (1, None, "COUNTER")]
    assert [row.channel.code for row in rows] == [pqr.channel.code, "VENTANILLA"]


def test_ratings_are_counted_by_month_and_taken_as_a_file(seeded, boss):
    for day, score in (("2026-06-30", 2), ("2026-07-01", 4), ("2026-07-09", 5)):
        instant = datetime.fromisoformat(f"{day}T10:00-05:00")
        rating.rate(seeded, score, "Bien", at=instant, via=rating.RatingVia.COUNTER)
    seeded.commit()

    chart = boss.get("/charts/ratings/?chart=average").text
    moods = boss.get("/charts/ratings/?chart=satisfaction")
    file = boss.get("/rating/export/csv?mood=SATISFIED").text

    assert "4.5" in chart or "4,5" in chart
    assert moods.status_code == 200
    assert "mood=SATISFIED" in moods.text
    assert file.count("\n") == 3  # the header and two rows
