"""Old logs become cases like any other: lists, R10-01-01, the clock, the search and the page of a case know no difference; and the tray."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

import app.importing.cases  # noqa: F401  registers the kind
from app import queries, search
from app.domain.errors import MoveRefused
from app.domain.states import Identity, Move, Outcome, PqrStatus, Visibility
from app.importing import cases as _kind  # noqa: F401  registers it
from app.importing import engine as importing
from app.importing.kinds import KINDS, Fate, Run
from app.importing.reading import open_book
from app.models import (
    Account,
    Assignment,
    CaseEvent,
    ChangeLog,
    ImportBatch,
    NumberSeries,
    OutboxMessage,
    Party,
    Pqr,
    Process,
    QualityIssue,
    StoredFile,
)
from app.operations import pastcases
from app.operations.calendar import differing
from app.operations.pqr import deadline_for, make_move
from app.queries import TimesFilter
from app.reports.response_times import HEADER, ResponseTimes

AT = datetime.fromisoformat("2026-07-10T10:00-05:00")
TODAY = AT.date()
TITLES = [column.title for column in HEADER]
CLOSED = {
    "Radicado": "2025-0042", "Fecha": "03/03/2025", "Tipo": "Reclamo por la factura", "Nombre": "Luz Marina Rojas", "Cédula": "52.345.678",
    "Área": "Facturación", "Fecha de traslado": "04/03/2025", "Fecha de solución": "14/03/2025", "Fecha de respuesta": "17/03/2025",
    "Sentido": "Accede", "Fecha de notificación": "19/03/2025", "Fecha límite": "25/03/2025", "Asunto": "Consumo alto",
    "Descripción": "Me cobran de más", "Solución": "Se corrigió la lectura",
}  # fmt: skip
OPEN = {
    "Radicado": "2026-0101", "Fecha": "01/07/2026", "Tipo": "Queja", "Nombre": "Pedro Gil", "Área": "Calidad", "Asunto": "Demoras",
}  # fmt: skip
_serial = count(1)


def sheet(*rows: dict[str, str]) -> io.BytesIO:
    """Return rows as the CSV of a house: semicolons, every column that some row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=";", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode("utf-8-sig"))


class Result:
    """What one passage of a file did."""

    def __init__(self, run: Run) -> None:
        self.run, self.fates, self.bad, self.doubts = run, [], [], []

    def n(self, fate: Fate) -> int:
        return self.fates.count(fate)

    @property
    def codes(self) -> list[str]:
        return [problem.code for row in self.bad for problem in row.problems]


@pytest.fixture
def bring(seeded):
    """bring(*rows, source=…, **options) → what the import of these rows did; each call is a batch of its own."""

    def run_through(*rows: dict[str, str], source: str = "Libro PQR 2025", is_dry: bool = False, **options: Any) -> Result:
        kind = KINDS["cases"]
        batch = None if is_dry else a_batch(seeded, source)
        run = Run(seeded, source, AT, None, batch.id if batch else None, is_dry, options)
        book = open_book(sheet(*rows))
        plan = importing.plan_of(book, kind)
        importing.check_mapping(kind, plan.mapping)
        importing.survey(book, plan)
        kind.begin(run)
        result = Result(run)
        for block in importing.read_rows(book, plan, run, importing.known_values(kind, kind.options(seeded), {})):
            take(kind, block, run, result)
        seeded.flush()
        return result

    return run_through


def a_batch(session, source: str) -> ImportBatch:
    key = f"past{next(_serial)}"
    file = StoredFile(storage_key=key, name="libro.csv", media_type="text/csv", n_bytes=1, sha256="0" * 64, visibility=Visibility.STAFF)
    session.add(file)
    session.flush()
    batch = ImportBatch(kind="cases", source=source, file_id=file.id, file_name="libro.csv")
    session.add(batch)
    session.flush()
    return batch


