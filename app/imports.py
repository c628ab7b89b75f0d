"""
What comes in from other programs, as people see it: a file, what its columns mean, what it would change, and what it changed.

Checking and importing are long work: a job each, whose progress stands on the page of the batch.
"""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import structlog
from flask import abort, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import FileField, Form, RadioField, SelectField, StringField
from wtforms.validators import Optional as Empty

from app import jobs
from app.baseviews import READ_ONLY, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import ImportStatus
from app.downloads import send_made, send_stored
from app.extensions import db, now, today
from app.forms import OneOf, UpTo
from app.importing import engine, runs, sheets
from app.importing.headers import canon, year_of
from app.importing.kinds import KINDS, Kind, Option
from app.importing.registry import kind_named
from app.importing.surveys import SurveyAnswers
from app.intake import blame
from app.models import ImportBatch, Job, StoredFile, SurveyCampaign
from app.operations import work
from app.operations.files import MEGABYTE, UploadRefused, hold_upload
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.security import may
from app.words import say, say_number, tidy
from app.work import TONES, how_far, is_over, may_download, may_stop, silence_of_worker

log = structlog.get_logger("atiende")

#: Order of the kinds on the page: what the others refer to comes first.
ORDER = (
    "accounts", "parties", "contacts", "invoices", "cases", "contracts", "contract_requirements", "survey_answers", "past_surveys",
    "market_claims", "municipalities",
)  # fmt: skip
#: What kinds that are imported no longer were called.
RETIRED = {"past_contracts": N_("Contracts of another register")}
STATUS_TONES = {
    ImportStatus.UPLOADED: "stop", ImportStatus.CHECKED: "info", ImportStatus.RUNNING: "info", ImportStatus.DONE: "ok",
    ImportStatus.FAILED: "bad", ImportStatus.CANCELLED: "stop", ImportStatus.UNDONE: "stop",
}  # fmt: skip
N_SAMPLES = 3  # values shown beside each column
FEW = 40  # values of a catalogue that still are a <select>
TITLES = {"import_check": N_("Check of %(file)s"), "import": N_("Import of %(file)s")}
UNDER_WAY = N_("This file is being worked on. Wait until it ends, or stop it.")


# ── Long work ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@jobs.handler("import_check")
def check_file(session: Session, job: Job, progress: jobs.Progress) -> None:
    """Check a batch: counts, unknown values, and the sheet of what is wrong."""
    batch_id = job.params["batch_id"]
    with jobs.reading(session):
        checked = runs.look_through(session, session.get_one(ImportBatch, batch_id), now(), job.asked_by_id, progress)
    batch = session.get_one(ImportBatch, batch_id, populate_existing=True)
    runs.keep_check(session, batch, checked)
    batch.error_file = sheets.error_sheet(session, batch, checked.tally, now(), _author(session, job))
    job.result = _said(batch)
    session.commit()


@jobs.handler("import")
def import_file(session: Session, job: Job, progress: jobs.Progress) -> None:
    """Bring a batch in; an attempt that finds it ended leaves it so."""
    batch = session.get_one(ImportBatch, job.params["batch_id"])
    if batch.status is not ImportStatus.RUNNING or batch.job_id != job.id:
        return
    was_begun = batch.n_done > 0
    tally = runs.bring_in(session, batch, now(), job.asked_by_id, progress, stops=(jobs.Cancelled,))
    batch = session.get_one(ImportBatch, job.params["batch_id"], populate_existing=True)
    if not was_begun:  # else the sheet of the check tells more: it has the rows that the first attempt refused
        batch.error_file = sheets.error_sheet(session, batch, tally, now(), _author(session, job)) or batch.error_file
    job.result = batch.detail
    log.info("import", kind=batch.kind, batch_id=batch.id, n_rows=batch.n_rows, n_new=batch.n_new, n_changed=batch.n_changed)
    session.commit()


def _author(session: Session, job: Job) -> str:
    asked_by = session.get_one(Job, job.id).asked_by
    return asked_by.get_full_name() if asked_by else ""


