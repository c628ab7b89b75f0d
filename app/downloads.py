"""How files leave the server, stored ones and those just made; the door that calls has checked who asks."""

from __future__ import annotations

from typing import BinaryIO

from flask import Response, send_file

from app.models import StoredFile
from app.operations import files


def send_stored(stored: StoredFile, *, inline: bool = False) -> Response:
    """
    Return the file as a download, streamed.

    Args:
        inline: Show it in the browser: only for the PDFs that the system itself made.
    """
    headers = files.download_headers(stored.name, stored.media_type, stored.n_bytes)
    if inline and stored.media_type == "application/pdf":
        headers |= _shown(headers)
    content = files.open_file(stored)
    response = Response(_blocks(content), headers=headers, direct_passthrough=False)
    response.call_on_close(content.close)
    return response


def show_pdf(content: bytes, name: str) -> Response:
    """Return a PDF that the system just made and does not keep, shown in the browser."""
    headers = files.download_headers(name, "application/pdf", len(content))
    return Response(content, headers=headers | _shown(headers))


def _shown(headers: dict[str, str]) -> dict[str, str]:
    return {
        "Content-Disposition": headers["Content-Disposition"].replace("attachment", "inline", 1),
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    }


def _blocks(content):  # type: ignore[no-untyped-def]
    while block := content.read(256 * 1024):
        yield block


def send_made(file: BinaryIO, name: str, media_type: str) -> Response:
    """Return *file*, written up to its end, as a download called *name*; it is closed when it has left."""
    n_bytes = file.tell()
    file.seek(0)
    response = send_file(file, mimetype=media_type, as_attachment=True, download_name=name)
    response.content_length = n_bytes
    response.headers["Cache-Control"] = "no-store"
    return response
