"""Documented information: the register of controlled documents, their editions, and process sheets (ISO 9001:2015, 4.4 and 7.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum

from app.domain import N_
from app.domain.errors import DomainError


class ControlledKind(Enum):
    """What a controlled document is."""

    PROCEDURE = N_("Documented procedure")
    CHARACTERISATION = N_("Process characterisation")
    RECORD = N_("Record")
    FORMAT = N_("Format")
    MANUAL = N_("Manual or policy")
    EXTERNAL = N_("Document of others")


class EditionStatus(Enum):
    DRAFT = N_("Draft")
    IN_FORCE = N_("In force now")
    RETIRED = N_("Replaced")


class Phase(Enum):
    """The cycle PHVA."""

    PLAN = N_("Plan")
    DO = N_("Do")
    CHECK = N_("Check")
    ACT = N_("Act and improve")


#: The letter of each part of the cycle, as Colombian characterisations write them.
LETTERS = {Phase.PLAN: "P", Phase.DO: "H", Phase.CHECK: "V", Phase.ACT: "A"}

#: Everything that the system prints or writes to Excel and that may carry the code of a controlled document, by its key.
PRINTS = {
    "response_times": N_("Control of response times"),
    "work_order": N_("Work order"),
    "prior_review": N_("Order of prior review"),
    "suspension": N_("Record of suspension"),
    "cut": N_("Record of cut"),
    "reinstallation": N_("Record of reinstallation"),
    "reconnection": N_("Record of reconnection"),
    "financing": N_("Order of financing"),
    "invoice_change": N_("Changes in the invoice"),
    "quotation": N_("Quotation"),
    "checklist": N_("Verification checklist of a contract"),
    "compliance_matrix": N_("Matrix of compliance of a contract"),
    "compliance": N_("Report of compliance of contracts"),
    "interested": N_("Matrix of interested parties"),
    "survey_report": N_("Report of a survey"),
    "action": N_("An action, with its analysis and plan"),
    "nonconformity": N_("A non-conforming output"),
    "risk_map": N_("Risk map"),
    "risks": N_("List of risks"),
    "legal_matrix": N_("Legal matrix"),
    "indicator": N_("Sheet of an indicator"),
    "indicators": N_("Board of indicators"),
    "documents": N_("Master list of documented information"),
    "management_review": N_("Minutes of a management review"),
    "audit_pack": N_("Audit pack"),
    "pqr_report": N_("PQR report"),
    "behaviour": N_("Behaviour of the cases"),
    "notices": N_("Notices of answers"),
    "orders": N_("Orders and actas of field work"),
    "money": N_("Financing and invoice changes"),
    "actions": N_("Actions and their effect"),
    "interruptions": N_("Interruptions of the service"),
    "transparency": N_("Requests for public information (Ley 1712)"),
}


@dataclass(frozen=True, slots=True)
class PrintHead:
    """What a print says of the controlled document that it fills: of the edition in force on the day of issue."""

    code: str
    name: str
    version: str
    changed_on: date
    issued_on: date | None
    issuer: str


MAX_VERSION = 12
_LAST_NUMBER = re.compile(r"\d+(?!.*\d)")


def next_version(versions: list[str]) -> str:
    """Return what the edition after the last of *versions* is called: 2 after 1, 3.2 after 3.1; 1 for the first."""
    last = versions[-1] if versions else "0"
    found = _LAST_NUMBER.search(last)
    if found is None:
        return f"{last[: MAX_VERSION - 2]}-2"
    return f"{last[: found.start()]}{int(found[0]) + 1:0{len(found[0])}}{last[found.end() :]}"[:MAX_VERSION]


def check_path(path: str) -> str:
    """
    Return the address of a page of the system, without spaces around; empty for none.

    Raises:
        DomainError: It is no address inside the system: a link in the register may lead nowhere else.
    """
    path = path.strip()
    if path and (not path.startswith("/") or path.startswith("//") or "\\" in path or re.search(r"\s", path)):
        raise DomainError(N_("Write the address of a page of this system, from its first slash: /pqr/ for example."), field="path")
    return path


def check_version(version: str, taken: list[str]) -> str:
    """
    Return how an edition is called, without spaces around.

    Raises:
        DomainError: It has no name, a longer one than the head of a format holds, or that of an earlier edition.
    """
    version = version.strip()
    if not version:
        raise DomainError(N_("Write the version."), field="version")
    if len(version) > MAX_VERSION:
        raise DomainError(N_("A version has at most %(most)s letters and digits."), field="version", most=MAX_VERSION)
    if version.casefold() in (each.casefold() for each in taken):
        raise DomainError(N_("There is a version %(version)s of this document already."), field="version", version=version)
    return version


# ── Process sheets ────────────────────────────────────────────────────────────────────────────────────────────────────────

MAX_ROWS, MAX_ACTIVITIES = 40, 12


@dataclass(frozen=True, slots=True)
class RowTexts:
    """A row of the cycle as somebody wrote it: who gives what, what is done with it (text, and page of the system), who receives what."""

    phase: Phase
    supplier: str
    input: str
    output: str
    client: str
    activities: tuple[tuple[str, str], ...]


def check_row(row: RowTexts) -> RowTexts:
    """
    Return *row* in order: activities without text left out, addresses checked.

    Raises:
        DomainError: It says nothing, an address has no activity or leads out of the system, or there are too many activities.
    """
    activities = []
    for text, path in row.activities:
        if path.strip() and not text.strip():
            msgid = N_("Write what is done on the page %(path)s, or take its address away.")
            raise DomainError(msgid, field="activities", path=path.strip())
        if text.strip():
            activities.append((text.strip(), check_path(path)))
    if len(activities) > MAX_ACTIVITIES:
        raise DomainError(N_("A row has at most %(most)s activities. Go on in another row."), field="activities", most=MAX_ACTIVITIES)
    if not activities and not any(text.strip() for text in (row.supplier, row.input, row.output, row.client)):
        raise DomainError(N_("Write something in the row: an activity at least."), field="activities")
    return RowTexts(
        row.phase, row.supplier.strip(), row.input.strip(), row.output.strip(), row.client.strip(), activities=tuple(activities)
    )


def shown_letters(rows: list[tuple[Phase, bool]]) -> list[str]:
    """
    Return the letter of the cycle of each row: empty for one that goes on with the row above.

    Args:
        rows: The phase of each row, and whether it says only what goes out (no supplier, input nor activity).
    """
    letters: list[str] = []
    before: Phase | None = None
    for phase, only_goes_out in rows:
        letters.append("" if only_goes_out and phase is before else LETTERS[phase])
        before = phase
    return letters
