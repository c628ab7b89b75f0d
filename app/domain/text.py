"""Text as people search for it."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Return *text* in lower case without accents; twice, because lowering may compose and decomposing may raise."""
    if text.isascii():
        return text.lower()
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in text if not unicodedata.combining(letter))
