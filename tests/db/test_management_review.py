"""A management review from its data to its signed minutes, and what nobody changes after that."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import User
from pypdf import PdfReader
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.documents import managementreview as papers
from app.documents.base import document_bytes
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin
from app.domain.managementreview import INPUTS, ReviewStatus
from app.models import Action, Document, ManagementReview, ReviewDecision
from app.operations import managementreview as operations
from app.operations.managementreview import Decided, Said

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
TODAY = date(2026, 7, 10)
SAID = Said({each.key: f"Sobre {each.key}" for each in INPUTS}, "Ana Ficticia, Gerente", "El sistema conviene, basta y funciona.")


@pytest.fixture
def review(seeded, make) -> ManagementReview:
    """A draft over the first half of 2026, in which two cases were filed, and one in the half year before."""
    for day in ("2026-02-03", "2026-05-04", "2025-10-06"):
        make.case(at=f"{day}T10:00-05:00")
    found = ManagementReview(held_on=TODAY, period_from=date(2026, 1, 1), period_until=date(2026, 6, 30))
    return operations.enter_review(seeded, found, at=AT)


@pytest.fixture
def boss(make) -> User:
    return make.user("Subgerente administrativo y comercial", first_name="Patricia", last_name="Ficticia")


def decided(make: Any, **said: Any) -> Decided:
    values = {"text": "Comprar un medidor patrón", "topic": "resources", "process_id": make.process("TECNICA").id, "responsible_id": None}
    return Decided(**(values | {"due_on": TODAY + timedelta(days=60)} | said))


def figure(review: ManagementReview, key: str, name: str) -> dict[str, Any]:
    return next(each for each in review.facts["inputs"][key]["figures"] if each["key"] == name)


def printed(document: Document) -> str:
    reader = PdfReader(io.BytesIO(document_bytes(document)))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


# ── Prepared ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_review_is_prepared_from_the_data_beside_the_period_before(seeded, review):
    assert review.number == "RD-2026-0001" and review.prepared_at == AT
    filed = figure(review, "cases", "filed")
    assert (filed["now"], filed["before"], filed["tone"]) == ({"n": 2}, {"n": 1}, "")
    assert review.facts["before"] == {"since": "2025-07-04", "until": "2025-12-31"}
    assert set(review.facts["inputs"]) == {each.key for each in INPUTS}
    assert figure(review, "cases", "cases_overdue")["before"] is None  # what was open then is not known any more
    assert figure(review, "cases", "cases_overdue")["tone"] == "bad"


def test_what_was_prepared_stays_until_somebody_prepares_it_again(seeded, make, review):
    make.case(at="2026-06-15T10:00-05:00")
    seeded.flush()
    assert figure(review, "cases", "filed")["now"] == {"n": 2}

    operations.prepare(seeded, review, at=AT + timedelta(days=1))

    assert figure(review, "cases", "filed")["now"] == {"n": 3}
    assert review.prepared_at == AT + timedelta(days=1)


def test_nothing_to_measure_is_a_dash_and_no_zero(seeded, review):
    csat = figure(review, "satisfaction", "csat")

    assert csat["now"] is None and papers.say_cell(csat["now"]) == "—"


def test_other_days_of_a_draft_prepare_it_again(seeded, review):
    review.period_from = date(2026, 5, 1)
    operations.amend_review(seeded, review, at=AT)

    assert figure(review, "cases", "filed")["now"] == {"n": 1}


def test_a_review_is_not_held_before_its_period_is_over(seeded):
    early = ManagementReview(held_on=date(2026, 6, 1), period_from=date(2026, 1, 1), period_until=date(2026, 6, 30))
    with pytest.raises(DomainError, match="when the period is over"):
        operations.enter_review(seeded, early, at=AT)


# ── Decided and signed ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_signature_makes_minutes_and_an_action_of_each_decision(seeded, make, review, boss):
    operations.write(seeded, review, SAID)
    operations.decide(seeded, review, decided(make))
    operations.decide(seeded, review, decided(make, text="Revisar el plan de " + "muestreo " * 40, topic="", responsible_id=boss.id))

    minutes = papers.sign(seeded, review, boss, at=AT)
    seeded.commit()

    first, second = operations.decisions_of(seeded, review)
    assert review.status is ReviewStatus.SIGNED and review.document is minutes and minutes.number == review.number
    assert [(each.action.origin, each.action.origin_key, each.action.kind) for each in (first, second)] == [
        (ActionOrigin.REVIEW, "RD-2026-0001", ActionKind.IMPROVEMENT)
    ] * 2
    assert first.action.title == "Comprar un medidor patrón" and first.action.due_on == TODAY + timedelta(days=60)
    assert len(second.action.title) <= 200 and second.action.description == second.text and second.action.responsible_id == boss.id
    text_ = printed(minutes)
    for said in ("Acta de revisión por la dirección", "RD-2026-0001", "Ana Ficticia, Gerente", "Comprar un medidor patrón",
                 first.action.number, second.action.number, "El sistema conviene", "Patricia Ficticia", "Sobre suppliers"):  # fmt: skip
        assert said in text_


@pytest.mark.parametrize("lacks", ["attendees", "conclusion", "suppliers"])
def test_a_review_that_lacks_something_is_not_signed_and_nothing_is_half_done(seeded, make, review, boss, lacks):
    remarks = {key: words for key, words in SAID.remarks.items() if key != lacks}
    attendees, conclusion = ("" if lacks == name else words for name, words in (("attendees", "Ana"), ("conclusion", "Conviene")))
    operations.write(seeded, review, Said(remarks, attendees, conclusion))
    operations.decide(seeded, review, decided(make))
    seeded.commit()

    with pytest.raises(MoveRefused):
        papers.sign(seeded, review, boss, at=AT)
    seeded.rollback()

    assert seeded.scalar(select(func.count()).select_from(Action)) == 0
    assert seeded.scalar(select(ManagementReview.status)) is ReviewStatus.DRAFT


def test_a_decision_whose_process_went_out_of_use_stops_the_signature(seeded, make, review, boss):
    operations.write(seeded, review, SAID)
    process = make.process("TECNICA")
    operations.decide(seeded, review, decided(make))
    process.is_active = False
    seeded.flush()

    with pytest.raises(DomainError, match="process that is active"):
        papers.sign(seeded, review, boss, at=AT)


def test_the_next_review_looks_at_what_this_one_decided(seeded, make, review, boss):
    operations.write(seeded, review, SAID)
    operations.decide(seeded, review, decided(make))
    papers.sign(seeded, review, boss, at=AT)
    later = ManagementReview(held_on=date(2026, 12, 20), period_from=date(2026, 7, 1), period_until=date(2026, 12, 15))
    operations.enter_review(seeded, later, at=datetime(2026, 12, 20, 15, tzinfo=UTC))

    row = later.facts["inputs"]["decisions"]["table"]["rows"][0]
    assert row[:2] == ["RD-2026-0001", "Comprar un medidor patrón"]
    assert figure(later, "decisions", "decisions_late")["now"] == {"n": 1}


# ── After the signature ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def signed(seeded, make, review, boss) -> ManagementReview:
    operations.write(seeded, review, SAID)
    operations.decide(seeded, review, decided(make))
    papers.sign(seeded, review, boss, at=AT)
    seeded.commit()
    return review


@pytest.mark.parametrize("verb", ["prepare", "write", "decide", "change", "drop", "sign", "amend"])
def test_no_verb_changes_what_was_signed(seeded, make, signed, boss, verb):
    decision = operations.decisions_of(seeded, signed)[0]
    verbs = {
        "prepare": lambda: operations.prepare(seeded, signed, at=AT),
        "write": lambda: operations.write(seeded, signed, SAID),
        "decide": lambda: operations.decide(seeded, signed, decided(make)),
        "change": lambda: operations.change_decision(seeded, decision, decided(make)),
        "drop": lambda: operations.drop_decision(seeded, decision),
        "sign": lambda: papers.sign(seeded, signed, boss, at=AT),
        "amend": lambda: operations.amend_review(seeded, signed, at=AT),
    }
    with pytest.raises(MoveRefused, match="is signed and no longer changes"):
        verbs[verb]()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE management_review SET conclusion = 'Otra'",
        "UPDATE management_review SET status = 'DRAFT', signed_at = NULL, signed_by_id = NULL, document_id = NULL",
        "DELETE FROM review_decision",
        "UPDATE review_decision SET text = 'Otra'",
    ],
)
def test_the_database_refuses_it_too(seeded, signed, statement):
    with pytest.raises(DBAPIError, match="frozen"):
        seeded.execute(text(statement))
    seeded.rollback()
    assert seeded.scalars(select(ReviewDecision.text)).one() == "Comprar un medidor patrón"
