"""When a citizen may read the answer on the public page, and whether reading it there is its notice. See docs/rules/pqr-notices.md."""

from __future__ import annotations

from enum import Enum

from app.domain.states import Identity, PqrStatus


class AnswerDoor(Enum):
    """Whether the answer of a case opens to whoever brings its number and key."""

    NONE = "there is no answer yet"
    CLOSED = "notified another way first"
    BY_PRESSING = "opening it is the notice"
    OPEN = "open"


_SERVED = (PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED)


def answer_door(status: PqrStatus, identity: Identity, is_e_notice: bool) -> AnswerDoor:
    """
    Return how the answer of a case opens on the public page.

    - Once notified, it is open.
    - Answered, and the citizen accepted notices by e-mail: it opens by pressing a button that says what follows, and that moment
      is the notice, for it counts from access (CPACA art. 56).
    - Answered, and anonymous: nobody can be notified in person, so the page with number and key is where the answer is found.
      That access is no personal notice and moves nothing.
    - Answered, without that acceptance: closed until it is notified in person. Showing it would leave two dates from which the
      term to appeal could be said to run (CPACA art. 72).
    """
    if status in _SERVED:
        return AnswerDoor.OPEN
    if status is not PqrStatus.ANSWERED:
        return AnswerDoor.NONE
    if identity is Identity.ANONYMOUS:
        return AnswerDoor.OPEN
    return AnswerDoor.BY_PRESSING if is_e_notice else AnswerDoor.CLOSED
