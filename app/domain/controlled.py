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

    PROCEDURE = N_("Procedure")
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
    "process_sheet": N_("Process characterisation"),
    "management_review": N_("Minutes of a management review"),
    "audit_pack": N_("Audit pack"),
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
