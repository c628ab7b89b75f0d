"""
What an e-mail says, whatever its sender did to the standards: who wrote, about what, the text, the attachments, the thread, and
whether a person wrote it at all.

`read()` never raises for what a sender may send. What is doubtful is never taken for a machine: a petition that is thrown away as an
automatic message is a petition that nobody answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import mimetypes
import quopri
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from enum import Enum
from html.parser import HTMLParser

from app.domain import N_
from app.domain.text import plain

#: Characters of text that are kept of one message; the whole is in the file of the message.
MAX_TEXT = 200_000
#: Bytes of HTML that are read for its text.
MAX_HTML = 1_000_000
MAX_PARTS = 200
MAX_DEPTH = 20
#: A picture of fewer bytes, shown inside the text, decorates a signature.
DECORATION = 20_000


class Nature(Enum):
    """Who writes. AUTO_REPLY and BOUNCE say so themselves; MACHINE and LIST may still carry something that a person sent."""

    PERSON = 1
    AUTO_REPLY = 2
    MACHINE = 3
    LIST = 4
    BOUNCE = 5
    SPAM = 6


class Ground(Enum):
    """Why a message became neither a case nor a note by itself."""

    SPAM = N_("The mail server marks it as unwanted")
    LOOP = N_("It comes from our own address, or is a message of ours that came back")
    LIST = N_("It was sent to a list")
    MACHINE = N_("A program seems to have written it")
    AUTO_REPLY = N_("An automatic reply to a message of ours")
    BOUNCE = N_("A message of ours could not be delivered")
    STRANGER = N_("It speaks of a case, and its address is not one that this case knows")
    TOO_MANY = N_("Its sender wrote too many messages in one hour")
    REPEATED = N_("It says the same as a message of the same sender of that day")
    TOO_OLD = N_("It arrived in the mailbox long before it was read")
    TOO_BIG = N_("It is too big: only its beginning is here, the whole is in the mailbox")
    NO_TEXT = N_("It has neither text nor files")
    SAME_ID = N_("It bears the identification of another message")
    UNREADABLE = N_("It does not say from which address it comes, or cannot be read")
    NOT_FILED = N_("The case could not be filed")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that travels with a message, named as its sender did."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a mail server says of a message it could not deliver: which, to whom, and whether it gave up."""

    message_ids: tuple[str, ...]
    recipient: str
    status: str
    is_final: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Letter:
    """
    A message as people understand it. Texts hold no control characters; addresses are in lower case.

    `thread` has the Message-IDs that it answers, the nearest first; `may_answer`: its sender did not ask machines to be silent.
    """

    message_id: str
    has_own_id: bool
    sha256: str
    sender: str
    sender_name: str
    to: tuple[str, ...]
    subject: str
    sent_at: datetime | None
    thread: tuple[str, ...]
    text: str
    enclosures: tuple[Enclosure, ...]
    nature: Nature
    may_answer: bool
    is_forward: bool
    bounce: Bounce | None = None

    @property
    def says(self) -> tuple[object, ...]:
        """Return what makes two messages one, whichever servers each passed."""
        return self.sender, self.subject, self.text, self.enclosures, self.nature


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def read(raw: bytes) -> Letter:
    """Return what *raw* says. A message so broken that its parts cannot be told apart is read as one text."""
    try:
        mail = message_from_bytes(raw)
        parts = list(_leaves(mail))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):  # the parser trusts senders more than we may
        head, _, body = raw.partition(b"\n\n")
        mail = message_from_bytes(head[:MAX_TEXT] + b"\n\n")
        mail.set_payload(_decoded(body[:MAX_TEXT], None))
        parts = [mail]
    own_id = message_id_of(raw_header(mail, "Message-ID"))
    digest = digest_of(raw)
    name, sender = _sender(mail)
    subject = header(mail, "Subject")
    text = _tidy(_text_of(mail, 0))
    bounce = _bounce(mail, sender)
    return Letter(
        message_id=own_id or synthetic_id(digest),
        has_own_id=bool(own_id),
        sha256=digest,
        sender=sender,
        sender_name=name,
        to=tuple(address for _name, address in _addresses(mail, "To", "Cc", "Delivered-To")),
        subject=clean_subject(subject),
        sent_at=_date(mail),
        thread=tuple(_thread(mail)),
        text=text,
        enclosures=tuple(_enclosures(parts, is_bare=not text)),
        nature=Nature.BOUNCE if bounce else _nature(mail, subject, sender),
        may_answer=not raw_header(mail, "X-Auto-Response-Suppress"),
        is_forward=bool(_FORWARDED.match(subject)),
        bounce=bounce,
    )


