"""The signature of a person as a picture: kept by themselves, printed above their name in what they issue."""

from __future__ import annotations

import struct
from typing import IO

import filetype
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.models import Signature

MAX_BYTES = 300 * 1024
#: A signature is a few centimetres wide; a picture of more points is a mistake, or made to fill the memory of whoever opens it.
MAX_POINTS = 4000
MEDIA_TYPES = ("image/png", "image/jpeg")


def check_picture(stream: IO[bytes]) -> bytes:
    """
    Return the content of an uploaded signature.

    Raises:
        DomainError: It is too big, in bytes or points, or no PNG or JPEG by its content.
    """
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DomainError(N_("The picture is larger than 300 KB. Save it smaller and choose it again."), field="image")
    size = _size_of(content) if filetype.guess_mime(content) in MEDIA_TYPES else None
    if size is None:
        raise DomainError(N_("The signature has to be a PNG or JPEG picture; this file is something else."), field="image")
    if not 0 < max(size) <= MAX_POINTS:
        msgid = N_("The picture is %(width)s by %(height)s points; up to %(limit)s fit. Save it smaller and choose it again.")
        raise DomainError(msgid, field="image", width=size[0], height=size[1], limit=MAX_POINTS)
    return content


def keep_signature(session: Session, user_id: int, title: str, content: bytes | None) -> Signature:
    """
    Keep the signature of a user; return it, flushed. Without *content* the picture stays, and only the post changes.

    What was issued before keeps the signature that it was issued with.

    Raises:
        DomainError: There is no picture yet, or no post.
    """
    signature = session.get(Signature, user_id)
    if content is None and signature is None:
        raise DomainError(N_("Choose the picture of your signature."), field="image")
    if not title.strip():
        raise DomainError(N_("Write your post, as it is printed under your name."), field="title")
    if signature is None:
        signature = Signature(user_id=user_id)
        session.add(signature)
    if content is not None:
        signature.image, signature.media_type = content, filetype.guess_mime(content)
    signature.title = title.strip()
    session.flush()
    return signature


def drop_signature(session: Session, user_id: int) -> None:
    """Take the signature of a user away: what they issue from now on leaves room to sign by hand."""
    signature = session.get(Signature, user_id)
    if signature is not None:
        session.delete(signature)
        session.flush()


def _size_of(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG by its header; None when it has none."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR" and len(content) > 24:
        return struct.unpack(">II", content[16:24])  # type: ignore[return-value]
    place = 2
    while content.startswith(b"\xff\xd8") and place + 9 < len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + length
    return None
