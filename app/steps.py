"""Steps of one numbered row: a page that asks for something and makes it, or a press that asks for nothing. Beside a `RuledView`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.domain.errors import DomainError
from app.extensions import db
from app.intake import blame
from app.words import say


class Steps:
    """What a `RuledView` inherits besides, whose rows have a name (`title_of`)."""

    item: Callable[..., Any]
    render_template: Callable[..., str]
    title_of: Callable[[Any], str]
    endpoint: str

    def _step(self, pk: str, form: Any, heading: Any, help: Any, act: Callable[[Any], Any]) -> Any:
        """Answer the page of a step that asks for something, and make it."""
        item = self.item(pk)
        if form.validate_on_submit():
            try:
                act(item)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("Done: %(step)s, %(number)s.", step=heading, number=self.title_of(item)), "success")
                return redirect(url_for(f"{self.endpoint}.show", pk=pk))
        facts = {"form": form, "item": item, "heading": heading, "help": help, "view": self}
        return self.render_template("step.html", **facts), 422 if form.errors else 200

    def _press(self, pk: str, act: Callable[[Any], Any], done: Any) -> Response:
        """Make a step that asks for nothing but a press."""
        item = self.item(pk)
        try:
            act(item)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(done, "success")
        return redirect(url_for(f"{self.endpoint}.show", pk=pk))
