"""Actions besides their list: the board and the calendar, what asks for one, and what Mi día, the search and other pages show of them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.actions import GATES, Gate
from app.domain.actions import ActionMove as Move
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.domain.states import Identity
from app.extensions import now, today
from app.models import Action, ActionTask, Nonconformity, Organisation
from app.operations import improvement
from app.security import AUXILIAR, CALIDAD, COMERCIAL, DUENO, SUBGERENTE
from tests.databases import statements_of

MINE, OTHER = "TECNICA", "FACTURACION"


def page(client: Any, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return unescape(answer.get_data(as_text=True))


def columns(html: str) -> dict[str, tuple[int, list[str]]]:
    """Return by state how many actions its column says, and the numbers of its cards."""
    found = {}
    for state, body in re.findall(r'data-state="(\w+)">(.*?)</section>', html, re.S):
        n = re.search(r'<h2.*?<span class="num">([\d.]+)</span></h2>', body, re.S)
        found[state] = (int(n[1].replace(".", "")), re.findall(r'board-head"><a class="num"[^>]*>([^<]+)', body))
    return found


def card(html: str, number: str) -> str:
    return next(body for body in re.findall(r"<li class=\"board-card.*?\n</li>", html, re.S) if f">{number}</a>" in body)


@pytest.fixture
def ask(seeded, make):
    """ask(title, **said) → an action of MINE, due in a month."""

    def build(title: str = "Calibrar", process: str = MINE, days: int = 30, **said: Any) -> Action:
        values = {"kind": ActionKind.CORRECTIVE, "origin": ActionOrigin.OTHER, "origin_key": "", "description": "", "responsible_id": None,
                  "at": now() - timedelta(days=60), "user_id": None}  # fmt: skip
        due_on = today() + timedelta(days)
        return improvement.ask_action(seeded, title=title, process_id=make.process(process).id, due_on=due_on, **(values | said))

    return build


# ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_state_is_a_column_with_its_cards_the_soonest_first(seeded, make, ask, sign_in):
    late, soon, far = ask("Tarde", days=-3), ask("Pronto", days=2), ask("Lejos", days=90)
    others = {status: make.planned_action(status) for status in ("PLANNED", "RUNNING", "REVIEW", "DONE")}

    html = page(sign_in(CALIDAD), "/action-board/list/")

    found = columns(html)
    assert list(found) == [status.name for status in ActionStatus]
    assert found["OPEN"] == (3, [late.number, soon.number, far.number])
    for status, action in others.items():
        assert found[status] == (1, [action.number])
    assert found["CANCELLED"] == (0, [])
    assert "Its day is past" in card(html, late.number) and "Its day is past" not in card(html, soon.number)


def test_a_card_counts_the_tasks_of_its_round(seeded, make, sign_in):
    action = make.planned_action("RUNNING", n_tasks=3)
    tasks = seeded.scalars(select(ActionTask).where(ActionTask.action_id == action.id).order_by(ActionTask.id)).all()
    from app.operations import action_plans

    said = {"ended_on": today(), "at": now(), "user_id": action.responsible_id}
    action_plans.end_task(seeded, tasks[0], "Acta firmada", **said)

    assert "1/3" in card(page(sign_in(CALIDAD), "/action-board/list/"), action.number)


def test_a_column_shows_25_cards_and_the_way_to_all_of_them(seeded, ask, sign_in):
    for n in range(27):
        ask(f"Acción {n}", days=n)

    html = page(sign_in(CALIDAD), "/action-board/list/")

    n, cards = columns(html)["OPEN"]
    assert (n, len(cards)) == (27, 25)
    link = re.search(r'href="(/action/list/[^"]*)">See all 27<', html)[1]
    assert "status=OPEN" in link and "27 rows" in page(sign_in(CALIDAD), link)


def test_the_board_has_the_filters_of_the_list(seeded, make, ask, sign_in):
    mine, other = ask("Una"), ask("Otra", process=OTHER, origin=ActionOrigin.AUDIT, origin_key="Auditoría 3", kind=ActionKind.PREVENTIVE)
    client = sign_in(CALIDAD)

    for query in (f"process={other.process_id}", "kind=PREVENTIVE", "origin=AUDIT", "q=otra"):
        assert columns(page(client, f"/action-board/list/?{query}"))["OPEN"][1] == [other.number], query
    assert list(columns(page(client, "/action-board/list/?status=OPEN,DONE"))) == ["OPEN", "DONE"]
    assert columns(page(client, "/action-board/list/?late=1"))["OPEN"][1] == []
    assert columns(page(client, "/action-board/list/?q=una"))["OPEN"][1] == [mine.number]


def test_who_sees_few_actions_sees_few_cards(seeded, make, ask, sign_in):
    mine, foreign = ask("Mía"), ask("Ajena", process=OTHER)
    client = sign_in(DUENO, MINE)

    assert columns(page(client, "/action-board/list/"))["OPEN"] == (1, [mine.number])
    assert client.post(f"/action-board/move/{foreign.id}", data={"to": "CANCELLED"}).status_code == 404


def test_who_only_has_a_task_sees_the_card_and_cannot_move_it(seeded, make, sign_in):
    action, client = make.planned_action("PLANNED"), sign_in(SUBGERENTE)
    helper = sign_in(AUXILIAR)
    seeded.scalars(select(ActionTask).where(ActionTask.action_id == action.id)).one().responsible_id = helper.user_id
    seeded.commit()

    html = page(helper, "/action-board/list/")

    assert columns(html)["PLANNED"][1] == [action.number]
    assert "<form" not in card(html, action.number)
    assert "<form" in card(page(client, "/action-board/list/"), action.number)
    helper.post(f"/action-board/move/{action.id}", data={"to": "RUNNING"})
    seeded.expire_all()
    assert action.status is ActionStatus.PLANNED


def test_a_press_moves_a_card_and_keeps_the_filters(seeded, make, sign_in):
    action, client = make.planned_action("PLANNED"), sign_in(SUBGERENTE)

    answer = client.post(f"/action-board/move/{action.id}?kind=CORRECTIVE", data={"to": "RUNNING"})

    assert answer.status_code == 302 and answer.location == "/action-board/list/?kind=CORRECTIVE"
    seeded.expire_all()
    assert action.status is ActionStatus.RUNNING and action.approved_by_id == client.user_id


def test_a_card_that_lacks_something_stays_and_hears_the_reason_of_the_gate(seeded, make, ask, sign_in):
    running, bare = make.planned_action("RUNNING"), ask("Sin causa")
    client = sign_in(CALIDAD)

    client.post(f"/action-board/move/{running.id}", data={"to": "REVIEW"})
    client.post(f"/action-board/move/{bare.id}", data={"to": "PLANNED"})
    html = page(client, "/action-board/list/")

    seeded.expire_all()
    assert (running.status, bare.status) == (ActionStatus.RUNNING, ActionStatus.OPEN)
    assert f"{running.number} stays where it is. {Gate.NO_OPEN_TASK.value}" in html
    assert f"{bare.number} stays where it is. {Gate.HAS_CAUSE.value}" in html
    assert Gate.NO_OPEN_TASK.value in card(html, running.number)  # and the card said so before
    assert 'value="REVIEW"' not in card(html, running.number)


@pytest.mark.parametrize(("status", "to"), [("PLANNED", "OPEN"), ("OPEN", "CANCELLED"), ("REVIEW", "DONE"), ("REVIEW", "OPEN")])
def test_a_move_that_asks_something_leads_to_its_page(seeded, make, sign_in, status, to):
    action, client = make.planned_action(status), sign_in(CALIDAD)

    answer = client.post(f"/action-board/move/{action.id}", data={"to": to})

    assert answer.status_code == 302 and re.fullmatch(rf"/action/[\w-]+/{action.id}", answer.location)
    seeded.expire_all()
    assert action.status.name == status


@pytest.mark.parametrize("to", ["DONE", "REVIEW", "OPEN", "", "NOTHING"])
def test_where_nothing_leads_a_card_stays(seeded, ask, sign_in, to):
    action, client = ask(), sign_in(CALIDAD)

    assert client.post(f"/action-board/move/{action.id}", data={"to": to}).status_code == 302

    seeded.expire_all()
    assert action.status is ActionStatus.OPEN


def test_who_may_not_make_a_step_does_not_make_it_on_the_board(seeded, make, sign_in):
    action, client = make.planned_action("PLANNED"), sign_in(COMERCIAL)

    client.post(f"/action-board/move/{action.id}", data={"to": "RUNNING"})

    seeded.expire_all()
    assert action.status is ActionStatus.PLANNED
    assert "this step is for somebody else" in page(client, "/action-board/list/")


def test_every_move_to_another_column_is_a_press_or_has_its_page():
    from app.actions.board import PAGES, PRESSES

    assert {move for move, rule in GATES.items() if rule.target is not None} <= {*PAGES, *PRESSES}
    assert not {*PAGES} & {*PRESSES} and Move.POSTPONE not in PRESSES


def test_the_board_costs_the_same_with_many_cards(app, seeded, make, ask, sign_in):
    from app.extensions import db

    client = sign_in(CALIDAD)
    ask()

    def cost() -> int:
        with statements_of(db.engines[None]) as statements:
            page(client, "/action-board/list/")
        return len(statements)

    first = cost()
    for n in range(8):
        ask(f"Otra {n}", responsible_id=client.user_id)
    make.planned_action("RUNNING", n_tasks=4)
    assert cost() <= first <= 8


# ── The calendar ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def entries(html: str) -> list[tuple[str, str, str]]:
    """Return (day, tone, number) of what the grid shows."""
    return [
        (day, tone, number)
        for day, body in re.findall(r'<time datetime="([\d-]+)">.*?</time>(.*?)</td>', html, re.S)
        for tone, number in re.findall(r'agenda-(\w+)"><a [^>]*>.*?<span class="num">([^<]+)</span>', body, re.S)
    ]


def test_a_month_shows_last_days_tasks_and_reviews(seeded, make, ask, sign_in):
    running, review, late = make.planned_action("RUNNING"), make.planned_action("REVIEW"), ask("Tarde", days=-1)
    task = seeded.scalars(select(ActionTask).where(ActionTask.action_id == running.id)).one()
    client, found = sign_in(CALIDAD), set()

    for day in {running.due_on, task.due_on, review.review_on, late.due_on}:
        found |= set(entries(page(client, f"/action-calendar/list/?month={day:%Y-%m}")))

    assert (running.due_on.isoformat(), "due", running.number) in found
    assert (task.due_on.isoformat(), "task", running.number) in found
    assert (review.review_on.isoformat(), "review", review.number) in found
    assert (late.due_on.isoformat(), "late", late.number) in found


def test_the_calendar_keeps_to_the_reader_and_to_its_filters(seeded, ask, sign_in):
    mine, foreign = ask("Mía", days=1), ask("Ajena", process=OTHER, days=1)
    url = f"/action-calendar/list/?month={mine.due_on:%Y-%m}"

    assert {number for _day, _tone, number in entries(page(sign_in(DUENO, MINE), url))} == {mine.number}
    client = sign_in(CALIDAD)
    assert {number for _day, _tone, number in entries(page(client, url))} == {mine.number, foreign.number}
    assert {number for _day, _tone, number in entries(page(client, f"{url}&process={foreign.process_id}"))} == {foreign.number}


@pytest.mark.parametrize("month", ["", "2026-13", "x", "0001-01", "9999-12", "1999-01", "2026-02", "2100-12"])
def test_any_month_opens(seeded, sign_in, month):
    html = page(sign_in(CALIDAD), f"/action-calendar/list/?month={month}")

    assert html.count("<td ") >= 28


# ── What asks for an action ───────────────────────────────────────────────────────────────────────────────────────────────


def sent(action: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "CORRECTIVE", "description": "", "responsible": "", "party": "", "due_on": "2030-01-31"} | action | more


def value_of(html: str, name: str) -> str:
    tag = re.search(rf'<(?:input|textarea)[^>]*name="{name}"[^>]*>(?:([^<]*)</textarea>)?', html)
    found = re.search(r'value="([^"]*)"', tag[0])
    return found[1] if found else (tag[1] or "")


def test_a_case_asks_for_an_action_that_says_what_it_is_about(seeded, make, a_case, sign_in):
    pqr = a_case(subject="Cobro de más", party=make.party(name="Luz Ficticia"))
    client = sign_in(CALIDAD)
    link = re.search(r'href="(/action/add\?[^"]+)"', page(client, f"/pqr/{pqr.number}"))[1]

    html = page(client, link)
    assert value_of(html, "origin_key") == pqr.number
    assert value_of(html, "title") == f"Cobro de más · {pqr.number}"
    assert "Luz Ficticia" in value_of(html, "party")

    data = sent({"origin": "PQR", "origin_key": pqr.number.lower(), "title": "Revisar los cobros", "process_id": pqr.process_id})
    assert client.post("/action/add", data=data).status_code == 302
    action = seeded.scalars(select(Action)).one()
    assert (action.origin, action.origin_key, action.origin_path) == (ActionOrigin.PQR, pqr.number, f"/pqr/{pqr.number}")
    assert action.number in page(client, f"/pqr/{pqr.number}")


def test_an_unknown_number_is_refused_beside_its_field_and_the_rest_is_kept(seeded, make, sign_in):
    client = sign_in(CALIDAD)
    data = sent({"origin": "PQR", "origin_key": "PQR-2026-999999", "title": "Lo escrito", "process_id": make.process(MINE).id})

    answer = client.post("/action/add", data=data)

    html = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert "There is no record “Case” with the number “PQR-2026-999999”" in re.search(r'id="origin_key-error">([^<]*)', html)[1]
    assert value_of(html, "title") == "Lo escrito" and not seeded.scalars(select(Action)).all()


def test_a_case_that_the_reader_does_not_see_asks_for_nothing(seeded, make, a_case, sign_in):
    foreign = a_case(subject="De otros")
    client = sign_in(DUENO, MINE)
    data = sent({"origin": "PQR", "origin_key": foreign.number, "title": "Mirar", "process_id": make.process(MINE).id})

    html = page(client, f"/action/add?origin=PQR&origin_key={foreign.number}", 422)
    assert "De otros" not in html and "There is no record" in html
    assert client.post("/action/add", data=data).status_code == 422


def test_an_audit_is_named_as_it_is_typed(seeded, make, sign_in):
    client = sign_in(CALIDAD)
    data = sent({"origin": "AUDIT", "origin_key": "Auditoría interna 2026-03", "title": "Mirar", "process_id": make.process(MINE).id})

    assert client.post("/action/add", data=data).status_code == 302

    action = seeded.scalars(select(Action)).one()
    assert (action.origin_key, action.origin_path) == ("Auditoría interna 2026-03", "")


def test_the_page_of_a_reserved_case_offers_nothing_to_whoever_may_not_know_it(seeded, make, a_case, sign_in):
    pqr = a_case(identity=Identity.RESERVED, party=make.party(name="Nadie Debe Leer"))

    html = page(sign_in(CALIDAD), f"/pqr/{pqr.number}")

    assert "Nadie Debe Leer" not in html and "/action/add" not in html


def test_pages_that_ask_for_actions_show_those_that_they_asked_for(seeded, make, ask, sign_in):
    from app.models import MassEvent

    event, campaign, contract = MassEvent(name="Corte", since_on=today(), what="Tubo roto"), make.campaign(), make.contract()
    seeded.add(event)
    seeded.flush()
    asked = {
        f"/massevent/show/{event.id}": ask("Del evento", origin=ActionOrigin.MASS_EVENT, origin_key=f"EM-{event.id}"),
        f"/surveycampaign/show/{campaign.id}": ask("De la encuesta", origin=ActionOrigin.SURVEY, origin_key=campaign.number),
        f"/contract/show/{contract.id}": ask("Del contrato", origin_key=contract.number),
    }
    seeded.commit()
    client = sign_in(CALIDAD)

    for url, action in asked.items():
        html = page(client, url)
        assert action.number in html and "/action/add?" in html, url
        assert sum(other.number in html for other in asked.values()) == 1
    process = make.process(MINE).id
    assert all(action.number in page(sign_in("Admin"), f"/process/show/{process}") for action in asked.values())


# ── Mi día and the search ─────────────────────────────────────────────────────────────────────────────────────────────────


def tiles(html: str) -> dict[str, tuple[int, str]]:
    found = re.findall(r'<a class="tile[^"]*" href="([^"]+)">\s*<strong[^>]*>([\d.]+)</strong>\s*(?:<span[^>]*>)?([^<]+)', html)
    return {text.strip(): (int(n.replace(".", "")), url) for url, n, text in found}


def test_every_number_of_mi_dia_about_actions_is_the_number_of_rows_behind_it(seeded, make, ask, sign_in):
    make.planned_action("PLANNED")
    ask("Tarde", days=-2)
    running, client = make.planned_action("RUNNING"), sign_in(CALIDAD)
    make.planned_action("REVIEW", at=now() - timedelta(days=30))
    seeded.scalars(select(ActionTask).where(ActionTask.action_id == running.id)).one().responsible_id = client.user_id
    seeded.commit()

    found = tiles(page(client, "/"))

    for text, n in {"Actions with a task of mine": 1, "Actions that are late": 2, "Plans of actions to approve": 1,
                    "Effects of actions to review": 1}.items():  # fmt: skip
        assert found[text][0] == n, text
        assert page(client, found[text][1]).count('<tr role="row">') == n + 1, text


def test_mi_dia_counts_outputs_and_obligations_that_wait_each_with_its_rows(seeded, make, sign_in):
    whole = {"organisation_id": seeded.scalars(select(Organisation)).one().id, "found_on": today(), "what": "Carta sin recursos"}
    seeded.add_all([
        Nonconformity(number="SNC-2026-0001", process_id=make.process(MINE).id, **whole),
        Nonconformity(number="SNC-2026-0002", process_id=make.process(OTHER).id, **whole),
    ])  # fmt: skip
    make.legal_requirement(next_on=today() - timedelta(days=1))
    make.legal_requirement(next_on=today())
    seeded.commit()

    found = tiles(page(sign_in(CALIDAD), "/"))
    his = tiles(page(sign_in(DUENO, MINE), "/"))

    assert found["Non-conforming outputs to treat"][0] == 2 and his["Non-conforming outputs to treat"][0] == 1
    assert found["Legal requirements to evaluate"][0] == 1 and "Legal requirements to evaluate" not in his
    client = sign_in(CALIDAD)
    for text, n in (("Non-conforming outputs to treat", 2), ("Legal requirements to evaluate", 1)):
        assert page(client, found[text][1]).count('<tr role="row">') == n + 1, text


def test_an_action_is_found_by_words_of_its_title_cause_and_tasks(seeded, make, ask, sign_in):
    process = make.process(MINE).id
    action, other = make.planned_action("RUNNING", title="Medidores de la zona norte", process_id=process), ask("Otra cosa")
    task = seeded.scalars(select(ActionTask).where(ActionTask.action_id == action.id)).one()
    task.what = "Comprar el patrón de ensayo"
    seeded.commit()
    client = sign_in(CALIDAD)

    for words in ("zona norte", "rutina calibración", "patrón ensayo", "medidores patrón"):
        html = page(client, f"/action/list/?q={words}")
        assert action.number in html and other.number not in html, words
        assert action.number in page(client, f"/search?q={words}")
    assert action.number not in page(sign_in(DUENO, OTHER), "/search?q=patrón ensayo")


def test_the_rooms_of_the_system_are_found_by_words_and_each_by_its_number(seeded, make, sign_in):
    risk = make.risk(event="Se derrama el reactivo")
    output = Nonconformity(organisation_id=seeded.scalars(select(Organisation)).one().id, number="SNC-2026-0007", found_on=today(),
                           process_id=make.process(OTHER).id, what="Carta enviada sin recursos")  # fmt: skip
    seeded.add(output)
    seeded.commit()
    client = sign_in(CALIDAD)

    assert client.get(f"/search?q={risk.number}").location == f"/risk/show/{risk.id}"
    assert client.get("/search?q=snc 2026 7").location == f"/nonconformity/show/{output.id}"
    assert risk.number in page(client, "/search?q=derrama reactivo")
    assert output.number in page(client, "/search?q=carta recursos")
    assert output.number not in page(sign_in(DUENO, MINE), "/search?q=carta enviada")
    assert "/controlled-document/show/" in page(client, "/search?q=R10-01-01")


# ── The scope of what asks ────────────────────────────────────────────────────────────────────────────────────────────────

#: Whoever may ask for actions, and of which origins he knows the records of another process.
KNOWS = {
    DUENO: {"MASS_EVENT", "SURVEY", "INDICATOR", "LEGAL"},
    COMERCIAL: {"PQR", "SURVEY", "CHECKLIST", "INDICATOR", "LEGAL"},
    SUBGERENTE: {"PQR", "MASS_EVENT", "SURVEY", "CHECKLIST", "RISK", "INDICATOR", "NONCONFORMITY", "LEGAL", "REVIEW"},
    CALIDAD: {"PQR", "MASS_EVENT", "SURVEY", "CHECKLIST", "RISK", "INDICATOR", "NONCONFORMITY", "LEGAL", "REVIEW"},
}


@pytest.fixture
def foreign(seeded, make, a_case) -> dict[str, str]:
    """The number of a record of each origin, of another process than MINE."""
    from app.domain.indicators import Direction
    from app.models import Indicator, LegalRequirement, ManagementReview, MassEvent, Nonconformity, Organisation
    from app.operations import checklists
    from app.operations.action_origins import key_of

    house, process = seeded.scalars(select(Organisation)).one().id, make.process(OTHER)
    contract = make.contract(process_id=process.id)
    found = {
        "PQR": a_case(), "SURVEY": make.campaign(process_id=process.id), "RISK": make.risk(process=process),
        "CHECKLIST": checklists.open_checklist(seeded, contract, at=now(), actor_id=None),
        "MASS_EVENT": MassEvent(name="Corte", since_on=today(), what="Tubo roto"),
        "INDICATOR": Indicator(code="IND-99", name="Uno más", formula="a / b", unit="%", direction=Direction.MORE, starts_on=today()),
        "NONCONFORMITY": Nonconformity(organisation_id=house, number="SNC-2026-0001", found_on=today(), process_id=process.id, what="Mal"),
        "LEGAL": LegalRequirement(norm="Ley 142 de 1994", articles="art. 999", obligation="Responder"),
        "REVIEW": ManagementReview(organisation_id=house, number="RD-2026-0001", held_on=today(), period_from=today(),
                                   period_until=today()),
    }  # fmt: skip
    seeded.add_all(found.values())
    seeded.commit()
    return {name: key_of(ActionOrigin[name], row) for name, row in found.items()}


@pytest.mark.parametrize("role", KNOWS)
def test_nobody_asks_from_a_record_that_he_may_not_open(foreign, sign_in, role):
    client = sign_in(role, MINE if role == DUENO else None)

    known = {name for name, key in foreign.items() if client.get(f"/action/add?origin={name}&origin_key={key}").status_code == 200}

    assert known == KNOWS[role]
