"""Things that the billing system is told of, stored as they stand once they are ripe: without the papers that the operations make."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from app import queries
from app.domain.states import (
    AnswerStatus,
    ChangeStatus,
    DocumentKind,
    FinancingStatus,
    OrderKind,
    OrderStatus,
    Outcome,
    PqrStatus,
)
from app.extensions import now
from app.models import Answer, Document, FieldOrder, Financing, Instalment, InvoiceChange, InvoiceChangeLine, StoredFile

ON = date(2026, 7, 8)
_n = count(1)


class Ripe:
    """Makes ripe things in one session; keywords change their columns."""

    def __init__(self, session: Any, make: Any) -> None:
        self.session, self.make = session, make
        self.writer, self.boss = make.user("Auxiliar PQR"), make.user("Subgerente administrativo y comercial")
        self.account = make.account(number="77001")

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def document(self, kind: DocumentKind, number: str) -> Document:
        file = StoredFile(storage_key=f"none/{kind.name}{next(_n)}", name="a.pdf", media_type="application/pdf", n_bytes=1, sha256="0" * 64)
        return Document(kind=kind, number=f"{number}-{next(_n)}", file=self._add(file), template="act@1", data={}, issued_at=now())

    def _of(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"organisation": queries.organisation(self.session), "account": self.account, **fields}

    def solution(self, outcome: Outcome = Outcome.GRANTED, **fields: Any) -> Any:
        """Return a case with its answer issued."""
        pqr = self.make.case(at="2026-07-06T09:00-05:00", **{"account": self.account, **fields})
        number = f"RES-2026-{900000 + pqr.id}"
        document = self._add(self.document(DocumentKind.ANSWER, number))
        self._add(Answer(pqr=pqr, body="Se accede", status=AnswerStatus.ISSUED, number=number, issued_on=ON, document=document))
        pqr.status, pqr.outcome, pqr.answered_on, pqr.solved_on = PqrStatus.ANSWERED, outcome, ON, ON
        pqr.solution = "Se promedia.\nDos renglones."
        self.session.flush()
        return pqr

    def change(self, pqr: Any = None, **fields: Any) -> InvoiceChange:
        """Return an authorised change of two concepts."""
        n = next(_n)
        lines = [InvoiceChangeLine(position=1, concept="Consumo", before_cop=120_000, after_cop=80_000),
                 InvoiceChangeLine(position=2, concept="Subsidio", before_cop=-12_000, after_cop=-8_000)]  # fmt: skip
        authorised = {
            "status": ChangeStatus.AUTHORISED, "authorised_by_id": self.boss.id, "authorised_on": ON, "created_by_id": self.writer.id,
            "document": self._add(self.document(DocumentKind.INVOICE_CHANGE, f"D-CF-{n}")),
        }  # fmt: skip
        return self._add(
            InvoiceChange(**self._of({"number": f"CF-2026-{n:06}", "pqr": pqr, "invoice_number": f"F-{n}", "period": "2026-06",
                                      "reason": "Una razón\nen dos renglones", "lines": lines, **authorised, **fields}))
        )  # fmt: skip

    def financing(self, pqr: Any = None, **fields: Any) -> Financing:
        """Return a signed order of two instalments."""
        n = next(_n)
        order = Financing(**self._of({
            "number": f"FIN-2026-{n:06}", "pqr": pqr, "party": self.make.party(), "concept": "Consumos", "debt_cop": 120_000,
            "down_cop": 20_000, "n_instalments": 2, "monthly_rate": Decimal("0.015"), "agreed_on": ON, "first_due_on": date(2026, 8, 31),
            "status": FinancingStatus.PROPOSED, "created_by_id": self.writer.id, **fields,
        }))  # fmt: skip
        self._add(order)
        for number, balance in ((1, 50_000), (2, 0)):
            self._add(Instalment(financing=order, n=number, due_on=date(2026, 7 + number, 28), principal_cop=50_000, interest_cop=750,
                                 payment_cop=50_750, balance_cop=balance))  # fmt: skip
        order.status, order.signed_on, order.proof = FinancingStatus.SIGNED, ON, "Firmó"
        self.session.flush()
        return order

    def order(self, kind: OrderKind = OrderKind.RECONNECTION, **fields: Any) -> FieldOrder:
        """Return a done acta."""
        n = next(_n)
        asked = {"cause": "PAID", "cause_on": "2026-07-07", "cause_at": "08:00"}
        result = {"done_at": "14:05", "reading": "88.5", "seal_removed": "S-77", "works": True}
        return self._add(
            FieldOrder(**self._of({
                "kind": kind, "number": f"AR-2026-{n:06}", "status": OrderStatus.DONE, "issued_on": ON, "done_on": ON, "asked": asked,
                "result": result, **fields,
            }))
        )  # fmt: skip
