"""What the documents say of the source is so."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES = 25


def test_the_screen_of_the_document_is_the_screen_of_the_product_and_short():
    document = (ROOT / "docs" / "new-screen.md").read_text()
    source = "".join((ROOT / "app" / name).read_text() for name in ("screens/catalogues.py", "views.py"))
    blocks = re.findall(r"```python\n(.*?)```", document, re.S)

    assert len(blocks) == 2
    assert all(block in source for block in blocks)
    assert sum(len(block.splitlines()) for block in blocks) + 2 <= MOST_LINES  # and a line each in security.py and the matrix


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if not target.startswith(("http://", "https://", "mailto:")) and not (page.parent / target).exists()
    ]

    assert not broken
