"""Puts the pages of documents that were issued at the end of another: the full copy that an aviso carries (CPACA art. 69)."""

from __future__ import annotations

import io
from collections.abc import Iterable

from pypdf import PdfReader, PdfWriter


def with_pages_of(content: bytes, annexes: Iterable[bytes]) -> bytes:
    """
    Return the PDF *content* with all pages of *annexes* after its own.

    What is joined is no archive file any more, and does not say so: the tags of its first pages know nothing of the annexed ones. Each
    annex is accessible as the document of its own that it is.
    """
    joined = PdfWriter(clone_from=io.BytesIO(content))
    for annex in annexes:
        for page in PdfReader(io.BytesIO(annex)).pages:
            joined.add_page(page).pop("/StructParents", None)
    joined.root_object.pop("/Metadata", None)
    written = io.BytesIO()
    joined.write(written)
    return written.getvalue()
