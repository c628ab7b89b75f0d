"""
The file that goes to Superservicios with an apelación: every document of the first case and of its recurso, in the order in which
they happened, as one foliated PDF with cover and index, and a ZIP with the originals and the same index as CSV.

What cannot stand on pages (sound, office documents, a protected PDF) has a page that says so, and is in the ZIP. The personal keys of
the citizen are in neither: receipts are set again without them. `build` reads and takes its time, `keep` writes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from tempfile import TemporaryFile
from typing import IO, Any

import typst
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.documents.acts import issue_act
from app.documents.binder import Binder, Unreadable
from app.documents.typesetting import render_picture, version_of
from app.domain.states import DocumentKind, Identity, Move, Visibility
from app.extensions import LANGUAGE, local
from app.models import Document, FieldOrder, OrderFile, Pqr, StoredFile
from app.operations import appeals
from app.operations.files import CheckedFile, clean_name, open_file, store_file
from app.operations.numbers import next_number

PDF, ZIP = "application/pdf", "application/zip"
#: What Typst sets, by media type, with the suffix that tells it.
PICTURES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
#: A picture of more pixels is not decoded: some kilobytes can be gigabytes of memory. A telephone takes 12 to 50 million.
MOST_PIXELS = 50_000_000
#: Made for this transfer, so no part of what is transferred.
_OWN = (DocumentKind.SSPD_FILE, DocumentKind.SSPD_LETTER)
#: Moves inside the house, which are no step of the proceedings.
_INSIDE = (Move.ROUTE, Move.RETURN_TO_DESK, Move.RETURN_SOLUTION)
#: Who receives it, when nobody wrote the parameter `sspd.addressee`.
ADDRESSEE = "Superintendencia de Servicios Públicos Domiciliarios"
#: A cell of a CSV that starts like this may run as a formula.
_RISKY = tuple("=+-@\t\r")


@dataclass(frozen=True, slots=True)
class Piece:
    """One document of the file: the day it counts from, its case, what it is, and how its bytes are read."""

    on: date
    case: str
    kind: str
    name: str
    media_type: str
    sha256: str
    open: Callable[[], IO[bytes]]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the index: which folios a piece has, and its name in the ZIP. `note`: why only the ZIP has it."""

    n: int
    piece: Piece
    n_folios: int
    name: str
    note: str | None

    def folios(self, start: int) -> str:
        last = start + self.n_folios - 1
        return str(start) if last == start else f"{start}–{last}"


@dataclass(slots=True)
class Built:
    """The file ready to be kept. A context manager: it holds both files on the disk."""

    pdf: IO[bytes]
    archive: IO[bytes]
    n_folios: int
    rows: list[dict[str, Any]]
    files: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Built:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.files.close()


# ── Building ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def build(session: Session, child: Pqr, at: datetime) -> Built:
    """
    Return the file of *child*, a recurso, and of the case that it is against. Reads only.

    Raises:
        FileMissing, DocumentDamaged: A stored file is gone or is not what was stored: an incomplete file is not sent.
    """
    assert child.appeal is not None
    first, day = child.appeal.against, local(at).date()
    with force_locale(LANGUAGE), Binder() as binder, ExitStack() as files:
        archive = files.enter_context(TemporaryFile())
        rows = []
        with zipfile.ZipFile(archive, "w") as zipped:
            for n, piece in enumerate(_pieces(session, first, child), start=1):
                rows.append(_bind(binder, zipped, n, piece, first))
            front, n_front = _front(first, child, rows, day)
            n_folios = n_front + sum(row.n_folios for row in rows)
            index = list(_index(rows, n_front))
            zipped.writestr("indice.csv", _csv(index))
        pdf = files.enter_context(TemporaryFile())
        binder.bind(io.BytesIO(front), pdf, first.number, n_folios)
        return Built(pdf, archive, n_folios, index, files.pop_all())


def _bind(binder: Binder, zipped: zipfile.ZipFile, n: int, piece: Piece, first: Pqr) -> Row:
    """Put *piece* into the ZIP and on pages; return its row."""
    name = f"{n:03}_{piece.on.isoformat()}_{clean_name(piece.name)}"
    _zip(zipped, name, piece)
    note = piece.note
    try:
        n_folios = binder.add(io.BytesIO(set_page)) if (set_page := _as_page(piece)) is not None else _add_pdf(binder, piece)
    except (Unreadable, typst.TypstError):
        note = _("It cannot be put on pages; it is in the ZIP as %(name)s.", name=name)
        sheet = _sheet(first, piece.name, [(_("Kind"), piece.kind), (_("Date"), base.day(piece.on)), ("SHA-256", piece.sha256)], note)
        n_folios = binder.add(io.BytesIO(sheet))
    return Row(n, piece, n_folios, name, note)


