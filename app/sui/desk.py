"""The desk of the regulator's files: month by month and service by service what lacks, what is frozen and what was reported."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from app import queries
from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError
from app.domain.states import PqrStatus
from app.domain.sui import CLAIM_FIELDS, Fault, LoadStatus, Mend, Standing, SuiFormat, SuiRuleKey, SuiWeight, first_of, last_of
from app.downloads import send_made
from app.extensions import db, now, start_writing, today
from app.forms import UpTo
from app.intake import blame
from app.models import Pqr, RequestType, Service, SuiCode, SuiLoad
from app.operations import sui, sui_loads
from app.operations.sui import Judged, Row
from app.security import may, scope_cases
from app.words import say, say_number

#: Months that the board shows; more of them on asking.
MONTHS, MOST_MONTHS = 6, 36
#: Cases of the last month that the board still judges by itself; a larger one is judged on its page.
MOST_JUDGED = 20_000
#: Rows of a month on one page.
PAGE = 50
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
STANDINGS = {
    Standing.PENDING: "info", Standing.EXPIRED: "bad", Standing.UNNOTIFIED: "warn", Standing.ANSWERED: "ok", Standing.ENDED: "stop",
}  # fmt: skip


class FreezeForm(FlaskForm):
    """Freezing a month of any file of the SUI. Its reason is asked only where the month is frozen already, and there it is not optional."""

    reason = TextAreaField(
        _l("Why it is reported again"), validators=[UpTo(500)],
        description=_l("The permission of the SUI to report it again, with its number, and what changes."),
    )  # fmt: skip

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.reason.flags.required = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A month of a service on the board: its load if it has one, what it adds up to if it was judged, its last day and its state."""

    service: Service
    month: date
    load: SuiLoad | None
    judged: Judged | None
    by: date
    on: date

    @property
    def state(self) -> tuple[str, str]:
        """Return the tone and the words (a msgid) of the cell."""
        if self.load is not None:
            return ("ok", N_("Reported")) if self.load.status is LoadStatus.SENT else ("warn", N_("Frozen, not reported"))
        if self.on <= last_of(self.month):
            return "info", N_("In course")
        if self.judged is not None and self.judged.n_bad:
            return "bad", N_("Rows to correct")
        if self.judged is not None:
            return "soon", N_("Ready to freeze")
        return "stop", N_("Not frozen")

    @property
    def is_late(self) -> bool:
        """Whether its last day is over and it is not reported; of months that nobody froze, only the last one: others may be of before."""
        is_last = self.month == months_after(first_of(self.on), -1)
        is_pending = is_last if self.load is None else self.load.status is not LoadStatus.SENT
        return self.on > self.by and is_pending


def month_in(said: str) -> date:
    """Return the month of an address, 2026-07, or answer 404; what has not begun has no file."""
    if not _MONTH.fullmatch(said) or date.fromisoformat(f"{said}-01") > today():
        abort(404)
    return date.fromisoformat(f"{said}-01")


def service_in(code: str) -> Service:
    return db.session.scalar(select(Service).where(Service.code == code.upper(), Service.is_public_utility)) or abort(404)


def upload_day() -> int:
    """Return the day of the next month until which a file is uploaded."""
    return sui.upload_day(queries.parameter(db.session, sui.UPLOAD_DAY))


def mend_url(fault: Fault, row: Row) -> str:
    """Return where *fault* of *row* is mended, as far as the reader may; empty for who may not."""
    facts = row.claim.facts if row.claim else None
    match fault.mend:
        case Mend.EDIT if may("can_edit"):
            return url_for("CaseView.edit", number=row.number)
        case Mend.CASE | Mend.EDIT:
            return url_for("CaseView.show", number=row.number)
        case Mend.ACCOUNT if facts and facts.account_id and may("can_edit", "Account"):
            return url_for("AccountView.edit", pk=facts.account_id)
        case Mend.CAUSES if may("can_list", "SuiCause"):
            return url_for("SuiCauseView.list", service=row.service_id)
        case Mend.RULES if may("can_list", "SuiRule"):
            return url_for("SuiRuleView.list")
        case Mend.MAPS if may("can_list", "SuiRule"):
            return url_for("SuiMapView.list")
    return ""


def filled(fault: Fault) -> str:
    """Return what is wrong, in the reader's language."""
    return _(fault.msgid, **fault.fields)


def unfilled(msgid: str) -> str:
    """Return what is wrong with many rows: what differs among them is left out."""
    return re.sub(r"%\(\w+\)s", "…", _(msgid))


