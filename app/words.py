"""What the domain says, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from app.domain.errors import DomainError


def say(error: DomainError) -> str:
    """Return the text of *error* in the reader's language; fields that are msgids themselves are translated too."""
    fields = {name: _spoken(value) for name, value in error.fields.items()}
    return _(error.msgid, **fields) if fields else _(error.msgid)


def _spoken(value: object) -> object:
    if isinstance(value, tuple):
        return ", ".join(_(item) for item in value) or _("none")
    return _(value) if isinstance(value, str) and value else value
