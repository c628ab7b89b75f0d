"""The pages of money: preview before saving, steps of two people, scope, the file for the billing system, and the calculator."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.states import ChangeStatus, FinancingStatus, Identity
from app.lookups import lookup_text
from app.models import Financing, Instalment, InvoiceChange, NumberSeries, Parameter, Process
from app.operations import pqr as moves
from app.security import AUXILIAR, COMERCIAL, CONTROL, DUENO, SUBGERENTE

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
FILED = datetime(2026, 7, 6, 15, 0, tzinfo=UTC)  # the clock of the tests stands on 2026-07-10


@pytest.fixture
def pqr(seeded, make):
    """A case of Facturación, with an account and its customer."""
    luz = make.party(name="Luz Peña", address="Calle 5 # 6-7")
    case = make.case(at=FILED, party=luz, account=make.account(party_id=luz.id, stratum=3), invoice_number="F-77")
    process = seeded.scalars(select(Process).where(Process.code == "FACTURACION")).one()
    moves.route(seeded, case, process, "Revisar", at=FILED, actor_id=None)
    return case


def debt(pqr, **fields: Any) -> dict[str, Any]:
    return {
        "pqr_number": pqr.number, "account": lookup_text(pqr.account), "party": lookup_text(pqr.party), "concept": "Consumos de mayo",
        "debt": "$ 600.000", "down": "100.000", "n_instalments": "6", "monthly_rate": "1,5", "agreed_on": "2026-07-10",
        "first_due_on": "2026-07-31", "do": "save", **fields,
    }  # fmt: skip


def bill(pqr, **fields: Any) -> dict[str, Any]:
    return {
        "pqr_number": pqr.number, "account": lookup_text(pqr.account), "invoice_number": "F-77", "period": "2026-06",
        "delivered_on": "2026-07-01", "reason": "Fuga imperceptible", "line-0-concept": "Consumo", "line-0-before": "120.000",
        "line-0-after": "80.000", "line-1-concept": "Subsidio", "line-1-before": "-12.000", "line-1-after": "-8.000", "do": "save",
        **fields,
    }  # fmt: skip


def only(session, model):
    session.expire_all()
    return session.scalars(select(model)).one()


def n_of(session, model) -> int:
    return session.scalar(select(func.count()).select_from(model))


# ── Financing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_form_of_a_case_knows_its_number_account_and_customer(seeded, sign_in, pqr):
    page = sign_in(AUXILIAR).get(f"/financing/add?pqr={pqr.number}").text

    for known in (pqr.number, lookup_text(pqr.account), lookup_text(pqr.party), "2026-07-10"):
        assert f'value="{known}"' in page


def test_the_schedule_is_seen_before_anything_is_saved(seeded, sign_in, pqr):
    answer = sign_in(AUXILIAR).post("/financing/add", data=debt(pqr, do="preview"))

    assert answer.status_code == 200
    assert "$ 87,763" in answer.text and "$ 26,576" in answer.text
    assert "Nothing is saved yet." in answer.text
    assert 'value="$ 600.000"' in answer.text, "what was typed stays as it was typed"
    assert n_of(seeded, Financing) == 0
    assert seeded.scalar(select(NumberSeries).where(NumberSeries.prefix == "FIN")) is None


def test_a_proposal_is_saved_and_shown_with_its_schedule(seeded, sign_in, pqr):
    clerk = sign_in(AUXILIAR)
    answer = clerk.post("/financing/add", data=debt(pqr), follow_redirects=True)
    financing = only(seeded, Financing)

    assert (financing.number, financing.debt_cop, financing.down_cop, financing.created_by_id) == (
        "FIN-2026-000001", 600_000, 100_000, clerk.user_id)  # fmt: skip
    assert "FIN-2026-000001" in answer.text and "$ 87,763" in answer.text and "1.5 %" in answer.text
    assert "FIN-2026-000001" in clerk.get(f"/pqr/{pqr.number}").text


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"debt": "600.000,50"}, "debt", "without cents"),
        ({"debt": "1.25"}, "debt", "without cents"),
        ({"debt": "mucho"}, "debt", "without cents"),
        ({"debt": "0"}, "debt", "no debt to finance"),
        ({"down": "600000"}, "down", "covers the whole debt"),
        ({"monthly_rate": "9"}, "monthly_rate", "passes the most that is allowed"),
        ({"monthly_rate": "1.23456"}, "monthly_rate", "without points"),
        ({"n_instalments": "99"}, "n_instalments", "At most 36"),
        ({"n_instalments": "0"}, "n_instalments", "at least one instalment"),
        ({"first_due_on": "2026-07-09"}, "first_due_on", "before the day of the agreement"),
        ({"agreed_on": "2026-07-11", "first_due_on": "2026-07-31"}, "agreed_on", "cannot be after today"),
        ({"agreed_on": "2026-07-05"}, "agreed_on", "older than the case"),
        ({"pqr_number": "PQR-2026-999999"}, "pqr_number", "no case PQR-2026-999999"),
        ({"account": "nada"}, "account", "Nothing matches"),
        ({"concept": "  "}, "concept", "what the debt is of"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(seeded, sign_in, pqr, fields, field, words):
    answer = sign_in(AUXILIAR).post("/financing/add", data=debt(pqr, **fields))

    assert answer.status_code == 422
    error = re.search(rf'id="{field}-error">([^<]*)<', answer.text)
    assert error and words in error[1]
    assert 'value="6"' in answer.text or "n_instalments" in fields
    assert n_of(seeded, Financing) == n_of(seeded, Instalment) == 0


def test_two_people_at_once_do_not_overwrite_each_other(seeded, sign_in, pqr):
    clerk = sign_in(AUXILIAR)
    clerk.post("/financing/add", data=debt(pqr))
    address = f"/financing/edit/{only(seeded, Financing).id}"
    seen = re.search(r'name="seen" value="([^"]+)"', clerk.get(address).text)[1]

    assert clerk.post(address, data=debt(pqr, n_instalments="4", seen="2020-01-01")).status_code == 422
    assert clerk.post(address, data=debt(pqr, n_instalments="4", seen=seen)).status_code == 302
    assert [row.n for row in only(seeded, Financing).instalments] == [1, 2, 3, 4]


def test_an_order_is_put_on_paper_signed_with_proof_and_then_fixed(seeded, sign_in, pqr):
    clerk, manager = sign_in(AUXILIAR), sign_in(SUBGERENTE)
    clerk.post("/financing/add", data=debt(pqr))
    pk = only(seeded, Financing).id

    assert manager.post(f"/financing/sign/{pk}", data={"proof": "Firmó", "proof_file": (BytesIO(PDF), "a.pdf")}).status_code == 422
    clerk.post(f"/financing/paper/{pk}")
    assert clerk.get(f"/financing/pdf/{pk}").data.startswith(b"%PDF")
    assert clerk.get(f"/financing/edit/{pk}").status_code == 404
    assert manager.post(f"/financing/sign/{pk}", data={"proof": "Firmó"}).status_code == 422
    wrong = manager.post(f"/financing/sign/{pk}", data={"proof": "Firmó", "proof_file": (BytesIO(b"MZ"), "firmado.exe")})
    assert wrong.status_code == 422 and 'id="proof_file-error"' in wrong.text
    answer = manager.post(f"/financing/sign/{pk}", data={"proof": "Firmó Luz, CC 52", "proof_file": (BytesIO(PDF), "firmado.pdf")})
    financing = only(seeded, Financing)

    assert answer.status_code == 302
    assert (financing.status, financing.authorised_by_id) == (FinancingStatus.SIGNED, manager.user_id)
    assert clerk.get(f"/financing/proof/{pk}").data == PDF
    assert manager.post(f"/financing/void/{pk}", data={"reason": "Tarde"}).status_code == 422
    assert only(seeded, Financing).status is FinancingStatus.SIGNED


def test_a_proposal_is_voided_with_a_reason(seeded, sign_in, pqr):
    sign_in(AUXILIAR).post("/financing/add", data=debt(pqr))
    pk, manager = only(seeded, Financing).id, sign_in(SUBGERENTE)

    assert manager.post(f"/financing/void/{pk}", data={"reason": ""}).status_code == 422
    assert manager.post(f"/financing/void/{pk}", data={"reason": "No volvió"}).status_code == 302
    assert "No volvió" in manager.get(f"/financing/show/{pk}").text


# ── Scope ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_writes_for_the_cases_of_the_process_and_no_other(seeded, sign_in, make, pqr):
    owner, other = sign_in(DUENO, "FACTURACION"), make.case(at=FILED)

    assert owner.get(f"/financing/add?pqr={pqr.number}").status_code == 200
    assert owner.get(f"/financing/add?pqr={other.number}").status_code == 404
    assert "no case" in owner.post("/financing/add", data=debt(pqr, pqr_number=other.number)).text
    assert "Write the number of the case" in owner.post("/financing/add", data=debt(pqr, pqr_number="")).text
    assert owner.post("/financing/add", data=debt(pqr)).status_code == 302


def test_an_owner_sees_only_the_papers_of_those_cases(seeded, sign_in, make, pqr):
    clerk, owner = sign_in(AUXILIAR), sign_in(DUENO, "TECNICA")
    clerk.post("/financing/add", data=debt(pqr))
    clerk.post("/invoice-change/add", data=bill(pqr))
    pk, change = only(seeded, Financing).id, only(seeded, InvoiceChange).id

    for address in (f"/financing/show/{pk}", f"/financing/pdf/{pk}", f"/invoice-change/show/{change}"):
        assert owner.get(address).status_code == 404
    assert "FIN-2026-000001" not in owner.get("/financing/list/").text
    assert "FIN-2026-000001" not in owner.get("/financing/export/csv").text


def test_papers_of_a_reserved_case_are_for_whoever_may_know_who_asks(seeded, sign_in, make, pqr):
    hidden = make.case(at=FILED, identity=Identity.RESERVED, party=make.party(name="Nombre Oculto"), account=pqr.account)
    clerk, trader = sign_in(AUXILIAR), sign_in(COMERCIAL)
    clerk.post("/financing/add", data=debt(pqr, pqr_number=hidden.number))
    pk = only(seeded, Financing).id

    assert clerk.get(f"/financing/show/{pk}").status_code == 200
    assert trader.get(f"/financing/show/{pk}").status_code == 404
    assert "FIN-2026" not in trader.get("/financing/list/").text


def test_a_list_asks_the_same_of_the_database_however_many_rows(seeded, sign_in, pqr, count_statements):
    clerk, owner = sign_in(AUXILIAR), sign_in(DUENO, "FACTURACION")
    counts = []
    for _round in range(2):
        clerk.post("/financing/add", data=debt(pqr))
        owner.get("/financing/list/")
        with count_statements() as statements:
            page = owner.get("/financing/list/?cols=number,status").text
        counts.append((len(statements), page.count("/financing/edit/")))

    assert [n_edits for _n, n_edits in counts] == [1, 2]
    assert counts[0][0] == counts[1][0] <= 8


# ── Changes of invoices ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_totals_are_seen_before_anything_is_saved(seeded, sign_in, pqr):
    answer = sign_in(AUXILIAR).post("/invoice-change/add", data=bill(pqr, do="preview"))

    assert answer.status_code == 200
    assert "$ 108,000" in answer.text and "−$ 36,000" in answer.text
    assert n_of(seeded, InvoiceChange) == 0


def test_more_lines_keep_what_was_typed(seeded, sign_in, pqr):
    answer = sign_in(AUXILIAR).post("/invoice-change/add", data=bill(pqr, do="more", **{"line-0-before": "mucho"}))

    assert answer.status_code == 200
    assert 'value="mucho"' in answer.text and 'value="Fuga' not in answer.text
    assert len(re.findall(r'name="line-\d+-concept"', answer.text)) == 6
    assert "Fuga imperceptible" in answer.text


def test_a_line_that_is_half_written_is_marked(seeded, sign_in, pqr):
    answer = sign_in(AUXILIAR).post("/invoice-change/add", data=bill(pqr, **{"line-2-concept": "Aseo", "line-3-after": "8,5"}))

    assert answer.status_code == 422
    for field in ("line-2-before", "line-2-after", "line-3-concept", "line-3-before", "line-3-after"):
        assert f'id="{field}-error"' in answer.text
    assert 'id="line-0-before-error"' not in answer.text
    assert n_of(seeded, InvoiceChange) == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"period": "julio"}, "like 2026-07"),
        ({"line-0-after": "120.000"}, "changes nothing"),
        ({"line-1-concept": "consumo"}, "is there twice"),
        ({"delivered_on": "2026-07-11"}, "after today"),
        ({"period": "2025-12", "delivered_on": "2026-01-05", "line-0-after": "200.000"}, "until 5 Jun 2026, 5 months"),
        ({"period": "2025-12", "delivered_on": "2026-01-05", "line-0-after": "200.000"}, "Ley 142 de 1994, art. 150"),
    ],
)
def test_a_change_that_may_not_be_is_refused_with_its_rule(seeded, sign_in, pqr, fields, words):
    answer = sign_in(AUXILIAR).post("/invoice-change/add", data=bill(pqr, **fields))

    assert answer.status_code == 422
    assert words in answer.text
    assert n_of(seeded, InvoiceChange) == 0


def test_one_writes_and_another_authorises(seeded, sign_in, pqr):
    clerk, manager = sign_in(AUXILIAR), sign_in(SUBGERENTE)
    clerk.post("/invoice-change/add", data=bill(pqr))
    pk = only(seeded, InvoiceChange).id

    assert clerk.post(f"/invoice-change/authorise/{pk}").status_code == 403
    assert only(seeded, InvoiceChange).status is ChangeStatus.DRAFT
    answer = manager.post(f"/invoice-change/authorise/{pk}", follow_redirects=True)
    assert "The change is authorised." in answer.text
    assert only(seeded, InvoiceChange).authorised_by_id == manager.user_id
    assert clerk.get(f"/invoice-change/pdf/{pk}").data.startswith(b"%PDF")
    assert clerk.get(f"/invoice-change/edit/{pk}").status_code == 404
    assert "CF-2026-000001" in clerk.get(f"/pqr/{pqr.number}").text


def test_an_administrator_does_not_authorise_what_the_same_hand_wrote(seeded, sign_in, pqr):
    admin = sign_in("Admin")
    admin.post("/invoice-change/add", data=bill(pqr))
    answer = admin.post(f"/invoice-change/authorise/{only(seeded, InvoiceChange).id}", follow_redirects=True)

    assert "somebody else has to authorise it" in answer.text
    assert only(seeded, InvoiceChange).status is ChangeStatus.DRAFT


# ── For the billing system ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_leads_to_the_batches_and_the_page_says_what_billing_answered(seeded, sign_in, pqr):
    clerk, manager = sign_in(AUXILIAR), sign_in(SUBGERENTE)
    clerk.post("/invoice-change/add", data=bill(pqr))
    pk = only(seeded, InvoiceChange).id
    manager.post(f"/invoice-change/authorise/{pk}")

    assert "/billing/open?kind=INVOICE_CHANGE" in clerk.get("/invoice-change/list/").text
    assert "FAC-2026-000001" not in clerk.get(f"/invoice-change/show/{pk}").text
    clerk.post("/billing/open", data={"kinds": ["INVOICE_CHANGE"], "media": "csv"})
    assert "FAC-2026-000001" in manager.get(f"/invoice-change/show/{pk}").text
    assert only(seeded, InvoiceChange).exported_at is not None


def test_control_takes_the_list_and_makes_no_batch(seeded, sign_in, pqr):
    sign_in(AUXILIAR).post("/financing/add", data=debt(pqr))
    control = sign_in(CONTROL)

    assert "FIN-2026-000001" in control.get("/financing/export/csv").text
    assert control.get("/financing/export/xlsx").data.startswith(b"PK")
    assert "/billing/open" not in control.get("/financing/list/").text


# ── The calculator ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_calculator_says_the_verdict_with_its_numbers_and_norm(seeded, sign_in):
    page = sign_in(AUXILIAR).get("/desviacion/?cycle=MONTHLY&previous=1200&current=1255&history=18 22 20 19 21 20").text

    assert "Significant increase" in page
    for expected in ("55 m³", "175\u00a0% greater", "20 m³", "from 7 to 33 m³", "art. 1.3.20.6"):
        assert expected in page, expected


def test_the_calculator_fills_what_the_house_knows_of_the_account(seeded, sign_in, pqr):
    seeded.get_one(Parameter, "deviation.stratum_3").value = "15"
    seeded.commit()
    clerk = sign_in(AUXILIAR)
    form = clerk.get("/desviacion/", query_string={"account": pqr.account.number}).text
    verdict = clerk.get("/desviacion/", query_string={"account": pqr.account.number, "consumption": "24,75"}).text

    assert re.search(r'name="stratum_average"[^>]*value="15"|value="15"[^>]*name="stratum_average"', form)
    assert "No significant deviation" in verdict and pqr.account.address in verdict


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ("previous=10", "current", "Write both readings"),
        ("previous=10&current=4&history=1 1 1 1 1 1", "current", "lower than the previous"),
        ("consumption=30&history=20 20", "stratum_average", "There are 2 earlier consumptions"),
        ("consumption=30&history=20 x", "history", "Write a number"),
        ("consumption=1.234,5", "consumption", "Write a number"),
        ("consumption=-3", "consumption", "Write a number"),
    ],
)
def test_the_calculator_says_what_it_lacks(seeded, sign_in, asked, field, words):
    answer = sign_in(AUXILIAR).get(f"/desviacion/?{asked}")

    assert answer.status_code == 422
    error = re.search(rf'id="{field}-error">([^<]*)<', answer.text)
    assert error and words in error[1]
