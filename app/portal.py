"""
The citizen's pages: plain Flask, outside the admin, without sign-in and without script.

What opens a case is its number with its key; a link that opens anything is signed and lives two hours, but for that of an e-notice.
Whatever goes wrong while somebody files, the form comes back with everything that was typed. What a page may show of an answer is
decided in `domain/notices.py`. These forms check their own CSRF token, so that an expired one costs nobody a text.
"""

from __future__ import annotations

import hmac
import secrets
import textwrap
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import structlog
from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.datastructures import HeaderSet
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app import documents, queries
from app.documents.notices import certificate_of
from app.domain import N_
from app.domain.deadlines import Regime, TermAct, deadline_of, rule_for, silence_on
from app.domain.errors import CalendarGap, DomainError
from app.domain.notices import AnswerDoor, answer_door
from app.domain.states import Category, ConsentKind, DocumentKind, DocumentType, Identity, NoticeMeans, PartyKind, PqrStatus, Visibility
from app.downloads import send_stored
from app.extensions import csrf, db, local, now, start_writing, today
from app.forms import IDENTITY_HELP, CalculatorForm, FilingForm, LookupForm, PressForm
from app.models import Answer, Channel, ConsentText, Document, Note, Notice, Party, Pqr, RequestType, Service, StoredFile, WorkerBeat
from app.operations import calculator, files, interruptions, messages, notices, parties
from app.operations import pqr as operations
from app.operations.numbers import new_access_key, normalise_key
from app.operations.work import SILENT
from app.ratelimit import DOWN, count_hit, minutes_to_wait
from app.words import say

log = structlog.get_logger("atiende.portal")
portal = Blueprint("portal", __name__)

LINK_LIFE = timedelta(hours=2)
FORM_LIFE = timedelta(hours=12)

Page = str | Response | tuple[str, int]


# ── Signed links ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt=f"portal.{purpose}")


def _sign(purpose: str, **facts: Any) -> str:
    return _signer(purpose).dumps(facts)


def _read(purpose: str, token: str) -> tuple[dict[str, Any], timedelta] | None:
    """Return what was signed for *purpose* and how long ago, by the real clock; None when it is not ours."""
    try:
        facts, signed_at = _signer(purpose).loads(token, return_timestamp=True)
    except BadSignature:
        return None
    return facts, datetime.now(UTC) - signed_at


def _read_link(purpose: str, token: str) -> dict[str, Any]:
    """Return what a link says. Ends the request with the page that explains an old one, or with 404."""
    read = _read(purpose, token)
    if read is None:
        abort(404)
    if read[1] > LINK_LIFE:
        abort(make_response(_page("portal/gone.html", 410)))
    return read[0]


# ── What every page shows ─────────────────────────────────────────────────────────────────────────────────────────────────


def _page(template: str, status: int = 200, **facts: Any) -> Page:
    facts.setdefault("organisation", None)
    if facts["organisation"] is None:
        facts["organisation"] = queries.organisation(db.session)
    page = render_template(template, **facts)
    return page if status == 200 else (page, status)


class KeptPage(Response):
    """
    A page that its browser keeps, so that "Back" finds what was typed and pressing again sends the same form.

    With `no-store` browsers forget it; with `Vary: Cookie` too, as soon as the first cookie is set. It is private as it is.
    """

    @property
    def vary(self) -> HeaderSet:  # type: ignore[override]
        return HeaderSet()


@dataclass(frozen=True, slots=True)
class Choice:
    """A type of request in plain words, and until when it would be answered if it were filed now."""

    code: str
    name: str
    help: str
    due_on: date | None


@dataclass(frozen=True, slots=True)
class House:
    """
    What the filing page needs of the database, copied: the last one read serves the page while the database does not answer.

    `problem`: why no legal date can be told, in the reader's words.
    """

    organisation: Any
    types: tuple[Choice, ...] = ()
    services: tuple[tuple[int, str], ...] = ()
    consents: dict[str, SimpleNamespace] = field(default_factory=dict)
    outages: tuple[SimpleNamespace, ...] = ()
    problem: str = ""


_NO_HOUSE = House(SimpleNamespace(name="Atiende", nit=None, address="", phone=None, email=""))


