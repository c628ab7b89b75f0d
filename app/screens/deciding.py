"""What a screen does to many rows at once, done to one on a page of its own: the question, what was typed, the refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect
from flask_babel import gettext as _

from app.baseviews import RuledView
from app.domain.errors import DomainError
from app.extensions import db
from app.intake import blame
from app.listviews import Bulk


def decide_one(
    view: RuledView, item: Any, bulk: Bulk, done: str, template: str, *,
    refusal: str = "", data: Mapping[str, Any] | None = None, **shown: Any,
) -> Any:  # fmt: skip
    """
    Ask with the form of *bulk*, do it to *item*, and lead back to the row; what was typed stays when it is refused.

    Args:
        done: msgid of what is said afterwards.
        refusal: Why it cannot be done to this row, already in words; then nothing is asked.
        data: What the form starts with.
    """
    if refusal:
        flash(refusal, "warning")
        return redirect(view.row_url(item))
    form = bulk.form(data=data)  # type: ignore[misc]
    if form.validate_on_submit():
        try:
            bulk.act(view, item, form)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
        else:
            flash(_(done), "success")
            return redirect(view.row_url(item))
    page = view.render_template(template, form=form, title=str(bulk.label), item=item, view=view, **shown)
    return (page, 422) if form.is_submitted() else page
