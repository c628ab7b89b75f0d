"""Compliance of contracts: the overview with its indicator, the matrix year by year, the lists behind every number, and their charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import structlog
from flask import abort, g, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.group import aggregate_count
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, inspect, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.baseviews import Button, RuledView
from app.charts import RuledChartView
from app.contracts import hanging
from app.domain import N_
from app.domain.checklists import ChecklistStatus, Verdict
from app.domain.compliance import DEFINITION, LETTERS, TONES
from app.domain.interested import QualityKind
from app.downloads import send_made
from app.drawing import Drawing, Plot, Point, Series, drawn
from app.extensions import db, now, today
from app.listing import Choices, Moment, Rows, Text, enum_facet
from app.listviews import Ready
from app.lookups import BIGGEST_ID
from app.models import Checklist, ChecklistItem, Contract, ContractKind, ContractRequirement, Party, Process
from app.reports import compliance
from app.reports.checklists import MatrixSheet, is_final, matrix, workbook
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.security import may, scope_checklists, scope_contracts
from app.words import say_day, say_percent

log = structlog.get_logger("atiende")

#: Years of the overview and the matrix on the screen; files have them all.
MOST_YEARS = 6
MOST_GROUPS, MOST_CONTRACTS, MOST_BARS = 100, 30, 12
EVERY_YEAR = (1900, 9999)


def scoped(statement: Select[Any]) -> Select[Any]:
    """Return *statement* over Contract limited to what the reader may see."""
    return scope_contracts(statement, today())


def row_of(model: Any, pk: str, statement: Select[Any] | None = None) -> Any:
    """Return the row of an address, out of *statement* (all of *model*), or answer 404."""
    if not pk.isdecimal() or int(pk) > BIGGEST_ID:
        abort(404)
    return db.session.scalars((select(model) if statement is None else statement).where(model.id == int(pk))).first() or abort(404)


# ── The overview and the matrix ───────────────────────────────────────────────────────────────────────────────────────────


class ComplianceView(BaseView):
    """`/compliance/`: how far contracts are met, by what and in which year, and how many were verified. All of it within the scope."""

    route_base = "/compliance"
    default_view = "list"
    class_permission_name = "Compliance"

    # The overview

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The indicator of the last years, and the compliance by what `by` says."""
        by, year = self._by(), today().year
        found = compliance.overview(db.session(), by, scoped(select(Contract.id)), year - MOST_YEARS + 1, year)
        lines = compliance.indicator(db.session(), scoped, range(year - MOST_YEARS + 1, year + 1))
        return self.render_template(
            "compliance/overview.html", by=by, found=found, groups=found.groups[:MOST_GROUPS], lines=lines, groupings=compliance.GROUPINGS,
            definition=DEFINITION, indicator=compliance.INDICATOR, rows_url=self._rows_url, of_year=self._of_year,
            drawing_of_years=self._drawing_of_years(lines), drawings=self._drawings(by, found) if found.groups else [],
            may_export=may("can_export", "Compliance"), percent=say_percent,
        )  # fmt: skip

    @expose("/excel")
    @has_access
    @permission_name("export")
    def excel(self) -> Response:
        """The overview of all years, a line a group and year."""
        by = self._by()
        found = compliance.overview(db.session(), by, scoped(select(Contract.id)), *EVERY_YEAR)
        return self._sent(compliance.OverviewSheet(found), f"cumplimiento-{by}")

    @staticmethod
    def _by() -> str:
        by = request.args.get("by") or "contract"
        return by if by in compliance.GROUPINGS else abort(404)

    @staticmethod
    def _rows_url(by: str, key: Any, year: int) -> str:
        """Return the address of the verdicts of a group in a year; nothing where the list cannot name them."""
        value = getattr(key, "name", key)
        return "" if value is None else url_for("VerifiedRequirementView.list", **{by: value, "year": year})

    @staticmethod
    def _of_year(name: str, year: int) -> str:
        return url_for("VerificationView.list", **{name: year})

    def _drawing_of_years(self, lines: Iterable[compliance.YearLine]) -> Drawing | None:
        points = [(str(line.year), line.percent, self._of_year("verified", line.year)) for line in lines]
        return self._drawn("ColumnChart", _("Share of contracts verified in the year"), points)

    def _drawings(self, by: str, found: compliance.Overview) -> list[tuple[str, Drawing]]:
        """Return the charts of the overview with their names: the years, and the weakest groups of the last one."""
        last = found.years[-1]
        totals = [(str(year), each.sum.percent, url_for("VerifiedRequirementView.list", year=year)) for year, each in found.totals.items()]
        known = [group for group in found.groups if last in group.years]
        groups = [(group.name, group.years[last].sum.percent, self._rows_url(by, group.key, last)) for group in known]
        charts = (
            ("ColumnChart", _("Compliance by year"), totals),
            ("BarChart", _("Compliance in %(year)s: the weakest first", year=last), groups),
        )
        drawings = [(title, self._drawn(kind, title, points)) for kind, title, points in charts]
        return [(title, drawing) for title, drawing in drawings if drawing is not None]

    @staticmethod
    def _drawn(kind: str, title: str, points: Iterable[tuple[str, Decimal | None, str]]) -> Drawing | None:
        """Return the chart of (label, share, address); nothing where there is no share."""
        known = [point for point in points if point[1] is not None][:MOST_BARS]
        if not known:
            return None
        shares = tuple(Point(percent, say_percent(percent), url) for _label, percent, url in known)
        labels = tuple(label for label, _percent, _url in known)
        return drawn(Plot(kind, title, _("The table has the same numbers."), labels, (Series(title, shares),)))

    # The matrix

    @expose("/contract/<pk>")
    @has_access
    @permission_name("list")
    def contract(self, pk: str) -> str:
        """The requirements of a contract, year by year."""
        one = row_of(Contract, pk, scoped(select(Contract)))
        title = _("%(number)s, year by year", number=one.number)
        return self._matrix(select(Contract).where(Contract.id == one.id), title, url_for("ComplianceView.contract_excel", pk=pk))

    @expose("/contract/<pk>/excel")
    @has_access
    @permission_name("export")
    def contract_excel(self, pk: str) -> Response:
        """The matrix of a contract as a file."""
        one = row_of(Contract, pk, scoped(select(Contract)))
        return self._matrix_sent(select(Contract).where(Contract.id == one.id), one.number)

    @expose("/party/<pk>")
    @has_access
    @permission_name("list")
    def party(self, pk: str) -> str:
        """The requirements of all contracts of a party, year by year."""
        one = row_of(Party, pk)
        title = _("Contracts of %(party)s, year by year", party=one.name)
        return self._matrix(self._of_party(one), title, url_for("ComplianceView.party_excel", pk=pk))

    @expose("/party/<pk>/excel")
    @has_access
    @permission_name("export")
    def party_excel(self, pk: str) -> Response:
        """The matrix of a party as a file."""
        one = row_of(Party, pk)
        return self._matrix_sent(self._of_party(one), one.name)

    @staticmethod
    def _of_party(party: Party) -> Select[Any]:
        signed = scoped(select(Contract).where(Contract.party_id == party.id, Contract.signed_on.is_not(None)))
        return signed.order_by(Contract.starts_on.desc(), Contract.id.desc())

    def _matrix(self, contracts: Select[Any], title: str, excel: str) -> str:
        found = matrix(db.session(), contracts, most=MOST_CONTRACTS, n_years=MOST_YEARS)
        return self.render_template(
            "compliance/matrix.html", title=title, found=found, excel=excel if may("can_export", "Compliance") else "",
            verdicts=Verdict, letters=LETTERS, tones=TONES, is_final=is_final, definition=DEFINITION, percent=say_percent,
            may_read=may("can_show", "Checklist"), may_read_contract=may("can_show", "Contract"),
        )  # fmt: skip

    def _matrix_sent(self, contracts: Select[Any], whose: str) -> Response:
        return self._sent(MatrixSheet(matrix(db.session(), contracts), whose), f"matriz-{whose}")

    @staticmethod
    def _sent(report: Any, stem: str) -> Response:
        file = workbook(db.session(), report, current_user.get_full_name(), now())
        log.info("export", report=report.identifier, extension="xlsx", user_id=current_user.id, request_id=g.request_id)
        safe = "".join(letter if letter.isalnum() else "-" for letter in stem).strip("-")
        return send_made(file, f"{safe}-{today():%Y-%m-%d}.xlsx", XLSX_TYPE)