def _read_house(session: Session, at: datetime) -> House:
    organisation = queries.organisation(session)
    types, problem = [], ""
    public = select(RequestType).where(RequestType.is_public, RequestType.is_active).order_by(RequestType.position, RequestType.id)
    for kind in session.scalars(public):
        due_on = None
        try:
            rule = rule_for(queries.term_rules(session), kind.regime or organisation.regime, TermAct.ANSWER, kind.code, local(at).date())
            due_on = deadline_of(local(at), rule, queries.calendar_of(session, organisation)).due_on
        except DomainError as error:
            problem = say(error)
        types.append(Choice(kind.code, kind.plain_name, kind.plain_help, due_on))
    services = session.execute(select(Service.id, Service.name).where(Service.is_active).order_by(Service.position, Service.id))
    house = House(
        organisation=SimpleNamespace(**{name: getattr(organisation, name) for name in ("name", "nit", "address", "phone", "email")}),
        types=tuple(types),
        services=tuple(map(tuple, services)),
        consents=_read_consents(session, organisation.name, local(at).date()),
        outages=_read_outages(session, at),
        problem=problem,
    )
    current_app.extensions["atiende.house"] = house
    return house


def _read_outages(session: Session, at: datetime) -> tuple[SimpleNamespace, ...]:
    """Return the interruptions of the service that run or are about to, in what everybody may know of them."""
    told = ("sector", "starts_at", "expected_end_at", "alternative")
    return tuple(
        SimpleNamespace(service=row.service.name, is_running=row.starts_at <= at, **{name: getattr(row, name) for name in told})
        for row in interruptions.public_notices(session, at=at)
    )


def _read_consents(session: Session, name: str, on: date) -> dict[str, SimpleNamespace]:
    """Return the version in force of each text; {organisation} stands for the name of the company."""
    return {
        kind.name: SimpleNamespace(id=row.id, version=row.version, text=row.text.replace("{organisation}", name))
        for kind, row in queries.consents_in_force(session, on).items()
    }


# ── Filing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@portal.route("/pqr/nueva", methods=["GET", "POST"])
def file_request() -> Page:
    """The public form. A POST that cannot be stored gives it back filled in, with the reason."""
    if request.method == "GET":
        house = _read_house(db.session, now())
        form = _form(house)
        form.request_type.data = request.args.get("tipo")
        form.ticket.data = _sign("form", s=secrets.token_urlsafe(24))
        return KeptPage(_filing_page(form, house), headers={"Cache-Control": "private, no-cache"}, mimetype="text/html")
    try:
        return _receive()
    except HTTPException:
        raise
    except DOWN as error:
        log.error("database", kind=type(error).__name__, request_id=g.get("request_id"))
        return _keep(
            503,
            _("The database does not answer right now"),
            _("Your request is NOT filed yet. Everything you wrote is still here: wait a minute and press “File” again."),
        )
    except Exception:
        log.exception("crash", request_id=g.get("request_id"))
        return _keep(
            500,
            _("Something broke on our side"),
            _("Your request is NOT filed yet. Everything you wrote is still here: try again in a minute, or write or call us."),
        )


def _form(house: House) -> FilingForm:
    form = FilingForm()
    typed = request.form.get("request_type", "")
    form.request_type.choices = [(kind.code, kind.name) for kind in house.types] or ([(typed, typed)] if typed else [])
    form.service.choices = [("", _("I do not know, or none")), *house.services]
    return form


def _keep(status: int, title: str, advice: str) -> Page:
    """Give the form back from what the browser sent, without asking the database anything."""
    if "_login_user" not in g:  # else Flask-Login would read the user while the page is drawn
        g._login_user = AnonymousUserMixin()
    try:
        db.session.rollback()
    except DOWN:
        db.session.close()
    house = current_app.extensions.get("atiende.house", _NO_HOUSE)
    return _filing_page(_form(house), house, status, (title, advice))


def _filing_page(form: FilingForm, house: House, status: int = 200, notice: tuple[str, str] | None = None) -> Page:
    if "csrf_token" in form:
        form["csrf_token"].errors = ()  # the notice says it
    due = {kind.due_on for kind in house.types}
    return _page(
        "portal/filing.html",
        status,
        organisation=house.organisation,
        form=form,
        house=house,
        notice=notice,
        due_on=due.pop() if len(due) == 1 else None,
        identity_help={identity.name: _(msgid) for identity, msgid in IDENTITY_HELP.items()},
        limits=files,
        max_body=operations.MAX_BODY,
        had_files=any(part.filename for part in request.files.getlist("files")) if request.method == "POST" else False,
    )


