"""Receipts and letters: what they say, that they say it for ever, and that no text can be more than text."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typst
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import documents
from app.documents import typesetting
from app.domain.errors import DomainError, IllegalMove, MoveRefused
from app.domain.states import AnswerStatus, DocumentKind, Identity, Outcome, PqrStatus, Visibility
from app.models import NumberSeries, Parameter, Pqr
from app.operations import answers, pqr
from app.operations.files import open_file

FILED = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
ANSWERED = datetime(2026, 7, 24, 15, 0, tzinfo=UTC)


def text_of(pdf: bytes) -> str:
    """Return the words of *pdf*, each line break and invisible break a plain space or nothing."""
    words = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(words.replace("\u200b", "").split())


def lines_of(pdf: bytes) -> list[str]:
    return [line for page in PdfReader(io.BytesIO(pdf)).pages for line in page.extract_text().splitlines()]


@pytest.fixture
def solved(seeded: Session, make: Any, a_case: Callable[..., Any], a_user: Callable[..., Any]) -> Callable[..., Pqr]:
    """solved(**fields) → a case with its solution recorded and a draft, waiting for approval."""

    def build(**fields: Any) -> Pqr:
        case = a_case(at=FILED, **fields)
        pqr.route(seeded, case, make.process(), "Es de su área.", at=FILED, actor_id=None)
        pqr.solve(seeded, case, "Se corrigió la lectura.", Outcome.GRANTED, at=FILED, actor_id=None)
        answers.save_draft(seeded, case, "Respetada usuaria:\n\nSe corrigió la lectura.\n\nCordialmente,", a_user("Dueño de proceso").id)
        return case

    return build


@pytest.fixture
def manager(a_user: Callable[..., Any]) -> Any:
    return a_user("Subgerente administrativo y comercial", first_name="Ana", last_name="Ñáñez")


# ── The receipt ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_receipt_says_number_key_dates_and_who_received(seeded: Session, a_case: Callable[..., Any], an_account: Any) -> None:
    case = a_case(at=FILED, account=an_account(number="C-778", address="Carrera 9 # 8-7"))

    said = text_of(documents.document_bytes(documents.receipt_of(seeded, case, FILED)))

    for expected in (
        case.number, case.access_key, "10 de julio de 2026, 10:00", "4 de agosto de 2026", case.term.norm,
        case.subject, case.party.name, "C-778", case.organisation.name, case.request_type.name, case.channel.name,
        f"REC-{case.number}", f"http://localhost/pqr/consulta?n={case.number}", "Página 1 de 1",
    ):  # fmt: skip
        assert expected in said, expected
    assert "Carrera 9" not in said, "whoever types an account number on the public page would learn where it is"


def test_the_tax_number_is_written_with_its_check_digit(seeded: Session, a_case: Callable[..., Any]) -> None:
    case = a_case()
    case.organisation.nit = "8909039388"

    assert "NIT 890.903.938-8" in text_of(documents.document_bytes(documents.receipt_of(seeded, case, FILED)))


def test_a_receipt_is_issued_once_and_then_always_the_same(seeded: Session, a_case: Callable[..., Any]) -> None:
    case = a_case()
    first = documents.receipt_of(seeded, case, FILED)
    content = documents.document_bytes(first)
    case.subject = "Otro asunto, cambiado después"
    seeded.flush()

    again = documents.receipt_of(seeded, case, ANSWERED)

    assert again.id == first.id
    assert documents.document_bytes(again) == content
    assert len(case.files) == 1
    assert (first.kind, first.template, first.issued_at) == (DocumentKind.RECEIPT, "receipt@1", FILED)
    assert first.file.visibility is Visibility.CITIZEN


def test_the_key_is_on_the_receipt_and_in_no_other_table(seeded: Session, a_case: Callable[..., Any]) -> None:
    from app.models import ChangeLog

    case = a_case()
    document = documents.receipt_of(seeded, case, FILED)

    assert case.access_key not in str(document.data)
    assert not [row.id for row in seeded.scalars(select(ChangeLog)) if case.access_key in f"{row.before}{row.after}"]


@pytest.mark.parametrize("identity", [Identity.ANONYMOUS, Identity.RESERVED])
def test_a_receipt_does_not_print_a_name_that_was_not_to_be_told(
    seeded: Session, a_case: Callable[..., Any], an_account: Any, identity: Identity
) -> None:
    case = a_case(identity=identity, account=an_account(number="C-778", address="Carrera 9 # 8-7"))

    said = text_of(documents.document_bytes(documents.receipt_of(seeded, case, FILED)))

    assert "Carrera 9" not in said
    assert ("Persona anónima" if identity is Identity.ANONYMOUS else "Persona con identidad reservada") in said
    if case.party:
        assert case.party.name not in said
        assert "C-778" not in said


def test_without_a_public_address_the_receipt_says_where_to_look_and_draws_no_code(
    app: Flask, seeded: Session, a_case: Callable[..., Any]
) -> None:
    app.config["PUBLIC_URL"] = None

    said = text_of(documents.document_bytes(documents.receipt_of(seeded, a_case(), FILED)))

    assert "http" not in said
    assert "Consulte aquí" not in said
    assert "«Seguir mi solicitud»" in said


def test_within_a_request_the_host_of_the_request_is_the_public_address(app: Flask, seeded: Session, a_case: Callable[..., Any]) -> None:
    app.config["PUBLIC_URL"] = None
    case = a_case()

    with app.test_request_context(base_url="https://pqr.example.org"):
        document = documents.receipt_of(seeded, case, FILED)

    assert f"https://pqr.example.org/pqr/consulta?n={case.number}" in text_of(documents.document_bytes(document))


@pytest.mark.parametrize(
    "logo",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>',
        bytes.fromhex(
            "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
        ),
        b"this is no picture",
    ],
    ids=["svg", "png", "broken"],
)
def test_a_logo_is_printed_if_it_can_be_and_never_stops_a_receipt(seeded: Session, a_case: Callable[..., Any], logo: bytes) -> None:
    case = a_case()
    case.organisation.logo = logo

    assert case.number in text_of(documents.document_bytes(documents.receipt_of(seeded, case, FILED)))


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_issued_answer_is_a_numbered_letter_and_the_case_moves(seeded: Session, solved: Callable[..., Pqr], manager: Any) -> None:
    case = solved()

    document = documents.issue_answer(seeded, case, manager, ANSWERED)

    assert (document.kind, document.number, document.template) == (DocumentKind.ANSWER, "RES-2026-000001", "answer@2")
    assert (case.status, case.answered_on.isoformat()) == (PqrStatus.ANSWERED, "2026-07-24")
    answer = case.answer
    assert (answer.status, answer.number, answer.document_id) == (AnswerStatus.ISSUED, document.number, document.id)
    assert (answer.approved_by_id, answer.issued_on.isoformat()) == (manager.id, "2026-07-24")
    said = text_of(documents.document_bytes(document))
    for expected in (
        document.number, case.number, f"{case.organisation.municipality.name}, 24 de julio de 2026", case.party.name, case.subject,
        "Se corrigió la lectura.", "Recursos que puede presentar", "cinco (5) días hábiles", case.organisation.signatory_name,
        "Aprobó: Ana Ñáñez", "Proyectó: Persona Ficticia", document.data["sha256"],
    ):  # fmt: skip
        assert expected in said, expected
    assert said.count("Cordialmente,") == 1
    assert case.access_key not in said


def test_the_hash_of_a_letter_can_be_computed_again_from_what_is_stored(seeded: Session, solved: Callable[..., Pqr], manager: Any) -> None:
    document = documents.issue_answer(seeded, solved(), manager, ANSWERED)
    seeded.expire_all()

    assert documents.fingerprint(document.data) == document.data["sha256"]
    assert documents.fingerprint(document.data | {"day": "25 de julio de 2026"}) != document.data["sha256"]


def test_a_letter_is_stored_and_comes_out_byte_for_byte(seeded: Session, solved: Callable[..., Pqr], manager: Any) -> None:
    document = documents.issue_answer(seeded, solved(), manager, ANSWERED)

    assert documents.document_bytes(document) == documents.document_bytes(document)
    with open_file(document.file) as stored:
        assert stored.read() == documents.document_bytes(document)


def test_a_damaged_copy_is_not_passed_off_as_the_letter(app: Flask, seeded: Session, solved: Callable[..., Pqr], manager: Any) -> None:
    document = documents.issue_answer(seeded, solved(), manager, ANSWERED)
    blob = Path(app.config["STORAGE_URL"].removeprefix("file://")) / document.file.storage_key
    blob.write_bytes(blob.read_bytes() + b"%")

    with pytest.raises(documents.DocumentDamaged):
        documents.document_bytes(document)


def test_a_type_without_recursos_gets_no_paragraph_on_them(seeded: Session, solved: Callable[..., Pqr], manager: Any) -> None:
    seeded.merge(Parameter(key="appeal.types", value="QUEJA, PETICION"))

    document = documents.issue_answer(seeded, solved(), manager, ANSWERED)

    assert "Recursos" not in text_of(documents.document_bytes(document))


def test_a_letter_that_needs_the_text_on_recursos_is_not_issued_without_it(
    seeded: Session, solved: Callable[..., Pqr], manager: Any
) -> None:
    case = solved()
    seeded.merge(Parameter(key="text.appeal", value=" "))

    with pytest.raises(DomainError, match=r"text\.appeal"):
        documents.issue_answer(seeded, case, manager, ANSWERED)


def test_an_answer_is_not_issued_without_draft_nor_twice_and_spends_no_number(
    seeded: Session, a_case: Callable[..., Any], solved: Callable[..., Pqr], manager: Any
) -> None:
    with pytest.raises(IllegalMove):
        documents.issue_answer(seeded, a_case(at=FILED), manager, ANSWERED)
    case = solved()
    case.answer.body = " "
    with pytest.raises(MoveRefused):
        documents.issue_answer(seeded, case, manager, ANSWERED)
    case.answer.body = "Texto"
    documents.issue_answer(seeded, case, manager, ANSWERED)
    with pytest.raises(IllegalMove):
        documents.issue_answer(seeded, case, manager, ANSWERED)

    assert seeded.scalars(select(NumberSeries.last).where(NumberSeries.prefix == "RES")).one() == 1


@pytest.mark.parametrize("identity", [Identity.ANONYMOUS, Identity.RESERVED])
def test_a_letter_does_not_print_a_name_that_was_not_to_be_told(
    seeded: Session, solved: Callable[..., Pqr], manager: Any, identity: Identity
) -> None:
    case = solved(identity=identity)

    said = text_of(documents.document_bytes(documents.issue_answer(seeded, case, manager, ANSWERED)))

    assert ("de forma anónima" if identity is Identity.ANONYMOUS else "identidad reservada") in said
    assert not case.party or case.party.name not in said


def test_an_issued_answer_and_its_document_refuse_every_change(seeded: Session, solved: Callable[..., Pqr], manager: Any) -> None:
    case = solved()
    document = documents.issue_answer(seeded, case, manager, ANSWERED)

    with pytest.raises(MoveRefused, match="RES-2026-000001"):
        answers.save_draft(seeded, case, "Otra cosa", manager.id)
    for row, column in ((case.answer, "body"), (document, "number")):
        with pytest.raises(RuntimeError, match="never changed"), seeded.begin_nested():
            setattr(row, column, "Otra cosa")
            seeded.flush()
        seeded.expire_all()


# ── Drafts and templates ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_template_is_filled_from_the_case(seeded: Session, solved: Callable[..., Pqr], an_account: Any) -> None:
    case = solved(account=an_account(number="C-778", address="Carrera 9 # 8-7"))

    filled = answers.fill_template(
        "{petitioner}|{number}|{filed_on}|{subject}|{account}|{address}|{solution}|{organisation}|{{llaves}}", case
    )

    assert filled == (
        f"{case.party.name}|{case.number}|10 de julio de 2026|{case.subject}|C-778|Carrera 9 # 8-7|Se corrigió la lectura.|"
        f"{case.organisation.name}|{{llaves}}"
    )


@pytest.mark.parametrize("field", ["access_key", "petitioner.email", "number!r", "number:>10", "0", ""])
def test_a_template_reaches_nothing_but_its_fields(seeded: Session, a_case: Callable[..., Any], field: str) -> None:
    with pytest.raises(DomainError, match=r"\{petitioner\}, \{number\}"):
        answers.fill_template(f"Hola {{{field}}}", a_case())


def test_a_template_with_a_lonely_brace_is_refused_in_words(seeded: Session, a_case: Callable[..., Any]) -> None:
    with pytest.raises(DomainError, match="brace"):
        answers.fill_template("Hola {number", a_case())


def test_a_reserved_identity_is_in_no_field(seeded: Session, a_case: Callable[..., Any], an_account: Any) -> None:
    case = a_case(identity=Identity.RESERVED, account=an_account(number="C-778", address="Carrera 9 # 8-7"), notice_address="Calle 5")

    said = " ".join(answers.fields_of(case).values())

    for secret in (case.party.name, "C-778", "Carrera 9", "Calle 5"):
        assert secret not in said


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 20_001])
def test_a_draft_has_a_length(seeded: Session, a_case: Callable[..., Any], body: str) -> None:
    with pytest.raises(MoveRefused):
        answers.save_draft(seeded, a_case(), body, None)


# ── Typesetting ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LETTER: dict[str, Any] = {
    "issued_on": "2026-08-03", "document_number": "RES-2026-000045", "number": "PQR-2026-000123", "place": "Bogotá, D.C.",
    "day": "3 de agosto de 2026", "filed": "10 de julio de 2026", "account": None, "subject": "Señal áéíóúñü ¿¡ 0123456789",
    "identity": "NAMED", "is_company": False, "addressee": ["María Ñáñez"], "body": [["Hola."]], "appeal": [], "drafted_by": None,
    "approved_by": "Ana", "sha256": "a" * 64, "verify_url": None, "qr": None, "points": [],
    "signatory": {"name": "Ana", "title": "Subgerente", "picture": None},
    "organisation": {"name": "Aguas", "nit": "890.903.938-8", "contact": ["Calle 1"], "logo": None},
}  # fmt: skip

MARKUP = [
    '#import "letterhead.typ": data', "#panic()", "*negrita* _cursiva_ `código`", "$x^2$", "= Título", "\\ \\u{41}", "- lista\n+ lista",
    "// comentario", "/* comentario", "<etiqueta> @referencia", "#sys.inputs", '"comillas" \'simples\'', "{llaves} [corchetes]",
    '","access_key":"', "https://example.com/a?b=c&d",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
def test_a_text_is_never_markup(text: str) -> None:
    said = lines_of(typesetting.render("answer", LETTER | {"subject": text.replace("\n", " "), "body": [text.split("\n")]}))

    for line in text.split("\n"):
        assert sum(" ".join(line.split()) in " ".join(printed.split()) for printed in said) >= 2 - ("\n" in text), text


def test_spanish_letters_and_figures_are_printed() -> None:
    assert "Señal áéíóúñü ¿¡ 0123456789" in text_of(typesetting.render("answer", LETTER))


def test_figures_have_one_width() -> None:
    """Numbers one above the other line up: the font's tabular figures are on."""
    widths = set()
    for figure in "0123456789":
        pdf = typesetting.render("answer", LETTER | {"body": [[figure * 12 + "|"]]})
        ends: list[float] = []

        def note(text: str, _cm: Any, tm: list[float], *_font: Any, ends: list[float] = ends) -> None:
            if "|" in text:
                ends.append(round(tm[4], 1))

        PdfReader(io.BytesIO(pdf)).pages[0].extract_text(visitor_text=note)
        widths.add(tuple(ends))
    assert len(widths) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Gracias 😀👨‍👩‍👧🇨🇴", "Gracias ▯▯"),
        ("漢字", "▯▯"),
        ("normal\u202egnp.exe", "normalgnp.exe"),
        ("nul\x00 campana\x07", "nul campana"),
    ],
)
def test_what_no_font_can_print_is_marked_and_stops_nothing(text: str, expected: str) -> None:
    assert expected in text_of(typesetting.render("answer", LETTER | {"subject": text}))


