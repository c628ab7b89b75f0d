"""The catalogue of reports: every report that a reader may open, schedule or take away. A new one is an `Offer` here, and nothing else."""

from __future__ import annotations

from app.reports.base import Offer

#: In the order of their chapter; the key is the identifier of the report.
OFFERS: tuple[Offer, ...] = ()
CATALOGUE: dict[str, Offer] = {offer.key: offer for offer in OFFERS}
