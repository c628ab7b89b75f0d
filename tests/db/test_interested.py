"""The follow-up of interested parties: evidence that the system finds or somebody attaches, the next date, the reminder, the matrix."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.domain.checklists import ChecklistStatus
from app.domain.errors import DomainError
from app.domain.interested import EvidenceSource, QualityKind, Relevance, Standing
from app.domain.states import OrderKind, OrderStatus, PastKind
from app.jobs.timetable import TIMETABLE
from app.models import (
    Checklist,
    Evidence,
    FieldOrder,
    InterestGroup,
    Mechanism,
    Need,
    PartyGroup,
    PastRecord,
    QuotationFollowUp,
    Reminder,
    ReminderRule,
)
from app.operations import interested, reminders
from app.operations.files import check_upload, open_file
from app.operations.interested import Attached
from app.operations.matrix import Sums, Wanted, by_group, every_how_often, matrix
from app.operations.seeds import load_seeds
from tests.databases import statements_of

AT = datetime.fromisoformat("2026-07-10T10:00-05:00")
TODAY = AT.date()
BEGAN = date(2026, 1, 1)


@pytest.fixture
def bare(seeded):
    """Return a session whose shipped follow-ups are out of the way."""
    for mechanism in seeded.scalars(select(Mechanism)):
        mechanism.is_active = False
    for need in seeded.scalars(select(Need)):
        need.is_active = False
    seeded.flush()
    return seeded


def pieces(session, mechanism) -> list[tuple[str | None, date]]:
    rows = session.scalars(select(Evidence).where(Evidence.mechanism_id == mechanism.id).order_by(Evidence.on, Evidence.id))
    return [(row.source_key, row.on) for row in rows]


# ── What is found ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def survey(session, on: date | None, n: int = 1) -> None:
    told = {"kind": PastKind.SURVEY, "source": "Encuesta"}
    session.add_all([PastRecord(**told, source_number=f"{on}-{i}", on=on, facts={}) for i in range(n)])
    session.flush()


def test_surveys_count_a_month_each_and_the_month_that_goes_on_is_not_written_twice(bare, make):
    mechanism = make.mechanism(evidence_source=EvidenceSource.SURVEY, months=6)
    for on in (date(2025, 12, 31), date(2026, 3, 4), date(2026, 3, 20), date(2026, 7, 2), None, TODAY + timedelta(1)):
        survey(bare, on)

    assert interested.find_evidence(bare, mechanism, at=AT) == 2
    assert pieces(bare, mechanism) == [("2026-03", date(2026, 3, 20)), ("2026-07", date(2026, 7, 2))]
    assert (mechanism.last_on, mechanism.next_on) == (date(2026, 7, 2), date(2027, 1, 2))
    first = bare.scalars(select(Evidence).where(Evidence.source_key == "2026-03")).one()
    assert first.path == "/pastrecord/list/?kind=SURVEY&on=2026-03-01..2026-03-31"
    assert "2" in first.title

    survey(bare, date(2026, 7, 9), 3)
    assert interested.find_evidence(bare, mechanism, at=AT) == 0
    assert pieces(bare, mechanism)[-1] == ("2026-07", date(2026, 7, 9))
    assert mechanism.next_on == date(2027, 1, 9)
    assert "4" in bare.scalars(select(Evidence).where(Evidence.source_key == "2026-07")).one().title


def test_orders_count_once_they_are_done(bare, make):
    mechanism = make.mechanism(evidence_source=EvidenceSource.VISIT, months=1)
    account = make.account()
    told = {"organisation_id": 1, "kind": OrderKind.PRIOR_REVIEW, "account": account, "issued_on": date(2026, 5, 2)}
    done = {"status": OrderStatus.DONE, "done_on": date(2026, 5, 9), "result": {}}
    bare.add_all([FieldOrder(number="ORP-1", **told, **done), FieldOrder(number="ORP-2", **told)])
    bare.flush()

    assert interested.find_evidence(bare, mechanism, at=AT) == 1
    assert pieces(bare, mechanism) == [("2026-05", date(2026, 5, 9))]


def test_a_quotation_counts_when_it_was_followed_up_and_only_of_the_parties_of_the_group(bare, make):
    mechanism = make.mechanism(evidence_source=EvidenceSource.QUOTATION, months=1)
    ours, other = (make.quotation("SENT") for _n in range(2))
    for quotation, on in ((ours, date(2026, 6, 1)), (ours, date(2026, 6, 20)), (other, date(2026, 6, 5))):
        bare.add(QuotationFollowUp(quotation=quotation, on=on, note="Llamó"))
    bare.flush()
    assert {key for key, _on in found_by(bare, mechanism)} == {f"{ours.number} 2026-06", f"{other.number} 2026-06"}

    named = make.mechanism(evidence_source=EvidenceSource.QUOTATION, months=1)
    bare.add(PartyGroup(party_id=ours.party_id, group_id=named.group_id))
    bare.flush()
    assert found_by(bare, named) == [(f"{ours.number} 2026-06", date(2026, 6, 20))]


def found_by(session, mechanism) -> list[tuple[str | None, date]]:
    interested.find_evidence(session, mechanism, at=AT)
    return pieces(session, mechanism)


def test_a_verification_counts_on_the_day_on_which_the_manager_approved_it(bare, make):
    mechanism = make.mechanism(evidence_source=EvidenceSource.CONTRACT_REVIEW, months=12)
    contract, boss = make.contract(), make.user("Comercial")
    told = {"organisation_id": 1, "contract": contract, "period_from": BEGAN, "period_until": TODAY, "opened_on": BEGAN, "due_on": TODAY,
            "n_items": 1, "n_met": 1}  # fmt: skip
    late_evening = datetime.fromisoformat("2026-03-01T22:00-05:00")  # the next day already, by the clock of the server
    signed = {"signed_by": boss, "signed_at": late_evening}
    closed = {**signed, "status": ChecklistStatus.CLOSED, "approved_by": boss, "approved_at": late_evening}
    bare.add_all([
        Checklist(number="LVC-1", year=2026, **told, **closed),
        Checklist(number="LVC-2", year=2025, **told, **signed, status=ChecklistStatus.SUBMITTED),
    ])  # fmt: skip
    bare.flush()

    assert found_by(bare, mechanism) == [("LVC-1", date(2026, 3, 1))]
    assert mechanism.next_on == date(2027, 3, 1)


def test_a_kept_report_shows_every_follow_up_that_lives_of_reports(bare, make, app):
    monthly, quarterly = (make.mechanism(evidence_source=EvidenceSource.PQR_REPORT, months=n) for n in (1, 3))
    from app.operations.files import store_file

    assert interested.report_period(quarterly, TODAY) == (date(2026, 4, 1), date(2026, 6, 30))
    stored = store_file(bare, b"x", "R10-01-01.xlsx", "application/octet-stream")
    row = interested.keep_report(bare, monthly, "R10-01-01 2026-06..2026-06", "R10-01-01 de junio", stored, at=AT)
    assert (monthly.last_on, monthly.next_on) == (TODAY, date(2026, 8, 10))

    assert found_by(bare, quarterly) == [("R10-01-01 2026-06..2026-06", TODAY)]
    assert bare.scalars(select(Evidence).where(Evidence.mechanism_id == quarterly.id)).one().path == f"/evidence/file/{row.id}"
    assert interested.find_evidence(bare, monthly, at=AT) == 0
    assert row.file is stored and row.path == ""

    with pytest.raises(DomainError, match="kept already"):
        interested.keep_report(bare, monthly, "R10-01-01 2026-06..2026-06", "Otra vez", stored, at=AT)
    with pytest.raises(DomainError, match="not shown by a report"):
        interested.keep_report(bare, make.mechanism(), "x", "x", stored, at=AT)


def test_the_nightly_task_looks_through_all_that_is_followed_and_twice_finds_nothing_more(bare, make):
    task = next(each for each in TIMETABLE if each.name == "find_evidence")
    followed = make.mechanism(evidence_source=EvidenceSource.SURVEY)
    idle = make.mechanism(evidence_source=EvidenceSource.SURVEY, is_active=False)
    by_hand = make.mechanism()
    survey(bare, date(2026, 6, 1))

    assert list(task.run(bare, AT).values()) == [1]
    assert list(task.run(bare, AT).values()) == [0]
    assert [len(pieces(bare, each)) for each in (followed, idle, by_hand)] == [1, 0, 0]


# ── What is attached ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_attached_moves_the_next_date_and_older_evidence_does_not(bare, make, app):
    mechanism = make.mechanism(months=6)
    checked = check_upload("acta.txt", io.BytesIO(b"Acta 12"))
    row = interested.attach_evidence(bare, mechanism, Attached("Acta 12", date(2026, 5, 31), "", checked), at=AT)

    assert (mechanism.last_on, mechanism.next_on) == (date(2026, 5, 31), date(2026, 11, 30))
    assert row.source is EvidenceSource.ATTACHED and row.source_key is None
    with open_file(row.file) as content:
        assert content.read() == b"Acta 12"

    interested.attach_evidence(bare, mechanism, Attached("Acta 11", date(2025, 11, 30), "En la carpeta 4"), at=AT)
    assert mechanism.next_on == date(2026, 11, 30)

    row.on = date(2026, 6, 1)
    interested.correct_evidence(bare, row, at=AT)
    assert mechanism.next_on == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (Attached("Acta", TODAY + timedelta(1), "Nota"), "on"),
        (Attached("Acta", date(2001, 1, 1), "Nota"), "on"),
        (Attached("Acta", TODAY), "note"),
    ],
)
def test_evidence_of_the_future_of_another_age_or_of_nothing_is_refused_beside_its_field(bare, make, said, field):
    mechanism = make.mechanism()
    with pytest.raises(DomainError) as refused:
        interested.attach_evidence(bare, mechanism, said, at=AT)

    assert refused.value.field == field
    assert pieces(bare, mechanism) == []


def test_what_the_system_found_is_not_corrected_by_hand(bare, make):
    mechanism = make.mechanism(evidence_source=EvidenceSource.SURVEY)
    survey(bare, date(2026, 6, 1))
    interested.find_evidence(bare, mechanism, at=AT)
    row = bare.scalars(select(Evidence).where(Evidence.mechanism_id == mechanism.id)).one()

    with pytest.raises(DomainError, match="corrected where it was recorded"):
        interested.correct_evidence(bare, row, at=AT)


# ── Who is told ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_follows_is_told_two_weeks_before_and_once_it_is_overdue(bare, make):
    person = make.user("Calidad")
    mechanism = make.mechanism(months=6, responsible=person)  # due on 2026-07-01
    for rule in bare.scalars(select(ReminderRule).where(ReminderRule.source != "MECHANISM")):
        rule.is_active = False
    bare.flush()

    for on in ("2026-06-12", "2026-06-16", "2026-07-01", "2026-07-02"):
        reminders.remind(bare, datetime.fromisoformat(f"{on}T10:00-05:00"))
    told = bare.execute(select(ReminderRule.code, Reminder.user_id, Reminder.row_key).join(ReminderRule).order_by(Reminder.id)).all()
    mine = [(code, key) for code, user_id, key in told if user_id == person.id]
    assert mine == [("SEGUIMIENTO_PARTE", f"SPI-{mechanism.id}"), ("SEGUIMIENTO_PARTE_VENCIDO", f"SPI-{mechanism.id}")]

    interested.attach_evidence(bare, mechanism, Attached("Acta", date(2026, 7, 3), "Hecho"), at=AT)
    assert reminders.remind(bare, datetime.fromisoformat("2026-07-09T10:00-05:00")) == 0


# ── The matrix ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_says_who_needs_what_and_how_it_stands(bare, make):
    late, fine = make.mechanism(months=6), make.mechanism(months=12)
    interested.attach_evidence(bare, fine, Attached("Acta", date(2026, 6, 1), "Hecho"), at=AT)
    bare.add_all([
        Need(group=late.group, text="Agua apta", mechanism=late, position=2),
        Need(group=late.group, text="Respuesta a tiempo", mechanism=late, position=1, relevance=Relevance.LOW),
        Need(group=late.group, text="Visitas", position=3, quality=QualityKind.POTENTIAL),
        Need(group=late.group, text="De antes", position=0, is_active=False),
    ])  # fmt: skip
    bare.flush()

    lines = matrix(bare, Wanted(), TODAY)
    said = [(line.group, line.need and line.need.text, line.mechanism, line.standing) for line in lines]
    assert said == [
        (late.group, "Respuesta a tiempo", late, Standing.OVERDUE),
        (late.group, "Agua apta", late, Standing.OVERDUE),
        (late.group, "Visitas", None, None),
        (fine.group, None, fine, Standing.IN_TIME),
    ]
    assert lines[3].evidence.title == "Acta"
    assert [len(its) for _group, its in by_group(lines)] == [3, 1]
    sums = Sums.of(lines)
    assert (sums.n_groups, sums.n_needs, sums.n_unfollowed) == (2, 3, 1)
    assert (sums.standings[Standing.OVERDUE], sums.standings[Standing.IN_TIME]) == (1, 1)
    assert [line.need.text for line in matrix(bare, Wanted(relevance=Relevance.LOW), TODAY)] == ["Respuesta a tiempo"]
    assert [line.need.text for line in matrix(bare, Wanted(quality=QualityKind.POTENTIAL), TODAY)] == ["Visitas"]
    assert [line.mechanism for line in matrix(bare, Wanted(standing=Standing.IN_TIME), TODAY)] == [fine]
    assert len(matrix(bare, Wanted(group_id=late.group_id), TODAY)) == 3


def test_the_matrix_costs_the_same_statements_however_long_it_is(seeded):
    connection = seeded.connection()
    with statements_of(connection.engine) as statements:
        lines = matrix(seeded, Wanted(), TODAY)
        for line in lines:
            assert line.group.name and (line.mechanism is None or every_how_often(line.mechanism.months))

    assert len(lines) > 25
    assert len(statements) == 3, "\n".join(statements)


def test_the_shipped_matrix_follows_every_need_with_a_follow_up_of_its_group_and_is_counted_from_the_day_it_came(seeded):
    assert {group.code for group in seeded.scalars(select(InterestGroup))} >= {
        "CLIENTES", "USUARIOS", "COLABORADORES", "PROVEEDORES", "SSPD", "CRA", "SIC", "MUNICIPIO", "COMUNIDAD", "PROPIETARIOS",
    }  # fmt: skip
    needs = seeded.scalars(select(Need)).all()
    assert all(need.mechanism is not None and need.mechanism.group_id == need.group_id for need in needs)
    assert {need.quality for need in needs} == set(QualityKind)
    assert all(mechanism.last_on is None and mechanism.next_on > mechanism.starts_on for mechanism in seeded.scalars(select(Mechanism)))
    sources = set(seeded.scalars(select(Mechanism.evidence_source)))
    assert sources == set(EvidenceSource)


def test_what_the_house_made_of_the_matrix_is_left_alone_by_the_next_load(seeded):
    need = seeded.scalars(select(Need).order_by(Need.id)).first()
    need.text, n = "En nuestras palabras", seeded.scalar(select(func.count()).select_from(Need))
    mechanism = seeded.scalars(select(Mechanism).order_by(Mechanism.id)).first()
    mechanism.name, mechanism.months = "A nuestro modo", 2
    seeded.flush()
    load_seeds(seeded, AT)

    assert seeded.scalar(select(func.count()).select_from(Need)) == n
    assert need.text == "En nuestras palabras"
    assert seeded.scalar(select(func.count()).select_from(Mechanism).where(Mechanism.group_id == mechanism.group_id)) == 3