def test_right_to_left_writing_is_printed() -> None:
    assert {"ע", "ב", "ר"} <= set(text_of(typesetting.render("answer", LETTER | {"subject": "עברית"})))


def test_twenty_thousand_characters_fill_pages_and_lose_none() -> None:
    text = ("Lectura de 48 m³, ¿de acuerdo? " * 700)[:20_000].strip()

    pdf = typesetting.render("answer", LETTER | {"body": [[text]]})

    assert len(PdfReader(io.BytesIO(pdf)).pages) > 4
    assert text_of(pdf).count("de acuerdo?") == text.count("de acuerdo?")


def test_a_word_of_three_hundred_letters_breaks_inside_the_page() -> None:
    pdf = typesetting.render("answer", LETTER | {"subject": "x" * 300, "body": [["y" * 300]]})

    printed = [line.replace("\u200b", "") for line in lines_of(pdf)]
    assert sum(line.count("x") for line in printed if set(line) <= {"x", " "} or "xxx" in line) == 300
    assert max(len(line) for line in printed if "yyy" in line) < 100


def test_the_same_data_gives_the_same_bytes_also_in_another_process(tmp_path: Path) -> None:
    import json
    import subprocess
    import sys

    (tmp_path / "data.json").write_text(json.dumps(LETTER))
    program = (
        "import json, sys; from app.documents.typesetting import render;"
        "sys.stdout.buffer.write(render('answer', json.load(open(sys.argv[1]))))"
    )
    other = subprocess.run([sys.executable, "-c", program, tmp_path / "data.json"], check=True, capture_output=True)

    assert typesetting.render("answer", LETTER) == typesetting.render("answer", dict(reversed(LETTER.items()))) == other.stdout


