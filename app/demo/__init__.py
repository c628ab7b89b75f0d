"""The demonstration company: fictional, with two years of cases that the operations and documents of the product made."""

from app.demo.company import DEMO_KEY, DEMO_PASSWORD, PEOPLE, Demo, seed_demo

__all__ = ["DEMO_KEY", "DEMO_PASSWORD", "PEOPLE", "Demo", "seed_demo"]
