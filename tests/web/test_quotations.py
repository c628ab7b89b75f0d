"""The pages of quotations: lines without script, totals before saving, steps with their refusals, what stays and what is typed twice."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.quotations import LossReason, QuotationStatus
from app.lookups import lookup_text
from app.models import Contract, Parameter, PartyContact, Quotation, QuotationFollowUp
from app.operations import quotations as operations
from app.security import CALIDAD, COMERCIAL

# the clock of the tests stands on 2026-07-10


@pytest.fixture
def clinic(make):
    return make.party(name="Clínica Ficticia")


@pytest.fixture
def clerk(sign_in):
    return sign_in(COMERCIAL)


def offer(customer, /, **fields: Any) -> dict[str, Any]:
    return {
        "party": lookup_text(customer), "contact": "", "subject": "Análisis de agua", "requested_on": "2026-07-01", "process_id": "",
        "responsible": "", "validity_days": "30", "line-0-description": "Análisis", "line-0-quantity": "12", "line-0-unit": "mes",
        "line-0-price": "850.000", "line-0-vat_rate": "19", "line-1-description": "Visita", "line-1-quantity": "3,5",
        "line-1-unit": "hora", "line-1-price": "120001", "line-1-vat_rate": "5", "do": "save", **fields,
    }  # fmt: skip


def only(session) -> Quotation:
    session.expire_all()
    return session.scalars(select(Quotation)).one()


def n_of(session, model) -> int:
    return session.scalar(select(func.count()).select_from(model))


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_form_of_a_customer_knows_its_contact_and_the_conditions_of_the_house(seeded, clerk, clinic):
    seeded.add(PartyContact(party=clinic, name="Sandra Mejía", email="s@example.com", is_main=True))
    seeded.merge(Parameter(key="quotation.payment", value="Treinta días"))
    seeded.commit()
    page = clerk.get(f"/quotation/add?party=%23{clinic.id}").text

    assert f'value="{lookup_text(clinic)}"' in page and "Sandra Mejía" in page
    assert 'value="Treinta días"' in page and 'value="2026-07-10"' in page


def test_totals_are_seen_before_anything_is_saved(seeded, clerk, clinic):
    answer = clerk.post("/quotation/add", data=offer(clinic, do="preview"))

    assert answer.status_code == 200
    for amount in ("$ 10,200,000", "$ 420,004", "$ 1,938,000", "$ 21,000", "$ 12,579,004"):
        assert amount in answer.text
    assert n_of(seeded, Quotation) == 0


def test_a_quotation_is_saved_and_shown_with_its_lines_and_totals(seeded, clerk, clinic):
    answer = clerk.post("/quotation/add", data=offer(clinic, responsible=lookup_text(clerk.user)), follow_redirects=True)
    quotation = only(seeded)

    assert (quotation.number, quotation.total_cop, quotation.created_by_id) == ("COT-2026-0001", 12_579_004, clerk.user_id)
    assert "COT-2026-0001" in answer.text and "$ 12,579,004" in answer.text and "3.5" in answer.text
    assert [line.description for line in operations.current(quotation).lines] == ["Análisis", "Visita"]


def test_lines_are_added_and_taken_away_without_script(seeded, clerk, clinic):
    more = clerk.post("/quotation/add", data=offer(clinic, do="more", subject="")).text
    assert more.count('name="line-5-description"') == 1 and 'value="Visita"' in more
    assert "what the quotation is about" not in more, "nobody asked to save yet"

    fewer = clerk.post("/quotation/add", data=offer(clinic, do="drop-0")).text
    assert 'value="Análisis"' not in fewer
    assert re.search(r'<input[^>]*name="line-0-description"[^>]*value="Visita"', fewer), "what is left is numbered anew"
    last = {name: value for name, value in offer(clinic, do="drop-1").items() if not name.startswith("line-0")}
    assert 'name="line-0-description"' in clerk.post("/quotation/add", data=last).text, "there is always a line to write"
    assert n_of(seeded, Quotation) == 0


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"party": "nadie"}, "party", "Nothing matches"),
        ({"subject": " "}, "subject", "what the quotation is about"),
        ({"requested_on": "2026-07-11"}, "requested_on", "after today"),
        ({"requested_on": "ayer"}, "requested_on", ""),
        ({"validity_days": "0"}, "validity_days", "1 to 365"),
        ({"line-1-quantity": "0"}, "line-1-quantity", "more than zero"),
        ({"line-1-quantity": "mucho"}, "line-1-quantity", "without points"),
        ({"line-1-quantity": "1,2345"}, "line-1-quantity", "three decimals"),
        ({"line-1-price": "-5"}, "line-1-price", "cannot be negative"),
        ({"line-1-price": "10,50"}, "line-1-price", "without cents"),
        ({"line-1-price": ""}, "line-1-price", "Write 0"),
        ({"line-1-unit": ""}, "line-1-unit", "the unit"),
        ({"line-1-description": ""}, "line-1-description", "what is quoted"),
        ({"line-1-vat_rate": "x"}, "line-1-vat_rate", ""),
        ({"line-0-description": "x" * 501}, "line-0-description", "501"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(seeded, clerk, clinic, fields, field, words):
    answer = clerk.post("/quotation/add", data=offer(clinic, **fields))

    assert answer.status_code == 422
    error = re.search(rf'id="{field}-error">([^<]+)<', answer.text)
    assert error and words in error[1]
    assert 'value="850.000"' in answer.text
    assert n_of(seeded, Quotation) == 0


def test_what_is_wrong_above_and_in_the_lines_is_said_at_once(seeded, clerk, clinic):
    answer = clerk.post("/quotation/add", data=offer(clinic, subject="", **{"line-1-price": "10,50"}))

    assert answer.status_code == 422
    assert "what the quotation is about" in answer.text and "Correct the lines that are marked." in answer.text
    assert 'id="line-1-price-error"' in answer.text


def test_an_offer_of_nothing_is_refused(seeded, clerk, clinic):
    nothing = {name: value for name, value in offer(clinic).items() if not name.startswith("line-")}
    answer = clerk.post("/quotation/add", data=nothing)

    assert answer.status_code == 422 and "at least one line" in answer.text


def test_the_contact_of_somebody_else_is_refused(seeded, clerk, clinic, make):
    other = PartyContact(party=make.party(), name="Ajena", email="ajena@example.com")
    seeded.add(other)
    seeded.commit()
    answer = clerk.post("/quotation/add", data=offer(clinic, contact=lookup_text(other)))

    assert answer.status_code == 422 and "no contact of Clínica Ficticia" in answer.text


def test_two_people_at_once_do_not_overwrite_each_other(seeded, clerk, clinic):
    clerk.post("/quotation/add", data=offer(clinic))
    address = f"/quotation/edit/{only(seeded).id}"
    seen = re.search(r'name="seen" value="([^"]+)"', clerk.get(address).text)[1]
    late = clerk.post(address, data=offer(clinic, seen="2020-01-01", **{"line-0-description": "Mi texto"}))

    assert late.status_code == 422 and "Somebody else changed this" in late.text and 'value="Mi texto"' in late.text
    assert clerk.post(address, data=offer(clinic, seen=seen, **{"line-0-description": "El otro"})).status_code == 302
    assert operations.current(only(seeded)).lines[0].description == "El otro"


def test_the_edit_form_shows_numbers_as_people_write_them(seeded, clerk, clinic):
    clerk.post("/quotation/add", data=offer(clinic))
    page = clerk.get(f"/quotation/edit/{only(seeded).id}").text

    for value in ("12", "3.5", "850,000", "120,001"):
        assert re.search(rf'<input[^>]*name="line-\d-(quantity|price)"[^>]*value="{re.escape(value)}"', page)


# ── What was sent stays ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["SENT", "ACCEPTED", "REJECTED", "EXPIRED", "WITHDRAWN"])
def test_what_is_no_draft_says_why_it_stays_and_keeps_what_was_typed(seeded, clerk, make, clinic, status):
    quotation = make.quotation(status)
    total, address = quotation.total_cop, f"/quotation/edit/{quotation.id}"
    page = clerk.get(address, follow_redirects=True)
    sent = clerk.post(address, data=offer(clinic, **{"line-0-description": "Lo que escribí"}))

    assert quotation.number in page.text and ("new version" in page.text or "no longer changes" in page.text)
    assert sent.status_code == 422 and 'value="Lo que escribí"' in sent.text
    assert only(seeded).total_cop == total


def test_a_new_version_is_written_with_a_reason_and_the_earlier_is_listed(seeded, clerk, make):
    quotation = make.quotation()
    assert clerk.post(f"/quotation/revise/{quotation.id}", data={"reason": " "}).status_code == 422
    page = clerk.post(f"/quotation/revise/{quotation.id}", data={"reason": "Pidió descuento"}, follow_redirects=True).text
    quotation = only(seeded)

    assert (quotation.status, quotation.version) == (QuotationStatus.DRAFT, 2)
    assert "Version 1" in page and "Version 2" in page and "Pidió descuento" in page
    assert clerk.get(f"/quotation/edit/{quotation.id}").status_code == 200


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_acceptance_asks_how_and_the_contract_is_one_press_away(seeded, clerk, make):
    pk = make.quotation().id
    late = clerk.post(f"/quotation/accept/{pk}", data={"on": "2026-07-11", "note": "OC 17"})
    assert late.status_code == 422 and 'id="on-error"' in late.text and "OC 17" in late.text
    assert clerk.post(f"/quotation/accept/{pk}", data={"on": "2026-07-08", "note": ""}).status_code == 422

    page = clerk.post(f"/quotation/accept/{pk}", data={"on": "2026-07-08", "note": "OC 17"}, follow_redirects=True).text
    assert only(seeded).decided_on == date(2026, 7, 8)
    assert f"/quotation/contract/{pk}" in page
    assert clerk.get("/quotation/list/?contract=none").text.count("COT-2026-0001") >= 1

    answer = clerk.post(f"/quotation/contract/{pk}")
    made = seeded.scalars(select(Contract)).one()
    assert answer.status_code == 302 and answer.location.endswith(f"/contract/show/{made.id}")
    assert (made.party_id, made.value_cop, made.quotation_id) == (only(seeded).party_id, only(seeded).total_cop, pk)
    page = clerk.get(f"/quotation/show/{pk}").text
    assert made.number in page and f"/quotation/contract/{pk}" not in page
    clerk.post(f"/quotation/contract/{pk}")
    assert n_of(seeded, Contract) == 1


def test_only_what_was_accepted_becomes_a_contract(seeded, clerk, make):
    pk = make.quotation().id
    clerk.post(f"/quotation/contract/{pk}")

    assert n_of(seeded, Contract) == 0


def test_a_rejection_asks_the_reason(seeded, clerk, make):
    pk = make.quotation().id
    assert clerk.post(f"/quotation/reject/{pk}", data={"on": "2026-07-08"}).status_code == 422
    other = clerk.post(f"/quotation/reject/{pk}", data={"on": "2026-07-08", "reason": "OTHER", "note": ""})
    assert other.status_code == 422 and "few words" in other.text
    clerk.post(f"/quotation/reject/{pk}", data={"on": "2026-07-08", "reason": "COMPETITOR", "note": "Más barato"})

    assert (only(seeded).status, only(seeded).loss_reason) == (QuotationStatus.REJECTED, LossReason.COMPETITOR)


@pytest.mark.parametrize(("status", "step"), [("DRAFT", "accept"), ("DRAFT", "revise"), ("ACCEPTED", "reject"), ("REJECTED", "withdraw"),
                                              ("WITHDRAWN", "follow-up")])  # fmt: skip
def test_a_step_that_is_not_possible_says_so_instead_of_asking(seeded, clerk, make, status, step):
    quotation = make.quotation(status)
    answer = clerk.get(f"/quotation/{step}/{quotation.id}", follow_redirects=True)

    assert answer.request.path == f"/quotation/show/{quotation.id}"
    assert "this can no longer be done" in answer.text


def test_it_is_withdrawn_with_a_reason_that_stays_in_its_history(seeded, clerk, make):
    pk = make.quotation("DRAFT").id
    assert clerk.post(f"/quotation/withdraw/{pk}", data={"reason": ""}).status_code == 422
    page = clerk.post(f"/quotation/withdraw/{pk}", data={"reason": "La pidieron dos veces"}, follow_redirects=True).text

    assert page.count("La pidieron dos veces") >= 2  # among the facts, and in the history
    assert only(seeded).status is QuotationStatus.WITHDRAWN


# ── Following ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_follow_up_is_noted_on_the_page_and_reaches_the_filter_on_its_day(seeded, clerk, make, app):
    pk = make.quotation().id
    assert f'action="/quotation/follow-up/{pk}"' in clerk.get(f"/quotation/show/{pk}").text
    said = {"on": "2026-07-10", "means": "PHONE", "note": "Lo mira la junta", "next_on": "2026-07-14"}
    late = clerk.post(f"/quotation/follow-up/{pk}", data=said | {"next_on": "2026-07-10"})
    assert late.status_code == 422 and "Lo mira la junta" in late.text
    page = clerk.post(f"/quotation/follow-up/{pk}", data=said, follow_redirects=True).text

    assert "Lo mira la junta" in page and "14 Jul 2026" in page
    assert seeded.scalars(select(QuotationFollowUp)).one().created_by_id == clerk.user_id
    assert "COT-2026-0001" not in clerk.get("/quotation/list/?follow_up=due").text
    app.config["ATIENDE_NOW"] = "2026-07-14T10:00:00-05:00"
    assert "COT-2026-0001" in clerk.get("/quotation/list/?follow_up=due").text


@pytest.mark.parametrize(("sent_on", "bucket"), [("2026-07-10", 0), ("2026-07-03", 0), ("2026-07-02", 1), ("2026-06-24", 2),
                                                 ("2026-06-09", 3), ("2026-05-10", 4)])  # fmt: skip
def test_the_list_knows_for_how_long_each_waits(seeded, clerk, make, sent_on, bucket):
    make.quotation(sent_on=date.fromisoformat(sent_on), requested_on=date(2026, 5, 1), validity_days=90)
    days = (date(2026, 7, 10) - date.fromisoformat(sent_on)).days
    found = [n for n in range(5) if "COT-2026-0001" in clerk.get(f"/quotation/list/?ageing={n}").text]

    assert found == [bucket]
    assert f"{days} day" in clerk.get("/quotation/list/").text


def test_only_what_waits_has_an_age(seeded, clerk, make):
    make.quotation("ACCEPTED")

    assert all("COT-2026-0001" not in clerk.get(f"/quotation/list/?ageing={n}").text for n in range(5))


def test_who_only_reads_is_offered_nothing_to_do(seeded, sign_in, make):
    pk = make.quotation().id
    page = sign_in(CALIDAD).get(f"/quotation/show/{pk}").text

    for step in ("accept", "reject", "revise", "withdraw", "follow-up", "send"):
        assert f"/quotation/{step}/{pk}" not in page


def test_text_of_a_customer_is_text(seeded, clerk, clinic):
    clerk.post("/quotation/add", data=offer(clinic, subject="<script>alert(1)</script>", **{"line-0-description": "<b>x</b>"}))
    page = clerk.get(f"/quotation/show/{only(seeded).id}").text

    assert "<script>alert" not in page and "<b>x</b>" not in page and "&lt;b&gt;x&lt;/b&gt;" in page
