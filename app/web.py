"""What every request gets: an id, security headers with a CSP nonce, the actor for the audit, and errors said in plain words."""

from __future__ import annotations

import secrets
import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, jsonify, render_template, request
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from app.domain.errors import DomainError
from app.extensions import db

log = structlog.get_logger("atiende")


def say(error: DomainError) -> str:
    """Return the text of *error* in the reader's language; fields that are msgids themselves are translated too."""
    fields = {
        name: ", ".join(_(item) for item in value) if isinstance(value, tuple) else _(value) if isinstance(value, str) and value else value
        for name, value in error.fields.items()
    }
    return _(error.msgid, **fields) if fields else _(error.msgid)


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
    return render_template("error.html", status=status, title=title, text=text, request_id=g.get("request_id", "")), status


def _http_error(error: HTTPException):  # type: ignore[no-untyped-def]
    texts = {
        400: (_("We did not understand this request"), _("Go back and try again. Nothing was saved.")),
        401: (_("Please sign in"), _("This page is for the staff of the company.")),
        403: (_("You have no right to do this"), _("Ask an administrator if your work needs it. Nothing was saved.")),
        404: (_("There is nothing here"), _("The page does not exist, or it is not yours to see. Check the address or the number.")),
        405: (_("This address does not work that way"), _("Go back and use the buttons of the page. Nothing was saved.")),
        413: (_("What you sent is too large"), _("Each file may weigh 10 MB and there may be five. Nothing was saved: go back and attach smaller files.")),
        429: (_("Too many attempts"), _("To protect everyone, we allow only a few attempts from one place. Wait some minutes and try again. What you typed is still on the previous page.")),
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


def _database_down(error: DBAPIError):  # type: ignore[no-untyped-def]
    db.session.rollback()
    log.error("database", kind=type(error).__name__, request_id=g.get("request_id"))
    return _page(
        503,
        _("The database does not answer right now"),
        _("Nothing was saved. Go back: what you typed is still on the previous page. Try again in a minute; if it goes on, tell the administrator."),
    )


def _expired_form(error: CSRFError):  # type: ignore[no-untyped-def]
    return _page(
        400,
        _("The form expired"),
        _("The page was open for too long. Nothing was saved. Go back, copy what you typed, reload the page and send it again."),
    )


def _crashed(error: Exception):  # type: ignore[no-untyped-def]
    db.session.rollback()
    log.exception("crash", request_id=g.get("request_id"))
    return _page(500, *_broken_text())


def init_app(app: Flask) -> None:
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_finish)
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(RequestEntityTooLarge, _http_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(OperationalError, _database_down)
    app.register_error_handler(Exception, _crashed)
    app.jinja_env.globals["csp_nonce"] = lambda: g.get("csp_nonce", "")


def finish(app: Flask) -> None:
    """Last of the wiring: the limiter counts first, on a connection of its own, and only then is the user read."""
    app.before_request(_sign_session)
    if app.config["N_PROXIES"]:
        n = app.config["N_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    app.wsgi_app = WhiteNoise(app.wsgi_app, max_age=31536000 if not app.debug else 0)  # type: ignore[method-assign]
    for name in ("static", "appbuilder.static"):
        view = app.blueprints.get(name.partition(".")[0]) if "." in name else app
        folder = view.static_folder
        prefix = "/static/" if view is app else "/static/appbuilder/"
        app.wsgi_app.add_files(folder, prefix=prefix)  # type: ignore[attr-defined]