def take(kind, block, run, result) -> None:
    good = [row for row in block if not row.problems]
    if good:
        kind.settle(good, run)
    written = [row for row in good if not row.problems and row.fate in (Fate.NEW, Fate.CHANGED)]
    bad = [row for row in block if row.problems]
    if not run.is_dry:
        kind.write(written, run)
        kind.refused(bad, run)
    result.fates += [row.fate for row in good if not row.problems]
    result.bad += bad
    result.doubts += [doubt.code for row in written for doubt in row.doubts]


def one(session) -> Pqr:
    return session.scalars(select(Pqr)).one()


# ── A closed case ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finished_row_is_a_closed_case_with_its_whole_history(seeded, bring):
    result = bring(CLOSED)

    pqr = one(seeded)
    assert result.n(Fate.NEW) == 1 and not result.bad
    assert (pqr.number, pqr.source, pqr.source_number) == ("ANT-2025-000001", "Libro PQR 2025", "2025-0042")
    assert (pqr.status, pqr.outcome, pqr.answered_on, pqr.notified_on) == (
        PqrStatus.CLOSED, Outcome.GRANTED, date(2025, 3, 17), date(2025, 3, 19),
    )  # fmt: skip
    assert (pqr.due_on, pqr.source_due_on) == (date(2025, 3, 25), date(2025, 3, 25))
    assert [(event.move, event.on) for event in pqr.events] == [
        (Move.FILE, date(2025, 3, 3)), (Move.ROUTE, date(2025, 3, 4)), (Move.SOLVE, date(2025, 3, 14)),
        (Move.ISSUE_ANSWER, date(2025, 3, 17)), (Move.NOTIFY, date(2025, 3, 19)), (Move.CLOSE, pqr.closed_on),
    ]  # fmt: skip
    assert {event.act for event in pqr.events} == {f"IMP-{result.run.batch_id}"}
    assert "2025-0042" in pqr.events[0].reason
    assert (pqr.subject, pqr.body, pqr.solution) == ("Consumo alto", "Me cobran de más", "Se corrigió la lectura")


def test_the_baton_of_an_old_case_went_to_its_process_and_back_to_the_desk(seeded, bring):
    bring(CLOSED)

    lines = [(line.process.code, line.in_on, line.out_on) for line in one(seeded).assignments]
    closed_on = one(seeded).closed_on
    assert lines == [
        ("ATENCION", date(2025, 3, 3), date(2025, 3, 4)), ("FACTURACION", date(2025, 3, 4), date(2025, 3, 17)),
        ("ATENCION", date(2025, 3, 17), closed_on),
    ]  # fmt: skip


def test_r10_01_01_tells_an_old_case_like_any_other(seeded, bring):
    bring(CLOSED)

    calendar = queries.calendar_of(seeded, queries.organisation(seeded))
    report = ResponseTimes(seeded, TimesFilter(), calendar, TODAY, lambda statement: statement)
    (row,) = (dict(zip(TITLES, cells, strict=True)) for cells in report.rows())
    assert (row["Process"], row["First routed"], row["Solution"], row["Answer"], row["Notice"]) == (
        "Facturación", date(2025, 3, 4), date(2025, 3, 14), date(2025, 3, 17), date(2025, 3, 19),
    )  # fmt: skip
    assert [row[title] for title in TITLES[14:19]] == [1, 8, 1, 2, 10]
    assert (row["Legal due date"], row["In time"]) == (date(2025, 3, 25), True)
    assert row["Hand-overs"] == "04/03 Facturación; 17/03 Atención al cliente (PQR)"


# ── Open cases ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unanswered_row_is_open_in_its_process_and_its_clock_runs(seeded, bring):
    bring(OPEN)

    pqr = one(seeded)
    assert (pqr.status, pqr.process.code, pqr.due_on) == (PqrStatus.ROUTED, "CALIDAD", date(2026, 7, 24))
    assert [line.out_on for line in pqr.assignments] == [date(2026, 7, 1), None]
    assert deadline_for(seeded, pqr).due_on == pqr.due_on


