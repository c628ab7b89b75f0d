"""Whether what had to be done until a day was done until that day: of orders, actions, or anything that somebody has to do."""

from __future__ import annotations

from enum import Enum

from app.domain import N_


class Punctuality(Enum):
    """What became of a last day. The share in time is of those that were done, in time or late, and of those that are past it."""

    IN_TIME = N_("Done in time")
    LATE = N_("Done late")
    OVERDUE = N_("To be done, past its day")
    RUNNING = N_("To be done, in time so far")
    UNTIMED = N_("Done, no day was set")
    UNDONE = N_("Ended without being done")


#: What the share in time is a share of.
JUDGED = (Punctuality.IN_TIME, Punctuality.LATE, Punctuality.OVERDUE)
