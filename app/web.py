"""What every request gets: an id, security headers with a CSP nonce, the actor for the audit, and errors said in plain words."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    g,
    has_request_context,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import Domain, get_locale
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from app import pressed
from app.domain.errors import DomainError
from app.extensions import appbuilder, db, local
from app.words import (
    page_lang,
    say,
    say_day,
    say_instant,
    say_light,
    say_long_day,
    say_nit,
    say_number,
    say_pesos,
    say_phone,
    say_short_day,
    say_value,
    translated,
)

log = structlog.get_logger("atiende")


def _begin() -> None:
    g.request_id = request.headers.get("X-Request-Id", "")[:36] or str(uuid4())
    g.started = time.perf_counter()
    g.is_reading = request.method in ("GET", "HEAD", "OPTIONS")
    g.csp_nonce = secrets.token_urlsafe(16)


def _sign_session() -> None:
    """Tell the audit who acts. After Flask-AppBuilder has put the user in `g`."""
    user = current_user if current_user and current_user.is_authenticated else None
    db.session.info["actor_id"] = user.id if user else None
    db.session.info["request_id"] = g.request_id
    db.session.info["reason"] = ""


def _finish(response: Response) -> Response:
    nonce = g.get("csp_nonce", "")
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "geolocation=(self), camera=(self), microphone=()")
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
        log.info(  # no personal data: no query string, no body, no name
            "request",
            method=request.method,
            endpoint=request.endpoint,
            status=response.status_code,
            ms=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
            request_id=g.get("request_id"),
        )
    return response


def _page(status: int, title: str, text: str) -> tuple[str, int] | tuple[Response, int]:
    if request.path.startswith("/api/"):
        return jsonify(message=f"{title} {text}"), status
    if "_login_user" not in g:  # Flask-Login would ask the database for the user while the page is drawn; it may be down
        g._login_user = AnonymousUserMixin()
    return render_template("error.html", status=status, title=title, text=text, request_id=g.get("request_id", "")), status


def _http_error(error: HTTPException):  # type: ignore[no-untyped-def]
    texts = {
        400: (_("We did not understand this request"), _("Go back and try again. Nothing was saved.")),
        401: (_("Please sign in"), _("This page is for the staff of the company.")),
        403: (_("You have no right to do this"), _("Ask an administrator if your work needs it. Nothing was saved.")),
        404: (_("There is nothing here"), _("The page does not exist, or it is not yours to see. Check the address or the number.")),
        405: (_("This address does not work that way"), _("Go back and use the buttons of the page. Nothing was saved.")),
        413: (
            _("What you sent is too large"),
            _("Each file may weigh 10 MB and there may be five. Nothing was saved: go back and attach smaller files."),
        ),
        429: (
            _("Too many attempts"),
            _(
                "To protect everyone, we allow only a few attempts from one place. Wait some minutes and try again. "
                "What you typed is still on the previous page."
            ),
        ),
    }
    status = error.code or 500
    if status < 400:
        return error
    title, text = texts.get(status, texts[400] if status < 500 else _broken_text())
    return _page(status, title, text)


def _broken_text() -> tuple[str, str]:
    return (
        _("Something broke on our side"),
        _("Nothing was half-saved. Go back: what you typed is still on the previous page; try again in a minute."),
    )


def _refused(error: DomainError):  # type: ignore[no-untyped-def]
    db.session.rollback()
    return _page(409, _("This is not possible"), say(error))


def _typed() -> list[tuple[str, str]]:
    """
    Return the fields of the form that was just sent from one of our own pages, so that it can be sent again.

    Only when the browser says that the post came from our origin: a page that offered to repeat somebody else's post would be
    a way around the token. Passwords are never repeated.
    """
    origin = request.headers.get("Origin", "")
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin" or (origin and origin == request.host_url.rstrip("/"))
    if request.method != "POST" or not is_ours or any("password" in name for name in request.form):
        return []
    return [(name, value) for name, values in request.form.lists() for value in values if name != "csrf_token"]


def _again(status: int, title: str, text: str, sign_in: str = ""):  # type: ignore[no-untyped-def]
    """
    Return a page that keeps what was typed and sends it again at a press; the plain page when there is nothing to keep.

    With *sign_in*, an address, the reader has to sign in first; then his browser fills the form again, or he comes back to this page.
    """
    typed = _typed()
    if not typed:
        return _page(status, title, text)
    had_files = any(part.filename for part in request.files.values())
    facts = {"title": title, "text": text, "typed": typed, "had_files": had_files, "url": request.full_path.rstrip("?"), "sign_in": sign_in}
    return render_template("again.html", **facts), status


def _database_down(error: DBAPIError):  # type: ignore[no-untyped-def]
    db.session.rollback()
    log.error("database", kind=type(error).__name__, request_id=g.get("request_id"))
    return _again(
        503,
        _("The database does not answer right now"),
        _("Nothing was saved, and what you typed is kept. Try again in a minute; if it goes on, tell the administrator."),
    )


def _expired_form(error: CSRFError):  # type: ignore[no-untyped-def]
    if "_user_id" not in session and _typed():
        return _session_ended()
    return _again(
        400,
        _("The form expired"),
        _("The page was open for too long, so nothing was saved. What you typed is kept: read it and send it again."),
    )


def _session_ended():  # type: ignore[no-untyped-def]
    way_in = url_for("DoorView.login", next=_form_address())
    return _again(
        401,
        _("Your session ended"),
        _("To protect the data of the citizens, a session ends after twelve hours. Nothing was saved, and what you typed is kept."),
        sign_in=way_in,
    )


def _form_address() -> str:
    """Return the address of the page whose form was sent: where it was sent to, or where it stood when that only takes posts."""
    stood = urlsplit(request.referrer or "")
    for path, query in ((request.path, request.query_string.decode("ascii", "ignore")), (stood.path, stood.query)):
        try:
            current_app.url_map.bind(request.host).match(path, method="GET")
        except HTTPException:
            continue
        return f"{path}?{query}" if query else path
    return "/"


def _at_the_door(response: Response) -> Response:
    """
    Receive whoever is led to the sign-in page: "access denied" is not what happened to a session that ended.

    A post is answered with the page that keeps it: the form may be an hour of work.
    """
    is_door = response.status_code == 302 and urlsplit(response.location or "").path == url_for("DoorView.login")
    if not is_door or "_user_id" in session:
        return response
    session.pop("_flashes", None)
    if _typed():
        return current_app.make_response(_session_ended())
    if request.path != "/":
        flash(_("Sign in to go on."), "message")
    return response


def _crashed(error: Exception):  # type: ignore[no-untyped-def]
    db.session.rollback()
    log.exception("crash", request_id=g.get("request_id"))
    return _page(500, *_broken_text())


# ── What templates know ──────────────────────────────────────────────────────────────────────────────────────────────────


def here(**changes: Any) -> str:
    """Return the address of this page with *changes* in its query; None takes a name out, and with it the page number stays right."""
    query = {name: value for name, value in request.args.items() if name not in changes}
    query |= {name: value for name, value in changes.items() if value is not None}
    return url_for(request.endpoint or "", **(request.view_args or {}), **query)


def flat(errors: Any) -> Iterator[str]:
    """Yield the texts in *errors* of a WTForms field, however nested; a Markup stays one."""
    if isinstance(errors, list | tuple | dict):
        for item in errors.values() if isinstance(errors, dict) else errors:
            yield from flat(item)
    else:  # a lazy text is iterable too: letter by letter
        yield errors if isinstance(errors, str) else str(errors)


def page_theme() -> str:
    """Return `light` or `dark` when the reader chose one; empty follows the device."""
    theme = request.cookies.get("theme", "") if has_request_context() else ""
    return theme if theme in ("light", "dark") else ""


def signed_in() -> Any:
    """Return the user of this request, or None."""
    return current_user._get_current_object() if current_user and current_user.is_authenticated else None


def draft_key() -> str:
    """Return the key under which the reader's browser keeps drafts (`forms.js`): nobody else's, and the same at the next sign-in."""
    user = signed_in()
    drawn = hmac.digest(str(current_app.secret_key).encode(), f"drafts of {user.id}".encode(), "sha256") if user else b""
    return b64encode(drawn).decode()


def is_here(url: str, exact: bool = False) -> bool:
    """Return whether the page of this request is *url*, or one below it (a list, its forms and its rows)."""
    room = url.split("?")[0].removesuffix("list/")
    return request.path == url if exact or room == "/" else request.path == url or request.path.startswith(room.rstrip("/") + "/")


def _fingerprint(path: str) -> str | None:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10] if Path(path).is_file() else None


_known_fingerprint = lru_cache(maxsize=500)(_fingerprint)


def _add_fingerprint(endpoint: str, values: dict[str, Any]) -> None:
    """
    Name the content of a static file in its URL: browsers keep it for a year and still get the next release at once.

    A file is read once a process, as WhiteNoise lists the folder once; only debugging looks each time.
    """
    if endpoint == "static" and "v" not in values:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        mark = (_fingerprint if app.debug else _known_fingerprint)(f"{app.static_folder}/{values['filename']}")
        if mark:
            values["v"] = mark


class Texts(Domain):
    """
    The catalogue, found once a language. Flask-Babel finds it again for every text, and a page has two hundred.

    `in_template` is what `_()` calls there: like Jinja's own, a text is safe HTML, its fields are escaped, and `%%` says %.
    """

    def __init__(self, domain: str) -> None:
        super().__init__(domain=domain)
        self._found: dict[str, Any] = {}
        self._marked: dict[tuple[str, str], Markup] = {}

    @staticmethod
    def _language() -> str:
        try:
            return str(g._flask_babel.babel_locale.language)  # where Flask-Babel keeps that of the request
        except (AttributeError, RuntimeError):
            locale = get_locale()
            return locale.language if locale else ""

    def get_translations(self) -> Any:
        language = self._language()
        if language not in self._found:
            found = super().get_translations()
            if not language:
                return found
            self._found[language] = found
        return self._found[language]

    def in_template(self, context: EvalContext, text: str, **fields: Any) -> str:
        if fields or not context.autoescape:
            said = self.get_translations().ugettext(text)
            return (Markup(said) if context.autoescape else said) % fields
        key = (self._language(), text)
        if key not in self._marked:
            self._marked[key] = Markup(self.get_translations().ugettext(text)) % {}
        return self._marked[key]


def filters(app: Flask) -> None:
    """Give templates their filters and globals; none of them asks the database except `signed_in`."""
    app.jinja_env.filters.update(
        day=say_day, long_day=say_long_day, short_day=say_short_day, instant=say_instant, pesos=say_pesos, number=say_number,
        nit=say_nit, phone=say_phone, flat=flat, shown=say_value, translated=translated, local_day=lambda instant: local(instant).date(),
    )  # fmt: skip
    app.jinja_env.globals.update(
        appbuilder=appbuilder,
        csp_nonce=lambda: g.get("csp_nonce", ""),
        draft_key=draft_key,
        here=here,
        is_here=is_here,
        languages=lambda: current_app.config["LANGUAGES"],
        page_lang=page_lang,
        page_theme=page_theme,
        say=say,
        say_light=say_light,
        signed_in=signed_in,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.url_defaults(_add_fingerprint)


def init_app(app: Flask) -> None:
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_finish)
    app.after_request(_at_the_door)
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(RequestEntityTooLarge, _http_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(OperationalError, _database_down)
    app.register_error_handler(Exception, _crashed)
    filters(app)


def chosen_locale() -> str | None:
    """
    Return the language that the reader chose (`_l_` in the address, else in the session), or None for that of the house.

    Flask-AppBuilder's own selector writes the default into the session, and so a cookie onto every page.
    """
    if not has_request_context():
        return None
    wanted = request.args.get("_l_") or session.get("locale")
    return wanted if wanted in current_app.config["LANGUAGES"] else None


def _speak(locale: str) -> Any:
    """Switch the language and stay on the page; Flask-AppBuilder would lead to the start."""
    if locale not in current_app.config["LANGUAGES"]:
        abort(404)
    session["locale"] = locale
    came_from = urlsplit(request.referrer or "")
    is_ours = came_from.netloc == request.host and came_from.path.startswith("/")
    return redirect(came_from._replace(scheme="", netloc="").geturl() if is_ours and not came_from.path.startswith("//") else "/")


def _guard_file(headers: Any, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"


def finish(app: Flask) -> None:
    """Last of the wiring: the limiter counts first, on a connection of its own, and only then is the user read."""
    app.view_functions["LocaleView.index"] = _speak
    app.before_request(_sign_session)
    pressed.init_app(app)
    babel = app.extensions["babel"]
    babel.locale_selector = chosen_locale
    babel.instance.domain_instance = texts = Texts(babel.default_domain)
    speak = pass_eval_context(lambda context, text, **fields: texts.in_template(context, text, **fields))
    app.jinja_env.globals.update(_=speak, gettext=speak)
    if app.config["N_PROXIES"]:
        n = app.config["N_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    max_age = 31536000 if not app.debug else 0
    folder = Path(app.config["INSTANCE"]) / "static"
    files = pressed.StaticFiles(app.wsgi_app, folder, max_age=max_age, add_headers_function=_guard_file)
    app.wsgi_app = files  # type: ignore[method-assign]
    app.wsgi_app.add_files(app.static_folder, prefix="/static/")
    # Nothing of ours asks for the scripts and styles of Flask-AppBuilder, its loader of Google's charts among them.
    app.view_functions["appbuilder.static"] = lambda filename: abort(404)
