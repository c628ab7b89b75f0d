"""Contracts, requirements and contacts brought in: by number, again and again, and never over what was signed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask_babel import gettext
from sqlalchemy import func, select

from app.domain.contracts import ContractStage
from app.domain.interested import QualityKind
from app.domain.states import ImportStatus, PartyKind
from app.importing.kinds import KINDS
from app.models import (
    Amendment,
    ChangeLog,
    CommercialEvent,
    Contract,
    ContractKind,
    ContractRequirement,
    ImportBatch,
    InterestGroup,
    OutboxMessage,
    Party,
    PartyContact,
    PartyGroup,
)
from tests.db.test_imports import bring, check, confirm, counts, n_of, receive, table

HEAD = ("Contrato", "Objeto", "Clase", "NIT", "Contratista", "Fecha de firma", "Fecha de inicio", "Fecha fin", "Valor", "Área")
CONTRACTS = (
    HEAD,
    ("2019-014", "Suministro de agua", "AGUA_EN_BLOQUE", "900.123.456-8", "Cooperativa El Progreso", "01/03/2019", "18/03/2019",
     "17/03/2027", "$ 18.500.000", "Comercial"),
    ("2026-003", "Mantenimiento de redes", "", "900.123.456-8", "Cooperativa El Progreso", "", "01/08/2026", "", "", ""),
)  # fmt: skip
REQUIREMENTS = (
    ("Contrato", "No.", "Requisito", "Calidad", "Cláusula", "Responsable"),
    ("2019-014", "1", "El agua cumple la Resolución 2115 de 2007", "Requerida", "Cláusula 4", "Subgerencia técnica operativa"),
    ("2019-014", "2", "La presión está entre la mínima y la máxima", "Esperada", "Anexo técnico", ""),
    ("2026-003", "1", "La cuadrilla llega en dos horas", "", "", ""),
)


def come_in(session, kind: str, rows: tuple[tuple[Any, ...], ...], source: str = "Libro de contratos", **options: str) -> ImportBatch:
    batch = receive(session, kind, table(*rows), source=source)
    confirm(session, batch, **options)
    return bring(session, batch)


def changed(rows: tuple[tuple[Any, ...], ...], row: int, column: int, cell: str) -> tuple[tuple[Any, ...], ...]:
    """Return the header and one row of *rows*, with another cell in it."""
    return rows[0], (*rows[row][:column], cell, *rows[row][column + 1 :])


def said(batch: ImportBatch) -> str:
    """Return what is wrong with the rows of *batch*."""
    return " ".join(words for _number, words in batch.reading["bad"])


def contract(session, number: str) -> Contract:
    return session.scalars(select(Contract).where(Contract.number == number)).one()


@pytest.fixture
def brought(seeded):
    """A signed and a draft contract of another register, with what they require."""
    come_in(seeded, "contracts", CONTRACTS)
    come_in(seeded, "contract_requirements", REQUIREMENTS)
    return seeded


# ── Contracts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_check_writes_nothing_and_knows_the_columns_by_their_names(seeded):
    batch = receive(seeded, "contracts", table(*CONTRACTS), source="Libro de contratos")
    confirm(seeded, batch)
    check(seeded, batch)

    assert set(batch.mapping.values()) == {
        "number", "object", "kind", "document", "name", "signed_on", "starts_on", "ends_on", "value_cop", "process"}  # fmt: skip
    assert counts(batch) == (2, 2, 0, 0, 0)
    assert batch.totals == {"Sum of the values": "18500000.00"}
    assert n_of(seeded, Contract) == n_of(seeded, Party) == 0


def test_a_register_becomes_contracts_with_their_party_and_history(seeded):
    batch = come_in(seeded, "contracts", CONTRACTS)

    assert (batch.status, counts(batch)) == (ImportStatus.DONE, (2, 2, 0, 0, 0))
    old, new = contract(seeded, "2019-014"), contract(seeded, "2026-003")
    assert (old.stage, old.signed_on, old.starts_on, old.ends_on) == (
        ContractStage.SIGNED, date(2019, 3, 1), date(2019, 3, 18), date(2027, 3, 17))  # fmt: skip
    assert (old.value_cop, old.source, old.kind.code, old.process.code) == (
        Decimal(18_500_000), "Libro de contratos", "AGUA_EN_BLOQUE", "COMERCIAL")  # fmt: skip
    assert (old.party.name, old.party.document_number, old.party.kind) == ("Cooperativa El Progreso", "9001234568", PartyKind.ORGANISATION)
    assert (new.stage, new.kind.code, new.value_cop) == (ContractStage.DRAFT, "OTRO", None)
    assert new.party_id == old.party_id, "one party, named in two rows"
    event = seeded.scalars(select(CommercialEvent).where(CommercialEvent.contract_id == old.id)).one()
    assert (event.move, event.to_status, event.facts["source"]) == ("IMPORT", "SIGNED", "Libro de contratos")
    assert n_of(seeded, OutboxMessage) == 0, "nobody is told of what comes in"
    assert seeded.scalar(select(func.count()).where(ChangeLog.table_name == "contract")) == 0


def test_the_same_file_again_changes_nothing(brought):
    again = come_in(brought, "contracts", CONTRACTS)

    assert counts(again) == (2, 0, 0, 2, 0)
    assert n_of(brought, Contract) == 2


OTHERWISE = ((1, "Otro objeto", "Object"), (7, "17/03/2030", "Ends on"), (8, "20.000.000", "Value"))


@pytest.mark.parametrize(("column", "cell", "what"), OTHERWISE)
def test_what_was_signed_is_not_overwritten_and_the_row_says_what_differs(brought, column, cell, what):
    batch = come_in(brought, "contracts", changed(CONTRACTS, 1, column, cell))

    assert counts(batch) == (1, 0, 0, 0, 1)
    assert "01/03/2019" in said(batch)
    assert gettext(what) in said(batch)
    old = contract(brought, "2019-014")
    assert (old.object, old.ends_on, old.value_cop) == ("Suministro de agua", date(2027, 3, 17), Decimal(18_500_000))


def test_who_answers_for_a_signed_contract_may_come_in(brought):
    batch = come_in(brought, "contracts", changed(CONTRACTS, 1, 9, "Facturación"))

    assert counts(batch) == (1, 0, 1, 0, 0)
    assert contract(brought, "2019-014").process.code == "FACTURACION"


def test_a_draft_takes_what_differs_and_an_empty_cell_erases_nothing(brought):
    batch = come_in(brought, "contracts", changed(CONTRACTS, 2, 8, "3.400.000,60"))
    same = come_in(brought, "contracts", CONTRACTS[:1] + CONTRACTS[2:])

    assert counts(batch) == (1, 0, 1, 0, 0)
    assert batch.reading["n_doubtful"] == 1, "centavos are rounded, and somebody is told"
    assert counts(same) == (1, 0, 0, 1, 0)
    assert contract(brought, "2026-003").value_cop == Decimal(3_400_001)


def test_a_draft_of_the_register_is_signed_by_it_and_freezes_what_it_requires(brought):
    come_in(brought, "contracts", changed(CONTRACTS, 2, 5, "09/07/2026"))

    signed = contract(brought, "2026-003")
    assert (signed.stage, signed.signed_on) == (ContractStage.SIGNED, date(2026, 7, 9))
    rows = brought.scalars(select(ContractRequirement).where(ContractRequirement.contract_id == signed.id)).all()
    assert [row.is_frozen for row in rows] == [True]


def test_a_contract_that_is_prepared_here_is_signed_on_its_page(brought):
    draft = contract(brought, "2026-003")
    draft.source = None
    brought.flush()
    batch = come_in(brought, "contracts", changed(CONTRACTS, 2, 5, "09/07/2026"))

    assert counts(batch) == (1, 0, 0, 0, 1)
    assert contract(brought, "2026-003").stage is ContractStage.DRAFT


def test_contracts_without_a_day_of_signature_may_count_as_signed_on_their_start(seeded):
    rows = (*CONTRACTS[:2], (*CONTRACTS[2][:6], "01/06/2026", *CONTRACTS[2][7:]))
    come_in(seeded, "contracts", rows, unsigned="START")

    started = contract(seeded, "2026-003")
    assert (started.stage, started.signed_on) == (ContractStage.SIGNED, date(2026, 6, 1))


BAD = (
    ({3: "900.123.456-7"}, "document"),  # another check digit
    ({3: "800197268-4", 4: ""}, "document"),  # nobody has it, and nobody is named
    ({6: ""}, "starts_on"),  # signed, and does not start
    ({7: "01/03/2018"}, "ends_on"),  # ends before it starts
    ({5: "11/07/2026"}, "signed_on"),  # signed tomorrow
)


@pytest.mark.parametrize(("cells", "field"), BAD)
def test_a_row_that_cannot_be_true_is_refused_and_the_others_come_in(seeded, cells, field):
    bad = tuple(cells.get(column, cell) for column, cell in enumerate(CONTRACTS[1]))
    batch = come_in(seeded, "contracts", (HEAD, bad, CONTRACTS[2]))

    assert counts(batch) == (2, 1, 0, 0, 1)
    assert [number for number, _words in batch.reading["bad"]] == [2]
    label = next(each.label for each in KINDS["contracts"].fields if each.name == field)
    assert said(batch).startswith(gettext(label))


def test_the_same_number_twice_in_a_file_is_refused_the_second_time(seeded):
    batch = come_in(seeded, "contracts", (HEAD, CONTRACTS[1], CONTRACTS[1]))

    assert counts(batch) == (2, 1, 0, 0, 1)


def test_an_early_end_says_why(seeded):
    head = (*HEAD, "Terminación anticipada", "Motivo de terminación")
    silent = (*CONTRACTS[2][:5], "02/06/2026", *CONTRACTS[2][6:], "01/07/2026", "")
    batch = come_in(seeded, "contracts", (head, (*CONTRACTS[1], "30/06/2026", "Acuerdo de las partes"), silent))

    assert counts(batch) == (2, 1, 0, 0, 1)
    ended = contract(seeded, "2019-014")
    assert (ended.stage, ended.terminated_on, ended.stage_reason) == (ContractStage.TERMINATED, date(2026, 6, 30), "Acuerdo de las partes")


# ── What they require ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_requirements_come_in_once_and_those_of_a_signed_contract_are_fixed(brought):
    again = come_in(brought, "contract_requirements", REQUIREMENTS)

    assert counts(again) == (3, 0, 0, 3, 0)
    rows = brought.scalars(select(ContractRequirement).order_by(ContractRequirement.contract_id, ContractRequirement.position)).all()
    assert [(row.contract.number, row.position, row.is_frozen) for row in rows] == [
        ("2019-014", 1, True), ("2019-014", 2, True), ("2026-003", 1, False)]  # fmt: skip
    assert (rows[0].clause, rows[0].process.code, rows[0].quality) == ("Cláusula 4", "TECNICA", QualityKind.REQUIRED)
    assert rows[1].quality is QualityKind.EXPECTED


def test_a_signed_requirement_is_not_overwritten_and_a_draft_one_is(brought):
    rows = (("2019-014", "1", "El agua cumple otra norma", "", "", ""), ("2026-003", "1", "La cuadrilla llega en una hora", "", "", ""))
    batch = come_in(brought, "contract_requirements", (REQUIREMENTS[0], *rows))

    assert counts(batch) == (2, 0, 1, 0, 1)
    assert "2019-014" in said(batch)
    texts = set(brought.scalars(select(ContractRequirement.text)))
    assert "El agua cumple otra norma" not in texts
    assert "La cuadrilla llega en una hora" in texts


def test_without_numbers_requirements_are_known_by_their_words(brought):
    rows = (("Contrato", "Requisito", "Evidencia"), ("2026-003", "la cuadrilla llega en DOS horas", "Órdenes"), ("2026-003", "Otro", ""))
    first = come_in(brought, "contract_requirements", rows)
    again = come_in(brought, "contract_requirements", rows)

    assert counts(first) == (2, 1, 1, 0, 0)
    assert counts(again) == (2, 0, 0, 2, 0)
    columns = select(ContractRequirement.position, ContractRequirement.evidence)
    found = brought.execute(columns.where(ContractRequirement.contract_id == contract(brought, "2026-003").id))
    assert sorted(map(tuple, found)) == [(1, "Órdenes"), (2, "")]


def test_an_amended_contract_and_one_that_was_signed_here_take_no_more_requirements(brought):
    old = contract(brought, "2019-014")
    brought.add(Amendment(contract=old, number=1, reason="Prórroga"))
    signed_here = contract(brought, "2026-003")
    signed_here.stage, signed_here.signed_on, signed_here.source = ContractStage.SIGNED, date(2026, 7, 9), None
    brought.flush()
    rows = (("2019-014", "3", "Otro", "", "", ""), ("2026-003", "2", "Otro", "", "", ""))
    batch = come_in(brought, "contract_requirements", (REQUIREMENTS[0], *rows))

    assert counts(batch) == (2, 0, 0, 0, 2)
    assert n_of(brought, ContractRequirement) == 3


def test_a_requirement_of_nobody_knows_which_contract_is_refused(seeded):
    batch = come_in(seeded, "contract_requirements", (REQUIREMENTS[0], ("1999-001", "1", "Algo", "", "", "")))

    assert counts(batch) == (1, 0, 0, 0, 1)
    assert "1999-001" in said(batch)


# ── Contacts and groups ───────────────────────────────────────────────────────────────────────────────────────────────────

PEOPLE = (
    ("NIT", "Contacto", "Cargo", "Correo", "Celular", "Principal", "Grupo"),
    ("900123456-8", "Marta Peña", "Compras", "marta@example.com", "", "Sí", "Grandes clientes"),
    ("900123456-8", "José Gil", "", "", "300 123 4567", "", ""),
)


@pytest.fixture
def party(seeded):
    group = InterestGroup(code="GRANDES", name="Grandes clientes")
    seeded.add_all([group, Party(name="Cooperativa", kind=PartyKind.ORGANISATION, document_type="NIT", document_number="9001234568")])
    seeded.flush()
    return seeded


def test_contacts_come_in_with_their_group_and_again_change_nothing(party):
    first = come_in(party, "contacts", PEOPLE)
    again = come_in(party, "contacts", PEOPLE)

    assert counts(first) == (2, 2, 0, 0, 0)
    assert counts(again) == (2, 0, 0, 2, 0)
    people = party.scalars(select(PartyContact).order_by(PartyContact.id)).all()
    assert [(each.name, each.position, each.email, each.phone, each.is_main) for each in people] == [
        ("Marta Peña", "Compras", "marta@example.com", None, True), ("José Gil", "", None, "+573001234567", False)]  # fmt: skip
    assert party.scalars(select(PartyGroup)).one().group.code == "GRANDES"


def test_another_first_to_call_takes_the_place_of_the_one_before(party):
    come_in(party, "contacts", PEOPLE)
    come_in(party, "contacts", (PEOPLE[0], ("900123456-8", "JOSE GIL", "Gerente", "", "", "Sí", "")))

    assert party.execute(select(PartyContact.name, PartyContact.position).where(PartyContact.is_main)).all() == [("José Gil", "Gerente")]


def test_contacts_that_nobody_can_reach_or_of_nobody_known_are_refused(party):
    rows = (PEOPLE[0], ("900123456-8", "Ana Ruiz", "", "", "", "", ""), ("800197268-4", "Luis Mora", "", "luis@example.com", "", "", ""),
            PEOPLE[1], ("900123456-8", "Otra Persona", "", "otra@example.com", "", "Sí", ""))  # fmt: skip
    batch = come_in(party, "contacts", rows)

    assert counts(batch) == (4, 1, 0, 0, 3)


def test_parties_come_in_with_their_group(party):
    rows = (("NIT", "Nombre", "Grupo"), ("900123456-8", "Cooperativa", "Grandes clientes"), ("800197268-4", "Acerías S.A.", "GRANDES"))
    first = come_in(party, "parties", rows)
    again = come_in(party, "parties", rows)

    assert counts(first) == (2, 1, 1, 0, 0)
    assert counts(again) == (2, 0, 0, 2, 0)
    assert n_of(party, PartyGroup) == 2


def test_every_kind_of_contract_that_ships_may_be_named_in_a_file(seeded):
    known = {spelling for option in KINDS["contracts"].options(seeded)["kind"] for spelling in option.spellings()}

    assert {"otro", "servicio publico", "obra"} <= known
    assert n_of(seeded, ContractKind) >= 3
