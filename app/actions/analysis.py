"""The analysis of an action: a chain of whys, the causes on the bones of the diagram of Ishikawa, and the root cause chosen of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user

from app.actions.fishbone import fishbone
from app.actions.page import bones_of
from app.domain import N_
from app.domain.actions import MAX_CAUSE, MOST_CAUSES, MOST_WHYS
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionStatus, CauseCategory, CauseWay
from app.extensions import db, now
from app.models import Action, ActionCause
from app.operations import action_plans
from app.words import say, tidy

#: How many whys the page offers before one needs more.
USUAL_WHYS = 5


class Analysis:
    """Inherited by `ActionView` besides; see `RuledView` for what it builds on."""

    item: Callable[..., Any]
    writable: Callable[..., Any]
    render_template: Callable[..., str]

    @expose("/analysis/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def analysis(self, pk: str) -> Any:
        """Write the chain of whys and the diagram; what somebody else wrote meanwhile is not written over."""
        action = self.writable(pk)
        if action.status is not ActionStatus.OPEN:
            flash(_("%(number)s is “%(status)s”: its analysis no longer changes.", number=action.number, status=_(action.status.value)),
                  "warning")  # fmt: skip
            return redirect(url_for("ActionView.show", pk=pk))
        lines = self._lines(action)
        if request.method == "GET":
            return self._analysis_page(action, lines)
        whys, bones = _sent()
        try:
            if request.form.get("seen") != _digest(lines):
                raise MoveRefused(N_("Somebody else changed this analysis meanwhile. Look at it in another tab, then save again."))
            action_plans.save_analysis(db.session(), action, whys, bones)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            return self._analysis_page(self.writable(pk), lines, error=say(error), whys=whys, bones=bones), 422
        flash(_("The analysis is saved. Now choose the root cause."), "success")
        return redirect(url_for("ActionView.analysis", pk=pk, _anchor="root"))

    @expose("/root/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def root(self, pk: str) -> Any:
        """Choose the root cause."""
        action = self.writable(pk)
        cause, line = tidy(request.form.get("cause", "")), request.form.get("line", type=int)
        try:
            action_plans.choose_cause(db.session(), action, cause, line, at=now(), user_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            action = self.writable(pk)
            return self._analysis_page(action, self._lines(action), root_error=say(error), cause=cause), 422
        flash(_("The root cause is written. Now the plan that removes it."), "success")
        return redirect(url_for("ActionView.show", pk=pk))

    @staticmethod
    def _lines(action: Action) -> list[ActionCause]:
        return [line for line in action_plans.causes_of(db.session(), action) if line.round == action.round]

    def _analysis_page(
        self, action: Action, lines: list[ActionCause], *, error: str = "", root_error: str = "", cause: str | None = None,
        whys: list[str] | None = None, bones: dict[CauseCategory, list[str]] | None = None,
    ) -> str:  # fmt: skip
        by_bone = bones_of(lines)
        stored = {category: [line.text for line in found] for category, found in by_bone.items()}
        whys = [line.text for line in lines if line.way is CauseWay.WHY] if whys is None else whys
        n_whys = min(max(USUAL_WHYS, len(whys) + 1), MOST_WHYS)
        facts = {
            "item": action, "view": self, "lines": lines, "whys": whys + [""] * (n_whys - len(whys)), "bones": bones or stored,
            "categories": list(CauseCategory), "seen": request.form.get("seen") or _digest(lines), "error": error,
            "root_error": root_error, "cause": action.cause if cause is None else cause, "max_cause": MAX_CAUSE, "most": MOST_CAUSES,
            "drawing": fishbone(action.title, stored), "by_bone": by_bone,
        }  # fmt: skip
        return self.render_template("actions/analysis.html", **facts)


def _sent() -> tuple[list[str], dict[CauseCategory, list[str]]]:
    """Return the whys in order, and the causes of each bone, one a line, as the page sends them."""
    whys = [tidy(text) for text in request.form.getlist("why")]
    bones = {each: [tidy(line) for line in request.form.get(each.name, "").splitlines() if line.strip()] for each in CauseCategory}
    return [why for why in whys if why], bones


def _digest(lines: list[ActionCause]) -> str:
    """Return a short text that is equal while the analysis says the same."""
    said = "\x1f".join(f"{line.way.name}{line.position}{line.text}" for line in lines)
    return blake2b(said.encode(), digest_size=6).hexdigest()
