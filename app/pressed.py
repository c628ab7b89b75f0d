"""Fewer bytes over the wire (docs/adr/0017): answers of text are compressed as they leave, static files once and kept."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from flask import Flask
from flask_compress import Compress
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor
from whitenoise.responders import StaticFile

PRESS = {"gzip": Compressor.compress_gzip, "br": Compressor.compress_brotli}
TEXTS = {".css", ".js", ".svg", ".html", ".txt", ".json"}


def init_app(app: Flask) -> None:
    """Compress what is text and worth it. Downloads (PDF, xlsx, images) are compressed already and leave as they are."""
    app.config.from_mapping(
        COMPRESS_MIMETYPES=["text/html", "application/json", "image/svg+xml"],
        COMPRESS_ALGORITHM=["zstd", "br", "gzip"],
        COMPRESS_LEVEL=5,
        COMPRESS_MIN_SIZE=1000,
    )
    Compress(app)


class StaticFiles(WhiteNoise):  # type: ignore[misc]
    """WhiteNoise, with compressed files in *folder* instead of beside the originals, which may be on a disk that nobody writes to."""

    def __init__(self, application: Any, folder: Path, **options: Any) -> None:
        self.folder = folder
        super().__init__(application, **options)

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        self.add_headers_function(headers, path, url)
        return StaticFile(path, headers.items(), encodings=self._pressed(Path(path)))

    def _pressed(self, path: Path) -> dict[str, str]:
        """Return the compressed files of *path* by encoding, made if they are missing; their names say the content."""
        if path.suffix not in TEXTS:
            return {}
        content = path.read_bytes()
        stem = f"{path.stem}-{sha256(content).hexdigest()[:16]}{path.suffix}"
        found = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for encoding, press in PRESS.items():
                target = self.folder / f"{stem}.{encoding}"
                if not target.exists():
                    _write(target, press(content))
                found[encoding] = str(target)
        except OSError:  # nowhere to keep them: the files are served as they are
            pass
        return found


def _write(target: Path, content: bytes) -> None:
    """Write aside and move into place: processes start together."""
    descriptor, aside = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(aside, target)