@hanging.buttons
def matrix_of(contract: Contract) -> list[Button]:
    """Return the way from the page of a contract to its matrix."""
    is_seen = contract.signed_on is not None and may("can_list", "Compliance")
    return [Button(_("Compliance year by year"), url_for("ComplianceView.contract", pk=contract.id))] if is_seen else []


# ── Behind every number: verdicts ─────────────────────────────────────────────────────────────────────────────────────────


def verdict_shown(verdict: Verdict | None) -> Any:
    """Return the verdict as a word with its colour."""
    if verdict is None:
        return _("Without a verdict")
    return Markup('<span class="pill {}">{}</span>').format(TONES[verdict], _(verdict.value))


class VerifiedRequirementView(RuledView):
    """Every requirement of every checklist that the reader sees, with its verdict. Read-only: it is given on the checklist."""

    datamodel = SQLAInterface(ChecklistItem)
    route_base = "/verified"
    class_permission_name = "Compliance"
    include_route_methods = {"list", "export"}
    list_title = _l("Verified requirements")
    intro = _l("Each requirement of each yearly checklist with its verdict; the number leads to its row.")
    empty_text = _l("No checklist has been opened yet. The first opens by itself on the first anniversary of a signed contract.")
    list_columns = ["number", "contract", "year", "requirement", "process", "verdict", "note", "action"]
    show_columns = [*list_columns, "party", "quality", "clause", "no_action_reason", "verified_by", "verified_at"]
    more_columns = ("party", "quality", "clause", "no_action_reason", "verified_by", "verified_at")
    search_words = ("note",)
    own_facets = (
        Rows("contract", _l("Contract"), Checklist.contract_id, Contract, Contract.id, "contract"),
        Rows("party", _l("Party"), Contract.party_id, Party, Party.id, "party"),
        Text("year", _l("Year"), Checklist.year),
        Rows("process", _l("Process"), compliance.PROCESS, Process, Process.id, may_be_empty=True),
        Rows("kind", _l("Kind of contract"), Contract.kind_id, ContractKind, ContractKind.id),
        enum_facet("quality", _l("Quality"), ContractRequirement.quality, QualityKind),
        enum_facet("state", _l("State of the checklist"), Checklist.status, ChecklistStatus),
    )
    ready_filters = (
        Ready(N_("Findings"), "verdict=PARTLY,NOT_MET"), Ready(N_("Findings without an action"), "verdict=PARTLY,NOT_MET&action=empty"),
    )  # fmt: skip
    base_order = ("id", "desc")
    clipped = ("requirement", "note", "party")
    label_columns = {
        "number": _l("Checklist"), "contract": _l("Contract"), "party": _l("Party"), "year": _l("Year"), "requirement": _l("Requirement"),
        "process": _l("Process"), "verdict": _l("Verdict"), "note": _l("Note"), "action": _l("Action"), "quality": _l("Quality"),
        "clause": _l("Clause"), "no_action_reason": _l("Why no action"), "verified_by": _l("Verified by"),
        "verified_at": _l("Verified on"), "kind": _l("Kind of contract"),
    }  # fmt: skip
    formatters_columns = {"verified_by": lambda user: user.get_full_name()}

    @property
    def list_name(self) -> str:
        return "VerifiedRequirement"

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_checklists(compliance.joined(statement), today())

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        contract = joinedload(ChecklistItem.checklist).joinedload(Checklist.contract)
        return statement.options(
            contract.joinedload(Contract.party), contract.joinedload(Contract.process),
            joinedload(ChecklistItem.requirement).joinedload(ContractRequirement.process),
            joinedload(ChecklistItem.action), joinedload(ChecklistItem.verified_by),
        )  # fmt: skip

    def may_do(self, method: str) -> bool:
        return may("can_show", "Checklist") if method == "show" else super().may_do(method)

    def row_url(self, item: ChecklistItem) -> str:
        return f"{url_for('ChecklistView.show', pk=item.checklist_id)}#row-{item.id}"

    def title_of(self, item: ChecklistItem) -> str:
        return f"{item.checklist.number}-{item.position}"

    def shown(self, item: ChecklistItem, name: str) -> Any:
        match name:
            case "verdict":
                return verdict_shown(item.verdict)
            case "contract":
                contract = item.checklist.contract
                return Markup('<a class="num" href="{}">{}</a>').format(url_for("ComplianceView.contract", pk=contract.id), contract.number)
        return self.said(item, name)

    def said(self, item: ChecklistItem, name: str) -> Any:
        """Return the text of column *name*."""
        contract, asked = item.checklist.contract, item.requirement
        match name:
            case "number":
                return self.title_of(item)
            case "year":
                return str(item.checklist.year)
            case "contract":
                return contract.number
            case "party":
                return contract.party.name
            case "requirement":
                return asked.text
            case "process":
                return getattr(asked.process or contract.process, "name", "—")
            case "quality":
                return _(asked.quality.value)
            case "clause":
                return asked.clause or "—"
            case "verdict":
                return _(item.verdict.value) if item.verdict else _("Without a verdict")
        return super().shown(item, name)

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        kind, value = super().exported(name, column)
        return (kind, value) if name == "verified_at" else (kind, lambda line: self.said(line, name))


