"""All indicators at a glance: light, last value, which way it goes, what waits to be done; and all of it as a workbook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import structlog
from flask import g, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.domain.indicators import Standing
from app.downloads import send_made
from app.extensions import db, now, today
from app.models import Indicator, IndicatorValue
from app.operations import indicators as operations
from app.qms.indicatorwords import TONES, say_figure, say_period, spark, trend
from app.reports.indicators import workbook
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.security import may

log = structlog.get_logger("atiende")


@dataclass(frozen=True, slots=True)
class Tile:
    """An indicator of the board: its newest value with something measured, and what waits to be done."""

    indicator: Indicator
    standing: Standing
    figure: str
    period: str
    goal: str
    trend: Markup
    spark: Markup
    waits: dict[str, str]


def tile_of(indicator: Indicator, values: Sequence[IndicatorValue]) -> Tile:
    """Return the tile of *indicator*; *values* are its newest, the newest first."""
    newest = next((value for value in values if value.standing is not Standing.EMPTY), None)
    n_drafts = sum(value.reported_at is None for value in values)
    waits = {"act": _("Two misses in a row")} if operations.ask_for(values) else {}
    if n_drafts:
        waits["report"] = _("%(n)s to type in", n=n_drafts) if operations.is_typed(indicator) else _("%(n)s to report", n=n_drafts)
    if any(value.differs_since for value in values):
        waits["differs"] = _("A reported value differs now")
    return Tile(
        indicator, newest.standing if newest else Standing.EMPTY, say_figure(indicator, newest.value if newest else None),
        say_period(newest.period_from, newest.period_until) if newest else "", say_figure(indicator, indicator.goal),
        trend(indicator, values), spark(values), waits,
    )  # fmt: skip


class IndicatorBoardView(BaseView):
    """`/indicators/`: the board. Four statements, whatever the number of indicators."""

    route_base = "/indicators"
    default_view = "board"
    class_permission_name = "Indicator"
    method_permission_name = {"board": "list", "workbook": "export"}

    @expose("/")
    @has_access
    @permission_name("list")
    def board(self) -> Any:
        """The indicators in use by process, narrowed to a light or to what waits where the address says so."""
        asked, waits = request.args.get("standing", ""), request.args.get("waits", "")
        tiles = [tile_of(indicator, values) for indicator, values in operations.board(db.session())]
        counts, waiting = Counter(tile.standing for tile in tiles), Counter(key for tile in tiles for key in tile.waits)
        shown = [tile for tile in tiles if asked not in Standing.__members__ or tile.standing is Standing[asked]]
        shown = [tile for tile in shown if waits in tile.waits] if waits else shown
        groups = groupby(shown, key=lambda tile: tile.indicator.process)
        return self.render_template(
            "qms/indicator_board.html", groups=[(process, list(each)) for process, each in groups], counts=counts, waiting=waiting,
            standings=Standing, tones=TONES, asked=asked if asked in Standing.__members__ else "", waits=waits, n=len(tiles),
            may_add=may("can_add", "Indicator"), may_export=may("can_export", "Indicator"), register_url=url_for("IndicatorView.list"),
        )  # fmt: skip

    @expose("/excel")
    @has_access
    @permission_name("export")
    def workbook(self) -> Response:
        """All sheets, all values and all corrections, a sheet each."""
        file = workbook(db.session(), current_user.get_full_name(), now())
        log.info("export", report="indicators", extension="xlsx", user_id=current_user.id, request_id=g.request_id)
        return send_made(file, f"indicadores-{today():%Y-%m-%d}.xlsx", XLSX_TYPE)
