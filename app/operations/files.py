"""
Files that people attach and documents that the system issues: what is let in, where it is kept, how it goes out.

A file is judged by its content, stored under a random name in a private store (`STORAGE_URL`, any fsspec file system), and
leaves only as a download. The blob is written before its row is committed: whatever is rolled back leaves a blob that no row
names, which harms nobody and which `sweep_orphans` deletes a day later. The contrary, a row without its blob, cannot happen.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import quote

import filetype
from flask import current_app
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import Visibility
from app.models import Pqr, StoredFile

MEGABYTE = 1024 * 1024
MAX_FILES = 5
MAX_BYTES = 10 * MEGABYTE
MAX_NAME = 120

_ZIPPED = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}

#: Extension → what its content may be. Telephones name sound inside an MP4 box .m4a, and pictures .heif.
ALLOWED: dict[str, tuple[str, ...]] = {
    "pdf": ("application/pdf",),
    "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
    "png": ("image/png",),
    "webp": ("image/webp",),
    "heic": ("image/heic",),
    "heif": ("image/heic",),
    **{extension: (media_type,) for extension, media_type in _ZIPPED.items()},
    "txt": ("text/plain",),
    "mp3": ("audio/mpeg",),
    "m4a": ("audio/mp4", "video/mp4"),
    "ogg": ("audio/ogg",),
    "opus": ("audio/ogg",),
    "mp4": ("video/mp4",),
}
#: For `<input accept>`: the extensions, as browsers want them.
ACCEPT = ",".join(f".{extension}" for extension in ALLOWED)
#: The same for people.
KINDS = N_(
    "PDF, photos (JPG, PNG, WebP, HEIC), Word and Excel without macros (DOCX, XLSX, ODT, ODS), plain text, "
    "sound or a short video (MP3, M4A, OGG, MP4)"
)


class UploadRefused(DomainError):
    """A file cannot be received; the text says why and what to do."""

    def __init__(self, msgid: str, **fields: Any) -> None:
        super().__init__(msgid, field="files", **fields)


class FileMissing(DomainError):
    """The store has no blob for a row: a restore that is not complete, or a wrong STORAGE_URL."""

    msgid = N_("The file “%(name)s” is not in the store. Tell the administrator: a backup may have to be restored.")


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that passed: its safe name, the type of its content, its size in bytes, its SHA-256 and its content."""

    name: str
    media_type: str
    n_bytes: int
    sha256: str
    content: IO[bytes]


