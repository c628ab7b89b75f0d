"""
The public page of avisos: what is published now because nobody could be found to be notified (CPACA arts. 68 and 69).

Anybody may read it, so it says no address and no identity document, and nothing of a reserved identity; search engines are told to
keep out. What came down is gone, and stays in the case for the staff.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Flask, Response, abort, make_response, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app import queries
from app.domain.states import Identity, NoticeMeans
from app.downloads import send_stored
from app.extensions import db, today
from app.models import Document, Notice, Pqr

noticeboard = Blueprint("noticeboard", __name__)


@dataclass(frozen=True, slots=True)
class Posted:
    """One line of the page; `name` is empty when the law does not want it read, `identity` says why."""

    number: str
    is_summons: bool
    case_number: str
    name: str
    identity: str
    posted_on: date
    until_on: date
    posted_where: str
    link: str


@noticeboard.after_request
def keep_out(response: Response) -> Response:
    """Names that are posted for five days are not to be found for years."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


@noticeboard.route("/avisos")
def board() -> str:
    """The avisos, and the summonses without an address, that are posted today; newest first."""
    posted = [_line(notice) for notice in db.session.scalars(queries.posted_notices(today()).options(*_WITH_ALL))]
    return render_template("avisos.html", organisation=queries.organisation(db.session), posted=posted)


@noticeboard.route("/avisos/<number>.pdf")
def document(number: str) -> Any:
    """One of them as it was posted, with its copy of the answer; 410 once it came down."""
    number = number[:24].upper()
    notice = db.session.scalar(queries.posted_notices(today()).join(Notice.paper).where(Document.number == number).options(*_WITH_ALL))
    if notice is not None and notice.paper is not None:
        return send_stored(notice.paper.file)
    if db.session.scalar(select(Notice.id).join(Notice.paper).where(Document.number == number, Notice.posted_where != "")) is None:
        abort(404)
    return make_response(render_template("avisos_gone.html", organisation=queries.organisation(db.session), number=number), 410)


_WITH_ALL = (joinedload(Notice.pqr).joinedload(Pqr.party), joinedload(Notice.paper).joinedload(Document.file))


def _line(notice: Notice) -> Posted:
    pqr, paper = notice.pqr, notice.paper
    is_named = pqr.identity is Identity.NAMED and pqr.party is not None
    posted_on, until_on = notice.posted_on or notice.sent_on, notice.post_until or notice.appear_by
    assert paper and posted_on and until_on
    return Posted(
        number=paper.number,
        is_summons=notice.means is NoticeMeans.SUMMONS,
        case_number=pqr.number,
        name=pqr.party.name if is_named and pqr.party else "",
        identity=pqr.identity.value,
        posted_on=posted_on,
        until_on=until_on,
        posted_where=notice.posted_where,
        link=url_for("noticeboard.document", number=paper.number),
    )


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(noticeboard)
