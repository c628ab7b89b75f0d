"""The answers of the billing system: a file, what it would do, and taking it."""

from __future__ import annotations

import io
from tempfile import TemporaryFile
from typing import Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import Form
from wtforms.validators import InputRequired

from app import jobs
from app.baseviews import READ_ONLY, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import BillingStatus
from app.downloads import send_made, send_stored
from app.extensions import db, now, today
from app.importing.reading import SheetBook, open_book
from app.intake import blame
from app.models import BillingReply, Job
from app.operations import billing_replies as operations
from app.operations import files, work
from app.reports.billing import RefusedLines
from app.reports.delimited import MEDIA_TYPE as CSV_TYPE
from app.reports.delimited import write_csv
from app.words import say

#: A file with more bytes, some ten thousand lines, is taken as long work.
MOST_AT_ONCE = 700_000
#: Refused lines that the page lists; the file has all.
N_SHOWN = 50


class ReceiveForm(FlaskForm):
    file = FileField(
        _l("File of billing"), description=_l("CSV, XLSX or ODS, with these headings: lote, clave, estado, fecha, motivo, referencia."),
        validators=[InputRequired(_l("Choose the file."))], render_kw={"accept": ".csv,.txt,.xlsx,.ods"},
    )  # fmt: skip


class BillingReplyView(RuledView):
    """What billing answered, file by file."""

    datamodel = SQLAInterface(BillingReply)
    route_base = "/billing/reply"
    class_permission_name = "BillingReply"
    include_route_methods = READ_ONLY | {"add", "settle", "errors", "download"}
    list_title, add_title = _l("Answers of billing"), _l("Bring an answer")
    empty_text = _l("Billing has not answered yet. Bring the file that it gives after taking a batch.")
    list_columns = ["file", "created_at", "applied_at", "applied_by", "n_billed", "n_rejected", "n_same", "n_bad"]
    show_columns = ["file", "created_at", "applied_at", "applied_by", "n_lines", "n_billed", "n_rejected", "n_same", "n_bad"]
    show_template = "billing/reply.html"
    base_order = ("id", "desc")
    label_columns = {
        "file": _l("File name"), "created_at": _l("Brought on"), "applied_at": _l("Taken on"), "applied_by": _l("By whom"),
        "n_lines": _l("Lines"), "n_billed": _l("Invoiced"), "n_rejected": _l("Rejected"), "n_same": _l("Known already"),
        "n_bad": _l("Not taken"),
    }  # fmt: skip
    formatters_columns = {"applied_by": lambda user: user.get_full_name()}

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form

    def title_of(self, item: BillingReply) -> str:
        return item.file.name

    def facet_of(self, mapper: Any, name: str) -> Any:
        return None if name == "file" else super().facet_of(mapper, name)

    def lines(self, statement: Select[Any], columns: Any) -> Select[Any]:
        return super().lines(statement, dict.fromkeys((*columns, "file")))

    def _reply(self, pk: str) -> BillingReply:
        return self.item(pk, ["file", "applied_by"])

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Bring a file; nothing of it is taken before somebody has looked."""
        form = ReceiveForm()
        if form.validate_on_submit():
            try:
                reply = operations.receive(db.session, _stored(form.file.data))
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                return redirect(url_for("BillingReplyView.show", pk=reply.id))
        return self.render_template("billing/receive.html", form=form, view=self), 422 if form.errors else 200

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """What the answer would do, or did: counts, and the lines that are refused."""
        reply = self._reply(pk)
        try:
            judged, problem = operations.judge(db.session, _rows(reply), today()), ""
        except DomainError as error:
            judged, problem = None, say(error)
        refused = [(line.n, line.cells, say(line.why)) for line in judged.refused[:N_SHOWN]] if judged else []
        facts = {"item": reply, "title": reply.file.name, "judged": judged, "problem": problem, "refused": refused, "view": self}
        return self.render_template(self.show_template, statuses=BillingStatus, **facts)

    @expose("/settle/<pk>", methods=["POST"])
    @has_access
    @permission_name("settle")
    def settle(self, pk: str) -> Response:
        """Take what the answer says."""
        reply = self._reply(pk)
        if reply.applied_at is None and reply.file.n_bytes > MOST_AT_ONCE:
            work.start(db.session, "billing_answer", _("Answer of billing"), {"reply": reply.id}, current_user.id, now())
            db.session.commit()
            flash(_("The answer is long, so it is taken in the background. How it went will wait in your tray."), "success")
            return redirect(url_for("BillingReplyView.show", pk=pk))
        try:
            judged = operations.settle(db.session, reply, _rows(reply), at=now(), actor_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
        else:
            flash(_taken(judged.n_of(BillingStatus.BILLED), judged.n_of(BillingStatus.REJECTED)), "success")
        return redirect(url_for("BillingReplyView.show", pk=pk))

    @expose("/errors/<pk>")
    @has_access
    @permission_name("show")
    def errors(self, pk: str) -> Response:
        """The refused lines as a CSV, with the reason beside each."""
        reply = self._reply(pk)
        try:
            judged = operations.judge(db.session, _rows(reply), today())
        except DomainError:
            abort(404)
        if not judged.refused:
            abort(404)
        file = TemporaryFile()  # noqa: SIM115  the response closes it
        write_csv(RefusedLines(judged), file)
        return send_made(file, f"{reply.file.name.rpartition('.')[0] or reply.file.name}-rechazos.csv", CSV_TYPE)

    @expose("/download/<pk>")
    @has_access
    @permission_name("show")
    def download(self, pk: str) -> Response:
        """The file as it came."""
        return send_stored(self._reply(pk).file)


def _taken(n_billed: int, n_rejected: int) -> str:
    return _("The answer is taken: %(billed)s billed, %(rejected)s rejected.", billed=n_billed, rejected=n_rejected)


@jobs.handler("billing_answer")
def settle_answer(session: Session, job: Job, progress: jobs.Progress) -> None:
    """Take a long answer. Done again after its worker died, it finds that it was taken, or takes it."""
    reply = session.get_one(BillingReply, job.params["reply"])
    progress(0, None, _("Reading the answer"))
    if reply.applied_at is None:
        operations.settle(session, reply, _rows(reply), at=now(), actor_id=job.asked_by_id)
        session.commit()
    job.result = _taken(reply.n_billed, reply.n_rejected)


def _stored(part: Any) -> Any:
    """Return the stored file of an upload. Raises DomainError: it is empty, too large, or no table."""
    content = part.stream.read(files.MAX_BYTES + 1)
    if not content:
        raise DomainError(N_("The file is empty."), field="file")
    if len(content) > files.MAX_BYTES:
        raise DomainError(N_("The file weighs more than %(most)s MB."), field="file", most=files.MAX_BYTES // files.MEGABYTE)
    is_workbook = isinstance(open_book(io.BytesIO(content)), SheetBook)
    name = part.filename or "respuesta.csv"
    media_type = files.ALLOWED["ods" if name.lower().endswith(".ods") else "xlsx"][0] if is_workbook else CSV_TYPE
    return files.store_file(db.session, content, name=name, media_type=media_type)


def _rows(reply: BillingReply) -> Any:
    """Return the rows of the first sheet. Raises DomainError: the file is no table any more."""
    with files.open_file(reply.file) as stored:
        book = open_book(io.BytesIO(stored.read()))
    return book.rows(book.sheets[0]) if book.sheets else iter(())
