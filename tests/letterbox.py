"""Messages as mail programs write them, the proper and the others. `letter()` builds one; the rest are bytes as they were seen to come."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

SENDER = "Ana Pérez <ana@example.org>"
#: The smallest picture that passes for one, made heavier than an ornament.
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\x00" * 30_000 + b"\xff\xd9"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def letter(
    text: str = "No me llega agua desde el martes.",
    subject: str = "Sin agua",
    message_id: str | None = "<uno@example.org>",
    files: tuple[tuple[str, str, bytes], ...] = (),
    **headers: str,
) -> bytes:
    """Return a message from `SENDER`; *headers* with `_` for `-` add to or replace the usual ones, and empty ones are left out."""
    mail = EmailMessage(policy=SMTP)
    usual = {"From": SENDER, "To": "pqr@example.com", "Subject": subject, "Date": "Fri, 10 Jul 2026 09:58:00 -0500"}
    usual |= {"Message-ID": message_id or ""} | {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in usual.items():
        if value:
            mail[name] = value
    mail.set_content(text)
    for name, kind, content in files:
        main, _slash, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return bytes(mail)


def bounce_of(message_id: str, recipient: str = "ana@example.org", status: str = "5.1.1", action: str = "failed") -> bytes:
    """Return what Postfix reports of a message it could not deliver (RFC 3464)."""
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@mail.example.com (Mail Delivery System)
To: atiende@example.com
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <{status}.{action}.{message_id.strip("<>")}.bounce@mail.example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: User unknown

--B
Content-Type: message/rfc822

From: atiende@example.com
To: {recipient}
Subject: Recibimos su solicitud
Message-ID: {message_id}

Hola
--B--
""".replace("\n", "\r\n").encode()


EXIM_BOUNCE = b"""\
Return-path: <>
X-Failed-Recipients: ana@example.org
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.example.com>
To: atiende@example.com
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1abc@mail.example.com>

This message was created automatically by mail delivery software.
A message that you sent could not be delivered:

  ana@example.org
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ana@example.org>:
    550 5.1.1 mailbox unavailable

------ This is a copy of the message, including all the headers. ------

From: atiende@example.com
Message-ID: <nuestro@example.com>
Subject: Recibimos su solicitud
"""

