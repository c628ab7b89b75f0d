"""Cases for the claims file of the SUI, each as a line says it: what it is, when it was filed, what became of it. Dates are local."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from app.domain.appeals import AppealedAct
from app.domain.states import (
    AnswerStatus,
    AppealKind,
    DocumentKind,
    NoticeMeans,
    NoticeResult,
    Outcome,
    PqrStatus,
)
from app.models import Answer, Appeal, Document, Notice, Pqr, Service, StoredFile, SuiCause

_serial = itertools.count(1)
_ENDINGS = {
    PqrStatus.TRANSFERRED: DocumentKind.TRANSFER, PqrStatus.WITHDRAWN: DocumentKind.WITHDRAWAL, PqrStatus.ARCHIVED: DocumentKind.ARCHIVE,
}  # fmt: skip


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


class Claims:
    """Makes cases of one service in one session, with the columns that the file reads."""

    def __init__(self, session: Any, make: Any, service: str = "ACUEDUCTO") -> None:
        self.session, self.make = session, make
        self.service = session.scalars(select(Service).where(Service.code == service)).one()

    def cause(self, code: str) -> SuiCause:
        return self.session.scalars(select(SuiCause).where(SuiCause.code == code, SuiCause.service_id == self.service.id)).one()

    def account(self, number: str, place: str = "11001", **columns: Any) -> Any:
        return self.make.account(number=number, municipality_code=place, service=self.service, **columns)

    def case(
        self, filed: str, type: str = "RECLAMO", cause: str | None = "102", *, account: Any = None, invoice: str | None = None,
        due: str | None = None, answered: str | None = None, outcome: Outcome | None = Outcome.DENIED, number: str | None = None,
        served: str | None = None, means: NoticeMeans = NoticeMeans.IN_PERSON, ended: tuple[PqrStatus, str, str] | None = None,
        source: str | None = None, appeal: tuple[AppealKind, Pqr, str | None] | None = None, service: Any = "its", **columns: Any,
    ) -> Pqr:  # fmt: skip
        """Return a case; `due` overrules its term, `ended` is (state, day, number of the act), `appeal` is (kind, against, sent on)."""
        pqr = self.make.case(
            at=instant(filed), request_type=type, service=self.service if service == "its" else service, account=account,
            cause=self.cause(cause) if cause else None, invoice_number=invoice, regime=self._regime(type),
        )  # fmt: skip
        if due:
            pqr.due_on = pqr.safe_on = date.fromisoformat(due)
        if source:
            pqr.source, pqr.source_number = "Registro anterior", source
        if answered:
            self._answer(pqr, answered, outcome, number, served, means)
        if ended:
            self._end(pqr, *ended)
        if appeal:
            kind, first, sent = appeal
            told = {"sspd_proof": "Guía 1"} if sent else {}
            self.session.add(Appeal(pqr=pqr, against=first, kind=kind, is_timely=True, is_admitted=False, act=AppealedAct.INVOICING,
                                    sspd_sent_on=day(sent), **told))  # fmt: skip
        for name, value in columns.items():
            setattr(pqr, name, value)
        self.session.flush()
        return pqr

    def _regime(self, type: str) -> Any:
        from app.domain.deadlines import Regime

        return Regime.LEY142 if type.startswith("RECURSO") else None

    def answer(self, pqr: Pqr, answered: str, outcome: Outcome, number: str | None, served: str | None = None,
               means: NoticeMeans = NoticeMeans.IN_PERSON) -> None:  # fmt: skip
        """Answer an open case afterwards."""
        self._answer(pqr, answered, outcome, number, served, means)
        self.session.flush()

    def _answer(self, pqr: Pqr, on: str, outcome: Outcome | None, number: str | None, served: str | None, means: NoticeMeans) -> None:
        pqr.status, pqr.answered_on, pqr.solved_on, pqr.outcome = PqrStatus.ANSWERED, day(on), day(on), outcome
        if number:
            self.session.add(Answer(pqr=pqr, status=AnswerStatus.ISSUED, body="Respuesta", number=number, issued_on=day(on),
                                    document=self._document(pqr, DocumentKind.ANSWER, number, on)))  # fmt: skip
        if served:
            self.serve(pqr, served, means)

    def serve(self, pqr: Pqr, on: str, means: NoticeMeans = NoticeMeans.IN_PERSON) -> None:
        """Record that the answer was served, however early its record."""
        told: dict[str, Any] = {"proof": "Recibió Luz, CC 52"}
        if means is NoticeMeans.E_LINK:
            told = {"token": f"t{next(_serial)}", "address": "luz@example.com", "opened_at": instant(on)}
        elif means is NoticeMeans.AVISO_POSTED:
            told |= {"posted_on": pqr.answered_on, "unposted_on": day(on), "posted_where": "Cartelera"}
        self.session.add(Notice(pqr=pqr, means=means, result=NoticeResult.DELIVERED, sent_at=instant(on), served_on=day(on), **told))
        pqr.status, pqr.notified_on = PqrStatus.NOTIFIED, day(on)
        self.session.flush()

    def _end(self, pqr: Pqr, status: PqrStatus, on: str, number: str) -> None:
        pqr.status, pqr.closed_on = status, day(on)
        if status is not PqrStatus.TRANSFERRED:
            pqr.due_on = pqr.safe_on = None
        if number:
            self.session.add(self._document(pqr, _ENDINGS[status], number, on))

    def _document(self, pqr: Pqr, kind: DocumentKind, number: str, on: str) -> Document:
        key = f"prueba/{next(_serial)}"
        file = StoredFile(storage_key=key, name="x.pdf", media_type="application/pdf", n_bytes=1, sha256="0" * 64)
        return Document(kind=kind, number=number, pqr=pqr, file=file, template="t@1", data={}, issued_at=instant(on))


def void(pqr: Pqr, on: str) -> None:
    pqr.status, pqr.closed_on = PqrStatus.VOIDED, day(on)

