"""
Calls the receiver of a webhook: one POST, to an address that was looked up once and judged, within ten seconds, no redirection.

Whoever may write an address of a webhook could otherwise make this server talk to the networks that only it reaches.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.domain import N_
from app.domain.hooks import is_public

#: Seconds that a whole call may take, and bytes of the answer that are read.
TIMEOUT = 10
MOST_BYTES = 4096
AGENT = "Atiende-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a call: the status of the answer (None: there was none), the start of its text, and why it failed (a msgid)."""

    status: int | None = None
    text: str = ""
    error: str = ""

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _Refused(Exception):
    """The address must not be called; the text is a msgid."""


def call(url: str, body: bytes, headers: Mapping[str, str], *, allows_private: bool = False, timeout: float = TIMEOUT) -> Reply:
    """Return how the receiver at *url* took *body*. Never raises for what a receiver or the network does."""
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    try:
        if not is_tls and not allows_private:
            raise _Refused(N_("The address is not https."))
        port = parts.port or (443 if is_tls else 80)
        address = _address_of(host, port, allows_private)
        with _Call(host, port, address, is_tls, timeout) as connection:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            sent = {"Content-Type": "application/json; charset=utf-8", "User-Agent": AGENT, "Connection": "close", **headers}
            connection.request("POST", path, body=body, headers=sent)
            answer = connection.getresponse()
            text = answer.read(MOST_BYTES).decode("utf-8", "replace").replace("\0", "")
    except _Refused as refusal:
        return Reply(error=str(refusal))
    except TimeoutError:
        return Reply(error=N_("The receiver did not answer in ten seconds."))
    except ssl.SSLError as error:
        return Reply(error=f"TLS: {error.reason or type(error).__name__}")
    except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
        return Reply(error=f"{type(error).__name__}: {error}"[:300])
    return Reply(answer.status, text, _objection(answer.status))


def _objection(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return N_("The receiver sends on to another address. Write that one: a webhook follows nobody.")
    return N_("The receiver did not take it.")


def _address_of(host: str, port: int, allows_private: bool) -> str:
    """Return the one address that is called. All that the name leads to have to be public: which one a second look finds is not ours."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise _Refused(N_("No machine has that name.")) from None
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not (allows_private or all(map(is_public, addresses))):
        raise _Refused(N_("That name leads inside the house. Ask whoever runs the server to allow it (ATIENDE_WEBHOOK_PRIVATE)."))
    return addresses[0]


class _Call(http.client.HTTPConnection):
    """A connection to *address* that speaks to *host*, and is cut when its time is over, however slowly bytes drip."""

    def __init__(self, host: str, port: int, address: str, is_tls: bool, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self.default_port = 443 if is_tls else 80  # what the header Host need not say
        self._address, self._tls = address, ssl.create_default_context() if is_tls else None
        self._wire: socket.socket | None = None  # http.client forgets its own before the answer is read
        self._is_over = False
        self._watch = threading.Timer(timeout, self._cut)
        self._watch.daemon = True

    def connect(self) -> None:
        self.sock = self._wire = socket.create_connection((self._address, self.port), self.timeout)
        if self._tls is not None:
            self.sock = self._wire = wrapped = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            wrapped.do_handshake()

    def _cut(self) -> None:
        self._is_over = True
        if self._wire is not None:
            with suppress(OSError):  # it may have ended by itself meanwhile
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)  # not that of TLS, which first says good-bye

    def __enter__(self) -> _Call:
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._watch.cancel()
        self.close()
        if self._is_over and not isinstance(error, TimeoutError):
            raise TimeoutError from error