LATIN_AS_UTF8 = (
    b"From: =?iso-8859-1?Q?Jos=E9_Mu=F1oz?= <JOSE@Example.org>\nSubject: =?utf-8?B?UmVjbGFtYWNpw7M=?= =?utf-8?B?biBwb3IgZWwgYcO=?=\n"
    b" =?utf-8?B?sW8gcGFzYWRv?=\nMessage-ID: <latin@example.org>\nContent-Type: text/plain; charset=utf-8\n"
    b"Content-Transfer-Encoding: 8bit\n\nLa se\xf1ora no tiene agua\x00 en el ba\xf1o\n"
)
UTF8_AS_LATIN = (
    "From: jose@example.org\nSubject: Señal sin codificar\nMessage-ID: <8bit@example.org>\nContent-Type: text/plain; charset=iso-8859-1\n"
    "Content-Transfer-Encoding: 8bit\n\n¿Qué pasó con la señal?\n"
).encode()
OUTLOOK_HTML = """\
From: "Pérez, Ana" <ana@example.org>
Subject: RE: RV: Re: [EXTERNAL] Recibimos su solicitud PQR-2026-000123
Message-ID: <outlook@example.org>
In-Reply-To: <nuestro@example.com>
References: <antes@example.com>
 <nuestro@example.com>
Content-Type: multipart/alternative; boundary=B

--B
Content-Type: text/html; charset=utf-8

<html><head><style>p {color: red}</style><title>x</title></head><body lang=ES-CO>
<p class=MsoNormal>Buenos d&iacute;as,<o:p></o:p></p><p>Adjunto la factura.<br>Gracias</p>
<script>alert(1)</script><ul><li>consumo<li>cargo</ul>
<div id="divRplyFwdMsg"><b>De:</b> Acueducto &lt;pqr@example.com&gt;<br><b>Enviado:</b> lunes, 13 de julio de 2026 10:12<br>
<b>Para:</b> ana@example.org<br><b>Asunto:</b> Recibimos</div><div>Su solicitud fue recibida</div></body></html>
--B--
""".encode()
PHOTO_ONLY = (
    b"From: ana@example.org\nSubject:\nMessage-ID: <foto@example.org>\nContent-Type: multipart/mixed; boundary=B\n\n"
    b"--B\nContent-Type: text/plain\n\n\n--B\nContent-Type: image/jpeg; name=IMG_0001.jpeg\nContent-Disposition: inline\n"
    b"Content-Transfer-Encoding: 8bit\n\nJPEG\n--B--\n"
)
NESTED = (
    b"From: ana@example.org\nSubject: Fwd: reclamo\nMessage-ID: <dentro@example.org>\nContent-Type: multipart/mixed; boundary=A\n\n"
    b"--A\nContent-Type: text/plain\n\nVer el correo adjunto\n--A\nContent-Type: message/rfc822\n\n"
    b"From: otro@example.org\nSubject: El reclamo\nContent-Type: multipart/mixed; boundary=C\n\n"
    b"--C\nContent-Type: text/plain\n\nTexto de dentro\n--C\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--C--\n--A--\n"
)
WINMAIL = (
    b"From: ana@example.org\nSubject: Con Outlook\nMessage-ID: <tnef@example.org>\nContent-Type: multipart/mixed; boundary=B\n\n"
    b"--B\nContent-Type: text/plain\n\nVer anexo\n--B\nContent-Type: application/ms-tnef; name=winmail.dat\n"
    b"Content-Transfer-Encoding: base64\n\neJ8+IgQ=\n--B--\n"
)
INVITATION = (
    b"From: ana@example.org\nSubject: Visita\nMessage-ID: <cita@example.org>\nContent-Type: multipart/alternative; boundary=B\n\n"
    b"--B\nContent-Type: text/plain\n\nNos vemos el lunes\n"
    b"--B\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--B--\n"
)
TWICE = (
    b"From: primero@example.org\nFrom: segundo@example.org\nSubject: Uno\nSubject: Dos\nMessage-ID: <doble@example.org>\n"
    b"Message-ID: <otra@example.org>\nDate: ayer por la tarde\n\nHola\n"
)
BROKEN = (
    b"From: <<<>>@@ , ;\nTo: undisclosed-recipients:;\nSubject: =?utf-8?B?!!!?= =?noexiste?Q?=E1?= =?utf-8?Q?a=ZZ?=\nMessage-ID: <>\n"
    b"Date: Fri, 99 Jul 20266 99:99:99 -9999\nContent-Type: multipart/mixed; boundary=\"\"\nContent-Transfer-Encoding: base64\n\n"
    b"\xff\xfe\x00\n--\n"
)
#: Everything that no reader may trip over.
NASTY = {
    "latin as utf-8": LATIN_AS_UTF8, "utf-8 as latin": UTF8_AS_LATIN, "outlook": OUTLOOK_HTML, "photo": PHOTO_ONLY, "nested": NESTED,
    "winmail.dat": WINMAIL, "invitation": INVITATION, "headers twice": TWICE, "broken": BROKEN, "empty": b"", "no header": b"\n\nhola",
    "only header": b"From: a@b.co", "zeros": b"\0" * 1000, "exim": EXIM_BOUNCE, "bounce": bounce_of("<x@example.com>"),
    "deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(3000)) + b"\nfondo",
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: text/plain\n\nx\n" * 5000,
    "lying multipart": b"Content-Type: multipart/mixed\n\nno hay partes",
    "report that reports nothing": b"From: a@b.co\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    b"--b\nContent-Type: message/delivery-status\n\n\n--b--\n",
    "bad charset": b"From: a@b.co\nContent-Type: text/plain; charset=\"no existe\"\n\nse\xf1al",
    "rfc2231 name": b"From: a@b.co\nContent-Type: application/pdf; name*0*=utf-8''%ff%; name*1=x\nContent-Disposition: attachment\n\nx",
    "message that is text": b"From: a@b.co\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSG9sYQ==\n",
}  # fmt: skip
