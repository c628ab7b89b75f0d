"""How the answers of the demonstration company reach those who accepted no e-mail: summons, visit, aviso; and Superservicios."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.documents import expediente, receipts
from app.documents import notices as papers
from app.domain.states import Identity, NoticeMeans, Outcome, PqrStatus
from app.extensions import local
from app.models import Pqr
from app.operations import appeals, notices
from app.operations.decisions import may_go_to_sspd

if TYPE_CHECKING:
    from app.demo.lives import World

BOARD = "Cartelera de la oficina de atención"
CARRIER = "Mensajería Ejemplo (ficticia)"


#: Of the days before the end, the cases whose petitioner took the receipt; one in so many did not wait for it.
RECEIPT_DAYS, NO_RECEIPT = 100, 9


def give_receipts(session: Session, at: datetime) -> None:
    """Issue the receipts of the last cases that were filed here."""
    since = local(at).date() - timedelta(RECEIPT_DAYS)
    for pqr in session.scalars(select(Pqr).where(Pqr.filed_on >= since, Pqr.source.is_(None)).order_by(Pqr.id)):
        if pqr.id % NO_RECEIPT:
            receipts.receipt_of(session, pqr, pqr.filed_at)


def record_visit(world: World, pqr: Pqr, at: datetime) -> None:
    """Record that the citizen was notified at the counter."""
    proof = world.phrase("posted" if pqr.identity is Identity.ANONYMOUS else "proof")
    notices.record_notice(world.session, pqr, served_on=local(at).date(), proof=proof, at=at, actor_id=world.clerk_id(at))


def notify_on_paper(world: World, pqr: Pqr, at: datetime) -> Iterator[datetime]:
    """Summon; the citizen comes, or the aviso is delivered, or it comes back and is published. Return when it was served."""
    if pqr.identity is Identity.ANONYMOUS:
        return (yield from _publish(world, pqr, at))
    _summon(world, pqr, at)
    if world.rng.random() < 0.45:
        at = world.later(at, world.rng.randint(1, 4))
        yield at
        _appear(world, pqr, at)
        return at
    at = world.later(at, 6)
    yield at
    notice = papers.issue_aviso(world.session, pqr, _sending(world, pqr, at), issuer=world.clerk(at), at=at)
    at = world.later(at, world.rng.randint(1, 2))
    yield at
    on, clerk_id = local(at).date(), world.clerk_id(at)
    if world.rng.random() < 0.85:
        proof = notices.Proof(world.phrase("delivered"))
        notices.record_delivery(world.session, notice, proof, on=on, at=at, actor_id=clerk_id)
        return (yield from _until_served(world, pqr, at))
    notices.record_return(world.session, notice, world.phrase("returned_mail"), on=on, at=at, actor_id=clerk_id)
    return (yield from _publish(world, pqr, at))


def rest_on_paper(world: World, pqr: Pqr, fate: str, at: datetime) -> Iterator[datetime]:
    """Leave the chain where the visitor is to find it: `summoned`, or with the aviso `posted`."""
    if fate not in ("summoned", "posted"):
        return
    at = world.later(at, 1)
    yield at
    _summon(world, pqr, at)
    if fate == "posted":
        at = world.later(at, 6)
        yield at
        notice = papers.issue_aviso(world.session, pqr, _sending(world, pqr, at), issuer=world.clerk(at), at=at)
        at = world.later(at, 1)
        yield at
        reason = world.phrase("returned_mail")
        notices.record_return(world.session, notice, reason, on=local(at).date(), at=at, actor_id=world.clerk_id(at))
        papers.issue_aviso(world.session, pqr, notices.Sending(local(at).date(), posted_where=BOARD), issuer=world.clerk(at), at=at)


def _sending(world: World, pqr: Pqr, at: datetime) -> notices.Sending:
    guide = f"ME{world.rng.randint(100_000_000, 999_999_999)}"
    return notices.Sending(local(at).date(), notices.where_to(pqr) or "Dirección del suscriptor (ficticia)", CARRIER, guide)


def _summon(world: World, pqr: Pqr, at: datetime) -> None:
    papers.issue_summons(world.session, pqr, _sending(world, pqr, at), issuer=world.clerk(at), at=at)


def _appear(world: World, pqr: Pqr, at: datetime) -> None:
    party, on, clerk = pqr.party, local(at).date(), world.clerk(at)
    if pqr.identity is not Identity.NAMED or party is None or party.document_type is None:
        return record_visit(world, pqr, at)
    who = papers.Appeared(party.name, f"{party.document_type.name} {party.document_number}")
    paper = papers.issue_personal_notice(world.session, pqr, who, on, issuer=clerk, at=at)
    kept = {"proof": world.phrase("proof"), "means": NoticeMeans.IN_PERSON, "paper": paper}
    notices.record_notice(world.session, pqr, served_on=on, at=at, actor_id=clerk.id, **kept)
    return None


def _publish(world: World, pqr: Pqr, at: datetime) -> Iterator[datetime]:
    sending = notices.Sending(local(at).date(), posted_where=BOARD)
    notice = papers.issue_aviso(world.session, pqr, sending, issuer=world.clerk(at), at=at)
    assert notice.post_until
    removed_on = notice.post_until
    at = world.later(at, 1)
    while local(at).date() <= removed_on:
        yield at
        at = world.later(at, 1)
    yield at
    notices.unpost_aviso(world.session, notice, on=local(at).date(), at=at, actor_id=world.clerk_id(at))
    return (yield from _until_served(world, pqr, at))


def _until_served(world: World, pqr: Pqr, at: datetime) -> Iterator[datetime]:
    """Wait for the night that ends the day of the notice."""
    while pqr.status is PqrStatus.ANSWERED:
        at = world.later(at, 1)
        yield at
    return at


def send_to_sspd(world: World, pqr: Pqr, at: datetime) -> Iterator[datetime]:
    """Send the file of an apelación, and months later record what Superservicios decided."""
    if not may_go_to_sspd(pqr):
        return
    at = world.later(at, 2)
    yield at
    manager = world.users["subgerente"]
    with expediente.build(world.session, pqr, at) as built:
        expediente.keep(world.session, pqr, built, issuer=manager, at=at)
    facts = {"proof": world.phrase("sent_to_sspd"), "number": f"{local(at):%Y}5290{world.rng.randint(100_000, 999_999)}2"}
    appeals.record_transfer(world.session, pqr, on=local(at).date(), at=at, actor_id=world.clerk_id(at), **facts)
    at = world.later(at, world.rng.randint(45, 90))
    yield at
    result = world.rng.choices((Outcome.CONFIRMED, Outcome.MODIFIED, Outcome.REVOKED), (60, 25, 15))[0]
    number = f"SSPD-{local(at):%Y}8140{world.rng.randint(100_000, 999_999)}"
    appeals.record_result(world.session, pqr, result, on=local(at).date(), number=number, at=at, actor_id=world.clerk_id(at))
