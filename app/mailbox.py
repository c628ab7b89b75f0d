"""
The mailbox that citizens write to, over IMAP, by the `IMAP_*` settings.

The mail server remembers what was read: a message that is stored goes to the folder `IMAP_DONE_FOLDER`, or gets the keyword `DONE`
where no folder is named. Nothing is marked as seen, for people may read the same mailbox. Where the server keeps no keywords, this
process remembers up to where it read, and a new process asks for the headers of all once more.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from app.domain import N_, letters
from app.domain.errors import DomainError

#: Seconds that one step of the conversation may take.
TIMEOUT = 60
ENCRYPTION = ("no", "starttls", "yes")
#: The keyword of what was stored already.
DONE = "$AtiendeRead"
#: Messages whose headers are asked for at once, and that are put away at once.
BLOCK = 500
#: Bytes of a message that is read whole; of a larger one only the beginning is.
MAX_BYTES = 40 * 1024 * 1024
BEGINNING = 256 * 1024

#: Of servers without keywords: (host, user, folder) → (validity of the numbers, the last one that was read), while this process lives.
_READ_UP_TO: dict[tuple[str, str, str], tuple[int, int]] = {}


class NotRead(DomainError):
    """The mail server does not answer, does not let us in, or has no such folder; `why` is its own words."""

    msgid = N_("The mailbox cannot be read: %(why)s")


@dataclass(frozen=True, slots=True)
class Head:
    """What identifies a waiting message: its number in the folder, its Message-ID (empty without one), its size, when it came."""

    uid: int
    message_id: str
    n_bytes: int
    received_at: datetime

    @property
    def is_too_big(self) -> bool:
        return self.n_bytes > MAX_BYTES


def is_configured(config: Mapping[str, Any]) -> bool:
    """Return whether there is a mailbox to read."""
    return bool(config.get("IMAP_HOST"))


class Mailbox:
    """One connection to the folder. Its methods raise NotRead."""

    def __init__(self, config: Mapping[str, Any], timeout: int = TIMEOUT) -> None:
        self.config, self.timeout = config, timeout
        self.folder: str = config.get("IMAP_FOLDER") or "INBOX"
        done: str | None = config.get("IMAP_DONE_FOLDER")
        self.done_folder = done if done != self.folder else None  # nothing is moved to where it is
        self.name = f"{config.get('IMAP_USER') or ''}/{self.folder}"[:160]
        self._key = (config["IMAP_HOST"], config.get("IMAP_USER") or "", self.folder)

    def __enter__(self) -> Mailbox:
        try:
            self._box = self._connected()
            self._open()
        except _ERRORS as error:
            raise _not_read(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._box.logout()
        except _ERRORS:
            self._box.client.shutdown()

    def _connected(self) -> BaseMailBox:
        host, port, encryption = self.config["IMAP_HOST"], self.config["IMAP_PORT"], self.config.get("IMAP_TLS") or "yes"
        if encryption not in ENCRYPTION:
            raise ValueError(f"ATIENDE_IMAP_TLS: say one of {', '.join(ENCRYPTION)}, not {encryption!r}")
        if encryption == "no":
            box: BaseMailBox = MailBoxUnencrypted(host, port, timeout=self.timeout)
        elif encryption == "starttls":
            box = MailBoxStartTls(host, port, timeout=self.timeout, ssl_context=ssl.create_default_context())
        else:
            box = MailBox(host, port, timeout=self.timeout, ssl_context=ssl.create_default_context())
        user, password = self.config.get("IMAP_USER") or "", self.config.get("IMAP_PASSWORD") or ""
        sign_in = box.login if (user + password).isascii() else box.login_utf8
        sign_in(user, password, initial_folder=None)
        _kind, said = box.client.capability()  # what it can do is told anew to who signed in
        box.client.capabilities = tuple(said[-1].decode().upper().split())
        return box

    def _open(self) -> None:
        if self.done_folder and not self._box.folder.exists(self.done_folder):
            self._box.folder.create(self.done_folder)
        self._box.folder.set(self.folder)
        client = self._box.client
        self._validity = int((client.response("UIDVALIDITY")[1] or [b"0"])[-1] or 0)
        kept = b" ".join(each for each in client.response("PERMANENTFLAGS")[1] or () if each)
        self.keeps_keywords = rb"\*" in kept or DONE.encode() in kept

    # Reading

    def waiting(self) -> Iterator[list[Head]]:
        """Yield what waits to be read, the oldest first, in blocks; their messages stay on the server."""
        uids = self._waiting_uids()
        for start in range(0, len(uids), BLOCK):
            yield self._heads(uids[start : start + BLOCK])
        if uids and not self.done_folder and not self.keeps_keywords:
            _READ_UP_TO[self._key] = (self._validity, uids[-1])

    def _waiting_uids(self) -> list[int]:
        wanted, last = "UNDELETED", 0
        if not self.done_folder and self.keeps_keywords:
            wanted += f" UNKEYWORD {DONE}"
        elif not self.done_folder:
            validity, last = _READ_UP_TO.get(self._key, (self._validity, 0))
            last = last if validity == self._validity else 0
            wanted += f" UID {last + 1}:*"
        try:
            return sorted(uid for uid in map(int, self._box.uids(wanted, charset=None)) if uid > last)  # n:* names the last one always
        except _ERRORS as error:
            raise _not_read(error) from error

    def _heads(self, uids: list[int]) -> list[Head]:
        what = "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
        heads = [_head_of(facts, fields) for facts, fields in self._fetch(uids, what)]
        return sorted((head for head in heads if head is not None), key=lambda head: head.uid)

    def whole(self, head: Head) -> bytes | None:
        """Return the message as it is stored, or only its beginning when it is too big; None when it is not there any more."""
        part = f"<0.{BEGINNING}>" if head.is_too_big else ""
        return next((content for _facts, content in self._fetch([head.uid], f"(UID BODY.PEEK[]{part})")), None)

    def _fetch(self, uids: list[int], what: str) -> list[tuple[bytes, bytes]]:
        """Return (facts, content) of each of those messages that is still there."""
        try:
            kind, answers = self._box.client.uid("FETCH", ",".join(map(str, uids)), what)
        except _ERRORS as error:
            raise _not_read(error) from error
        if kind != "OK":
            raise NotRead(why=str(answers)[:300])
        found: list[tuple[bytes, bytes]] = []
        for answer in answers:
            if isinstance(answer, tuple):
                found.append((answer[0], answer[1]))
            elif answer is not None and found:
                found[-1] = (found[-1][0] + b" " + answer, found[-1][1])  # some servers tell facts after the content
        return found

    # Putting away

    def put_away(self, uids: Iterable[int]) -> None:
        """Take messages that are stored out of those that wait. A message that somebody moved meanwhile is no error."""
        names = [str(uid) for uid in uids]
        for start in range(0, len(names), BLOCK):
            block = names[start : start + BLOCK]
            try:
                if self.done_folder and "MOVE" in self._box.client.capabilities:
                    self._box.move(block, self.done_folder)
                elif self.done_folder:
                    self._box.copy(block, self.done_folder)
                    self._box.client.uid("STORE", ",".join(block), "+FLAGS.SILENT", r"(\Deleted)")  # only its owner expunges
                elif self.keeps_keywords:
                    self._box.client.uid("STORE", ",".join(block), "+FLAGS.SILENT", f"({DONE})")
            except _ERRORS as error:
                raise _not_read(error) from error

    def n_waiting(self) -> int:
        """Return how many messages wait to be read."""
        return len(self._waiting_uids())


_ERRORS = (ImapToolsError, imaplib.IMAP4.error, OSError, ValueError, EOFError)


def _not_read(error: Exception) -> NotRead:
    result = getattr(error, "command_result", None)
    said = result[1] if isinstance(result, tuple) and len(result) > 1 else None
    words = b" ".join(each for each in said if isinstance(each, bytes)).decode(errors="replace") if isinstance(said, list) else str(error)
    return NotRead(why=f"{type(error).__name__}: {words}"[:500])


_UID, _SIZE, _CAME = re.compile(rb"\bUID (\d+)"), re.compile(rb"\bRFC822\.SIZE (\d+)"), re.compile(rb'INTERNALDATE "([^"]+)"')


def _head_of(facts: bytes, fields: bytes) -> Head | None:
    uid, size, came = _UID.search(facts), _SIZE.search(facts), _CAME.search(facts)
    if not (uid and size and came):
        return None
    own_id = letters.message_id_of(letters.raw_header(message_from_bytes(fields), "Message-ID"))
    return Head(int(uid[1]), own_id, int(size[1]), parsedate_to_datetime(came[1].decode()).astimezone(UTC))
