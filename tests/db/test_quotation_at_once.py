"""A quotation that several people send at the same instant leaves once; a night and a clerk that end it at once end it once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.documents import quotations as papers
from app.domain.errors import MoveRefused
from app.domain.quotations import QuotationStatus
from app.extensions import db
from app.models import CommercialEvent, Document, OutboxMessage, Quotation
from app.operations import quotation_mail, quotations
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


def prepare(app: Flask, status: str, **said: Any) -> tuple[int, int]:
    """Store a quotation and who sends it; return their ids."""
    with app.app_context():
        make = Factory(db.session())
        ids = make.quotation(status, **said).id, make.user("Comercial").id
        db.session.commit()
        db.session.remove()
    return ids


def together(app: Flask, *acts: Callable[[], object]) -> Counter[str]:
    """Run all *acts* at one instant, each in a thread and transaction of its own; return how they ended."""
    gate, ends = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        with app.app_context():
            gate.wait(20)
            try:
                act()
                db.session.commit()
                ends.append("done")
            except MoveRefused:
                db.session.rollback()
                ends.append("refused")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return Counter(ends)


def test_four_who_send_it_at_once_send_it_once(fresh_app):
    quotation_id, seller_id = prepare(fresh_app, "DRAFT")

    def send() -> None:
        quotation, seller = db.session.get_one(Quotation, quotation_id), db.session.get_one(User, seller_id)
        paper = papers.issue_quotation(db.session, quotation, seller, sent_on=date(2026, 7, 10), at=AT)
        quotation_mail.send_by_mail(db.session, quotation, paper, to="compras@example.com", message="", at=AT, actor_id=seller_id)

    assert together(fresh_app, send, send, send, send) == {"done": 1, "refused": 3}
    with fresh_app.app_context():
        assert [db.session.scalar(select(func.count(model.id))) for model in (OutboxMessage, Document)] == [1, 1]
        moves = select(CommercialEvent.move).where(CommercialEvent.quotation_id == quotation_id).order_by(CommercialEvent.id)
        assert db.session.scalars(moves).all() == ["WRITE", "SEND"]


def test_a_night_and_a_clerk_end_it_once(fresh_app):
    quotation_id, _seller_id = prepare(fresh_app, "SENT", validity_days=5)
    ended = []

    def night() -> None:
        ended.append(quotation_mail.expire_lapsed(db.session, AT))

    def clerk() -> None:
        quotation = db.session.get_one(Quotation, quotation_id)
        quotations.withdraw_quotation(db.session, quotation, reason="La pidieron dos veces", at=AT, actor_id=None)

    ends = together(fresh_app, night, clerk)
    with fresh_app.app_context():
        status = db.session.get_one(Quotation, quotation_id).status
        moves = select(CommercialEvent.move).where(CommercialEvent.quotation_id == quotation_id).order_by(CommercialEvent.id)
        assert len(db.session.scalars(moves).all()) == 3
    expected = {QuotationStatus.EXPIRED: ([1], {"done": 1, "refused": 1}), QuotationStatus.WITHDRAWN: ([0], {"done": 2})}
    assert (ended, ends) == expected[status]
