"""The pages that send a quotation: by mail or recorded, refusals beside their field, and the paper behind its link."""

from __future__ import annotations

import io
import re

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from app.domain.quotations import QuotationStatus
from app.models import Document, OutboxMessage, PartyContact, Quotation
from app.operations import quotations
from app.security import AUXILIAR, COMERCIAL, CONTROL
from tests.databases import statements_of

MAIL = {"do": "mail", "mail-to": "compras@example.com", "mail-message": "Quedo atento"}
HAND = {"do": "hand", "hand-sent_on": "2026-07-08", "hand-how": "En sus oficinas"}


@pytest.fixture
def draft(seeded, make):
    party = make.party(name="Clínica Ficticia", email="clinica@example.com")
    contact = PartyContact(party=party, name="Ana Compras", email="ana@example.com")
    seeded.add(contact)
    seeded.flush()
    return make.quotation("DRAFT", party=party, contact=contact)


def send(browser, quotation, **fields):
    return browser.post(f"/quotation/send/{quotation.id}", data=fields, follow_redirects=False)


def fresh(session, quotation) -> Quotation:
    session.expire_all()
    return session.get(Quotation, quotation.id)


def error_of(page, field: str) -> str:
    found = re.search(rf'id="{field}-error">([^<]*)<', page.text)
    return found[1] if found else ""


def pdf_text(answer) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages).split())


def test_the_page_knows_the_address_of_the_contact_and_shows_what_leaves(seeded, sign_in, draft):
    page = sign_in(COMERCIAL).get(f"/quotation/send/{draft.id}").text

    assert 'value="ana@example.com"' in page
    assert 'value="2026-07-10"' in page, "the day of another way of sending is today until somebody says otherwise"
    assert f"/quotation/pdf/{draft.id}" in page
    assert "No mail server is set up" in page


def test_one_press_sends_it_by_mail_and_dates_it(seeded, sign_in, draft):
    seller = sign_in(COMERCIAL)
    answer = send(seller, draft, **MAIL)
    sent, mail = fresh(seeded, draft), seeded.scalars(select(OutboxMessage)).one()

    assert answer.location.endswith(f"/quotation/show/{draft.id}")
    assert (sent.status, sent.sent_on.isoformat()) == (QuotationStatus.SENT, "2026-07-10")
    assert (mail.to_address, mail.attachment.name) == ("compras@example.com", f"{draft.number}.pdf")
    assert "Quedo atento" in mail.body
    assert quotations.current(sent).document.issued_by_id == seller.user_id


