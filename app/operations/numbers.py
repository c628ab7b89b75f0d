"""Numbers without gaps, and the citizen's key."""

from __future__ import annotations

import secrets

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Crockford's alphabet without U: nothing that looks like something else. 16 letters of 32 are 80 bits.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NEXT = text(
    "INSERT INTO number_series (organisation_id, prefix, year, last) VALUES (:organisation_id, :prefix, :year, 1) "
    "ON CONFLICT (organisation_id, prefix, year) DO UPDATE SET last = number_series.last + 1 RETURNING last"
)


def next_number(session: Session, organisation_id: int, prefix: str, year: int, width: int = 6) -> str:
    """
    Return the next number of a series, e.g. `PQR-2026-000123`.

    One statement increments the row and locks it until the transaction ends: concurrent writers queue, a rolled-back
    transaction gives its number back, so there are no gaps and no repetitions. Ask late in the transaction: others wait.
    """
    last = session.execute(_NEXT, {"organisation_id": organisation_id, "prefix": prefix, "year": year}).scalar_one()
    return f"{prefix}-{year}-{last:0{width}d}"


_BLOCK = text(
    "INSERT INTO number_series (organisation_id, prefix, year, last) VALUES (:organisation_id, :prefix, :year, :n) "
    "ON CONFLICT (organisation_id, prefix, year) DO UPDATE SET last = number_series.last + :n RETURNING last"
)


def next_block(session: Session, organisation_id: int, prefix: str, year: int, n: int, width: int = 6) -> list[str]:
    """
    Return the next *n* numbers of a series, as `next_number` does for one; with 0, only take the series for this transaction.

    Whoever takes several series takes them in one order, or two of them wait for each other.
    """
    values = {"organisation_id": organisation_id, "prefix": prefix, "year": year, "n": n}
    last = session.execute(_BLOCK, values).scalar_one()
    return [f"{prefix}-{year}-{number:0{width}d}" for number in range(last - n + 1, last + 1)]


def new_access_key() -> str:
    """Return a random key of 80 bits in four groups, e.g. `7QK2-M9XD-04TV-HB8N`."""
    bits = secrets.randbits(80)
    letters = "".join(ALPHABET[bits >> shift & 31] for shift in range(0, 80, 5))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def normalise_key(typed: str) -> str:
    """Return *typed* as `new_access_key` writes keys: groups, capitals, and the letters people confuse (O, I, L, U) put right."""
    letters = "".join(character for character in typed.upper() if character.isalnum())
    letters = letters.translate(str.maketrans("OILU", "011V"))
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