def _add_pdf(binder: Binder, piece: Piece) -> int:
    if piece.media_type != PDF:
        raise Unreadable
    with piece.open() as content, TemporaryFile() as copy:
        shutil.copyfileobj(content, copy)  # a reader jumps about, and what is stored may be far away
        copy.seek(0)
        return binder.add(copy)


def _as_page(piece: Piece) -> bytes | None:
    """Return the page of a picture; None for what is no picture. Raises Unreadable, TypstError."""
    suffix = PICTURES.get(piece.media_type)
    if suffix is None:
        return None
    with piece.open() as content:
        if not 0 < n_pixels(content.read(2**20)) <= MOST_PIXELS:
            raise Unreadable
    with piece.open() as content:
        return render_picture(content, suffix, f"{piece.kind} · {piece.name}", piece.on)


def _zip(zipped: zipfile.ZipFile, name: str, piece: Piece) -> None:
    """Copy *piece* into the ZIP, checked against its SHA-256."""
    info = zipfile.ZipInfo(name, (max(piece.on.year, 1980), piece.on.month, piece.on.day, 0, 0, 0))
    info.external_attr = 0o644 << 16  # stored as it is: what people attach is packed already
    digest = hashlib.sha256()
    with piece.open() as content, zipped.open(info, "w") as target:
        while block := content.read(256 * 1024):
            digest.update(block)
            target.write(block)
    if digest.hexdigest() != piece.sha256:
        raise base.DocumentDamaged(number=piece.name)


def n_pixels(head: bytes) -> int:
    """Return how many pixels the picture has that starts with *head* (PNG, JPEG, WebP); 0 when it does not tell."""
    width = height = 0
    if head.startswith(b"\x89PNG") and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        match head[12:16]:
            case b"VP8X":
                width, height = (int.from_bytes(head[start : start + 3], "little") + 1 for start in (24, 27))
            case b"VP8L":
                bits = int.from_bytes(head[21:25], "little")
                width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
            case b"VP8 ":
                width, height = (int.from_bytes(head[start : start + 2], "little") & 0x3FFF for start in (26, 28))
    elif head.startswith(b"\xff\xd8"):
        at = 2
        while at + 9 <= len(head) and head[at] == 0xFF:
            if head[at + 1] in {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}:
                height, width = struct.unpack(">HH", head[at + 5 : at + 9])
                break
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return width * height


# ── What is in it ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pieces(session: Session, first: Pqr, child: Pqr) -> list[Piece]:
    """Return every document of both cases by date, those of one day in the order in which they were made."""
    found = [piece for pqr in (first, child) for piece in _of_case(session, pqr)]
    return sorted(found, key=lambda piece: piece.on)


def _of_case(session: Session, pqr: Pqr) -> Iterator[Piece]:
    yield _made(pqr, pqr.filed_on, _("Appeal as filed") if pqr.appeal else _("Request as filed"), f"{pqr.number}.pdf", _request(pqr))
    issued = {document.file_id for document in pqr.documents}
    for document in pqr.documents:
        if document.kind in _OWN:
            continue
        on, kind = local(document.issued_at).date(), _(document.kind.value)
        if document.kind is DocumentKind.RECEIPT:
            note = _("Copy without the personal key")
            yield replace(_made(pqr, on, kind, f"{document.number}.pdf", _keyless(pqr, document)), note=note)
        else:
            yield _stored(pqr, document.file, on, kind)
    for stored in [*pqr.files, *_of_orders(session, pqr)]:
        if stored.id not in issued and stored.media_type != ZIP:
            is_public = stored.visibility is Visibility.CITIZEN
            kind = stored.description or (_("Attached by the petitioner") if is_public else _("Attached by the company"))
            yield _stored(pqr, stored, local(stored.created_at).date(), kind)


def _of_orders(session: Session, pqr: Pqr) -> list[StoredFile]:
    """Return the pictures of the field work of the case that are no file of it."""
    own = {stored.id for stored in pqr.files}
    taken = select(StoredFile).join(OrderFile, OrderFile.file_id == StoredFile.id).join(FieldOrder, FieldOrder.id == OrderFile.order_id)
    rows = session.scalars(taken.where(FieldOrder.pqr_id == pqr.id).order_by(StoredFile.id))
    return [stored for stored in rows if stored.id not in own]


