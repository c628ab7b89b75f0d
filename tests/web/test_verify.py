"""Anybody may ask whether a document is ours: by what is printed on it, or by its bytes; and learns nothing else."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from app import documents
from app.domain.states import DocumentKind
from app.models import Organisation

AT = datetime(2026, 7, 24, 15, 0, tzinfo=UTC)


@pytest.fixture
def issued(seeded: Any, a_case: Any, a_user: Any) -> Any:
    """A summons of a case whose petitioner is called like nobody else."""
    fields = {"document_number": "RES-1", "document_day": "24 de julio de 2026", "appear_by": "31 de julio de 2026", "hours": "8 a 12"}
    case = a_case(at=datetime(2026, 7, 10, 15, tzinfo=UTC), subject="Un asunto reservado")
    case.party.name = "Persona Quenadiedebeconocer"
    document = documents.issue_act(
        seeded, case, DocumentKind.SUMMONS, issuer=a_user("Auxiliar PQR", last_name="Secreta"), at=AT, fields=fields
    )
    seeded.commit()
    return document


def words(response: Any) -> str:
    main = response.text[response.text.index("<main") : response.text.index("</main>")]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_the_address_on_a_document_says_what_it_is_and_nothing_of_anybody(client: Any, seeded: Any, issued: Any) -> None:
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(documents.document_bytes(issued))).pages)
    address = re.search(r"http://localhost(/verificar/\S+)", printed)[1]

    page = client.get(address)

    assert page.status_code == 200
    said = words(page)
    kept = re.search(r'<input[^>]*name="fingerprint"[^>]*>', page.text)[0]
    assert f'value="{issued.data["sha256"][:8]}"' in kept
    for expected in (issued.number, issued.data["sha256"], seeded.query(Organisation).one().name, "24"):
        assert expected in said
    for secret in ("Quenadiedebeconocer", "Un asunto reservado", issued.pqr.number, "Secreta"):
        assert secret not in page.text
    assert "<script" not in page.text
    assert len(page.data) < 60_000


@pytest.mark.parametrize(
    "change",
    [
        lambda number, sha256: (number, "0" * 8),
        lambda number, sha256: (number, sha256[:7]),
        lambda number, sha256: (number, "%%%%%%%%"),
        lambda number, sha256: ("CIT-2026-000099", sha256[:8]),
        lambda number, sha256: (number, sha256[:8] + "zz"),
    ],
    ids=["other-hash", "short-hash", "wildcards", "other-number", "longer-hash"],
)
def test_a_number_alone_opens_nothing(client: Any, issued: Any, change: Any) -> None:
    number, prefix = change(issued.number, issued.data["sha256"])

    page = client.get(f"/verificar/{number}/{prefix.replace('%', '%25')}")

    assert page.status_code == 404
    assert issued.data["sha256"] not in page.text


def test_what_is_typed_from_the_paper_leads_there_whatever_its_capitals(client: Any, issued: Any) -> None:
    typed = {"number": issued.number.lower(), "fingerprint": issued.data["sha256"][:8].upper()}

    answer = client.get("/verificar", query_string=typed)
    page = client.get(answer.headers["Location"])

    assert answer.status_code == 302
    assert issued.data["sha256"] in page.text


@pytest.mark.parametrize(("number", "prefix"), [("", ""), ("RES-1", "12"), ("RES-1", "zzzzzzzz")])
def test_what_cannot_be_is_refused_beside_its_field_and_kept(client: Any, seeded: Any, number: str, prefix: str) -> None:
    page = client.get("/verificar", query_string={"number": number, "fingerprint": prefix})

    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert f'value="{number}"' in page.text


def test_the_file_itself_is_known_and_one_changed_byte_is_not(client: Any, issued: Any) -> None:
    content = documents.document_bytes(issued)

    same = client.post("/verificar", data={"file": (io.BytesIO(content), "carta.pdf")})
    other = client.post("/verificar", data={"file": (io.BytesIO(content[:-1] + b"x"), "carta.pdf")})
    nothing = client.post("/verificar", data={})

    assert (same.status_code, other.status_code, nothing.status_code) == (200, 404, 422)
    assert issued.number in words(same)
    assert issued.number not in words(other)
    assert "Quenadiedebeconocer" not in same.text


def test_a_receipt_is_known_by_its_file(client: Any, seeded: Any, a_case: Any) -> None:
    receipt = documents.receipt_of(seeded, a_case(), AT)
    seeded.commit()

    page = client.post("/verificar", data={"file": (io.BytesIO(documents.document_bytes(receipt)), "x.pdf")})

    assert receipt.number in words(page)
    assert receipt.pqr.access_key not in page.text


def test_guesses_from_one_address_are_limited(limited_app: Any) -> None:
    limited_app.config.update(PORTAL_LOOKUP_RATE="3 per 15 minute")
    client = limited_app.test_client()

    answers = [client.get(f"/verificar/RES-2026-00000{n}/00000000").status_code for n in range(5)]

    assert answers == [404, 404, 404, 429, 429]
