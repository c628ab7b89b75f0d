"""What the billing system answers: judged line by line, settled once, told to whoever has the case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import select

from app.domain.errors import DomainError, MoveRefused
from app.domain.states import BillingKind, BillingStatus
from app.models import BillingBatch, BillingItem, BillingReply, Note, OutboxMessage
from app.operations import billing, billing_replies, files
from app.reports.billing import RefusedLines, issue_batch
from tests.billing import Ripe

AT, LATER = datetime(2026, 7, 10, 15, 0, tzinfo=UTC), datetime(2026, 7, 20, 15, 0, tzinfo=UTC)
TODAY = date(2026, 7, 20)
HEADER = ["Lote", "Clave", "Estado", "Fecha", "Motivo", "Referencia"]
BATCH = "FAC-2026-000001"


@pytest.fixture
def ripe(seeded, make) -> Ripe:
    return Ripe(seeded, make)


@pytest.fixture
def sent(seeded, ripe) -> list[Any]:
    """Three changes of one case in a batch."""
    pqr = ripe.solution()
    changes = [ripe.change(pqr), ripe.change(pqr), ripe.change()]
    issue_batch(seeded, [BillingKind.INVOICE_CHANGE], "csv", at=AT, actor_id=None)
    return changes


def line(thing: Any, state: str = "facturado", on: str = "2026-07-15", text: str = "", reference: str = "", batch: str = BATCH) -> list:
    return [batch, getattr(thing, "number", thing), state, on, text, reference]


def judge(session: Any, *lines: Any) -> billing_replies.Judged:
    return billing_replies.judge(session, [HEADER, *lines], TODAY)


def settle(session: Any, *lines: Any) -> billing_replies.Judged:
    reply = billing_replies.receive(session, files.store_file(session, b"x", "respuesta.csv", "text/csv"))
    return billing_replies.settle(session, reply, [HEADER, *lines], at=LATER, actor_id=None)


def items(session: Any) -> dict[str, BillingItem]:
    session.expire_all()
    return {item.number: item for item in session.scalars(select(BillingItem).order_by(BillingItem.id))}


def whys(judged: billing_replies.Judged) -> list[str]:
    return [str(line.why) for line in judged.refused]


def test_results_reach_items_batch_and_case(seeded, sent):
    first, second, third = sent
    judged = settle(seeded, line(first, reference="NC-9"), line(second, "rechazado", text="Período cerrado"))

    found = items(seeded)
    assert (judged.n_lines, len(judged.changes), judged.n_same, judged.refused) == (2, 2, 0, [])
    assert (found[first.number].status, found[first.number].reference) == (BillingStatus.BILLED, "NC-9")
    assert (found[second.number].status, found[second.number].result_text) == (BillingStatus.REJECTED, "Período cerrado")
    assert (found[third.number].status, found[third.number].result_on) == (BillingStatus.SENT, None)
    batch = seeded.scalars(select(BillingBatch)).one()
    assert (batch.n_items, batch.n_billed, batch.n_rejected) == (3, 1, 1)
    note = seeded.scalars(select(Note)).one()
    assert note.pqr_id == first.pqr_id
    assert "NC-9" in note.body and "Período cerrado" in note.body and BATCH in note.body


def test_the_same_answer_twice_changes_nothing(seeded, sent):
    lines = (line(sent[0]), line(sent[1], "rechazado", text="Período cerrado"))
    settle(seeded, *lines)
    n_messages = len(seeded.scalars(select(OutboxMessage)).all())
    again = settle(seeded, *lines)

    assert (again.changes, again.n_same, again.refused) == ([], 2, [])
    assert len(seeded.scalars(select(Note)).all()) == 1
    assert len(seeded.scalars(select(OutboxMessage)).all()) == n_messages
    assert seeded.scalars(select(BillingBatch)).one().n_billed == 1


def test_an_answer_is_taken_once(seeded, sent):
    settle(seeded, line(sent[0]))
    reply = seeded.scalars(select(BillingReply)).one()

    with pytest.raises(MoveRefused, match="taken already"):
        billing_replies.settle(seeded, reply, [HEADER, line(sent[1])], at=LATER, actor_id=None)
    assert items(seeded)[sent[1].number].status is BillingStatus.SENT


def test_a_preview_writes_nothing(seeded, sent):
    judged = judge(seeded, line(sent[0]), line(sent[1], "quizás"))

    assert judged.n_of(BillingStatus.BILLED) == 1
    assert whys(judged) == ["“quizás” is no known state: write facturado or rechazado."]
    assert {item.status for item in items(seeded).values()} == {BillingStatus.SENT}


def test_strange_lines_are_refused_one_by_one_and_the_good_ones_taken(seeded, sent, ripe):
    other = ripe.financing()
    issue_batch(seeded, [BillingKind.FINANCING], "csv", at=AT, actor_id=None)
    judged = settle(
        seeded,
        line(sent[0]),
        line(other),
        line("CF-1999-000001"),
        line(sent[1], batch="FAC-1999-000009"),
        line(sent[1], on="2026-07-09"),
        line("CF-1999-000002", batch="FAC-1999-000009"),
        line(sent[2]),
        line(sent[2], "rechazado", text="No"),
    )

    assert [refused.n for refused in judged.refused] == [3, 4, 5, 6, 7, 8, 9]
    assert whys(judged) == [
        f"{other.number} was not sent in {BATCH} but in FAC-2026-000002.",
        f"{BATCH} has no CF-1999-000001, and no other batch has it.",
        f"{sent[1].number} was not sent in FAC-1999-000009 but in {BATCH}.",
        f"The date 2026-07-09 is before {BATCH} was made.",
        "There is no batch FAC-1999-000009.",
        *[f"{sent[2].number} is in the file more than once, and not with the same result."] * 2,
    ]
    assert [number for number, item in items(seeded).items() if item.status is BillingStatus.BILLED] == [sent[0].number]
    reply = seeded.scalars(select(BillingReply)).one()
    assert (reply.n_lines, reply.n_billed, reply.n_bad) == (8, 1, 7)


def test_a_line_repeated_alike_counts_once(seeded, sent):
    judged = settle(seeded, line(sent[0]), line(sent[0]))

    assert (len(judged.changes), judged.n_same, judged.refused) == (1, 1, [])


def test_what_is_billed_is_not_rejected_afterwards_but_a_rejection_may_be_thought_over(seeded, sent):
    settle(seeded, line(sent[0]), line(sent[1], "rechazado", text="Período cerrado"))
    judged = settle(seeded, line(sent[0], "rechazado", text="No"), line(sent[1], on="2026-07-16", reference="NC-2"))

    assert whys(judged) == [f"{sent[0].number} was answered before with another result, on 2026-07-15: it is “Invoiced”."]
    assert {item.status for item in items(seeded).values()} == {BillingStatus.BILLED, BillingStatus.SENT}
    assert seeded.scalars(select(BillingBatch)).one().n_rejected == 0


def test_a_rejected_thing_goes_again_only_when_somebody_says_so(seeded, sent):
    settle(seeded, line(sent[0], "rechazado", text="Cuenta inactiva"), line(sent[1], "rechazado", text="Período cerrado"))
    assert billing.waiting(seeded)[BillingKind.INVOICE_CHANGE][0] == 0
    first, second = items(seeded)[sent[0].number], items(seeded)[sent[1].number]
    with pytest.raises(MoveRefused, match="Write why"):
        billing.give_up(seeded, second, " ", at=LATER, actor_id=None)
    billing.send_again(seeded, first, "Se activó la cuenta", at=LATER, actor_id=None)
    billing.give_up(seeded, second, "La corrige otra", at=LATER, actor_id=None)

    assert billing.waiting(seeded)[BillingKind.INVOICE_CHANGE][0] == 1
    with pytest.raises(MoveRefused, match="only what was rejected"):
        billing.send_again(seeded, first, "Otra vez", at=LATER, actor_id=None)
    batch = issue_batch(seeded, list(BillingKind), "csv", at=LATER, actor_id=None)
    assert sent[0].number in [item.number for item in batch.items]
    assert sent[1].number not in [item.number for item in batch.items]
    late = judge(seeded, line(sent[0]), line(sent[1]))
    assert [why.partition(":")[0] for why in whys(late)] == [
        f"{thing.number} was rejected on 2026-07-15 and somebody acted on it" for thing in sent[:2]]  # fmt: skip


def test_the_database_keeps_a_thing_out_of_two_batches(seeded, sent):
    from sqlalchemy.exc import IntegrityError

    batch = seeded.scalars(select(BillingBatch)).one()
    twice = BillingItem(batch_id=batch.id, position=9, kind=BillingKind.INVOICE_CHANGE, number="otra", change_id=sent[0].id)
    with pytest.raises(IntegrityError, match=r"(?i)unique"), seeded.begin_nested():
        seeded.add(twice)
        seeded.flush()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "The file is empty"),
        ([["", None]], "The file is empty"),
        ([["Clave", "Motivo"], ["CF-1", "x"]], "lacks these columns"),
        ([HEADER], "has headings and no line"),
    ],
)
def test_a_file_that_is_no_answer_is_refused_whole(seeded, rows, words):
    with pytest.raises(DomainError, match=words):
        billing_replies.judge(seeded, rows, TODAY)


def test_a_title_above_the_headings_and_empty_lines_are_passed_over(seeded, sent):
    rows = [["Respuesta de facturación"], [], HEADER, [], line(sent[0]), ["", ""]]

    assert billing_replies.judge(seeded, rows, TODAY).n_lines == 1


def test_refused_lines_keep_their_cells_beside_the_reason(seeded, sent):
    judged = judge(seeded, [BATCH, 7.0, "facturado", "ayer", None, "=1+1", "de más"])
    with force_locale("en"):
        sheet = RefusedLines(judged)
        header, rows = [str(column.heading) for column in sheet.header], list(sheet.rows())

    assert header == ["Line", "Why it is not taken", *HEADER, "·"]
    assert rows == [(2, "“ayer” is no date: write 31/07/2026 or 2026-07-31.", BATCH, "7", "facturado", "ayer", "", "=1+1", "de más")]


def test_each_owner_hears_once_of_all_that_is_his_and_the_writer_of_what_has_no_case(seeded, make, ripe):
    owner = make.user("Dueño de proceso", process="TECNICA")
    other = make.user("Dueño de proceso", process="FACTURACION")
    pqr = ripe.solution()
    pqr.process = make.process("TECNICA")
    seeded.flush()
    things = [ripe.change(pqr), ripe.change(pqr), ripe.financing()]
    issue_batch(seeded, [BillingKind.INVOICE_CHANGE, BillingKind.FINANCING], "csv", at=AT, actor_id=None)
    settle(seeded, line(things[0]), line(things[1], "rechazado", text="Período cerrado"), line(things[2]))
    told = {message.to_address: message for message in seeded.scalars(select(OutboxMessage).where(OutboxMessage.event == "billing_answer"))}

    assert set(told) == {owner.email, ripe.writer.email}
    assert other.email not in told
    assert things[0].number in told[owner.email].body and "Período cerrado" in told[owner.email].body
    assert things[2].number in told[ripe.writer.email].body and things[0].number not in told[ripe.writer.email].body
