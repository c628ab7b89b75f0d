"""The management review: what it looks at, and what it decides (ISO 9001:2015, 9.3)."""

from __future__ import annotations

from enum import Enum

from app.domain import N_


class ReviewStatus(Enum):
    DRAFT = N_("Being prepared")
    SIGNED = N_("Signed")