def _receive() -> Page:
    """File what was sent, or give the form back with the reason. Writers queue only once there is something to write."""
    g.is_reading = True
    house = _read_house(db.session, now())
    form = _form(house)
    facts, age = _read("form", form.ticket.data or "") or ({"s": secrets.token_urlsafe(24)}, None)
    known = db.session.scalar(select(Pqr).where(Pqr.submission == facts["s"]))
    if known and age is not None and age < FORM_LIFE:
        return _go_to_confirmation(known.id, is_repeated=True, has_changed=known.body != form.body.data)
    is_valid = form.validate()
    if known:
        form.ticket.data = _sign("form", s=secrets.token_urlsafe(24))
        return _filing_page(form, house, 409, _already_filed(known))
    if age is None or age > FORM_LIFE or "csrf_token" in form.errors:
        form.ticket.data = _sign("form", s=facts["s"])
        return _filing_page(form, house, 400, _too_old())
    if not is_valid:
        return _filing_page(form, house, 422)
    if doubt := _robot(form, age):
        return _filing_page(form, house, 422, doubt)
    if minutes := minutes_to_wait("PORTAL_FILE_RATE", "filed", _address()):
        return _filing_page(form, house, 429, _too_many(minutes))
    return _store(form, house, facts["s"])


def _robot(form: FilingForm, age: timedelta) -> tuple[str, str] | None:
    """Return why the sender looks like a robot, with what a person does next; None for people."""
    if form.website.data:
        form.website.data = ""
        advice = _("A field that people do not see came filled in. Your request is NOT filed yet: press “File” again.")
        return _("Are you a person?"), advice
    if age < timedelta(seconds=current_app.config["PORTAL_MIN_SECONDS"]):
        advice = _("To keep robots out, the form waits some seconds. Your request is NOT filed yet: press “File” again.")
        return _("That was very fast"), advice
    return None


def _too_old() -> tuple[str, str]:
    return (
        _("The page was open for too long"),
        _("Your request is NOT filed yet. We renewed the page and kept what you wrote: check it and press “File” again."),
    )


def _already_filed(known: Pqr) -> tuple[str, str]:
    return (
        _("This form was already filed"),
        _("It has the number %(number)s. If you press “File” again, it will be another request.", number=known.number),
    )


def _too_many(minutes: int) -> tuple[str, str]:
    return (
        _("Too many requests from your connection"),
        _("Nothing was lost: wait %(n)s minutes and press “File” again. If it is urgent, call us or come to the office.", n=minutes),
    )


def _store(form: FilingForm, house: House, submission: str) -> Page:
    start_writing()
    try:
        try:
            pqr_id = _file(form, submission).id
        except IntegrityError:  # a second click raced with the first one to the same row: now it is there
            db.session.rollback()
            pqr_id = _file(form, submission).id
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        _blame(form, error)
        return _filing_page(form, house, 422)
    count_hit("PORTAL_FILE_RATE", "filed", _address())
    return _go_to_confirmation(pqr_id)


def _blame(form: FilingForm, error: DomainError) -> None:
    """Put the refusal beside its field, or on top."""
    name = error.field
    if name in ("request_type", "body", "account_number", "files", "identity"):
        form[name].errors = [*form[name].errors, say(error)]
    else:
        form.form_errors.append(say(error))


def _file(form: FilingForm, submission: str) -> Pqr:
    """Store the case with its files and the mail that tells it; flushed."""
    session, at = db.session(), now()
    kind = session.scalar(select(RequestType).where(RequestType.code == form.request_type.data))
    account = queries.account_numbered(session, form.account_number.data, form.service.data, is_strict=True)
    party, doubt = _party(session, form)
    filing = operations.Filing(
        organisation=queries.organisation(session),
        request_type=kind,
        channel=_channel(session),
        subject=textwrap.shorten(form.body.data, 120, placeholder="…"),
        body=form.body.data,
        identity=Identity[form.identity.data],
        party=party,
        account=account,
        service=session.get(Service, form.service.data) if form.service.data and not account else None,
        is_e_notice=bool(party and form.is_e_notice.data),
        notice_email=(party and form.email.data) or None,
        notice_address=(party and form.address.data) or None,
        submission=submission,
        consent_texts=_consents(session, form, local(at).date()),
    )
    pqr = operations.file_pqr(session, filing, at=at)
    if form.checked_files and not pqr.files:  # else the other half of a double click brought them
        for checked in form.checked_files:
            files.store_file(session, checked, pqr=pqr, visibility=Visibility.CITIZEN)
    if doubt:
        session.add(Note(pqr=pqr, body=doubt))
    messages.tell_filed(session, pqr, at)
    session.flush()
    return pqr


