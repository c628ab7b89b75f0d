"""What may be attached, and how a download leaves. No application, no database."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis.strategies import text

from app.operations.files import (
    ALLOWED,
    MAX_BYTES,
    MAX_FILES,
    MAX_NAME,
    UploadRefused,
    check_number,
    check_upload,
    clean_name,
    download_headers,
)

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer <<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00" + b"\x00" * 40
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 60
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + b"\x00" * 40
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 40
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00" * 40
M4A = b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42" + b"\x00" * 40
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\x00" * 40
OGG = b"OggS\x00\x02" + b"\x00" * 60
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + b"\x00" * 200
ELF = b"\x7fELF\x02\x01\x01" + b"\x00" * 60
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def zipped(*parts: str, label: str = "") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        if label:
            archive.writestr("mimetype", label)
        for part in parts:
            archive.writestr(part, "<x/>")
    return held.getvalue()


DOCX = zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")
XLSX = zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml")
ODT = zipped("content.xml", label="application/vnd.oasis.opendocument.text")
ODS = zipped("content.xml", label="application/vnd.oasis.opendocument.spreadsheet")


def check(name: str, body: bytes):
    return check_upload(name, io.BytesIO(body))


@pytest.mark.parametrize(
    ("name", "body", "media_type"),
    [
        ("factura.pdf", PDF, "application/pdf"),
        ("FACTURA.PDF", PDF, "application/pdf"),
        ("medidor.png", PNG, "image/png"),
        ("medidor.jpg", JPEG, "image/jpeg"),
        ("medidor.jpeg", JPEG, "image/jpeg"),
        ("medidor.webp", WEBP, "image/webp"),
        ("medidor.heic", HEIC, "image/heic"),
        ("carta.docx", DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("consumos.xlsx", XLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("carta.odt", ODT, "application/vnd.oasis.opendocument.text"),
        ("consumos.ods", ODS, "application/vnd.oasis.opendocument.spreadsheet"),
        ("carta.txt", "Señores: así no. 😀".encode(), "text/plain"),
        ("carta.txt", "Señores: así no.".encode("cp1252"), "text/plain"),
        ("carta.txt", "Señores".encode("utf-16"), "text/plain"),
        ("carta.txt", b"BMW robado; MZ no es un programa", "text/plain"),
        ("fuga.mp4", MP4, "video/mp4"),
        ("nota.m4a", M4A, "audio/mp4"),
        ("nota.m4a", MP4, "video/mp4"),
        ("nota.mp3", MP3, "audio/mpeg"),
        ("nota.mp3", b"\xff\xf3\x40\xc0" + b"\x00" * 60, "audio/mpeg"),
        ("nota.ogg", OGG, "audio/ogg"),
        ("PTT-20260710.opus", OGG, "audio/ogg"),
    ],
)
def test_what_people_attach_is_received_with_the_type_of_its_content(name, body, media_type):
    checked = check(name, body)

    assert (checked.media_type, checked.n_bytes, checked.sha256) == (media_type, len(body), hashlib.sha256(body).hexdigest())
    assert checked.content.read() == body


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("factura.pdf", EXE),  # a program under another name
        ("foto.jpg", EXE),
        ("carta.docx", EXE),
        ("carta.txt", EXE),
        ("carta.txt", ELF),
        ("foto.png", JPEG),  # a picture of another kind
        ("foto.jpg", SVG),
        ("factura.pdf", b"<html><script>alert(1)</script></html>"),
        ("carta.docx", XLSX),
        ("carta.odt", ODS),
        ("carta.docx", zipped("malo.exe")),
        ("carta.docx", b"PK\x03\x04 rest of a broken archive"),
        ("carta.txt", b"text and \x00 a zero"),
        ("foto.heic", MP4),
        ("sonido.mp3", PDF),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(name, body):
    with pytest.raises(UploadRefused, match="is not what its name says"):
        check(name, body)


@pytest.mark.parametrize(
    "name",
    ["virus.exe", "factura.pdf.exe", "pagina.html", "dibujo.svg", "carta.docm", "todo.zip", "script.js", "factura", ".pdf", "carta.doc"],
)
def test_a_kind_that_is_not_on_the_list_is_refused_even_with_good_content(name):
    with pytest.raises(UploadRefused, match="of a kind that is not received") as refused:
        check(name, PDF)
    assert refused.value.field == "files"


def test_macros_are_refused_by_whatever_name():
    with pytest.raises(UploadRefused, match="macros"):
        check("carta.docx", zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"))


def test_an_empty_file_is_refused():
    with pytest.raises(UploadRefused, match="is empty"):
        check("factura.pdf", b"")


class Endless(io.RawIOBase):
    """A sender that never stops, and announces nothing."""

    n_read = 0

    def read(self, n: int = -1) -> bytes:
        assert n >= 0, "reading without a limit"
        self.n_read += n
        return b"%PDF-1.7" + b"\x00" * (n - 8) if n >= 8 else b"\x00" * n


def test_reading_stops_at_the_limit_whatever_the_sender_announces():
    sender = Endless()

    with pytest.raises(UploadRefused, match="weighs more than 10 MB"):
        check_upload("factura.pdf", sender)
    assert sender.n_read == MAX_BYTES + 1


def test_ten_megabytes_are_received_and_one_byte_more_is_not():
    exact = PDF + b"\x00" * (MAX_BYTES - len(PDF))

    assert check("factura.pdf", exact).n_bytes == MAX_BYTES
    with pytest.raises(UploadRefused, match="weighs more than 10 MB"):
        check("factura.pdf", exact + b"\x00")


def test_five_files_are_received_at_once_and_six_are_not():
    check_number(MAX_FILES)
    with pytest.raises(UploadRefused, match="6 files and at most 5"):
        check_number(6)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\Users\\Ana\\factura.pdf", "factura.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("/abs/factura.pdf", "factura.pdf"),
        ("factura\r\nSet-Cookie: x.pdf", "factura Set-Cookie_ x.pdf"),
        ("factura\u202efdp.exe", "facturafdp.exe"),  # shown as "facturaexe.pdf" by a careless screen
        ("  …factura.pdf ", "…factura.pdf"),
        ("fac\x00tura.pdf", "factura.pdf"),
        ("recibo «julio» ñ.pdf", "recibo «julio» ñ.pdf"),
        ("n\u0303.pdf", "ñ.pdf"),
        ('a"b<c>.pdf', "a_b_c_.pdf"),
        ("", "file"),
        ("...", "file"),
    ],
)
def test_a_name_loses_folders_and_invisible_characters(sent, kept):
    assert clean_name(sent) == kept


def test_a_long_name_is_cut_and_keeps_its_extension():
    assert clean_name("a" * 500 + ".pdf") == "a" * (MAX_NAME - 4) + ".pdf"


@given(text())
def test_any_name_becomes_one_that_is_safe_and_stays_so(sent):
    """Cleaning a name gives a short one without separators or control characters, and cleaning it again changes nothing."""
    kept = clean_name(sent)

    assert 0 < len(kept) <= MAX_NAME
    assert not set(kept) & set('/\\"<>:|?*\r\n\t\x00\u202e')
    assert clean_name(kept) == kept


def test_a_download_is_an_attachment_with_its_spanish_name():
    headers = download_headers('recibo ñandú "1".pdf', "application/pdf", 12)

    assert headers["Content-Disposition"] == (
        "attachment; filename=\"recibo nandu _1_.pdf\"; filename*=UTF-8''recibo%20%C3%B1and%C3%BA%20%221%22.pdf"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Content-Length"] == "12"


@given(text())
def test_no_name_can_break_out_of_the_header(name):
    header = download_headers(name, "application/pdf")["Content-Disposition"]

    assert header.isascii() and header.isprintable()
    assert header.count('"') == 2


def test_every_allowed_kind_is_offered_to_the_browser():
    from app.operations.files import ACCEPT

    assert ACCEPT.split(",") == [f".{extension}" for extension in ALLOWED]
