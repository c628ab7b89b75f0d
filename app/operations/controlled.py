"""
Documented information (ISO 9001:2015, 7.5): the register, its editions, and what the system prints in their name.

At most one edition of a document is in force. Whoever approves the next retires it in the same transaction; the unique index
`uq_document_edition_in_force` says so too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.controlled import PRINTS, EditionStatus, PrintHead, check_path, check_version
from app.domain.errors import DomainError, MoveRefused
from app.extensions import local
from app.models import ControlledDocument, ControlledPrint, DocumentEdition
from app.operations.files import CheckedFile, store_file


def print_head(session: Session, key: str) -> PrintHead | None:
    """
    Return what the print *key* (of `domain.controlled.PRINTS`) says in its head: code, version and dates of the edition in force.

    None when no document of the register is tied to it, when that one is out of use, or has no edition in force: a code that
    nobody approved is printed nowhere. One statement.
    """
    document, edition = ControlledDocument, DocumentEdition
    statement = (
        select(document.code, document.name, edition.version, edition.changed_on, document.issued_on, document.issuer)
        .join(ControlledPrint, ControlledPrint.document_id == document.id)
        .join(edition, edition.document_id == document.id)
        .where(ControlledPrint.key == key, document.is_active, edition.status == EditionStatus.IN_FORCE)
    )
    row = session.execute(statement).one_or_none()
    return PrintHead(*row) if row is not None else None


def edition_in_force(session: Session, document: ControlledDocument) -> DocumentEdition | None:
    """Return the edition of *document* that is in force, if one is."""
    statement = select(DocumentEdition).where(DocumentEdition.document_id == document.id, DocumentEdition.status == EditionStatus.IN_FORCE)
    return session.scalars(statement).one_or_none()


# ── The register ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_document(document: ControlledDocument) -> None:
    """Put the entry in order before it is stored. Raises DomainError: its address leads out of the system."""
    document.code = " ".join(document.code.split())
    document.path = check_path(document.path or "")


def tie_prints(session: Session, document: ControlledDocument, keys: Collection[str]) -> None:
    """
    Let exactly the prints *keys* carry the code of *document*.

    Raises:
        DomainError: A print carries the code of another document: it is untied there first.
    """
    wanted = set(keys) & PRINTS.keys()
    stored = {row.key: row for row in session.scalars(select(ControlledPrint).options(joinedload(ControlledPrint.document)))}
    for key in sorted(wanted):
        if key in stored and stored[key].document_id != document.id:
            msgid = N_("“%(print)s” carries the code %(code)s already. Take it away there first.")
            raise DomainError(msgid, field="keys", print=PRINTS[key], code=stored[key].document.code)
    for key, row in stored.items():
        if row.document_id == document.id and key not in wanted:
            session.delete(row)
    session.add_all(ControlledPrint(document=document, key=key) for key in sorted(wanted - stored.keys()))
    session.flush()


# ── Editions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def editions_of(session: Session, document: ControlledDocument) -> list[DocumentEdition]:
    """Return the editions of *document*, the newest first, with who approved them and their files."""
    statement = select(DocumentEdition).where(DocumentEdition.document_id == document.id).order_by(DocumentEdition.id.desc())
    return list(session.scalars(statement.options(joinedload(DocumentEdition.approved_by), joinedload(DocumentEdition.file))))


def draft_edition(
    session: Session, document: ControlledDocument, version: str, change: str, changed_on: date, file: CheckedFile | None = None
) -> DocumentEdition:
    """
    Begin the next edition of *document*; return it, flushed. It says nothing to anybody before it is approved.

    Raises:
        DomainError: There is a draft already, or an edition of that name.
    """
    queries.lock(session, document)
    editions = editions_of(session, document)
    if (draft := next((each for each in editions if each.status is EditionStatus.DRAFT), None)) is not None:
        raise DomainError(N_("Version %(version)s of this document is being drafted. Amend that one."), version=draft.version)
    edition = DocumentEdition(
        document=document, version=check_version(version, [each.version for each in editions]), change=change.strip(),
        changed_on=changed_on, file=store_file(session, file) if file else None,
    )  # fmt: skip
    session.add(edition)
    session.flush()
    return edition


def amend_edition(
    session: Session, edition: DocumentEdition, version: str, change: str, changed_on: date, file: CheckedFile | None = None
) -> None:
    """
    Correct a draft; without *file* it keeps the one it has.

    Raises:
        MoveRefused: It is no draft: what was approved stays as it was.
        DomainError: There is an edition of that name.
    """
    _hold_draft(session, edition, N_("Version %(version)s was approved, and no longer changes. Draft the next one."))
    others = [each.version for each in editions_of(session, edition.document) if each.id != edition.id]
    edition.version = check_version(version, others)
    edition.change, edition.changed_on = change.strip(), changed_on
    if file is not None:
        edition.file = store_file(session, file)
    session.flush()


def approve_edition(
    session: Session, edition: DocumentEdition, *, at: datetime, user_id: int, keep: Callable[[DocumentEdition], bytes | None] | None = None
) -> DocumentEdition | None:
    """
    Put *edition* in force from today on, and retire the one before in the same transaction; return that one, if there was any.

    Args:
        keep: Returns the PDF to keep of an edition without a file, when the system itself holds what is approved.

    Raises:
        MoveRefused: It is in force or retired already, says not what changed, or its document is out of use.
    """
    document = edition.document
    _hold_draft(session, edition, N_("Version %(version)s of %(code)s was approved already: a version is put in force once."))
    if not edition.change:
        raise MoveRefused(N_("Write what changes in version %(version)s before it is approved."), version=edition.version)
    if not document.is_active:
        raise MoveRefused(N_("%(code)s is out of use: put it in use again before a version of it is approved."), code=document.code)
    if edition.file is None and keep is not None and (content := keep(edition)) is not None:
        edition.file = store_file(session, content, f"{document.code}-v{edition.version}.pdf", "application/pdf")
    on = local(at).date()
    before = edition_in_force(session, document)
    if before is not None:
        before.status, before.retired_on = EditionStatus.RETIRED, max(on, before.in_force_on or on)
        session.flush()  # the index counts after each statement
    edition.status, edition.in_force_on = EditionStatus.IN_FORCE, on
    edition.approved_by_id, edition.approved_at = user_id, at
    session.flush()
    return before


def _hold_draft(session: Session, edition: DocumentEdition, refusal: str) -> None:
    """Lock the document, and its edition after it. Raises MoveRefused with *refusal* when the edition is no draft any more."""
    queries.lock(session, edition.document)
    queries.lock(session, edition)
    if edition.status is not EditionStatus.DRAFT:
        raise MoveRefused(refusal, version=edition.version, code=edition.document.code)
