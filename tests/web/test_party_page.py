"""The page of a party joins everything that the reader may see and nothing else; contacts, groups and actions from their forms; Mi día."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select

from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.domain.states import Identity, PastKind
from app.extensions import local, now
from app.models import Action, InterestGroup, PartyContact, PartyGroup, PastRecord
from app.operations.improvement import ask_action
from app.security import AUXILIAR, CALIDAD, COMERCIAL, CONTROL, DUENO, SUBGERENTE

AT = datetime(2026, 6, 10, 15, tzinfo=UTC)


@pytest.fixture
def cerezos(seeded, make):
    """A party to which a row of every room joins."""
    party = make.party(name="Conjunto Los Cerezos")
    group = seeded.scalars(select(InterestGroup)).first() or InterestGroup(code="CLIENTES", name="Clientes")
    seeded.add_all([
        PartyContact(party=party, name="Nidia Ficticia", phone="+573001234567", is_main=True), PartyGroup(party=party, group=group),
        PastRecord(kind=PastKind.SURVEY, source="Encuesta", source_number="R-17", on=date(2024, 11, 20), party_id=party.id, facts={}),
    ])  # fmt: skip
    contract = make.contract(party=party, process=make.process("TECNICA"), object="Suministro de agua")
    make.quotation(party=party, subject="Acometida nueva")
    make.checklist(contract)
    make.case(party=party, account=make.account(party=party), subject="Presión baja")
    asked(seeded, make, party)
    seeded.commit()
    return party


def asked(session, make, party, process="TECNICA", **more):
    values = {"kind": ActionKind.CORRECTIVE, "origin": ActionOrigin.OTHER, "origin_key": "", "title": "Calibrar el macromedidor",
              "description": "", "process_id": make.process(process).id, "responsible_id": None, "due_on": date(2026, 6, 20), "at": AT,
              "user_id": None, "party_id": party.id}  # fmt: skip
    return ask_action(session, **(values | more))


def sections(page: str) -> dict[str, str]:
    """Return the tables of the page that have rows, by their title."""
    found = re.findall(r'<h2 id="joined-\d+">(.*?)</h2>(.*?)</section>', page, re.S)
    return {unescape(title): text for title, text in found}


def figures(page: str) -> dict[str, str]:
    found = re.findall(r'<a class="tile[^"]*" href="[^"]*"><strong>([^<]*)</strong> ([^<]+)</a>', page)
    return {unescape(text).strip(): number for number, text in found}


def n_of(page: str, path: str) -> int:
    return page.count(f'href="{path}')


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_joins_every_room_within_its_statements(sign_in, seeded, make, cerezos, count_statements):
    reader, url = sign_in(COMERCIAL), f"/party/show/{cerezos.id}"
    with count_statements() as few:
        page = reader.get(url).text
    for n in range(6):
        make.quotation(party=cerezos, subject=f"Otra {n}")
        asked(seeded, make, cerezos)
    seeded.commit()
    with count_statements() as many:
        reader.get(url)

    assert len(sections(page)) == 8
    rooms = ("contact", "quotation", "contract", "checklist", "action", "account", "pastrecord")
    for path in (*(f"/{room}/show/" for room in rooms), "/pqr/PQR-"):
        assert n_of(page, path) == 1, path
    assert len(few) == len(many) <= 12, many


def test_the_figures_lead_to_as_many_rows(sign_in, cerezos):
    reader = sign_in(COMERCIAL)
    page = reader.get(f"/party/show/{cerezos.id}").text
    links = re.findall(r'<a class="tile[^"]*" href="([^"]*)"><strong>(\d+)</strong>', page)

    assert len(links) == 4
    for href, n in links:
        rows = reader.get(unescape(href)).text
        assert int(re.search(r'id="n-found">(\d+)', rows)[1]) == int(n), href


def test_the_desk_sees_the_head_of_contracts_and_no_quotation(sign_in, cerezos):
    page = sign_in(AUXILIAR).get(f"/party/show/{cerezos.id}").text

    assert "Suministro de agua" in page
    assert "Acometida nueva" not in page and "Calibrar el macromedidor" not in page
    assert [n_of(page, path) for path in ("/contract/", "/quotation/", "/action/show/", "/checklist/")] == [0, 0, 0, 0]


def test_an_owner_sees_the_contracts_and_actions_of_his_processes(sign_in, seeded, make, cerezos):
    asked(seeded, make, cerezos, "FACTURACION", title="Corregir la factura")
    make.contract(party=cerezos, process=make.process("FACTURACION"), object="Facturación conjunta")
    seeded.commit()
    page = sign_in(DUENO, "TECNICA").get(f"/party/show/{cerezos.id}").text

    assert "Suministro de agua" in page and "Calibrar el macromedidor" in page
    assert "Facturación conjunta" not in page and "Corregir la factura" not in page


def test_a_reserved_case_and_its_papers_do_not_join_for_whoever_may_not_know(sign_in, seeded, make, cerezos):
    case = make.case(party=cerezos, identity=Identity.RESERVED, subject="Denuncia secreta")
    seeded.commit()

    page = sign_in(COMERCIAL).get(f"/party/show/{cerezos.id}").text
    assert case.number not in page
    assert next(n for text, n in figures(page).items() if "case" in text.lower() or "caso" in text.lower()) == "1"
    assert case.number in sign_in(CONTROL).get(f"/party/show/{cerezos.id}").text


def test_a_list_of_parties_is_narrowed_to_a_group(sign_in, seeded, make, cerezos):
    make.party(name="Ajena Ficticia")
    seeded.commit()
    group_id = seeded.scalar(select(PartyGroup.group_id))
    page = sign_in(COMERCIAL).get(f"/party/list/?group={group_id}").text

    assert "Los Cerezos" in page and "Ajena Ficticia" not in page


# ── Contacts and groups ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contact_is_added_from_the_page_and_one_that_cannot_be_reached_is_refused(sign_in, seeded, cerezos):
    clerk = sign_in(AUXILIAR)
    form = clerk.get(f"/contact/add?party=%23{cerezos.id}").text
    assert "Conjunto Los Cerezos" in form
    said = {"party": f"#{cerezos.id}", "name": "Rosa Ficticia", "is_active": "1"}
    refused = clerk.post("/contact/add", data=said)
    assert refused.status_code == 422 and "Rosa Ficticia" in refused.text

    clerk.post("/contact/add", data={**said, "email": "ROSA@Example.com", "is_main": "1"})

    seeded.expire_all()
    main = seeded.scalars(select(PartyContact).where(PartyContact.is_main)).one()
    assert (main.name, main.email) == ("Rosa Ficticia", "ROSA@example.com")


def test_groups_are_ticked_on_their_page(sign_in, seeded, cerezos):
    group = InterestGroup(code="NUEVO", name="Grupo nuevo")
    seeded.add(group)
    seeded.commit()
    clerk = sign_in(COMERCIAL)

    assert clerk.post(f"/party/groups/{cerezos.id}", data={"groups": [str(group.id)]}).status_code == 302
    assert seeded.scalars(select(PartyGroup.group_id).where(PartyGroup.party_id == cerezos.id)).all() == [group.id]
    assert "Grupo nuevo" in clerk.get(f"/party/show/{cerezos.id}").text
    assert clerk.post(f"/party/groups/{cerezos.id}", data={"groups": ["999999"]}).status_code == 422
    assert clerk.get("/party/groups/999999").status_code == 404


# ── Actions ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def action_form(make, process="TECNICA", **said):
    due_on = local(now()).date() + timedelta(30)
    return {"kind": "PREVENTIVE", "origin": "OTHER", "title": "Revisar válvulas", "process_id": str(make.process(process).id),
            "due_on": due_on.isoformat(), "description": "", **said}  # fmt: skip


def test_quality_asks_for_a_correction_and_its_owner_finishes_it(sign_in, seeded, make, cerezos):
    page = sign_in(CALIDAD).post("/action/add", data=action_form(make, party=f"#{cerezos.id}", kind="CORRECTION"))
    action = seeded.scalars(select(Action).order_by(Action.id.desc())).first()
    assert page.location == f"/action/show/{action.id}"
    assert (action.kind, action.party_id, action.created_by_id is None) == (ActionKind.CORRECTION, cerezos.id, False)

    owner = sign_in(DUENO, "TECNICA")
    today = local(now()).date()
    refused = owner.post(f"/action/finish/{action.id}", data={"result": "Listo", "ended_on": (today + timedelta(1)).isoformat()})
    assert refused.status_code == 422 and "Listo" in refused.text
    assert owner.post(f"/action/finish/{action.id}", data={"result": "Listo", "ended_on": today.isoformat()}).status_code == 302
    seeded.expire_all()
    assert (action.status, action.result) == (ActionStatus.DONE, "Listo")
    assert owner.get(f"/action/edit/{action.id}").status_code == 404
    assert owner.post(f"/action/finish/{action.id}", data={"result": "Otra vez", "ended_on": today.isoformat()}).status_code == 422
    assert owner.post(f"/action/cancel/{action.id}", data={"result": "No"}).status_code == 403
    seeded.expire_all()
    assert action.result == "Listo"


def test_an_owner_asks_for_actions_of_his_processes_only(sign_in, seeded, make, cerezos):
    owner = sign_in(DUENO, "TECNICA")
    refused = owner.post("/action/add", data=action_form(make, "FACTURACION"))

    assert refused.status_code == 422 and "Revisar válvulas" in refused.text
    assert owner.post("/action/add", data=action_form(make)).status_code == 302


def test_an_action_due_before_it_was_asked_is_refused_beside_its_day(sign_in, make, cerezos):
    page = sign_in(CALIDAD).post("/action/add", data=action_form(make, due_on="2020-01-01"))

    assert page.status_code == 422
    assert 'id="due_on-error"' in page.text


# ── Mi día ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("role", "process"), [(COMERCIAL, None), (SUBGERENTE, None), (CALIDAD, None), (DUENO, "TECNICA")])
def test_what_the_commercial_side_waits_for_leads_to_as_many_rows(sign_in, cerezos, role, process):
    reader = sign_in(role, process) if process else sign_in(role)
    page = reader.get("/").text
    part = page[page.index('<h2 id="commercial">') :]
    links = re.findall(r'<a class="tile[^"]*" href="([^"]*)"><strong>(\d+)</strong>', part[: part.index("</ul>")])

    assert any(href.startswith("/action/list/") for href, _n in links)
    for href, n in links:
        rows = reader.get(unescape(href)).text
        assert int(re.search(r'id="n-found">(\d+)', rows)[1]) == int(n), href


def test_whoever_only_reads_has_nothing_of_it_to_do(sign_in, cerezos):
    assert 'id="commercial"' not in sign_in(AUXILIAR).get("/").text
