"""Quotations on both engines: written, sent, answered; what was sent stays, whoever asks the database to change it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.domain.errors import DomainError, MoveRefused
from app.domain.quotations import ContactMeans, LossReason, QuotationStatus, QuoteLine
from app.models import ChangeLog, CommercialEvent, NumberSeries, PartyContact, Quotation, QuotationFollowUp
from app.operations import quotations as operations
from app.operations.quotations import Spoken, Wanted

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
TODAY, ASKED, SENT = date(2026, 7, 10), date(2026, 7, 1), date(2026, 7, 3)


def line(quantity: str = "12", price: str = "850000", rate: str = "19", description: str = "Análisis de agua") -> QuoteLine:
    return QuoteLine(description, Decimal(quantity), "mes", Decimal(price), Decimal(rate))


@pytest.fixture
def clinic(make):
    return make.party(name="Clínica Ficticia")


@pytest.fixture
def write(seeded, clinic):
    def build(**said: Any) -> Quotation:
        values = {"party": clinic, "subject": "Análisis de agua", "requested_on": ASKED, "lines": [line()]} | said
        return operations.write_quotation(seeded, Wanted(**values), at=AT, actor_id=None)

    return build


def send(session, quotation, on: date = SENT, at: datetime = AT) -> Quotation:
    return operations.mark_sent(session, quotation, sent_on=on, document=None, to="compras@example.com", at=at, actor_id=None)


def moves_of(session, quotation) -> list[str]:
    return [event.move for event in reversed(operations.timeline(session, quotation))]


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_has_its_number_its_lines_and_totals_to_the_peso(seeded, write):
    quotation = write(lines=[line(), line("3.5", "120001", "5"), line("0.333", "3", "0")])
    version = operations.current(quotation)

    assert (quotation.number, quotation.status, quotation.version) == ("COT-2026-0001", QuotationStatus.DRAFT, 1)
    assert [row.subtotal_cop for row in version.lines] == [10_200_000, 420_004, 1]
    assert (version.subtotal_cop, version.vat_cop, version.total_cop) == (10_620_005, 1_959_000, 12_579_005)
    assert quotation.total_cop == version.total_cop == operations.totals_of(version).total
    assert moves_of(seeded, quotation) == ["WRITE"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"subject": "  "}, "subject"),
        ({"requested_on": date(2026, 7, 11)}, "requested_on"),
        ({"validity_days": 0}, "validity_days"),
        ({"validity_days": 366}, "validity_days"),
        ({"lines": []}, "lines"),
        ({"lines": [line("0")]}, "lines"),
        ({"lines": [line(price="0.5")]}, "lines"),
    ],
)
def test_a_draft_that_says_nonsense_is_refused_at_its_field_and_takes_no_number(seeded, write, said, field):
    with pytest.raises(DomainError) as refusal:
        write(**said)

    assert refusal.value.field == field
    assert seeded.scalar(select(NumberSeries).where(NumberSeries.prefix == "COT")) is None


def test_the_contact_is_one_of_the_customer(seeded, write, make):
    other = PartyContact(party=make.party(), name="Ajena", email="ajena@example.com")
    seeded.add(other)
    seeded.flush()

    with pytest.raises(DomainError, match="no contact of Clínica Ficticia") as refusal:
        write(contact=other)
    assert refusal.value.field == "contact"


def test_a_draft_is_rewritten_line_by_line_and_its_page_hears_of_it(seeded, write, clinic):
    quotation = write()
    before = quotation.changed_at
    seeded.commit()
    wanted = Wanted(clinic, "Análisis de agua", ASKED, [line(description="Otra cosa")])
    operations.amend_quotation(seeded, quotation, wanted, at=AT)

    assert [row.description for row in operations.current(quotation).lines] == ["Otra cosa"]
    assert quotation.changed_at >= before
    log = seeded.scalars(select(ChangeLog).where(ChangeLog.table_name == "quotation_line")).all()
    assert {row.action for row in log} == {"insert", "delete"}


# ── Sending ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sent_date_gives_the_validity_and_the_days_it_took(seeded, write):
    quotation = send(seeded, write(validity_days=30))

    assert (quotation.status, quotation.sent_on, quotation.first_sent_on) == (QuotationStatus.SENT, SENT, SENT)
    assert quotation.valid_until == operations.current(quotation).valid_until == date(2026, 8, 2)
    assert quotation.n_days_to_send == 2
    assert moves_of(seeded, quotation) == ["WRITE", "SEND"]


@pytest.mark.parametrize(("on", "words"), [(date(2026, 7, 11), "after today"), (date(2026, 6, 30), "before the customer asked")])
def test_it_is_not_sent_on_a_day_that_cannot_be(seeded, write, on, words):
    quotation = write()
    with pytest.raises(DomainError, match=words):
        send(seeded, quotation, on)

    assert quotation.status is QuotationStatus.DRAFT and quotation.sent_on is None


def test_lines_that_were_tampered_with_are_not_sent(seeded, write):
    quotation = write()
    seeded.execute(text("UPDATE quotation_line SET subtotal_cop = 1"))
    seeded.expire_all()

    with pytest.raises(DomainError, match="do not add up"):
        send(seeded, quotation)


@pytest.mark.parametrize("status", ["SENT", "EXPIRED", "ACCEPTED", "REJECTED", "WITHDRAWN"])
def test_what_is_no_draft_is_neither_rewritten_nor_sent(seeded, make, status):
    quotation = make.quotation(status)
    wanted = Wanted(quotation.party, "Otra", ASKED, [line()])
    with pytest.raises(MoveRefused, match=quotation.number):
        operations.amend_quotation(seeded, quotation, wanted, at=AT)
    with pytest.raises(MoveRefused, match=quotation.number):
        send(seeded, quotation)


# ── Versions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["SENT", "EXPIRED"])
def test_a_new_version_begins_with_the_same_lines_and_the_earlier_stays_as_it_was_sent(seeded, make, status):
    quotation = make.quotation(status)
    operations.revise_quotation(seeded, quotation, reason="Pidió menos muestras", at=AT, actor_id=None)
    wanted = Wanted(quotation.party, quotation.subject, ASKED, [line("6")], validity_days=15)
    operations.amend_quotation(seeded, quotation, wanted, at=AT)
    send(seeded, quotation, TODAY)
    seeded.expire_all()
    first, second = quotation.versions

    assert (quotation.status, quotation.version, quotation.first_sent_on, quotation.sent_on) == (QuotationStatus.SENT, 2, SENT, TODAY)
    assert (first.sent_on, first.total_cop, [row.quantity for row in first.lines]) == (SENT, 12_138_000, [12])
    assert (second.reason, second.total_cop, second.valid_until) == ("Pidió menos muestras", 6_069_000, date(2026, 7, 25))
    assert quotation.total_cop == second.total_cop
    assert quotation.n_days_to_send == 2, "how long the first answer took stays"


@pytest.mark.parametrize("status", ["DRAFT", "ACCEPTED", "REJECTED", "WITHDRAWN"])
def test_only_what_waits_or_expired_gets_a_new_version(seeded, make, status):
    with pytest.raises(MoveRefused):
        operations.revise_quotation(seeded, make.quotation(status), reason="Otra", at=AT, actor_id=None)


def test_a_new_version_says_why_is_for_the_same_customer_and_goes_later(seeded, make):
    quotation = make.quotation(sent_on=TODAY)
    with pytest.raises(MoveRefused, match="why another version"):
        operations.revise_quotation(seeded, quotation, reason=" ", at=AT, actor_id=None)
    operations.revise_quotation(seeded, quotation, reason="Descuento", at=AT, actor_id=None)

    with pytest.raises(DomainError, match="another quotation"):
        operations.amend_quotation(seeded, quotation, Wanted(make.party(), "Otra", ASKED, [line()]), at=AT)
    with pytest.raises(DomainError, match="version before this one"):
        send(seeded, quotation, SENT)


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_acceptance_is_final_and_says_when(seeded, make):
    quotation = make.quotation()
    operations.accept_quotation(seeded, quotation, on=date(2026, 7, 8), note="Orden de compra 17", at=AT, actor_id=None)

    assert (quotation.status, quotation.decided_on, quotation.decision_note) == (
        QuotationStatus.ACCEPTED, date(2026, 7, 8), "Orden de compra 17")  # fmt: skip
    for again in (
        lambda: operations.accept_quotation(seeded, quotation, on=TODAY, note="x", at=AT, actor_id=None),
        lambda: operations.reject_quotation(seeded, quotation, on=TODAY, reason=LossReason.PRICE, note="", at=AT, actor_id=None),
        lambda: operations.withdraw_quotation(seeded, quotation, reason="x", at=AT, actor_id=None),
        lambda: operations.expire_quotation(seeded, quotation, at=AT),
    ):
        with pytest.raises(MoveRefused, match="Accepted"):
            again()


def test_what_was_accepted_in_time_may_be_recorded_after_it_expired_but_not_what_came_late(seeded, make):
    quotation = make.quotation("EXPIRED")
    with pytest.raises(DomainError, match="new version"):
        operations.accept_quotation(seeded, quotation, on=TODAY, note="Llamó", at=AT, actor_id=None)
    operations.accept_quotation(seeded, quotation, on=date(2026, 7, 8), note="Llegó el 8", at=AT, actor_id=None)

    assert quotation.status is QuotationStatus.ACCEPTED


@pytest.mark.parametrize(("on", "words"), [(date(2026, 7, 2), "sent on"), (date(2026, 7, 11), "after today")])
def test_a_customer_does_not_answer_on_a_day_that_cannot_be(seeded, make, on, words):
    quotation = make.quotation()
    for answer in (
        lambda: operations.accept_quotation(seeded, quotation, on=on, note="x", at=AT, actor_id=None),
        lambda: operations.reject_quotation(seeded, quotation, on=on, reason=LossReason.TERM, note="", at=AT, actor_id=None),
    ):
        with pytest.raises(DomainError, match=words):
            answer()


def test_a_rejection_has_its_reason_and_another_reason_its_words(seeded, make):
    quotation = make.quotation()
    with pytest.raises(DomainError, match="few words"):
        operations.reject_quotation(seeded, quotation, on=TODAY, reason=LossReason.OTHER, note=" ", at=AT, actor_id=None)
    operations.reject_quotation(seeded, quotation, on=TODAY, reason=LossReason.OTHER, note="Cerró la sede", at=AT, actor_id=None)

    assert (quotation.status, quotation.loss_reason, quotation.decision_note) == (
        QuotationStatus.REJECTED, LossReason.OTHER, "Cerró la sede")  # fmt: skip


@pytest.mark.parametrize("status", ["DRAFT", "SENT"])
def test_it_is_withdrawn_with_a_reason(seeded, make, status):
    quotation = make.quotation(status)
    with pytest.raises(MoveRefused, match="why it is withdrawn"):
        operations.withdraw_quotation(seeded, quotation, reason=" ", at=AT, actor_id=None)
    operations.withdraw_quotation(seeded, quotation, reason="Error de precio", at=AT, actor_id=None)

    assert (quotation.status, quotation.decided_on) == (QuotationStatus.WITHDRAWN, TODAY)


def test_it_expires_the_day_after_its_last_and_not_before(seeded, make):
    quotation = make.quotation(validity_days=7)  # until 2026-07-10
    with pytest.raises(MoveRefused, match="is valid until"):
        operations.expire_quotation(seeded, quotation, at=AT)
    assert seeded.scalars(operations.lapsed(TODAY)).all() == []
    assert seeded.scalars(operations.lapsed(date(2026, 7, 11))).all() == [quotation]
    operations.expire_quotation(seeded, quotation, at=datetime(2026, 7, 11, 15, tzinfo=UTC))

    assert (quotation.status, quotation.decided_on) == (QuotationStatus.EXPIRED, TODAY)
    assert moves_of(seeded, quotation)[-1] == "EXPIRE"


# ── Following ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_follow_up_says_when_to_speak_again_until_there_is_an_answer(seeded, make):
    quotation = make.quotation()
    said = Spoken(TODAY, ContactMeans.PHONE, "Lo mira la junta", date(2026, 7, 17))
    operations.follow_up(seeded, quotation, said, at=AT, actor_id=None)

    assert quotation.next_follow_up_on == date(2026, 7, 17)
    assert seeded.scalars(operations.due_follow_ups(date(2026, 7, 16))).all() == []
    assert seeded.scalars(operations.due_follow_ups(date(2026, 7, 17))).all() == [quotation]
    assert seeded.scalars(select(QuotationFollowUp)).one().note == "Lo mira la junta"
    operations.accept_quotation(seeded, quotation, on=TODAY, note="Sí", at=AT, actor_id=None)
    assert quotation.next_follow_up_on is None
    with pytest.raises(MoveRefused):
        operations.follow_up(seeded, quotation, said, at=AT, actor_id=None)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (Spoken(TODAY, ContactMeans.PHONE, " "), "note"),
        (Spoken(date(2026, 7, 11), ContactMeans.PHONE, "x"), "on"),
        (Spoken(date(2026, 6, 30), ContactMeans.PHONE, "x"), "on"),
        (Spoken(SENT, ContactMeans.PHONE, "x", SENT), "next_on"),
        (Spoken(SENT, ContactMeans.PHONE, "x", date(2026, 7, 9)), "next_on"),
    ],
)
def test_a_follow_up_that_says_nonsense_is_refused_at_its_field(seeded, make, said, field):
    with pytest.raises(DomainError) as refusal:
        operations.follow_up(seeded, make.quotation(), said, at=AT, actor_id=None)

    assert refusal.value.field == field


# ── The last wall ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def refused(session, statement: str) -> bool:
    """Say whether the database refuses *statement*, written below the product as any program could."""
    try:
        with session.begin_nested():
            session.execute(text(statement))
    except IntegrityError as error:
        assert "frozen" in str(error.orig)
        return True
    return False


SENT_LINE = "version_id IN (SELECT id FROM quotation_version WHERE sent_on IS NOT NULL)"


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE quotation_line SET unit_price_cop = 1 WHERE {SENT_LINE}",
        f"DELETE FROM quotation_line WHERE {SENT_LINE}",
        "UPDATE quotation_line SET version_id = (SELECT id FROM quotation_version WHERE sent_on IS NOT NULL), position = 9"
        f" WHERE NOT {SENT_LINE}",
        "INSERT INTO quotation_line (version_id, position, description, quantity, unit, unit_price_cop, vat_percent, subtotal_cop,"
        " created_at, changed_at) SELECT id, 9, 'x', 1, 'u', 1, 0, 1, created_at, changed_at FROM quotation_version"
        " WHERE sent_on IS NOT NULL",
        "UPDATE quotation_version SET total_cop = 0, subtotal_cop = 0, vat_cop = 0 WHERE sent_on IS NOT NULL",
        "UPDATE quotation_version SET sent_on = NULL, valid_until = NULL WHERE sent_on IS NOT NULL",
        "UPDATE quotation_version SET conditions = 'Otras' WHERE sent_on IS NOT NULL",
        "DELETE FROM quotation_version WHERE sent_on IS NOT NULL",
    ],
)
def test_the_database_keeps_what_was_sent_and_lets_the_draft_change(seeded, make, statement):
    quotation = make.quotation()
    operations.revise_quotation(seeded, quotation, reason="Descuento", at=AT, actor_id=None)

    assert refused(seeded, statement)
    assert not refused(seeded, f"UPDATE quotation_line SET description = 'Otra' WHERE NOT {SENT_LINE}")


@pytest.mark.parametrize("change", ["total_cop = 1", "status = 'DRAFT'", "decided_on = '2026-07-09'", "subject = 'Otra'"])
def test_the_database_keeps_what_was_accepted(seeded, make, change):
    make.quotation("ACCEPTED")

    assert refused(seeded, f"UPDATE quotation SET {change}")


def test_history_is_not_rewritten(seeded, make):
    event = operations.timeline(seeded, make.quotation())[0]
    event.reason = "Otra cosa"

    with pytest.raises(RuntimeError, match="never changed"):
        seeded.flush()
    seeded.rollback()


def test_every_move_leaves_its_row(seeded, make):
    quotation = make.quotation()
    operations.revise_quotation(seeded, quotation, reason="Descuento", at=AT, actor_id=None)
    send(seeded, quotation, TODAY)
    operations.accept_quotation(seeded, quotation, on=TODAY, note="Sí", at=AT, actor_id=None)
    events = seeded.scalars(select(CommercialEvent).where(CommercialEvent.quotation_id == quotation.id).order_by(CommercialEvent.id)).all()

    assert [(event.move, event.from_status, event.to_status) for event in events] == [
        ("WRITE", "", "DRAFT"), ("SEND", "DRAFT", "SENT"), ("REVISE", "SENT", "DRAFT"), ("SEND", "DRAFT", "SENT"),
        ("ACCEPT", "SENT", "ACCEPTED"),
    ]  # fmt: skip
