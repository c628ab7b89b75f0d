"""
One question about the attention: the citizen's page behind the link of a mail, and the tablet that the counter hands over.

Neither shows who filed, nor what. What is answered on either is stored by `operations/rating.py`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from app import queries
from app.domain.errors import DomainError
from app.domain.states import RatingVia
from app.extensions import db, now, today
from app.models import Channel, Pqr, Rating
from app.operations import rating
from app.security import scope_cases
from app.words import say

blueprint = Blueprint("rating", __name__)
#: Code of the channel of what is rated without a case.
COUNTER = "VENTANILLA"


class RatingForm(FlaskForm):
    """The question, and room for whoever wants to say more."""

    score = RadioField(_l("How did we attend you?"), coerce=int, validators=[InputRequired(_l("Choose one of the five answers."))])
    comment = TextAreaField(
        _l("Do you want to tell us anything else?"),
        validators=[Length(max=rating.MAX_COMMENT, message=_l("Up to %(max)d characters fit."))],
    )
    about = HiddenField()  # the signed case of a rating at the counter

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.score.choices = [(score, _(words)) for score, words in rating.SCORES.items()]


def _take(form: RatingForm, via: RatingVia, pqr: Pqr | None, channel: Channel | None = None) -> bool:
    """Store what *form* says, or say in it why not; return whether it was stored."""
    try:
        rating.rate(db.session, form.score.data, form.comment.data or "", at=now(), via=via, pqr=pqr, channel=channel)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        field = form.comment if error.field == "comment" else form.score
        field.errors = [*field.errors, say(error)]
        return False
    return True


# ── The citizen's page ────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.route("/e/<token>", methods=["GET", "POST"])
def rate(token: str) -> str | Response | tuple[str, int]:
    """Ask how the request was attended; asked again, show what was answered and let it change."""
    asked = rating.read(token, now())
    pqr = db.session.get(Pqr, asked.pqr_id) if asked else None
    if asked is None or pqr is None or not rating.is_ratable(pqr):
        abort(404)
    organisation = queries.organisation(db.session)
    if asked.is_over:
        return render_template("rating/over.html", organisation=organisation), 410
    if request.args.get("done") == "1" and request.method == "GET":
        return render_template("rating/thanks.html", organisation=organisation, token=token)
    rated = db.session.scalar(select(Rating).where(Rating.pqr_id == pqr.id))
    form = RatingForm(obj=rated)
    if form.validate_on_submit() and _take(form, RatingVia.LINK, pqr):
        return redirect(url_for("rating.rate", token=token, done="1"))
    facts = {"form": form, "number": pqr.number, "rated": rated, "organisation": organisation}
    page = render_template("rating/rate.html", **facts)
    return (page, 422) if form.is_submitted() else page


def init_app(app: Flask) -> None:
    """Register the citizen's page; its form carries the token that every form carries."""
    app.register_blueprint(blueprint)


# ── The tablet of the counter ─────────────────────────────────────────────────────────────────────────────────────────────


class RatingCounterView(BaseView):
    """`/evaluacion/`: the question on a tablet that staff hands over. With `case=` in the address it is about that case."""

    route_base = "/evaluacion"
    default_view = "ask"
    class_permission_name = "Rating"
    method_permission_name = {"ask": "ask"}

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("ask")
    def ask(self) -> str | Response | tuple[str, int]:
        """The question; answered, thanks that lead back to it by themselves."""
        form = RatingForm()
        facts = {"form": form, "organisation": queries.organisation(db.session), "is_done": request.args.get("done") == "1"}
        if request.method == "GET":
            pqr = self._case(request.args.get("case", ""))
            form.about.data = rating.token_of(pqr) if pqr else ""
        elif form.validate_on_submit():
            asked = rating.read(form.about.data or "", now())
            pqr = db.session.get(Pqr, asked.pqr_id) if asked else None
            channel = db.session.scalar(select(Channel).where(Channel.code == COUNTER))
            if _take(form, RatingVia.COUNTER, pqr, channel):
                return redirect(url_for("RatingCounterView.ask", done="1"))
        page = render_template("rating/tablet.html", **facts)
        return (page, 422) if form.is_submitted() else page

    @staticmethod
    def _case(number: str) -> Pqr | None:
        if not number:
            return None
        return db.session.scalar(scope_cases(select(Pqr).where(Pqr.number == number.upper()), today())) or abort(404)