def _channel(session: Session) -> Channel:
    channel = session.scalar(select(Channel).where(Channel.code == "WEB"))
    if channel is None:
        raise DomainError(N_("The channel WEB is missing. An administrator has to add it in Channels."))
    return channel


def _consents(session: Session, form: FilingForm, on: date) -> list[ConsentText]:
    """Return the texts that were on the page and were accepted; an anonymous request has nobody to accept anything."""
    boxes = {ConsentKind.DATA: form.accepts_data, ConsentKind.E_NOTICE: form.is_e_notice, ConsentKind.SURVEY: form.accepts_survey}
    accepted = [kind for kind, box in boxes.items() if box.data and not form.is_anonymous]
    return queries.consents_to(session, accepted, on)


def _party(session: Session, form: FilingForm) -> tuple[Party | None, str]:
    """
    Return who files, and a doubt for the staff when there is one.

    Whoever types somebody's document must not learn from a receipt who that is, nor file in that person's name. So a document
    that is registered under a quite different name makes a party without document, and a note asks the staff to verify.
    """
    if form.is_anonymous:
        return None, ""
    document_type = DocumentType[form.document_type.data]
    kind = PartyKind.ORGANISATION if document_type is DocumentType.NIT else PartyKind.PERSON
    contact = {"email": form.email.data or None, "phone": form.phone.data or None, "address": form.address.data or None}
    known = parties.find_party(session, document_type, form.document_number.data)
    if known is not None and parties.is_same_name(known.name, form.name.data):
        return known, ""  # contact data of a known party are changed by the staff; this case keeps its own
    if known is None:
        return parties.find_or_create_party(session, kind, document_type, form.document_number.data, form.name.data, **contact), ""
    party = Party(kind=kind, name=form.name.data, **contact)
    session.add(party)
    session.flush()
    with force_locale(messages.LANGUAGE):
        return party, _(
            "Filed on the public page with the document %(type)s %(number)s, which is registered under another name. "
            "Verify who the petitioner is before you answer.",
            type=document_type.name,
            number=form.document_number.data,
        )


def _go_to_confirmation(pqr_id: int, *, is_repeated: bool = False, has_changed: bool = False) -> Response:
    token = _sign("filed", p=pqr_id, r=is_repeated, c=has_changed)
    return redirect(url_for("portal.filed", token=token), 303)


@portal.route("/pqr/radicada/<token>")
def filed(token: str) -> Page:
    """Number, key and legal date, once, right after filing."""
    link = _read_link("filed", token)
    pqr = db.session.scalar(_with_head(select(Pqr).where(Pqr.id == link["p"]))) or abort(404)
    return _page(
        "portal/filed.html",
        organisation=pqr.organisation,
        pqr=pqr,
        is_repeated=link["r"],
        has_changed=link["c"],
        is_delayed=pqr.effective_on != pqr.filed_on,
        receipt=_sign("receipt", p=pqr.id),
    )


@portal.route("/pqr/recibo/<token>")
def receipt(token: str) -> Any:
    """The receipt as PDF: made on the first asking, the same bytes ever after."""
    link = _read_link("receipt", token)
    issued = select(Document).options(joinedload(Document.file)).where(Document.pqr_id == link["p"], Document.kind == DocumentKind.RECEIPT)
    document = db.session.scalar(issued)
    if document is None:
        start_writing()
        document = documents.receipt_of(db.session, db.session.get_one(Pqr, link["p"]), now())
        db.session.commit()
    return send_stored(document.file)


@portal.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> Page:
    """Say the limits. What was sent is read to its end first, within reason: browsers show no answer to a letter they still write."""
    left = min(request.content_length or 0, 256 * files.MEGABYTE)
    stream = request.environ["wsgi.input"]
    try:
        while left > 0 and (block := stream.read(min(left, files.MEGABYTE))):
            left -= len(block)
    except OSError:
        pass
    return _page("portal/too_large.html", 413, limits=files, max_body=operations.MAX_BODY)


# ── Rate limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _address() -> str:
    return request.remote_addr or ""