def synthetic_id(digest: str) -> str:
    """Return the Message-ID of a message without a usable one: the same content is the same message."""
    return f"<{digest}@without-message-id>"


# ── Headers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def raw_header(mail: Message, name: str) -> str:
    """Return the first header called *name* in one line, its encoded words as they came; empty when there is none."""
    for key, value in mail.raw_items():
        if key.lower() == name.lower():
            return " ".join(_clean(_unescaped(str(value))).split())
    return ""


def header(mail: Message, name: str) -> str:
    """Return the same with its encoded words read."""
    return " ".join(_clean(_words(raw_header(mail, name))).split())


def _unescaped(value: str) -> str:
    """Return a header that came with eight-bit bytes, which the standards forbid and people send."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return _decoded(value.encode("utf-8", "surrogateescape"), None)
    return value


_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")


def _words(value: str) -> str:
    """Return *value* with its encoded words (RFC 2047) read; neighbours of one charset are joined before, as a letter may be cut in two."""
    read_: list[str] = []
    position, charset, held = 0, "", b""
    for word in _WORD.finditer(value):
        between = value[position : word.start()]
        if held and (between.strip() or word[1].lower() != charset):
            read_.append(_decoded(held, charset))
            held = b""
        if between.strip() or (not read_ and not held):
            read_.append(between)
        charset, position = word[1].lower(), word.end()
        held += _word_bytes(word[2], word[3])
    if held:
        read_.append(_decoded(held, charset))
    return "".join(read_) + value[position:]


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("ascii", "ignore")
    if encoding in "qQ":
        return quopri.decodestring(data.replace(b"_", b" "), header=False)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return data


_ID = re.compile(r"<[^<>\s]{1,190}>")


def message_id_of(value: str) -> str:
    """Return the Message-ID in *value*, or an empty text when it has none that can be kept."""
    found = _ID.search(value)
    if found:
        return found[0]
    bare = value.strip(" <>")
    return f"<{bare}>" if bare and " " not in bare and len(bare) <= 190 and "@" in bare else ""


def _thread(mail: Message) -> Iterator[str]:
    seen = set()
    answered = _ID.findall(raw_header(mail, "In-Reply-To")) + _ID.findall(raw_header(mail, "References"))[::-1]
    for one in answered[:50]:
        if one not in seen:
            seen.add(one)
            yield one


def _addresses(mail: Message, *names: str) -> Iterator[tuple[str, str]]:
    """Yield (name, address) of everybody in those headers; addresses that are none are left out."""
    for key, value in mail.raw_items():
        if key.lower() not in {name.lower() for name in names}:
            continue
        try:
            people = getaddresses([_unescaped(str(value))[:10_000]])
        except (ValueError, IndexError, TypeError, AttributeError):
            people = [("", found) for found in _ADDRESS.findall(str(value)[:10_000])]
        for name, address in people:
            address = _clean(address).strip().strip("<>").lower()
            if _ADDRESS.fullmatch(address) and len(address) <= 254:
                yield " ".join(_clean(_words(name)).split()).strip("\"' "), address


_ADDRESS = re.compile(r"[^\s@<>\"',;:()\[\]]{1,64}@[^\s@<>\"',;:()\[\]]{1,189}")


def _sender(mail: Message) -> tuple[str, str]:
    """Return (name, address) of who wrote; the first that can be answered of From, Reply-To, Sender and Return-Path."""
    for name in ("From", "Reply-To", "Sender", "Return-Path"):
        for person in _addresses(mail, name):
            return person[0][:160], person[1]
    return header(mail, "From")[:160], ""


def _date(mail: Message) -> datetime | None:
    """Return when the sender says it was written, if that is an instant."""
    try:
        at = parsedate_to_datetime(raw_header(mail, "Date"))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


_PREFIX = re.compile(r"\s*(?:(?:re|rv|fw|fwd|rta|resp|reenv|enc|tr|aw|wg)\s*(?:\[\d+\])?\s*:|\[(?:external|externo)\])\s*", re.IGNORECASE)
_FORWARDED = re.compile(r"\s*(?:re\s*:\s*)*(?:rv|fw|fwd|reenv|enc|tr|wg)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)


def clean_subject(subject: str) -> str:
    """Return *subject* without the marks that mail programs put before it (Re:, RV:, Fwd:…)."""
    position = 0
    while found := _PREFIX.match(subject, position):
        position = found.end()
    return subject[position:].strip()


_NUMBER = re.compile(r"\bPQR[\s-]?(\d{4})[\s-]?(\d{6,9})\b", re.IGNORECASE)


def case_number(subject: str) -> str | None:
    """Return the number of a case that *subject* quotes, as cases are numbered."""
    found = _NUMBER.search(subject)
    return f"PQR-{found[1]}-{found[2]}" if found else None


# ── Text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _clean(text: str) -> str:
    """Return *text* without what no database keeps and no reader sees: control characters, halves of letters, marks of direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each for each in text if each in "\n\t" or each == "\u200d" or unicodedata.category(each) not in _UNSEEN)


