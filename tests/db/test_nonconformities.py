"""Non-conforming outputs: their steps, what each refuses, and the history that stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin, Disposition, NonconformityStatus
from app.domain.nonconformities import MOVES, SncMove
from app.models import ActionEvent, Nonconformity
from app.operations import nonconformities as operations
from app.operations.improvement import Asked
from app.operations.nonconformities import Treated

ON = date(2026, 7, 10)
AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
WHEN = {"at": AT, "user_id": None}


def told(make, status="OPEN", **columns):
    """Return an output of billing that came to *status*."""
    said = {"what": "300 facturas con la tarifa del año pasado", "found_on": ON - timedelta(days=2),
            "process_id": make.process("FACTURACION").id}  # fmt: skip
    row = operations.tell(make.session, Nonconformity(**(said | columns)), **WHEN)
    if status != "OPEN":
        operations.treat(make.session, row, treated(make), **WHEN)
    if status == "CLOSED":
        verified(make, row, reason="Pasó una sola vez")
    return row


def treated(make, disposition=Disposition.CORRECT, **said):
    boss = said.pop("boss", None) or make.user("Subgerente administrativo y comercial")
    values = {"treatment": "Se liquidaron de nuevo", "treated_on": ON, "authorised_by_id": boss.id, "cost_cop": Decimal(120_000)}
    return Treated(disposition, **(values | said))


def verified(make, row, *, who=None, reason="", text="Se revisaron las 300", on=ON):
    user = who or make.user("Calidad")
    return operations.verify(make.session, row, text, verified_on=on, no_action_reason=reason, at=AT, user_id=user.id)


def wanted(make):
    return Asked("Cargar la tarifa con doble control", "", ActionKind.CORRECTIVE, make.process("FACTURACION").id, ON + timedelta(days=30))


def moves(session, row):
    return session.scalars(select(ActionEvent.move).where(ActionEvent.nonconformity_id == row.id).order_by(ActionEvent.id)).all()


def test_an_output_is_told_treated_learned_from_and_closed(make):
    session, row = make.session, told(make)
    action = operations.ask_for_action(session, row, wanted(make), **WHEN)
    operations.treat(session, row, treated(make), **WHEN)
    verified(make, row)

    session.refresh(row)
    assert (row.number, row.status, row.verified_on) == ("SNC-2026-0001", NonconformityStatus.CLOSED, ON)
    assert (action.origin, action.origin_key, action.origin_path) == (
        ActionOrigin.NONCONFORMITY, row.number, f"/nonconformity/show/{row.id}",
    )  # fmt: skip
    assert row.action_id == action.id
    assert moves(session, row) == ["TELL", "ASK", "TREAT", "VERIFY"]


def test_what_does_not_conform_yet_is_treated_again_and_its_first_treatment_stays_in_the_history(make):
    session, row = make.session, told(make, "TREATED")
    operations.send_back(session, row, "Faltan 20 facturas", **WHEN)

    session.refresh(row)
    assert row.status is NonconformityStatus.OPEN
    assert (row.disposition, row.treatment, row.authorised_by_id, row.cost_cop) == (None, "", None, None)
    last = session.scalars(select(ActionEvent).order_by(ActionEvent.id.desc())).first()
    assert (last.move, last.reason, last.facts["treatment"]) == ("RETURN", "Faltan 20 facturas", "Se liquidaron de nuevo")
    operations.treat(session, row, treated(make, Disposition.INFORM), **WHEN)
    assert row.status is NonconformityStatus.TREATED


def test_numbers_have_no_gap_where_one_is_refused(make):
    told(make)
    with pytest.raises(DomainError):
        told(make, what="  ")

    assert told(make).number == "SNC-2026-0002"


# ── Refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

STEPS = {
    SncMove.CHANGE: lambda make, row: operations.amend(make.session, row, **WHEN),
    SncMove.TREAT: lambda make, row: operations.treat(make.session, row, treated(make), **WHEN),
    SncMove.VERIFY: lambda make, row: verified(make, row, reason="Pasó una vez"),
    SncMove.RETURN: lambda make, row: operations.send_back(make.session, row, "Falta", **WHEN),
    SncMove.ASK: lambda make, row: operations.ask_for_action(make.session, row, wanted(make), **WHEN),
    SncMove.NO_ACTION: lambda make, row: operations.need_no_action(make.session, row, "Pasó una vez", **WHEN),
}


@pytest.mark.parametrize("move", list(MOVES), ids=lambda move: move.name)
@pytest.mark.parametrize("status", list(NonconformityStatus), ids=lambda status: status.name)
def test_each_step_is_made_from_its_states_and_refused_from_the_others(make, status, move):
    row = told(make, status.name)
    before = moves(make.session, row)

    if status in MOVES[move]:
        STEPS[move](make, row)
        assert moves(make.session, row) == [*before, move.name]
    else:
        with pytest.raises(MoveRefused, match=row.number):
            STEPS[move](make, row)
        assert (row.status, moves(make.session, row)) == (status, before)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"treatment": "  "}, "treatment"),
        ({"treated_on": ON - timedelta(days=3)}, "treated_on"),
        ({"treated_on": ON + timedelta(days=1)}, "treated_on"),
        ({"authorised_by_id": 999_999}, "authorised_by"),
        ({"cost_cop": Decimal(-1)}, "cost_cop"),
    ],
)
def test_a_treatment_that_cannot_be_is_refused_beside_its_field(make, changed, field):
    row = told(make)

    with pytest.raises(DomainError) as refused:
        operations.treat(make.session, row, treated(make, **changed), **WHEN)
    assert (refused.value.field, row.status) == (field, NonconformityStatus.OPEN)


def test_nobody_accepts_their_own_output_under_concession(make):
    owner = make.user("Dueño de proceso", process="FACTURACION")
    row = told(make, responsible=owner)

    with pytest.raises(DomainError, match="under concession"):
        operations.treat(make.session, row, treated(make, Disposition.CONCESSION, boss=owner), **WHEN)
    operations.treat(make.session, row, treated(make, Disposition.CONCESSION), **WHEN)
    assert row.disposition is Disposition.CONCESSION


def test_nobody_verifies_their_own_output(make):
    owner = make.user("Calidad", process="FACTURACION")
    row = told(make, "TREATED", responsible=owner)

    with pytest.raises(MoveRefused, match="somebody else"):
        verified(make, row, who=owner, reason="Pasó una vez")


def test_nothing_closes_without_an_action_or_the_reason_why_none_is_needed(make):
    row = told(make, "TREATED")

    with pytest.raises(DomainError) as refused:
        verified(make, row)
    assert refused.value.field == "no_action_reason"
    operations.need_no_action(make.session, row, "Pasó una sola vez", **WHEN)
    assert verified(make, row).status is NonconformityStatus.CLOSED


def test_an_output_asks_for_one_action_and_then_needs_no_reason(make):
    row = told(make)
    operations.need_no_action(make.session, row, "Pasó una sola vez", **WHEN)
    operations.ask_for_action(make.session, row, wanted(make), **WHEN)

    assert row.no_action_reason == ""
    for step in (SncMove.ASK, SncMove.NO_ACTION):
        with pytest.raises(MoveRefused, match="already"):
            STEPS[step](make, row)
