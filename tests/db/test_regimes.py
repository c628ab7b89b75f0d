"""The law of a case: chosen by request, service and company, kept for life, and its terms from one end to the other."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app import queries
from app.documents import stops
from app.domain.deadlines import Regime
from app.domain.errors import DomainError, MoveRefused, TermMissing
from app.domain.states import Move
from app.models import RequestType, Service
from app.operations import pqr as operations
from app.operations import silence


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


def coded(session, model, code):
    return session.scalars(select(model).where(model.code == code)).one()


@pytest.fixture
def boss(a_user):
    return a_user("Subgerente administrativo y comercial")


def routed(session, make, code, on="2026-07-10", **fields):
    pqr = make.case(at=instant(on), request_type=code, **fields)
    operations.route(session, pqr, make.process("COMERCIAL"), "Es de su área", at=instant(on, 11), actor_id=None)
    return pqr


# ── Which law ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "service", "law"),
    [
        ("RECLAMO", "ACUEDUCTO", Regime.LEY142),
        ("RECLAMO", "GENERAL", Regime.LEY142),
        ("RECLAMO", None, Regime.LEY142),
        ("PETICION", "ESPECIAL", Regime.LEY1755),
        ("AUTORIDAD", "ACUEDUCTO", Regime.LEY1755),
        ("HABEAS_DATA_RECLAMO", "ACUEDUCTO", Regime.LEY1581),
        ("HABEAS_DATA_CONSULTA", "ESPECIAL", Regime.LEY1581),
    ],
)
def test_the_request_goes_before_the_service_and_the_service_before_the_company(make, code, service, law):
    assert make.case(request_type=code, service=service).regime is law


def test_the_service_of_the_account_decides_when_none_is_told(seeded, make):
    account = make.account(service=coded(seeded, Service, "ESPECIAL"))

    assert make.case(request_type="PETICION", account=account).regime is Regime.LEY1755


def test_a_company_under_another_law_files_under_it(seeded, make):
    queries.organisation(seeded).regime = Regime.LEY1480
    coded(seeded, Service, "ASEO").regime = Regime.LEY142

    assert make.case(request_type="RECLAMO").regime is Regime.LEY1480
    assert make.case(request_type="RECLAMO", service="ASEO").regime is Regime.LEY142


def test_a_case_keeps_the_law_that_it_was_filed_under(seeded, make):
    pqr = make.case(at=instant("2026-07-10"), request_type="CONSULTA", service="ESPECIAL")
    coded(seeded, Service, "ESPECIAL").regime = Regime.LEY142
    operations.recompute_due(seeded, pqr)

    assert (pqr.regime, pqr.term_value, pqr.due_on) == (Regime.LEY1755, 30, date(2026, 8, 27))


def test_a_law_without_a_term_for_the_request_is_an_error_that_names_it(seeded, make):
    coded(seeded, Service, "ESPECIAL").regime = Regime.LEY1480

    with pytest.raises(TermMissing, match="RECURSO"):
        make.case(request_type="RECURSO", service="ESPECIAL")


# ── Correcting what was filed ─────────────────────────────────────────────────────────────────────────────────────────────


def test_another_service_brings_its_law_and_its_term(seeded, make):
    pqr = routed(seeded, make, "CONSULTA", service="ACUEDUCTO")
    assert (pqr.regime, pqr.due_on) == (Regime.LEY142, date(2026, 8, 4))

    operations.reclassify(seeded, pqr, pqr.request_type, coded(seeded, Service, "ESPECIAL"))
    assert (pqr.regime, pqr.term_value, pqr.due_on) == (Regime.LEY1755, 30, date(2026, 8, 27))

    operations.reclassify(seeded, pqr, coded(seeded, RequestType, "HABEAS_DATA_CONSULTA"), pqr.service)
    assert (pqr.regime, pqr.term_value, pqr.due_on) == (Regime.LEY1581, 10, date(2026, 7, 28))


def test_a_finished_case_takes_another_service_but_neither_type_nor_law(seeded, make):
    pqr = make.case(at=instant("2026-07-10"), service="ACUEDUCTO")
    operations.void(seeded, pqr, "Se radicó dos veces", at=instant("2026-07-10", 11), actor_id=None)
    special = coded(seeded, Service, "ESPECIAL")

    with pytest.raises(MoveRefused, match="keeps its type"):
        operations.reclassify(seeded, pqr, coded(seeded, RequestType, "PETICION"), special)
    operations.reclassify(seeded, pqr, pqr.request_type, special)
    assert (pqr.service.code, pqr.regime, pqr.due_on) == ("ESPECIAL", Regime.LEY142, date(2026, 8, 4))


def test_a_term_that_was_extended_keeps_its_law(seeded, make, boss):
    pqr = routed(seeded, make, "PETICION", service="ESPECIAL")
    extend(seeded, pqr, boss, 15, "2026-08-03")

    with pytest.raises(MoveRefused, match="longer term"):
        operations.reclassify(seeded, pqr, coded(seeded, RequestType, "INFORMACION"), pqr.service)
    assert (pqr.request_type.code, pqr.service.code, pqr.due_on) == ("PETICION", "ESPECIAL", date(2026, 8, 27))


# ── Each law, from one end to the other ───────────────────────────────────────────────────────────────────────────────────


def extend(session, pqr, boss, extra, on):
    return stops.extend(session, pqr, extra, "Falta el laboratorio", "Correo certificado, guía 77", issuer=boss, at=instant(on))


def test_law_142_has_fifteen_days_no_extension_and_silence(seeded, make, boss):
    pqr = routed(seeded, make, "RECLAMO")

    with pytest.raises(DomainError, match="does not allow an extension"):
        extend(seeded, pqr, boss, 5, "2026-07-15")
    silence.keep_up(seeded, instant("2026-08-04", 23))
    assert pqr.silence is None
    silence.keep_up(seeded, instant("2026-08-05"))
    seeded.refresh(pqr)
    assert (pqr.term_value, pqr.due_on) == (15, date(2026, 8, 4))
    assert pqr.silence is not None and pqr.silence.arisen_on == date(2026, 8, 5)


@pytest.mark.parametrize(
    ("code", "service", "due_on", "extra", "longer_on"),
    [
        ("PETICION", "ESPECIAL", date(2026, 8, 4), 15, date(2026, 8, 27)),
        ("INFORMACION", "ESPECIAL", date(2026, 7, 28), 10, date(2026, 8, 12)),
        ("CONSULTA", "ESPECIAL", date(2026, 8, 27), 30, date(2026, 10, 8)),
        ("HABEAS_DATA_CONSULTA", "ACUEDUCTO", date(2026, 7, 28), 5, date(2026, 8, 4)),
        ("HABEAS_DATA_RECLAMO", "ACUEDUCTO", date(2026, 8, 4), 8, date(2026, 8, 18)),
    ],
)
def test_laws_1755_and_1581_extend_once_within_bounds_and_know_no_silence(seeded, make, boss, code, service, due_on, extra, longer_on):
    pqr = routed(seeded, make, code, service=service)
    assert pqr.due_on == due_on

    with pytest.raises(DomainError, match=f"from 1 to {extra}"):
        extend(seeded, pqr, boss, extra + 1, "2026-07-15")
    extend(seeded, pqr, boss, extra, str(due_on))
    with pytest.raises(DomainError, match="extended once"):
        extend(seeded, pqr, boss, 1, str(due_on))
    assert (pqr.due_on, pqr.n_extended) == (longer_on, extra)
    silence.keep_up(seeded, instant("2026-12-01"))
    seeded.refresh(pqr)
    assert pqr.silence is None


@pytest.mark.parametrize("code", ["PETICION", "HABEAS_DATA_RECLAMO"])
def test_an_extension_told_after_the_term_is_refused(seeded, make, boss, code):
    pqr = routed(seeded, make, code, service="ESPECIAL")

    with pytest.raises(DomainError, match="before the term ends"):
        extend(seeded, pqr, boss, 5, "2026-08-05")
    assert (pqr.due_on, pqr.n_extended) == (date(2026, 8, 4), 0)


def test_law_1480_has_fifteen_days_and_neither_extension_nor_silence(seeded, make, boss):
    queries.organisation(seeded).regime = Regime.LEY1480
    pqr = routed(seeded, make, "RECLAMO")

    with pytest.raises(DomainError, match="does not allow an extension"):
        extend(seeded, pqr, boss, 5, "2026-07-15")
    silence.keep_up(seeded, instant("2026-08-10"))
    seeded.refresh(pqr)
    assert (pqr.term_value, pqr.due_on, pqr.silence) == (15, date(2026, 8, 4), None)
    assert [event.move for event in pqr.events] == [Move.FILE, Move.ROUTE]
