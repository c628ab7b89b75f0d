"""Refusals of the domain. Each carries a msgid and its fields, so that the screen can say it in the reader's language."""

from __future__ import annotations

from typing import Any

from app.domain import N_


class DomainError(Exception):
    """
    A rule refuses. `msgid % fields` is the English text; screens translate `msgid` first.

    `field` names the form field to blame, when there is one.
    """

    msgid = N_("This is not allowed.")

    def __init__(self, msgid: str | None = None, *, field: str | None = None, **fields: Any) -> None:
        self.msgid = msgid or type(self).msgid
        self.field = field
        self.fields = fields
        super().__init__(self.msgid % fields if fields else self.msgid)


class CalendarGap(DomainError):
    """A count enters a year whose holidays nobody loaded; a guess would move a legal date."""

    msgid = N_(
        "The holidays of %(year)s are not loaded. An administrator has to load that year in Calendar "
        "before this date can be computed."
    )

    def __init__(self, year: int) -> None:
        super().__init__(year=year)
        self.year = year


class TermMissing(DomainError):
    """No term rule in force answers the question; the text names the row to load."""

    msgid = N_(
        "There is no term for regime %(regime)s, act %(act)s, type %(request_type)s on %(on)s. "
        "An administrator has to load it in Terms."
    )


class IllegalMove(DomainError):
    """The state machine has no such arrow; the text names the moves that exist."""

    msgid = N_("A case in state “%(state)s” cannot do “%(move)s”. Possible now: %(possible)s.")


class MoveRefused(DomainError):
    """The arrow exists, but a condition of it is not met."""
