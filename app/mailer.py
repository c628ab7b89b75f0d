"""
From a row of the outbox to the mail server, by the `SMTP_*` settings: plain text and HTML, with headers that a signer can sign.

Without `SMTP_HOST` nothing leaves and nothing is lost: messages stay queued, and the screen of outgoing mail says so.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import Policy
from types import TracebackType
from typing import Any

from app.models import Organisation, OutboxMessage

#: Seconds that one step of the conversation with the mail server may take.
TIMEOUT = 30
ENCRYPTION = ("no", "starttls", "yes")


class NotSent(Exception):
    """
    The message did not leave, as far as we know.

    Args:
        is_final: No later attempt can succeed.
        is_server: No other message can leave now either.
        is_doubtful: The server had the whole message when the connection broke: it may have taken it.
    """

    def __init__(self, text: str, *, is_final: bool = False, is_server: bool = False, is_doubtful: bool = False) -> None:
        super().__init__(text)
        self.is_final, self.is_server, self.is_doubtful = is_final, is_server, is_doubtful


def is_configured(config: Mapping[str, Any]) -> bool:
    """Return whether there is a mail server to talk to."""
    return bool(config.get("SMTP_HOST"))


@dataclass(frozen=True, slots=True)
class Head:
    """
    Who writes.

    Args:
        name: What people see.
        sender: The address in From: that of the domain that signs.
        reply_to: Where an answer goes.
        envelope: Where a message that cannot be delivered comes back to.
    """

    name: str
    sender: str
    reply_to: str
    envelope: str

    @classmethod
    def of(cls, organisation: Organisation, config: Mapping[str, Any], number: str | None = None) -> Head:
        """
        Return the head of a message about the case *number*, if it is about one.

        `MAIL_REPLY_TO` may say `{number}` after a plus sign, so that an answer names its case in the address; a mailbox that knows no
        such addresses leaves it out, and the thread and the subject name the case.
        """
        sender = config.get("MAIL_FROM") or organisation.email
        reply_to = config.get("MAIL_REPLY_TO") or organisation.email
        reply_to = reply_to.replace("{number}", number) if number else reply_to.replace("+{number}", "")
        return cls(organisation.name, sender, reply_to, config.get("MAIL_BOUNCES") or sender)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a message: its name, its media type, its bytes."""

    name: str
    media_type: str
    content: bytes


def compose(message: OutboxMessage, head: Head, at: datetime, enclosure: Enclosure | None = None) -> EmailMessage:
    """
    Return *message* as it travels: in seven bits, each header once, the HTML after the text it was made from, then *enclosure*.

    Every attempt has the same Message-ID, so that a mailbox may drop a repetition.

    Raises:
        NotSent: The address cannot be written in a header; no later attempt can succeed.
    """
    mail = EmailMessage()
    try:
        mail["From"] = Address(head.name, addr_spec=head.sender)
        mail["Reply-To"] = Address(head.name, addr_spec=message.reply_to or head.reply_to)
    except Exception as error:  # the parser of addresses raises ValueError, IndexError and its own
        raise NotSent(f"The address of the sender cannot be used: {error}", is_server=True) from error
    try:
        mail["To"] = Address(addr_spec=message.to_address)
        mail["Subject"] = message.subject
    except Exception as error:
        raise NotSent(f"{type(error).__name__}: {error}", is_final=True) from error
    mail["Date"] = at
    mail["Message-ID"] = message.message_id
    if message.in_reply_to:
        mail["In-Reply-To"] = message.in_reply_to
    if message.reference_ids:
        mail["References"] = message.reference_ids
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = _Whole(f"<{message.unsubscribe_url}>")
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"  # what absence notices of some servers ask for
    mail["Content-Language"] = message.language
    mail.set_content(message.body, charset="utf-8", cte="quoted-printable")  # not every server takes eight bits
    if message.html_body:
        mail.add_alternative(message.html_body, subtype="html", charset="utf-8", cte="quoted-printable")
        mail.set_boundary(f"=_{_mark(message.message_id)}")  # every attempt reads the same
    if enclosure:
        kind, _slash, subtype = enclosure.media_type.partition("/")
        mail.add_attachment(enclosure.content, maintype=kind, subtype=subtype, filename=enclosure.name)
        mail.set_boundary(f"=_+{_mark(message.message_id)}")
    return mail


class _Whole(str):
    """An address in a header, on one line: broken or encoded, as long headers are, no mail program finds it."""

    name = "List-Unsubscribe"

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _mark(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:40]


class _Watched:
    """A conversation that knows whether the server may have the whole message of which it has not spoken yet."""

    is_in_doubt = False

    def data(self, text: Any) -> Any:
        self.is_in_doubt = True
        answer = super().data(text)  # type: ignore[misc]
        self.is_in_doubt = False
        return answer


class _Smtp(_Watched, smtplib.SMTP):
    pass


class _SmtpOverTls(_Watched, smtplib.SMTP_SSL):
    pass


class Mailer:
    """One connection to the mail server, opened at the first message and shared by the rest of the run."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._smtp: _Smtp | _SmtpOverTls | None = None

    def __enter__(self) -> Mailer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._hang_up()

    def send(self, mail: EmailMessage, envelope: str) -> None:
        """Hand *mail* to the server, to come back to *envelope* if nobody takes it. Raises NotSent."""
        try:
            server = self._connected()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._hang_up()
            raise NotSent(f"{type(error).__name__}: {error}", is_server=True) from error
        try:
            server.send_message(mail, from_addr=envelope)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(*next(iter(error.recipients.values()))) from error
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:  # an address with letters that this server cannot take
            raise NotSent(str(error), is_final=True) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            is_doubtful = server.is_in_doubt
            self._hang_up()
            raise NotSent(f"{type(error).__name__}: {error}", is_server=True, is_doubtful=is_doubtful) from error

    def _connected(self) -> _Smtp | _SmtpOverTls:
        if self._smtp is None:
            host, port, encryption = self.config["SMTP_HOST"], self.config["SMTP_PORT"], self.config.get("SMTP_TLS") or "no"
            if encryption not in ENCRYPTION:
                raise ValueError(f"ATIENDE_SMTP_TLS: say one of {', '.join(ENCRYPTION)}, not {encryption!r}")
            trusted = ssl.create_default_context()
            if encryption == "yes":
                self._smtp = _SmtpOverTls(host, port, timeout=TIMEOUT, context=trusted)
            else:
                self._smtp = _Smtp(host, port, timeout=TIMEOUT)
            if encryption == "starttls":
                self._smtp.starttls(context=trusted)
            if self.config.get("SMTP_USER"):
                self._smtp.login(self.config["SMTP_USER"], self.config.get("SMTP_PASSWORD") or "")
        return self._smtp

    def _hang_up(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._smtp.close()
            self._smtp = None


def _refused(code: int, text: bytes | str) -> NotSent:
    """The server works and does not want this message: for ever (5xx), or now (4xx; 421 means that it hangs up)."""
    answer = text.decode(errors="replace") if isinstance(text, bytes) else text
    return NotSent(f"{code} {answer}", is_final=500 <= code < 600, is_server=code == 421)