# ── Following a request ───────────────────────────────────────────────────────────────────────────────────────────────────

#: What each state means to the citizen, and what comes next.
PLAIN: dict[PqrStatus, tuple[str, str]] = {
    PqrStatus.RECEIVED: (N_("We have your request."), N_("We send it to the area that has to study it. You do not have to do anything.")),
    PqrStatus.ROUTED: (
        N_("An area of the company is studying your request."),
        N_("It prepares the answer. You do not have to do anything."),
    ),
    PqrStatus.AWAITING_USER: (
        N_("Something is missing in your request, and we asked you for it."),
        N_("Send us what is missing, with this number, in the time that our letter gives you. Meanwhile the days do not count."),
    ),
    PqrStatus.EVIDENCE: (
        N_("We are taking evidence: for example a visit or a test of the meter."),
        N_("Meanwhile the days do not count. They go on when the evidence is ready."),
    ),
    PqrStatus.SOLVED: (N_("The area finished its study."), N_("Now the answer is reviewed and signed.")),
    PqrStatus.ANSWERED: (N_("The answer is signed."), ""),
    PqrStatus.NOTIFIED: (N_("You were notified of the answer."), ""),
    PqrStatus.APPEALED: (N_("You appealed against the answer."), N_("The appeal is being decided. You will be notified of the decision.")),
    PqrStatus.CLOSED: (N_("The case is closed."), N_("If something new happens, file another request and mention this number.")),
    PqrStatus.WITHDRAWN: (
        N_("The request counts as withdrawn, because what was missing did not arrive."),
        N_("You may file it again whenever you want."),
    ),
    PqrStatus.TRANSFERRED: (
        N_("The request is not ours to decide, so we sent it to the competent body."),
        N_("That body answers you. Its term counts from the working day after it received the request."),
    ),
    PqrStatus.ARCHIVED: (
        N_("The request was archived, because it could not be understood and was not clarified."),
        N_("You may file it again whenever you want."),
    ),
    PqrStatus.VOIDED: (N_("This number was annulled."), N_("If you did not expect that, call us or come to the office.")),
}
_NEXT_WHEN_ANSWERED = {
    AnswerDoor.BY_PRESSING: N_(
        "You can read it now. Opening it counts as being notified, and the term to appeal runs from the next working day."
    ),
    AnswerDoor.CLOSED: N_(
        "You did not accept notices by e-mail, so the answer is notified in person: come to the office with your identity document, "
        "or wait for our letter at the address you gave. Once you are notified you can read it here too."
    ),
    AnswerDoor.OPEN: N_("Your request is anonymous, so nobody can notify you: read the answer here."),
}


@portal.route("/pqr/consulta", methods=["GET", "POST"])
def look_up() -> Page:
    """Number and key, and then the case. A wrong key and a number that does not exist get the same work, page and status."""
    g.is_reading = True
    form = LookupForm()
    if request.method == "GET":
        form.number.data = request.args.get("n", "")[:20]
        return _page("portal/lookup.html", form=form)
    if not form.validate():
        is_expired = "csrf_token" in form.errors
        notice = (_("The page was open for too long"), _("We renewed it: press “See my request” again.")) if is_expired else None
        return _lookup_page(form, 400 if is_expired else 422, notice)
    if minutes := minutes_to_wait("PORTAL_LOOKUP_RATE", "lookup", _address()):
        return _lookup_page(form, 429, _too_many_lookups(minutes))
    count_hit("PORTAL_LOOKUP_RATE", "lookup", _address())
    number = "".join(form.number.data.split()).upper()[:20]
    pqr_id = _find(number, form.key.data)
    if pqr_id is not None:
        return _status_page(pqr_id)
    # The limit of a number holds only for wrong keys: else anybody could lock its owner out by guessing.
    if minutes := minutes_to_wait("PORTAL_LOOKUP_RATE", "number", number):
        return _lookup_page(form, 429, _too_many_lookups(minutes))
    count_hit("PORTAL_LOOKUP_RATE", "number", number)
    return _lookup_page(
        form,
        404,
        (
            _("We do not find a request with that number and that key"),
            _("Check both on your receipt. The key has 16 letters and digits; dashes, spaces and capitals do not matter."),
        ),
    )


def _lookup_page(form: LookupForm, status: int, notice: tuple[str, str] | None) -> Page:
    if "csrf_token" in form:
        form.csrf_token.errors = ()
    return _page("portal/lookup.html", status, form=form, notice=notice)