def in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return codes and how many rows have each, as people count: 2 before 10."""
    return sorted(counts.items(), key=lambda each: (len(each[0]), each[0]))


def _lost_url(month: date) -> str:
    """Return the list of the cases of *month* that no file has."""
    types = db.session.scalars(select(RequestType.id).where(RequestType.sui_procedure.is_not(None)).order_by(RequestType.id))
    alive = ",".join(each.name for each in PqrStatus if each is not PqrStatus.VOIDED)
    asked = {"service": "empty", "filed_on": f"{month}..{last_of(month)}", "status": alive, "request_type": ",".join(map(str, types))}
    return url_for("CaseView.list", **asked)


class SuiView(BaseView):
    """`/sui/`: the board, and the page of a month."""

    route_base = "/sui"
    default_view = "board"
    class_permission_name = "Sui"

    # ── The board ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/")
    @has_access
    @permission_name("list")
    def board(self) -> Any:
        """Months by services; whoever writes a number of a case finds the files that it is in."""
        n = request.args.get("months", "")
        n_months = min(int(n), MOST_MONTHS) if n.isdecimal() and int(n) else MONTHS
        number = " ".join(request.args.get("q", "")[:60].split())
        found = db.session.execute(scope_cases(sui.loads_with(number), today()).limit(100)).all() if number else []
        served = sui.services(db.session)
        board = self._board(served, n_months)
        return self.render_template(
            "sui/desk.html", services=served, board=board, number=number, found=found, n_months=n_months, more=MOST_MONTHS,
            day=upload_day(), most=say_number(MOST_JUDGED),
        )  # fmt: skip

    @staticmethod
    def _board(served: list[Service], n_months: int) -> list[tuple[date, list[Cell]]]:
        on, day = today(), upload_day()
        months = [first_of(on), *sui_loads.months_to_report(on, n_months)]
        loads = {(load.service_id, load.month): load for load in db.session.scalars(_current(months))}
        judged: dict[int, Judged] = {}
        ids = [service.id for service in served if (service.id, months[1]) not in loads]
        if ids:
            judged = sui.judged_by_service(db.session, ids, months[1], sui.rule_book(db.session), MOST_JUDGED)
        return [
            (month, [Cell(service, month, loads.get((service.id, month)), judged.get(service.id) if month == months[1] else None,
                          sui.upload_by(month, day), on) for service in served])
            for month in months
        ]  # fmt: skip

    # ── A month ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/<code>/<month>", methods=["GET"])
    @has_access
    @permission_name("show")
    def show(self, code: str, month: str) -> Any:
        """What a month adds up to, what is wrong with it and its rows as they will leave."""
        return self._page(service_in(code), month_in(month), FreezeForm(formdata=None))

    def _page(self, service: Service, month: date, form: FreezeForm, status: int = 200) -> Any:
        book = sui.rule_book(db.session)
        columns = sui_loads.columns(db.session, SuiFormat.CLAIMS)
        load = sui_loads.current(db.session, SuiFormat.CLAIMS, service.id, month)
        seen = _Seen(request.args)
        judged = sui.judge(seen.watch(sui.rows_of(db.session, [service.id], month, book, today())))
        shown = [
            (row, sui.line_of(row.claim, columns).cells if row.claim else (),
             [(fault, mend_url(fault, row)) for fault in (row.claim.faults if row.claim else ())])
            for row in seen.rows
        ]  # fmt: skip
        rules, lost = book.of(service.id, month), self._lost(month)
        page = self.render_template(
            "sui/month.html", service=service, month=month, judged=judged, columns=columns, load=load, form=form, seen=seen, shown=shown,
            is_over=today() > last_of(month), by=sui.upload_by(month, upload_day()), codes=self._codes(rules.one(SuiRuleKey.CODE_TABLE)),
            standings=STANDINGS, standing_of=Standing.__members__, fields=CLAIM_FIELDS, keys=SuiRuleKey.__members__, lost=lost,
            lost_url=_lost_url(month) if lost else "", filled=filled, unfilled=unfilled, in_order=in_order, before=months_after(month, -1),
            after=months_after(month, 1), today=today(), doubts=self._doubts(columns), weights=SuiWeight.__members__,
        )  # fmt: skip
        return page, status

    @staticmethod
    def _codes(variant: str) -> dict[tuple[str, str], str]:
        """Return how the codes of a table are called, by kind and code."""
        rows = db.session.execute(select(SuiCode.kind, SuiCode.code, SuiCode.name).where(SuiCode.variant == variant))
        return {(kind.name, code): name for kind, code, name in rows}

    @staticmethod
    def _lost(month: date) -> int:
        """Return how many cases of the month have no service, so that no file has them."""
        return db.session.scalar(scope_cases(select(func.count(Pqr.id)).where(sui.without_service(month)), today())) or 0

    @staticmethod
    def _doubts(columns: list[Any]) -> list[tuple[str, str]]:
        """Return the columns of which their sources are not sure."""
        unsure = ("insegur", "conflicto", "una fuente")
        return [(column.heading, column.confidence) for column in columns if any(word in column.confidence for word in unsure)]

    @expose("/<code>/<month>/draft")
    @has_access
    @permission_name("export")
    def draft(self, code: str, month: str) -> Response:
        """The rows as they would leave, marked as a draft; nothing while one of them is bad."""
        service, first = service_in(code), month_in(month)
        columns, book = sui_loads.columns(db.session, SuiFormat.CLAIMS), sui.rule_book(db.session)
        target = io.BytesIO()
        try:
            lines = sui.judged_lines(sui.rows_of(db.session, [service.id], first, book, today()), columns)
            headings = [column.heading for column in columns]
            sui_loads.write_csv(headings, (line.cells for line in lines), target, sui.encoding_of(book.of(service.id, first)))
        except DomainError as error:
            flash(say(error), "warning")
            return redirect(url_for("SuiView.show", code=code, month=month))
        target.seek(0, io.SEEK_END)
        return send_made(target, f"reclamaciones-{service.code.lower()}-{month}-BORRADOR.csv", sui_loads.MEDIA_TYPE)

    @expose("/<code>/<month>/freeze", methods=["POST"])
    @has_access
    @permission_name("freeze")
    def freeze(self, code: str, month: str) -> Any:
        """Freeze the month: it is judged again, written, hashed and kept, all at once or not at all."""
        start_writing()
        service, first, form = service_in(code), month_in(month), FreezeForm()
        try:
            if not form.validate():
                raise DomainError(N_("Please correct this:"))
            load = sui.freeze_month(db.session(), service, first, at=now(), user_id=current_user.id, reason=form.reason.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
            return self._page(service_in(code), first, form, 422)
        flash(_("The month is frozen: version %(version)s, %(n)s rows.", version=load.version, n=say_number(load.n_rows)), "success")
        return redirect(url_for("SuiLoadView.show", pk=load.id))


def _current(months: list[date]) -> Select[Any]:
    """Return the SELECT of the version that counts of each month and service."""
    there = SuiLoad.format == SuiFormat.CLAIMS, SuiLoad.month.in_(months), SuiLoad.status != LoadStatus.REPLACED
    return select(SuiLoad).where(*there)


class _Seen:
    """What the reader looks at of a month: the rows that the address asks for, a page of them, and how many there are."""

    NAMES = ("procedure", "answer", "group", "standing")

    def __init__(self, args: Any) -> None:
        self.wanted = {name: args[name][:24] for name in self.NAMES if args.get(name)}
        self.what = args.get("rows", "") if args.get("rows") in ("bad", "warned", "unreported", "all") else ""
        page = args.get("page", "")
        self.page = min(int(page), 100_000) if page.isdecimal() and int(page) else 1
        self.rows: list[Row] = []
        self.n = 0

    @property
    def is_narrowed(self) -> bool:
        return bool(self.wanted or self.what)

    @property
    def n_pages(self) -> int:
        return max(-(-self.n // PAGE), 1)

    @property
    def args(self) -> dict[str, str]:
        return self.wanted | ({"rows": self.what} if self.what else {})

    def watch(self, rows: Any) -> Any:
        """Yield every row, keeping those of the page that is looked at."""
        first = (self.page - 1) * PAGE
        for row in rows:
            if self._fits(row):
                if first <= self.n < first + PAGE:
                    self.rows.append(row)
                self.n += 1
            yield row

    def _fits(self, row: Row) -> bool:
        claim = row.claim
        if claim is None or self.what == "unreported":
            return claim is None and self.what == "unreported"
        if self.what in ("bad", "warned") and (not claim.faults or claim.is_bad != (self.what == "bad")):
            return False
        told = dict(claim.values) | {"standing": claim.standing.name}
        return all(told[name] == value for name, value in self.wanted.items())
