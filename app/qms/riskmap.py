"""The map of risks: its grid, the page with its counts, and the path of a risk over it. Each cell leads to its risks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from flask import abort, g, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.documents.risks import risk_map_pdf
from app.domain.risks import TONES, Band, Level, Scale, Spot, path_of, warnings_of
from app.downloads import send_made, show_pdf
from app.extensions import db, now, today
from app.models import Risk, RiskMove
from app.operations import risks as operations
from app.reports.checklists import workbook
from app.reports.risks import RiskRegister
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.security import may, scope_risks

log = structlog.get_logger("atiende")

#: Lines of the table under the map; the list has all.
MOST_LINES = 100


def scale_now() -> Scale:
    """Return the scale of the house, asked for once a request."""
    if "risk_scale" not in g:
        g.risk_scale = operations.scale_of(db.session())
    return g.risk_scale


def tone_of(band: Band | None) -> str:
    return TONES[band.tone] if band is not None else "stop"


def say_band(band: Band | None) -> Markup:
    """Return a band as a word with its colour."""
    return Markup('<span class="pill {}">{}</span>').format(tone_of(band), band.name if band is not None else _("Without a band"))


def say_spot(spot: Spot, band: Band | None) -> Markup:
    """Return a place of the map: probability by impact, the score, and the band."""
    return Markup('<span class="num">{} × {} = {}</span> {}').format(spot.probability, spot.impact, spot.score, say_band(band))


# ── The grid ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Cell:
    """A place of the map with its band, how many risks stand there and where they are listed."""

    spot: Spot
    band: Band | None
    n: int = 0
    url: str = ""

    @property
    def tone(self) -> str:
        return tone_of(self.band)


def grid(scale: Scale, counts: dict[Spot, int] | None = None, url: Callable[[Spot], str] | None = None) -> list[tuple[Level, list[Cell]]]:
    """Return the rows of the map, the most probable first, each with its cells from the least impact on."""
    found, rows = counts or {}, []
    for probability in reversed(scale.probabilities):
        spots = [Spot(probability.level, impact.level) for impact in scale.impacts]
        rows.append((probability, [Cell(spot, scale.band_of(spot), n := found.get(spot, 0), url(spot) if url and n else "")
                                   for spot in spots]))  # fmt: skip
    return rows


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ByProcess:
    """How many risks of a process lie in each band."""

    id: int
    name: str
    n_of: dict[int | None, int]

    @property
    def n(self) -> int:
        return sum(self.n_of.values())


@dataclass(frozen=True, slots=True)
class Line:
    """A risk in the table under the map."""

    risk: Risk
    inherent: Markup
    residual: Markup
    is_gap: bool
    is_late: bool


class RiskMapView(BaseView):
    """`/risk-map/`: the open risks in the reader's scope, before or after their controls, of all processes or of one."""

    route_base = "/risk-map"
    default_view = "list"
    class_permission_name = "Risk"
    method_permission_name = {"list": "map", "excel": "export", "pdf": "export"}

    @expose("/")
    @has_access
    @permission_name("map")
    def list(self) -> str:
        """The map, what its bands ask for, the processes, and the risks as a table."""
        is_residual, process_id = self._asked()
        scale = scale_now()
        everything = operations.placed(db.session(), self._open(), is_residual=is_residual)
        here = [each for each in everything if process_id in (None, each.process_id)]
        counts: dict[Spot, int] = {}
        for each in here:
            counts[each.spot] = counts.get(each.spot, 0) + each.n
        return self.render_template(
            "qms/risk_map.html", scale=scale, rows=grid(scale, counts, self._url_of(is_residual, process_id)), n=sum(counts.values()),
            is_residual=is_residual, process_id=process_id, processes=_by_process(everything, scale), bands=_bands(counts, scale),
            lines=self._lines(process_id, scale, is_residual=is_residual), of_process=self._args(is_residual, process_id),
            warnings=[_(msgid, **fields) for msgid, fields in warnings_of(scale)], tone_of=tone_of, may=may, today=today(),
        )  # fmt: skip

    @expose("/excel")
    @has_access
    @permission_name("export")
    def excel(self) -> Response:
        """The same risks as a workbook, with their controls and actions."""
        _is_residual, process_id = self._asked()
        found = db.session.scalars(self._loaded(process_id)).all()
        file = workbook(db.session(), RiskRegister(db.session(), found, scale_now()), current_user.get_full_name(), now())
        log.info("export", report=RiskRegister.identifier, extension="xlsx", user_id=current_user.id, request_id=g.request_id)
        return send_made(file, f"mapa-de-riesgos-{today():%Y-%m-%d}.xlsx", XLSX_TYPE)

    @expose("/pdf")
    @has_access
    @permission_name("export")
    def pdf(self) -> Response:
        """The map on paper, with code, version and date on top, its risks below."""
        is_residual, process_id = self._asked()
        found = db.session.scalars(self._loaded(process_id)).all()
        process = found[0].process.name if process_id is not None and found else ""
        content = risk_map_pdf(
            db.session(), found, scale_now(), is_residual=is_residual, process=process, author=current_user.get_full_name(), at=now()
        )
        log.info("export", report=RiskRegister.identifier, extension="pdf", user_id=current_user.id, request_id=g.request_id)
        return show_pdf(content, f"mapa-de-riesgos-{today():%Y-%m-%d}.pdf")

    # What is asked

    @staticmethod
    def _asked() -> tuple[bool, int | None]:
        which, process = request.args.get("which") or "residual", request.args.get("process", "")
        if which not in ("residual", "inherent") or (process and not process.isdecimal()):
            abort(404)
        return which == "residual", int(process) if process else None

    @staticmethod
    def _args(is_residual: bool, process_id: int | None) -> dict[str, Any]:
        """Return the address of what is asked, without what goes without saying."""
        return ({} if is_residual else {"which": "inherent"}) | ({} if process_id is None else {"process": process_id})

    @staticmethod
    def _open() -> Select[Any]:
        return scope_risks(select(Risk).where(Risk.closed_on.is_(None)), today())

    def _of(self, process_id: int | None) -> Select[Any]:
        return self._open() if process_id is None else self._open().where(Risk.process_id == process_id)

    def _loaded(self, process_id: int | None) -> Select[Any]:
        worst = (Risk.residual_probability * Risk.residual_impact).desc()
        return self._of(process_id).options(joinedload(Risk.process), joinedload(Risk.responsible)).order_by(worst, Risk.number)

    @staticmethod
    def _url_of(is_residual: bool, process_id: int | None) -> Callable[[Spot], str]:
        prefix = "residual_" if is_residual else ""

        def url(spot: Spot) -> str:
            asked: dict[str, Any] = {f"{prefix}probability": spot.probability, f"{prefix}impact": spot.impact, "state": "OPEN"}
            return url_for("RiskView.list", **asked, **({"process": process_id} if process_id is not None else {}))

        return url

    def _lines(self, process_id: int | None, scale: Scale, *, is_residual: bool) -> Sequence[Line]:
        """Return the worst risks for the table, the worst first."""
        statement = self._loaded(process_id).add_columns(operations.lacks_action()).limit(MOST_LINES)
        if not is_residual:
            statement = statement.order_by(None).order_by((Risk.probability * Risk.impact).desc(), Risk.number)
        found = []
        for risk, is_gap in db.session.execute(statement):
            inherent, residual = operations.inherent_of(risk), operations.residual_of(risk)
            found.append(Line(risk, say_spot(inherent, scale.band_of(inherent)), say_spot(residual, scale.band_of(residual)),
                              bool(is_gap), risk.review_on < today()))  # fmt: skip
        return found