def _said(batch: ImportBatch) -> str:
    facts = {name: say_number(getattr(batch, name)) for name in ("n_rows", "n_new", "n_changed", "n_same", "n_bad")}
    return _("%(n_rows)s rows: %(n_new)s new, %(n_changed)s changed, %(n_same)s the same, %(n_bad)s with errors.", **facts)


# ── Forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def kinds() -> list[Kind]:
    """Return what the reader may bring in, in the order of the page."""
    mine = [kind for kind in KINDS.values() if may(*kind.right)]
    return sorted(mine, key=lambda kind: ORDER.index(kind.name) if kind.name in ORDER else len(ORDER))


class UploadForm(FlaskForm):
    """A file and what it holds."""

    kind = RadioField(_l("What is in the file?"), validate_choice=False, validators=[OneOf(_l("Choose what the file holds."))])
    source = StringField(
        _l("Where it comes from"),
        description=_l("The program or book, always written alike: “HASSQL”, “PQR log 2019”. A row that comes again is known by it."),
        filters=[tidy],
        validators=[Empty(), UpTo(40)],
    )
    subject = SelectField(
        _l("Survey that was answered"),
        description=_l("Only for answers to a survey: one that takes them from a file. It may be chosen later."),
        validate_choice=False,
        validators=[Empty()],
    )
    file = FileField(_l("The file"))