_UNSEEN = {"Cc", "Cf", "Cs", "Co"}
_NOT_ASCII_BASED = re.compile(r"utf-?(?:16|32|7)|iso-2022|hz", re.IGNORECASE)


def _decoded(data: bytes, charset: str | None) -> str:
    """Return the text of *data*: UTF-8 wherever it is one, for senders declare it wrong; else as declared; else as Windows writes."""
    charset = (charset or "").strip("\"' ").lower()
    wide = bool(_NOT_ASCII_BASED.match(charset))
    for encoding in (charset, "utf-8") if wide else ("utf-8", charset):
        try:
            if encoding and encoding not in ("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"):  # as browsers: Windows has more
                return data.decode(encoding)
        except (UnicodeError, LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _tidy(text: str) -> str:
    text = _clean(text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " "))[:MAX_TEXT]
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{4,}", "\n\n\n", text).strip()


def _leaves(mail: Message, depth: int = 0) -> Iterator[Message]:
    """Yield the parts that hold something; a message inside the message is one of them, not its parts."""
    if mail.is_multipart() and mail.get_content_maintype() == "multipart" and depth < MAX_DEPTH:
        n_left = MAX_PARTS
        for child in _children(mail):
            for leaf in _leaves(child, depth + 1):
                if not n_left:
                    return
                n_left -= 1
                yield leaf
    else:
        yield mail


def _children(mail: Message) -> list[Message]:
    inside = mail.get_payload()
    return [each for each in inside if isinstance(each, Message)] if isinstance(inside, list) else []


def _is_enclosed(part: Message) -> bool:
    is_text = part.get_content_type() in ("text/plain", "text/html")
    return not is_text or part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _text_of(part: Message, depth: int) -> str:
    """Return the text that a reader would be shown: of alternatives the plain one, unless it is empty."""
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        if depth >= MAX_DEPTH:
            return ""
        children = _children(part)[:MAX_PARTS]
        if kind == "multipart/alternative":
            children.sort(key=lambda child: child.get_content_type() != "text/plain")
            return next((text for child in children if (text := _text_of(child, depth + 1)).strip()), "")
        if kind == "multipart/report":
            children = children[:1]
        return "\n\n".join(text for child in children if (text := _text_of(child, depth + 1)).strip())
    if _is_enclosed(part):
        return ""
    text = _decoded(_payload(part), part.get_param("charset") if isinstance(part.get_param("charset"), str) else None)  # type: ignore[arg-type]
    return text_of_html(text) if kind == "text/html" else text