def test_what_went_by_hand_is_recorded_with_its_day(seeded, sign_in, draft):
    send(sign_in(COMERCIAL), draft, **HAND)
    sent = fresh(seeded, draft)

    assert (sent.status, sent.sent_on.isoformat()) == (QuotationStatus.SENT, "2026-07-08")
    assert quotations.current(sent).sent_to == "En sus oficinas"
    assert seeded.scalar(select(func.count(OutboxMessage.id))) == 0


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (MAIL | {"mail-to": ""}, "mail-to", "Write the address"),
        (MAIL | {"mail-to": "no es un correo"}, "mail-to", ""),
        (MAIL | {"mail-message": "x" * 4001}, "mail-message", ""),
        (HAND | {"hand-sent_on": "2026-07-11"}, "hand-sent_on", "cannot be after today"),
        (HAND | {"hand-sent_on": "2026-06-30"}, "hand-sent_on", "before the customer asked for it"),
        (HAND | {"hand-sent_on": "ayer"}, "hand-sent_on", ""),
        (HAND | {"hand-how": "  "}, "hand-how", "how it was sent"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_leaves(seeded, sign_in, draft, fields, field, words):
    page = send(sign_in(COMERCIAL), draft, **fields)

    assert page.status_code == 422
    assert words in error_of(page, field) and error_of(page, field)
    kept = fields["mail-to" if fields["do"] == "mail" else "hand-how"]
    assert kept.strip() in page.text, "what was typed stays"
    assert fresh(seeded, draft).status is QuotationStatus.DRAFT
    assert [seeded.scalar(select(func.count()).select_from(model)) for model in (OutboxMessage, Document)] == [0, 0]


def test_sent_twice_by_two_people_leaves_once(seeded, sign_in, draft):
    first, second = sign_in(COMERCIAL), sign_in(COMERCIAL)
    send(first, draft, **MAIL)
    answer = send(second, draft, **HAND)

    assert answer.status_code == 200, "the page now says that it was sent, and offers to send it again"
    assert "again" in answer.text and "hand-how" not in answer.text
    assert fresh(seeded, draft).sent_on.isoformat() == "2026-07-10"
    assert seeded.scalar(select(func.count(OutboxMessage.id))) == 1


def test_what_waits_is_mailed_again_and_what_ended_is_not(seeded, sign_in, make, draft, at):
    seller = sign_in(COMERCIAL)
    send(seller, draft, **MAIL)
    at("2026-07-14T09:00-05:00")
    answer = send(seller, draft, **MAIL | {"mail-to": "otra@example.com"})

    assert answer.status_code == 302
    assert set(seeded.scalars(select(OutboxMessage.to_address))) == {"compras@example.com", "otra@example.com"}
    assert fresh(seeded, draft).sent_on.isoformat() == "2026-07-10"
    ended = make.quotation("REJECTED")
    assert seller.get(f"/quotation/send/{ended.id}").status_code == 404


def test_the_paper_of_a_draft_is_marked_and_that_of_what_was_sent_is_the_same_for_ever(seeded, sign_in, draft):
    seller = sign_in(COMERCIAL)
    preview = seller.get(f"/quotation/pdf/{draft.id}")
    assert preview.mimetype == "application/pdf" and "BORRADOR" in pdf_text(preview)
    send(seller, draft, **MAIL)
    sent = seller.get(f"/quotation/pdf/{draft.id}")

    assert "BORRADOR" not in pdf_text(sent)
    assert sent.headers["Content-Disposition"].startswith("inline")
    assert sign_in(CONTROL).get(f"/quotation/pdf/{draft.id}?version=1").data == sent.data
    assert seller.get(f"/quotation/pdf/{draft.id}?version=2").status_code == 404
    assert seller.get(f"/quotation/pdf/{draft.id}?version=x").status_code == 404


def test_whoever_only_reads_neither_sends_nor_sees_the_button(seeded, sign_in, draft):
    reader = sign_in(CONTROL)

    assert f"/quotation/send/{draft.id}" not in reader.get(f"/quotation/show/{draft.id}").text
    assert send(reader, draft, **MAIL).status_code in (302, 403, 404)
    assert fresh(seeded, draft).status is QuotationStatus.DRAFT
    assert sign_in(AUXILIAR).get(f"/quotation/pdf/{draft.id}").status_code in (302, 403, 404)


def test_the_paper_is_verified_by_anybody_who_holds_it_and_says_nothing_of_its_content(seeded, sign_in, client, draft):
    send(sign_in(COMERCIAL), draft, **MAIL)
    document = quotations.current(fresh(seeded, draft)).document
    page = client.get(f"/verificar/{document.number}/{document.data['sha256'][:8]}")

    assert page.status_code == 200 and document.number in page.text
    assert "Clínica Ficticia" not in page.text and "12.138.000" not in page.text


def test_sending_costs_few_statements_however_many_lines_there_are(seeded, sign_in, make):
    from decimal import Decimal

    from app.domain.quotations import QuoteLine
    from app.extensions import db

    browser, costs = sign_in(COMERCIAL), []
    for n in (1, 40):
        lines = [QuoteLine(f"Línea {i}", Decimal(1), "mes", Decimal(1000), Decimal(19)) for i in range(n)]
        quotation = make.quotation("DRAFT", lines=lines)
        seeded.commit()
        with statements_of(db.engines[None]) as statements:
            assert browser.get(f"/quotation/send/{quotation.id}").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 12
