"""
The citizen appeals on the public page: from the case that number and key opened, against an answer that is served and in its term.

The same operation as that of the staff. What speaks against the appeal is found there and blocks nothing; whether what is not disputed
was paid is for the company to ask, and no tick of the citizen.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import abort, g, make_response, request
from flask_babel import gettext as _

from app import portal as pages
from app import queries
from app.domain.deadlines import Regime
from app.domain.errors import DomainError
from app.domain.states import AppealKind, ConsentKind, Identity, PqrStatus, Visibility
from app.extensions import db, local, now, start_writing, today
from app.forms import AppealForm
from app.models import Pqr
from app.operations import appeals, files, messages
from app.operations.pqr import MAX_BODY
from app.ratelimit import count_hit, minutes_to_wait
from app.words import say


def may_appeal(pqr: Pqr) -> bool:
    """Say whether the page of the case offers to appeal its answer today."""
    is_open = pqr.status is PqrStatus.NOTIFIED and pqr.regime is Regime.LEY142 and pqr.appeal is None
    return is_open and pqr.appeal_until is not None and today() <= pqr.appeal_until


@pages.portal.route("/pqr/recurso/<token>", methods=["GET", "POST"])
def appeal(token: str) -> pages.Page:
    """The form of a recurso. A POST that cannot be stored gives it back filled in, with the reason."""
    g.is_reading = True
    link = pages._read_link("appeal", token)
    first = pages._whole_case(link["p"])
    form = AppealForm()
    facts, age = pages._read("recurso", form.ticket.data or "") or ({"s": secrets.token_urlsafe(24)}, None)
    if request.method == "POST" and (known := appeals.by_submission(db.session, facts["s"])):
        return pages._go_to_confirmation(known.id, is_repeated=True, has_changed=known.body != form.text.data)
    if not may_appeal(first):
        abort(make_response(_form_page(form, first, 409, _too_late(first))))
    if request.method == "GET":
        form.ticket.data = pages._sign("recurso", s=facts["s"])
        return _form_page(form, first)
    is_valid = form.validate()
    if age is None or age > pages.FORM_LIFE or "csrf_token" in form.errors:
        form.ticket.data = pages._sign("recurso", s=facts["s"])
        return _form_page(form, first, 400, _renewed())
    if not is_valid:
        return _form_page(form, first, 422)
    if minutes := minutes_to_wait("PORTAL_FILE_RATE", "filed", pages._address()):
        return _form_page(form, first, 429, pages._too_many(minutes))
    return _store(form, first.id, facts["s"])


def _store(form: AppealForm, first_id: int, submission: str) -> pages.Page:
    start_writing()
    try:
        child = _file(form, pages._whole_case(first_id), submission)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        form.form_errors.append(say(error))
        return _form_page(form, pages._whole_case(first_id), 422)
    count_hit("PORTAL_FILE_RATE", "filed", pages._address())
    return pages._go_to_confirmation(child.id)


def _file(form: AppealForm, first: Pqr, submission: str) -> Pqr:
    session, at = db.session(), now()
    kind = AppealKind[form.kind.data]
    accepted = [ConsentKind.DATA] if form.accepts_data.data and first.identity is not Identity.ANONYMOUS else []
    consents = queries.consents_to(session, accepted, local(at).date())
    more: dict[str, Any] = {"submission": submission, "consent_texts": consents}
    filing = appeals.filing_against(session, first, kind, pages._channel(session), form.text.data, **more)
    child = appeals.file_appeal(session, filing, appeals.Brief(kind), at=at)
    if not child.files:  # else the other half of a double click brought them
        for checked in form.checked_files:
            files.store_file(session, checked, pqr=child, visibility=Visibility.CITIZEN)
    messages.tell_filed(session, child, at)
    session.flush()
    return child


def _form_page(form: AppealForm, first: Pqr, status: int = 200, notice: tuple[str, str] | None = None) -> pages.Page:
    if "csrf_token" in form:
        form["csrf_token"].errors = ()  # the notice says it
    consent = queries.consents_in_force(db.session, today()).get(ConsentKind.DATA)
    return pages._page(
        "portal/appeal.html",
        status,
        organisation=first.organisation,
        pqr=first,
        form=form,
        notice=notice,
        can_file=may_appeal(first),
        consent=consent and (consent.version, consent.text.replace("{organisation}", first.organisation.name)),
        is_anonymous=first.identity is Identity.ANONYMOUS,
        limits=files,
        max_body=MAX_BODY,
        had_files=any(part.filename for part in request.files.getlist("files")) if request.method == "POST" else False,
    )


def _renewed() -> tuple[str, str]:
    return (
        _("The page was open for too long"),
        _("Your appeal is NOT filed yet. We renewed the page and kept what you wrote: check it and press “File the appeal” again."),
    )


def _too_late(first: Pqr) -> tuple[str, str]:
    if first.status is PqrStatus.APPEALED:
        return _("This answer is under appeal already"), _("There is one appeal against an answer. You can add papers to it at the office.")
    return (
        _("The term to appeal is over"),
        _("It can no longer be filed on this page. If you wrote to us in time, come to the office or call us."),
    )
