"""Mail that arrives: each message becomes what it is, once, whatever happens to whoever reads it. A real IMAP server delivers it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count as count_from
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.domain.errors import DomainError
from app.domain.letters import Ground
from app.domain.states import Identity, InboundStatus, MessageStatus, Move, NoticeMeans, NoticeResult, PqrStatus
from app.extensions import db
from app.jobs.incoming import read_mail
from app.mailbox import Mailbox, NotRead
from app.models import InboundMessage, Notice, OutboxMessage, Parameter, Party, Pqr, Process, StoredFile
from app.operations import files, inbox, messages
from app.operations import pqr as moves
from app.operations.inbox import Arrival
from tests.imap import Box, free_port
from tests.letterbox import NASTY, PDF, PHOTO, bounce_of, letter

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
CAME = AT - timedelta(minutes=2)
S = InboundStatus


@pytest.fixture
def arrives(seeded: Session):
    """arrives(raw, came=CAME) → the row of a message that was taken in."""

    def take(raw: bytes, came: datetime = CAME, **more: Any) -> InboundMessage:
        return inbox.take_in(seeded, Arrival(raw, came, "pqr@example.com/INBOX", **more), at=AT)

    return take


def count(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def receipts(session: Session) -> list[OutboxMessage]:
    return list(session.scalars(select(OutboxMessage).where(OutboxMessage.event == "filed").order_by(OutboxMessage.id)))


# ── A case ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_becomes_a_case_that_counts_from_when_it_arrived(seeded: Session, arrives) -> None:
    text = "No me llega agua.\n\nAna Pérez\n\nEl lun, 6 jul 2026, Vecina (<v@example.org>) escribió:\n\n> yo tampoco\n"
    message = arrives(letter(text, files=(("Factura.pdf", "application/pdf", PDF),)))
    case = message.pqr

    assert (message.status, message.ground) == (S.FILED, "")
    assert case is not None
    assert (case.channel.code, case.request_type.code, case.status) == ("CORREO", "PETICION", PqrStatus.RECEIVED)
    assert (case.subject, case.body) == ("Sin agua", "No me llega agua.\n\nAna Pérez")
    assert message.body.endswith("> yo tampoco")
    assert (case.filed_at, case.filed_on.isoformat()) == (CAME, "2026-07-10")
    assert case.process.is_front_desk
    assert (case.party.name, case.party.email, case.notice_email) == ("Ana Pérez", "ana@example.org", "ana@example.org")
    assert not case.is_e_notice, "nobody accepted notices by e-mail by writing one"
    assert [(file.name, file.visibility.name) for file in case.files] == [("Factura.pdf", "CITIZEN"), ("Sin agua.eml", "STAFF")]


def test_the_original_is_kept_byte_by_byte(seeded: Session, arrives) -> None:
    raw = letter(files=(("foto.jpg", "image/jpeg", PHOTO),))
    message = arrives(raw)

    with files.open_file(message.raw_file) as blob:
        assert blob.read() == raw


def test_the_sender_gets_a_receipt_in_the_same_thread_that_names_what_was_left_out(seeded: Session, arrives) -> None:
    message = arrives(letter(files=(("virus.exe", "application/octet-stream", b"MZ"), ("vacio.pdf", "application/pdf", b""))))
    (receipt,) = receipts(seeded)

    assert (receipt.to_address, receipt.pqr_id) == ("ana@example.org", message.pqr_id)
    assert receipt.in_reply_to == "<uno@example.org>"
    assert "<uno@example.org>" in receipt.reference_ids
    assert message.pqr.number in receipt.subject
    assert message.pqr.access_key in receipt.body
    assert "virus.exe" in receipt.body
    assert [file.name for file in message.pqr.files] == ["Sin agua.eml"]


def test_more_files_than_a_case_receives_stay_in_the_original(seeded: Session, arrives) -> None:
    message = arrives(letter(files=tuple((f"{i}.pdf", "application/pdf", PDF) for i in range(7))))

    assert len(message.pqr.files) == files.MAX_FILES + 1
    assert all(name in receipts(seeded)[0].body for name in ("5.pdf", "6.pdf"))


def test_a_photo_without_a_word_is_filed(seeded: Session, arrives) -> None:
    message = arrives(letter("", subject="", files=(("IMG_1.jpg", "image/jpeg", PHOTO),)))

    assert message.status is S.FILED
    assert message.pqr.body and message.pqr.subject
    assert [file.name for file in message.pqr.files] == ["IMG_1.jpg", "correo.eml"]


def test_a_text_longer_than_a_case_holds_is_filed_up_to_there(seeded: Session, arrives) -> None:
    message = arrives(letter("Palabras que se repiten. " * 5000))

    assert message.status is S.FILED
    assert moves.MAX_BODY - 20 < len(message.pqr.body) <= moves.MAX_BODY


def test_who_is_known_by_the_address_is_not_made_again(seeded: Session, arrives, a_party) -> None:
    ana = a_party(name="Ana María Pérez", email="Ana@Example.org")

    assert arrives(letter()).pqr.party is ana


def test_of_several_with_one_address_the_name_decides(seeded: Session, arrives, a_party) -> None:
    a_party(name="Pedro Gómez", email="ana@example.org")
    ana = a_party(name="Ana María Pérez", email="ana@example.org")

    assert arrives(letter()).pqr.party is ana
    other = arrives(letter("Otra cosa", message_id="<dos@example.org>", From="Luisa Rojas <ana@example.org>")).pqr.party
    assert (other.name, other.email) == ("Luisa Rojas", "ana@example.org")


def test_a_second_message_of_the_same_person_is_another_case_of_the_same_party(seeded: Session, arrives) -> None:
    one, two = arrives(letter()), arrives(letter("Otra cosa", subject="Medidor", message_id="<dos@example.org>"))

    assert one.pqr_id != two.pqr_id
    assert one.pqr.party_id == two.pqr.party_id


def test_whoever_asks_machines_to_be_silent_is_filed_and_told_nothing(seeded: Session, arrives) -> None:
    assert arrives(letter(X_Auto_Response_Suppress="All")).status is S.FILED
    assert receipts(seeded) == []


# ── Once ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_message_is_taken_in_once(seeded: Session, arrives) -> None:
    first = arrives(letter())

    assert arrives(letter()) is first
    assert arrives(letter(Received="from another server")) is first, "it came by two ways"
    assert (count(seeded, InboundMessage), count(seeded, Pqr), len(receipts(seeded))) == (1, 1, 1)


def test_another_message_under_the_same_name_waits_in_quarantine(seeded: Session, arrives) -> None:
    first, other = arrives(letter()), arrives(letter("Otro texto"))

    assert (other.status, other.ground) == (S.QUARANTINED, Ground.SAME_ID.name)
    assert arrives(letter("Otro texto")) is other
    assert first.message_id != other.message_id


def test_other_files_make_another_message(seeded: Session, arrives) -> None:
    arrives(letter())

    assert arrives(letter(files=(("a.pdf", "application/pdf", PDF),))).ground == Ground.SAME_ID.name


def test_messages_without_a_name_are_known_by_their_content(seeded: Session, arrives) -> None:
    one = arrives(letter(message_id=None))

    assert arrives(letter(message_id=None)) is one
    assert arrives(letter("Otro", message_id=None)) is not one
    assert receipts(seeded)[0].in_reply_to.startswith("<PQR-")


@pytest.mark.parametrize("name", NASTY)
def test_nothing_that_comes_is_lost_or_breaks_the_reading(seeded: Session, arrives, name: str) -> None:
    message = arrives(NASTY[name])

    assert (message.raw_file.n_bytes if message.raw_file else 0) == len(NASTY[name])
    assert arrives(NASTY[name]) is message


# ── A note ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def filed(seeded: Session, arrives) -> Pqr:
    """A case that came by mail."""
    return arrives(letter()).pqr


@pytest.fixture
def owner(seeded: Session, a_user) -> Any:
    return a_user("Dueño de proceso", process=seeded.scalars(select(Process).where(~Process.is_front_desk)).first().code)


def answer_to(case: Pqr, text: str = "Adjunto lo que falta.", **more: Any) -> bytes:
    """Return a reply of the same person to the receipt."""
    receipt = db.session.scalars(select(OutboxMessage).where(OutboxMessage.pqr_id == case.id, OutboxMessage.event == "filed")).one()
    usual = {"subject": f"Re: {receipt.subject}", "message_id": "<dos@example.org>", "In_Reply_To": receipt.message_id}
    return letter(text, **(usual | more))


def test_a_reply_is_a_note_on_its_case_with_its_files(seeded: Session, arrives, filed: Pqr) -> None:
    message = arrives(answer_to(filed, "Es el medidor 5.\n\nEl vie, 10 jul 2026, X (<p@e.com>) escribió:\n> hola",
                                files=(("medidor.jpg", "image/jpeg", PHOTO),)))  # fmt: skip

    assert (message.status, message.pqr, message.note.pqr) == (S.NOTED, filed, filed)
    assert message.note.body.endswith("Es el medidor 5.")
    assert "ana@example.org" in message.note.body
    assert [file.name for file in filed.files][-2:] == ["medidor.jpg", "Recibimos su solicitud " + filed.number + ".eml"]
    assert count(seeded, Pqr) == 1
    assert len(receipts(seeded)) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"In_Reply_To": None, "References": "<PQR-2026-000001@example.com>", "subject": "Re: hola"},
        {"In_Reply_To": None, "subject": "Sobre mi PQR-2026-000001"},
        {"In_Reply_To": None, "subject": "Otra foto", "To": "pqr+PQR-2026-000001@example.com"},
        {"In_Reply_To": "<uno@example.org>", "subject": "Se me olvidaba"},
    ],
)
def test_the_case_is_found_by_thread_number_or_address(seeded: Session, arrives, filed: Pqr, how: dict[str, Any]) -> None:
    assert filed.number == "PQR-2026-000001"

    assert arrives(answer_to(filed, **how)).pqr is filed


def test_the_key_that_a_reply_quotes_is_not_shown(seeded: Session, arrives, filed: Pqr) -> None:
    message = arrives(answer_to(filed, f"Aquí está\n> Clave: {filed.access_key}\n> Hola\ny la clave es {filed.access_key}"))

    assert message.status is S.NOTED
    assert filed.access_key not in message.body + message.body_trimmed + message.note.body


def test_who_holds_the_case_is_told_and_no_move_is_made(seeded: Session, arrives, filed: Pqr, owner) -> None:
    moves.route(seeded, filed, owner_process(seeded, owner), "Revisar", at=AT, actor_id=None)
    n_moves = len(filed.events)
    arrives(answer_to(filed))
    told = seeded.scalars(select(OutboxMessage).where(OutboxMessage.event == "mail_noted")).all()

    assert [(message.user_id, message.pqr_id) for message in told] == [(owner.id, filed.id)]
    assert "ana@example.org" not in told[0].body
    assert len(filed.events) == n_moves


def owner_process(session: Session, user: Any) -> Process:
    from app.models import ProcessMember

    return session.get_one(Process, session.scalars(select(ProcessMember.process_id).where(ProcessMember.user_id == user.id)).one())


def test_a_mail_on_a_case_that_waits_for_the_citizen_may_be_its_completion(seeded: Session, arrives, filed: Pqr, owner) -> None:
    moves.route(seeded, filed, owner_process(seeded, owner), "Revisar", at=AT, actor_id=None)
    seeded.execute(update(Pqr).where(Pqr.id == filed.id).values(status=PqrStatus.AWAITING_USER, due_on=None, safe_on=None))
    seeded.expire(filed)
    arrives(answer_to(filed))
    told = seeded.scalars(select(OutboxMessage).where(OutboxMessage.event == "mail_noted")).one()

    assert str(inbox._HINTS[PqrStatus.AWAITING_USER])[:20] in told.body
    assert filed.status is PqrStatus.AWAITING_USER


def test_a_stranger_who_quotes_a_number_learns_nothing_and_waits(seeded: Session, arrives, filed: Pqr) -> None:
    message = arrives(answer_to(filed, From="Otro <otro@example.org>"))

    assert (message.status, message.ground, message.pqr, message.note) == (S.QUARANTINED, Ground.STRANGER.name, filed, None)
    assert filed.notes == []
    assert not seeded.scalars(select(OutboxMessage).where(OutboxMessage.to_address == "otro@example.org")).all()


def test_a_case_of_reserved_identity_does_not_name_who_writes(seeded: Session, arrives, a_case) -> None:
    case = a_case(identity=Identity.RESERVED, notice_email="ana@example.org")
    message = arrives(letter(subject=f"Sobre {case.number}"))

    assert message.status is S.NOTED
    assert "ana@example.org" not in message.note.body
    assert message.raw_file.pqr is None


def test_a_message_about_a_case_that_is_over_is_a_new_one_after_it(seeded: Session, arrives, filed: Pqr) -> None:
    moves.make_move(seeded, filed, Move.VOID, at=AT, actor_id=None, reason="De prueba")
    message = arrives(answer_to(filed))

    assert message.status is S.FILED
    assert message.pqr is not filed
    assert message.pqr.previous is filed


# ── Machines ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "status", "ground"),
    [
        ({"Auto_Submitted": "auto-replied"}, S.IGNORED, Ground.AUTO_REPLY),
        ({"Auto_Submitted": "auto-generated"}, S.QUARANTINED, Ground.MACHINE),
        ({"Precedence": "bulk"}, S.QUARANTINED, Ground.LIST),
        ({"X_Spam_Flag": "YES"}, S.QUARANTINED, Ground.SPAM),
        ({"From": "Acueducto <ATIENDE@example.com>"}, S.QUARANTINED, Ground.LOOP),
        ({"From": "nadie"}, S.QUARANTINED, Ground.UNREADABLE),
        ({"text": ""}, S.QUARANTINED, Ground.NO_TEXT),
    ],
)
def test_what_is_no_request_of_a_person_is_set_aside_and_nobody_is_answered(
    seeded: Session, arrives, headers: dict[str, str], status: S, ground: Ground
) -> None:
    message = arrives(letter(**headers))

    assert (message.status, message.ground, message.pqr) == (status, ground.name, None)
    assert message.raw_file is not None
    assert (count(seeded, Pqr), receipts(seeded)) == (0, [])


def test_our_own_message_that_comes_back_is_a_loop(seeded: Session, arrives, filed: Pqr) -> None:
    (receipt,) = receipts(seeded)

    assert arrives(letter(message_id=receipt.message_id, From="Reenvío <otro@example.org>")).ground == Ground.LOOP.name


def test_who_writes_too_much_in_an_hour_waits(seeded: Session, arrives) -> None:
    seeded.merge(Parameter(key="inbox.most_per_hour", value="3", description="x"))
    came = [arrives(letter(f"Mensaje {i}", message_id=f"<{i}@example.org>")) for i in range(5)]
    later = inbox.take_in(seeded, Arrival(letter(message_id="<despues@example.org>"), AT + timedelta(hours=2)), at=AT + timedelta(hours=2))

    assert [message.status for message in came] == [S.FILED] * 3 + [S.QUARANTINED] * 2
    assert came[-1].ground == Ground.TOO_MANY.name
    assert later.status is S.FILED


def test_who_sends_the_same_twice_has_one_case(seeded: Session, arrives) -> None:
    again = letter(message_id="<otra-vez@example.org>")

    assert arrives(letter()).status is S.FILED
    assert arrives(again).ground == Ground.REPEATED.name
    assert arrives(letter(message_id="<ayer@example.org>"), CAME - timedelta(days=2)).status is S.FILED
    assert len(receipts(seeded)) == 2


def test_what_arrived_long_before_it_is_read_waits(seeded: Session, arrives) -> None:
    assert arrives(letter(), AT - timedelta(days=29)).status is S.FILED
    assert arrives(letter(message_id="<viejo@example.org>"), AT - timedelta(days=31)).ground == Ground.TOO_OLD.name


def test_a_server_whose_clock_is_ahead_files_nothing_in_the_future(seeded: Session, arrives) -> None:
    assert arrives(letter(), AT + timedelta(days=3)).pqr.filed_at == AT


def test_a_message_that_was_cut_waits_with_its_beginning(seeded: Session, arrives) -> None:
    message = arrives(letter(), n_bytes=80_000_000)

    assert (message.status, message.ground, message.n_bytes) == (S.QUARANTINED, Ground.TOO_BIG.name, 80_000_000)
    assert arrives(letter(), n_bytes=80_000_000) is message


def test_when_the_law_is_missing_the_message_waits_and_says_so(seeded: Session, arrives) -> None:
    seeded.merge(Parameter(key="inbox.request_type", value="NO_HAY", description="x"))
    message = arrives(letter())

    assert (message.status, message.ground) == (S.QUARANTINED, Ground.NOT_FILED.name)
    assert "NO_HAY" in message.reason
    assert count(seeded, Party) == 0


def test_the_front_desk_hears_of_the_quarantine_once_a_day(seeded: Session, arrives, a_user) -> None:
    clerk = a_user("Auxiliar PQR", process=seeded.scalars(select(Process).where(Process.is_front_desk)).one().code)
    arrives(letter(X_Spam_Flag="YES"))
    arrives(letter(X_Spam_Flag="YES", message_id="<dos@example.org>"))
    told = seeded.scalars(select(OutboxMessage).where(OutboxMessage.event == "mail_quarantined")).all()

    assert [message.user_id for message in told] == [clerk.id]


# ── Mail of ours that did not arrive ──────────────────────────────────────────────────────────────────────────────────────


def sent(session: Session, message: OutboxMessage) -> OutboxMessage:
    message.status, message.sent_at = MessageStatus.SENT, AT
    session.flush()
    return message


def test_a_bounce_marks_the_message_that_did_not_arrive(seeded: Session, arrives, filed: Pqr) -> None:
    receipt = sent(seeded, receipts(seeded)[0])
    message = arrives(bounce_of(receipt.message_id))

    assert (message.status, message.ground, message.pqr) == (S.IGNORED, Ground.BOUNCE.name, filed)
    assert (receipt.status, receipt.sent_at) == (MessageStatus.FAILED, None)
    assert "User unknown" in receipt.last_error


def test_a_delay_is_no_bounce_yet(seeded: Session, arrives, filed: Pqr) -> None:
    receipt = sent(seeded, receipts(seeded)[0])
    arrives(bounce_of(receipt.message_id, status="4.4.1", action="delayed"))

    assert receipt.status is MessageStatus.SENT


def test_a_bounced_notice_came_back_in_its_case(seeded: Session, arrives, a_case) -> None:
    case = a_case(notice_email="ana@example.org", is_e_notice=True)
    notice = Notice(pqr=case, means=NoticeMeans.E_LINK, address="ana@example.org", token="x" * 40, sent_at=AT,
                    sent_on=AT.date(), result=NoticeResult.PENDING)  # fmt: skip
    seeded.add(notice)
    seeded.flush()
    told = sent(seeded, messages.tell_answer(seeded, case, notice, "http://localhost/n/x", AT))
    arrives(bounce_of(told.message_id))

    assert notice.result is NoticeResult.RETURNED
    assert "5.1.1" in notice.return_reason


def test_a_bounce_of_nothing_of_ours_is_kept_and_changes_nothing(seeded: Session, arrives) -> None:
    assert (arrives(bounce_of("<ajeno@example.net>")).status, count(seeded, Pqr)) == (S.IGNORED, 0)


# ── What a person decides ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def waiting(arrives) -> InboundMessage:
    """A message in quarantine that a person wrote."""
    return arrives(letter(X_Spam_Flag="YES", files=(("a.pdf", "application/pdf", PDF),)))


def test_a_message_in_quarantine_becomes_a_case_of_the_day_it_arrived(seeded: Session, waiting: InboundMessage, a_user) -> None:
    clerk, later = a_user("Auxiliar PQR"), AT + timedelta(days=4)
    case = inbox.make_case(seeded, waiting, at=later, actor_id=clerk.id)

    assert inbox.make_case(seeded, waiting, at=later, actor_id=clerk.id) is case
    assert (case.filed_at, waiting.status, waiting.handled_by_id, waiting.handled_at) == (CAME, S.FILED, clerk.id, later)
    assert {file.name for file in case.files} == {"a.pdf", "Sin agua.eml"}
    assert [receipt.to_address for receipt in receipts(seeded)] == ["ana@example.org"]


def test_a_message_of_a_machine_that_is_filed_by_hand_is_not_answered(seeded: Session, arrives) -> None:
    inbox.make_case(seeded, arrives(letter(Auto_Submitted="auto-generated")), at=AT, actor_id=None)

    assert receipts(seeded) == []


def test_a_message_of_a_stranger_is_noted_by_hand_and_says_so(seeded: Session, arrives, filed: Pqr) -> None:
    waiting = arrives(answer_to(filed, From="Otro <otro@example.org>"))
    assert inbox.note_on(seeded, waiting, f" {filed.number.lower()} ", at=AT, actor_id=None) is filed
    assert inbox.note_on(seeded, waiting, filed.number, at=AT, actor_id=None) is filed

    (note,) = filed.notes
    assert "otro@example.org" in note.body
    assert (waiting.status, waiting.note) == (S.NOTED, note)


def test_a_message_is_decided_once(seeded: Session, waiting: InboundMessage, a_case) -> None:
    inbox.discard(seeded, waiting, "Publicidad", at=AT, actor_id=None)
    inbox.discard(seeded, waiting, "Otra razón", at=AT, actor_id=None)

    assert (waiting.status, waiting.reason) == (S.DISCARDED, "Publicidad")
    with pytest.raises(DomainError):
        inbox.make_case(seeded, waiting, at=AT, actor_id=None)
    with pytest.raises(DomainError):
        inbox.note_on(seeded, waiting, a_case().number, at=AT, actor_id=None)


def test_a_decision_that_cannot_be_is_refused(seeded: Session, waiting: InboundMessage, arrives) -> None:
    with pytest.raises(DomainError):
        inbox.note_on(seeded, waiting, "PQR-1999-000001", at=AT, actor_id=None)
    with pytest.raises(DomainError):
        inbox.discard(seeded, waiting, "  ", at=AT, actor_id=None)
    with pytest.raises(DomainError):
        inbox.make_case(seeded, arrives(letter(message_id="<n@example.org>", From="nadie")), at=AT, actor_id=None)


# ── The mailbox, read by workers ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reading_app(fresh_app: Flask, imap: Box) -> Flask:
    """A fresh application that reads the mailbox."""
    fresh_app.config.update(imap.settings, ATIENDE_NOW=AT.isoformat())
    return fresh_app


def pass_over(app: Flask) -> int:
    with app.app_context():
        return read_mail(db.session())


def tally(app: Flask) -> Counter[str]:
    with app.app_context():
        rows = db.session.execute(select(InboundMessage.status, func.count()).group_by(InboundMessage.status))
        counts = Counter({status.name: n for status, n in rows})
        counts["cases"], counts["receipts"] = count(db.session, Pqr), len(receipts(db.session))
        numbers = list(db.session.scalars(select(Pqr.number)))
        counts["gaps"] = len(set(range(1, len(numbers) + 1)) ^ {int(number.rpartition("-")[2]) for number in numbers})
        counts["orphans"] = db.session.scalar(select(func.count()).where(InboundMessage.raw_file_id.not_in(select(StoredFile.id)))) or 0
        return +counts


def put(imap: Box, n: int, start: int = 0, **headers: str) -> None:
    for i in range(start, start + n):
        imap.put(letter(f"Solicitud número {i}", message_id=f"<{i}@example.org>", From=f"Persona {i} <p{i}@example.org>", **headers), CAME)


def test_what_waits_in_the_mailbox_is_read_once(reading_app: Flask, imap: Box) -> None:
    put(imap, 3)
    imap.put(letter("Sin nombre", message_id=None), CAME)

    assert (pass_over(reading_app), pass_over(reading_app)) == (4, 0)
    assert tally(reading_app) == {"FILED": 4, "cases": 4, "receipts": 4}
    assert imap.n_messages() == 4, "they stay in the mailbox"


def test_a_mailbox_that_forgot_its_marks_is_known_again(reading_app: Flask, imap: Box) -> None:
    put(imap, 3)
    pass_over(reading_app)
    for path in (imap.path / "cur").iterdir():
        path.rename(path.with_name(path.name.partition(":")[0] + ":2,"))

    assert pass_over(reading_app) == 0
    assert tally(reading_app) == {"FILED": 3, "cases": 3, "receipts": 3}


def test_a_message_that_breaks_us_is_set_aside_and_stops_no_other(reading_app: Flask, imap: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    put(imap, 3)
    take_in = inbox.take_in

    def fragile(session: Session, arrival: Arrival, *, at: datetime) -> InboundMessage:
        if b"<1@example.org>" in arrival.raw:
            raise RuntimeError("broken")
        return take_in(session, arrival, at=at)

    monkeypatch.setattr(inbox, "take_in", fragile)

    assert pass_over(reading_app) == 3
    assert tally(reading_app) == {"FILED": 2, "QUARANTINED": 1, "cases": 2, "receipts": 2}


def test_without_a_mailbox_nothing_is_read_and_one_that_does_not_answer_says_so(fresh_app: Flask, imap: Box) -> None:
    assert pass_over(fresh_app) == 0
    fresh_app.config.update(imap.settings, IMAP_PORT=free_port())
    with pytest.raises(NotRead):
        pass_over(fresh_app)


# ── Two workers, and workers that are killed ──────────────────────────────────────────────────────────────────────────────

N_WAITING = 40


def _read(app: Flask, dies: str = "") -> None:
    """Read the mailbox in a process of its own, which kills itself at the place that *dies* names, or lives."""
    from app import mailbox
    from app.jobs import incoming

    def die(*_args: Any, **_more: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    incoming.HANDFUL = 10
    calls = count_from(1)
    if dies == "before the commit":
        receipt = inbox._receipt
        inbox._receipt = lambda *args: die() if next(calls) == 13 else receipt(*args)  # type: ignore[assignment]
    elif dies == "before it is put away":
        put_away = mailbox.Mailbox.put_away
        mailbox.Mailbox.put_away = lambda box, uids: die() if next(calls) == 3 else put_away(box, uids)  # type: ignore[method-assign]
    pass_over(app)


def start_worker(app: Flask, dies: str = "") -> Any:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    child = multiprocessing.get_context("fork").Process(target=_read, args=(app, dies))
    child.start()
    return child


def n_taken(app: Flask) -> int:
    with app.app_context():
        return count(db.session, InboundMessage)


def whole(n: int) -> dict[str, int]:
    return {"FILED": n, "cases": n, "receipts": n}


@pytest.mark.parametrize("dies", ["before the commit", "before it is put away"])
def test_a_worker_killed_at_the_worst_moment_loses_and_repeats_nothing(reading_app: Flask, imap: Box, dies: str) -> None:
    put(imap, 25)
    child = start_worker(reading_app, dies)
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    before = tally(reading_app)["FILED"]

    assert pass_over(reading_app) == 25 - before
    assert 0 < before < 25
    assert tally(reading_app) == whole(25)


def test_workers_killed_again_and_again_lose_and_repeat_nothing(reading_app: Flask, imap: Box) -> None:
    n_killed = n_put = 0
    while n_killed < 3 and n_put < 8 * N_WAITING:  # one that finished before it was killed proves nothing: another round
        put(imap, N_WAITING, start=n_put)
        n_put += N_WAITING
        at_least = n_taken(reading_app) + 4
        child = start_worker(reading_app)
        until = time.monotonic() + 60
        while child.is_alive() and n_taken(reading_app) < at_least and time.monotonic() < until:
            time.sleep(0.01)
        child.kill()
        child.join(30)
        n_killed += child.exitcode == -signal.SIGKILL
    n_left = pass_over(reading_app)

    counts = tally(reading_app)
    lost, repeated = (max(0, n) for n in (n_put - counts["cases"], counts["cases"] - n_put))
    print(f"{n_killed} workers killed over {n_put} messages; {n_left} read after the last; lost {lost}, repeated {repeated}")
    assert n_killed == 3
    assert n_left > 0
    assert counts == whole(n_put)


def test_two_workers_read_one_mailbox_without_a_repetition(reading_app: Flask, imap: Box) -> None:
    put(imap, N_WAITING)
    children = [start_worker(reading_app), start_worker(reading_app)]
    for child in children:
        child.join(120)

    assert [child.exitcode for child in children] == [0, 0]
    assert tally(reading_app) == whole(N_WAITING)
    assert pass_over(reading_app) == 0


def test_ten_thousand_known_messages_are_read_again_without_a_duplicate(reading_app: Flask, imap: Box) -> None:
    """Of the ten thousand, an earlier reading is told to have stored all but two hundred: to file each takes what filing takes."""
    n, n_new = 10_000, 200
    for i in range(n):
        imap.put(b"Message-ID: <%d@example.org>\r\nFrom: p%d@example.org\r\nAuto-Submitted: auto-replied\r\n\r\nHola\r\n" % (i, i), CAME)
    with reading_app.app_context():
        with Mailbox(reading_app.config) as box:
            heads = [head for block in box.waiting() for head in block]
        known = [
            {"message_id": head.message_id, "sha256": "0" * 64, "received_at": CAME, "n_bytes": head.n_bytes, "status": S.IGNORED,
             "ground": Ground.AUTO_REPLY.name, "created_at": AT, "changed_at": AT}
            for head in heads[n_new:]
        ]  # fmt: skip
        db.session.execute(insert(InboundMessage), known)
        db.session.commit()
    start = time.perf_counter()
    n_first = pass_over(reading_app)
    first = time.perf_counter() - start
    for path in (imap.path / "cur").iterdir():
        path.rename(path.with_name(path.name.partition(":")[0] + ":2,"))  # the server forgets what was read
    start = time.perf_counter()
    n_again = pass_over(reading_app)
    again = time.perf_counter() - start

    print(f"{n} messages: {n_first} new in {first:.1f} s; read again in {again:.1f} s: {n_again} new")
    assert (n_first, n_again) == (n_new, 0)
    assert tally(reading_app) == {"IGNORED": n}
