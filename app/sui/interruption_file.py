"""
The file of interruptions for the SUI: its months, what each row says and lacks, its frozen versions and what differs today.

It is a draft wherever it is shown: no official text of the form was at hand, and its columns are those of an editable map.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import FileField, StringField
from wtforms.validators import DataRequired, InputRequired
from wtforms.validators import Optional as Empty

from app.domain.errors import DomainError
from app.domain.interruptions import Fault
from app.domain.sui import SuiFormat, first_of, last_of
from app.downloads import send_stored
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo
from app.intake import blame
from app.lookups import BIGGEST_ID
from app.models import Interruption, Service, SuiColumn, SuiLoad
from app.operations import files, sui_loads
from app.operations import interruptions as operations
from app.security import may
from app.sui.desk import FreezeForm
from app.words import say, tidy

N_MONTHS = 12


class ReceiptForm(FlaskForm):
    receipt = StringField(
        _l("Number of the receipt"), filters=[tidy], validators=[DataRequired(_l("Write the number that the SUI gave.")), UpTo(60)]
    )
    on = LenientDateField(_l("Reported on"), default=today, validators=[InputRequired(_l("Write the day."))])
    proof = FileField(_l("The receipt"), render_kw={"accept": files.ACCEPT}, validators=[Empty()])


class InterruptionFileView(BaseView):
    """Months of the file of interruptions, by service."""

    route_base = "/suiinterruptions"
    default_view = "list"
    class_permission_name = "Sui"
    method_permission_name = {
        "list": "list", "month": "show", "freeze": "freeze", "download": "download", "receipt": "send",
    }  # fmt: skip
    list_title = _l("File of interruptions (draft)")

    @expose("/")
    @has_access
    def list(self) -> str:
        """The last months of each service: how many interruptions began in it, and what became of its file."""
        months = [first_of(today()), *sui_loads.months_to_report(today(), N_MONTHS)]
        services = db.session.scalars(select(Service).where(Service.is_active, Service.is_public_utility).order_by(Service.position)).all()
        began = select(Interruption.service_id, Interruption.starts_on).where(
            Interruption.starts_on >= months[-1], Interruption.voided_at.is_(None)
        )
        counts = Counter((row.service_id, first_of(row.starts_on)) for row in db.session.execute(began))
        kept = select(SuiLoad).where(SuiLoad.format == SuiFormat.INTERRUPTIONS, SuiLoad.month >= months[-1]).order_by(SuiLoad.version)
        loads = {(load.service_id, load.month): load for load in db.session.scalars(kept)}
        facts = {"months": months, "services": services, "counts": counts, "loads": loads, "may": may}
        return self.render_template("sui/interruption_months.html", view=self, **facts)

    @expose("/<int:service_id>/<month>")
    @has_access
    @permission_name("show")
    def month(self, service_id: int, month: str) -> Any:
        """The rows of a month as they would leave, what each lacks, its frozen versions and what differs today."""
        return self._page(*_asked(service_id, month), FreezeForm())

    @expose("/<int:service_id>/<month>/freeze", methods=["POST"])
    @has_access
    @permission_name("freeze")
    def freeze(self, service_id: int, month: str) -> Any:
        """Freeze the month; a month that is frozen already asks why again."""
        service, first = _asked(service_id, month)
        form = FreezeForm()
        if form.validate_on_submit():
            reason = form.reason.data or ""
            try:
                load = operations.freeze_month(db.session(), service, first, at=now(), user_id=current_user.id, reason=reason)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                service, first = _asked(service_id, month)
                blame(form, error)
            else:
                flash(_("Frozen: %(rows)s rows, version %(version)s. It is a draft.", rows=load.n_rows, version=load.version), "success")
                return redirect(url_for("InterruptionFileView.month", service_id=service_id, month=month))
        return self._page(service, first, form), 422

    def _page(self, service: Service, first: date, form: FlaskForm) -> str:
        problem, told, lines = "", None, []
        try:
            told = operations.month_of(db.session(), service.id, first)
        except DomainError as error:
            problem = say(error)
        shown = joinedload(SuiLoad.frozen_by), joinedload(SuiLoad.file), joinedload(SuiLoad.receipt_file)
        versions = db.session.scalars(sui_loads.versions(SuiFormat.INTERRUPTIONS, service.id, first).options(*shown)).all()
        if versions and told is not None:
            lines = list(sui_loads.differences(db.session(), versions[0], told.lines))
        columns = select(SuiColumn.confidence).where(SuiColumn.format == SuiFormat.INTERRUPTIONS, SuiColumn.is_active)
        facts = {
            "service": service, "month": first, "told": told, "versions": versions, "differences": lines, "form": form, "problem": problem,
            "doubts": sorted({text for text in db.session.scalars(columns) if text}), "may": may, "say_fault": say_fault,
            "last": last_of(first), "is_over": today() > last_of(first),
            "numbers": {row.facts.id: row.facts.number for row in told.rows} if told else {},
        }  # fmt: skip
        return self.render_template("sui/interruption_month.html", view=self, **facts)

    @expose("/download/<int:load_id>")
    @has_access
    @permission_name("download")
    def download(self, load_id: int) -> Any:
        """Answer the file as it was frozen; its name says that it is a draft."""
        return send_stored(_load(load_id).file)

    @expose("/receipt/<int:load_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("send")
    def receipt(self, load_id: int) -> Any:
        """Tell that the SUI received the file, with its number."""
        load, form = _load(load_id), ReceiptForm()
        back = url_for("InterruptionFileView.month", service_id=load.service_id, month=f"{load.month:%Y-%m}")
        if form.validate_on_submit():
            try:
                part = request.files.get("proof")
                checked = files.check_upload(part.filename, part.stream) if part and part.filename else None
                stored = files.store_file(db.session(), checked) if checked else None
                sui_loads.record_receipt(
                    db.session(), load, form.receipt.data or "", on=form.on.data, at=now(), user_id=current_user.id, file=stored
                )
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                load = _load(load_id)
                blame(form, error)
            else:
                flash(_("The receipt is recorded."), "success")
                return redirect(back)
        page = self.render_template("sui/interruption_receipt.html", view=self, load=load, form=form, back=back)
        return page, 422 if form.errors else 200


def say_fault(fault: Fault) -> str:
    """Return what is wrong with a cell in the reader's language."""
    return say(DomainError(fault.msgid, **fault.fields))


def _asked(service_id: int, month: str) -> tuple[Service, date]:
    """Return the service and the first day of the month that the address names; 404 for others."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        abort(404)
    return (db.session.get(Service, service_id) if service_id <= BIGGEST_ID else None) or abort(404), first


def _load(load_id: int) -> SuiLoad:
    if load_id > BIGGEST_ID:
        abort(404)
    found = select(SuiLoad).where(SuiLoad.id == load_id, SuiLoad.format == SuiFormat.INTERRUPTIONS)
    return db.session.scalar(found.options(joinedload(SuiLoad.file), joinedload(SuiLoad.service))) or abort(404)