def _stored(pqr: Pqr, stored: StoredFile, on: date, kind: str) -> Piece:
    return Piece(on, pqr.number, kind, stored.name, stored.media_type, stored.sha256, lambda: open_file(stored))


def _made(pqr: Pqr, on: date, kind: str, name: str, content: bytes) -> Piece:
    sha256 = hashlib.sha256(content).hexdigest()
    return Piece(on, pqr.number, kind, name, PDF, sha256, lambda: io.BytesIO(content))


def _keyless(pqr: Pqr, receipt: Document) -> bytes:
    """Return the receipt set again from its data, which never had the key."""
    hidden = {"access_key": "(no se incluye)", "qr": None, "consult_url": None}
    return base.rendered("receipt", {**receipt.data, "organisation": base.head(pqr.organisation), **hidden})


# ── The pages that are made here ──────────────────────────────────────────────────────────────────────────────────────────


def _request(pqr: Pqr) -> bytes:
    """Return the sheet of a case: what was filed in its own words, the steps of the proceedings, and how it was notified."""
    party = pqr.party
    document = f"{party.document_type.name} {party.document_number}" if party and party.document_type and party.document_number else None
    facts = [
        (_("Filed on"), base.day(pqr.filed_on)),
        (_("Kind of request"), pqr.request_type.name),
        (_("Channel"), pqr.channel.name),
        (_("Petitioner"), party.name if party else _("anonymous petitioner")),
        (_("Identity document"), document),
        (_("Address for notices"), pqr.notice_email if pqr.is_e_notice else pqr.notice_address or (party.address if party else None)),
        (_("Account"), f"{pqr.account.number} · {pqr.account.address}" if pqr.account else None),
        (_("Invoice"), pqr.invoice_number),
        (_("Subject"), pqr.subject),
    ]
    if pqr.identity is Identity.RESERVED:
        facts.append((_("Identity"), _("reserved at the request of the petitioner")))
    steps = [
        [f"{event.on:%d/%m/%Y}", _(event.move.value), " · ".join(filter(None, (event.act, "" if event.move in _INSIDE else event.reason)))]
        for event in pqr.events
    ]
    told = [
        [
            f"{notice.served_on:%d/%m/%Y}" if notice.served_on else f"{local(notice.sent_at):%d/%m/%Y}",
            f"{_(notice.means.value)}: {_(notice.result.value).lower()}",
            " · ".join(filter(None, (notice.address, notice.courier, notice.guide, notice.return_reason, notice.proof))),
        ]
        for notice in pqr.notices
    ]
    title = f"{pqr.request_type.name} {pqr.number}"
    tables = [{"title": _("Steps"), "rows": steps}, {"title": _("Notices"), "rows": told}]
    return _sheet(pqr, title, facts, pqr.body, [table for table in tables if table["rows"]])


def _sheet(pqr: Pqr, title: str, facts: list[tuple[str, str | None]], body: str, tables: list[dict[str, Any]] | None = None) -> bytes:
    data = {"organisation": base.head(pqr.organisation), "issued_on": pqr.filed_on.isoformat(), "title": title, "tables": tables or []}
    return base.rendered("sspd_sheet", data | {"facts": [list(fact) for fact in facts], "body": base.paragraphs(body)})


def _front(first: Pqr, child: Pqr, rows: list[Row], day: date) -> tuple[bytes, int]:
    """Return cover and index, and how many folios they are: as many as it takes for the numbers they print to be true."""
    n_front = 1 + len(rows) // 20
    for _attempt in range(5):
        content = base.rendered("sspd_front", _front_data(first, child, rows, day, n_front))
        with Binder() as binder:
            n_pages = binder.add(io.BytesIO(content))
        if n_pages == n_front:
            break
        n_front = n_pages
    return content, n_front


def _front_data(first: Pqr, child: Pqr, rows: list[Row], day: date, n_front: int) -> dict[str, Any]:
    n_folios = n_front + sum(row.n_folios for row in rows)
    party, decision = first.party, child.answer
    assert child.notified_on is not None and child.outcome is not None
    facts = [
        (_("Petitioner"), party.name if party else _("anonymous petitioner")),
        (_("Account"), f"{first.account.number} · {first.account.address}" if first.account else None),
        (_("Service"), first.service.name if first.service else None),
        (_("Subject"), first.subject),
        (_("The request"), f"{first.number}, {base.day(first.filed_on)}"),
        (_("First answer"), f"{first.answer.number}, {base.day(first.answered_on)}" if first.answer and first.answered_on else None),
        (_("Appeal"), f"{child.number}, {base.day(child.filed_on)}"),
        (_("Decision"), f"{decision.number}, {_(child.outcome.value).lower()}" if decision and decision.number else None),
        (_("Decision notified on"), base.day(child.notified_on)),
        (_("Documents"), str(len(rows))),
        (_("Folios"), str(n_folios)),
        (_("Made on"), base.day(day)),
    ]
    return {
        "organisation": base.head(first.organisation),
        "issued_on": day.isoformat(),
        "number": first.number,
        "facts": [list(fact) for fact in facts],
        "rows": list(_index(rows, n_front)),
    }


