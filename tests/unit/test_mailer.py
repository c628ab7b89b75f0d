"""How a message travels: headers once, lines short, seven bits, the same at every attempt."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mailer import Enclosure, Head, NotSent, compose
from app.models import Organisation, OutboxMessage

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
HEAD = Head("Aguas del Valle de Aburrá S.A.S. E.S.P.", "atiende@example.com", "pqr@example.com", "rebotes@example.com")
ROOT = "<PQR-2026-000001@example.com>"


def a_message(**more: Any) -> OutboxMessage:
    values = {
        "to_address": "ana@example.org", "subject": "Recibimos su solicitud", "body": "Buen día\n", "html_body": "<p>Buen día</p>\n",
        "language": "es", "message_id": "<0f@example.com>", "in_reply_to": ROOT, "reference_ids": ROOT,
    }  # fmt: skip
    return OutboxMessage(**(values | more))


def wire(message: OutboxMessage, head: Head = HEAD) -> bytes:
    return compose(message, head, AT).as_bytes(policy=policy.SMTP)


def test_text_and_html_say_the_same_and_the_text_comes_first() -> None:
    mail = message_from_bytes(wire(a_message()), policy=policy.default)

    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert [part["Content-Transfer-Encoding"] for part in mail.iter_parts()] == ["quoted-printable"] * 2
    assert [part.get_content().strip() for part in mail.iter_parts()] == ["Buen día", "<p>Buen día</p>"]


def test_a_thread_names_its_case_and_what_it_answers() -> None:
    theirs = "<CAF123@mail.example.org>"
    mail = message_from_bytes(wire(a_message(in_reply_to=theirs, reference_ids=f"{ROOT} {theirs}")), policy=policy.default)

    assert mail["In-Reply-To"] == theirs
    assert mail["References"].split() == [ROOT, theirs]
    assert message_from_bytes(wire(a_message(in_reply_to=None, reference_ids=None)))["References"] is None


def test_it_says_that_a_machine_wrote_it_and_is_no_list() -> None:
    mail = message_from_bytes(wire(a_message()))

    assert mail["Auto-Submitted"] == "auto-generated"
    assert not [name for name in mail if name.startswith("List-") or name == "Precedence"]


def test_every_attempt_is_the_same_byte_by_byte() -> None:
    assert wire(a_message()) == wire(a_message())
    assert wire(a_message()) != wire(a_message(message_id="<10@example.com>"))


@given(
    subject=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=240),
    body=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=3000),
    name=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=160),
)
def test_whatever_is_written_travels_in_seven_bits_short_lines_and_single_headers(subject: str, body: str, name: str) -> None:
    references = " ".join([ROOT] * 40)
    head = Head(name, HEAD.sender, HEAD.reply_to, HEAD.envelope)

    raw = wire(a_message(subject=subject, body=body, html_body=body + "x", reference_ids=references), head)

    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    names = [line.partition(b":")[0].lower() for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert len(names) == len(set(names))
    assert {b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"reply-to"} <= set(names)


def test_an_answer_finds_its_case_by_the_address_where_the_mailbox_takes_it() -> None:
    house = Organisation(name="Aguas", email="pqr@example.com")
    config = {"MAIL_FROM": "atiende@example.com", "MAIL_REPLY_TO": "pqr+{number}@example.com", "MAIL_BOUNCES": "rebotes@example.com"}

    assert Head.of(house, config, "PQR-2026-000001").reply_to == "pqr+PQR-2026-000001@example.com"
    assert Head.of(house, config).reply_to == "pqr@example.com"
    assert Head.of(house, config).envelope == "rebotes@example.com"
    assert Head.of(house, {}) == Head("Aguas", "pqr@example.com", "pqr@example.com", "pqr@example.com")


def test_an_address_that_cannot_be_written_is_final_and_a_bad_sender_is_nobodys_fault() -> None:
    with pytest.raises(NotSent) as refusal:
        wire(a_message(to_address="a@b\nBcc: x@example.com"))
    assert refusal.value.is_final
    with pytest.raises(NotSent) as refusal:
        wire(a_message(), Head("x", "no address", "pqr@example.com", "x"))
    assert refusal.value.is_server
    assert not refusal.value.is_final


def test_a_file_goes_with_the_words_and_every_attempt_is_the_same_byte_by_byte() -> None:
    enclosure = Enclosure("COT-2026-0001 Señores Peña.pdf", "application/pdf", b"%PDF-1.7\n\x00\xff" * 3000)

    raw = [compose(a_message(), HEAD, AT, enclosure).as_bytes(policy=policy.SMTP) for _n in range(2)]
    mail = message_from_bytes(raw[0], policy=policy.default)

    assert raw[0] == raw[1]
    assert raw[0].isascii()
    assert mail.get_content_type() == "multipart/mixed"
    words, file = mail.iter_parts()
    assert [part.get_content_type() for part in words.iter_parts()] == ["text/plain", "text/html"]
    assert (file.get_filename(), file.get_content_type(), file.get_content_disposition()) == (
        enclosure.name, "application/pdf", "attachment")  # fmt: skip
    assert file.get_content() == enclosure.content


def test_an_answer_goes_to_whom_the_message_names() -> None:
    assert "pqr@example.com" in message_from_bytes(wire(a_message()))["Reply-To"]
    assert "ana.comercial@example.com" in message_from_bytes(wire(a_message(reply_to="ana.comercial@example.com")))["Reply-To"]
