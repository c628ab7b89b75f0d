"""
Settings, all from the environment (`ATIENDE_*`); `NAME_FILE` reads a secret from a file.

A missing secret stops the start. Only `make run` on a loopback address may make one (`app/serve.py`).
"""

from __future__ import annotations

import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

BASE = Path(__file__).resolve().parent


class SettingError(RuntimeError):
    """A setting is missing or makes no sense; the text says which and what to do."""


def setting(name: str, default: str | None = None) -> str | None:
    """Return `ATIENDE_<name>`, or the content of the file that `ATIENDE_<name>_FILE` names, or *default*."""
    path = os.environ.get(f"ATIENDE_{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise SettingError(f"ATIENDE_{name}_FILE: cannot read {path}: {error.strerror}") from error
    return os.environ.get(f"ATIENDE_{name}") or default


def flag(name: str, default: bool) -> bool:
    value = setting(name)
    if value is None:
        return default
    if value.lower() not in {"1", "0", "yes", "no", "true", "false", "on", "off"}:
        raise SettingError(f"ATIENDE_{name}: say yes or no, not {value!r}")
    return value.lower() in {"1", "yes", "true", "on"}


def number(name: str, default: int) -> int:
    value = setting(name)
    try:
        return int(value) if value is not None else default
    except ValueError as error:
        raise SettingError(f"ATIENDE_{name}: say a whole number, not {value!r}") from error


def made_secret(instance: Path) -> str | None:
    """Return the secret that `make run` once made on this computer, if it did."""
    made = instance / "secret_key"
    return made.read_text().strip() if made.exists() else None


def is_plain_command() -> bool:
    """Return whether this is a `flask …` command that serves nobody: it signs nothing, so it needs no lasting secret."""
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name  # `python -m flask` is the same command
    return name == "flask" and "run" not in sys.argv[1:]


def database_url(instance: Path) -> str:
    """Return the SQLAlchemy URL; `postgres://` and `postgresql://` mean psycopg 3, nothing means SQLite under *instance*."""
    url = setting("DATABASE_URL")
    if url is None:
        return f"sqlite:///{instance / 'atiende.db'}"
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def load(overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the whole configuration, *overrides* last. Raises SettingError."""
    instance = Path(setting("INSTANCE", str(BASE / "instance")) or "").resolve()
    instance.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {
        "INSTANCE": str(instance),
        "SECRET_KEY": setting("SECRET_KEY") or made_secret(instance),
        "SQLALCHEMY_DATABASE_URI": database_url(instance),
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True, "hide_parameters": True},  # values may be personal data: not for logs
        "ATIENDE_NOW": setting("NOW"),
        "LOCK_PATIENCE": number("LOCK_PATIENCE", 15),
        "PUBLIC_URL": setting("PUBLIC_URL"),
        # files
        "STORAGE_URL": setting("STORAGE_URL", f"file://{instance / 'files'}"),
        "IMPORT_MB": number("IMPORT_MB", 50),  # of one file that is imported
        "MAX_CONTENT_LENGTH": max(52, number("IMPORT_MB", 50) + 2) * 1024 * 1024,  # five files of 10 MB, or one to import, and the form
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        # mail
        "SMTP_HOST": setting("SMTP_HOST"),
        "SMTP_PORT": number("SMTP_PORT", 25),
        "SMTP_USER": setting("SMTP_USER"),
        "SMTP_PASSWORD": setting("SMTP_PASSWORD"),
        "SMTP_TLS": setting("SMTP_TLS", "no"),
        "MAIL_FROM": setting("MAIL_FROM"),
        "MAIL_REPLY_TO": setting("MAIL_REPLY_TO"),  # may say pqr+{number}@…
        "MAIL_BOUNCES": setting("MAIL_BOUNCES"),  # the envelope: where mail that nobody takes comes back to
        "IMAP_HOST": setting("IMAP_HOST"),
        "IMAP_PORT": number("IMAP_PORT", 993),
        "IMAP_USER": setting("IMAP_USER"),
        "IMAP_PASSWORD": setting("IMAP_PASSWORD"),
        "IMAP_TLS": setting("IMAP_TLS", "yes"),
        "IMAP_FOLDER": setting("IMAP_FOLDER", "INBOX"),
        "IMAP_DONE_FOLDER": setting("IMAP_DONE_FOLDER"),  # without one, what was read gets a keyword
        # jobs
        "HUEY_URL": setting("HUEY_URL"),
        # webhooks
        "WEBHOOK_PRIVATE": flag("WEBHOOK_PRIVATE", False),  # may call addresses inside the house, and plain http
        # the session, and what browsers may do
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": flag("HTTPS", False),
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": 12 * 3600,
        "N_PROXIES": number("PROXIES", 0),
        # Flask-AppBuilder: Alembic owns the schema, `sync-roles` owns the rights
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEW": False,
        "FAB_ADD_SECURITY_VIEW_MENU_VIEW": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": False,
        "FAB_PASSWORD_COMPLEXITY_ENABLED": True,
        "AUTH_TYPE": 1,
        "AUTH_RATE_LIMITED": True,
        "AUTH_RATE_LIMIT": setting("LOGIN_RATE", "10 per 20 second"),
        "RATELIMIT_ENABLED": True,
        "RATELIMIT_STORAGE_URI": "atiende://",
        "RATELIMIT_HEADERS_ENABLED": False,
        "PORTAL_FILE_RATE": setting("PORTAL_FILE_RATE", "5 per hour"),
        "PORTAL_LOOKUP_RATE": setting("PORTAL_LOOKUP_RATE", "20 per 15 minute"),
        "SURVEY_RATE": setting("SURVEY_RATE", "60 per hour"),  # answers without a name, from one address
        "FEED_RATE": setting("FEED_RATE", "60 per hour"),
        "PORTAL_MIN_SECONDS": number("PORTAL_MIN_SECONDS", 3),  # nobody fills in a request sooner than this
        "APP_NAME": "Atiende",
        "LANGUAGES": {"es": {"flag": "co", "name": "Español"}, "en": {"flag": "us", "name": "English"}},
        "BABEL_DEFAULT_LOCALE": "es",
        "BABEL_DEFAULT_TIMEZONE": "America/Bogota",
        "BABEL_TRANSLATION_DIRECTORIES": str(BASE / "app" / "translations"),
    }
    values.update(overrides or {})
    if not values["SECRET_KEY"] and is_plain_command():
        values["SECRET_KEY"] = secrets.token_hex(32)
    if not values["SECRET_KEY"]:
        raise SettingError(
            "ATIENDE_SECRET_KEY is missing. Set it to a long random text (python3 -c 'import secrets; print(secrets.token_hex(32))'), "
            "or put it in a file and name that in ATIENDE_SECRET_KEY_FILE. `make run` on this computer makes one by itself."
        )
    return values
