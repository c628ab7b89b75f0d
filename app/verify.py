"""
Is this paper ours, and unchanged? The public page that every document leads to by its QR code and its printed address.

It says who issued what and when, and nothing of anybody: who holds the document has read that already. A number alone opens nothing;
the first letters of the fingerprint, printed beside it, go with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from app import queries
from app.documents.base import N_HASH
from app.domain.states import DocumentKind
from app.extensions import db, local
from app.forms import CheckFileForm, CheckForm
from app.models import Document, StoredFile
from app.ratelimit import count_hit, minutes_to_wait

verify = Blueprint("verify", __name__)

RATE = "PORTAL_LOOKUP_RATE"
Page = str | Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Known:
    """What anybody may learn of a document."""

    number: str
    kind: DocumentKind
    issued_on: date
    sha256: str
    is_same_file: bool


@verify.route("/verificar", methods=["GET", "POST"])
def check() -> Page:
    """Ask for the number with the start of the fingerprint, or for the PDF itself."""
    form = CheckForm(request.args if "number" in request.args else None)
    upload = CheckFileForm()
    if request.method == "POST":
        return _check_file(form, upload)
    if "number" in request.args and form.validate():
        return redirect(url_for("verify.document", number=form.number.data.upper(), prefix=form.fingerprint.data.lower()))
    return _page(form, upload, status=422 if form.errors else 200)


@verify.route("/verificar/<number>/<prefix>")
def document(number: str, prefix: str) -> Page:
    """What the address on a document leads to."""
    number, prefix = number.upper()[:24], prefix.lower()[:64]
    form, upload = CheckForm(None, number=number, fingerprint=prefix), CheckFileForm(None)
    if minutes := minutes_to_wait(RATE, "verify", request.remote_addr or ""):
        return _page(form, upload, status=429, notice=_too_many(minutes))
    count_hit(RATE, "verify", request.remote_addr or "")
    sha256 = Document.data["sha256"].as_string()
    row = db.session.execute(_facts().where(Document.number == number, sha256.startswith(prefix, autoescape=True))).first()
    if row is None or len(prefix) < N_HASH:
        advice = _("Check both on the paper, letter by letter. If they are right, this document is not ours, or it says something else.")
        return _page(form, upload, status=404, notice=(_("We did not issue a document with that number and that fingerprint"), advice))
    return _page(form, upload, found=_known(row, is_same_file=False))


def _check_file(form: CheckForm, upload: CheckFileForm) -> Page:
    """Compare the bytes of a PDF with those of every document that was issued; the file is read and forgotten."""
    if not upload.validate():
        return _page(form, upload, status=422)
    if minutes := minutes_to_wait(RATE, "verify", request.remote_addr or ""):
        return _page(form, upload, status=429, notice=_too_many(minutes))
    count_hit(RATE, "verify", request.remote_addr or "")
    digest = hashlib.file_digest(upload.file.data.stream, "sha256").hexdigest()
    row = db.session.execute(_facts().where(StoredFile.sha256 == digest)).first()
    if row is None:
        advice = _(
            "It was changed, even if only by saving it again with another program, or we did not issue it. "
            "Use the file as you received it, or type the number and the fingerprint that are printed on it."
        )
        return _page(form, upload, status=404, notice=(_("That file is not, byte for byte, a document of ours"), advice))
    return _page(form, upload, found=_known(row, is_same_file=True))


def _facts() -> Select[Any]:
    columns = (Document.number, Document.kind, Document.issued_at, Document.data["sha256"].as_string().label("said"), StoredFile.sha256)
    return select(*columns).join(StoredFile, StoredFile.id == Document.file_id).limit(1)


def _known(row: Any, *, is_same_file: bool) -> Known:
    return Known(row.number, row.kind, local(row.issued_at).date(), row.said or row.sha256, is_same_file)


def _too_many(minutes: int) -> tuple[str, str]:
    return _("Too many attempts"), _("To protect everyone, only a few attempts are allowed. Wait %(n)s minutes and try again.", n=minutes)


def _page(form: CheckForm, upload: CheckFileForm, status: int = 200, **facts: Any) -> Page:
    page = render_template("verify.html", organisation=queries.organisation(db.session), form=form, upload=upload, **facts)
    return page if status == 200 else (page, status)


def init_app(app: Flask) -> None:
    """Register the page; the form that sends a file carries the token that every form carries."""
    app.register_blueprint(verify)
