"""Drafting and approving: points beside the text, hints, the letter before it leaves, one's own signature, and who stands in."""

from __future__ import annotations

import io
import re
import struct
import zlib
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app import documents
from app.domain.states import Outcome, PqrStatus
from app.models import AnswerPoint, Document, Leave, Process, Signature
from app.operations import answers, pqr
from app.operations.notices import record_notice

FILED = datetime(2026, 7, 9, 15, 0, tzinfo=UTC)
ASKED = "1. Que revisen el medidor.\n2. Que corrijan la factura."
MANAGER, OWNER = "Subgerente administrativo y comercial", "Dueño de proceso"


def png(width: int, height: int) -> bytes:
    """Return a white picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + b"\xff" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def text_of(pdf: bytes) -> str:
    words = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(words.replace("\u200b", "").replace("-\n", "").split())


@pytest.fixture
def manager(sign_in: Any) -> Any:
    return sign_in(MANAGER)


@pytest.fixture
def owner(sign_in: Any) -> Any:
    return sign_in(OWNER, "FAC")


@pytest.fixture
def solved(seeded: Any, a_case: Any, make: Any) -> Any:
    """A case of billing that asks two things, with its solution recorded and a hard draft."""
    case = a_case(at=FILED, body=ASKED)
    pqr.route(seeded, case, make.process("FAC"), "Es de su área", at=FILED, actor_id=None)
    pqr.solve(seeded, case, "Se corrigió.", Outcome.GRANTED, at=FILED, actor_id=None)
    answers.save_draft(seeded, case, "De conformidad con lo visto, se accede. " * 4, None)
    seeded.commit()
    return case


def rows_of(page: Any) -> dict[str, str]:
    """Return the fields of the points that the page shows, as a browser would send them back."""
    fields = dict(re.findall(r'name="(points-\d+-(?:id|position))"[^>]*value="([^"]*)"', page.text))
    areas = re.findall(r'<textarea[^>]*name="(points-\d+-(?:asked|reply))"[^>]*>\s*([^<]*)</textarea>', page.text)
    return fields | {name: text.strip() for name, text in areas}


def points(seeded: Any, case: Any) -> list[tuple[str, str, bool]]:
    seeded.expire_all()
    found = seeded.scalars(select(AnswerPoint).where(AnswerPoint.pqr_id == case.id).order_by(AnswerPoint.position))
    return [(row.asked, row.reply, row.is_covered) for row in found]


# ── Points ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_points_are_proposed_beside_the_text_and_stored_as_they_were_left(seeded: Any, owner: Any, solved: Any) -> None:
    address = f"/pqr/{solved.number}/draft"
    proposed = rows_of(owner.get(address))
    assert [proposed["points-0-asked"], proposed["points-1-asked"]] == ["Que revisen el medidor.", "Que corrijan la factura."]
    assert points(seeded, solved) == []

    said = proposed | {"points-0-is_covered": "y", "points-0-position": "2"}
    said |= {"points-1-reply": "Se corrige en agosto.", "points-1-position": "1"}
    answer = owner.post(address, data={"body": "Se accede.", "do": "save", **said})

    assert answer.status_code == 302
    assert points(seeded, solved) == [
        ("Que corrijan la factura.", "Se corrige en agosto.", True), ("Que revisen el medidor.", "", True),
    ]  # fmt: skip


def test_a_point_is_added_without_script_and_nothing_typed_is_lost(seeded: Any, owner: Any, solved: Any) -> None:
    address = f"/pqr/{solved.number}/draft"
    typed = rows_of(owner.get(address)) | {"points-1-reply": "Se corrige en agosto."}

    page = owner.post(address, data={"body": "Texto a medias", "do": "add", **typed})

    assert page.status_code == 200
    shown = rows_of(page)
    assert shown["points-2-asked"] == ""
    assert shown["points-1-reply"] == "Se corrige en agosto."
    assert "Texto a medias" in page.text
    assert re.search(r'name="points-2-asked"[^>]*autofocus|autofocus[^>]*name="points-2-asked"', page.text)
    assert points(seeded, solved) == []


def test_a_removed_point_goes_and_a_refused_one_keeps_the_page(seeded: Any, owner: Any, solved: Any) -> None:
    address = f"/pqr/{solved.number}/draft"
    typed = rows_of(owner.get(address))

    refused = owner.post(address, data={"body": "Se accede.", "do": "save", **typed, "points-0-asked": "x" * 601})
    nothing = owner.post(address, data={"body": "Se accede.", "do": "save", "points-0-asked": " ", "points-1-asked": ""})
    assert (refused.status_code, nothing.status_code) == (422, 422)
    assert "x" * 601 in refused.text
    assert "at least one point" in nothing.text
    assert points(seeded, solved) == []

    owner.post(address, data={"body": "Se accede.", "do": "save", **typed, "points-1-is_removed": "y"})
    assert [asked for asked, _reply, _covered in points(seeded, solved)] == ["Que revisen el medidor."]


def test_an_open_point_stops_the_approval_and_is_named(seeded: Any, owner: Any, manager: Any, solved: Any) -> None:
    draft, issue = f"/pqr/{solved.number}/draft", f"/pqr/{solved.number}/move/issue_answer"
    typed = rows_of(owner.get(draft)) | {"points-0-is_covered": "y"}
    owner.post(draft, data={"body": "Se accede.", "do": "save", **typed})

    page = manager.get(issue)
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', page.text)[1]
    refused = manager.post(issue, data={"seen": seen})

    assert "1 point open" in page.text
    assert refused.status_code == 422
    assert "Que corrijan la factura." in refused.text
    assert "does not say anything about this point" in refused.text
    seeded.expire_all()
    assert solved.status is PqrStatus.SOLVED


def test_a_reply_that_changed_after_it_was_read_is_read_again(seeded: Any, owner: Any, manager: Any, solved: Any) -> None:
    """What is printed is what was read: the replies are part of the letter, so they are part of what was read."""
    draft, issue = f"/pqr/{solved.number}/draft", f"/pqr/{solved.number}/move/issue_answer"
    typed = rows_of(owner.get(draft)) | {"points-0-is_covered": "y", "points-1-reply": "Se corrige en agosto."}
    owner.post(draft, data={"body": "Se accede.", "do": "save", **typed})
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', manager.get(issue).text)[1]

    owner.post(draft, data={"body": "Se accede.", "do": "save", **typed, "points-1-reply": "No se corrige."})

    assert manager.post(issue, data={"seen": seen}).status_code == 422


def test_the_replies_are_read_on_the_case_and_by_the_citizen_too(seeded: Any, owner: Any, manager: Any, solved: Any) -> None:
    draft = f"/pqr/{solved.number}/draft"
    typed = rows_of(owner.get(draft)) | {"points-0-is_covered": "y", "points-1-reply": "Se corrige\n\nen agosto."}
    owner.post(draft, data={"body": "Se accede.", "do": "save", **typed})
    assert "Que revisen el medidor." in owner.get(f"/pqr/{solved.number}").text
    documents.issue_answer(seeded, seeded.merge(solved), seeded.merge(manager.user), FILED)
    record_notice(seeded, solved, served_on=FILED.date(), proof="Recibió, CC 52", at=FILED, actor_id=None)
    seeded.commit()

    citizen = owner.application.test_client()
    followed = citizen.post("/pqr/consulta", data={"number": solved.number, "key": solved.access_key})
    for page in (owner.get(f"/pqr/{solved.number}"), followed):
        assert "Se corrige\n\nen agosto." in page.text


# ── Hints, and the letter before it leaves ────────────────────────────────────────────────────────────────────────────────


def test_hard_words_and_the_recursos_show_beside_the_draft_and_block_nothing(owner: Any, solved: Any) -> None:
    page = owner.get(f"/pqr/{solved.number}/draft")

    assert "«de conformidad con» × 4 → según" in re.sub(r"\s+", " ", page.text)
    assert "cinco (5) días hábiles" in page.text
    saved = owner.post(f"/pqr/{solved.number}/draft", data={"body": "De conformidad con lo visto, sí.", "do": "look", **rows_of(page)})
    assert saved.headers["Location"].endswith("/draft")


def test_the_letter_is_seen_as_a_draft_and_kept_nowhere(seeded: Any, owner: Any, sign_in: Any, solved: Any) -> None:
    address = f"/pqr/{solved.number}/preview"

    letter = owner.get(address)

    assert letter.mimetype == "application/pdf"
    assert letter.headers["Content-Disposition"].startswith("inline")
    assert "BORRADOR" in text_of(letter.data)
    assert seeded.scalars(select(Document).where(Document.pqr_id == solved.id)).all() == []
    assert sign_in(OWNER, "TEC").get(address).status_code == 404
    assert sign_in("Calidad").get(address).status_code == 403


def test_what_waits_for_a_signature_shows_its_light_its_draft_and_its_open_points(owner: Any, manager: Any, solved: Any) -> None:
    draft = f"/pqr/{solved.number}/draft"
    owner.post(draft, data={"body": "Se accede a todo.", "do": "save", **rows_of(owner.get(draft))})

    page = manager.get("/approvals/")

    for expected in (solved.number, "Se accede a todo.", "2 points open", "working day", f"/pqr/{solved.number}/move/issue_answer",
                     f"/pqr/{solved.number}/move/return_solution"):  # fmt: skip
        assert expected in page.text
    assert owner.get("/approvals/").status_code in (302, 403)


# ── One's own signature ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signature_is_kept_and_printed_in_what_its_owner_issues(seeded: Any, manager: Any, solved: Any) -> None:
    picture = png(300, 100)
    saved = manager.post("/signature/", data={"title": "Subgerente comercial", "image": (io.BytesIO(picture), "firma.png")})
    assert saved.status_code == 302
    assert manager.get("/signature/specimen").mimetype == "application/pdf"

    seeded.expire_all()
    document = documents.issue_answer(seeded, solved, seeded.merge(manager.user), FILED)
    manager.post("/signature/remove")

    said = document.data["signatory"]
    assert said["title"] == "Subgerente comercial"
    assert said["name"] == manager.user.get_full_name()
    assert len(said["picture_sha256"]) == 64
    assert "Subgerente comercial" in text_of(documents.document_bytes(document)), "what is stored stays as it was signed"
    assert seeded.scalars(select(Signature)).all() == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"GIF89a" + b"\0" * 40, "PNG or JPEG"),
        (b"%PDF-1.7 no picture", "PNG or JPEG"),
        (png(10, 10) + b"\0" * 300 * 1024, "larger than 300 KB"),
        (png(5000, 1), "5000 by 1"),
        (png(300, 100)[:60], "damaged"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 60, "PNG or JPEG"),
    ],
    ids=["gif", "pdf", "big", "wide", "broken", "no-jpeg"],
)
def test_what_is_no_signature_is_refused_and_what_was_typed_stays(seeded: Any, manager: Any, content: bytes, complaint: str) -> None:
    page = manager.post("/signature/", data={"title": "Mi cargo", "image": (io.BytesIO(content), "firma.png")})

    assert page.status_code == 422
    assert complaint in page.text
    assert 'value="Mi cargo"' in page.text
    assert seeded.scalars(select(Signature)).all() == []


def test_a_signature_needs_its_picture_once_and_its_post_always(manager: Any) -> None:
    assert manager.post("/signature/", data={"title": "Mi cargo"}).status_code == 422
    assert manager.post("/signature/", data={"title": "Mi cargo", "image": (io.BytesIO(png(30, 10)), "f.png")}).status_code == 302
    assert manager.post("/signature/", data={"title": "Otro cargo"}).status_code == 302
    assert manager.post("/signature/", data={"title": ""}).status_code == 422
    assert "Otro cargo" in manager.get("/signature/").text


# ── Who stands in ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_stands_in_sees_and_handles_what_is_theirs_on_those_days_only(
    seeded: Any, app: Any, at: Any, owner: Any, sign_in: Any, a_case: Any
) -> None:
    other = sign_in(OWNER, "TEC")
    case = a_case(at=FILED)
    billing = seeded.scalars(select(Process).where(Process.code == "FAC")).one()
    pqr.route(seeded, case, billing, "Es de su área", at=FILED, actor_id=None, user=seeded.merge(owner.user))
    seeded.add(Leave(user_id=owner.user_id, substitute_id=other.user_id, starts_on=date(2026, 7, 14), ends_on=date(2026, 7, 15)))
    seeded.commit()
    page, listed = f"/pqr/{case.number}", "/pqr/?waiting=me"

    assert other.get(page).status_code == 404  # 2026-07-10: the leave has not begun
    at("2026-07-14T08:00-05:00")
    assert case.number in other.get(listed).text
    assert other.get(page).status_code == 200
    assert f"You stand in for {owner.user.get_full_name()}" in other.get("/").text
    assert other.post(f"{page}/note", data={"body": "Yo la atiendo"}).status_code == 302
    at("2026-07-16T08:00-05:00")
    assert other.get(page).status_code == 404
    assert other.post(f"{page}/note", data={"body": "Tarde"}).status_code == 404
    seeded.expire_all()
    assert [(note.body, note.author_id) for note in case.notes] == [("Yo la atiendo", other.user_id)]


def test_leaves_are_checked(seeded: Any, manager: Any, a_user: Any) -> None:
    away, first, second = a_user(OWNER), a_user(OWNER), a_user(OWNER)
    gone = a_user(OWNER, active=False)
    seeded.commit()

    def add(user: Any, substitute: Any, starts_on: str, ends_on: str) -> Any:
        typed = {"user": user.username, "substitute": substitute.username, "starts_on": starts_on, "ends_on": ends_on}
        return manager.post("/leave/add", data=typed)

    assert add(away, first, "2026-07-20", "2026-07-31").status_code == 302
    for refused, says in (
        (add(away, second, "2026-07-31", "2026-08-03"), "stands in already"),
        (add(second, second, "2026-07-20", "2026-07-31"), "Somebody else"),
        (add(second, gone, "2026-07-20", "2026-07-31"), "active"),
        (add(second, first, "2026-07-31", "2026-07-20"), "before"),
    ):
        assert refused.status_code == 422
        assert says in refused.text
    assert [(row.user_id, row.substitute_id) for row in seeded.scalars(select(Leave))] == [(away.id, first.id)]
