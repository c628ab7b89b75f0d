"""What open answers speak of: tags put on them and taken off, many at once. Answers may be tagged after their campaign is over too."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.text import plain
from app.models import SurveyAnswer, SurveyAnswerTag, SurveyTag


def tag_called(session: Session, name: str) -> SurveyTag:
    """
    Return the tag called *name*, accents and capitals forgiven; a new one when nothing is called so; flushed.

    Raises:
        DomainError: It has no letters, is too long, or is no longer in use.
    """
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise DomainError(N_("Write a tag of 1 to 60 letters."), field="name")
    known = {plain(tag.name): tag for tag in session.scalars(select(SurveyTag))}
    tag = known.get(plain(name))
    if tag is None:
        tag = SurveyTag(name=name)
        session.add(tag)
        session.flush()
    elif not tag.is_active:
        raise DomainError(N_("The tag “%(name)s” is no longer in use."), field="name", name=tag.name)
    return tag


def put(session: Session, tag: SurveyTag, answers: Iterable[SurveyAnswer]) -> int:
    """
    Put *tag* on open *answers* that lack it; return how many those were, flushed.

    Raises:
        DomainError: One of them has no words.
    """
    answers = list(answers)
    if any(answer.words is None for answer in answers):
        raise DomainError(N_("Only open answers take tags."))
    ids = [answer.id for answer in answers]
    tagged = set(session.scalars(
        select(SurveyAnswerTag.answer_id).where(SurveyAnswerTag.tag_id == tag.id, SurveyAnswerTag.answer_id.in_(ids))
    ))  # fmt: skip
    fresh = [SurveyAnswerTag(answer_id=key, tag_id=tag.id) for key in ids if key not in tagged]
    session.add_all(fresh)
    session.flush()
    return len(fresh)


def take(session: Session, tag: SurveyTag, answers: Iterable[SurveyAnswer]) -> int:
    """Take *tag* off *answers*; return how many had it, flushed."""
    ids = [answer.id for answer in answers]
    rows = session.scalars(select(SurveyAnswerTag).where(SurveyAnswerTag.tag_id == tag.id, SurveyAnswerTag.answer_id.in_(ids))).all()
    for row in rows:
        session.delete(row)
    session.flush()
    return len(rows)
