"""How citizens rate the attention: once a case, in time, and at the counter without one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.domain.errors import DomainError
from app.domain.states import Outcome, RatingVia
from app.models import Channel, OutboxMessage, Pqr, Process, Rating
from app.operations import messages, rating
from app.operations import pqr as operations

AT = datetime(2026, 7, 11, 4, 30, tzinfo=UTC)  # half past eleven at night of 10 July in Bogotá


def answered(session, a_case, **fields) -> Pqr:
    at = datetime(2026, 7, 10, 15, tzinfo=UTC)
    pqr = a_case(at=at, **fields)
    other = session.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id)).first()
    operations.route(session, pqr, other, "Revisar", at=at, actor_id=None)
    operations.solve(session, pqr, "Se revisó", Outcome.GRANTED, at=at, actor_id=None)
    operations.mark_answered(session, pqr, at=at, actor_id=None)
    return pqr


def test_a_case_is_rated_once_and_a_second_time_replaces_the_first(seeded, a_case):
    pqr = answered(seeded, a_case)
    rating.rate(seeded, 2, "Muy lento", at=AT, via=RatingVia.LINK, pqr=pqr)
    rating.rate(seeded, 4, " Ya lo arreglaron ", at=AT + timedelta(days=2), via=RatingVia.LINK, pqr=pqr)

    row = seeded.scalars(select(Rating)).one()
    assert (row.score, row.comment, row.rated_on, row.channel) == (4, "Ya lo arreglaron", date(2026, 7, 12), pqr.channel)


def test_it_is_counted_on_its_day_in_colombia(seeded, a_case):
    row = rating.rate(seeded, 5, "", at=AT, via=RatingVia.LINK, pqr=answered(seeded, a_case))

    assert row.rated_on == date(2026, 7, 10)


def test_at_the_counter_many_rate_without_a_case(seeded):
    channel = seeded.scalars(select(Channel).where(Channel.code == "VENTANILLA")).one()
    for score in (5, 1):
        rating.rate(seeded, score, "", at=AT, via=RatingVia.COUNTER, channel=channel)

    assert [(row.score, row.channel, row.pqr_id) for row in seeded.scalars(select(Rating).order_by(Rating.id))] == [
        (5, channel, None), (1, channel, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("score", "comment", "field"), [(0, "", "score"), (6, "", "score"), (None, "", "score"), (5, "x" * 1001, "comment")]
)
def test_a_score_that_is_none_and_a_comment_that_is_too_long_are_refused(seeded, a_case, score, comment, field):
    pqr = answered(seeded, a_case)

    with pytest.raises(DomainError) as refused:
        rating.rate(seeded, score, comment, at=AT, via=RatingVia.LINK, pqr=pqr)
    assert refused.value.field == field
    assert seeded.scalars(select(Rating)).all() == []


def test_what_is_not_answered_is_not_rated_by_link(seeded, a_case):
    pqr = a_case()

    with pytest.raises(DomainError, match="not answered yet"):
        rating.rate(seeded, 5, "", at=AT, via=RatingVia.LINK, pqr=pqr)
    rating.rate(seeded, 5, "", at=AT, via=RatingVia.COUNTER, pqr=pqr)  # the attention at the counter was given


def test_a_link_names_its_case_for_thirty_days_and_nobody_makes_one_up(seeded, a_case):
    pqr = answered(seeded, a_case)
    token, now = rating.token_of(pqr), datetime.now(UTC)

    assert rating.read(token, now + timedelta(days=29)) == rating.Asked(pqr.id, is_over=False)
    assert rating.read(token, now + timedelta(days=31)) == rating.Asked(pqr.id, is_over=True)
    assert rating.read(token[:-3] + "abc", now) is None
    assert rating.read("x", now) is None


def test_the_mail_of_the_close_asks_for_it_and_names_no_key(seeded, a_case, a_party):
    pqr = answered(seeded, a_case, party=a_party(name="Luz Marina Gómez", email="luz@example.com"))

    messages.tell_closed(seeded, pqr, AT)

    mail = seeded.scalars(select(OutboxMessage)).one()
    token = mail.body.split("/e/")[1].split()[0]
    assert rating.read(token, datetime.now(UTC)).pqr_id == pqr.id
    assert (mail.to_address, pqr.access_key in mail.body) == ("luz@example.com", False)


def test_whoever_left_no_address_gets_no_mail(seeded, a_case, a_party):
    pqr = answered(seeded, a_case, party=a_party(email=None))

    assert messages.tell_closed(seeded, pqr, AT) is None
