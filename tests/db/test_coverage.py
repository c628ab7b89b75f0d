"""The answer goes through all that was asked, carries the recursos that are due, and is read before it is issued."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import documents
from app.domain.errors import DomainError, MoveRefused
from app.domain.points import MAX_POINTS
from app.domain.states import AppealKind, Outcome, PqrStatus
from app.models import AnswerPoint, Appeal, Document, NumberSeries, Parameter, Pqr, RequestType, StoredFile
from app.operations import answers, coverage, pqr
from app.operations.coverage import Point
from app.operations.recursos import recursos_text

FILED = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
ANSWERED = datetime(2026, 7, 24, 15, 0, tzinfo=UTC)
ASKED = "Señores:\n1. Que revisen el medidor.\n2. Que corrijan la factura.\n3. ¿Cuándo vienen?"


def text_of(pdf: bytes) -> str:
    words = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(words.replace("\u200b", "").replace("-\n", "").split())


@pytest.fixture
def drafted(seeded: Session, make: Any, a_case: Callable[..., Any], a_user: Callable[..., Any]) -> Callable[..., Pqr]:
    """drafted(outcome, **fields) → a case that asks three things, with its solution and a draft."""

    def build(outcome: Outcome = Outcome.GRANTED, **fields: Any) -> Pqr:
        earlier = {}
        if outcome is Outcome.REFERRED:
            earlier = {"previous": a_case(at=FILED)}
            earlier["party"] = earlier["previous"].party
            boss = a_user("Subgerente administrativo y comercial")
            documents.issue_answer(seeded, _solve(seeded, make, earlier["previous"]), boss, FILED)
        case = a_case(at=FILED, body=ASKED, **earlier, **fields)
        pqr.route(seeded, case, make.process(), "Es de su área.", at=FILED, actor_id=None)
        pqr.solve(seeded, case, "Se corrigió la lectura.", outcome, at=FILED, actor_id=None)
        answers.save_draft(seeded, case, "Se corrigió la lectura.\n\nCordialmente,", a_user("Dueño de proceso").id)
        return case

    return build


def _solve(seeded: Session, make: Any, case: Pqr) -> Pqr:
    pqr.route(seeded, case, make.process(), "Es de su área.", at=FILED, actor_id=None)
    pqr.solve(seeded, case, "Se corrigió la lectura.", Outcome.GRANTED, at=FILED, actor_id=None)
    answers.save_draft(seeded, case, "Se corrigió la lectura.", None)
    return case


@pytest.fixture
def manager(a_user: Callable[..., Any]) -> Any:
    return a_user("Subgerente administrativo y comercial", first_name="Ana", last_name="Ñáñez")


# ── Points ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_points_are_proposed_and_stored_only_when_somebody_saves_them(seeded: Session, drafted: Callable[..., Pqr]) -> None:
    case = drafted()

    proposal = coverage.points_or_proposal(seeded, case)

    assert [point.asked for point in proposal] == ["Que revisen el medidor.", "Que corrijan la factura.", "¿Cuándo vienen?"]
    assert not any(point.is_covered for point in proposal)
    assert coverage.points_of(seeded, case) == []


def test_points_are_changed_removed_added_and_put_in_order(seeded: Session, drafted: Callable[..., Pqr]) -> None:
    case = drafted()
    first, second, third = coverage.save_points(seeded, case, coverage.proposed(case))

    said = [
        Point("Que cambien el medidor.", id=first.id, position=3), Point(" ", id=second.id, position=1),
        Point(third.asked, "El martes.\r\nPor la tarde.", id=third.id, position=1), Point("Copia del acta.", position=2, is_covered=True),
    ]  # fmt: skip
    coverage.save_points(seeded, case, said)

    assert [(row.position, row.asked, row.reply, row.is_covered) for row in coverage.points_of(seeded, case)] == [
        (1, "¿Cuándo vienen?", "El martes.\nPor la tarde.", True),
        (2, "Copia del acta.", "", True),
        (3, "Que cambien el medidor.", "", False),
    ]
    assert seeded.get(AnswerPoint, second.id) is None
    assert seeded.get(AnswerPoint, first.id).asked == "Que cambien el medidor."


def test_a_point_of_another_case_is_never_changed(seeded: Session, drafted: Callable[..., Pqr]) -> None:
    mine, other = drafted(), drafted()
    (theirs,) = coverage.save_points(seeded, other, [Point("Lo suyo")])

    coverage.save_points(seeded, mine, [Point("Robado", id=theirs.id)])

    assert [row.asked for row in coverage.points_of(seeded, other)] == ["Lo suyo"]


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        ([], "at least one point"),
        ([Point("  ")], "at least one point"),
        ([Point(str(n)) for n in range(MAX_POINTS + 1)], "points fit"),
        ([Point("x" * 601)], "600 characters"),
        ([Point("x", "y" * 4001)], "4000"),
    ],
)
def test_points_have_limits_and_a_refusal_stores_nothing(
    seeded: Session, drafted: Callable[..., Pqr], points: list[Point], complaint: str
) -> None:
    case = drafted()

    with pytest.raises(MoveRefused, match=complaint) as refusal:
        coverage.save_points(seeded, case, points)

    assert refusal.value.field == "points"
    assert coverage.points_of(seeded, case) == []


def test_an_answer_that_leaves_a_point_open_is_not_issued_and_spends_no_number(
    seeded: Session, drafted: Callable[..., Pqr], manager: Any
) -> None:
    """Ley 1755 art. 13: the answer is whole and on the merits; the refusal names what is open."""
    case = drafted()
    coverage.save_points(seeded, case, [Point("Que revisen el medidor.", is_covered=True), Point("Que corrijan la factura.")])

    with pytest.raises(MoveRefused, match=r"Que corrijan la factura\."):
        documents.issue_answer(seeded, case, manager, ANSWERED)

    assert case.status is PqrStatus.SOLVED
    assert seeded.scalar(select(NumberSeries).where(NumberSeries.prefix == "RES")) is None


def test_replies_are_printed_after_the_text_and_what_the_text_answers_is_not_repeated(
    seeded: Session, drafted: Callable[..., Pqr], manager: Any
) -> None:
    case = drafted()
    coverage.save_points(seeded, case, [Point("Que revisen el medidor.", is_covered=True), Point("¿Cuándo vienen?", "El martes.")])

    said = text_of(documents.document_bytes(documents.issue_answer(seeded, case, manager, ANSWERED)))

    assert "Respuesta a cada punto 1. ¿Cuándo vienen? El martes." in said
    assert "Que revisen el medidor." not in said
    assert said.index("Se corrigió la lectura.") < said.index("Respuesta a cada punto") < said.index("Recursos que puede presentar")


@pytest.mark.parametrize("outcome", [Outcome.REFERRED, Outcome.INADMISSIBLE])
def test_a_letter_that_decides_nothing_may_leave_points_open(
    seeded: Session, drafted: Callable[..., Pqr], manager: Any, outcome: Outcome
) -> None:
    case = drafted(outcome)
    coverage.save_points(seeded, case, [Point("Que corrijan la factura.")])

    assert documents.issue_answer(seeded, case, manager, ANSWERED).number.startswith("RES-2026-")


# ── Recursos ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_appeal(seeded: Session, case: Pqr, first: Pqr, kind: AppealKind, outcome: Outcome | None) -> Pqr:
    """Make *case* the recurso against *first*, decided with *outcome*."""
    seeded.add(Appeal(pqr_id=case.id, against_id=first.id, kind=kind, is_timely=False, is_admitted=False))
    case.outcome = outcome
    seeded.flush()
    seeded.refresh(case, ["appeal"])
    return case


@pytest.mark.parametrize(
    ("kind", "outcome", "says", "says_not"),
    [
        (AppealKind.REPOSICION, Outcome.CONFIRMED, "no procede ningún recurso", "Superintendencia"),
        (AppealKind.REPOSICION_APELACION, Outcome.REVOKED, "no procede ningún recurso", "Superintendencia"),
        (AppealKind.REPOSICION_APELACION, Outcome.CONFIRMED, "enviaremos el expediente completo a la Superintendencia", "queja"),
        (AppealKind.REPOSICION_APELACION, Outcome.MODIFIED, "enviaremos el expediente completo a la Superintendencia", "queja"),
        (AppealKind.REPOSICION_APELACION, Outcome.REJECTED, "recurso de queja", "enviaremos el expediente"),
        (AppealKind.REPOSICION_APELACION, None, "enviaremos el expediente completo", "queja"),
    ],
)
def test_the_decision_of_a_recurso_says_what_follows_it(
    seeded: Session, a_case: Callable[..., Any], kind: AppealKind, outcome: Outcome | None, says: str, says_not: str
) -> None:
    case = as_appeal(seeded, a_case(at=FILED), a_case(at=FILED), kind, outcome)

    text = recursos_text(seeded, case)

    assert says in text
    assert says_not not in text
    assert "puede presentar recurso de reposición" not in text


def test_a_type_without_recursos_and_a_reference_to_an_earlier_answer_carry_no_paragraph(
    seeded: Session, drafted: Callable[..., Pqr]
) -> None:
    kind = seeded.scalars(select(RequestType).where(RequestType.code == "SUGERENCIA")).one()

    assert recursos_text(seeded, drafted(request_type=kind)) == ""
    assert recursos_text(seeded, drafted(Outcome.REFERRED)) == ""
    assert "cinco (5) días hábiles" in recursos_text(seeded, drafted())


def test_a_missing_text_names_its_parameter_to_whoever_drafts(seeded: Session, drafted: Callable[..., Pqr]) -> None:
    case = drafted()
    seeded.get_one(Parameter, "text.appeal").value = " "
    seeded.flush()

    review = coverage.review_of(seeded, case, case.answer.body)

    assert review.recursos == ""
    assert isinstance(review.problem, DomainError)
    assert review.problem.fields["key"] == "text.appeal"


# ── What stands beside the draft ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_review_reads_text_and_replies_with_the_words_of_the_house(seeded: Session, drafted: Callable[..., Pqr]) -> None:
    case = drafted()
    coverage.save_points(seeded, case, [Point("Algo", "De conformidad con lo allegado, no."), Point("Otra cosa")])
    seeded.get_one(Parameter, "language.long_sentence").value = "3"
    seeded.flush()

    review = coverage.review_of(seeded, case, "Se corrigió la lectura del medidor, toda vez que estaba mal.")

    assert {word.word for word in review.reading.hard_words} == {"de conformidad con", "allegado", "toda vez que"}
    assert len(review.reading.long_sentences) == 2
    assert review.n_open == 1


def test_a_preview_is_the_letter_marked_and_kept_nowhere(seeded: Session, drafted: Callable[..., Pqr], manager: Any) -> None:
    case = drafted()
    coverage.save_points(seeded, case, [Point("¿Cuándo vienen?", "El martes.")])

    said = text_of(documents.preview_answer(seeded, case, manager, date(2026, 7, 24)))

    for expected in ("BORRADOR", "Se corrigió la lectura.", "El martes.", "Recursos que puede presentar", "24 de julio de 2026"):
        assert expected in said
    assert "verificar" not in said
    assert seeded.scalars(select(Document).where(Document.pqr_id == case.id)).all() == []
    assert seeded.scalars(select(StoredFile).where(StoredFile.pqr_id == case.id)).all() == []
    assert seeded.scalar(select(NumberSeries).where(NumberSeries.prefix == "RES")) is None
    assert case.status is PqrStatus.SOLVED