# ── What is let in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def clean_name(name: str) -> str:
    """
    Return *name* fit to be shown and offered as a download: no folders, no control or invisible characters (the ones that
    turn the reading direction hide an extension), none that a file system refuses, at most 120 characters, extension kept.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(" " if char.isspace() else char for char in name if char.isspace() or unicodedata.category(char)[0] != "C")
    name = re.sub(r'[<>:"|?*]', "_", re.sub(r" +", " ", name)).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot:
        return name[:MAX_NAME] or "file"
    return f"{stem.rstrip(' .')[: MAX_NAME - len(extension) - 1] or 'file'}.{extension}"[:MAX_NAME]


def check_number(n_files: int) -> None:
    """Raise UploadRefused when there are more files than a case receives at once."""
    if n_files > MAX_FILES:
        raise UploadRefused(
            N_("You chose %(n)s files and at most %(most)s are received. Choose again; you can join several pages in one PDF."),
            n=n_files,
            most=MAX_FILES,
        )


def check_upload(name: str, stream: IO[bytes], *, most: int = MAX_BYTES) -> CheckedFile:
    """
    Return the file that *stream* holds, read no further than *most* bytes whatever its sender announced.

    Args:
        name: As the sender named it. Its extension has to be in `ALLOWED`, and the content has to be of that kind.

    Raises:
        UploadRefused: Empty, too large, of a kind that is not received, not what its name says, or with macros.
    """
    name = clean_name(name)
    content, n_bytes, sha256 = _read(name, stream, most)
    extension = PurePosixPath(name).suffix.lower().removeprefix(".")
    if extension not in ALLOWED:
        raise UploadRefused(N_("“%(name)s” is of a kind that is not received. You can attach: %(kinds)s."), name=name, kinds=KINDS)
    media_type = _kind_of(content, extension, name)
    content.seek(0)
    if media_type not in ALLOWED[extension]:
        raise UploadRefused(
            N_("The content of “%(name)s” is not what its name says. Save it again as one of these and attach it: %(kinds)s."),
            name=name,
            kinds=KINDS,
        )
    return CheckedFile(name, media_type, n_bytes, sha256, content)


def hold_upload(name: str, stream: IO[bytes], media_type: str, *, most: int) -> CheckedFile:
    """Return the file that *stream* holds, whose content the caller judges. Raises UploadRefused: it is empty, or weighs more."""
    name = clean_name(name)
    content, n_bytes, sha256 = _read(name, stream, most)
    return CheckedFile(name, media_type, n_bytes, sha256, content)


def check_uploads(parts: Iterable[Any] | None) -> list[CheckedFile]:
    """Return the files of a form field (parts with `filename` and `stream`), empty ones left out. Raises UploadRefused."""
    chosen = [part for part in parts or () if getattr(part, "filename", "")]
    check_number(len(chosen))
    return [check_upload(part.filename, part.stream) for part in chosen]


def _read(name: str, stream: IO[bytes], most: int) -> tuple[IO[bytes], int, str]:
    """Return a rewound copy of *stream*, its size and SHA-256."""
    content: IO[bytes] = SpooledTemporaryFile(max_size=MEGABYTE)  # type: ignore[assignment]  # noqa: SIM115  the caller holds it
    digest, n_bytes = hashlib.sha256(), 0
    while block := stream.read(min(256 * 1024, most + 1 - n_bytes)):
        n_bytes += len(block)
        if n_bytes > most:
            raise UploadRefused(
                N_("“%(name)s” weighs more than %(most)s MB. Attach a smaller one: for example, a photo with less detail."),
                name=name,
                most=most // MEGABYTE,
            )
        digest.update(block)
        content.write(block)
    if not n_bytes:
        raise UploadRefused(N_("“%(name)s” is empty. Open it to see whether it is the right file, and choose it again."), name=name)
    content.seek(0)
    return content, n_bytes, digest.hexdigest()


def _kind_of(content: IO[bytes], extension: str, name: str) -> str | None:
    """Return the media type of *content*, by its bytes; *extension* only says where a look needs more than the first ones."""
    if extension == "txt":
        return "text/plain" if _is_text(content.read()) else None
    if extension in _ZIPPED:
        return _zipped_kind(content, name)
    head = content.read(8192)
    if head[:2] == b"\xff\xf3" or head[:2] == b"\xff\xf2":
        return "audio/mpeg"  # MPEG-2 sound, which `filetype` does not know
    return filetype.guess_mime(head)


def _is_text(body: bytes) -> bool:
    """Say whether *body* reads as text: UTF-8, UTF-16 with its mark, or the old Windows page; without control characters."""
    encodings = ("utf-16",) if body.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", text)
    return False


def _zipped_kind(content: IO[bytes], name: str) -> str | None:
    """Return the media type of an office document by its table of contents; nothing of it is unpacked but the ODF label."""
    try:
        with zipfile.ZipFile(content) as archive:
            names = set(archive.namelist())
            if any(part.endswith(("vbaProject.bin", "vbaData.xml")) or part.startswith("Basic/") for part in names):
                raise UploadRefused(
                    N_("“%(name)s” has macros, and those are not received. Save it without macros, or as PDF, and attach it again."),
                    name=name,
                )
            if "[Content_Types].xml" in names:
                for extension, part in (("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml")):
                    if part in names:
                        return _ZIPPED[extension]
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 100:
                return archive.read("mimetype").decode("ascii", "replace").strip()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError):
        return None
    return None


# ── Where it is kept ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _store() -> tuple[AbstractFileSystem, str]:
    """Return the file system of STORAGE_URL and its root folder."""
    file_system, root = url_to_fs(current_app.config["STORAGE_URL"])
    return file_system, root.rstrip("/")


def store_file(
    session: Session,
    content: CheckedFile | bytes,
    name: str | None = None,
    media_type: str | None = None,
    pqr: Pqr | None = None,
    visibility: Visibility = Visibility.STAFF,
    description: str = "",
) -> StoredFile:
    """
    Write *content* to the store and add its row; the caller commits. On the disk before the commit, so never acknowledged and lost.

    Args:
        content: A checked file, which brings its own name and type, or bytes that the system made itself.
        visibility: CITIZEN: whoever has the key of the case may open it too.
    """
    if isinstance(content, bytes):
        if not (name and media_type):
            raise ValueError("bytes need a name and a media type")
        n_bytes, sha256 = len(content), hashlib.sha256(content).hexdigest()
        blocks: Iterable[bytes] = (content,)
    else:
        name, media_type, n_bytes, sha256 = name or content.name, content.media_type, content.n_bytes, content.sha256
        blocks = _blocks(content.content)
    key = secrets.token_hex(16)
    key = f"{key[:2]}/{key}"
    _write(key, blocks)
    stored = StoredFile(
        storage_key=key,
        name=clean_name(name),
        media_type=media_type,
        n_bytes=n_bytes,
        sha256=sha256,
        pqr=pqr,
        visibility=visibility,
        description=description,
    )
    session.add(stored)
    session.flush()
    return stored


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    stream.seek(0)
    while block := stream.read(256 * 1024):
        yield block


def _write(key: str, blocks: Iterable[bytes]) -> None:
    file_system, root = _store()
    path = f"{root}/{key}"
    file_system.makedirs(path.rpartition("/")[0], exist_ok=True)
    with file_system.open(path, "wb") as blob:
        for block in blocks:
            blob.write(block)
        if isinstance(file_system, LocalFileSystem):
            blob.flush()
            os.fsync(blob.fileno())
    if isinstance(file_system, LocalFileSystem):
        _sync_folder(path.rpartition("/")[0])


def _sync_folder(folder: str) -> None:
    """Make the new name itself survive a power cut, where folders can be opened (not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def open_file(stored: StoredFile) -> IO[bytes]:
    """Return the content of *stored*, to be read and closed. Raises FileMissing."""
    file_system, root = _store()
    try:
        return file_system.open(f"{root}/{stored.storage_key}", "rb")
    except FileNotFoundError:
        raise FileMissing(name=stored.name) from None


def sweep_orphans(session: Session, grace: timedelta = timedelta(days=1)) -> int:
    """
    Delete the blobs that no row names and that are *grace* older than the newest blob; return how many.

    The age is told by the store's own dates and not by our clock, which a training machine may have moved: a blob whose
    transaction still runs is as new as the newest.
    """
    file_system, root = _store()
    if not file_system.exists(root):
        return 0
    written = {path: _written_at(info) for path, info in file_system.find(root, detail=True).items()}
    if not written:
        return 0
    limit = max(written.values()) - grace
    n_deleted = 0
    old = sorted(path for path, at in written.items() if at < limit)
    for start in range(0, len(old), 500):
        key_of = {path: path.removeprefix(root).lstrip("/") for path in old[start : start + 500]}
        known = set(session.scalars(select(StoredFile.storage_key).where(StoredFile.storage_key.in_(key_of.values()))))
        for path, key in key_of.items():
            if key not in known:
                file_system.rm_file(path)
                n_deleted += 1
    return n_deleted


def _written_at(info: dict[str, Any]) -> datetime:
    """Return when a blob was written, by what its file system calls that."""
    at = info.get("mtime") or info.get("LastModified") or info.get("created")
    if isinstance(at, datetime):
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(at or 0), UTC)


# ── How it goes out ───────────────────────────────────────────────────────────────────────────────────────────────────────


def download_headers(name: str, media_type: str, n_bytes: int | None = None) -> dict[str, str]:
    """
    Return the headers with which a file leaves: as a download under its own name (RFC 6266, RFC 5987), never shown inside
    our pages, never guessed to be something else, and without any right if a browser opens it after all.
    """
    ascii_name = re.sub(r'[^\x20-\x7e]|["\\%]', "_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()) or "file"
    headers = {
        "Content-Type": media_type if "/" in media_type else "application/octet-stream",
        "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    if n_bytes is not None:
        headers["Content-Length"] = str(n_bytes)
    return headers
