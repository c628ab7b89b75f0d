"""The steps of a notice on the staff's pages: what the case says of them, the forms, and what they refuse."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from datetime import date
from io import BytesIO

import pytest
from sqlalchemy import select

from app.domain.states import DocumentKind, Identity, NoticeMeans, NoticeResult, PqrStatus
from app.models import Notice, Pqr
from app.operations import notices
from app.security import AUXILIAR, DUENO
from tests.db.test_notices import act, answered, boss, clerk, d, instant  # noqa: F401  a case answered on a day, and what staff does to it

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def png() -> bytes:
    """Return a picture of one pixel."""

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(b"\0\0")) + part(b"IEND", b"")


def drawn(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


@pytest.fixture
def desk(sign_in):
    return sign_in(AUXILIAR)


@pytest.fixture
def pqr(seeded, answered):  # noqa: F811
    """A case filed and answered on 10 July 2026, the day of the tests."""
    case = answered()
    seeded.commit()
    return case


def move(client, pqr, name, **said):
    return client.post(f"/pqr/{pqr.number}/move/{name}", data=said, content_type="multipart/form-data")


def card(page) -> str:
    """Return the words of the card of the notice."""
    found = re.search(r'aria-labelledby="notices">(.*?)</section>', page.text, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def only(session, model=Notice):
    session.expire_all()
    return session.scalars(select(model)).one()


def test_the_card_says_what_comes_next_and_by_when(seeded, pqr, desk, at):
    page = desk.get(f"/pqr/{pqr.number}")
    assert "not notified yet" in card(page)
    assert "Send the summons" in card(page)
    assert 'datetime="2026-07-21"' in page.text  # five working days: 13 and 20 July are holidays
    assert f'/pqr/{pqr.number}/move/summon"' in page.text

    at("2026-07-22T09:00-05:00")
    assert "late" in card(desk.get(f"/pqr/{pqr.number}"))


def test_from_the_summons_to_the_served_aviso_by_hand(seeded, pqr, desk, at):
    at("2026-07-14T09:00-05:00")
    page = desk.get(f"/pqr/{pqr.number}/move/summon")
    assert "Calle 5 # 4-3" in page.text and 'value="2026-07-14"' in page.text
    assert move(desk, pqr, "summon", on="2026-07-14", address="Calle 5 # 4-3", courier="4-72", guide="RA1").status_code == 302
    said = card(desk.get(f"/pqr/{pqr.number}"))
    assert "CIT-2026-000001 (PDF)" in said and "RA1" in said

    at("2026-07-22T09:00-05:00")
    early = move(desk, pqr, "send_aviso", on="2026-07-22", address="Calle 5 # 4-3")
    assert (early.status_code, "may still come" in early.text, 'value="Calle 5 # 4-3"' in early.text) == (422, True, True)

    at("2026-07-23T09:00-05:00")
    assert move(desk, pqr, "send_aviso", on="2026-07-23", address="Calle 5 # 4-3").status_code == 302
    aviso = seeded.scalars(select(Notice).where(Notice.means == NoticeMeans.AVISO)).one()

    at("2026-07-24T15:00-05:00")
    delivered = {"attempt": aviso.id, "result": "DELIVERED", "on": "2026-07-24", "proof": ""}
    assert "without proof" in move(desk, pqr, "record_delivery", **delivered).text
    proof = (BytesIO(PDF), "guia.pdf")
    assert move(desk, pqr, "record_delivery", **delivered | {"proof_file": proof}).status_code == 302
    page = desk.get(f"/pqr/{pqr.number}")
    assert "served on" in card(page) and "not notified yet" in card(page)
    assert notices.serve_due(seeded, instant("2026-07-27", 1)) == 1
    seeded.commit()
    at("2026-07-27T09:00-05:00")
    assert "notified on" in card(desk.get(f"/pqr/{pqr.number}"))


def test_what_came_back_offers_the_next_way(seeded, pqr, desk, at):
    at("2026-07-14T09:00-05:00")
    move(desk, pqr, "summon", on="2026-07-14", address="Calle 5 # 4-3")
    summons = only(seeded)
    returned = {"attempt": summons.id, "result": "RETURNED", "on": "2026-07-14"}

    assert "why it came back" in move(desk, pqr, "record_delivery", **returned).text
    assert move(desk, pqr, "record_delivery", reason="Dirección errada", **returned).status_code == 302
    page = desk.get(f"/pqr/{pqr.number}")
    assert "Send the summons to another address" in card(page) and "Dirección errada" in card(page)
    assert "/move/post_aviso" in page.text


def test_the_citizen_who_comes_signs_on_the_screen_or_on_paper(seeded, pqr, desk):
    came = {"way": "IN_PERSON", "on": "2026-07-10", "appeared": "Luz Soto", "identification": "CC 52"}
    page = desk.get(f"/pqr/{pqr.number}/move/notify")
    assert "data-pad" in page.text and "fieldwork.js" in page.text

    unsigned = move(desk, pqr, "notify", **came)
    assert (unsigned.status_code, "Attach the record" in unsigned.text, 'value="Luz Soto"' in unsigned.text) == (422, True, True)
    nobody = move(desk, pqr, "notify", **came | {"appeared": "", "signature": drawn(png())})
    assert (nobody.status_code, "Write who came" in nobody.text) == (422, True)
    for broken in (drawn(png()[:-20]), drawn(b"GIF89a"), "data:image/png;base64,%%%", drawn(png() + b"x" * 300_000)):
        assert "could not be read" in move(desk, pqr, "notify", **came, signature=broken).text

    assert move(desk, pqr, "notify", **came, signature=drawn(png())).status_code == 302
    notice = only(seeded)
    assert (notice.means, notice.result, notice.served_on) == (NoticeMeans.IN_PERSON, NoticeResult.APPEARED, d("2026-07-10"))
    assert notice.paper.kind is DocumentKind.PERSONAL_NOTICE
    assert "Luz Soto · CC 52" in notice.proof
    assert only(seeded, Pqr).notified_on == date(2026, 7, 10)


def test_a_signed_paper_is_proof_too(seeded, pqr, desk):
    came = {"way": "IN_PERSON", "on": "2026-07-10", "appeared": "Luz Soto", "identification": "CC 52"}
    assert move(desk, pqr, "notify", **came, proof_file=(BytesIO(PDF), "acta.pdf")).status_code == 302
    assert only(seeded).proof_file.name == "acta.pdf"


def test_conduct_needs_what_shows_it(seeded, pqr, desk):
    knows = {"way": "CONDUCT", "on": "2026-07-10"}

    assert "without proof" in move(desk, pqr, "notify", **knows).text
    assert move(desk, pqr, "notify", **knows, proof="Recurso radicado hoy, que cita la respuesta").status_code == 302
    assert only(seeded).means is NoticeMeans.CONDUCT


def test_steps_that_do_not_fit_have_no_button_and_are_refused(seeded, pqr, desk):
    page = desk.get(f"/pqr/{pqr.number}")
    names = ("summon", "send_aviso", "post_aviso", "unpost_aviso", "record_delivery", "notify")
    assert {name for name in names if f"/move/{name}" in page.text} == {"summon", "notify"}

    for name, said in {
        "send_aviso": {"on": "2026-07-10", "address": "Calle 5"}, "post_aviso": {"on": "2026-07-10", "posted_where": "Cartelera"},
        "unpost_aviso": {"on": "2026-07-10"}, "record_delivery": {"result": "DELIVERED"},
    }.items():  # fmt: skip
        assert move(desk, pqr, name, **said).status_code == 422, name
    assert seeded.scalars(select(Notice)).all() == []


def test_whoever_may_not_know_a_reserved_identity_sees_no_address_nor_letter(seeded, answered, act, sign_in):  # noqa: F811
    pqr = answered(identity=Identity.RESERVED)
    act.summon(pqr, "2026-07-14", address="Carrera Oculta 9")
    seeded.commit()
    code = next(line.process.code for line in pqr.assignments if not line.process.is_front_desk)
    owner = sign_in(DUENO, code)
    page = owner.get(f"/pqr/{pqr.number}")

    assert page.status_code == 200
    assert "Carrera Oculta" not in page.text
    paper = only(seeded).paper
    assert owner.get(f"/pqr/{pqr.number}/files/{paper.file_id}").status_code == 404


def test_the_page_of_a_case_whose_terms_are_not_loaded_still_opens(seeded, pqr, desk):
    from app.models import LegalTerm

    for term in seeded.scalars(select(LegalTerm).where(LegalTerm.act == "APPEARANCE")):
        seeded.delete(term)
    seeded.commit()

    assert desk.get(f"/pqr/{pqr.number}").status_code == 200
    refused = move(desk, pqr, "summon", on="2026-07-10", address="Calle 5")
    assert (refused.status_code, "There is no term for regime" in refused.text) == (422, True)
    assert only(seeded, Pqr).status is PqrStatus.ANSWERED
