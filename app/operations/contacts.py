"""Who to speak to at a party, and to which groups of interested parties it belongs."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.errors import DomainError
from app.models import InterestGroup, Party, PartyContact, PartyGroup


def keep_contact(session: Session, contact: PartyContact) -> PartyContact:
    """
    Store *contact*, new or changed; return it, flushed. The mark "first to call" moves here from whoever had it.

    Raises:
        DomainError: Nobody could be reached, or the first to call is no longer there.
    """
    if not (contact.email or contact.phone):
        raise DomainError(N_("Write an e-mail address or a phone: without one nobody can reach this person."), field="email")
    if contact.is_main and contact.is_active is False:  # a new row says nothing before its default does
        raise DomainError(N_("Whoever is no longer there cannot be the first to call."), field="is_main")
    if contact.is_main:
        _unmark_others(session, contact)
    session.add(contact)
    session.flush()
    return contact


def _unmark_others(session: Session, contact: PartyContact) -> None:
    """Take the mark away from whoever has it: the database allows one, so first from the old one."""
    party_id = contact.party.id if contact.party is not None else contact.party_id
    others = select(PartyContact).where(PartyContact.party_id == party_id, PartyContact.is_main, PartyContact.id != (contact.id or 0))
    with session.no_autoflush:
        marked = list(session.scalars(others))
        if marked:
            contact.is_main = False
            for other in marked:
                other.is_main = False
            session.flush()
            contact.is_main = True


def put_in_groups(session: Session, party: Party, group_ids: Collection[int]) -> list[PartyGroup]:
    """
    Make *party* belong to those groups and no other; return its memberships, flushed.

    Raises:
        DomainError: One of the groups is not there.
    """
    queries.lock(session, party)
    wanted = set(group_ids)
    known = set(session.scalars(select(InterestGroup.id).where(InterestGroup.id.in_(wanted))))
    if wanted - known:
        raise DomainError(N_("One of these groups is no longer there. Choose again."), field="groups")
    rows = {row.group_id: row for row in session.scalars(select(PartyGroup).where(PartyGroup.party_id == party.id))}
    for group_id in rows.keys() - wanted:
        session.delete(rows[group_id])
    session.add_all(PartyGroup(party_id=party.id, group_id=group_id) for group_id in sorted(wanted - rows.keys()))
    session.flush()
    return list(session.scalars(select(PartyGroup).where(PartyGroup.party_id == party.id).order_by(PartyGroup.group_id)))
