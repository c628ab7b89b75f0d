"""The moves as pages: what each asks and what it calls. One module a chapter of the life of a case; `VERBS` is the table."""

from __future__ import annotations

from app.verbs import appeals, handling, notices, silence, stops
from app.verbs.base import VERBS, Said, Verb, Who

__all__ = ["VERBS", "Said", "Verb", "Who", "appeals", "handling", "notices", "silence", "stops"]