def _payload(part: Message) -> bytes:
    """Return the content of a part; when its encoding is not what it says, as it came."""
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError, TypeError, AttributeError):
        content = None
    if isinstance(content, bytes):
        return content
    inside = part.get_payload()
    if isinstance(inside, str):
        return inside.encode("utf-8", "surrogateescape")
    try:
        return b"\n".join(child.as_bytes() for child in _children(part))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return b""


class _Text(HTMLParser):
    """The words of a page, line by line; what it quotes has `> ` before it."""

    BLOCKS = {
        "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "section", "article", "hr",
    }  # fmt: skip
    SILENT = {"script", "style", "head", "title", "template", "noscript", "svg"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.n_silent = self.n_quoted = 0

    def _break(self) -> None:
        if self.lines[-1].strip("> "):
            self.lines.append("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self.n_silent += 1
        elif tag == "br":
            self.lines.append("")
        elif tag in self.BLOCKS:
            self._break()
            self.n_quoted += tag == "blockquote"
            if tag == "p" and self.lines[-2:-1] != [""]:
                self.lines.append("")
            if tag == "li":
                self.handle_data("- ")
        elif tag in ("td", "th") and self.lines[-1]:
            self.lines[-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self.n_silent = max(0, self.n_silent - 1)
        elif tag in self.BLOCKS:
            self._break()
            self.n_quoted = max(0, self.n_quoted - (tag == "blockquote"))

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        if self.n_silent or not words:
            return
        line = self.lines[-1]
        if not line:
            line, words = "> " * min(self.n_quoted, 5), words.lstrip()
        self.lines[-1] = line + words


#: What a page holds and does not show; and signs that open no tag, on which the parser of this library would spend the square of the time.
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>|<(script|style|title)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BARE = re.compile(r"<(?!/?[a-zA-Z][^<>]*>)")


def text_of_html(page: str) -> str:
    """Return the text that *page* shows."""
    page = _BARE.sub("&lt;", _HIDDEN.sub(" ", page[:MAX_HTML]))
    parser = _Text()
    try:
        parser.feed(page)
        parser.close()
    except (AssertionError, ValueError):
        return re.sub(r"<[^<>]{0,2000}>", " ", page)
    return "\n".join(parser.lines)


# ── Attachments ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError):
        name = None
    return " ".join(_clean(_words(_unescaped(str(name)))).split()) if name else ""


def _enclosures(parts: list[Message], *, is_bare: bool) -> Iterator[Enclosure]:
    """Yield the files of a message, but not the ornaments of a signature (`is_bare`: there is no text that they could adorn)."""
    for i, part in enumerate(parts, 1):
        kind = part.get_content_type()
        if kind == "multipart/report" or not _is_enclosed(part):
            continue
        content = _payload(part)
        is_inside = bool(part.get("Content-ID")) and part.get_content_disposition() != "attachment"
        if not content or (is_inside and kind.startswith("image/") and len(content) < DECORATION and not is_bare):
            continue
        yield Enclosure(_file_name(part) or _made_name(part, i), kind, content)


def _made_name(part: Message, i: int) -> str:
    """Return a name for a file without one; a message inside the message is called as its subject."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inside = next(iter(_children(part)), None)
        return f"{(header(inside, 'Subject') if inside is not None else '')[:80] or f'mensaje-{i}'}.eml"
    return f"adjunto-{i}{mimetypes.guess_extension(kind) or ''}"


# ── Who writes ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ABSENT = re.compile(
    r"(?:re: )?(?:respuesta automatica|autorespuesta|auto-?respuesta|fuera de (?:la )?oficina|ausente de la oficina|ausencia temporal|"
    r"automatic reply|auto-?reply|auto:|out of (?:the )?office|vacation reply)\b"
)
_DAEMON = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mailerdaemon)@")


def _nature(mail: Message, subject: str, sender: str) -> Nature:
    """Return who writes, by what the message says of itself."""
    if raw_header(mail, "X-Spam-Flag").lower() == "yes" or raw_header(mail, "X-Spam-Status").lower().startswith("yes"):
        return Nature.SPAM
    submitted = re.split(r"[;(\s]", raw_header(mail, "Auto-Submitted").strip().lower())[0]
    precedence = raw_header(mail, "Precedence").lower()
    is_replying = submitted == "auto-replied" or precedence == "auto_reply"
    if is_replying or any(raw_header(mail, name) for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder")):
        return Nature.AUTO_REPLY
    if _ABSENT.match(plain(subject)):
        return Nature.AUTO_REPLY if _thread_exists(mail) or submitted not in ("", "no") else Nature.MACHINE
    if raw_header(mail, "List-Id") or raw_header(mail, "List-Unsubscribe") or precedence in ("bulk", "list", "junk"):
        return Nature.LIST
    is_machine = submitted not in ("", "no") or raw_header(mail, "Return-Path") == "<>" or _DAEMON.match(sender)
    return Nature.MACHINE if is_machine else Nature.PERSON


def _thread_exists(mail: Message) -> bool:
    return bool(raw_header(mail, "In-Reply-To") or raw_header(mail, "References"))


_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


def _bounce(mail: Message, sender: str) -> Bounce | None:
    """Return what a mail server reports of a message of ours, as RFC 3464 says it or as old servers do; None for other mail."""
    report = next((part for part in _leaves_of_report(mail) if part.get_content_type() == "message/delivery-status"), None)
    if report is None:
        return _old_bounce(mail, sender)
    blocks = _children(report)
    about = next((block for block in blocks if block.get("Final-Recipient") or block.get("Original-Recipient")), None)
    if about is None:
        return None
    action, status = raw_header(about, "Action").lower(), raw_header(about, "Status")
    if action in ("delivered", "relayed", "expanded"):
        return None
    recipient = (raw_header(about, "Original-Recipient") or raw_header(about, "Final-Recipient")).rpartition(";")[2].strip(" <>").lower()
    reason = header(about, "Diagnostic-Code").partition(";")[2].strip() or status
    final = (action == "failed" and not status.startswith("4")) or status.startswith("5")
    return Bounce(tuple(_returned_ids(mail)), recipient[:254], status[:20], final, reason[:500])


def _leaves_of_report(mail: Message) -> Iterator[Message]:
    if mail.get_content_type() == "multipart/report":
        yield from _children(mail)[:MAX_PARTS]


def _returned_ids(mail: Message) -> Iterator[str]:
    """Yield the Message-IDs of what came back: of the message inside, or of its headers."""
    for part in _leaves_of_report(mail):
        if part.get_content_type() == "message/rfc822":
            for inside in _children(part)[:1]:
                if found := message_id_of(raw_header(inside, "Message-ID")):
                    yield found
        elif part.get_content_type() == "text/rfc822-headers":
            inside = message_from_bytes(_payload(part)[:MAX_TEXT])
            if found := message_id_of(raw_header(inside, "Message-ID")):
                yield found


def _old_bounce(mail: Message, sender: str) -> Bounce | None:
    """Return what a mail server says in plain words, with our message quoted under them."""
    if not _DAEMON.match(sender):
        return None
    text = _tidy(_text_of(mail, 0))
    named, found, status = raw_header(mail, "X-Failed-Recipients").partition(",")[0].strip(), _ADDRESS.search(text), _STATUS.search(text)
    recipient = (named or (found[0] if found else "")).lower()[:254]
    quoted = re.findall(r"(?im)^[> ]*message-id:\s*(\S+)", text)[:10]
    ids = [*filter(None, map(message_id_of, quoted)), *_thread(mail)]
    first = next((line for line in text.splitlines() if re.search(r"\b[45]\d\d\b", line)), text[:200])
    is_final = not (status and status[1].startswith("4"))
    return Bounce(tuple(ids), recipient, status[1] if status else "", is_final, first.strip()[:500])
