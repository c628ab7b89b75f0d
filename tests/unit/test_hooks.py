"""Webhooks: what is signed verifies with the code that the documentation gives; and no address leads inside the house."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app import hooks
from app.domain.errors import DomainError
from app.domain.hooks import EVENT_OF, EVENTS, BadSignature, check_url, headers, is_public, message, secret_of, signature, verify

SECRET = secret_of(bytes(range(32)))
AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
ID = "msg_0123456789abcdef"
DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"


# ── The signature ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_signature_is_that_of_the_convention():
    """The worked example of the Standard Webhooks specification."""
    at = datetime.fromtimestamp(1614265330, UTC)

    said = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')

    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def documented() -> Callable[..., bool]:
    """Return the function that docs/webhooks.md gives to receivers."""
    source = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    assert source
    names: dict[str, Any] = {}
    exec(source[1], names)
    return names["is_authentic"]


def test_the_code_of_the_documentation_takes_ours_and_no_other():
    body = message("case.filed", AT, {"number": "PQR-2026-000001", "process": "Atención"})
    said = headers([SECRET], ID, AT, body)
    is_authentic = documented()
    now = AT.timestamp()

    assert is_authentic(SECRET, said, body.encode(), now)
    assert not is_authentic(SECRET, said, body.encode() + b" ", now)
    assert not is_authentic(secret_of(b"x" * 32), said, body.encode(), now)
    assert not is_authentic(SECRET, said | {"webhook-id": "msg_other"}, body.encode(), now)
    assert not is_authentic(SECRET, said, body.encode(), now + 301)


def test_while_a_secret_changes_both_verify():
    other = secret_of(b"y" * 24)
    said = headers([SECRET, other], ID, AT, "{}")

    verify(SECRET, said, "{}", AT)
    verify(other, said, "{}", AT + timedelta(minutes=4))


@pytest.mark.parametrize(
    ("change", "body", "at"),
    [
        ({}, "{ }", AT),
        ({"webhook-id": "msg_x"}, "{}", AT),
        ({"webhook-timestamp": "x"}, "{}", AT),
        ({"webhook-timestamp": "9" * 30}, "{}", AT),
        ({"webhook-signature": "v1,é"}, "{}", AT),
        ({"webhook-signature": ""}, "{}", AT),
        ({}, "{}", AT + timedelta(minutes=6)),
        ({}, "{}", AT - timedelta(minutes=6)),
    ],
)
def test_what_was_changed_or_is_old_does_not_verify(change, body, at):
    with pytest.raises(BadSignature):
        verify(SECRET, headers([SECRET], ID, AT, "{}") | change, body, at)


def test_a_short_key_is_no_secret():
    with pytest.raises(ValueError, match="24 to 64"):
        secret_of(b"short")


def test_every_event_that_a_move_is_can_be_chosen_and_is_documented():
    text = DOCS.read_text()

    assert set(EVENT_OF.values()) == set(EVENTS)
    assert [name for name in EVENTS if f"`{name}`" not in text] == []


def test_the_body_of_an_event_is_the_same_bytes_again():
    facts = {"number": "PQR-2026-000001", "due_on": None}

    assert message("case.filed", AT, facts) == message("case.filed", AT, facts)
    assert json.loads(message("case.filed", AT, facts)) == {"type": "case.filed", "timestamp": "2026-07-10T15:00:00Z", "data": facts}


# ── Where it may go ───────────────────────────────────────────────────────────────────────────────────────────────────────

INSIDE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "198.18.0.1", "192.0.2.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_the_inside_is_known(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "200.13.249.101", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_known(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com/", "https://", "https:///x", "https://example.com:99999/", "https://exa mple.com/",
        "https://example.com/\r\nX: 1", "https://example.com/ñ", "https://me:secret@example.com/", "https://me@example.com/",
        "https://example.com/#part", "http://example.com/", "https://localhost/", "https://a.localhost/", "https://printer.local/",
        "https://metadata.google.internal/", "https://127.0.0.1/", "https://169.254.169.254/latest/", "https://[::1]/", "https://[fe80::1]/",
        "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://10.0.0.8:8443/x", "https://[::ffff:10.0.0.1]/",
    ],
)  # fmt: skip
def test_an_address_that_is_no_receiver_is_refused(url):
    with pytest.raises(DomainError) as caught:
        check_url(url, allows_private=False)

    assert caught.value.field == "url"


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "https://hooks.example.com.co:8443/a/b", "https://8.8.8.8/", "https://[2606:4700::1]/"])
def test_an_address_of_the_internet_is_taken(url):
    check_url(url, allows_private=False)


def test_an_address_inside_is_taken_where_the_setting_allows_it():
    check_url("http://127.0.0.1:8000/hook", allows_private=True)
    with pytest.raises(DomainError):
        check_url("http://me:secret@127.0.0.1/", allows_private=True)


# ── The call ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Receiver(BaseHTTPRequestHandler):
    """Answers what its path says: a status, a redirection, a flood, or one byte at a time."""

    seen: list[tuple[str, dict[str, str], bytes]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        what = self.path.strip("/").partition("?")[0]
        if what == "drip":
            self._drip()
            return
        self.send_response(int(what) if what.isdigit() else 200)
        if what == "302":
            self.send_header("Location", "/200")
        if what != "flood":
            self.send_header("Content-Length", "3")
        self.end_headers()
        if what != "flood":
            self.wfile.write(b"yes")
        else:
            self._flood()
        self.close_connection = True

    def _flood(self) -> None:
        try:
            for _ in range(1000):
                self.wfile.write(b"x" * 100_000)
        except OSError:
            pass

    def _drip(self) -> None:
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            pass
        self.close_connection = True

    def log_message(self, *_anything: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_is_sent_arrives_as_it_was_signed(receiver):
    body = message("case.filed", AT, {"number": "PQR-2026-000001"}).encode()

    reply = hooks.call(f"{receiver}/200?of=us", body, headers([SECRET], ID, AT, body.decode()), allows_private=True)

    path, said, received = Receiver.seen[0]
    assert (reply.status, reply.text, reply.error, reply.is_taken) == (200, "yes", "", True)
    assert path == "/200?of=us"
    assert received == body
    assert said["host"] == receiver.removeprefix("http://")
    assert said["user-agent"] == hooks.AGENT
    verify(SECRET, said, received.decode(), AT)


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_what_the_receiver_does_not_take_is_a_failure(receiver, status):
    reply = hooks.call(f"{receiver}/{status}", b"{}", {}, allows_private=True)

    assert reply.status == status
    assert reply.text == "yes"
    assert reply.error
    assert not reply.is_taken


def test_a_redirection_is_not_followed(receiver):
    reply = hooks.call(f"{receiver}/302", b"{}", {}, allows_private=True)

    assert (reply.status, reply.is_taken) == (302, False)
    assert [path for path, _, _ in Receiver.seen] == ["/302"]


def test_of_a_flood_a_little_is_read(receiver):
    started = time.monotonic()
    reply = hooks.call(f"{receiver}/flood", b"{}", {}, allows_private=True)

    assert reply.is_taken
    assert len(reply.text) == hooks.MOST_BYTES
    assert time.monotonic() - started < 5


def test_one_byte_at_a_time_does_not_hold_the_worker(receiver):
    """Each byte is in time; the whole is not."""
    started = time.monotonic()
    reply = hooks.call(f"{receiver}/drip", b"{}", {}, allows_private=True, timeout=0.7)

    assert reply == hooks.Reply(error="The receiver did not answer in ten seconds.")
    assert time.monotonic() - started < 3


def test_who_accepts_and_says_nothing_is_left():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        reply = hooks.call(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {}, allows_private=True, timeout=0.5)

    assert "ten seconds" in reply.error
    assert time.monotonic() - started < 3


def test_nobody_there_is_a_failure_and_no_crash():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert "Refused" in hooks.call(f"http://127.0.0.1:{port}/", b"{}", {}, allows_private=True).error


def test_the_inside_is_not_called(receiver, monkeypatch):
    port = int(receiver.rpartition(":")[2])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("127.0.0.1", port))])

    assert hooks.call(f"https://receiver.example.com:{port}/", b"{}", {}).error.startswith("That name leads inside")
    assert hooks.call(f"http://receiver.example.com:{port}/", b"{}", {}).error == "The address is not https."
    assert Receiver.seen == []


def test_a_name_that_leads_also_inside_is_not_called(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", (each, 443)) for each in ("8.8.8.8", "10.0.0.1")])
    monkeypatch.setattr(socket, "create_connection", lambda *_a, **_k: pytest.fail("it was called"))

    assert hooks.call("https://receiver.example.com/", b"{}", {}).error.startswith("That name leads inside")


def test_the_address_that_was_judged_is_the_one_that_is_called(monkeypatch):
    """A name that says something else the second time (DNS rebinding) gains nothing: nobody asks twice."""
    asked, called = [], []

    def look_up(host, *_a, **_k):
        asked.append(host)
        return [(2, 1, 6, "", ("8.8.8.8" if len(asked) == 1 else "127.0.0.1", 443))]

    def connect(address, *_a, **_k):
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)

    assert "Refused" in hooks.call("https://receiver.example.com/x", b"{}", {}).error
    assert (asked, called) == (["receiver.example.com"], [("8.8.8.8", 443)])


@pytest.fixture
def secure_receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A receiver for `receiver.example.com`, and the certificate that vouches for it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=receiver.example.com",
         "-addext", "subjectAltName=DNS:receiver.example.com"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield str(server.server_port), certificate
    server.shutdown()
    server.server_close()


def test_a_certificate_is_asked_for_by_the_name_and_trusted_or_not(secure_receiver, monkeypatch):
    port, certificate = secure_receiver
    Receiver.seen = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("127.0.0.1", int(port)))])
    url = f"https://receiver.example.com:{port}/200"

    untrusted = hooks.call(url, b"{}", {}, allows_private=True)
    plain = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: plain(cafile=str(certificate)))
    trusted = hooks.call(url, b"{}", {}, allows_private=True)
    other_name = hooks.call(f"https://other.example.com:{port}/200", b"{}", {}, allows_private=True)

    assert untrusted.error.startswith("TLS: CERTIFICATE_VERIFY_FAILED")
    assert trusted.is_taken
    assert other_name.error.startswith("TLS: CERTIFICATE_VERIFY_FAILED")
    assert len(Receiver.seen) == 1
