"""«My signature»: each keeps their own picture and post, and sees how letters will print them."""

from __future__ import annotations

import base64
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from app import queries
from app.documents.specimens import specimen
from app.domain.errors import DomainError
from app.downloads import show_pdf
from app.extensions import db, today
from app.forms import SignatureForm
from app.intake import blame
from app.models import Signature
from app.operations import signatures


class SignatureView(BaseView):
    """`/signature/`: everybody's own, and nobody else's."""

    route_base = "/signature"
    default_view = "edit"
    class_permission_name = "Signature"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self) -> str | Response | tuple[str, int]:
        """The picture that is kept, and the form that changes it."""
        kept = db.session.get(Signature, current_user.id)
        form = SignatureForm(title=kept.title if kept else "")
        if form.validate_on_submit():
            try:
                self._keep(form, kept)
            except DomainError as error:
                db.session.rollback()
                kept = db.session.get(Signature, current_user.id)
                blame(form, error)
            else:
                flash(_("Your signature is saved. What you issue from now on carries it."), "success")
                return redirect(url_for("SignatureView.edit"))
        page = self.render_template("signature.html", form=form, kept=kept, picture=_as_address(kept))
        return (page, 422) if form.is_submitted() else page

    @expose("/specimen")
    @has_access
    @permission_name("edit")
    def specimen(self) -> Response:
        """How a letter prints it (PDF)."""
        kept = db.session.get(Signature, current_user.id) or abort(404)
        page = specimen(queries.organisation(db.session), current_user.get_full_name(), kept.title, kept.image, today())
        return show_pdf(page, _("Signature.pdf"))

    @expose("/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self) -> Response:
        """Take it away; what was issued with it stays as it is."""
        signatures.drop_signature(db.session, current_user.id)
        db.session.commit()
        flash(_("Your signature is taken away. What was issued with it stays as it is."), "success")
        return redirect(url_for("SignatureView.edit"))

    @staticmethod
    def _keep(form: SignatureForm, kept: Signature | None) -> None:
        upload: Any = request.files.get("image")
        content = signatures.check_picture(upload.stream) if upload and upload.filename else None
        image = content or (kept.image if kept else None)
        if image is not None:
            specimen(queries.organisation(db.session), current_user.get_full_name(), form.title.data or "", image, today())
        signatures.keep_signature(db.session, current_user.id, form.title.data or "", content)
        db.session.commit()


def _as_address(kept: Signature | None) -> str:
    return f"data:{kept.media_type};base64,{base64.b64encode(kept.image).decode()}" if kept else ""
