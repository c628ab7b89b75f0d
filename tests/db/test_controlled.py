"""The register of documented information: one edition in force, and what is printed in its name."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.domain.controlled import EditionStatus
from app.domain.errors import DomainError, MoveRefused
from app.extensions import now
from app.models import ControlledDocument, ControlledPrint, DocumentEdition, Parameter, ProcessSheet
from app.operations import controlled
from app.operations.controlled import print_head
from app.operations.seeds import load_seeds

ON = date(2026, 7, 10)


@pytest.fixture
def document(seeded):
    return seeded.scalars(select(ControlledDocument).where(ControlledDocument.code == "R10-01-05")).one()


@pytest.fixture
def user(make):
    return make.user("Calidad")


def drafted(session, document, version="2"):
    return controlled.draft_edition(session, document, version, "Nueva tabla", ON)


def in_force(document, version):
    told = {"version": version, "status": EditionStatus.IN_FORCE, "changed_on": ON, "change": "Otra", "in_force_on": ON}
    return told | {"document_id": document.id, "is_of_before": True, "created_at": now(), "changed_at": now()}


# ── What is printed ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_print_says_the_edition_in_force_in_one_statement(seeded, document, count_statements):
    with count_statements() as spent:
        head = print_head(seeded, "financing")

    assert len(spent) == 1
    assert (head.code, head.name, head.version, head.changed_on) == ("R10-01-05", "Orden de financiación", "1", date(2020, 8, 28))
    assert (head.issuer, head.issued_on) == ("Atención al cliente PQR", None)


def test_a_print_follows_the_next_edition_from_its_approval_on(seeded, document, user):
    edition = drafted(seeded, document)
    assert print_head(seeded, "financing").version == "1"

    controlled.approve_edition(seeded, edition, at=now(), user_id=user.id)

    assert (print_head(seeded, "financing").version, print_head(seeded, "financing").changed_on) == ("2", ON)


def test_without_an_entry_or_out_of_use_or_without_an_edition_no_code_is_printed(seeded, document):
    assert print_head(seeded, "risk_map") is None
    empty = seeded.scalars(select(ControlledDocument).where(ControlledDocument.code == "R06-01-06")).one()
    controlled.tie_prints(seeded, empty, ["risk_map"])
    assert print_head(seeded, "risk_map") is None
    document.is_active = False
    seeded.flush()
    assert print_head(seeded, "financing") is None


# ── Editions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_approving_an_edition_retires_the_one_before_at_once(seeded, document, user):
    edition = drafted(seeded, document)
    before = controlled.approve_edition(seeded, edition, at=now(), user_id=user.id)

    assert (before.version, before.status, before.retired_on) == ("1", EditionStatus.RETIRED, ON)
    assert (edition.status, edition.in_force_on, edition.approved_by_id) == (EditionStatus.IN_FORCE, ON, user.id)
    assert controlled.edition_in_force(seeded, document).version == "2"


def test_an_edition_is_put_in_force_once(seeded, document, user):
    edition = drafted(seeded, document)
    controlled.approve_edition(seeded, edition, at=now(), user_id=user.id)

    with pytest.raises(MoveRefused, match="Version 2 of R10-01-05 was approved already"):
        controlled.approve_edition(seeded, edition, at=now(), user_id=user.id)
    with pytest.raises(MoveRefused, match="no longer changes"):
        controlled.amend_edition(seeded, edition, "2", "Otra", ON)


def test_the_database_refuses_a_second_edition_in_force(seeded, document):
    with pytest.raises(IntegrityError, match=r"uq_document_edition_in_force|document_edition\.document_id"), seeded.begin_nested():
        seeded.execute(insert(DocumentEdition).values(in_force(document, "7")))


def test_the_database_refuses_to_rewrite_or_delete_an_approved_edition(seeded, document):
    of_it = DocumentEdition.document_id == document.id
    for statement in (
        update(DocumentEdition).where(of_it).values(version="9"),
        update(DocumentEdition).where(of_it).values(status="DRAFT", in_force_on=None),
        text(f"DELETE FROM document_edition WHERE document_id = {document.id}"),
    ):
        with pytest.raises(DBAPIError, match="frozen: document_edition"), seeded.begin_nested():
            seeded.execute(statement)


def test_only_one_draft_at_a_time_and_no_name_twice(seeded, document):
    with pytest.raises(DomainError, match="There is a version 1 of this document already"):
        drafted(seeded, document, "1")
    drafted(seeded, document)
    with pytest.raises(DomainError, match="Version 2 of this document is being drafted"):
        drafted(seeded, document, "3")


def test_a_document_out_of_use_gets_no_new_edition_in_force(seeded, document, user):
    edition = drafted(seeded, document)
    document.is_active = False
    seeded.flush()

    with pytest.raises(MoveRefused, match="R10-01-05 is out of use"):
        controlled.approve_edition(seeded, edition, at=now(), user_id=user.id)


# ── What ships ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_house_made_of_the_register_stays(seeded, document):
    document.name = "Acuerdo de pago"
    controlled.tie_prints(seeded, document, [])

    assert load_seeds(seeded, now())["controlled_document"].n_new == 0
    assert document.name == "Acuerdo de pago"
    assert print_head(seeded, "financing") is None


def test_the_codes_that_were_parameters_go_into_the_register(session):
    told = {"financing.code": "F-77", "financing.version": "4", "response_times.code": "R010-01-01", "checklist.name": "Lista"}
    for key, value in told.items():
        session.add(Parameter(key=f"form.{key}", value=value, created_at=now(), changed_at=now()))
    session.flush()

    load_seeds(session, now())

    said = {key: print_head(session, key) for key in ("financing", "response_times", "checklist", "interested")}
    assert [(head.code, head.version) for head in said.values()] == [("F-77", "4"), ("R010-01-01", "1"), ("LVC-01", "1"), ("MPI-01", "1")]
    assert said["checklist"].name == "Lista"
    assert session.scalars(select(Parameter.key).where(Parameter.key.startswith("form."))).all() == []
    assert load_seeds(session, now())["controlled_document"].n_new == 0


def test_the_code_that_another_shipped_document_has_is_not_given_twice(session):
    session.add(Parameter(key="form.financing.code", value="R06-01-06", created_at=now(), changed_at=now()))
    session.flush()

    load_seeds(session, now())

    assert print_head(session, "financing").code == "R06-01-06"
    assert session.scalars(select(ControlledPrint.key).join(ControlledDocument).where(ControlledDocument.code == "R06-01-06")).all()


def test_the_shipped_sheet_is_that_of_the_front_desk(seeded):
    sheet = seeded.scalars(select(ProcessSheet)).one()

    assert (sheet.process.code, sheet.document.code) == ("ATENCION", "C10-01")
