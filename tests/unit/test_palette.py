"""The dark palette is written twice, because CSS of old telephones cannot say it once: for who chose it, and for who never chose."""

from __future__ import annotations

import re
from pathlib import Path

BASE = Path(__file__).parents[2] / "app/static/css/base.css"


def test_the_dark_that_is_chosen_is_the_dark_of_the_system():
    css = BASE.read_text()
    chosen, of_the_system = (
        re.findall(r"(?:--[\w-]+|color-scheme): [^;]+;", re.search(rf"{re.escape(selector)} {{(.*?)}}", css, re.S)[1])
        for selector in (":root[data-theme=dark]", ":root:not([data-theme=light])")
    )

    assert len(chosen) > 30
    assert chosen == of_the_system