def _too_many_lookups(minutes: int) -> tuple[str, str]:
    return _("Too many attempts"), _("To protect everyone, only a few attempts are allowed. Wait %(n)s minutes and try again.", n=minutes)


_NOBODY = new_access_key()


def _find(number: str, typed: str) -> int | None:
    """Return the id of the case that number and key open. Compares in constant time, also when there is nothing to compare with."""
    row = db.session.execute(select(Pqr.id, Pqr.access_key).where(Pqr.number == number)).first()
    is_right = hmac.compare_digest(normalise_key(typed[:64]).encode(), (row.access_key if row else _NOBODY).encode())
    return row.id if row and is_right else None


def _with_head(statement: Any) -> Any:
    """Return *statement* (over Pqr) with what every page of a case names, in one query."""
    return statement.options(joinedload(Pqr.organisation), joinedload(Pqr.request_type), joinedload(Pqr.service))


def _whole_case(pqr_id: int) -> Pqr:
    statement = _with_head(select(Pqr).where(Pqr.id == pqr_id)).options(
        joinedload(Pqr.answer).joinedload(Answer.document).joinedload(Document.file),
        joinedload(Pqr.requirement),
        selectinload(Pqr.files),
        selectinload(Pqr.documents),
        selectinload(Pqr.notices),
    )
    return db.session.scalar(statement) or abort(404)


def _door(pqr: Pqr) -> AnswerDoor:
    return answer_door(pqr.status, pqr.identity, pqr.is_e_notice)


def _status_page(pqr_id: int) -> Page:
    pqr = _whole_case(pqr_id)
    door = _door(pqr)
    meaning, following = PLAIN[pqr.status]
    if pqr.status is PqrStatus.ANSWERED:
        following = _NEXT_WHEN_ANSWERED[door]
    summons = next((notice for notice in reversed(pqr.notices) if notice.means is NoticeMeans.SUMMONS), None)
    is_running = pqr.status.category in (Category.OPEN, Category.STOPPED)
    return _page(
        "portal/status.html",
        organisation=pqr.organisation,
        pqr=pqr,
        meaning=_(meaning),
        following=_(following) if following else "",
        is_open=door is AnswerDoor.OPEN,
        press=PressForm(formdata=None, ticket=_sign("press", p=pqr.id)) if door is AnswerDoor.BY_PRESSING else None,
        has_silence=is_running and silence_on(pqr.due_on, today(), pqr.answered_on, pqr.regime),
        is_late=is_running and pqr.due_on is not None and today() > pqr.due_on,
        served=_served_notice(pqr),
        come_by=summons.appear_by if summons and door is AnswerDoor.CLOSED else None,
        attachments=[(stored, _sign("file", p=pqr.id, f=stored.id)) for stored in _attachments(pqr)],
        acts=[(document, _way_to(pqr, document)) for document in _acts(pqr)],
        appeal_link=_sign("appeal", p=pqr.id),
        **_ways_on(pqr),
    )


def _ways_on(pqr: Pqr) -> dict[str, Any]:
    """Return the links of a case that was opened, and whether its term to appeal still runs."""
    answer_file = pqr.answer.document.file if pqr.answer and pqr.answer.document and _door(pqr) is AnswerDoor.OPEN else None
    return {
        "receipt": _sign("receipt", p=pqr.id),
        "answer_file": answer_file,
        "answer_link": _sign("file", p=pqr.id, f=answer_file.id) if answer_file else "",
        "can_appeal": pqr.status is PqrStatus.NOTIFIED and bool(pqr.appeal_until and today() <= pqr.appeal_until),
        "is_ley142": pqr.regime is Regime.LEY142,
    }


def _served_notice(pqr: Pqr) -> Notice | None:
    """Return the e-notice that was opened, for its certificate."""
    return next((notice for notice in _links(pqr) if notice.opened_at), None)


def _links(pqr: Pqr) -> list[Notice]:
    """Return the e-notices of the answer; those of other documents have their own."""
    return [notice for notice in pqr.notices if notice.means is NoticeMeans.E_LINK and notice.document_id is None]


