"""The pages of everyday on cases of an old log: nothing there knows where a case comes from."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from sqlalchemy import func, select

from app.documents import expediente
from app.domain.states import AppealKind, ImportStatus, Outcome, PqrStatus
from app.importing import runs
from app.importing.registry import kind_named
from app.models import ImportBatch, OutboxMessage, Pqr
from app.operations import appeals, notices, silence
from app.operations.files import hold_upload
from app.security import ADMIN, AUXILIAR

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
HEADER = (
    "Radicado;Fecha;Tipo;Nombre;Cédula;Cuenta;Área;Fecha de traslado;Fecha de respuesta;Sentido;Fecha de notificación;Estado;"
    "Fecha de cierre"
)
LOG = f"""{HEADER}
1;03/03/2025;Reclamo por la factura;Luz Rojas;52345678;104233;Facturación;04/03/2025;17/03/2025;Accede;19/03/2025;;
2;01/07/2026;Queja;Pedro Gil;;;Calidad;;;;;;
3;03/03/2025;Reclamo por la factura;Luz Rojas;52345678;104233;Facturación;04/03/2025;17/03/2025;No accede;;;
4;02/03/2026;Reclamo por la factura;;;;Facturación;;;;;;
5;04/05/2026;Petición;Ana Díaz;;;;;;;;Desistida;01/06/2026
6;22/06/2026;Reclamo por la factura;Ana Díaz;;;Facturación;23/06/2026;08/07/2026;No accede;09/07/2026;;
"""


@pytest.fixture
def old(seeded, make):
    """The cases of the log by their number there: closed, open, answered, in silence, withdrawn, notified."""
    make.account(number="104233")
    held = hold_upload("libro.csv", BytesIO(LOG.encode()), "text/csv", most=10_000)
    batch = runs.receive(seeded, kind_named("cases"), "Libro viejo", held, AT)
    batch.status = ImportStatus.RUNNING
    tally = runs.bring_in(seeded, batch, AT, None)
    assert (tally.n_new, tally.n_bad) == (6, 0)
    return {pqr.source_number: pqr for pqr in seeded.scalars(select(Pqr).where(Pqr.source == "Libro viejo"))}


def test_each_state_is_as_the_log_and_the_law_say(old):
    status = PqrStatus
    assert [old[n].status for n in "123456"] == [
        status.CLOSED, status.ROUTED, status.ANSWERED, status.ROUTED, status.WITHDRAWN, status.NOTIFIED,
    ]  # fmt: skip


def test_the_page_of_each_case_opens_and_tells_where_it_comes_from(old, sign_in):
    desk = sign_in(AUXILIAR)

    for pqr in old.values():
        answer = desk.get(f"/pqr/{pqr.number}")
        assert answer.status_code == 200, pqr.source_number
        assert "Libro viejo" in answer.get_data(as_text=True)


def test_lists_reports_charts_parties_and_the_first_page_open(old, sign_in):
    boss = sign_in(ADMIN)

    listed = boss.get("/pqr/?q=ANT-2025").get_data(as_text=True)
    party = old["1"].party_id
    assert "ANT-2025-000001" in listed and "ANT-2025-000002" in listed
    assert "ANT-2025" in boss.get(f"/party/show/{party}").get_data(as_text=True)
    reports = ("/reports/response-times/", "/charts/cases/", "/due-differences/list/")
    for url in ("/", "/pqr/?status=ROUTED", *reports, f"/account/show/{old['1'].account_id}"):
        assert boss.get(url).status_code == 200, url


def test_the_clock_has_nothing_to_put_right(old, seeded, app):
    seeded.commit()

    result = app.test_cli_runner().invoke(args=["atiende", "recompute", "--dry-run"])

    assert result.exit_code == 0, result.output


def test_the_night_sends_nothing_about_what_was_brought_in(old, seeded):
    assert notices.serve_due(seeded, AT) == 0
    assert appeals.close_final(seeded, AT) == 0
    assert silence.keep_up(seeded, AT) == 0
    assert seeded.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_an_old_answer_is_appealed_here_and_its_file_is_bound(old, seeded):
    first = old["6"]
    filing = appeals.filing_against(seeded, first, AppealKind.REPOSICION_APELACION, first.channel, "No estoy de acuerdo.")

    child = appeals.file_appeal(seeded, filing, appeals.Brief(AppealKind.REPOSICION_APELACION), at=AT)

    assert (first.status, child.appeal.is_timely) == (PqrStatus.APPEALED, True)
    with seeded.no_autoflush:  # as after its decision, whose way is the same for all recursos
        child.outcome, child.answered_on, child.notified_on = Outcome.CONFIRMED, AT.date(), AT.date()
        with expediente.build(seeded, child, AT) as built:
            assert built.n_folios > 2


def test_somebody_uploads_a_log_says_what_is_asked_and_sees_what_came_of_it(seeded, sign_in):
    desk = sign_in(ADMIN)
    sent = desk.post("/imports/add", data={"kind": "cases", "source": "Libro viejo", "file": (BytesIO(LOG.encode()), "libro.csv")})
    batch_id = int(sent.headers["Location"].rstrip("/").split("/")[-1])

    page = desk.get(f"/imports/mapping/{batch_id}").get_data(as_text=True)
    assert 'name="ask-notice"' in page and 'name="ask-outcome"' in page
    batch = seeded.get_one(ImportBatch, batch_id)
    batch.status, batch.options = ImportStatus.RUNNING, {"notice": "ANSWER"}
    runs.bring_in(seeded, batch, AT, desk.user_id)

    shown = desk.get(f"/imports/show/{batch_id}").get_data(as_text=True)
    assert "With positive silence" in shown and f"/quality/undo/{batch_id}" in shown
    assert seeded.scalars(select(Pqr).where(Pqr.source_number == "3")).one().status is PqrStatus.CLOSED
