"""Acts: every kind has its text, its own numbers and its fields; what is missing is named, and what was issued stays."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import documents
from app.documents import ACTS, acts, base
from app.domain.errors import DomainError
from app.domain.states import DocumentKind, Identity, Visibility
from app.models import Document, LegalRest, NumberSeries, Parameter
from app.operations.seeds import load_seeds, read_seed

FILED = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
AT = datetime(2026, 7, 24, 15, 0, tzinfo=UTC)
#: A PNG of one transparent point.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
KINDS = list(ACTS)


def text_of(pdf: bytes) -> str:
    words = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(words.replace("\u200b", "").replace("-\n", "").split())


def fields_for(kind: DocumentKind) -> dict[str, str | None]:
    return {name: f"«{name}»" for name in ACTS[kind].fields}


@pytest.fixture
def issue(seeded: Session, a_case: Callable[..., Any], a_user: Callable[..., Any]) -> Callable[..., Document]:
    """issue(kind, case=None, **more) → an act of a case, all its fields filled."""
    issuer = a_user("Subgerente administrativo y comercial", first_name="Ana", last_name="Ñáñez")

    def build(kind: DocumentKind, case: Any = None, **more: Any) -> Document:
        more = {"fields": fields_for(kind), "issuer": issuer, "at": AT} | more
        return documents.issue_act(seeded, case or a_case(at=FILED), kind, **more)

    return build


def test_prefixes_are_short_and_each_belongs_to_one_kind() -> None:
    prefixes = [act.prefix for act in ACTS.values()]

    assert len(set(prefixes)) == len(prefixes)
    assert all(re.fullmatch("[A-Z]{2,4}", prefix) for prefix in prefixes)
    assert not {"PQR", "RES", "REC"} & set(prefixes)
    assert set(DocumentKind) - set(ACTS) == {
        DocumentKind.RECEIPT, DocumentKind.ANSWER, DocumentKind.SSPD_FILE, DocumentKind.QUOTATION, DocumentKind.CHECKLIST,
        DocumentKind.SURVEY_REPORT,
        DocumentKind.MANAGEMENT_REVIEW,
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_ships_with_a_text_that_names_only_its_fields(kind: DocumentKind) -> None:
    text = {row["key"]: row["value"] for row in read_seed("parameter")}[acts.text_key(kind)]
    named = set(re.findall(r"\{(\w+)\}", text)) - {"items"}

    assert named <= {*acts.COMMON_FIELDS, *ACTS[kind].fields}
    assert named >= set(ACTS[kind].fields), "a field that no text prints"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_act_of_every_kind_is_numbered_set_and_stored(issue: Callable[..., Document], kind: DocumentKind) -> None:
    document = issue(kind, items=["Copia de la factura"])

    said = text_of(documents.document_bytes(document))
    assert document.kind is kind
    assert document.number == f"{ACTS[kind].prefix}-2026-000001"
    assert document.template == "act@2"
    for expected in (
        ACTS[kind].title, document.number, "24 de julio de 2026", "Copia de la factura", "Ana Ñáñez",
        f"http://localhost/verificar/{document.number}/{document.data['sha256'][:8]}", "Página 1 de 1",
    ):  # fmt: skip
        assert expected in said, expected
    assert "{" not in said
    assert documents.fingerprint(document.data) == document.data["sha256"]


def test_an_aviso_says_what_the_law_wants(issue: Callable[..., Document]) -> None:
    """CPACA art. 69: date and act, authority, recursos, before whom and terms, when it is deemed served; with a full copy."""
    fields = fields_for(DocumentKind.AVISO) | {
        "document_number": "RES-2026-000007", "document_day": "3 de agosto de 2026", "authority": "la Subgerencia Comercial",
        "recursos": "reposición ante quien la firma, en cinco (5) días hábiles.", "delivery": "Calle 1 # 2-3",
        "posted_on": None, "unposted_on": None, "posted_where": None,
    }  # fmt: skip

    said = text_of(documents.document_bytes(issue(DocumentKind.AVISO, fields=fields)))

    for expected in ("RES-2026-000007 del 3 de agosto de 2026", "la Subgerencia Comercial", "reposición ante quien la firma",
                     "al finalizar el día siguiente al de la entrega de este aviso en Calle 1 # 2-3", "copia íntegra"):  # fmt: skip
        assert expected in said
    assert "se fija" not in said, "the paragraph of a published aviso has no place in one that is delivered"


def test_the_series_of_each_kind_has_no_gaps_and_starts_again_each_year(seeded: Session, issue: Callable[..., Document]) -> None:
    numbers = [issue(DocumentKind.SUMMONS).number, issue(DocumentKind.AVISO).number, issue(DocumentKind.SUMMONS).number]
    numbers.append(issue(DocumentKind.SUMMONS, on=date(2027, 1, 4)).number)

    assert numbers == ["CIT-2026-000001", "AVI-2026-000001", "CIT-2026-000002", "CIT-2027-000001"]


def take_out(session: Session, key: str) -> None:
    """Delete a parameter, and what the legal matrix says of it."""
    session.execute(delete(LegalRest).where(LegalRest.parameter_key == key))
    session.delete(session.get_one(Parameter, key))


def test_an_act_without_its_text_is_refused_with_the_key(seeded: Session, issue: Callable[..., Document]) -> None:
    take_out(seeded, "text.act.summons")
    seeded.flush()

    with pytest.raises(DomainError, match=r"text\.act\.summons"):
        issue(DocumentKind.SUMMONS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("Hola {nobody}.", "{nobody}"), ("Hola {subject!r}.", "{subject}"), ("Hola {subject:>20}.", "{subject}"),
     ("Hola {subject.__class__}.", "subject.__class__"), ("Una llave { suelta.", "brace without its pair")],
)  # fmt: skip
def test_a_text_that_cannot_be_filled_is_refused(seeded: Session, issue: Callable[..., Document], text: str, complaint: str) -> None:
    seeded.get_one(Parameter, "text.act.summons").value = text
    seeded.flush()

    with pytest.raises(DomainError, match=re.escape(complaint)):
        issue(DocumentKind.SUMMONS)


def test_a_field_that_was_forgotten_is_refused_and_one_left_out_takes_its_paragraph_along(issue: Callable[..., Document]) -> None:
    fields = fields_for(DocumentKind.EXTENSION)

    with pytest.raises(DomainError, match=re.escape("{norm}")):
        issue(DocumentKind.EXTENSION, fields={name: value for name, value in fields.items() if name != "norm"})
    said = text_of(documents.document_bytes(issue(DocumentKind.EXTENSION, fields=fields | {"norm": None})))

    assert "Fundamento" not in said
    assert "«reason»" in said


def test_what_people_wrote_is_never_a_field(issue: Callable[..., Document]) -> None:
    fields = fields_for(DocumentKind.EXTENSION) | {"reason": "Falta el {due} y el *acta* #emph[x]."}

    assert "Falta el {due} y el *acta* #emph[x]." in text_of(documents.document_bytes(issue(DocumentKind.EXTENSION, fields=fields)))


def test_a_reserved_identity_is_on_no_act(issue: Callable[..., Document], a_case: Callable[..., Any], an_account: Any) -> None:
    case = a_case(at=FILED, identity=Identity.RESERVED, account=an_account(number="C-990"))

    for kind in (DocumentKind.COMPLETION_REQUEST, DocumentKind.SUMMONS, DocumentKind.RECOGNITION):
        said = text_of(documents.document_bytes(issue(kind, case)))
        assert case.party.name not in said
        assert "C-990" not in said
        assert "Persona con identidad reservada" in said


def test_an_act_may_go_to_somebody_else_with_a_copy(issue: Callable[..., Document], a_case: Callable[..., Any]) -> None:
    case = a_case(at=FILED)

    to = ["Alcaldía de Cali", "Avenida 2 Norte # 10-70"]
    document = issue(DocumentKind.TRANSFER, case, addressee=to, copies_to=["Luz Mesa, Calle 5"])

    said = text_of(documents.document_bytes(document))
    assert "Señores Alcaldía de Cali Avenida 2 Norte # 10-70" in said
    assert "Con copia a: Luz Mesa, Calle 5" in said


def test_tables_photos_and_signatures_are_printed_and_hashed(issue: Callable[..., Document]) -> None:
    table = documents.Table("Cuotas", ("Cuota", "Valor"), [("1", "$ 10.000"), ("2", "$ 10.001")], totals=("Total", "$ 20.001"), right=(1,))
    more = {"tables": [table], "photos": [acts.Photo("Medidor", PNG)], "signers": [documents.Signer("Técnico", "Juan Páez", PNG)]}

    document = issue(DocumentKind.WORK_ORDER, facts=[("Medidor", "M-778"), ("Lectura", None)], **more)

    said = text_of(documents.document_bytes(document))
    for expected in ("Cuotas", "Total $ 20.001", "Medidor M-778", "Juan Páez Técnico"):
        assert expected in said
    assert "Lectura" not in said
    assert document.data["signers"][0]["picture_sha256"] == hashlib.sha256(PNG).hexdigest()
    assert "picture" not in document.data["signers"][0]
    assert documents.fingerprint(document.data) == document.data["sha256"]
    with pytest.raises(ValueError, match="cells"):
        issue(DocumentKind.WORK_ORDER, tables=[documents.Table("Cuotas", ("Cuota", "Valor"), [("1",)])])


def test_an_act_without_a_case_belongs_to_the_organisation(seeded: Session, a_user: Callable[..., Any]) -> None:
    document = documents.issue_act(
        seeded, None, DocumentKind.WORK_ORDER, issuer=a_user("Subgerente administrativo y comercial"), at=AT,
        fields={"instructions": "Revisar la acometida."}, addressee=[], visibility=Visibility.STAFF,
    )  # fmt: skip

    said = text_of(documents.document_bytes(document))
    assert document.pqr is None
    assert document.file.visibility is Visibility.STAFF
    assert "Revisar la acometida." in said
    assert "Solicitud" not in said


def test_a_number_that_the_act_has_already_is_kept(seeded: Session, issue: Callable[..., Document]) -> None:
    assert issue(DocumentKind.WORK_ORDER, number="OT-2026-000077").number == "OT-2026-000077"
    assert seeded.scalar(select(NumberSeries).where(NumberSeries.prefix == "OT")) is None


def test_new_texts_reach_an_installation_and_edited_ones_stay(seeded: Session) -> None:
    seeded.get_one(Parameter, "text.act.aviso").value = "Nuestro aviso."
    take_out(seeded, "text.act.summons")
    seeded.flush()

    load_seeds(seeded, AT)

    assert seeded.get_one(Parameter, "text.act.aviso").value == "Nuestro aviso."
    assert "Horario de atención" in seeded.get_one(Parameter, "text.act.summons").value


def test_the_printed_address_changes_with_the_content() -> None:
    data = {"organisation": {"name": "Aguas"}, "document_number": "CIT-2026-000001", "body": [["Venga."]]}

    assert base.fingerprint(data) != base.fingerprint(data | {"body": [["No venga."]]})
    assert base.fingerprint(data) == base.fingerprint(data | {"verify_url": "http://x", "qr": [1]})
