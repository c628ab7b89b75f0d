"""Interruptions of the network (Ley 142 art. 139): announced or not, while they last and after."""

from __future__ import annotations

from enum import Enum

from app.domain import N_


class InterruptionKind(Enum):
    PLANNED = N_("Planned")
    UNPLANNED = N_("Not planned")


class InterruptionState(Enum):
    """What an interruption is on a day; derived from its instants, not stored."""

    ANNOUNCED = N_("Announced")
    RUNNING = N_("In course")
    RESTORED = N_("Restored")
    VOIDED = N_("Voided")