def test_an_open_old_case_lives_on_here(seeded, bring):
    bring(OPEN)
    pqr = one(seeded)

    make_move(seeded, pqr, Move.SOLVE, at=AT, actor_id=None, solution="Se habló con ella", outcome=Outcome.GRANTED, solved_on=TODAY)

    assert pqr.status is PqrStatus.SOLVED


def test_no_stored_date_differs_from_the_derived_one(seeded, bring):
    bring(
        CLOSED, OPEN, OPEN | {"Radicado": "3", "Estado": "Desistida", "Fecha de cierre": "08/07/2026"},
        OPEN | {"Radicado": "4", "Estado": "Trasladada", "Fecha de cierre": "08/07/2026"},
        CLOSED | {"Radicado": "5", "Fecha de notificación": ""},
        CLOSED | {"Radicado": "6", "Fecha": "23/06/2026 18:45", "Fecha de traslado": "", "Fecha de solución": "",
                  "Fecha de respuesta": "07/07/2026", "Fecha de notificación": "08/07/2026", "Fecha límite": "10/08/2026"},
    )  # fmt: skip

    states = dict(seeded.execute(select(Pqr.source_number, Pqr.status)).all())
    assert list(states.values()) == [
        PqrStatus.CLOSED, PqrStatus.ROUTED, PqrStatus.WITHDRAWN, PqrStatus.TRANSFERRED, PqrStatus.ANSWERED, PqrStatus.NOTIFIED,
    ]  # fmt: skip
    assert differing(seeded, TODAY) == []


def test_silence_is_written_with_the_case_so_that_the_night_finds_nothing_to_tell(seeded, bring):
    from app.operations import silence

    bring(OPEN | {"Fecha": "02/03/2026", "Tipo": "Reclamo por la factura"})

    pqr = one(seeded)
    assert pqr.silence is not None and pqr.silence.arisen_on == date(2026, 3, 25)
    assert [event.move for event in pqr.events][-1] is Move.SILENCE
    assert silence.keep_up(seeded, AT) == 0


# ── What the log does not tell ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_without_notice_waits_or_takes_the_day_that_somebody_chose(seeded, bring):
    row = CLOSED | {"Fecha de notificación": ""}
    bring(row)
    bring(row | {"Radicado": "2025-0043"}, notice="ANSWER")

    waits, chosen = seeded.scalars(select(Pqr).order_by(Pqr.id))
    assert (waits.status, waits.notified_on) == (PqrStatus.ANSWERED, None)
    assert (chosen.status, chosen.notified_on) == (PqrStatus.CLOSED, date(2025, 3, 17))
    assert next(event.reason for event in chosen.events if event.move is Move.NOTIFY)


def test_nobody_and_nothing_told_is_an_anonymous_case_with_the_name_of_its_type(seeded, bring):
    bring({"Radicado": "1", "Fecha": "03/03/2025", "Tipo": "Queja", "Nombre": "Anónimo"})

    pqr = one(seeded)
    assert (pqr.identity, pqr.party_id, pqr.subject, pqr.channel.code) == (Identity.ANONYMOUS, None, "Queja", "NO_CONSTA")
    assert not pqr.channel.is_active


def test_columns_that_nobody_maps_stay_in_the_history(seeded, bring):
    bring(CLOSED | {"Folio del archivo": "F-77"})

    assert "Folio del archivo: F-77" in one(seeded).events[0].reason


# ── Who and which account ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_parties_are_found_by_document_and_by_name_before_they_are_made(seeded, bring, make):
    known = make.party(name="Luz Marina Rojas", document_number="52345678")

    bring(CLOSED, CLOSED | {"Radicado": "2"}, OPEN, OPEN | {"Radicado": "3", "Nombre": "PEDRO GIL"})

    parties = [pqr.party_id for pqr in seeded.scalars(select(Pqr).order_by(Pqr.id))]
    assert parties[:2] == [known.id, known.id] and parties[2] == parties[3]
    assert seeded.scalar(select(func.count()).select_from(Party)) == 2


def test_a_document_of_somebody_else_is_told(seeded, bring, make):
    make.party(name="Carlos Díaz", document_number="52345678")

    bring(CLOSED)

    assert one(seeded).party.name == "Carlos Díaz" and "Luz Marina Rojas" in one(seeded).events[0].reason


