"""Financing and invoice changes: what adds up is stored and frozen by a second step."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask_babel import force_locale
from pypdf import PdfReader
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import documents
from app.documents import money as papers
from app.domain.deviation import BillingCycle, deviation_of
from app.domain.errors import DomainError, MoveRefused
from app.domain.financing import Terms
from app.domain.invoices import ChangeLine
from app.domain.states import ChangeStatus, FinancingStatus, Identity, Visibility
from app.models import ControlledDocument, Financing, Instalment, Parameter
from app.operations import files, money
from app.operations.money import Agreement, Correction

AT = datetime(2026, 8, 10, 15, 0, tzinfo=UTC)
LATER = datetime(2026, 8, 12, 15, 0, tzinfo=UTC)
ON, SIGNED_ON = date(2026, 8, 10), date(2026, 8, 12)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def text_of(document: Any) -> str:
    pages = PdfReader(io.BytesIO(documents.document_bytes(document))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())


@pytest.fixture
def house(seeded, make):
    """Who writes, who authorises, and a case with an account and its customer."""
    luz = make.party(name="Luz Marina Peña", address="Calle 5 # 6-7")
    account = make.account(party_id=luz.id)
    return {
        "writer": make.user("Auxiliar PQR", first_name="Alba", last_name="Ruiz"),
        "boss": make.user("Subgerente administrativo y comercial", first_name="Ana", last_name="Ñáñez"),
        "pqr": make.case(at=datetime(2026, 8, 3, 15, 0, tzinfo=UTC), party=luz, account=account),
        "account": account,
        "party": luz,
    }


def agreement(house, **changes: Any) -> Agreement:
    terms = Terms(Decimal(600_000), Decimal(100_000), 6, Decimal("1.5"), date(2026, 8, 31), ON)
    said = Agreement(house["account"], house["party"], "Consumos de mayo a julio", terms, house["pqr"])
    return replace(said, **changes)


@pytest.fixture
def propose(seeded, house):
    return lambda **changes: money.propose_financing(seeded, agreement(house, **changes), at=AT, actor_id=house["writer"].id)


@pytest.fixture
def signed(seeded, house, propose):
    def build(at: datetime = LATER, **changes: Any) -> Financing:
        financing = propose(**changes)
        papers.issue_financing(seeded, financing, house["writer"], AT)
        file = files.store_file(seeded, files.check_upload("firmado.pdf", io.BytesIO(PDF)), pqr=financing.pqr, visibility=Visibility.STAFF)
        return money.sign_financing(seeded, financing, proof="Firmó Luz, CC 52", file=file, at=at, actor_id=house["boss"].id)

    return build


def correction(house, **changes: Any) -> Correction:
    lines = [ChangeLine("Consumo", Decimal(120_000), Decimal(80_000)), ChangeLine("Subsidio", Decimal(-12_000), Decimal(-8_000))]
    said = Correction(house["account"], "F-7788", "2026-07", "Fuga imperceptible; se promedia.", lines, date(2026, 8, 1), house["pqr"])
    return replace(said, **changes)


@pytest.fixture
def draft(seeded, house):
    return lambda **changes: money.draft_change(seeded, correction(house, **changes), at=AT, actor_id=house["writer"].id)


# ── Financing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_proposal_has_its_number_and_a_schedule_that_adds_up(seeded, propose):
    first, second = propose(), propose()

    assert (first.number, second.number) == ("FIN-2026-000001", "FIN-2026-000002")
    assert sum(row.principal_cop for row in first.instalments) == first.debt_cop - first.down_cop == 500_000
    assert [row.due_on for row in first.instalments][:2] == [date(2026, 8, 31), date(2026, 9, 30)]
    assert first.instalments[-1].balance_cop == 0
    assert first.monthly_rate == Decimal("0.015")
    assert first.status is FinancingStatus.PROPOSED


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("financing.max_monthly_rate", "1.2", "passes the most that is allowed: 1.2"),
        ("financing.max_instalments", "5", "At most 5 instalments"),
        ("financing.max_monthly_rate", "mucho", "financing.max_monthly_rate has to be a number"),
    ],
)
def test_the_limits_of_the_house_are_its_parameters(seeded, propose, key, value, words):
    seeded.get_one(Parameter, key).value = value

    with pytest.raises(DomainError, match=words):
        propose()
    assert seeded.scalar(select(Financing)) is None


def test_a_refused_proposal_takes_no_number(seeded, house, propose):
    with pytest.raises(DomainError):
        propose(concept=" ")

    assert propose().number == "FIN-2026-000001"


def test_a_proposal_is_rewritten_until_it_is_on_paper(seeded, house, propose):
    financing = propose()
    terms = Terms(Decimal(300_000), Decimal(0), 3, Decimal(0), date(2026, 9, 15), ON)

    money.amend_financing(seeded, financing, agreement(house, terms=terms))
    assert [row.payment_cop for row in financing.instalments] == [100_000] * 3
    assert seeded.scalars(select(Instalment).where(Instalment.financing_id == financing.id)).all() == financing.instalments

    papers.issue_financing(seeded, financing, house["writer"], AT)
    with pytest.raises(MoveRefused, match="was made as a paper"):
        money.amend_financing(seeded, financing, agreement(house))
    with pytest.raises(MoveRefused, match="was made already"):
        papers.issue_financing(seeded, financing, house["writer"], AT)


def test_the_paper_says_the_conditions_and_the_whole_schedule(seeded, house, propose):
    financing = propose()
    document = papers.issue_financing(seeded, financing, house["writer"], AT)
    said = text_of(document)

    assert document.number == financing.number == "FIN-2026-000001"
    for expected in (
        "Orden de financiación", "R10-01-05 Orden de financiación Versión 1",
        "Luz Marina Peña, CC", "$ 600.000", "$ 100.000", "$ 500.000", "6 cuotas",
        "31 de agosto de 2026", "1,5 % mensual", "Tabla de pagos", "30/09/2026", "$ 87.763", "$ 87.761", "$ 26.576",
        "Consumos de mayo a julio", house["account"].number, house["pqr"].number, "Deudor",
    ):  # fmt: skip
        assert expected in said, expected
    assert document.file.visibility is Visibility.CITIZEN


def test_whoever_filed_the_case_does_not_see_the_paper_of_somebody_else(seeded, house, make, propose):
    financing = propose(party=make.party(name="Dueño del predio"))

    assert papers.issue_financing(seeded, financing, house["writer"], AT).file.visibility is Visibility.STAFF


def test_a_financing_of_an_account_needs_no_case(seeded, house, propose):
    said = text_of(papers.issue_financing(seeded, propose(pqr=None), house["writer"], AT))

    assert house["account"].number in said
    assert "PQR-" not in said


def test_the_form_has_the_code_that_the_house_gives_it(seeded, house, propose):
    seeded.scalars(select(ControlledDocument).where(ControlledDocument.code == "R10-01-05")).one().code = "R06-01-07"

    paper = papers.issue_financing(seeded, propose(), house["writer"], AT)

    assert paper.data["organisation"]["control"]["code"] == "R06-01-07"
    assert "R06-01-07 Orden de financiación Versión 1 · Último cambio: 28-agt-2020" in text_of(paper)


def test_a_signature_needs_the_paper_words_and_the_file(seeded, house, propose):
    financing = propose()
    about = {"at": LATER, "actor_id": house["boss"].id}

    with pytest.raises(MoveRefused, match="Make the paper of FIN-2026-000001 first"):
        money.sign_financing(seeded, financing, proof="Firmó", file=None, **about)
    papers.issue_financing(seeded, financing, house["writer"], AT)
    with pytest.raises(MoveRefused) as refusal:
        money.sign_financing(seeded, financing, proof=" ", file=None, **about)
    assert refusal.value.field == "proof"
    with pytest.raises(MoveRefused) as refusal:
        money.sign_financing(seeded, financing, proof="Firmó", file=None, **about)
    assert refusal.value.field == "proof_file"


def test_a_signed_order_says_who_when_and_how(signed, house):
    financing = signed()

    assert (financing.status, financing.signed_on, financing.authorised_by_id) == (FinancingStatus.SIGNED, SIGNED_ON, house["boss"].id)
    assert financing.proof_file.name == "firmado.pdf"


def test_a_schedule_that_was_tampered_with_is_not_signed(seeded, house, propose):
    financing = propose()
    seeded.execute(text("UPDATE instalment SET principal_cop = principal_cop - 1, interest_cop = interest_cop + 1 WHERE n = 1"))
    seeded.expire_all()

    with pytest.raises(DomainError, match=r"they pay 499999 and 500000 is financed .* Difference: -1\."):
        papers.issue_financing(seeded, financing, house["writer"], AT)


def test_the_database_refuses_an_instalment_that_does_not_add_up(seeded, propose):
    propose()

    with pytest.raises(IntegrityError):
        seeded.execute(text("UPDATE instalment SET payment_cop = payment_cop + 1 WHERE n = 1"))


@pytest.mark.parametrize("name", ["concept", "debt_cop", "monthly_rate", "proof", "status", "signed_on"])
def test_nothing_of_a_signed_order_changes(seeded, signed, name):
    financing = signed()
    values = {"concept": "Otra cosa", "debt_cop": 1, "monthly_rate": Decimal(0), "proof": "x", "status": FinancingStatus.VOIDED,
              "signed_on": ON}  # fmt: skip
    seeded.expire_all()  # as another request finds it
    setattr(financing, name, values[name])

    with pytest.raises(RuntimeError, match="is signed and never changes"):
        seeded.flush()


def test_the_instalments_of_a_signed_order_do_not_change_either(seeded, signed):
    financing = signed()
    seeded.expire_all()
    financing.instalments[0].due_on = date(2027, 1, 1)

    with pytest.raises(RuntimeError, match="its rows never change"):
        seeded.flush()


def test_only_a_proposal_is_voided_and_with_a_reason(seeded, propose, signed):
    financing = propose()

    with pytest.raises(MoveRefused) as refusal:
        money.void_financing(seeded, financing, "  ")
    assert refusal.value.field == "reason"
    assert money.void_financing(seeded, financing, "No volvió a firmar").status is FinancingStatus.VOIDED
    for other in (financing, signed()):
        with pytest.raises(MoveRefused, match="can no longer be voided"):
            money.void_financing(seeded, other, "Otra vez")


# ── Changes of invoices ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_has_its_number_lines_and_author(draft, house):
    change = draft()

    assert change.number == "CF-2026-000001"
    assert [(line.concept, line.before_cop, line.after_cop) for line in change.lines] == [
        ("Consumo", 120_000, 80_000), ("Subsidio", -12_000, -8_000),
    ]  # fmt: skip
    assert change.created_by_id == house["writer"].id


def test_a_draft_is_rewritten_line_by_line(seeded, draft, house):
    change = draft()
    money.amend_change(seeded, change, correction(house, lines=[ChangeLine("Aseo", Decimal(9_000), Decimal(0))]), at=AT)
    seeded.expire_all()

    assert [(line.position, line.concept) for line in change.lines] == [(1, "Aseo")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"invoice_number": " "}, "invoice_number"),
        ({"delivered_on": date(2026, 8, 11)}, "delivered_on"),
        ({"period": "2026-09"}, "period"),
        ({"lines": []}, "lines"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_draft_that_says_too_little_is_refused_at_its_field(draft, changes, field):
    with pytest.raises(DomainError) as refusal:
        draft(**changes)

    assert refusal.value.field == field


def test_an_old_invoice_goes_down_but_not_up(draft):
    up, down = [ChangeLine("Consumo", Decimal(1_000), Decimal(2_000))], [ChangeLine("Consumo", Decimal(2_000), Decimal(1_000))]

    assert draft(period="2025-12", delivered_on=date(2026, 1, 9), lines=down)
    with pytest.raises(DomainError, match=r"possible until 2026-06-09, 5 months .* \(Ley 142 de 1994, art\. 150\)"):
        draft(period="2025-12", delivered_on=date(2026, 1, 9), lines=up)


def test_what_could_rise_when_it_was_written_may_be_late_when_it_is_authorised(seeded, draft, house):
    change = draft(period="2026-02", delivered_on=date(2026, 3, 11), lines=[ChangeLine("Consumo", Decimal(0), Decimal(5_000))])

    with pytest.raises(DomainError, match="can no longer rise"):
        papers.authorise_change(seeded, change, house["boss"], LATER)
    assert change.status is ChangeStatus.DRAFT


def test_who_writes_a_change_does_not_authorise_it(seeded, draft, house):
    change = draft()

    with pytest.raises(MoveRefused, match="somebody else has to authorise it"):
        papers.authorise_change(seeded, change, house["writer"], LATER)


def test_who_corrects_a_change_does_not_authorise_it_either(seeded, draft, house):
    change = draft()
    seeded.info["actor_id"] = house["boss"].id
    money.amend_change(seeded, change, correction(house, reason="Otra razón"), at=AT)

    with pytest.raises(MoveRefused, match="somebody else has to authorise it"):
        papers.authorise_change(seeded, change, house["boss"], LATER)


def test_an_authorised_change_has_its_paper_and_is_final(seeded, draft, house):
    change = draft()
    document = papers.authorise_change(seeded, change, house["boss"], LATER)
    said = text_of(document)

    assert (change.status, change.authorised_by_id, change.authorised_on) == (ChangeStatus.AUTHORISED, house["boss"].id, SIGNED_ON)
    for expected in (
        "Cambios en la factura", "R10-01-06 Cambios en la factura Versión 1",
        "CF-2026-000001", "F-7788", "2026-07", "$ 120.000", "−$ 12.000", "−$ 36.000",
        "Fuga imperceptible", "Ana Ñáñez", "Luz Marina Peña",
    ):  # fmt: skip
        assert expected in said, expected
    for act in (lambda: money.void_change(seeded, change, "No"), lambda: money.amend_change(seeded, change, correction(house), at=LATER)):
        with pytest.raises(MoveRefused, match="no longer changes"):
            act()
    seeded.expire_all()
    change.lines[0].after_cop = 1
    with pytest.raises(RuntimeError, match="its rows never change"):
        seeded.flush()


def test_the_paper_of_a_reserved_case_does_not_tell_who_asked(seeded, make, draft, house):
    hidden = make.party(name="Nombre Oculto")
    pqr = make.case(identity=Identity.RESERVED, party=hidden, account=house["account"])

    assert "Nombre Oculto" not in text_of(papers.authorise_change(seeded, draft(pqr=pqr), house["boss"], LATER))


def test_a_draft_is_voided_with_a_reason(seeded, draft):
    change = draft()
    with pytest.raises(MoveRefused):
        money.void_change(seeded, change, "")

    assert money.void_change(seeded, change, "Se hizo dos veces").status is ChangeStatus.VOIDED


# ── Deviations ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_limits_of_a_deviation_ship_as_parameters(seeded):
    from app.domain.deviation import DeviationRule

    rule, averages = money.deviation_rule(seeded)
    assert (rule, averages) == (DeviationRule(), {})

    seeded.get_one(Parameter, "deviation.percent_low").value = "50"
    seeded.get_one(Parameter, "deviation.stratum_3").value = "14,5"
    rule, averages = money.deviation_rule(seeded)
    assert (rule.percent_low, averages) == (50, {3: Decimal("14.5")})


@pytest.mark.parametrize(
    ("consumption", "history", "stratum", "numbers"),
    [
        (55, [20] * 6, None, ("175", "55", "20", "65", "7", "33")),
        (30, [], 15, ("100", "30", "15", "5,25", "24,75")),
        (1, [0] * 6, None, ("1", "0")),
    ],
)
def test_a_deviation_is_one_sentence_with_its_numbers_and_norm(seeded, consumption, history, stratum, numbers):
    rule, _averages = money.deviation_rule(seeded)
    found = deviation_of(
        Decimal(consumption), [Decimal(value) for value in history], BillingCycle.MONTHLY, rule,
        stratum_average=None if stratum is None else Decimal(stratum),
    )  # fmt: skip
    with force_locale("es"):
        said = money.say_deviation(found)

    assert "151 de 2001" in said
    assert set(numbers) <= set(re.findall(r"\d+(?:,\d+)?", said))
