"""
The register of documented information that ships with the product; a document that the house has, by code or name, is never touched.

Before there was a register, codes of formats were Parameters (`form.<print>.code`): what the house wrote there goes into the register,
and the Parameters leave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.controlled import ControlledKind, EditionStatus, Phase
from app.models import (
    ControlledDocument,
    ControlledPrint,
    DocumentEdition,
    Parameter,
    Process,
    ProcessActivity,
    ProcessSheet,
    ProcessSheetRow,
)

#: Rows of the seed file of that name.
Reader = Callable[[str], list[dict[str, str]]]
SHEET_TEXTS = ("objective", "follow_up", "scope", "responsible", "resources", "interacts", "documents", "clauses", "requirements")


def load_register(session: Session, read: Reader, at: datetime) -> tuple[int, int]:
    """Store the shipped documents that the house lacks, with edition, prints and sheet; return how many are new, and were there."""
    rows = read("controlled_document")
    there = {text for pair in session.execute(select(ControlledDocument.code, ControlledDocument.name)) for text in pair}
    maker = _Maker(session, read, at)
    new = [row for row in rows if there.isdisjoint((row["code"], row["name"], maker.code_of(row["code"])))]
    for row in new:
        maker.make(row)
    session.flush()
    for parameter in maker.parameters.values():
        session.delete(parameter)
    session.flush()
    return len(new), len(rows) - len(new)


class _Maker:
    """The seed files, sorted by the document they belong to, and what the Parameters of before said of its print."""

    def __init__(self, session: Session, read: Reader, at: datetime) -> None:
        self.session, self.stamp = session, {"created_at": at, "changed_at": at}
        shipped = {row["code"] for row in read("controlled_document")}
        self.processes = {row.code: row for row in session.scalars(select(Process))}
        self.editions = {row["document"]: row for row in read("document_edition")}
        self.sheets = {row["document"]: row for row in read("process_sheet")}
        self.keys, self.rows, self.activities = (defaultdict(list) for _ in range(3))
        for row in read("controlled_print"):
            self.keys[row["document"]].append(row["key"])
        for row in read("process_sheet_row"):
            self.rows[row["document"]].append(row)
        for row in read("process_activity"):
            self.activities[row["document"], row["row"]].append(row)
        of_before = [f"form.{row['key']}.{what}" for row in read("controlled_print") for what in ("code", "name", "version")]
        self.parameters = {row.key: row for row in session.scalars(select(Parameter).where(Parameter.key.in_(of_before)))}
        self.printed = set(session.scalars(select(ControlledPrint.key)))
        for code, said in [(code, self.code_of(code)) for code in self.keys]:
            if said != code and said in shipped:  # its print carries the code of another document, which is the one in force then
                self.keys[said] += self.keys.pop(code)
                self.editions[said] = self.editions.pop(code)

    def _said(self, code: str, what: str) -> str:
        """Return what a Parameter of before says of the print of the shipped document *code*; nothing where there was none."""
        known = (self.parameters.get(f"form.{key}.{what}") for key in self.keys.get(code, ()))
        return next((row.value.strip() for row in known if row is not None and row.value.strip()), "")

    def code_of(self, code: str) -> str:
        """Return the code of the shipped document *code* in this house."""
        return self._said(code, "code") or code

    def make(self, row: dict[str, str]) -> None:
        """Store a document and what belongs to it."""
        code = row["code"]
        document = ControlledDocument(
            code=self.code_of(code), name=self._said(code, "name") or row["name"], kind=ControlledKind[row["kind"]], issuer=row["issuer"],
            process=self.processes.get(row["process"]), issued_on=date.fromisoformat(row["issued_on"]) if row["issued_on"] else None,
            place=row["place"], path=row["path"], confidence=row["confidence"], **self.stamp,
        )  # fmt: skip
        self.session.add(document)
        if (edition := self.editions.get(code)) is not None:
            on = date.fromisoformat(edition["changed_on"])
            self.session.add(
                DocumentEdition(document=document, version=self._said(code, "version") or edition["version"], changed_on=on, in_force_on=on,
                                change=edition["change"], status=EditionStatus.IN_FORCE, is_of_before=True, **self.stamp)
            )  # fmt: skip
        free = [key for key in self.keys.get(code, ()) if key not in self.printed]
        self.session.add_all(ControlledPrint(document=document, key=key, **self.stamp) for key in free)
        if (sheet := self.sheets.get(code)) is not None and sheet["process"] in self.processes:
            self._sheet(document, sheet)

    def _sheet(self, document: ControlledDocument, row: dict[str, str]) -> None:
        process = self.processes[row["process"]]
        sheet = ProcessSheet(document=document, process=process, **{name: row[name] for name in SHEET_TEXTS}, **self.stamp)
        self.session.add(sheet)
        for each in self.rows[row["document"]]:
            texts = {name: each[name] for name in ("supplier", "input", "output", "client")}
            line = ProcessSheetRow(sheet=sheet, position=int(each["position"]), phase=Phase[each["phase"]], **texts, **self.stamp)
            self.session.add(line)
            self.session.add_all(
                ProcessActivity(row=line, position=int(done["position"]), text=done["text"], path=done["path"], **self.stamp)
                for done in self.activities[row["document"], each["position"]]
            )
