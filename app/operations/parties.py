"""People and organisations: found by document before they are made."""

from __future__ import annotations

import re
import unicodedata
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
    return complete(session, party, contact)


def complete(session: Session, party: Party, contact: dict[str, Any]) -> Party:
    """Write those *contact* data that the party lacks; what it has stays. Return it, flushed."""
    for field, value in contact.items():
        if value and not getattr(party, field):
            setattr(party, field, value)
    session.flush()
    return party


def is_same_name(registered: str, typed: str) -> bool:
    """Say whether two names can be of one person: one of them has all the words of the other, at least two if both have them."""
    words = [set(_plain(name).split()) for name in (registered, typed)]
    fewer, more = sorted(words, key=len)
    return bool(fewer) and fewer <= more and len(fewer) >= min(2, len(more))


def _plain(name: str) -> str:
    """Return *name* without accents, dots and capitals: "S.A.S." and "SAS" are one word."""
    folded = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9 ]", " ", re.sub(r"(?<=\b\w)\.", "", folded).replace(".", " "))
