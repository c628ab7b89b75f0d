"""
Eight cases made by hand on the calendar of 2026, whose every figure the tests of the PQR report write down.

    name     filed  routed to   solved answered notified         is
    whole    01/07  01/07 FAC   02/07  03/07    06/07            closed on the 8th with all its proofs, in time
    bare     01/06  02/06 FAC   10/06  11/06    12/06            notified in time, with nothing but the letter
    late     01/06  03/06 TEC   24/06  25/06                     1 day late; its silence was recognised
    later    02/06  03/06 FAC   30/06  02/07                     4 days late (29/06 is a holiday), without a letter
    silent   01/06                                               11 days late so far, at the desk
    foreign  01/07  02/07 TEC                                    in term, brought from a register of before
    voided   02/07                                               voided on the 3rd
    stopped  03/07  03/07 FAC                                    a QUEJA, taking evidence since the 6th; told by e-mail
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from app.domain.states import DocumentKind, MessageStatus, Outcome, Visibility
from app.models import Document, OutboxMessage, Rating, SuiCause
from app.operations import notices, silence
from app.operations import pqr as operations
from app.operations.files import store_file
from tests.factories import stop


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"2026-{day}T{hour:02}:00:00-05:00")


class Table:
    """Makes the cases, each a step a day."""

    def __init__(self, session: Any, make: Any) -> None:
        self.session, self.make = session, make
        self.cases: dict[str, Any] = {}

    def case(self, name: str, filed: str, routed: str = "", process: str = "", **fields: Any) -> Any:
        pqr = self.cases[name] = self.make.case(instant(filed), **fields)
        if routed:
            to = self.make.process({"FAC": "FACTURACION", "TEC": "TECNICA"}[process])
            operations.route(self.session, pqr, to, "Revisar", at=instant(routed, 11), actor_id=None)
        return pqr

    def answer(self, pqr: Any, solved: str, answered: str, notified: str = "", file: Any = None) -> None:
        operations.solve(self.session, pqr, "Se revisó", Outcome.GRANTED, at=instant(solved, 11), actor_id=None)
        operations.mark_answered(self.session, pqr, at=instant(answered, 11), actor_id=None)
        if notified:
            notices.record_notice(
                self.session, pqr, served_on=date.fromisoformat(f"2026-{notified}"), proof="La recibió", proof_file=file,
                at=instant(notified, 12), actor_id=None,
            )  # fmt: skip

    def document(self, pqr: Any, number: str, kind: DocumentKind) -> Document:
        file = store_file(self.session, f"%PDF-1.4 {number}".encode(), f"{number}.pdf", "application/pdf", pqr, Visibility.CITIZEN)
        document = Document(kind=kind, number=number, pqr=pqr, file=file, template="answer@1", data={}, issued_at=instant("07-03"))
        self.session.add(document)
        self.session.flush()
        return document

    def evidence(self, pqr: Any) -> Any:
        """Return a file that somebody of the staff put on the case."""
        file = store_file(self.session, b"%PDF-1.4 guia", "guia.pdf", "application/pdf", pqr)
        file.created_by_id = self.make.user("Auxiliar PQR").id
        return file

    def fill(self) -> dict[str, Any]:
        """Make the eight cases as they stand on 10 July 2026; return them by name."""
        self._answered()
        self.case("silent", "06-01")
        foreign = self.case("foreign", "07-01", "07-02", "TEC")
        foreign.source, foreign.source_number = "Libro de 2025", "17"
        operations.void(self.session, self.case("voided", "07-02"), "Repetida", at=instant("07-03"), actor_id=None)
        stopped = self.case("stopped", "07-03", "07-03", "FAC", request_type="QUEJA")
        stop(self.session, stopped, "Visita", "Auto 12", at=instant("07-06"))
        self._told(stopped)
        silence.arise(self.session, instant("07-10"))
        act = self.document(self.cases["late"], "SIL-2026-0001", DocumentKind.RECOGNITION)
        row = silence.in_force(self.session, self.cases["late"])
        silence.mark_recognised(self.session, row, "Se concede", act, at=instant("07-10"), actor_id=None)
        cause = self.session.scalars(select(SuiCause).order_by(SuiCause.id)).first()
        self.cases["bare"].cause = self.cases["later"].cause = cause
        self.session.flush()
        return self.cases

    def _answered(self) -> None:
        whole = self.case("whole", "07-01", "07-01", "FAC")
        self.answer(whole, "07-02", "07-03", "07-06", self.evidence(whole))
        operations.close(self.session, whole, waiver="Renunció por escrito", at=instant("07-08"), actor_id=None)
        self.document(whole, "REC-1", DocumentKind.RECEIPT)
        self.document(whole, "RES-2026-000001", DocumentKind.ANSWER)
        self.session.add(Rating(pqr_id=whole.id, rated_at=instant("07-09"), rated_on=date(2026, 7, 9), score=4, via="LINK"))
        bare = self.case("bare", "06-01", "06-02", "FAC")
        self.answer(bare, "06-10", "06-11", "06-12")
        self.document(bare, "RES-2026-000002", DocumentKind.ANSWER)
        self.answer(self.case("late", "06-01", "06-03", "TEC"), "06-24", "06-25")
        self.answer(self.case("later", "06-02", "06-03", "FAC"), "06-30", "07-02")

    def _told(self, pqr: Any) -> None:
        at = instant("07-03")
        message = OutboxMessage(
            key=f"filed:{pqr.number}", event="filed", to_address="ana@example.com", subject="Radicada", body="Radicada", pqr_id=pqr.id,
            status=MessageStatus.SENT, next_attempt_at=at, message_id=f"<{pqr.number}@x>", created_at=at, sent_at=at,
        )  # fmt: skip
        self.session.add(message)