def named(model: Any) -> Callable[[int], str]:
    """Return what says the name of a row of *model* by its key; all of them are read once a request."""

    def say_it(key: int) -> str:
        names = g.setdefault("names_of_charts", {})
        if model not in names:
            names[model] = {row.id: str(row) for row in db.session.scalars(select(model))}
        return names[model].get(key, str(key))

    return say_it


class ComplianceChartView(RuledChartView):
    """How many requirements got each verdict, by year, process, contract, party and quality."""

    route_base = "/charts/compliance"
    class_permission_name = "Compliance"
    list_view, chart_title, counted = VerifiedRequirementView, _l("Charts of compliance"), _l("Requirements")
    definitions = [
        {"group": name, "label": label, "split": "verdict", "series": [(aggregate_count, "id")], "chart_type": chart_type,
         "formatter": formatter, "tones": {verdict.name: tone for verdict, tone in TONES.items()} | {"": "info"}}
        for name, label, chart_type, formatter in (
            ("year", _l("By year"), "ColumnChart", str), ("process", _l("By process"), "BarChart", named(Process)),
            ("contract", _l("By contract"), "BarChart", named(Contract)),
            ("kind", _l("By kind of contract"), "BarChart", named(ContractKind)),
            ("quality", _l("By quality"), "ColumnChart", None),
        )
    ]  # fmt: skip

    def expressions(self) -> dict[str, ColumnElement[Any]]:
        return {
            "year": Checklist.year, "process": compliance.PROCESS, "contract": Checklist.contract_id, "kind": Contract.kind_id,
            "quality": ContractRequirement.quality,
        }  # type: ignore[dict-item]  # fmt: skip

    def _has_order(self, name: str, columns: Any) -> bool:
        return name in ("year", "quality", "verdict")


