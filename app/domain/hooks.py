"""
What other programs are told of a case: the events, the message and its signature (Standard Webhooks).

A message names nobody: no party, no account, no text that somebody wrote. Whoever may know more asks this system.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import Move

#: Name of each event, and what it means.
EVENTS: dict[str, str] = {
    "case.filed": N_("A case was filed"),
    "case.routed": N_("A case changed hands"),
    "case.stopped": N_("The legal clock stopped"),
    "case.resumed": N_("The legal clock runs again"),
    "case.extended": N_("The term was extended"),
    "case.solved": N_("A solution waits for its approval"),
    "case.answered": N_("The answer was issued"),
    "case.notified": N_("The answer was notified"),
    "case.silence": N_("The positive silence arose, was withdrawn or was recognised"),
    "case.appealed": N_("An answer was appealed"),
    "case.sspd": N_("Superservicios has the file, or decided"),
    "case.closed": N_("A case ended"),
}
#: What somebody sends to see whether it arrives; no webhook chooses it.
TEST = "webhook.test"
#: Which event a move is; what is missing here is a step that tells nothing to another program.
EVENT_OF: dict[Move, str] = {
    Move.FILE: "case.filed",
    Move.ROUTE: "case.routed",
    Move.RETURN_TO_DESK: "case.routed",
    Move.RETURN_SOLUTION: "case.routed",
    Move.REQUEST_COMPLETION: "case.stopped",
    Move.CLARIFY: "case.stopped",
    Move.ORDER_EVIDENCE: "case.stopped",
    Move.COMPLETE: "case.resumed",
    Move.CLOSE_EVIDENCE: "case.resumed",
    Move.EXTEND: "case.extended",
    Move.SOLVE: "case.solved",
    Move.ISSUE_ANSWER: "case.answered",
    Move.NOTIFY: "case.notified",
    Move.SILENCE: "case.silence",
    Move.LIFT_SILENCE: "case.silence",
    Move.RECOGNISE: "case.silence",
    Move.APPEAL: "case.appealed",
    Move.SEND_TO_SSPD: "case.sspd",
    Move.RECORD_RESULT: "case.sspd",
    Move.WITHDRAW: "case.closed",
    Move.ARCHIVE: "case.closed",
    Move.TRANSFER: "case.closed",
    Move.VOID: "case.closed",
    Move.CLOSE: "case.closed",
}

#: How far the clock of a receiver may be from ours; an older message is a repetition by somebody else.
TOLERANCE = timedelta(minutes=5)
_PREFIX = "whsec_"


class BadSignature(ValueError):
    """The message was not signed with this secret, or too long ago."""


# ── The message ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def message(event: str, at: datetime, facts: Mapping[str, Any]) -> str:
    """Return the body that is sent, and kept as it was sent: the same facts are the same bytes."""
    stamp = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": stamp, "data": dict(facts)}, ensure_ascii=False, separators=(",", ":"))


# ── The signature ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def secret_of(key: bytes) -> str:
    """Return *key* as people copy it: `whsec_…`. Raises ValueError for fewer than 24 bytes, which the convention refuses."""
    if not 24 <= len(key) <= 64:
        raise ValueError("a key has 24 to 64 bytes")
    return _PREFIX + base64.b64encode(key).decode()


def signature(secret: str, message_id: str, at: datetime, body: str) -> str:
    """Return one signature, `v1,…`. Raises ValueError when *secret* is none."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("that is no secret of a webhook") from error
    said = f"{message_id}.{int(at.timestamp())}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def headers(secrets: list[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the three headers; while a secret is being changed, both sign."""
    signed = " ".join(signature(secret, message_id, at, body) for secret in secrets)
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signed}


def verify(secret: str, said: Mapping[str, str], body: str, at: datetime) -> None:
    """
    Do what a receiver does: check *said* (the headers) against *body*.

    Raises:
        BadSignature: It was not signed with this secret, or more than `TOLERANCE` from *at*.
    """
    try:
        stamp = int(said["webhook-timestamp"])
        signed = datetime.fromtimestamp(stamp, at.tzinfo)
    except (KeyError, ValueError, OverflowError, OSError):
        raise BadSignature("no timestamp") from None
    if abs(at - signed) > TOLERANCE:
        raise BadSignature("too old, or from the future")
    expected = signature(secret, said.get("webhook-id", ""), signed, body)
    given = said.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
        raise BadSignature("signed with another secret, or changed on the way")


# ── Where it may go ───────────────────────────────────────────────────────────────────────────────────────────────────────

#: Prefixes that carry an IPv4 address inside: what they lead to is not what they seem.
_TUNNELS = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


def is_public(address: str) -> bool:
    """Return whether *address* (IPv4 or IPv6) is one of the Internet: none of this machine, of a house network or of a cloud's own."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in tunnel for tunnel in _TUNNELS):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def check_url(url: str, *, allows_private: bool) -> None:
    """
    Refuse an address that cannot be a webhook; where its name leads to is looked at when it is called.

    Raises:
        DomainError: It is no whole address, carries a user or a fragment, is not https, or names a host of the house.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise DomainError(N_("Write the whole address, as in https://example.com/hook."), field="url") from None
    is_plain = all(32 < ord(char) < 127 for char in url)
    if parts.scheme not in ("https", "http") or not host or not is_plain:
        raise DomainError(N_("Write the whole address, as in https://example.com/hook."), field="url")
    if parts.username or parts.password or parts.fragment:
        raise DomainError(N_("The address carries a user, a password or a fragment. Write it without them: the signature says who sends."),
                          field="url")  # fmt: skip
    if allows_private:
        return
    if parts.scheme != "https":
        raise DomainError(N_("Write an address that starts with https: what is sent must not be read on the way."), field="url")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or (_is_number(host) and not is_public(host)):
        raise DomainError(N_("That address is inside the house. Ask whoever runs the server to allow it (ATIENDE_WEBHOOK_PRIVATE)."),
                          field="url")  # fmt: skip


def _is_number(host: str) -> bool:
    """Return whether *host* is an address and no name, in any of the spellings that resolvers take (2130706433, 0x7f.1)."""
    return ":" in host or all(part[:1].isdigit() for part in host.split("."))
