"""What a message says: the proper ones, the nasty ones, and who writes. Nothing that a sender does makes the reader fail."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import letters
from app.domain.letters import Nature, read
from tests import letterbox
from tests.letterbox import bounce_of, letter

KNOWN = "<nuestro@example.com>"


def test_a_plain_message_is_read_whole() -> None:
    said = read(letter(files=(("Factura de junio.pdf", "application/pdf", letterbox.PDF),)))

    assert (said.sender, said.sender_name) == ("ana@example.org", "Ana Pérez")
    assert (said.message_id, said.has_own_id) == ("<uno@example.org>", True)
    assert (said.subject, said.text) == ("Sin agua", "No me llega agua desde el martes.")
    assert said.sent_at == datetime(2026, 7, 10, 14, 58, tzinfo=UTC)
    assert [(each.name, each.media_type, each.content) for each in said.enclosures] == [
        ("Factura de junio.pdf", "application/pdf", letterbox.PDF)
    ]
    assert (said.nature, said.may_answer, said.bounce) == (Nature.PERSON, True, None)
    assert len(said.sha256) == 64


def test_charsets_that_are_declared_wrong_are_read_right() -> None:
    latin, utf8 = read(letterbox.LATIN_AS_UTF8), read(letterbox.UTF8_AS_LATIN)

    assert (latin.sender, latin.sender_name) == ("jose@example.org", "José Muñoz")
    assert latin.subject == "Reclamación por el año pasado"
    assert latin.text == "La señora no tiene agua en el baño"
    assert (utf8.subject, utf8.text) == ("Señal sin codificar", "¿Qué pasó con la señal?")


def test_the_mail_of_outlook_is_read_without_its_page() -> None:
    said = read(letterbox.OUTLOOK_HTML)

    assert (said.sender, said.sender_name) == ("ana@example.org", "Pérez, Ana")
    assert said.subject == "Recibimos su solicitud PQR-2026-000123"
    assert said.thread == (KNOWN, "<antes@example.com>")
    assert said.text.startswith("Buenos días,\n\nAdjunto la factura.\nGracias\n- consumo\n- cargo\nDe: Acueducto <pqr@example.com>\n")
    assert "alert" not in said.text and "color" not in said.text


def test_a_photo_without_a_word_is_an_attachment() -> None:
    said = read(letterbox.PHOTO_ONLY)

    assert (said.text, said.subject) == ("", "")
    assert [each.name for each in said.enclosures] == ["IMG_0001.jpeg"]


def test_the_logo_of_a_signature_is_no_attachment_but_a_photo_in_the_text_is() -> None:
    def page(size: int) -> bytes:
        image = b"Content-Type: image/png; name=image001.png\nContent-ID: <a>\nContent-Disposition: inline\n\n" + b"x" * size
        head = b"From: a@b.co\nContent-Type: multipart/related; boundary=B\n\n--B\nContent-Type: text/html\n\n<p>Hola</p>\n--B\n"
        return head + image + b"\n--B--\n"

    assert read(page(5_000)).enclosures == ()
    assert [each.name for each in read(page(50_000)).enclosures] == ["image001.png"]


def test_a_message_inside_a_message_is_one_attachment_and_not_its_text() -> None:
    said = read(letterbox.NESTED)

    assert said.text == "Ver el correo adjunto"
    assert [(each.name, each.media_type) for each in said.enclosures] == [("El reclamo.eml", "message/rfc822")]
    assert b"Texto de dentro" in said.enclosures[0].content
    assert said.is_forward


def test_the_parcel_of_outlook_and_an_invitation_are_attachments() -> None:
    assert [each.name for each in read(letterbox.WINMAIL).enclosures] == ["winmail.dat"]
    assert (read(letterbox.INVITATION).text, [each.media_type for each in read(letterbox.INVITATION).enclosures]) == (
        "Nos vemos el lunes", ["text/calendar"],
    )  # fmt: skip


def test_of_headers_that_come_twice_the_first_counts() -> None:
    said = read(letterbox.TWICE)

    assert (said.sender, said.subject, said.message_id, said.sent_at) == ("primero@example.org", "Uno", "<doble@example.org>", None)


def test_a_message_without_a_name_is_named_by_its_content() -> None:
    one, same, other = read(letter(message_id=None)), read(letter(message_id=None)), read(letter("Otra cosa", message_id=None))

    assert not one.has_own_id
    assert one.message_id == same.message_id != other.message_id


@pytest.mark.parametrize(
    ("value", "name"),
    [("<a@b>", "<a@b>"), (" <a@b> (x)", "<a@b>"), ("a@b", "<a@b>"), ("", ""), ("<>", ""), ("hola", ""), ("<a b@c>", ""),
     (f"<{'x' * 300}@b>", "")],
)  # fmt: skip
def test_a_message_id_is_one_that_can_be_kept(value: str, name: str) -> None:
    assert letters.message_id_of(value) == name


@pytest.mark.parametrize(
    ("subject", "clean"),
    [("Re: Fwd: RV: agua", "agua"), ("RE[2]: agua", "agua"), ("Respuesta: agua", "Respuesta: agua"), ("re:re:re:", ""),
     ("[EXTERNAL] Re: agua", "agua"), ("Reclamo: agua", "Reclamo: agua"), ("RTA: agua", "agua")],
)  # fmt: skip
def test_the_marks_of_a_reply_are_no_part_of_the_subject(subject: str, clean: str) -> None:
    assert letters.clean_subject(subject) == clean


@pytest.mark.parametrize(
    ("subject", "number"),
    [("Sobre PQR-2026-000123", "PQR-2026-000123"), ("pqr 2026 000123 otra vez", "PQR-2026-000123"), ("pqr+pqr-2026-000123@example.com",
     "PQR-2026-000123"), ("<PQR-2026-000123@example.com>", "PQR-2026-000123"), ("PQR", None), ("Factura 2026-000123", None)],
)  # fmt: skip
def test_the_number_of_a_case_is_found_as_people_write_it(subject: str, number: str | None) -> None:
    assert letters.case_number(subject) == number


@pytest.mark.parametrize(
    ("headers", "nature"),
    [
        ({}, Nature.PERSON),
        ({"Auto_Submitted": "no"}, Nature.PERSON),
        ({"Auto_Submitted": "auto-replied (vacation)"}, Nature.AUTO_REPLY),
        ({"Auto_Submitted": "auto-generated"}, Nature.MACHINE),
        ({"X_Autoreply": "yes"}, Nature.AUTO_REPLY),
        ({"Precedence": "auto_reply"}, Nature.AUTO_REPLY),
        ({"Precedence": "bulk"}, Nature.LIST),
        ({"List_Id": "<vecinos.example.org>"}, Nature.LIST),
        ({"List_Unsubscribe": "<mailto:x@example.org>"}, Nature.LIST),
        ({"Return_Path": "<>"}, Nature.MACHINE),
        ({"X_Spam_Flag": "YES"}, Nature.SPAM),
        ({"X_Spam_Flag": "NO"}, Nature.PERSON),
        ({"Subject": "Respuesta automática: Recibimos su solicitud", "In_Reply_To": KNOWN}, Nature.AUTO_REPLY),
        ({"Subject": "Fuera de la oficina"}, Nature.MACHINE),
        ({"Subject": "Out of office: vacation", "References": KNOWN}, Nature.AUTO_REPLY),
        ({"Subject": "La fuga está fuera de la oficina de correos"}, Nature.PERSON),
    ],
)
def test_who_writes_is_told_by_what_the_message_says_of_itself(headers: dict[str, str], nature: Nature) -> None:
    assert read(letter(**headers)).nature is nature


def test_who_asks_machines_to_be_silent_gets_no_answer_but_is_a_person() -> None:
    said = read(letter(X_Auto_Response_Suppress="All"))

    assert (said.nature, said.may_answer) == (Nature.PERSON, False)


@pytest.mark.parametrize(
    ("status", "action", "is_final"),
    [("5.1.1", "failed", True), ("4.4.1", "delayed", False), ("4.2.2", "failed", False), ("5.2.2", "failed", True)],
)
def test_a_report_of_a_mail_server_says_which_message_did_not_arrive(status: str, action: str, is_final: bool) -> None:
    said = read(bounce_of(KNOWN, status=status, action=action))

    assert said.nature is Nature.BOUNCE
    assert said.bounce is not None
    assert (said.bounce.message_ids, said.bounce.recipient, said.bounce.status, said.bounce.is_final) == (
        (KNOWN,), "ana@example.org", status, is_final,
    )  # fmt: skip
    assert "User unknown" in said.bounce.reason


def test_a_report_that_a_message_arrived_is_no_bounce() -> None:
    assert read(bounce_of(KNOWN, status="2.0.0", action="delivered")).bounce is None


def test_the_report_of_an_old_mail_server_is_understood_too() -> None:
    bounce = read(letterbox.EXIM_BOUNCE).bounce

    assert bounce is not None
    assert (bounce.message_ids, bounce.recipient, bounce.status, bounce.is_final) == ((KNOWN,), "ana@example.org", "5.1.1", True)


@pytest.mark.parametrize("name", letterbox.NASTY)
def test_nothing_that_comes_trips_the_reader(name: str) -> None:
    start = time.perf_counter()
    said = read(letterbox.NASTY[name])

    assert time.perf_counter() - start < 5
    _check_fit_to_store(said)


def _check_fit_to_store(said: letters.Letter) -> None:
    names = [each.name for each in said.enclosures]
    for text in (said.subject, said.text, said.sender, said.sender_name, said.message_id, *said.to, *names):
        assert "\x00" not in text
        text.encode()
    assert len(said.message_id) <= 250 and len(said.sender) <= 254 and len(said.sender_name) <= 160
    assert len(said.text) <= letters.MAX_TEXT


_LINES = st.sampled_from([
    b"From: a@b.co", b"Subject: =?utf-8?Q?=C3=B1?=", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/html; charset=x",
    b"--b", b"--b--", b"", b"<p>hola <b>mundo", b"Content-Transfer-Encoding: base64", b"====", b"Message-ID: <a@b>", b"\xff\xfe\x00",
    b"Content-Type: message/rfc822", b"Content-Type: message/delivery-status", b"Content-Type: multipart/report; boundary=b",
    b"Content-Disposition: attachment; filename=\"=?utf-8?B?w7E=?=.pdf\"", b" continued", b"Date: x", b"To: \"a, <b@c.d>;:",
])  # fmt: skip


@given(raw=st.one_of(st.binary(max_size=400), st.lists(st.one_of(_LINES, st.binary(max_size=20)), max_size=25).map(b"\n".join)))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_read_into_texts_that_can_be_stored(raw: bytes) -> None:
    said = read(raw)

    _check_fit_to_store(said)
    assert read(raw) == said


@pytest.mark.parametrize("evil", ["<!", "<", "<a ", "</", "<?", "&", "<script>", "<!--", "<![", "<a b='", "<blockquote>"])
def test_a_page_made_to_be_slow_is_read_in_time(evil: str) -> None:
    start = time.perf_counter()
    letters.text_of_html(evil * (300_000 // len(evil)))

    assert time.perf_counter() - start < 5


def test_a_huge_message_is_read_up_to_what_is_kept() -> None:
    said = read(letter("Línea de texto que se repite.\n" * 100_000))

    assert len(said.text) <= letters.MAX_TEXT
