"""The matrix of interested parties on paper: code, version and date on top, a block a group, who keeps it at the end (ISO 9001, 7.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.domain.interested import TONES, Standing
from app.extensions import LANGUAGE, local
from app.operations.matrix import Line, Sums, by_group, every_how_often, who_follows
from app.words import say_day

TEMPLATE, TITLE = "interested", "Matriz de partes interesadas"
#: A row with more letters may go on to the next page.
LONG = 1500


def matrix_pdf(session: Session, lines: Sequence[Line], author: str, words: Sequence[str], at: datetime) -> bytes:
    """
    Return the PDF of *lines*, which are the part of the matrix that *words* say (none: all of it). Reads only; nothing is kept.

    Args:
        author: Who makes this copy.
    """
    organisation = queries.organisation(session)
    with force_locale(LANGUAGE):
        on = local(at).date()
        changed = max((line.changed_at for line in lines), default=at)
        data = {
            "organisation": base.head(organisation, TEMPLATE),
            "issued_on": on.isoformat(),
            "title": TITLE,
            "changed": say_day(local(changed).date()),
            "on": say_day(on),
            "author": author,
            "words": list(words),
            "sums": _sums(Sums.of(lines)),
            "groups": [
                {"name": group.name, "description": group.description, "rows": [_row(line) for line in its]}
                for group, its in by_group(lines)
            ],
        }  # fmt: skip
    return base.rendered(TEMPLATE, data)


def _sums(sums: Sums) -> str:
    followed = ((standing, n) for standing, n in sums.standings.items() if standing is not Standing.IDLE)
    told = (
        (_("Interested parties"), sums.n_groups),
        (_("Needs and expectations"), sums.n_needs),
        (_("Without a follow-up"), sums.n_unfollowed),
        *((_("Follow-ups: %(state)s", state=_(standing.value)), n) for standing, n in followed),
    )
    return " · ".join(f"{words}: {n}" for words, n in told)


def _row(line: Line) -> dict[str, Any]:
    need, mechanism, evidence, standing = line.need, line.mechanism, line.evidence, line.standing
    return {
        "need": need.text if need else "—",
        "kind": " · ".join(part for part in ((_(need.kind.value), need.source) if need else ()) if part),
        "quality": _(need.quality.value) if need else "—",
        "relevance": _(need.relevance.value) if need else "—",
        "how": need.how_met if need and need.how_met else "—",
        "mechanism": mechanism.name if mechanism else _("Without a follow-up"),
        "often": every_how_often(mechanism.months) if mechanism else "",
        "who": who_follows(mechanism) if mechanism else "—",
        "last": say_day(evidence.on) if evidence else "—",
        "evidence": evidence.title if evidence else "",
        "next": say_day(mechanism.next_on) if mechanism else "—",
        "state": _(standing.value) if standing else "",
        "tone": TONES[standing] if standing else "bad",
        "is_long": need is not None and len(need.text) + len(need.how_met) > LONG,
    }
