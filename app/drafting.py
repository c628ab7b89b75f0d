"""The answer in the making: its text, the points that the citizen asks, and the letter as it would be issued. Pages of a case."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from app import documents
from app.domain.errors import DomainError
from app.downloads import show_pdf
from app.extensions import db, today
from app.forms import DraftForm
from app.intake import blame, fill_choices
from app.models import AnswerTemplate, Pqr
from app.operations import answers, coverage, orders
from app.operations.coverage import MAX_POINTS, Point


class Drafting:
    """The pages of the draft: `/pqr/<number>/draft` and `/pqr/<number>/preview`; `desk.CaseView` brings the case and its rights."""

    @expose("/<number>/draft", methods=["GET", "POST"])
    @has_access
    @permission_name("draft")
    def draft(self, number: str) -> str | Response | tuple[str, int]:
        """
        Write the answer before it is approved, beside what is asked, point by point.

        `fill` starts it from a text of the house, `orders` adds what the orders found, `add` opens one more point, `look` saves and
        stays to read the hints.
        """
        pqr = self._case(number)  # type: ignore[attr-defined]
        self._require(pqr, "can_draft")  # type: ignore[attr-defined]
        form = DraftForm()
        fill_choices(db.session, form)
        do, focus = request.form.get("do"), None
        if not form.is_submitted():
            form.body.data = pqr.answer.body if pqr.answer else ""
            _put(form, coverage.points_or_proposal(db.session, pqr))
        elif do == "add":
            focus = _add(form)
        elif form.validate():
            try:
                if do == "fill" and form.template.data:
                    form.body.data = answers.fill_template(db.session.get_one(AnswerTemplate, form.template.data).body, pqr)
                elif do == "orders":
                    form.body.data = f"{form.body.data or ''}\n\n{orders.results_text(db.session, pqr)}".strip()
                else:
                    _save(pqr, form)
                    flash(_("The draft is saved."), "success")
                    return redirect(url_for("CaseView.draft" if do == "look" else "CaseView.show", number=number))
            except DomainError as error:
                db.session.rollback()
                pqr = self._case(number)  # type: ignore[attr-defined]
                blame(form, error)
        review = coverage.review_of(db.session, pqr, form.body.data or "")
        page = self.render_template(  # type: ignore[attr-defined]
            "case/draft.html", form=form, review=review, focus=focus, **self._facts(pqr),  # type: ignore[attr-defined]
        )  # fmt: skip
        return (page, 422) if form.errors else page

    @expose("/<number>/preview")
    @has_access
    @permission_name("draft")
    def preview(self, number: str) -> Response:
        """The letter as it would be issued now, marked as a draft: not numbered, not stored."""
        pqr = self._case(number)  # type: ignore[attr-defined]
        self._require(pqr, "can_draft")  # type: ignore[attr-defined]
        letter = documents.preview_answer(db.session, pqr, current_user._get_current_object(), today())
        return show_pdf(letter, _("Draft %(number)s.pdf", number=pqr.number))


def _put(form: DraftForm, points: list[Point]) -> None:
    """Fill the rows of *form* with *points*."""
    for point in points:
        form.points.append_entry(
            {"id": point.id, "position": point.position, "asked": point.asked, "reply": point.reply, "is_covered": point.is_covered}
        )


def _add(form: DraftForm) -> str | None:
    """Open one more point at the end; return the id of its field, or None when no more fit."""
    form.process(request.form)
    fill_choices(db.session, form)
    if len(form.points) >= MAX_POINTS:
        return None
    place = max((entry.form.position.data or 0 for entry in form.points), default=0) + 1
    return str(form.points.append_entry({"position": place}).form.asked.id)


def _save(pqr: Pqr, form: DraftForm) -> None:
    answers.save_draft(db.session, pqr, form.body.data or "", current_user.id)
    points = [_said(entry.form) for entry in form.points]
    if not points:  # a page of before, or no page: what is stored stays, and nothing stored is what the citizen's words propose
        points = coverage.points_or_proposal(db.session, pqr)
    coverage.save_points(db.session, pqr, points)
    db.session.commit()


def _said(row: Any) -> Point:
    is_known = (row.id.data or "").isdigit()
    return Point(
        asked="" if row.is_removed.data else row.asked.data or "",
        reply=row.reply.data or "",
        is_covered=bool(row.is_covered.data),
        id=int(row.id.data) if is_known else None,
        position=row.position.data or 99,
    )
