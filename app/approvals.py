"""«To approve»: the answers that wait for a signature, the most urgent first, each with the start of its draft."""

from __future__ import annotations

from flask_appbuilder import BaseView, expose, has_access, permission_name
from sqlalchemy import select

from app import queries
from app.caselist import light_shown, shown_name
from app.extensions import db, today
from app.models import Pqr
from app.security import scope_cases

MOST = 50


class ApprovalView(BaseView):
    """`/approvals/`: whoever may issue an answer reads here what is ready, and goes on to approve it or to return it."""

    route_base = "/approvals"
    default_view = "list"
    class_permission_name = "Pqr"
    method_permission_name = {"list": "issue_answer"}

    @expose("/")
    @has_access
    @permission_name("issue_answer")
    def list(self) -> str:
        """The cases with their solution recorded, with light, draft and open points."""
        calendar = queries.calendar_of(db.session, queries.organisation(db.session))
        found = queries.approvals(db.session, scope_cases(select(Pqr.id), today()), MOST)
        lines = [(line, *light_shown(line, calendar, today()), shown_name(line)) for line in found]
        return self.render_template("approvals.html", lines=lines, is_cut=len(found) == MOST)