def test_accounts_are_found_by_number_and_unknown_ones_are_told(seeded, bring, make):
    account = make.account(number="104233")

    bring(CLOSED | {"Cuenta": "104233"}, CLOSED | {"Radicado": "2", "Cuenta": "999999"})

    first, second = seeded.scalars(select(Pqr).order_by(Pqr.id))
    assert (first.account_id, first.service_id) == (account.id, account.service_id)
    assert second.account_id is None and "999999" in second.events[0].reason


# ── Impossible rows ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_impossible_row_goes_to_the_tray_with_all_that_it_told_and_to_no_table_of_cases(seeded, bring):
    result = bring(CLOSED | {"Fecha de respuesta": "01/03/2025", "Folio": "7"}, OPEN)

    (issue,) = seeded.scalars(select(QualityIssue).where(QualityIssue.code == "ANSWERED_BEFORE_FILED"))
    assert (issue.import_id, issue.row_number, issue.source_number) == (result.run.batch_id, 2, "2025-0042")
    assert issue.facts["cells"]["answered_on"] == "01/03/2025" and issue.facts["rest"] == {"Folio": "7"}
    assert issue.fields == {"on": "01/03/2025", "earlier": "03/03/2025"}
    assert one(seeded).source_number == "2026-0101"


def test_an_unreadable_cell_goes_to_the_tray_too(seeded, bring):
    bring(CLOSED | {"Fecha de respuesta": "31/02/2025"}, CLOSED | {"Radicado": "2", "Tipo": "Xyz"})

    assert seeded.scalars(select(QualityIssue.code)).all() == ["UNREADABLE", "UNREADABLE"]
    assert seeded.scalar(select(func.count()).select_from(Pqr)) == 0


def test_a_number_with_other_facts_is_a_question_and_with_the_same_facts_the_same(seeded, bring):
    result = bring(CLOSED, CLOSED, CLOSED | {"Fecha de respuesta": "18/03/2025"})

    assert (result.n(Fate.NEW), result.n(Fate.SAME), result.codes) == (1, 1, ["REPEATED"])
    assert seeded.scalar(select(QualityIssue.fields)) == {"line": 2}


def test_a_second_import_changes_nothing(seeded, bring):
    rows = (CLOSED, OPEN, CLOSED | {"Radicado": "9", "Fecha de respuesta": "01/03/2025"})
    bring(*rows)
    again = bring(*rows)

    assert (again.n(Fate.NEW), again.n(Fate.SAME), len(again.bad)) == (0, 2, 1)
    assert seeded.scalar(select(func.count()).select_from(Pqr)) == 2
    assert seeded.scalar(select(func.count()).select_from(QualityIssue)) == 1


def test_a_known_number_with_other_facts_is_asked_and_the_case_stays(seeded, bring):
    bring(CLOSED)

    result = bring(CLOSED | {"Fecha de notificación": "20/03/2025"})

    assert result.codes == ["KNOWN_OTHERWISE"] and one(seeded).notified_on == date(2025, 3, 19)


def test_two_sources_may_use_one_number(seeded, bring):
    bring(CLOSED)
    bring(CLOSED, source="Libro PQR oficina 2")

    assert seeded.scalars(select(Pqr.number).order_by(Pqr.id)).all() == ["ANT-2025-000001", "ANT-2025-000002"]


def test_a_dry_run_writes_nothing_and_counts_the_same(seeded, bring):
    rows = (CLOSED, OPEN, CLOSED | {"Radicado": "9", "Fecha de respuesta": "01/03/2025"}, CLOSED)
    dry = bring(*rows, is_dry=True)

    assert seeded.scalar(select(func.count()).select_from(Pqr)) == 0
    assert seeded.scalar(select(func.count()).select_from(Party)) == 0
    wet = bring(*rows)
    assert (dry.fates, dry.codes, dry.run.totals) == (wet.fates, wet.codes, wet.run.totals)


