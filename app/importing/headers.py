"""Headers: which rows of a sheet name its columns, what a header is called once its spelling is forgiven, and its fingerprint."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

from app.domain.text import plain

_BETWEEN_WORDS = re.compile(r"[\W_]+")


@lru_cache(maxsize=8192)
def canon(text: str) -> str:
    """Return *text* as headers and values are compared: small letters, no accents, one space between words."""
    return _BETWEEN_WORDS.sub(" ", plain(text)).strip()
