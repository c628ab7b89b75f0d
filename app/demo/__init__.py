"""The demonstration company: fictional, with two years of cases that the operations and documents of the product made."""

from app.demo.company import DEMO_KEY, DEMO_PASSWORD, PEOPLE, Demo, seed_demo
from app.demo.exchange import bring_past

__all__ = ["DEMO_KEY", "DEMO_PASSWORD", "PEOPLE", "Demo", "bring_past", "seed_demo"]
