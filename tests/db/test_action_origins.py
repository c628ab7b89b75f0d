"""What asks for an action: every origin is found by its number and tells whose it is; none, or one that may not be seen, is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import false
from werkzeug.routing import RequestRedirect

from app.domain.errors import DomainError
from app.domain.improvement import ActionKind, ActionOrigin
from app.domain.indicators import Direction
from app.domain.states import Identity
from app.models import Indicator, LegalRequirement, ManagementReview, MassEvent, Nonconformity, Organisation
from app.operations import checklists, improvement
from app.operations.action_origins import SOURCES, asked_by, key_of, resolve

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
ON = date(2026, 7, 10)
TYPED = (ActionOrigin.AUDIT, ActionOrigin.OTHER)


@pytest.fixture
def records(seeded, make, a_case) -> dict[ActionOrigin, Any]:
    """A record of each origin that has some."""
    house, process = seeded.query(Organisation).one().id, make.process("TECNICA").id
    contract = make.contract(starts_on=date(2025, 7, 10), ends_on=None, object="Facturación conjunta")
    found = {
        ActionOrigin.PQR: a_case(at=AT, subject="Cobro de más", party=make.party(name="Luz Ficticia")),
        ActionOrigin.MASS_EVENT: MassEvent(name="Corte del 9 de julio", since_on=ON, what="Se rompió la conducción", sector="La Floresta"),
        ActionOrigin.SURVEY: make.campaign(at=AT, process_id=process),
        ActionOrigin.CHECKLIST: checklists.open_checklist(seeded, contract, at=AT, actor_id=None),
        ActionOrigin.RISK: make.risk(at=AT, event="Se presenta el silencio"),
        ActionOrigin.INDICATOR: Indicator(code="IND-99", name="Respuestas a tiempo", formula="a / b", unit="%", direction=Direction.MORE,
                                          starts_on=ON, process_id=process),
        ActionOrigin.NONCONFORMITY: Nonconformity(organisation_id=house, number="SNC-2026-0001", found_on=ON, process_id=process,
                                                  what="Carta sin recursos"),
        ActionOrigin.LEGAL: LegalRequirement(norm="Ley 142 de 1994", articles="art. 999", obligation="Responder", process_id=process),
        ActionOrigin.REVIEW: ManagementReview(organisation_id=house, number="RD-2026-0001", held_on=ON, period_from=ON, period_until=ON),
    }  # fmt: skip
    seeded.add_all(found.values())
    seeded.flush()
    return found


@pytest.mark.parametrize("origin", SOURCES, ids=lambda origin: origin.name)
def test_a_record_is_found_as_people_write_its_number(seeded, records, origin):
    key = key_of(origin, records[origin])

    found = resolve(seeded, origin, f"  {key.lower()} ")

    assert (found.origin, found.key) == (origin, key)
    assert str(records[origin].id) in found.path or key in found.path
    assert found.process_id == getattr(records[origin], "process_id", found.process_id)
    assert key in found.description and (not found.title or found.title.endswith(key))


@pytest.mark.parametrize("origin", SOURCES, ids=lambda origin: origin.name)
def test_what_is_found_opens_a_page_of_the_product(app, seeded, records, origin):
    path = resolve(seeded, origin, key_of(origin, records[origin])).path

    try:
        endpoint, _values = app.url_map.bind("localhost").match(path)
    except RequestRedirect as elsewhere:
        pytest.fail(f"{path} is {elsewhere.new_url}")
    assert endpoint.endswith(".show")


@pytest.mark.parametrize("origin", SOURCES, ids=lambda origin: origin.name)
@pytest.mark.parametrize("key", ["", "X-1", "EM-", "ML-99999999999", "PQR-2026-999999", "%", "'"])
def test_an_unknown_number_is_refused_beside_its_field(seeded, records, origin, key):
    with pytest.raises(DomainError) as refusal:
        resolve(seeded, origin, key)

    assert refusal.value.field == "origin_key"
    assert refusal.value.fields == {"origin": origin.value, "key": key}


@pytest.mark.parametrize("origin", SOURCES, ids=lambda origin: origin.name)
def test_who_may_not_see_the_record_learns_no_more_than_that_there_is_none(seeded, records, origin):
    key = key_of(origin, records[origin])
    refusals = []
    for within in ({}, {origin: lambda statement: statement.where(false())}):
        with pytest.raises(DomainError) as refusal:
            resolve(seeded, origin, key, within=within)
        refusals.append((refusal.value.msgid, refusal.value.fields))

    assert refusals[0] == refusals[1]
    assert resolve(seeded, origin, key, within={origin: lambda statement: statement}).key == key


@pytest.mark.parametrize("origin", TYPED, ids=lambda origin: origin.name)
def test_an_audit_and_other_origins_stay_as_they_are_typed(seeded, origin):
    found = resolve(seeded, origin, "  Auditoría   interna 2026-03 ", within={})

    assert (found.key, found.path, found.process_id, found.party_id) == ("Auditoría interna 2026-03", "", None, None)


def test_every_origin_is_found_or_typed():
    assert {*SOURCES, *TYPED} == set(ActionOrigin)


def test_a_mass_event_is_found_by_its_name_too(seeded, records):
    assert resolve(seeded, ActionOrigin.MASS_EVENT, "Corte del 9 de julio").key == f"EM-{records[ActionOrigin.MASS_EVENT].id}"


def test_a_case_brings_its_party_unless_its_identity_is_reserved(seeded, make, a_case, records):
    hidden = a_case(at=AT, party=make.party(name="Nadie Debe Leer"), identity=Identity.RESERVED)
    open_case = records[ActionOrigin.PQR]

    assert resolve(seeded, ActionOrigin.PQR, open_case.number).party_id == open_case.party_id
    found = resolve(seeded, ActionOrigin.PQR, hidden.number)
    assert found.party_id is None and "Nadie" not in found.title + found.description


def test_a_long_subject_is_cut_and_the_number_stays(seeded, a_case):
    pqr = a_case(at=AT, subject="Cobro " * 33)

    found = resolve(seeded, ActionOrigin.PQR, pqr.number)

    assert len(found.title) <= 200 and found.title.endswith(f"… · {pqr.number}")


def test_a_record_finds_the_actions_it_asked_for_the_newest_first(seeded, make, records):
    said = {"kind": ActionKind.CORRECTIVE, "description": "", "process_id": make.process("TECNICA").id, "responsible_id": None,
            "due_on": date(2026, 9, 1), "at": AT, "user_id": None}  # fmt: skip
    key = records[ActionOrigin.PQR].number
    first, second = (improvement.ask_action(seeded, origin=ActionOrigin.PQR, origin_key=key, title=title, **said) for title in ("A", "B"))
    improvement.ask_action(seeded, origin=ActionOrigin.OTHER, origin_key=key, title="C", **said)

    assert seeded.scalars(asked_by(ActionOrigin.PQR, key)).all() == [second, first]
