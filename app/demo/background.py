"""What waits in the tray of the clerk of the demonstration: a file that is ready, and one that could not be read."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.audit import silently
from app.domain.states import JobStatus
from app.operations import work
from app.operations.files import store_file

READY = b"cuenta;nombre;motivo\n10023;Casa de la esquina;Tres lecturas iguales\n10871;Local 4;Sin lectura\n"
REFUSED = "La hoja «Cuentas» no tiene la columna «Número de cuenta». Agréguela y suba el archivo otra vez."


def leave_in_tray(session: Session, user_id: int, at: datetime) -> None:
    """Add two works that *user_id* asked for this morning, both over."""
    with silently(session):
        for minutes, title, error in ((95, "Revisión de cuentas-julio.xlsx", REFUSED), (40, "Cuentas por revisar", "")):
            begun = at - timedelta(minutes=minutes)
            asked = work.start(session, "demo", title, {}, user_id, begun)
            job = work.claim(session, begun, begun, asked.id)
            assert job is not None
            stored = None if error else store_file(session, READY, "cuentas-por-revisar.csv", "text/csv")
            status, result = (JobStatus.FAILED, "") if error else (JobStatus.DONE, "2 cuentas de 1.500 necesitan que alguien las mire.")
            facts = {"n_done": 1500, "n_total": 1500, "result": result}
            work.finish(session, job, status, begun + timedelta(minutes=1), error=error, result_file=stored, **facts)
    session.info.pop(work.HAS_WORK, None)
