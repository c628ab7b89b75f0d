"""All kinds of import, in the order in which people find them."""

from __future__ import annotations

from app.importing import (  # noqa: F401  each registers its kinds
    actions,
    cases,
    contacts,
    contracts,
    customers,
    interruptions,
    invoices,
    legal,
    market,
    past,
    places,
    risks,
    surveys,
)
from app.importing.kinds import KINDS, Kind


def kind_named(name: str) -> Kind | None:
    """Return the kind of that name."""
    return KINDS.get(name)
