"""The citizen's pages: plain Flask, outside the admin."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages."""
