"""People and organisations: found by document before they are made."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.states import DocumentType, PartyKind
from app.models import Party


def find_party(session: Session, document_type: DocumentType | None, document_number: str | None) -> Party | None:
    """Return the party with that document, or None."""
    if document_type is None or not document_number:
        return None
    return session.scalar(select(Party).filter_by(document_type=document_type, document_number=document_number))


def find_or_create_party(
    session: Session,
    kind: PartyKind,
    document_type: DocumentType | None,
    document_number: str | None,
    name: str,
    email: str | None = None,
    phone: str | None = None,
    address: str | None = None,
    municipality_code: str | None = None,
) -> Party:
    """
    Return the party with that document, made when unknown; contact data only fill what was empty.

    A stranger who types somebody's document must not be able to overwrite that person's data: staff corrects it on the party.
    """
    contact: dict[str, Any] = {"email": email, "phone": phone, "address": address, "municipality_code": municipality_code}
    party = find_party(session, document_type, document_number)
    if party is None:
        party = Party(kind=kind, document_type=document_type, document_number=document_number or None, name=name)
        session.add(party)
    for field, value in contact.items():
        if value and not getattr(party, field):
            setattr(party, field, value)
    session.flush()
    return party
