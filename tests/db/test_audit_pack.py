"""The audit pack: what is counted and missing, what a seed draws, and what leaves in the ZIP."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update

from app.domain.clauses import CLAUSES, Period, keys_of, light_of
from app.domain.controlled import EditionStatus
from app.domain.improvement import ActionKind, ActionOrigin, TaskStatus
from app.domain.states import DocumentKind, Identity, PqrStatus, Visibility
from app.models import Action, ActionTask, Document, DocumentEdition, LegalRequirement, Nonconformity, Pqr, Risk, StoredFile
from app.operations import audit_samples, auditpack, improvement
from app.operations.files import store_file
from app.qms.packing import Wanted, write_pack
from tests.databases import statements_of

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
TODAY = date(2026, 7, 10)
YEAR = Period(date(2026, 1, 1), TODAY)
LONG_AGO = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def changed(session: Any, make: Any) -> dict[str, int]:
    """Return by how much each number changes when *make* is done."""
    before = auditpack.numbers(session, YEAR, TODAY)
    make()
    session.flush()
    after = auditpack.numbers(session, YEAR, TODAY)
    return {key: after[key] - before[key] for key in after if after[key] != before[key]}


def asked(session: Any, make: Any, **columns: Any) -> Action:
    said = {
        "kind": ActionKind.CORRECTIVE, "origin": ActionOrigin.OTHER, "origin_key": "", "title": "Calibrar", "description": "",
        "process_id": make.process().id, "responsible_id": None, "due_on": date(2026, 4, 1), "at": LONG_AGO, "user_id": None,
    }  # fmt: skip
    return improvement.ask_action(session, **(said | columns))


def stored_document(session: Any, pqr: Any, number: str, at: datetime = AT) -> Document:
    file = store_file(session, f"%PDF-1.4 {number}".encode(), f"{number}.pdf", "application/pdf", pqr, Visibility.CITIZEN)
    document = Document(kind=DocumentKind.ANSWER, number=number, pqr=pqr, file=file, template="answer@1", data={}, issued_at=at)
    session.add(document)
    session.flush()
    return document


# ── What is counted ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_key_of_the_catalogue_is_counted_in_one_statement(seeded, count_statements):
    with count_statements() as statements:
        numbers = auditpack.numbers(seeded, YEAR, TODAY)

    assert set(numbers) == set(keys_of())
    assert len(statements) == 1


def test_an_empty_house_says_so(seeded):
    numbers = auditpack.numbers(seeded, YEAR, TODAY)

    assert [numbers[key] for key in ("no_review", "no_campaign", "no_improvement", "no_effect")] == [1, 1, 1, 1]
    assert numbers["filed"] == numbers["actions"] == numbers["outputs"] == 0
    assert light_of(next(each for each in CLAUSES if each.number == "9.3"), numbers).name == "RED"


def test_a_late_case_is_a_gap_and_a_filed_one_is_evidence(seeded, make):
    late = changed(seeded, lambda: make.case(at="2026-05-04T10:00-05:00"))

    assert late == {"filed": 1, "cases_overdue": 1}


def test_a_case_that_was_closed_without_a_document_of_its_answer_is_told(seeded, make):
    pqr = make.case(at="2026-05-04T10:00-05:00")

    def close() -> None:
        days = {"answered_on": date(2026, 5, 20), "notified_on": date(2026, 5, 22), "closed_on": date(2026, 6, 5)}
        seeded.execute(update(Pqr).where(Pqr.id == pqr.id).values(status=PqrStatus.CLOSED, outcome="GRANTED", **days))

    told = changed(seeded, close)
    assert told["closed"] == told["closed_unanswered"] == told["answered"] == 1
    assert told["cases_overdue"] == -1

    assert changed(seeded, lambda: stored_document(seeded, pqr, "RES-2026-000001"))["closed_unanswered"] == -1


def test_a_contract_that_nobody_verified_is_told_until_its_checklist_is_approved(seeded, make):
    def sign() -> None:
        make.contract(starts_on=date(2025, 2, 1), ends_on=None)

    told = changed(seeded, sign)

    assert told == {"contracts": 1, "contracts_unverified": 1}


def test_a_contract_of_less_than_a_year_owes_no_verification(seeded, make):
    assert changed(seeded, lambda: make.contract(starts_on=date(2025, 9, 1), ends_on=None)) == {"contracts": 1}


def test_a_late_action_without_a_cause_is_two_gaps(seeded, make):
    assert changed(seeded, lambda: asked(seeded, make)) == {"actions": 1, "actions_late": 1, "actions_uncaused": 1}


def test_a_late_action_of_a_review_weighs_on_the_review(seeded, make):
    told = changed(seeded, lambda: asked(seeded, make, origin=ActionOrigin.REVIEW, origin_key="RD-2026-0001", kind=ActionKind.IMPROVEMENT))

    assert told == {"improvements": 1, "no_improvement": -1, "actions_late": 1, "decisions_late": 1, "actions_uncaused": 1}


def test_a_late_task_is_told_while_its_action_lives(seeded, make):
    action = make.planned_action("RUNNING", at=LONG_AGO)

    def end() -> None:
        ended = {"status": TaskStatus.DONE, "ended_on": TODAY, "said": "Acta firmada"}
        seeded.execute(update(ActionTask).where(ActionTask.action_id == action.id).values(**ended))

    assert auditpack.numbers(seeded, YEAR, TODAY)["tasks_late"] == 1
    assert changed(seeded, end) == {"tasks_late": -1}


def test_a_risk_in_a_loud_band_without_an_action_is_a_gap_until_it_asks_for_one(seeded, make):
    told = changed(seeded, lambda: make.risk(5, 5, at=LONG_AGO))
    assert told["risks"] == told["risks_unattended"] == 1 and told["processes_unrisked"] == -1

    risk = seeded.scalars(select(Risk)).one()
    told = changed(seeded, lambda: asked(seeded, make, origin=ActionOrigin.RISK, origin_key=risk.number, due_on=date(2026, 12, 1)))
    assert told["risks_unattended"] == -1 and told["risk_actions"] == 1


def test_an_obligation_that_was_never_evaluated_is_a_gap(seeded, make):
    told = changed(seeded, lambda: make.legal_requirement(next_on=date(2026, 6, 30)))
    assert told == {"legal": 1, "legal_never": 1, "legal_overdue": 1}

    row = seeded.scalars(select(LegalRequirement).order_by(LegalRequirement.id.desc())).first()

    def use() -> None:
        row.is_active = False

    assert changed(seeded, use) == {"legal": -1, "legal_never": -1, "legal_overdue": -1}


def test_a_document_without_an_edition_in_force_is_a_gap(seeded):
    edition = seeded.scalars(select(DocumentEdition).where(DocumentEdition.status == EditionStatus.IN_FORCE)).first()

    def retire() -> None:
        edition.status, edition.retired_on = EditionStatus.RETIRED, max(TODAY, edition.in_force_on)

    assert changed(seeded, retire) == {"in_force": -1, "documents_unissued": 1}


def test_an_output_that_waits_for_more_than_a_month_is_a_gap(seeded, make):
    def find(on: date) -> None:
        number = f"SNC-2026-{on:%m%d}"
        seeded.add(Nonconformity(organisation_id=1, number=number, found_on=on, process_id=make.process().id, what="Factura errada"))

    assert changed(seeded, lambda: find(TODAY - timedelta(days=30))) == {"outputs": 1}
    assert changed(seeded, lambda: find(TODAY - timedelta(days=31))) == {"outputs": 1, "outputs_untreated": 1}


def test_an_indicator_without_a_value_in_the_period_is_told_if_one_of_its_periods_fits_in_it(seeded, make):
    assert changed(seeded, lambda: make.indicator()) == {"indicators": 1, "indicators_unmeasured": 1}
    month = Period(date(2026, 6, 1), date(2026, 6, 30))
    before = auditpack.numbers(seeded, month, TODAY)
    make.indicator(months=12)
    assert auditpack.numbers(seeded, month, TODAY)["indicators_unmeasured"] == before["indicators_unmeasured"]


def test_a_day_of_the_period_is_a_local_day(seeded, make):
    """23:30 in Bogotá of the last day is the next day in UTC, and still in the period."""
    pqr = make.case(at="2026-07-10T09:00-05:00")
    stored_document(seeded, pqr, "RES-2026-000008", datetime(2026, 7, 11, 4, 30, tzinfo=UTC))
    stored_document(seeded, pqr, "RES-2026-000009", datetime(2026, 7, 11, 5, 30, tzinfo=UTC))

    assert auditpack.numbers(seeded, Period(TODAY, TODAY), TODAY)["issued"] == 1


# ── What is drawn ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def answers(seeded, make) -> list[Pqr]:
    """Twelve answered cases, the last of a reserved identity."""
    cases = [make.case(at="2026-05-04T10:00-05:00") for _n in range(12)]
    for n, pqr in enumerate(cases, 1):
        stored_document(seeded, pqr, f"RES-2026-{n:06d}")
    cases[-1].identity = Identity.RESERVED
    seeded.flush()
    return cases


def drawn(session: Any, seed: int = 7, n: int = 5, *, with_reserved: bool = True) -> audit_samples.Sampled:
    return audit_samples.samples(session, YEAR, seed, n, with_reserved=with_reserved)["answers"]


def test_the_same_seed_draws_the_same_records_and_brings_their_files(seeded, answers):
    first, again = drawn(seeded), drawn(seeded)

    assert first == again
    assert first.n_all == 12 and len(first.drawn) == 5
    assert all(each.file is not None and each.number in each.file.name for each in first.drawn)
    assert [each.number for each in first.drawn] == [f"RES-2026-{each.place:06d}" for each in first.drawn]


def test_another_seed_draws_others_and_a_big_sample_draws_all(seeded, answers):
    assert drawn(seeded, seed=8) != drawn(seeded, seed=7)
    assert [each.place for each in drawn(seeded, n=50).drawn] == list(range(1, 13))


def test_a_reserved_identity_is_drawn_only_for_whoever_may_see_it(seeded, answers):
    open_only = drawn(seeded, n=50, with_reserved=False)

    assert open_only.n_all == 11
    assert answers[-1].id not in {each.pqr_id for each in open_only.drawn}
    assert answers[-1].id in {each.pqr_id for each in drawn(seeded, n=50).drawn}


def test_drawing_takes_three_statements_however_many_records_there_are(seeded, answers, count_statements):
    counts = []
    for n in (2, 12):
        with count_statements() as statements:
            drawn(seeded, n=n)
        counts.append(len(statements))

    assert counts == [3, 3]


# ── The ZIP ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def packed(session: Any, **said: Any) -> tuple[zipfile.ZipFile, Any]:
    session.commit()
    out = io.BytesIO()
    wanted = Wanted(YEAR, said.pop("seed", 7), said.pop("n", 3), said.pop("with_files", True), said.pop("with_reserved", True))
    made = write_pack(session, out, wanted, "Nubia Ficticia", AT)
    return zipfile.ZipFile(out), made


def words(content: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def test_the_zip_holds_what_its_manifest_says_and_every_sum_is_right(seeded, answers):
    archive, made = packed(seeded)

    manifest = json.loads(archive.read("manifest.json"))
    sums = dict(reversed(line.split("  ", 1)) for line in archive.read("SHA256SUMS").decode().splitlines())
    assert set(sums) == set(archive.namelist()) - {"manifest.json", "SHA256SUMS"}
    assert all(hashlib.sha256(archive.read(name)).hexdigest() == digest for name, digest in sums.items())
    assert manifest["sums"] == sums and manifest["seed"] == 7 and manifest["by"] == "Nubia Ficticia"
    assert manifest["samples"]["answers"]["out_of"] == 12 and len(manifest["samples"]["answers"]["places"]) == 3
    assert set(manifest["clauses"]) == {each.number for each in CLAUSES}
    assert made.n_files == len(sums) and len(made.case_ids) == 3


def test_the_sampled_documents_are_the_stored_bytes_and_formats_are_filled(seeded, answers):
    archive, made = packed(seeded)

    sampled = [name for name in archive.namelist() if name.startswith("muestras/5.1.2/")]
    assert len(sampled) == 3
    assert all(archive.read(name) == f"%PDF-1.4 {name.split('/')[-1].removesuffix('.pdf')}".encode() for name in sampled)
    formats = {name.split("/")[1] for name in archive.namelist() if name.startswith("formatos/")}
    assert formats == {"4.2", "5.1.2", "6.1", "7.5", "8.2", "8.7", "9.1.1", "10.2"}
    assert {clause for clause, _name, _path in made.formats} == formats


def test_the_index_tells_gaps_seed_and_where_each_file_lies(seeded, answers):
    archive, _made = packed(seeded, seed=2026)

    text = words(archive.read("indice.pdf"))
    assert "2026: con ella y los mismos registros" in text
    assert "del 01/01/2026 al 10/07/2026" in text and "Nubia Ficticia" in text
    assert all(each.number in text for each in CLAUSES)
    path = next(name for name in archive.namelist() if name.startswith("muestras/5.1.2/"))
    assert path.replace("/", "") in text.replace(" ", "").replace("/", "")


def test_without_files_only_counts_leave_and_the_index_says_so(seeded, answers):
    archive, made = packed(seeded, with_files=False, with_reserved=False)

    assert set(archive.namelist()) == {"indice.pdf", "conteos-y-muestras.xlsx", "LEAME.txt", "SHA256SUMS", "manifest.json"}
    assert made.case_ids == set()
    assert "quedó por fuera" in words(archive.read("indice.pdf"))


def test_a_file_that_the_store_lost_is_named_and_the_rest_is_packed(seeded, answers):
    lost = drawn(seeded, n=3).drawn[0]
    seeded.execute(update(StoredFile).where(StoredFile.id == lost.file.id).values(storage_key="no/existe"))
    archive, made = packed(seeded)

    assert len([name for name in archive.namelist() if name.startswith("muestras/5.1.2/")]) == 2
    assert made.missing and lost.file.name in made.missing[0]
    assert lost.file.name in words(archive.read("indice.pdf"))


def test_the_statements_of_a_pack_do_not_grow_with_the_cases(seeded, make, answers, app):
    from app.extensions import db

    counts = []
    for _round in range(2):
        seeded.commit()
        with app.app_context():
            engine = db.engines[None]
        with statements_of(engine) as statements:
            packed(seeded)
        counts.append(len(statements))
        for n in range(30):
            stored_document(seeded, make.case(at="2026-05-05T10:00-05:00"), f"RES-2026-1{len(counts)}{n:02d}")

    assert counts[0] == counts[1]
