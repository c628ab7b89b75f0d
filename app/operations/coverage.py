"""What a citizen asks, point by point, and whether the answer covers it (Ley 1755 art. 13: an answer on the merits, whole and clear)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app import queries
from app.domain import N_, language
from app.domain.errors import DomainError, MoveRefused
from app.domain.language import Reading
from app.domain.points import MAX_POINTS, propose_points
from app.domain.states import Outcome
from app.models import AnswerPoint, Pqr
from app.operations import recursos

__all__ = ["MAX_ASKED", "MAX_POINTS", "MAX_REPLY", "Point", "PointOpen", "Review", "check_covered", "points_of", "review_of", "save_points"]

MAX_ASKED, MAX_REPLY = 600, 4000
#: Answers that decide nothing on the merits, so they need not go through what was asked.
NOT_ON_THE_MERITS = (Outcome.REFERRED, Outcome.INADMISSIBLE, Outcome.REJECTED)


@dataclass(frozen=True, slots=True)
class Point:
    """
    A point as the page says it: *reply* is printed in the letter; without one, *is_covered* says that the text answers it.

    `id` names the stored point that this one changes; None is a new one. `position` orders them, ties by their place in the page.
    """

    asked: str
    reply: str = ""
    is_covered: bool = False
    id: int | None = None
    position: int = 0


class PointOpen(MoveRefused):
    """The answer leaves something unanswered."""

    msgid = N_("The answer does not say anything about this point: “%(asked)s”. Answer it, or mark where the letter does.")


def points_of(session: Session, pqr: Pqr) -> list[AnswerPoint]:
    """Return the points of the case, in their order; asked for once for each time that the case is loaded."""
    return list(pqr.points)


def proposed(pqr: Pqr) -> list[Point]:
    """Return what the words of the citizen seem to ask; the subject when they say nothing. Stores nothing."""
    return [Point(asked, position=place) for place, asked in enumerate(propose_points(pqr.body) or [pqr.subject], 1)]


def points_or_proposal(session: Session, pqr: Pqr) -> list[Point]:
    """Return the points of the case as its page shows them: those stored, else what the words of the citizen propose."""
    stored = points_of(session, pqr)
    return [Point(row.asked, row.reply, row.is_covered and not row.reply, row.id, row.position) for row in stored] or proposed(pqr)


def save_points(session: Session, pqr: Pqr, said: Sequence[Point]) -> list[AnswerPoint]:
    """
    Make the points of the case be *said*, in its order; return them, flushed. A point without words is removed.

    Raises:
        MoveRefused: None is left, there are too many, or one is too long; `field` names the form field of that point.
    """
    wanted = sorted((point for point in said if point.asked.strip()), key=lambda point: point.position)
    if not wanted:
        raise MoveRefused(N_("Write at least one point: what the citizen asks."), field="points")
    if len(wanted) > MAX_POINTS:
        raise MoveRefused(N_("Up to %(limit)s points fit. Join those that ask the same."), field="points", limit=MAX_POINTS)
    for point in wanted:
        if len(point.asked.strip()) > MAX_ASKED or len(point.reply.strip()) > MAX_REPLY:
            msgid = N_("A point has up to %(asked)s characters, and its reply up to %(reply)s.")
            raise MoveRefused(msgid, field="points", asked=MAX_ASKED, reply=MAX_REPLY)
    known = {row.id: row for row in points_of(session, pqr)}
    kept = []
    for place, point in enumerate(wanted, 1):
        row = known.pop(point.id, None) or AnswerPoint(pqr_id=pqr.id, asked="", position=place)
        row.position, row.asked, row.reply = place, point.asked.strip(), point.reply.replace("\r\n", "\n").strip()
        row.is_covered = point.is_covered or bool(row.reply)
        session.add(row)
        kept.append(row)
    for row in known.values():
        session.delete(row)
    session.flush()
    session.expire(pqr, ["points"])
    return kept


def check_covered(session: Session, pqr: Pqr) -> list[AnswerPoint]:
    """
    Return the points of the case, none of them open.

    A case whose draft was made before there were points, or by an operation, has none; an answer that does not decide on the merits
    may leave them open.

    Raises:
        PointOpen: One is open; the text says which.
    """
    points = points_of(session, pqr)
    if pqr.outcome not in NOT_ON_THE_MERITS:
        for point in points:
            if not point.is_covered:
                raise PointOpen(asked=point.asked)
    return points


# ── What whoever writes or approves looks at ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Review:
    """What stands beside a draft: its points, how it reads, the paragraph on recursos it will carry, or why that cannot be told."""

    points: list[AnswerPoint]
    reading: Reading
    recursos: str
    problem: DomainError | None

    @property
    def n_open(self) -> int:
        return sum(not point.is_covered for point in self.points)


def review_of(session: Session, pqr: Pqr, body: str) -> Review:
    """Return what there is to say about *body* as the answer of the case; hints only, nothing is refused here."""
    known = queries.parameters(session, (*recursos.KEYS, "language.hard_words", "language.long_sentence"))
    points, paragraph, problem = points_of(session, pqr), "", None
    try:
        paragraph = recursos.recursos_text(session, pqr, known)
    except DomainError as error:
        problem = error
    words = language.parse_hard_words(known.get("language.hard_words", ""))
    longest = known.get("language.long_sentence", "")
    whole = "\n\n".join([body, *(point.reply for point in points if point.reply)])
    reading = language.read(whole, words, int(longest) if longest.isdigit() else language.LONGEST_SENTENCE)
    return Review(points, reading, paragraph, problem)