#: Acts of a case that its citizen reads with number and key; what carries the answer opens with the answer.
_OPEN_ACTS = (
    DocumentKind.COMPLETION_REQUEST, DocumentKind.CLARIFICATION_REQUEST, DocumentKind.EVIDENCE_ORDER, DocumentKind.EXTENSION,
    DocumentKind.TRANSFER, DocumentKind.WITHDRAWAL, DocumentKind.ARCHIVE, DocumentKind.SUMMONS, DocumentKind.RECOGNITION,
)  # fmt: skip
_ACTS_OF_ANSWER = (DocumentKind.AVISO, DocumentKind.PERSONAL_NOTICE, DocumentKind.NOTICE_CERTIFICATE)


def _acts(pqr: Pqr) -> list[Document]:
    """Return the documents that we issued and the citizen may read here, besides receipt and answer."""
    kinds = _OPEN_ACTS + (_ACTS_OF_ANSWER if _door(pqr) is AnswerDoor.OPEN else ())
    files_of_citizen = {stored.id for stored in pqr.files if stored.visibility is Visibility.CITIZEN}
    return [document for document in pqr.documents if document.kind in kinds and document.file_id in files_of_citizen]


def _way_to(pqr: Pqr, document: Document) -> str:
    """Return the address of an act: that of its e-notice while nobody has opened it, for opening it is the notice."""
    waiting = next((one for one in pqr.notices if one.document_id == document.id and one.token and one.opened_at is None), None)
    if waiting is not None:
        return url_for("portal.notice", token=waiting.token)
    return url_for("portal.download", token=_sign("file", p=pqr.id, f=document.file_id))


def _attachments(pqr: Pqr) -> list[StoredFile]:
    """Return the files of the case that its citizen may open; documents that we issued have doors of their own."""
    issued = {document.file_id for document in pqr.documents} | {notice.proof_file_id for notice in pqr.notices}
    return [stored for stored in pqr.files if stored.visibility is Visibility.CITIZEN and stored.id not in issued]


@portal.route("/pqr/archivo/<token>")
def download(token: str) -> Any:
    """A file of a case that was opened. What the link says is asked again: a file may have become private meanwhile."""
    link = _read_link("file", token)
    pqr = _whole_case(link["p"])
    allowed = {stored.id: stored for stored in _attachments(pqr)}
    if _door(pqr) is AnswerDoor.OPEN and pqr.answer and pqr.answer.document:
        allowed[pqr.answer.document.file_id] = pqr.answer.document.file
    opened = {notice.document_id for notice in pqr.notices if notice.opened_at}
    waiting = {notice.document_id for notice in pqr.notices if notice.token and not notice.opened_at}
    acts = [document for document in _acts(pqr) if document.id not in waiting] + [each for each in pqr.documents if each.id in opened]
    allowed |= {document.file_id: document.file for document in acts if document.file_id == link["f"]}
    return send_stored(allowed.get(link["f"]) or abort(404))


# ── Reading the answer is being notified ──────────────────────────────────────────────────────────────────────────────────


@portal.route("/pqr/respuesta", methods=["GET", "POST"])
def open_answer() -> Page | Response:
    """Open the answer from the page of the case: the same notice as the link of the e-mail, made now if none had left yet."""
    if request.method == "GET":
        return redirect(url_for("portal.look_up"))
    form = PressForm()
    read = _read("press", form.ticket.data or "")
    if not form.validate() or read is None or read[1] > LINK_LIFE:
        return _page("portal/gone.html", 410)
    pqr = _whole_case(read[0]["p"])
    if _door(pqr) is AnswerDoor.BY_PRESSING:
        waiting = _links(pqr)
        notice = waiting[-1] if waiting else notices.start_e_notice(db.session, pqr, at=now())
        notices.serve_e_notice(db.session, notice, at=now(), address=_address())
        db.session.commit()
    return _status_page(pqr.id)


def _notice(token: str) -> Notice:
    statement = select(Notice).where(Notice.token == token[:64], Notice.means == NoticeMeans.E_LINK)
    return db.session.scalar(statement.options(_with_head_of_notice(), joinedload(Notice.document))) or abort(404)


def _with_head_of_notice() -> Any:
    return joinedload(Notice.pqr).options(
        joinedload(Pqr.organisation),
        joinedload(Pqr.request_type),
        joinedload(Pqr.answer).joinedload(Answer.document).joinedload(Document.file),
    )


def _notified(found: Notice) -> Document:
    """Return what a link notifies: a document of its own, else the answer. Ends the request when there is none yet."""
    answer = found.pqr.answer
    return found.document or (answer.document if answer else None) or abort(404)


