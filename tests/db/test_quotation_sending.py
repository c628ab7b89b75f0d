"""A quotation leaves once, with its paper and its date; what nobody answers expires by itself, and somebody is reminded."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from app import documents, jobs
from app.documents import quotations as papers
from app.domain.errors import DomainError, MoveRefused
from app.domain.quotations import QuotationStatus, QuoteLine
from app.domain.states import DocumentKind, MessageStatus, PartyKind, Visibility
from app.jobs.timetable import NIGHTLY
from app.models import CommercialEvent, Document, OutboxMessage, PartyContact, Quotation, Reminder, ReminderRule, StoredFile
from app.operations import files, quotation_mail, quotations, reminders
from app.operations.quotations import Wanted

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
TODAY = date(2026, 7, 10)
LINES = [
    QuoteLine("Mantenimiento de bombas", Decimal("2.5"), "visita", Decimal(1_200_000), Decimal(19)),
    QuoteLine("Reactivos", Decimal(3), "kg", Decimal(45_001), Decimal(5)),
    QuoteLine("Análisis de agua potable", Decimal(4), "muestra", Decimal(180_000), Decimal(0)),
]


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


def text_of(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())


@pytest.fixture
def house(seeded, make) -> dict[str, Any]:
    """A seller, and a customer with a contact."""
    party = make.party(name="Constructora Los Guaduales S.A.S.", kind=PartyKind.ORGANISATION, address="Calle 10 # 20-30")
    contact = PartyContact(party=party, name="María Restrepo", position="Compras", email="compras@guaduales.example.com")
    seeded.add(contact)
    return {"seller": make.user("Comercial", first_name="Carlos", last_name="Ñáñez"), "party": party, "contact": contact}


@pytest.fixture
def wanted(house) -> Wanted:
    return Wanted(
        house["party"], "Mantenimiento de la planta", date(2026, 7, 3), LINES, contact=house["contact"], responsible=house["seller"],
        validity_days=30, delivery="15 días hábiles", payment="50 % de anticipo", conditions="Garantía de 12 meses.",
    )  # fmt: skip


@pytest.fixture
def quotation(seeded, house, wanted) -> Quotation:
    return quotations.write_quotation(seeded, wanted, at=AT, actor_id=house["seller"].id)


def issue(session, quotation, house, sent_on=TODAY, at=AT) -> Document:
    return papers.issue_quotation(session, quotation, house["seller"], sent_on=sent_on, at=at)


def send(session, quotation, house, at=AT, **said) -> OutboxMessage:
    document = issue(session, quotation, house, at.date(), at)
    told = {"to": "compras@guaduales.example.com", "message": "Quedo atento.\nUn saludo", **said}
    return quotation_mail.send_by_mail(session, quotation, document, **told, at=at, actor_id=house["seller"].id)


def events(session, quotation) -> list[str]:
    found = select(CommercialEvent.move).where(CommercialEvent.quotation_id == quotation.id).order_by(CommercialEvent.id)
    return list(session.scalars(found))


# ── The paper ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_paper_says_lines_iva_by_rate_total_in_figures_and_words_validity_and_conditions(seeded, quotation, house):
    document = issue(seeded, quotation, house)
    said = text_of(documents.document_bytes(document))

    for words in (
        "Cotización COT-2026-0001", "Constructora Los Guaduales S.A.S.", "Atención: María Restrepo, Compras", "Calle 10 # 20-30",
        "compras@guaduales.example.com", "10 de julio de 2026", "3 de julio de 2026", "9 de agosto de 2026", "15 días hábiles",
        "50 % de anticipo", "Garantía de 12 meses.", "2,5", "$ 3.000.000", "$ 135.003", "IVA 19 % sobre $ 3.000.000", "$ 570.000",
        "IVA 5 % sobre $ 135.003", "$ 6.750", "IVA 0 % sobre $ 720.000", "$ 4.431.753", "Aceptación del cliente",
        "cuatro millones cuatrocientos treinta y un mil setecientos cincuenta y tres pesos moneda corriente", "Elaboró: Carlos Ñáñez",
    ):  # fmt: skip
        assert words in said, words
    assert (document.kind, document.number, document.template) == (DocumentKind.QUOTATION, "COT-2026-0001", "quotation@2")
    assert document.file.visibility is Visibility.STAFF
    assert document.data["sha256"] == documents.fingerprint(document.data)


def test_a_preview_is_marked_signs_nothing_and_is_stored_nowhere(seeded, quotation, house):
    content = papers.preview_quotation(seeded, quotation, house["seller"], TODAY)
    said = text_of(content)

    assert "BORRADOR" in said and "no se ha enviado y no obliga" in said
    assert "Huella" not in said
    assert seeded.scalar(select(func.count(Document.id))) == 0
    assert quotation.status is QuotationStatus.DRAFT


def test_forty_lines_and_long_texts_go_over_the_pages_with_their_head(seeded, house, wanted):
    lines = [replace(LINES[n % 3], description=f"Renglón {n}: " + "palabra " * (55 if n % 5 == 0 else 4)) for n in range(1, 41)]
    hostile = "#import \"x\" *no* $y$ <b> " + "W" * 170
    long = quotations.write_quotation(
        seeded, replace(wanted, lines=lines, subject=hostile, conditions="Condición. " * 300), at=AT, actor_id=None
    )  # fmt: skip
    pages = PdfReader(io.BytesIO(documents.document_bytes(issue(seeded, long, house)))).pages
    texts = [" ".join(page.extract_text().replace("\u200b", "").split()) for page in pages]

    assert len(pages) >= 4
    assert "#import" in texts[0] and "W" * 170 in texts[0].replace(" ", "")
    assert all("Descripción" in each for each in texts[:3]), "the head of the table is repeated"
    whole = " ".join(texts)
    assert all(f"Renglón {n}:" in whole for n in range(1, 41))
    assert f"Página 1 de {len(pages)}" in texts[0]


def test_a_second_version_has_a_paper_of_its_own_and_the_first_stays_as_it_was(seeded, quotation, house, wanted):
    first = send(seeded, quotation, house).attachment
    before = files.open_file(first).read()
    later = instant("2026-07-15")
    quotations.revise_quotation(seeded, quotation, reason="Menos visitas", at=later, actor_id=None)
    quotations.amend_quotation(seeded, quotation, replace(wanted, lines=LINES[:1]), at=later)
    mail = send(seeded, quotation, house, later)

    assert mail.attachment.name == "COT-2026-0001-V2.pdf"
    assert "Cotización COT-2026-0001, versión 2" in text_of(files.open_file(mail.attachment).read())
    assert files.open_file(first).read() == before
    assert [version.document.number for version in quotation.versions] == ["COT-2026-0001", "COT-2026-0001-V2"]


# ── By mail ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_mail_and_the_sent_date_are_one_act(seeded, quotation, house):
    mail = send(seeded, quotation, house)

    assert (quotation.status, quotation.sent_on, quotation.valid_until) == (QuotationStatus.SENT, TODAY, date(2026, 8, 9))
    assert quotation.n_days_to_send == 5
    assert (mail.status, mail.to_address, mail.event) == (MessageStatus.QUEUED, "compras@guaduales.example.com", "quotation")
    assert mail.reply_to == house["seller"].email
    assert mail.attachment_id == quotations.current(quotation).document.file_id
    for words in ("COT-2026-0001", "María Restrepo", "$ 4.431.753", "9 de agosto de 2026", "Quedo atento.\nUn saludo", "Carlos Ñáñez"):
        assert words in mail.body, words
    assert events(seeded, quotation) == ["WRITE", "SEND"]


def test_what_cannot_be_sent_leaves_neither_mail_nor_paper_nor_date(seeded, quotation, house):
    seeded.execute(update(Quotation).values(requested_on=date(2026, 7, 11)))
    seeded.commit()
    with pytest.raises(DomainError, match="asked for it"):
        send(seeded, quotation, house)
    seeded.rollback()

    counts = [seeded.scalar(select(func.count()).select_from(model)) for model in (OutboxMessage, Document, StoredFile)]
    assert counts == [0, 0, 0]
    assert seeded.get(Quotation, quotation.id).status is QuotationStatus.DRAFT


def test_it_is_sent_once_however_often_it_is_pressed(seeded, quotation, house):
    send(seeded, quotation, house)
    with pytest.raises(MoveRefused):
        send(seeded, quotation, house)

    assert seeded.scalar(select(func.count(OutboxMessage.id))) == 1


def test_what_waits_may_be_mailed_once_more_and_keeps_its_date(seeded, quotation, house):
    send(seeded, quotation, house)
    again = quotation_mail.send_again(
        seeded, quotation, to="gerencia@guaduales.example.com", message="", at=instant("2026-07-14"), actor_id=house["seller"].id
    )  # fmt: skip

    assert quotation.sent_on == TODAY
    assert again.to_address == "gerencia@guaduales.example.com"
    assert quotation_mail.mail_of(seeded, quotation) is again
    assert events(seeded, quotation) == ["WRITE", "SEND"]
    quotations.withdraw_quotation(seeded, quotation, reason="Ya no", at=instant("2026-07-15"), actor_id=None)
    with pytest.raises(MoveRefused, match="nothing to send again"):
        quotation_mail.send_again(seeded, quotation, to="x@example.com", message="", at=instant("2026-07-16"), actor_id=None)


def test_the_paper_travels_with_the_mail(seeded, quotation, house, app, monkeypatch):
    mail, sent = send(seeded, quotation, house), []
    monkeypatch.setattr("app.mailer.Mailer.send", lambda _self, message, _envelope: sent.append(message))
    app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=1)

    assert jobs.post.deliver(seeded) == 1
    (letter,) = sent
    (file,) = letter.iter_attachments()
    assert file.get_filename() == "COT-2026-0001.pdf"
    assert file.get_content() == documents.document_bytes(quotations.current(quotation).document)
    assert house["seller"].email in letter["Reply-To"]
    assert seeded.get(OutboxMessage, mail.id).status is MessageStatus.SENT


def test_a_mail_whose_paper_is_not_in_the_store_does_not_leave_without_it(seeded, quotation, house, app, monkeypatch):
    mail, sent = send(seeded, quotation, house), []
    monkeypatch.setattr("app.mailer.Mailer.send", lambda _self, message, _envelope: sent.append(message))
    app.config.update(SMTP_HOST="127.0.0.1", SMTP_PORT=1)
    seeded.execute(update(StoredFile).values(storage_key="00/gone"))
    seeded.commit()

    assert jobs.post.deliver(seeded) == 0
    seeded.expire_all()
    failed = seeded.get(OutboxMessage, mail.id)
    assert sent == []
    assert failed.status is MessageStatus.FAILED and "COT-2026-0001.pdf" in failed.last_error


# ── By hand ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_went_by_hand_keeps_its_day_and_how(seeded, quotation, house):
    day = date(2026, 7, 8)
    document = issue(seeded, quotation, house, day)
    quotation_mail.record_sending(
        seeded, quotation, document, sent_on=day, how="Entregada en sus oficinas a Ana", at=AT, actor_id=house["seller"].id
    )  # fmt: skip

    assert (quotation.sent_on, quotation.valid_until) == (day, date(2026, 8, 7))
    assert quotations.current(quotation).sent_to == "Entregada en sus oficinas a Ana"
    assert "8 de julio de 2026" in text_of(documents.document_bytes(document))
    assert quotation_mail.mail_of(seeded, quotation) is None
    assert seeded.scalar(select(func.count(OutboxMessage.id))) == 0


@pytest.mark.parametrize(("day", "words"), [(date(2026, 7, 11), "after today"), (date(2026, 7, 2), "asked for it")])
def test_a_day_that_cannot_be_is_refused_beside_its_field(seeded, quotation, house, day, words):
    with pytest.raises(DomainError, match=words) as refused:
        issue(seeded, quotation, house, day)

    assert refused.value.field == "sent_on"
    assert seeded.scalar(select(func.count(Document.id))) == 0


def test_how_it_was_sent_has_to_be_told(seeded, quotation, house):
    with pytest.raises(DomainError, match="how it was sent") as refused:
        quotation_mail.record_sending(seeded, quotation, issue(seeded, quotation, house), sent_on=TODAY, how=" ", at=AT, actor_id=None)

    assert refused.value.field == "how"


def test_the_paper_of_what_was_sent_can_be_taken_from_it_by_nobody(seeded, quotation, house):
    send(seeded, quotation, house)
    with pytest.raises(IntegrityError, match="frozen"):
        seeded.execute(text("UPDATE quotation_version SET document_id = NULL"))


# ── Nobody answers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_night_after_its_last_day_an_offer_expires_once(seeded, quotation, house):
    send(seeded, quotation, house)

    assert quotation_mail.expire_lapsed in NIGHTLY
    assert quotation_mail.expire_lapsed(seeded, instant("2026-08-09", 23)) == 0
    assert quotation.status is QuotationStatus.SENT
    assert quotation_mail.expire_lapsed(seeded, instant("2026-08-10", 0)) == 1
    assert (quotation.status, quotation.decided_on) == (QuotationStatus.EXPIRED, date(2026, 8, 9))
    assert quotation_mail.expire_lapsed(seeded, instant("2026-08-10", 0)) == 0
    assert events(seeded, quotation) == ["WRITE", "SEND", "EXPIRE"]


def test_what_a_clerk_ends_while_the_night_runs_is_left_alone(seeded, quotation, house, monkeypatch):
    send(seeded, quotation, house)
    stale = select(Quotation).where(Quotation.id == quotation.id)
    quotations.accept_quotation(seeded, quotation, on=date(2026, 8, 9), note="Orden 7", at=instant("2026-08-10", 0), actor_id=None)
    monkeypatch.setattr(quotations, "lapsed", lambda _on: stale)

    assert quotation_mail.expire_lapsed(seeded, instant("2026-08-10", 0)) == 0
    assert quotation.status is QuotationStatus.ACCEPTED


def told(session) -> list[tuple[str, str, int]]:
    rows = session.scalars(select(Reminder).order_by(Reminder.id)).all()
    return [(row.rule.code, row.step, row.user_id) for row in rows if row.row_key == "COT-2026-0001"]


def test_who_answers_for_it_is_reminded_at_half_of_its_validity_and_before_it_ends(seeded, quotation, house):
    send(seeded, quotation, house)
    for day in range(10, 40):
        day_of = date.fromordinal(date(2026, 6, 30).toordinal() + day)
        reminders.remind(seeded, instant(day_of.isoformat()))

    seller = house["seller"].id
    assert told(seeded) == [("COTIZACION_MITAD", "2026-07-27", seller), ("COTIZACION_POR_VENCER", "2026-08-03", seller)]


def test_a_follow_up_is_reminded_on_its_day_and_again_when_it_is_late(seeded, quotation, house):
    seeded.execute(update(ReminderRule).where(ReminderRule.source != "QUOTATION_FOLLOW_UP").values(is_active=False))
    seeded.execute(update(ReminderRule).where(ReminderRule.to_owner).values(to_chief=False))
    send(seeded, quotation, house)
    said = quotations.Spoken(TODAY, quotations.ContactMeans.PHONE, "Que llame el miércoles", date(2026, 7, 15))
    quotations.follow_up(seeded, quotation, said, at=AT, actor_id=house["seller"].id)
    for day in range(11, 23):
        reminders.remind(seeded, instant(f"2026-07-{day}"))

    days = [("SEGUIMIENTO_HOY", "2026-07-15"), ("SEGUIMIENTO_ATRASADO", "2026-07-16"), ("SEGUIMIENTO_ATRASADO", "2026-07-21")]
    assert [(code, step) for code, step, _user in told(seeded)] == days


def test_what_ended_reminds_nobody(seeded, quotation, house):
    send(seeded, quotation, house)
    quotations.withdraw_quotation(seeded, quotation, reason="Ya no", at=AT, actor_id=None)
    reminders.remind(seeded, instant("2026-08-07"))

    assert told(seeded) == []
