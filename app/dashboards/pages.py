"""The boards as pages: `/dashboard/<board>/`, on the desk, on paper, and on the television of the office (`?tv=1`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import make_response, render_template, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from wtforms import DateField
from wtforms.validators import ValidationError

from app import queries
from app.dashboards import cases, commercial, quality, satisfaction
from app.dashboards.base import Board, Moment, Spans
from app.dashboards.shown import shown
from app.domain.errors import DomainError
from app.extensions import db, now, today
from app.reports.forms import ReportForm
from app.security import may, reader_of
from app.words import say, say_day

#: Seconds after which a television asks again; of boards that take turns, how long each stays.
AGAIN, TURN = 300, 60


class BoardForm(ReportForm):
    """The days that a board looks at."""

    def validate_since(self, field: DateField) -> None:
        if field.data is not None and self.period.data == "OTHER" and field.data > today():
            raise ValidationError(_("The period has not begun yet."))


def is_on_wall() -> bool:
    return request.args.get("tv", "") == "1"


def on_the_wall(page: Callable[..., Any]) -> Callable[..., Any]:
    """Say on a television that the session is over, and go on asking; a form to sign in stands on nobody's wall."""

    @wraps(page)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_on_wall() or current_user.is_authenticated:
            return page(self, *args, **kwargs)
        response = make_response(render_template("dashboards/over.html", login=self.appbuilder.get_url_for_login_with(request.url)), 401)
        response.headers["Refresh"] = str(AGAIN)
        return response

    return guarded


class BoardView(BaseView):
    """What the four boards share: rights, days, drawing."""

    default_view = "show"
    method_permission_name = {"show": "list"}
    board: Board

    @expose("/")
    @on_the_wall
    @has_access
    @permission_name("list")
    def show(self) -> Any:
        """The board of the days in the address: this month unless it says others."""
        form = BoardForm(request.args)
        is_valid, facts = form.validate(), {}
        if is_valid:
            try:
                facts = self._told(form)
            except DomainError as error:  # the company, or a year of the calendar, is missing
                facts = {"refusal": say(error)}
        page = self.render_template(
            "dashboards/wall.html" if is_on_wall() else "dashboards/board.html", board=self.board, title=_(self.board.name), form=form,
            boards=[(_(each.name), url, each.key) for each, url in self._others(form, tv=is_on_wall())], wall=self._wall(form), **facts,
        )  # fmt: skip
        response = make_response(page, 200 if is_valid else 422)
        if is_on_wall() and is_valid:
            response.headers["Refresh"] = self._again(form)
        return response

    def _told(self, form: BoardForm) -> dict[str, Any]:
        on, asked = today(), form.span(today())
        moment = Moment(db.session(), reader_of(on), Spans.of(asked, on), on)
        spans, organisation = moment.spans, queries.organisation(db.session)
        return {
            "shown": shown(self.board, self.board.read(moment), moment), "at": now(), "on": on, "organisation": organisation.name,
            "spans": spans, "days": [(say_day(span.since), say_day(span.until)) for span in spans.all],
            "is_scoped": not may("can_see_all") and self.board.right in ("CaseDashboard", "QualityDashboard"),
        }  # fmt: skip

    @staticmethod
    def _others(form: BoardForm, **more: Any) -> list[tuple[Board, str]]:
        """Return the boards that the reader may open, each with its address for the same days."""
        said = {name: value for name, value in more.items() if value}
        return [
            (view.board, url_for(f"{view.__name__}.show", **form.args(), **({name: int(value) for name, value in said.items()})))
            for view in BOARDS
            if may("can_list", view.class_permission_name)
        ]

    def _wall(self, form: BoardForm) -> dict[str, str]:
        """Return the addresses of this board on the television, alone and taking turns, and that of the desk."""
        endpoint, args = f"{self.endpoint}.show", form.args() if not form.errors else {}
        more = {"alone": {"tv": 1}, "turns": {"tv": 1, "rotate": 1}, "desk": {}}
        return {name: url_for(endpoint, **asked, **args) for name, asked in more.items()}

    def _again(self, form: BoardForm) -> str:
        """Return when the television asks again, and which board: the same, or the next when they take turns."""
        if request.args.get("rotate") != "1":
            return f"{AGAIN}; url={self._wall(form)['alone']}"
        turns = self._others(form, tv=True, rotate=True)
        place = next(n for n, (board, _url) in enumerate(turns) if board is self.board)
        return f"{TURN}; url={turns[(place + 1) % len(turns)][1]}"


class CaseBoardView(BoardView):
    """`/dashboard/cases/`."""

    route_base, class_permission_name, board = "/dashboard/cases", "CaseDashboard", cases.BOARD


class CommercialBoardView(BoardView):
    """`/dashboard/commercial/`."""

    route_base, class_permission_name, board = "/dashboard/commercial", "CommercialDashboard", commercial.BOARD


class SatisfactionBoardView(BoardView):
    """`/dashboard/satisfaction/`."""

    route_base, class_permission_name, board = "/dashboard/satisfaction", "SatisfactionDashboard", satisfaction.BOARD


class QualityBoardView(BoardView):
    """`/dashboard/quality/`."""

    route_base, class_permission_name, board = "/dashboard/quality", "QualityDashboard", quality.BOARD


#: In the order in which they take turns.
BOARDS: tuple[type[BoardView], ...] = (CaseBoardView, CommercialBoardView, SatisfactionBoardView, QualityBoardView)