# ── Behind the indicator: contracts ───────────────────────────────────────────────────────────────────────────────────────


def years() -> list[tuple[str, str]]:
    """Return the years that a filter offers."""
    return [(str(year), str(year)) for year in range(today().year, today().year - 10, -1)]


def _of(name: str) -> Callable[[str, Moment], ColumnElement[bool]]:
    return lambda value, _moment: compliance.OF_YEAR[name](int(value))


class VerificationView(RuledView):
    """Contracts by how their yearly verification stands: the rows behind the indicator."""

    datamodel = SQLAInterface(Contract)
    route_base = "/verifications"
    class_permission_name = "Compliance"
    include_route_methods = {"list", "export"}
    list_title = _l("Verification of contracts")
    intro = _l("Signed contracts by year: which were in force, which fell due, which were verified and which are missing.")
    empty_text = _l("No contract has been signed yet.")
    list_columns = ["number", "party", "object", "process", "starts_on", "ends_on", "last"]
    show_columns = [*list_columns, "kind", "supervisor", "terminated_on"]
    more_columns = ("last", "kind", "supervisor", "terminated_on")
    search_words = ("number", "object")
    filter_columns = ("party", "process", "kind")
    own_facets = tuple(
        Choices(name, label, years, _of(name))
        for name, label in (
            ("missing", _l("Not verified in")), ("verified", _l("Verified in")), ("to_verify", _l("To verify in")),
            ("active", _l("In force in")), ("unasked", _l("Due without requirements in")),
        )
    )  # fmt: skip
    base_order = ("number", "asc")
    clipped = ("object", "party")
    label_columns = {
        "number": _l("Contract"), "party": _l("Party"), "object": _l("Object"), "process": _l("Process"), "starts_on": _l("Start"),
        "ends_on": _l("End"), "last": _l("Last approved verification"), "kind": _l("Kind of contract"), "supervisor": _l("Supervisor"),
        "terminated_on": _l("Terminated on"),
    }  # fmt: skip
    formatters_columns = {"supervisor": lambda user: user.get_full_name()}

    @property
    def list_name(self) -> str:
        return "Verification"

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scoped(statement).where(Contract.signed_on.is_not(None))

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        closed = select(Checklist.year, Checklist.compliance).where(
            Checklist.contract_id == Contract.id, Checklist.status == ChecklistStatus.CLOSED
        ).order_by(Checklist.year.desc()).limit(1)  # fmt: skip
        last = (closed.with_only_columns(each).scalar_subquery() for each in (Checklist.year, Checklist.compliance))
        return statement.options(*self._loading(self.choosable)).add_columns(*last)

    def line_of(self, row: Any) -> Any:
        """Return the contract, with the year and share of its last approved checklist beside it."""
        contract = row[0]
        inspect(contract).info["last"] = row[1], row[2]
        return contract

    def may_do(self, method: str) -> bool:
        return super().may_do(method) or method == "show"

    def row_url(self, item: Contract) -> str:
        return url_for("ComplianceView.contract", pk=item.id)

    def shown(self, item: Contract, name: str) -> Any:
        if name == "last":
            year, percent = inspect(item).info.get("last", (None, None))
            return f"{year} · {say_percent(percent)}" if year else "—"
        return say_day(item.ends_on) if name == "ends_on" else super().shown(item, name)