def _index(rows: list[Row], n_front: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of the index, in words."""
    start = n_front + 1
    for row in rows:
        piece = row.piece
        yield {
            "n": row.n, "folios": row.folios(start), "day": f"{piece.on:%d/%m/%Y}", "case": piece.case, "kind": piece.kind,
            "name": row.name, "note": row.note, "sha256": piece.sha256,
        }  # fmt: skip
        start += row.n_folios


def _csv(index: list[dict[str, Any]]) -> bytes:
    """Return the index as Excel in Spanish opens it; no cell runs as a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    titles = {"n": "N.º", "folios": "Folios", "day": "Fecha", "case": "Radicado", "kind": "Clase", "name": "Archivo", "note": "Observación",
              "sha256": "SHA-256"}  # fmt: skip
    writer.writerow(titles.values())
    for row in index:
        cells = ("" if row[key] is None else str(row[key]) for key in titles)
        writer.writerow([f"'{cell}" if cell.startswith(_RISKY) else cell for cell in cells])
    return text.getvalue().encode("utf-8-sig")


# ── Keeping ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def keep(session: Session, child: Pqr, built: Built, *, issuer: User, at: datetime) -> Document:
    """
    Number and store the file that was *built*, and issue the letter that remits it; return the file. The caller commits.

    Raises:
        MoveRefused: As `appeals.check_sendable`.
        DomainError: The text of the letter is not loaded.
    """
    appeal = appeals.check_sendable(session, child)
    first, on = appeal.against, local(at).date()
    number = next_number(session, child.organisation_id, "EXP", on.year)
    stored = _store(session, child, built.pdf, f"{number}.pdf", PDF, _("File for Superservicios"))
    archive = _store(session, child, built.archive, f"{number}.zip", ZIP, _("Originals of the file for Superservicios"))
    document = Document(
        kind=DocumentKind.SSPD_FILE, number=number, pqr=child, file=stored, template=version_of("sspd_front"),
        data={"number": first.number, "n_folios": built.n_folios, "rows": built.rows, "archive_sha256": archive.sha256},
        issued_at=at, issued_by_id=issuer.id,
    )  # fmt: skip
    session.add(document)
    session.flush()
    letter = _letter(session, child, built, stored, archive, issuer, at)
    appeals.keep_file(session, child, appeals.Made(document, archive, letter))
    return document


def _store(session: Session, pqr: Pqr, content: IO[bytes], name: str, media_type: str, description: str) -> StoredFile:
    content.seek(0)
    sha256 = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    checked = CheckedFile(name, media_type, content.seek(0, io.SEEK_END), sha256, content)
    return store_file(session, checked, pqr=pqr, visibility=Visibility.STAFF, description=description)


def _letter(
    session: Session, child: Pqr, built: Built, stored: StoredFile, archive: StoredFile, issuer: User, at: datetime
) -> Document:
    decision = child.answer
    assert decision is not None and decision.issued_on is not None and child.notified_on is not None
    addressee = base.lines(queries.parameter(session, "sspd.addressee", ADDRESSEE))
    first = child.appeal.against if child.appeal else child
    fields = {
        "number": first.number,
        "filed_on": base.day(first.filed_on),
        "appeal_number": child.number,
        "appeal_day": base.day(child.filed_on),
        "decision_number": decision.number,
        "decision_day": base.day(decision.issued_on),
        "decision_notified": base.day(child.notified_on),
        "n_folios": str(built.n_folios),
    }
    with force_locale(LANGUAGE):
        facts = [
            (_("Foliated PDF"), f"{stored.name} · SHA-256 {stored.sha256}"),
            (_("ZIP with the originals"), f"{archive.name} · SHA-256 {archive.sha256}"),
        ]
        copies = [base.name(child) or _("the petitioner")]
    return issue_act(
        session, child, DocumentKind.SSPD_LETTER, issuer=issuer, at=at, addressee=addressee, fields=fields, facts=facts, copies_to=copies,
    )  # fmt: skip
