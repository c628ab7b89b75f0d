"""
From a row of the outbox to the mail server: plain text, by the `SMTP_*` settings.

Without `SMTP_HOST` nothing leaves and nothing is lost: messages stay queued, and the screen of outgoing mail says so.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from app.models import Organisation, OutboxMessage

#: Seconds that one step of the conversation with the mail server may take.
TIMEOUT = 30
ENCRYPTION = ("no", "starttls", "yes")


class NotSent(Exception):
    """The message did not leave. `is_final`: no later attempt can succeed; `is_server`: no other message can leave now either."""

    def __init__(self, text: str, *, is_final: bool = False, is_server: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final
        self.is_server = is_server


def is_configured(config: Mapping[str, Any]) -> bool:
    """Return whether there is a mail server to talk to."""
    return bool(config.get("SMTP_HOST"))


@dataclass(frozen=True, slots=True)
class Head:
    """Who writes: the name that people see, the address that the mail server accepts, and where an answer goes."""

    name: str
    sender: str
    reply_to: str

    @classmethod
    def of(cls, organisation: Organisation, config: Mapping[str, Any]) -> Head:
        return cls(organisation.name, config.get("MAIL_FROM") or organisation.email, organisation.email)


def compose(message: OutboxMessage, head: Head, at: datetime) -> EmailMessage:
    """
    Return *message* as it travels. Every attempt has the same Message-ID, so that a mailbox may drop a repetition.

    Raises:
        NotSent: The address cannot be written in a header; no later attempt can succeed.
    """
    mail = EmailMessage()
    try:
        mail["From"] = Address(head.name, addr_spec=head.sender)
        mail["Reply-To"] = Address(head.name, addr_spec=head.reply_to)
    except Exception as error:  # the parser of addresses raises ValueError, IndexError and its own
        raise NotSent(f"The address of the sender cannot be used: {error}", is_server=True) from error
    try:
        mail["To"] = Address(addr_spec=message.to_address)
        mail["Subject"] = message.subject
    except Exception as error:
        raise NotSent(f"{type(error).__name__}: {error}", is_final=True) from error
    mail["Date"] = at
    mail["Message-ID"] = message.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"  # what absence notices of some servers ask for
    mail.set_content(message.body, charset="utf-8", cte="quoted-printable")  # not every server takes eight bits
    return mail


class Mailer:
    """One connection to the mail server, opened at the first message and shared by the rest of the run."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Mailer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._hang_up()

    def send(self, mail: EmailMessage) -> None:
        """Hand *mail* to the server. Raises NotSent."""
        try:
            server = self._connected()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._hang_up()
            raise NotSent(f"{type(error).__name__}: {error}", is_server=True) from error
        try:
            server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(*next(iter(error.recipients.values()))) from error
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:  # an address with letters that this server cannot take
            raise NotSent(str(error), is_final=True) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._hang_up()
            raise NotSent(f"{type(error).__name__}: {error}", is_server=True) from error

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is None:
            host, port, encryption = self.config["SMTP_HOST"], self.config["SMTP_PORT"], self.config.get("SMTP_TLS") or "no"
            if encryption not in ENCRYPTION:
                raise ValueError(f"ATIENDE_SMTP_TLS: say one of {', '.join(ENCRYPTION)}, not {encryption!r}")
            trusted = ssl.create_default_context()
            if encryption == "yes":
                self._smtp = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=trusted)
            else:
                self._smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
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
