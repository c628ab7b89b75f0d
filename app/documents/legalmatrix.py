"""The legal matrix on paper: code, version and date on top, a block a norm, what the marks of confidence mean at the end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.controlled import PRINTS
from app.domain.legalmatrix import COMPLIANCE_TONES, STATE_TONES, SURENESS_MEANS, EvaluationState, sureness
from app.extensions import LANGUAGE, local
from app.models import LegalEvaluation, LegalRequirement
from app.operations.legalmatrix import follow_up, latest_of, matrix, state_of, sums
from app.words import say_day

TEMPLATE = "legal_matrix"
#: A row with more letters may go on to the next page.
LONG = 1500


def legal_matrix_pdf(session: Session, author: str, at: datetime) -> bytes:
    """Return the PDF of the matrix as it stands. Reads only; nothing is kept."""
    organisation, on = queries.organisation(session), local(at).date()
    with force_locale(LANGUAGE):
        rows = matrix(session)
        latest = latest_of(session, [item.id for item in rows])
        by_norm: dict[str, list[LegalRequirement]] = {}
        for item in rows:
            by_norm.setdefault(item.norm, []).append(item)
        data = {
            "organisation": base.head(organisation, TEMPLATE), "issued_on": on.isoformat(), "title": _(PRINTS[TEMPLATE]),
            "on": say_day(on), "author": author, "sums": " · ".join(f"{_(words)}: {n}" for words, n in sums(rows, on)),
            "groups": [
                {"norm": norm, "rows": [_row(item, latest.get(item.id), on) for item in its]} for norm, its in by_norm.items()
            ],
            "marks": [[_(mark.value), _(means)] for mark, means in SURENESS_MEANS.items()],
        }  # fmt: skip
    return base.rendered(TEMPLATE, data)


def _row(item: LegalRequirement, last: LegalEvaluation | None, on: Any) -> dict[str, Any]:
    state = state_of(item, on)
    who = item.responsible.get_full_name() if item.responsible else item.process.name if item.process else "—"
    return {
        "number": f"ML-{item.id}", "articles": item.articles or "—", "topic": item.topic, "obligation": item.obligation,
        "applies": item.applies_to, "how": item.how_met or "—", "who": who, "mark": _(sureness(item.confidence).value),
        "last": say_day(last.on) if last else "—", "result": _(last.result.value) if last else _(EvaluationState.NEVER.value),
        "tone": COMPLIANCE_TONES[last.result] if last else "warn", "follow_up": follow_up(last), "evidence": last.evidence if last else "",
        "next": say_day(item.next_on) if item.next_on else "—", "state": _(state.value), "state_tone": STATE_TONES[state],
        "is_long": len(item.obligation) + len(item.how_met) > LONG,
    }  # fmt: skip
