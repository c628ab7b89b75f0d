"""The rate limiter's counters in our own database: every web node sees them, and nothing else has to run."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from flask import Flask, current_app
from limits import parse
from limits.storage import Storage
from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.extensions import db
from app.models import RateCounter, UtcDateTime

log = structlog.get_logger("atiende")
#: What a database that does not answer raises: down, locked, or all its connections taken.
DOWN = (OperationalError, InterfaceError, PoolTimeout)

_HIT = text(
    "INSERT INTO rate_counter (key, n_hits, expires_at) VALUES (:key, :amount, :expires) "
    "ON CONFLICT (key) DO UPDATE SET "
    "n_hits = CASE WHEN rate_counter.expires_at <= :now THEN excluded.n_hits ELSE rate_counter.n_hits + excluded.n_hits END, "
    "expires_at = CASE WHEN rate_counter.expires_at <= :now THEN excluded.expires_at ELSE rate_counter.expires_at END "
    "RETURNING n_hits"
).bindparams(bindparam("expires", type_=UtcDateTime), bindparam("now", type_=UtcDateTime))


def now() -> datetime:
    """Return the real instant: a window ends also where `ATIENDE_NOW` holds the clock of the business still."""
    return datetime.now(UTC)


class DatabaseStorage(Storage):
    """Fixed-window counters in `rate_counter`, each hit in a short transaction of its own."""

    STORAGE_SCHEME = ["atiende"]

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        instant = now()
        with db.engine.begin() as connection:
            return int(
                connection.execute(
                    _HIT, {"key": key[:200], "amount": amount, "expires": instant + timedelta(seconds=expiry), "now": instant}
                ).scalar_one()
            )

    def _row(self, key: str) -> Any:
        with db.engine.connect() as connection:
            alive = (RateCounter.key == key[:200], RateCounter.expires_at > now())
            return connection.execute(select(RateCounter.n_hits, RateCounter.expires_at).where(*alive)).first()

    def get(self, key: str) -> int:
        row = self._row(key)
        return row.n_hits if row else 0

    def get_expiry(self, key: str) -> float:
        row = self._row(key)
        return (row.expires_at if row else now()).timestamp()

    def check(self) -> bool:
        with db.engine.connect() as connection:
            return connection.execute(text("SELECT 1")).scalar() == 1

    def reset(self) -> int | None:
        with db.engine.begin() as connection:
            return connection.execute(delete(RateCounter)).rowcount

    def clear(self, key: str) -> None:
        with db.engine.begin() as connection:
            connection.execute(delete(RateCounter).where(RateCounter.key == key[:200]))


# ── Limits of a page ──────────────────────────────────────────────────────────────────────────────────────────────────────


def minutes_to_wait(setting: str, *what: str) -> int:
    """Return for how many minutes the rate *setting* is used up for *what*; 0 while it is not."""
    limiter = current_app.appbuilder.sm.limiter  # type: ignore[attr-defined]
    if not limiter.enabled:
        return 0
    rate = parse(current_app.config[setting])
    if limiter.limiter.test(rate, *what):
        return 0
    reset = limiter.limiter.get_window_stats(rate, *what).reset_time
    return max(1, math.ceil((reset - now().timestamp()) / 60))


def count_hit(setting: str, *what: str) -> None:
    """Count one more use of *what* against the rate *setting*."""
    limiter = current_app.appbuilder.sm.limiter  # type: ignore[attr-defined]
    if limiter.enabled:
        try:
            limiter.limiter.hit(parse(current_app.config[setting]), *what)
        except DOWN as error:  # the work is done and stored: a counter that cannot be written undoes nothing
            log.warning("rate", kind=type(error).__name__)


def sweep() -> int:
    """Delete the counters whose window ended; return how many. For the nightly job."""
    with db.engine.begin() as connection:
        return connection.execute(delete(RateCounter).where(RateCounter.expires_at <= now())).rowcount


def init_app(app: Flask) -> None:
    """Importing this module registers the scheme; Flask-AppBuilder's security manager makes the limiter itself."""
    app.config.setdefault("RATELIMIT_STORAGE_URI", "atiende://")
