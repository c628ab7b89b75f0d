"""A month of the claims file as it was frozen: its hash, its receipt, its rows and their cases, and what would be different today."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import FileField, StringField
from wtforms.validators import DataRequired, InputRequired

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.sui import LoadStatus, SuiFormat, SuiRuleKey
from app.downloads import send_stored
from app.extensions import db, now, start_writing, today
from app.forms import LenientDateField, UpTo
from app.intake import blame
from app.lookups import BIGGEST_ID
from app.models import Pqr, StoredFile, SuiLoad, SuiLoadRow
from app.operations import files, sui, sui_loads
from app.operations.sui_loads import Change, Line
from app.security import may
from app.sui.desk import PAGE, unfilled
from app.words import say, tidy

TONES = {LoadStatus.FROZEN: "warn", LoadStatus.SENT: "ok", LoadStatus.REPLACED: "stop"}
CHANGES = {Change.ADDED: "info", Change.GONE: "bad", Change.CHANGED: "warn"}
#: Differences that the page shows; it says how many there are.
MOST_DIFFERENCES = 200


class ReceiptForm(FlaskForm):
    receipt = StringField(
        _l("Number of the receipt"), filters=[tidy], validators=[DataRequired(_l("Write the number of the receipt.")), UpTo(60)],
        description=_l("As the SUI shows it when it takes the file."),
    )  # fmt: skip
    on = LenientDateField(_l("Day on which it was uploaded"), validators=[InputRequired(_l("Write the day."))])
    file = FileField(_l("Certificate or picture of the screen"), description=_l("PDF or photo, up to 10 MB."))


class SuiLoadView(BaseView):
    """`/sui/load/7`: a frozen month."""

    route_base = "/sui/load"
    default_view = "show"
    class_permission_name = "Sui"

    @staticmethod
    def _load(pk: str) -> SuiLoad:
        key = int(pk) if pk.isdecimal() else -1
        loaded = joinedload(SuiLoad.service), joinedload(SuiLoad.frozen_by), joinedload(SuiLoad.sent_by), joinedload(SuiLoad.file)
        found = select(SuiLoad).where(SuiLoad.id == key, SuiLoad.format == SuiFormat.CLAIMS)
        found = found.options(*loaded, joinedload(SuiLoad.receipt_file))
        return (db.session.scalar(found) if 0 < key <= BIGGEST_ID else None) or abort(404)

    @expose("/<pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: str) -> Any:
        """The file as it was frozen, row by row."""
        load = self._load(pk)
        return self._page(load, ReceiptForm(formdata=None, data={"on": today()}))

    def _page(self, load: SuiLoad, form: ReceiptForm, status: int = 200) -> Any:
        said = request.args.get("page", "")
        page = min(int(said), 100_000) if said.isdecimal() and int(said) else 1
        versions = db.session.scalars(sui_loads.versions(load.format, load.service_id, load.month)).all()
        facts = {"load": load, "form": form, "versions": versions, "tones": TONES, "page": page, "n_pages": max(-(-load.n_rows // PAGE), 1)}
        rows = _rows(load, page)
        html = self.render_template(
            "sui/load.html", rows=rows, headings=load.rules["headings"], may_download=may("can_download", "Sui"),
            may_send=may("can_send", "Sui") and load.status is LoadStatus.FROZEN, keys=SuiRuleKey.__members__, accept=files.ACCEPT,
            unfilled=unfilled, **facts,
        )  # fmt: skip
        return html, status

    @expose("/<pk>/differences")
    @has_access
    @permission_name("show")
    def differences(self, pk: str) -> Any:
        """What the same computation gives today otherwise. Nothing is rewritten."""
        load = self._load(pk)
        try:
            found = sui_loads.differences(db.session, load, sui.lines_of(db.session(), load.service, load.month))
            shown = list(islice(found, MOST_DIFFERENCES))
            n = len(shown) + sum(1 for _each in found)
        except DomainError as error:
            flash(say(error), "warning")
            return redirect(url_for("SuiLoadView.show", pk=pk))
        numbers = _numbers([each.line for each in shown])
        lines = [(each, numbers[each.line.key]) for each in shown]
        return self.render_template(
            "sui/differences.html", load=load, lines=lines, n=n, headings=load.rules["headings"], tones=CHANGES, most=MOST_DIFFERENCES,
            changed=Change.CHANGED,
        )  # fmt: skip

    @expose("/<pk>/file")
    @has_access
    @permission_name("download")
    def file(self, pk: str) -> Response:
        """The file as it was frozen, byte by byte."""
        return send_stored(self._load(pk).file)

    @expose("/<pk>/receipt-file")
    @has_access
    @permission_name("download")
    def receipt_file(self, pk: str) -> Response:
        """The certificate of the SUI."""
        load = self._load(pk)
        return send_stored(load.receipt_file or abort(404))

    @expose("/<pk>/receipt", methods=["POST"])
    @has_access
    @permission_name("send")
    def receipt(self, pk: str) -> Any:
        """Record that it was uploaded."""
        start_writing()
        load, form = self._load(pk), ReceiptForm()
        try:
            if not form.validate():
                raise DomainError(N_("Please correct this:"))
            told = {"on": form.on.data, "at": now(), "user_id": current_user.id}
            sui_loads.record_receipt(db.session(), load, form.receipt.data, file=_kept(form), **told)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            error.field = "file" if error.field == "files" else error.field
            blame(form, error)
            return self._page(self._load(pk), form, 422)
        flash(_("The receipt is recorded: the month is reported."), "success")
        return redirect(url_for("SuiLoadView.show", pk=pk))


def _kept(form: ReceiptForm) -> StoredFile | None:
    """Return the certificate that came with the form, stored. Raises UploadRefused."""
    part = form.file.data
    if not getattr(part, "filename", ""):
        return None
    return files.store_file(db.session(), files.check_upload(part.filename, part.stream), description="SUI")


def _rows(load: SuiLoad, page: int) -> list[tuple[str, list[str]]]:
    """Return a page of the frozen rows: the number of the case and the cells. One statement."""
    found = (
        select(Pqr.number, SuiLoadRow.cells)
        .join(Pqr, Pqr.id == SuiLoadRow.pqr_id)
        .where(SuiLoadRow.load_id == load.id, SuiLoadRow.position > (page - 1) * PAGE)
        .order_by(SuiLoadRow.position)
        .limit(PAGE)
    )
    return [(number, cells) for number, cells in db.session.execute(found)]


def _numbers(lines: list[Line]) -> dict[int, str]:
    """Return by key the number of the case behind each line."""
    wanted = select(Pqr.id, Pqr.number).where(Pqr.id.in_([line.pqr_id for line in lines]))
    return dict(db.session.execute(wanted).all()) if lines else {}
