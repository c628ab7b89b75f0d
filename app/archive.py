"""
Taking what is held away, in open formats: one case, everything, or what is held about a person, who may ask for it (Ley 1581 art. 8).

Whoever takes an archive reads personal data: who, of whom and why stays in the change log.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

from flask import abort, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import TextAreaField
from wtforms.validators import DataRequired

from app import jobs, queries
from app.audit import record_reading
from app.documents.holdings import holdings_of
from app.domain import N_
from app.domain.states import Identity
from app.downloads import send_made
from app.extensions import LANGUAGE, db, local, now, start_writing, today
from app.forms import UpTo
from app.lookups import BIGGEST_ID, lookup
from app.models import Appeal, Job, Party, Pqr, StoredFile
from app.operations import archive, work
from app.operations.files import CheckedFile, store_file
from app.security import may, scope_cases
from app.words import say_number, tidy


class PersonForm(FlaskForm):
    party = lookup(_l("Person"), "party", description=_l("Write the name or the document."))
    reason = TextAreaField(
        _l("Why"),
        description=_l("Who asked for it, when and how. It stays in the change log."),
        filters=[tidy],
        validators=[DataRequired(_l("Write why: it stays in the change log.")), UpTo(1000)],
    )


# ── Making ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def readme(at: datetime, what: str) -> str:
    """Return the words for whoever opens an archive, in the language of the acts."""
    page = current_app.jinja_env.get_template("archive/readme.txt")
    with force_locale(LANGUAGE):
        return page.render(organisation=queries.organisation(db.session), at=local(at), what=what) + "\n"


def case_and_appeals(session: Session, pqr: Pqr) -> list[int]:
    """Return the case, and the recursos against its answer."""
    return [pqr.id, *session.scalars(select(Appeal.pqr_id).where(Appeal.against_id == pqr.id))]


def write_case(session: Session, out: IO[bytes], pqr: Pqr, at: datetime) -> archive.Summary:
    """Write the archive of *pqr*, with the recursos against its answer."""
    scope = archive.of_cases(pqr.number, case_and_appeals(session, pqr))
    return archive.write(session, out, scope, at, readme=readme(at, _("The request %(number)s", number=pqr.number)))


def write_person(session: Session, out: IO[bytes], party: Party, at: datetime) -> archive.Summary:
    """Write what is held about *party*, with a page to read."""
    page = ("datos-personales.pdf", holdings_of(session, party, at))
    words = readme(at, _("What is held about one person (Law 1581 of 2012, arts. 8 and 14)"))
    return archive.write(session, out, archive.of_person([party.id]), at, readme=words, extra=[page])


def write_everything(
    session: Session, out: IO[bytes], at: datetime, tell: archive.Tell = lambda _done, _total: None
) -> archive.Summary:
    """Write all that is held, as it is at one moment: in a transaction that begins here."""
    session.rollback()
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    return archive.write(session, out, archive.of_everything(), at, readme=readme(at, _("All that is held")), tell=tell)


@jobs.handler("archive")
def make_everything(session: Session, job: Job, progress: jobs.Progress) -> StoredFile:
    """Make the archive of everything; nothing waits for it meanwhile."""
    at = now()
    with TemporaryFile() as out:
        with jobs.reading(session):
            summary = write_everything(session, out, at, lambda n, total: progress(n, total, N_("Writing rows and files")))
        stored = store_file(session, checked_zip(out, f"atiende-{local(at):%Y-%m-%d}.zip"))
        session.commit()
    job.result = in_words(summary)
    return stored


def in_words(summary: archive.Summary) -> str:
    """Return what an archive holds, in a sentence."""
    counts = {"rows": say_number(summary.n_rows), "tables": len(summary.rows), "files": say_number(summary.n_files)}
    said = _("%(rows)s rows of %(tables)s tables, %(files)s files.", **counts)
    if summary.missing:
        n = say_number(len(summary.missing))
        said += " " + _("%(n)s files are not in the store as they were stored: manifest.json names them.", n=n)
    return said


def checked_zip(out: IO[bytes], name: str) -> CheckedFile:
    """Return a ZIP that was just written, with its sum, as `store_file` takes it."""
    out.seek(0)
    digest = hashlib.file_digest(out, "sha256").hexdigest()  # type: ignore[arg-type]
    return CheckedFile(name, archive.ZIP, out.tell(), digest, out)


# ── Pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _send(out: IO[bytes], name: str) -> Response:
    out.seek(0, 2)
    return send_made(out, name, archive.ZIP)  # type: ignore[arg-type]


def _read_only() -> None:
    """Let others write while an archive is made in this request."""
    db.session.rollback()
    g.is_reading = True


def _note(table: str, row_id: int, what: str, reason: str = "") -> None:
    """Write down that personal data left, and why."""
    start_writing()
    record_reading(db.session(), table, row_id, what, reason)
    db.session.commit()


class CaseArchiveView(BaseView):
    """`/pqr/<number>/archive`: the button of the case."""

    route_base = "/pqr"
    default_view = "archive"
    class_permission_name = "Pqr"

    @expose("/<number>/archive", methods=["POST"])
    @has_access
    @permission_name("archive")
    def archive(self, number: str) -> Response:
        """Download the archive of a case. A reserved identity leaves only with whoever may read it."""
        _read_only()
        pqr = db.session.scalar(scope_cases(select(Pqr).where(Pqr.number == number.upper()), today())) or abort(404)
        if pqr.identity is Identity.RESERVED and not may("can_see_reserved"):
            abort(403)
        out, case_id, name = TemporaryFile(), pqr.id, f"{pqr.number}.zip"  # noqa: SIM115  closed when it has left
        write_case(db.session(), out, pqr, now())
        _note("pqr", case_id, "archive")
        return _send(out, name)


class ArchiveView(BaseView):
    """`/archive/`: what may be taken away besides one case."""

    route_base = "/archive"
    default_view = "list"
    class_permission_name = "Archive"

    @expose("/")
    @has_access
    def list(self) -> str:
        return self.render_template("archive/home.html", may=may)

    @expose("/person", methods=["GET", "POST"])
    @has_access
    @permission_name("person")
    def person(self) -> Any:
        """Download what is held about somebody, once it is said who asked for it."""
        form = PersonForm()
        if request.method == "GET" and (chosen := request.args.get("party", type=int)) and chosen <= BIGGEST_ID:
            form.party.data = db.session.get(Party, chosen)
        if form.validate_on_submit():
            if not may("can_see_reserved"):
                abort(403)  # cases with a reserved identity are in it
            party_id, reason = form.party.data.id, form.reason.data or ""
            _read_only()
            out, at = TemporaryFile(), now()  # noqa: SIM115  closed when it has left
            write_person(db.session(), out, db.session.get_one(Party, party_id), at)
            _note("party", party_id, "archive", reason)
            return _send(out, _("personal-data-%(day)s.zip", day=f"{local(at):%Y-%m-%d}"))
        page = self.render_template("archive/person.html", form=form)
        return (page, 422) if form.errors else page

    @expose("/everything", methods=["POST"])
    @has_access
    @permission_name("everything")
    def everything(self) -> Response:
        """Ask for all that is held; it is made in the background and waits in the tray."""
        if not may("can_see_reserved"):
            abort(403)
        job = work.start(db.session(), "archive", _("Archive of everything"), {}, current_user.id, now())
        record_reading(db.session(), "job", job.id, "archive of everything", "")
        db.session.commit()
        flash(_("The archive is being made. It waits in your tray when it is ready."), "success")
        return redirect(url_for("WorkView.show", pk=job.id))