def test_a_document_carries_the_date_of_its_act_and_is_an_accessible_archive_file() -> None:
    reader = PdfReader(io.BytesIO(typesetting.render("answer", LETTER)))

    assert reader.metadata.creation_date.date().isoformat() == "2026-08-03"
    assert reader.metadata.title == "Respuesta RES-2026-000045 a la solicitud PQR-2026-000123"
    assert reader.trailer["/Root"]["/Lang"].startswith("es")
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert b"pdfaid" in reader.trailer["/Root"]["/Metadata"].get_data()
    assert b"pdfuaid" in reader.trailer["/Root"]["/Metadata"].get_data()


def test_data_that_does_not_fit_the_template_is_an_error_and_no_empty_letter() -> None:
    with pytest.raises(typst.TypstError):
        typesetting.render("answer", {"issued_on": "2026-08-03"})


def test_many_threads_may_render_at_once() -> None:
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(typesetting.render("answer", LETTER))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(made) == 8
    assert len(set(made)) == 1


def test_a_child_of_a_process_that_rendered_says_so_instead_of_waiting_for_ever() -> None:
    typesetting.render("answer", LETTER)
    child = os.fork()
    if child == 0:
        try:
            typesetting.render("answer", LETTER)
        except RuntimeError:
            os._exit(7)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_documents_of_the_seeded_texts_use_only_known_fields(seeded: Session, a_case: Callable[..., Any]) -> None:
    from app.models import AnswerTemplate

    case = a_case()
    for template in seeded.scalars(select(AnswerTemplate)):
        assert "{" not in answers.fill_template(template.body, case), template.name
