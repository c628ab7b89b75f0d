"""The tray of quality: a row as it came, its correction, and that nothing of it reaches a report before."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from sqlalchemy import func, select

from app import queries
from app.domain.states import ImportStatus, IssueStatus, PqrStatus
from app.importing import runs
from app.importing.registry import kind_named
from app.models import Pqr, QualityIssue
from app.operations.files import hold_upload
from app.queries import TimesFilter
from app.security import ADMIN

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
LOG = "Radicado;Fecha;Tipo;Fecha de respuesta;Sentido\n18;02/07/2026;Queja;01/07/2026;Accede\n"


@pytest.fixture
def issue(seeded) -> QualityIssue:
    """The one question that an old log left in the tray."""
    held = hold_upload("libro.csv", BytesIO(LOG.encode()), "text/csv", most=1000)
    batch = runs.receive(seeded, kind_named("cases"), "Libro 2026", held, AT)
    batch.status = ImportStatus.RUNNING
    runs.bring_in(seeded, batch, AT, None)
    return seeded.scalars(select(QualityIssue)).one()


@pytest.fixture
def desk(issue, sign_in):
    """The browser of an administrator."""
    return sign_in(ADMIN)


def cells(**changed: str) -> dict[str, str]:
    told = {"number": "18", "filed": "02/07/2026", "request_type": "Queja", "answered_on": "01/07/2026", "outcome": "Accede", **changed}
    return {f"cell_{name}": text for name, text in told.items()}


def n_brought(session) -> int:
    return session.scalar(select(func.count()).select_from(Pqr).where(Pqr.source.is_not(None)))


def test_the_tray_shows_what_is_wrong_and_the_row_as_it_came(issue, desk):
    listed, page = desk.get("/quality/list/").get_data(as_text=True), desk.get(f"/quality/show/{issue.id}").get_data(as_text=True)

    assert "It was answered on 01/07/2026, before it was filed on 02/07/2026." in listed
    assert "Queja" in page and "Libro 2026" in page and "Answered before filed" in page


def test_nothing_of_the_tray_is_a_case(seeded, issue, desk):
    lines = seeded.execute(queries.response_time_lines(TimesFilter(), AT.date())).all()

    assert (n_brought(seeded), lines) == (0, [])
    listed = desk.get("/pqr/")
    assert listed.status_code == 200 and "ANT-" not in listed.get_data(as_text=True)


def test_a_corrected_row_becomes_a_case_and_the_tray_says_which(seeded, issue, desk):
    shown = desk.get(f"/quality/correct/{issue.id}").get_data(as_text=True)
    answer = desk.post(f"/quality/correct/{issue.id}", data=cells(answered_on="09/07/2026", notified_on="10/07/2026"))

    seeded.expire_all()
    pqr = seeded.scalars(select(Pqr).where(Pqr.source == "Libro 2026")).one()
    assert 'value="01/07/2026"' in shown
    assert answer.status_code == 302 and answer.headers["Location"].endswith(pqr.number)
    assert (pqr.source_number, pqr.status, pqr.number) == ("18", PqrStatus.NOTIFIED, "ANT-2026-000001")
    assert (issue.status, issue.pqr_id, issue.settled_by_id) == (IssueStatus.SETTLED, pqr.id, desk.user_id)
    assert "answered_on: 01/07/2026 → 09/07/2026" in issue.why
    assert desk.get(f"/pqr/{pqr.number}").status_code == 200


def test_a_correction_that_is_wrong_too_is_told_beside_its_cell_and_kept(seeded, issue, desk):
    answer = desk.post(f"/quality/correct/{issue.id}", data=cells(answered_on="30/06/2026", filed="algún día"))

    page = answer.get_data(as_text=True)
    seeded.expire_all()
    assert answer.status_code == 422 and "algún día" in page and "30/06/2026" in page
    assert (issue.status, n_brought(seeded)) == (IssueStatus.OPEN, 0)


def test_the_rule_that_still_refuses_is_told_beside_the_cell(seeded, issue, desk):
    page = desk.post(f"/quality/correct/{issue.id}", data=cells(answered_on="30/06/2026")).get_data(as_text=True)

    assert "It was answered on 30/06/2026, before it was filed on 02/07/2026." in page


@pytest.mark.parametrize(("name", "status"), [("settle", IssueStatus.SETTLED), ("ignore", IssueStatus.IGNORED)])
def test_a_row_is_settled_or_ignored_with_a_reason(seeded, issue, desk, name, status):
    short = desk.post(f"/quality/decide/{issue.id}/{name}", data={"reason": "no"})
    done = desk.post(f"/quality/decide/{issue.id}/{name}", data={"reason": "El papel se perdió en la mudanza"})

    seeded.expire_all()
    assert (short.status_code, done.status_code) == (422, 302)
    assert (issue.status, issue.why) == (status, "El papel se perdió en la mudanza")
    assert desk.get(f"/quality/correct/{issue.id}").status_code == 302


def test_many_rows_are_settled_at_once(seeded, issue, desk):
    page = desk.post("/quality/bulk/ignore", data={"row": str(issue.id)}).get_data(as_text=True)
    seal = page.split('name="sure" value="')[1].split('"')[0]

    desk.post("/quality/bulk/ignore", data={"row": str(issue.id), "sure": seal, "reason": "Son filas de prueba del libro"})

    seeded.expire_all()
    assert issue.status is IssueStatus.IGNORED


def test_due_dates_that_differ_are_listed_with_their_days_and_taken_as_a_file(issue, desk):
    desk.post(f"/quality/correct/{issue.id}", data=cells(answered_on="", outcome="", due_on="01/08/2026"))

    page = desk.get("/due-differences/list/").get_data(as_text=True)
    file = desk.get("/due-differences/export/csv").get_data(as_text=True)

    assert "ANT-2026-000001" in page and "+5" in page
    assert "ANT-2026-000001" in file and "5" in file


def test_an_import_is_taken_back_with_a_reason_and_then_no_more(seeded, issue, desk):
    desk.post(f"/quality/correct/{issue.id}", data=cells(answered_on="09/07/2026"))
    shown = desk.get(f"/imports/show/{issue.import_id}").get_data(as_text=True)

    short = desk.post(f"/quality/undo/{issue.import_id}", data={"reason": "no"})
    done = desk.post(f"/quality/undo/{issue.import_id}", data={"reason": "Era el libro de otra oficina"})
    again = desk.post(f"/quality/undo/{issue.import_id}", data={"reason": "Era el libro de otra oficina"})

    seeded.expire_all()
    assert f"/quality/undo/{issue.import_id}" in shown and "Libro+2026" in shown
    assert (short.status_code, done.status_code, again.status_code) == (422, 302, 422)
    assert seeded.scalars(select(Pqr.status)).all() == [PqrStatus.VOIDED]
    assert issue.batch.status is ImportStatus.UNDONE and "otra oficina" in issue.batch.detail
    assert desk.get("/quality/undo/999999").status_code == 404