def _by_process(everything: Iterable[operations.Placed], scale: Scale) -> list[ByProcess]:
    found: dict[int, ByProcess] = {}
    for each in everything:
        band, line = scale.band_of(each.spot), found.setdefault(each.process_id, ByProcess(each.process_id, each.process, {}))
        key = band.id if band is not None else None
        line.n_of[key] = line.n_of.get(key, 0) + each.n
    return [*found.values()]


def _bands(counts: dict[Spot, int], scale: Scale) -> list[tuple[Band, tuple[int, int], int]]:
    """Return the bands, the worst first, each with its scores and how many risks of the map lie in it."""
    of = {spot: scale.band_of(spot) for spot in counts}
    return [(band, scale.score_span(band), sum(n for spot, n in counts.items() if of[spot] == band)) for band in reversed(scale.bands)]


# ── The path of a risk ────────────────────────────────────────────────────────────────────────────────────────────────────

_CELL, _LEFT, _TOP, _BELOW = (64, 44), 40, 8, 40


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cell, a level or a stay of the path, with its place in the picture."""

    x: float
    y: float
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """The map of one risk: its cells, the levels at its edges, where it stands without controls, and the way it came with them."""

    width: int
    height: int
    cells: list[Drawn]
    levels: list[Drawn]
    stays: list[Drawn]
    line: str
    inherent: Drawn | None
    about: str
    size: tuple[int, int] = _CELL


def path(scale: Scale, moves: Sequence[RiskMove]) -> Path:
    """Return how a risk moved; a stay at a level that the scale no longer has is told by the history alone."""
    width, height = _CELL
    across = {level.level: _LEFT + i * width for i, level in enumerate(scale.impacts)}
    down = {level.level: _TOP + i * height for i, level in enumerate(reversed(scale.probabilities))}
    cells = [Drawn(across[cell.spot.impact], down[cell.spot.probability], str(cell.spot.score), cell.tone)
             for _level, row in grid(scale) for cell in row]  # fmt: skip
    bottom = _TOP + len(down) * height
    levels = [*(Drawn(_LEFT - 14, y + height / 2, str(level)) for level, y in down.items()),
              *(Drawn(x + width / 2, bottom + 16, str(level)) for level, x in across.items())]  # fmt: skip
    spots = path_of(Spot(move.residual_probability, move.residual_impact) for move in moves)
    known = [spot for spot in spots if spot.impact in across and spot.probability in down]

    def middle(spot: Spot) -> tuple[float, float]:
        return across[spot.impact] + width / 2, down[spot.probability] + height / 2

    numbers: dict[Spot, list[str]] = {}
    for n, spot in enumerate(known, 1):
        numbers.setdefault(spot, []).append(str(n))
    stays = [Drawn(*middle(spot), " ".join(each[-2:]), "now" if spot == known[-1] else "") for spot, each in numbers.items()]
    last = Spot(moves[-1].probability, moves[-1].impact) if moves else None
    is_there = last is not None and last.impact in across and last.probability in down
    return Path(
        _LEFT + len(across) * width + 8, bottom + _BELOW, cells, levels, stays,
        " ".join(f"{x:g},{y:g}" for x, y in map(middle, known)), Drawn(*middle(last), "") if last is not None and is_there else None,
        _told(spots, last),
    )  # fmt: skip


def _told(spots: Sequence[Spot], last: Spot | None) -> str:
    """Return the picture in words."""
    steps = " → ".join(f"{spot.probability} × {spot.impact}" for spot in spots)
    if last is None:
        return ""
    return _("Without controls: %(inherent)s. With controls, in the order of its history: %(steps)s.",
             inherent=f"{last.probability} × {last.impact}", steps=steps)  # fmt: skip