class ImportBatchView(RuledView):
    """The files that came in, and those on their way."""

    datamodel = SQLAInterface(ImportBatch)
    route_base = "/imports"
    class_permission_name = "Import"
    include_route_methods = READ_ONLY | {"add", "mapping", "check", "meanings", "bring", "errors", "template"}
    list_title, add_title = _l("Files that come in"), _l("Bring in a file")
    intro = _l("Files of the billing system and of other registers. Nothing is written before you have seen what it would change.")
    empty_text = _l("No file was brought in yet. Bring in the accounts first: invoices and old cases refer to them.")
    list_columns = ["created_at", "kind", "file_name", "source", "status", "n_rows", "n_new", "n_changed", "n_bad"]
    show_columns = ["kind", "source", "file_name", "sheet", "status"]
    search_words = ("file_name", "source")
    filter_columns = ("kind", "status")
    base_order = ("created_at", "desc")
    clipped = ("file_name",)
    show_template = "imports/show.html"
    label_columns = {
        "created_at": _l("Received"), "kind": _l("What it holds"), "file_name": _l("The file"), "source": _l("Where it comes from"),
        "sheet": _l("Sheet"), "status": _l("State"), "n_rows": _l("Rows"), "n_new": _l("New"), "n_changed": _l("Changed"),
        "n_same": _l("The same"), "n_bad": _l("With errors"), "n_done": _l("Last line that is in"), "header_row": _l("Row of the header"),
        "n_header_rows": _l("Rows of the header"), "detail": _l("What was done"), "fingerprint": _l("Fingerprint of the header"),
    }  # fmt: skip

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form  # a batch is made by its file

    def scope(self, statement: Select[Any]) -> Select[Any]:
        """Whoever may not see all sees the files of the kinds that they bring in themselves."""
        return statement if may("can_see_all", "Import") else statement.where(ImportBatch.kind.in_([kind.name for kind in kinds()]))

    def shown(self, item: ImportBatch, name: str) -> Any:
        if name == "kind":
            kind = kind_named(item.kind)
            return _(kind.title if kind else RETIRED.get(item.kind, item.kind))
        return super().shown(item, name)

    def title_of(self, item: ImportBatch) -> str:
        return item.file_name

    def _batch(self, pk: str, *, to_change: bool = False) -> ImportBatch:
        """Return the batch, or answer 404; *to_change*, locked."""
        batch: ImportBatch = self.item(pk)
        if batch.kind in KINDS and not may(*KINDS[batch.kind].right):
            abort(404)
        if to_change:
            db.session.refresh(batch, with_for_update=True)
        return batch

    # The file

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("run")
    def add(self) -> Any:
        """Receive a file and look at it."""
        form = UploadForm(**self._asked_for())
        form.kind.choices = [(kind.name, _(kind.title)) for kind in kinds()]
        form.subject.choices = [("", "—"), *((each.key, each.label) for kind in kinds() for each in kind.subjects(db.session()))]
        if form.validate_on_submit():
            try:
                batch = self._received(form)
                db.session.commit()
                return redirect(url_for("ImportBatchView.mapping", pk=batch.id))
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
        most = current_app.config["IMPORT_MB"]
        page = self.render_template("imports/add.html", form=form, kinds=kinds(), most=most, view=self)
        return page, 422 if form.errors else 200

    @staticmethod
    def _asked_for() -> dict[str, str]:
        """Return what the link to this page says of the file: what it holds, or of which campaign the answers are."""
        campaign = db.session.get(SurveyCampaign, request.args.get("campaign", 0, type=int))
        if campaign is not None:
            return {"kind": SurveyAnswers.name, "subject": campaign.number}
        mine = kinds()
        return {"kind": mine[0].name if len(mine) == 1 else request.args.get("kind", "")}

    @staticmethod
    def _received(form: UploadForm) -> ImportBatch:
        kind, part = next(each for each in kinds() if each.name == form.kind.data), form.file.data
        if kind.asks_source and not form.source.data:
            raise DomainError(N_("Write where the file comes from: the rows are known by it when they come again."), field="source")
        if not getattr(part, "filename", ""):
            raise DomainError(N_("Choose a file."), field="file")
        try:
            checked = hold_upload(part.filename, part.stream, _media_type(part.filename), most=current_app.config["IMPORT_MB"] * MEGABYTE)
        except UploadRefused as error:
            raise DomainError(error.msgid, field="file", **error.fields) from error
        is_known = kind.subject and form.subject.data in {each.key for each in kind.subjects(db.session())}
        return runs.receive(db.session(), kind, form.source.data or kind.name, checked, now(), form.subject.data if is_known else "")

    # What its columns mean

    @expose("/mapping/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("run")
    def mapping(self, pk: str) -> Any:
        """Say which sheet and rows hold the header, and which field each column fills; then the file is checked."""
        batch, problem = self._batch(pk, to_change=request.method == "POST"), ""
        typed = {int(column): name for column, name in batch.mapping.items()}
        if request.method == "POST":
            try:
                self._not_under_way(batch)
                if request.form.get("do") == "look":
                    runs.look_again(db.session(), batch, request.form.get("sheet", ""), *self._header_rows(), self._typed_subject(batch))
                    db.session.commit()
                    return redirect(url_for("ImportBatchView.mapping", pk=pk))
                typed = self._typed_mapping(batch)
                runs.save_mapping(db.session(), batch, typed, batch.value_map, self._typed_options(batch), now())
                return self._start(batch, "import_check")
            except DomainError as error:
                db.session.rollback()
                problem = say(error)
        kind = runs.kind_of(batch)
        facts = {"batch": batch, "kind": kind, "typed": typed, "problem": problem, "view": self, "lines": _lines(batch, typed)}
        facts |= {"subjects": kind.subjects(db.session()), "may": may}
        page = self.render_template("imports/mapping.html", fields=kind.fields, year_of=year_of, **facts)
        return page, 422 if problem else 200

    @staticmethod
    def _header_rows() -> tuple[int | None, int]:
        """Return the first row of the header (from 0) and how many it has, as they were typed; none means: find it."""
        first, depth = request.form.get("first", ""), request.form.get("depth", "1")
        return (int(first) - 1 if first.isdigit() and first != "0" else None), int(depth) if depth in {"1", "2", "3"} else 1

    @staticmethod
    def _typed_subject(batch: ImportBatch) -> str | None:
        """Return what somebody says that the file is about; None where its kind does not ask, or it stays as it is."""
        chosen = request.form.get("subject", "")
        return chosen if chosen in {each.key for each in runs.kind_of(batch).subjects(db.session())} else None

    @staticmethod
    def _typed_mapping(batch: ImportBatch) -> dict[int, str]:
        """Return the fields that somebody chose for the columns; columns of years keep their year."""
        kind, names = runs.kind_of(batch), batch.reading["names"]
        known, pivots = {each.name for each in kind.fields}, engine.pivots_of(kind)
        found = {}
        for column, name in enumerate(names):
            chosen = request.form.get(f"column-{column}", "")
            year = year_of(name) if chosen in pivots else None
            if chosen in known:
                found[column] = f"{chosen}@{year}" if year is not None else chosen
        return found

    @staticmethod
    def _typed_options(batch: ImportBatch) -> dict[str, str]:
        return {
            ask.name: chosen
            for ask in runs.kind_of(batch).asks
            if (chosen := request.form.get(f"ask-{ask.name}", "")) in {key for key, _label in ask.answers}
        }

    # Checking and importing

    @staticmethod
    def _not_under_way(batch: ImportBatch) -> None:
        if batch.job is not None and not is_over(batch.job):
            raise DomainError(UNDER_WAY)

    def _start(self, batch: ImportBatch, what: str) -> Response:
        """Start a job for the batch, which is locked, and show it."""
        job = work.start(db.session(), what, _(TITLES[what], file=batch.file_name), {"batch_id": batch.id}, current_user.id, now())
        if what == "import":
            runs.begin_import(db.session(), batch, job.id)
        batch.job = job
        db.session.commit()
        return redirect(url_for("ImportBatchView.show", pk=batch.id))

    def _press(self, pk: str, what: str, before: Any = None) -> Response:
        batch = self._batch(pk, to_change=True)
        try:
            self._not_under_way(batch)
            if before is not None:
                before(batch)
            return self._start(batch, what)
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            return redirect(url_for("ImportBatchView.show", pk=pk))

    @expose("/check/<pk>", methods=["POST"])
    @has_access
    @permission_name("run")
    def check(self, pk: str) -> Response:
        """Check the file again, against what is in the database now."""
        return self._press(pk, "import_check", self._mapped)

    @expose("/meanings/<pk>", methods=["POST"])
    @has_access
    @permission_name("run")
    def meanings(self, pk: str) -> Response:
        """Keep what unknown values mean, and check again."""
        return self._press(pk, "import_check", self._keep_values)

    @expose("/bring/<pk>", methods=["POST"])
    @has_access
    @permission_name("run")
    def bring(self, pk: str) -> Response:
        """Bring the rows in."""
        return self._press(pk, "import")

    @staticmethod
    def _mapped(batch: ImportBatch) -> None:
        engine.check_mapping(runs.kind_of(batch), {int(column): name for column, name in batch.mapping.items()})

    @staticmethod
    def _keep_values(batch: ImportBatch) -> None:
        """Read the form of unknown values: `text-<field>-<n>` as written, `value-<field>-<n>` the key or label that it means."""
        kind = runs.kind_of(batch)
        options = kind.options(db.session())
        said = {name: dict(each) for name, each in batch.value_map.items()}
        for field in request.form:
            start, _dash, rest = field.partition("-")
            name, _dash, n = rest.rpartition("-")
            chosen = request.form[field].strip()
            if start == "value" and name in options and chosen:
                key = _key_of(options[name], chosen)
                if key is None:
                    raise DomainError(N_("“%(text)s” is not in the list of this field."), text=chosen[:60])
                said.setdefault(name, {})[canon(request.form.get(f"text-{name}-{n}", ""))] = key
        mapping = {int(column): name for column, name in batch.mapping.items()}
        runs.save_mapping(db.session(), batch, mapping, said, batch.options, now())

    # Its page and what it gives

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        batch: ImportBatch = self.item(pk, ("job", "error_file"))
        job, kind = batch.job, runs.kind_of(batch) if kind_named(batch.kind) else None
        is_live = job is not None and not is_over(job)
        unknown = self._unknown(batch, kind) if kind and not is_live else []
        facts = {
            "batch": batch, "kind": kind, "job": job, "jobs": [job] if job else [], "is_live": is_live, "unknown": unknown,
            "silence": silence_of_worker() if is_live else "", "tones": TONES, "status_tones": STATUS_TONES, "how_far": how_far,
            "may_stop": may_stop, "may_download": may_download, "is_stuck": batch.status is ImportStatus.RUNNING and not is_live,
            "notations": _notations(batch), "few": FEW, "may_see_changes": may("can_list", "ChangeLog"),
            "path": kind.path_of(db.session(), batch.subject) if kind and batch.subject else "",
            "totals": [(_(name), say_number(Decimal(total))) for name, total in batch.totals.items()],
        }  # fmt: skip
        return self.render_template(self.show_template, view=self, **facts)

    @staticmethod
    def _unknown(batch: ImportBatch, kind: Kind) -> list[tuple[Any, list[tuple[str, int, str]], list[Option]]]:
        """Return the fields with unknown values: the field, (value, rows, what it means now), and what it may mean."""
        found = [(name, counts) for name, counts in batch.reading.get("unknown", {}).items() if counts]
        if not found:
            return []
        options = kind.options(db.session())
        fields = {each.name: each for each in kind.fields}
        said = batch.value_map
        return [
            (fields[name], [(text, n, said.get(name, {}).get(canon(text), "")) for text, n in counts.items()], options.get(name, []))
            for name, counts in found
            if name in fields
        ]

    @expose("/errors/<pk>")
    @has_access
    @permission_name("show")
    def errors(self, pk: str) -> Response:
        """The rows that were refused, each with what is wrong beside it."""
        batch: ImportBatch = self.item(pk, ("error_file",))
        stored: StoredFile | None = batch.error_file
        return send_stored(stored) if stored is not None else abort(404)

    @expose("/template/<name>")
    @has_access
    @permission_name("run")
    def template(self, name: str) -> Response:
        """A workbook with the headers that a kind understands."""
        kind = next((each for each in kinds() if each.name == name), None) or abort(404)
        kind = kind.about(db.session(), request.args.get("subject", ""))
        content = BytesIO(sheets.template(db.session(), kind, now(), current_user.get_full_name()))
        content.seek(0, 2)
        log.info("template", kind=name, user_id=current_user.id, request_id=g.request_id)
        return send_made(content, f"{_(kind.title)}-{today():%Y-%m-%d}.xlsx", XLSX_TYPE)


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_TYPES = {"csv": "text/csv", "txt": "text/plain", "tsv": "text/tab-separated-values", "xlsx": XLSX_TYPE,
          "ods": "application/vnd.oasis.opendocument.spreadsheet"}  # fmt: skip


def _media_type(name: str) -> str:
    return _TYPES.get(name.lower().rpartition(".")[2], "application/octet-stream")


def _key_of(options: list[Option], chosen: str) -> str | None:
    """Return the key of the option that was chosen by its key or by one of its names."""
    word = canon(chosen)
    fits = (each for each in options if str(each.key) == chosen or word in each.spellings() or word == canon(_(each.label)))
    return next((str(each.key) for each in fits), None)


def _lines(batch: ImportBatch, typed: dict[int, str]) -> list[dict[str, Any]]:
    """Return a line for each column: its name, its first values, and the field that it fills."""
    start = batch.header_row + batch.n_header_rows
    rows = batch.reading["rows"][start:]
    lines = []
    for column, name in enumerate(batch.reading["names"]):
        samples = list(dict.fromkeys(row[column] for row in rows if column < len(row) and row[column]))[:N_SAMPLES]
        if name or samples:
            lines.append({"column": column, "name": name, "samples": samples, "field": typed.get(column, "").partition("@")[0]})
    return lines


def _notations(batch: ImportBatch) -> list[str]:
    """Return how the columns of numbers and days were read, in a sentence for each notation."""
    names = batch.reading.get("names", [])
    found: dict[tuple[bool, str], list[str]] = {}
    for number, told in batch.reading.get("notation", {}).items():
        name = f"“{names[int(number)]}”"
        if told["is_day"]:
            found.setdefault((True, _("day, month, year") if told["day_first"] else _("month, day, year")), []).append(name)
        elif told["is_certain"] or told["decimal"] == ".":
            found.setdefault((False, _("decimal comma") if told["decimal"] == "," else _("decimal point")), []).append(name)
    return [
        _("Dates of %(names)s: %(how)s.", names=", ".join(each), how=how) if is_day
        else _("Numbers of %(names)s: %(how)s.", names=", ".join(each), how=how)
        for (is_day, how), each in found.items()
    ]  # fmt: skip
