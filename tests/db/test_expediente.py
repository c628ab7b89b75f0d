"""The file for Superservicios: everything once, in order, foliated; no personal key; and what cannot stand on pages is in the ZIP."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from datetime import date

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import RectangleObject

from app import documents
from app.documents import base, expediente
from app.documents.binder import Binder, Unreadable
from app.domain.errors import MoveRefused
from app.domain.states import DocumentKind, Outcome, Visibility
from app.operations.files import open_file, store_file
from tests.db.test_appeals import Life, instant

pytestmark = pytest.mark.one_engine


@pytest.fixture
def life(seeded, make) -> Life:
    return Life(seeded, make)


def pdf_of(*sizes: tuple[int, int, int], password: str = "") -> bytes:
    """Return a PDF with blank pages of (width, height, turn)."""
    writer = PdfWriter()
    for width, height, turn in sizes:
        writer.add_blank_page(width, height).rotate(turn)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def picture(kind: str, size=(120, 80)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, "teal").save(content, kind)
    return content.getvalue()


ATTACHED = {
    "escaneo.pdf": ("application/pdf", pdf_of((612, 792, 0), (792, 612, 90), (300, 300, 0))),
    "protegido.pdf": ("application/pdf", pdf_of((612, 792, 0), password="secreta")),
    "roto.pdf": ("application/pdf", b"%PDF-1.4 esto no es un PDF"),
    "medidor.jpg": ("image/jpeg", picture("JPEG")),
    "=recibo.png": ("image/png", picture("PNG")),
    "foto.webp": ("image/webp", picture("WEBP")),
    "rota.png": ("image/png", picture("PNG")[:40]),
    "audio.mp3": ("audio/mpeg", b"ID3" + bytes(500)),
}


@pytest.fixture
def child(life):
    first = life.first()
    documents.receipt_of(life.session, first, instant("2026-03-03"))
    child = life.decided(first, Outcome.CONFIRMED)
    for name, (media_type, content) in ATTACHED.items():
        store_file(life.session, content, name, media_type, child, Visibility.CITIZEN)
    life.session.flush()
    life.session.expire_all()
    return child


@pytest.fixture
def built(life, child):
    with expediente.build(life.session, child, instant("2026-04-23")) as built:
        yield built


def texts(built) -> list[str]:
    return [page.extract_text() for page in PdfReader(built.pdf).pages]


def test_every_page_says_its_folio_and_the_index_is_true(built):
    pages = texts(built)

    assert len(pages) == built.n_folios
    for folio, text in enumerate(pages, start=1):
        assert f"Folio {folio} de {built.n_folios} · PQR-2026-000001" in text
    last = 0
    for row in built.rows:
        first, _dash, end = row["folios"].partition("–")
        assert last == 0 or int(first) == last + 1
        last = int(end or first)
    assert last == built.n_folios
    assert int(built.rows[0]["folios"]) > 2, "cover and index are the first folios"


def test_everything_is_there_once_in_the_order_in_which_it_happened(built, child):
    names = [row["name"].split("_", 2)[2] for row in built.rows]
    days = [row["day"].split("/")[::-1] for row in built.rows]

    assert days == sorted(days)
    for name in [*ATTACHED, f"{child.number}.pdf", f"{child.previous.number}.pdf", f"{child.answer.number}.pdf"]:
        assert names.count(name) == 1, name
    assert "No estoy de acuerdo" in " ".join(texts(built)), "what the petitioner wrote"


def test_the_zip_holds_every_original_as_the_index_says(built):
    with zipfile.ZipFile(built.archive) as zipped:
        assert zipped.testzip() is None
        rows = list(csv.DictReader(io.StringIO(zipped.read("indice.csv").decode("utf-8-sig")), delimiter=";"))
        assert [row["Archivo"] for row in rows] == [row["name"] for row in built.rows] == zipped.namelist()[:-1]
        for row in rows:
            assert hashlib.sha256(zipped.read(row["Archivo"])).hexdigest() == row["SHA-256"]
        for name, (_media_type, content) in ATTACHED.items():
            assert zipped.read(next(listed for listed in zipped.namelist() if listed.endswith(name))) == content


def test_the_personal_key_is_nowhere(built, child):
    keys = {pqr.access_key for pqr in (child, child.previous)}
    spellings = keys | {"-".join(key[start : start + 4] for start in range(0, len(key), 4)) for key in keys}
    said = " ".join(texts(built))
    with zipfile.ZipFile(built.archive) as zipped:
        said += " ".join(
            page.extract_text()
            for name in zipped.namelist()
            if name.endswith(".pdf") and not name.endswith(("roto.pdf", "protegido.pdf"))
            for page in PdfReader(io.BytesIO(zipped.read(name))).pages
        )

    assert "Comprobante de radicación" in said
    assert not [key for key in spellings if key in said or key in re.sub(r"\s", "", said)]


def test_what_cannot_stand_on_pages_has_a_page_that_says_so(built):
    notes = {row["name"].split("_", 2)[2]: row["note"] for row in built.rows}

    assert [name for name, note in notes.items() if note and "ZIP" in note] == ["protegido.pdf", "roto.pdf", "rota.png", "audio.mp3"]


def test_it_is_kept_with_the_letter_and_may_be_made_again_until_it_is_sent(life, child):
    for n in (1, 2):
        with expediente.build(life.session, child, instant("2026-04-23")) as built:
            document = expediente.keep(life.session, child, built, issuer=life.boss, at=instant("2026-04-23"))
        life.session.expire_all()
        assert document.number == f"EXP-2026-{n:06}"
    appeal = child.appeal

    assert (appeal.sspd_file, appeal.sspd_zip.name) == (document, "EXP-2026-000002.zip")
    assert appeal.sspd_letter.kind is DocumentKind.SSPD_LETTER
    assert {appeal.sspd_file.file.visibility, appeal.sspd_zip.visibility} == {Visibility.STAFF}
    with open_file(appeal.sspd_file.file) as stored:
        assert len(PdfReader(io.BytesIO(stored.read())).pages) == document.data["n_folios"]
    letter = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(documents.document_bytes(appeal.sspd_letter))).pages)
    assert child.number in letter
    assert child.answer.number in letter

    life.session.refresh(child)
    appeals_before = [row["name"] for row in document.data["rows"]]
    assert not [name for name in appeals_before if "EXP-" in name or "REM-" in name], "an earlier file is no part of the next"


def test_a_stored_file_that_changed_stops_it(life, child):
    child.files[-1].sha256 = "0" * 64
    life.session.flush()

    with pytest.raises(base.DocumentDamaged):
        expediente.build(life.session, child, instant("2026-04-23"))


def test_what_does_not_go_to_superservicios_is_not_kept(life, child):
    with expediente.build(life.session, child, instant("2026-04-23")) as built:
        life.sent(child)
        with pytest.raises(MoveRefused, match="does not change"):
            expediente.keep(life.session, child, built, issuer=life.boss, at=instant("2026-04-24"))


# ── The binder ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_stamp_is_at_the_top_right_of_the_page_as_it_is_seen():
    with Binder() as binder:
        n = sum(binder.add(io.BytesIO(pdf_of((612, 792, turn)))) for turn in (0, 90, 180, 270))
        bound = io.BytesIO()
        binder.bind(io.BytesIO(pdf_of((200, 200, 0))), bound, "100 % de X", n + 1)

    pages = PdfReader(bound).pages
    assert len(pages) == 5
    for page in pages[1:]:
        places = []
        page.extract_text(visitor_text=lambda text, cm, tm, *_rest, places=places: places.append((text, cm, tm)))
        _text, cm, tm = next(place for place in places if "Folio" in place[0])
        x, y = cm[0] * tm[4] + cm[2] * tm[5] + cm[4], cm[1] * tm[4] + cm[3] * tm[5] + cm[5]
        near = {0: (x > 400, y > 740), 90: (x < 60, y > 500), 180: (x < 220, y < 60), 270: (x > 560, y < 300)}
        assert all(near[page.rotation]), (page.rotation, x, y)
        assert "100 % de X" in page.extract_text()


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", pdf_of(password="x"), b"GIF89a", pdf_of((612, 792, 0))[:200]])
def test_what_is_no_readable_pdf_leaves_nothing_behind(content):
    with Binder() as binder:
        with pytest.raises(Unreadable):
            binder.add(io.BytesIO(content))
        bound = io.BytesIO()
        binder.bind(io.BytesIO(pdf_of((200, 200, 0))), bound, "X", 1)

    assert len(PdfReader(bound).pages) == 1


def test_what_the_pages_of_a_part_share_is_still_theirs():
    data = {"organisation": {"name": "X", "nit": "1", "contact": ["c"], "logo": None}, "issued_on": "2026-04-23", "title": "T"}
    data |= {"facts": [], "body": [["palabra"] * 40] * 9, "tables": []}
    sheet = documents.render("sspd_sheet", data)
    with Binder() as binder:
        n = sum(binder.add(io.BytesIO(sheet)) for _twice in range(2))
        bound = io.BytesIO()
        binder.bind(io.BytesIO(sheet), bound, "X", n * 3 // 2)

    pages = PdfReader(bound).pages
    assert len(pages) == n * 3 // 2 > 5
    for page in pages:
        resources = page["/Resources"]
        assert len(resources["/Font"]) > 1
        assert all(font.get_object()["/Type"] == "/Font" for font in resources["/Font"].values())
        assert all(space.get_object()[0].startswith("/") for space in resources.get("/ColorSpace", {}).values())


def test_a_page_may_start_elsewhere_than_at_its_corner():
    writer = PdfWriter()
    writer.add_blank_page(612, 792).cropbox = RectangleObject((100, 100, 400, 500))
    content = io.BytesIO()
    writer.write(content)
    with Binder() as binder:
        binder.add(content)
        bound = io.BytesIO()
        binder.bind(io.BytesIO(pdf_of((200, 200, 0))), bound, "X", 2)

    assert "Folio 2 de 2" in PdfReader(bound).pages[1].extract_text()
    assert tuple(PdfReader(bound).pages[1].cropbox) == (100, 100, 400, 500)


@pytest.mark.parametrize(("kind", "size"), [("PNG", (300, 7)), ("JPEG", (31, 500)), ("WEBP", (64, 9))])
def test_pixels_are_counted_by_the_head_of_a_picture(kind, size):
    assert expediente.n_pixels(picture(kind, size)[:2000]) == size[0] * size[1]


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00", b"\x89PNG", b"RIFF0000WEBPVP8X", b"GIF89a"])
def test_a_head_that_tells_nothing_counts_none(content):
    assert expediente.n_pixels(content) == 0


def test_the_days_of_this_page_are_those_of_the_life(child):
    assert (child.notified_on, child.appeal.sspd_due_on) == (date(2026, 4, 22), date(2026, 4, 27))
