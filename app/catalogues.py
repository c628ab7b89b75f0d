"""Compiled translations: made from the `.po` files when those are newer, so that nobody has to remember to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import structlog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent / "translations"
log = structlog.get_logger("atiende")


def refresh(folder: Path = FOLDER) -> list[Path]:
    """
    Compile every catalogue under *folder* whose `.mo` is missing or older than its `.po`; return the ones made.

    Each is written aside and moved into place, so that processes that start together do not read half of one. In a read-only
    installation the package has to bring them: `make i18n` there, a warning here.
    """
    made = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        try:
            _compile(source, target)
        except OSError as error:
            log.warning("catalogue", path=str(target), error=error.strerror)
        else:
            made.append(target)
    return made


def _compile(source: Path, target: Path) -> None:
    with source.open("rb") as text:
        catalogue = read_po(text, locale=source.parts[-3])
    descriptor, aside = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as compiled:
            write_mo(compiled, catalogue)
        os.chmod(aside, 0o644)
        os.replace(aside, target)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