# ── Silent, numbered, found ───────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_leaves_the_house_and_the_series_of_pqr_is_not_touched(seeded, bring):
    bring(CLOSED, OPEN)

    assert seeded.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    assert dict(seeded.execute(select(NumberSeries.year, NumberSeries.last).where(NumberSeries.prefix == "ANT")).all()) == {
        2025: 1, 2026: 1,
    }  # fmt: skip
    assert seeded.scalar(select(func.count()).select_from(NumberSeries).where(NumberSeries.prefix == "PQR")) == 0


def test_old_cases_and_their_parties_are_found_by_words(seeded, bring):
    bring(CLOSED)

    for words in ("rojas", "consumo", "52345678", "ANT-2025-000001"):
        found = seeded.scalars(select(Pqr).where(search.matching(Pqr, words))).all()
        assert [pqr.source_number for pqr in found] == ["2025-0042"], words
    assert seeded.scalars(select(Party.name).where(search.matching(Party, "luz rojas"))).all() == ["Luz Marina Rojas"]


def test_differences_of_due_dates_are_counted(seeded, bring):
    result = bring(CLOSED, CLOSED | {"Radicado": "2", "Fecha límite": "24/03/2025"}, OPEN)

    totals = result.run.totals
    assert (totals["With a due date of the log"], totals["With another due date than the law gives"]) == (2, 1)
    assert result.doubts == []  # there is a list of them
    assert "24/03/2025" in seeded.scalars(select(Pqr).where(Pqr.source_number == "2")).one().events[0].reason


# ── Taken back ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_import_is_taken_back_by_voiding_its_cases_and_the_log_may_come_again(seeded, bring):
    first = bring(CLOSED, OPEN, OPEN | {"Radicado": "3", "Estado": "Desistida", "Fecha de cierre": "08/07/2026"})

    n = pastcases.undo(seeded, first.run.source, first.run.batch_id, "Se importó el libro de otra oficina", at=AT, actor_id=None)

    seeded.expire_all()
    assert n == 3
    assert {pqr.status for pqr in seeded.scalars(select(Pqr))} == {PqrStatus.VOIDED}
    assert seeded.scalar(select(func.count()).select_from(Assignment).where(Assignment.out_at.is_(None))) == 0
    assert differing(seeded, TODAY) == []
    assert seeded.scalar(select(func.count()).select_from(ChangeLog).where(ChangeLog.reason.contains("otra oficina"))) == 3
    again = bring(CLOSED, OPEN)
    assert again.n(Fate.NEW) == 2
    numbers = seeded.scalars(select(Pqr.number).where(Pqr.source.is_not(None)).order_by(Pqr.id)).all()
    assert numbers == ["ANT-2025-000002", "ANT-2026-000003"]


def test_an_import_is_not_taken_back_once_something_happened_to_a_case(seeded, bring):
    first = bring(CLOSED, OPEN)
    pqr = seeded.scalars(select(Pqr).where(Pqr.status == PqrStatus.ROUTED)).one()
    other = seeded.scalars(select(Process).where(Process.code == "TECNICA")).one()
    make_move(seeded, pqr, Move.ROUTE, at=AT, actor_id=None, reason="Es de ellos", process=other)

    with pytest.raises(MoveRefused, match=pqr.number):
        pastcases.undo(seeded, first.run.source, first.run.batch_id, "Se importó el libro de otra oficina", at=AT, actor_id=None)
    with pytest.raises(MoveRefused, match="reason"):
        pastcases.undo(seeded, first.run.source, first.run.batch_id, "no", at=AT, actor_id=None)


def test_an_account_page_and_a_history_have_no_change_log_of_the_import(seeded, bring, make):
    make.account(number="104233")
    bring(CLOSED | {"Cuenta": "104233"})

    assert seeded.scalar(select(func.count()).select_from(Account)) == 1
    assert seeded.scalar(select(func.count()).select_from(ChangeLog).where(ChangeLog.table_name == "pqr")) == 0
    assert seeded.scalar(select(func.count()).select_from(CaseEvent)) == 6