@portal.route("/n/<token>", methods=["GET", "POST"])
def notice(token: str) -> Page:
    """The link of an e-notice. Programs that scan mail open links, so only the press of the button is the access."""
    found = _notice(token)
    document = _notified(found)
    form, problem = PressForm(), None
    if request.method == "POST" and found.opened_at is None:
        if form.validate():
            notices.serve_e_notice(db.session, found, at=now(), address=_address())
            db.session.commit()
            found = _notice(token)
        else:
            problem = (_("The page was open for too long"), _("We renewed it: press the button again."))
    if found.opened_at is None:
        status = 400 if problem else 200
        facts = {"found": found, "document": document, "form": form, "notice": problem}
        return _page("portal/notice.html", status, organisation=found.pqr.organisation, **facts)
    if found.document is not None:
        link = _sign("file", p=found.pqr_id, f=document.file_id)
        return _page("portal/document.html", organisation=found.pqr.organisation, found=found, document=document, link=link)
    return _page("portal/answer.html", organisation=found.pqr.organisation, found=found, pqr=found.pqr, **_ways_on(found.pqr))


@portal.route("/n/<token>/constancia")
def certificate(token: str) -> Page:
    """What the company certifies about the access (CPACA art. 56); made for paper."""
    found = _notice(token)
    if found.opened_at is None:
        return redirect(url_for("portal.notice", token=token))
    facts = {"found": found, "pqr": found.pqr, "document": _notified(found), "printed_at": now()}
    return _page("portal/certificate.html", organisation=found.pqr.organisation, **facts)


@portal.route("/n/<token>/constancia.pdf")
def certificate_file(token: str) -> Any:
    """The same as a numbered document: made on the first asking, the same bytes ever after."""
    found = _notice(token)
    if found.opened_at is None:
        return redirect(url_for("portal.notice", token=token))
    if found.paper is None:
        start_writing()
        certificate_of(db.session, _notice(token), now())
        db.session.commit()
        found = _notice(token)
    return send_stored(found.paper.file)


# ── The calculator, and the pulse ─────────────────────────────────────────────────────────────────────────────────────────


@portal.route("/calculadora")
def compute() -> Page:
    """When an answer is due and why, for whoever asks; the same engine and calendar as the cases."""
    organisation = queries.organisation(db.session)
    kinds = db.session.execute(
        select(RequestType.code, RequestType.name, RequestType.regime).where(RequestType.is_active).order_by(RequestType.position)
    ).all()
    is_asked = "filed" in request.args
    form = CalculatorForm(request.args if is_asked else None)
    form.type.choices = [(kind.code, kind.name) for kind in kinds]
    if not is_asked:
        form.filed.data = today()
        form.type.data = request.args.get("type", kinds[0].code if kinds else None)
    result = None
    if is_asked and form.validate():
        ground = calculator.Ground(
            rules=queries.term_rules(db.session),
            calendar=queries.calendar_of(db.session, organisation),
            request_types={kind.code: kind.regime for kind in kinds},
            regime=organisation.regime,
            is_shipped=False,
        )
        filed_at = datetime.combine(form.filed.data, form.time.data) if form.time.data else form.filed.data
        try:
            result = calculator.calculate(ground, form.type.data, filed_at, Regime[form.regime.data] if form.regime.data else None)
        except DomainError as error:
            blamed = form.filed if isinstance(error, CalendarGap) else form.type
            blamed.errors = [*blamed.errors, say(error)]
    return _page("portal/calculator.html", 422 if is_asked and result is None else 200, organisation=organisation, form=form, result=result)


@portal.route("/healthz")
def health() -> tuple[Response, int]:
    """
    Say whether this process and its database answer; for balancers and monitors. A worker that is silent takes no web away: it is only
    told.
    """
    try:
        seen_at = db.session.scalar(select(func.max(WorkerBeat.seen_at)))
    except DOWN:
        db.session.rollback()
        return jsonify(status="down", database="down"), 503
    is_alive = seen_at is not None and seen_at > datetime.now(UTC) - SILENT
    return jsonify(status="ok", database="ok", worker="ok" if is_alive else "silent"), 200


def init_app(app: Flask) -> None:
    """Register the pages. Their forms check their CSRF token themselves (see `_receive`)."""
    csrf.exempt(portal)
    app.register_blueprint(portal)
