"""The one way a stored file leaves the server; the door that calls it has checked who asks."""

from __future__ import annotations

from flask import Response

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
        headers["Content-Disposition"] = headers["Content-Disposition"].replace("attachment", "inline", 1)
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    content = files.open_file(stored)
    response = Response(_blocks(content), headers=headers, direct_passthrough=False)
    response.call_on_close(content.close)
    return response


def _blocks(content):  # type: ignore[no-untyped-def]
    while block := content.read(256 * 1024):
        yield block
