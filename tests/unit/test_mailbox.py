"""The mailbox, over a real IMAP server: read without a trace, put away only when told, known again at any time."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime

import pytest

from app import mailbox
from app.mailbox import Mailbox, NotRead
from tests.imap import Box, free_port

CAME = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


def fill(imap: Box, n: int, text: bytes = b"Hola") -> None:
    for i in range(n):
        imap.put(b"From: a%d@example.org\r\nSubject: Agua\r\nMessage-ID: <%d@example.org>\r\n\r\n%s\r\n" % (i, i, text), CAME)


def heads(settings: dict) -> list[mailbox.Head]:
    with Mailbox(settings) as box:
        return [head for block in box.waiting() for head in block]


def test_reading_leaves_no_trace_and_tells_when_the_server_received_it(imap: Box) -> None:
    fill(imap, 3)

    with Mailbox(imap.settings) as box:
        found = [head for block in box.waiting() for head in block]
        contents = [box.whole(head) for head in found]

    assert [head.message_id for head in found] == ["<0@example.org>", "<1@example.org>", "<2@example.org>"]
    assert {head.received_at for head in found} == {CAME}
    assert [len(content or b"") for content in contents] == [head.n_bytes for head in found]
    assert heads(imap.settings) == found
    assert not any("S" in path.name.rpartition(",")[2] for path in (imap.path / "cur").iterdir()), "nothing was marked as seen"


def test_what_was_put_away_waits_no_more_but_stays_in_the_mailbox(imap: Box) -> None:
    fill(imap, 3)
    with Mailbox(imap.settings) as box:
        (block,) = box.waiting()
        box.put_away([block[0].uid, block[2].uid])

    assert [head.message_id for head in heads(imap.settings)] == ["<1@example.org>"]
    assert imap.n_messages() == 3


def test_a_folder_for_what_was_read_is_made_and_filled(imap: Box) -> None:
    fill(imap, 3)
    settings = imap.settings | {"IMAP_DONE_FOLDER": f"{imap.name}/Leídos"}
    with Mailbox(settings) as box:
        (block,) = box.waiting()
        box.put_away(head.uid for head in block[:2])

    assert [head.message_id for head in heads(settings)] == ["<2@example.org>"]
    assert imap.n_messages() == 1
    assert len(heads(imap.settings | {"IMAP_FOLDER": f"{imap.name}/Leídos"})) == 2


def test_a_server_without_keywords_is_asked_only_for_what_is_new(imap: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_READ_UP_TO", {})
    fill(imap, 3)

    def pass_() -> int:
        with Mailbox(imap.settings) as box:
            box.keeps_keywords = False
            return sum(len(block) for block in box.waiting())

    assert (pass_(), pass_()) == (3, 0)
    fill(imap, 1)
    assert pass_() == 1
    key, (validity, last) = mailbox._READ_UP_TO.popitem()
    mailbox._READ_UP_TO[key] = (validity - 1, last)
    assert pass_() == 4, "the numbers of the folder began anew"


def test_a_pass_that_broke_off_is_not_remembered(imap: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_READ_UP_TO", {})
    monkeypatch.setattr(mailbox, "BLOCK", 2)
    fill(imap, 5)
    with Mailbox(imap.settings) as box:
        box.keeps_keywords = False
        next(box.waiting())

    with Mailbox(imap.settings) as box:
        box.keeps_keywords = False
        assert [len(block) for block in box.waiting()] == [2, 2, 1]


def test_of_a_message_that_is_too_big_only_the_beginning_is_read(imap: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MAX_BYTES", 10_000)
    monkeypatch.setattr(mailbox, "BEGINNING", 500)
    fill(imap, 1, b"x" * 100 + b"\r\n" + b"y" * 20_000)

    with Mailbox(imap.settings) as box:
        ((head,),) = box.waiting()
        content = box.whole(head)

    assert head.is_too_big
    assert head.n_bytes > 20_000
    assert content is not None and len(content) == 500


def test_a_message_that_went_away_meanwhile_is_none(imap: Box) -> None:
    fill(imap, 2)
    settings = imap.settings | {"IMAP_DONE_FOLDER": f"{imap.name}/Hecho"}
    with Mailbox(settings) as one, Mailbox(settings) as other:
        (block,) = one.waiting()
        other.put_away([block[0].uid])
        list(one.waiting())

        assert one.whole(block[0]) is None
        one.put_away([block[0].uid, block[1].uid])

    assert heads(settings) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"IMAP_PASSWORD": "otra"}, "AUTHENTICATIONFAILED"),
        ({"IMAP_PASSWORD": "contraseña"}, "AUTHENTICATIONFAILED"),
        ({"IMAP_FOLDER": "No hay"}, "doesn't exist"),
        ({"IMAP_TLS": "quizá"}, "ATIENDE_IMAP_TLS"),
        ({"IMAP_TLS": "starttls"}, "certificate verify failed"),
        ({"IMAP_PORT": free_port()}, "refused"),
    ],
)
def test_a_mailbox_that_cannot_be_read_says_why(imap: Box, change: dict, said: str) -> None:
    with pytest.raises(NotRead, match=re.escape(said)), Mailbox(imap.settings | change):
        pass


@pytest.mark.parametrize("encryption", ["yes", "starttls"])
def test_an_encrypted_mailbox_is_read_when_its_certificate_is_trusted(
    imap: Box, encryption: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(imap, 1)
    port = imap.server.tls_port if encryption == "yes" else imap.server.port
    settings = imap.settings | {"IMAP_TLS": encryption, "IMAP_PORT": port, "IMAP_HOST": "localhost"}
    with pytest.raises(NotRead, match="certificate verify failed"):
        heads(settings)

    monkeypatch.setenv("SSL_CERT_FILE", str(imap.server.certificate))
    assert len(heads(settings)) == 1
    with pytest.raises(NotRead, match="certificate verify failed"):
        heads(settings | {"IMAP_HOST": "127.0.0.1"})  # it is the certificate of another name


def test_a_server_that_hangs_up_is_told(imap: Box) -> None:
    fill(imap, 1)
    with Mailbox(imap.settings) as box:
        box._box.client.sock.shutdown(socket.SHUT_RDWR)
        with pytest.raises(NotRead):
            list(box.waiting())
