"""Blobs and their rows: written before the commit, found again byte by byte, swept when nobody names them."""

from __future__ import annotations

import hashlib
import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.states import Visibility
from app.models import StoredFile
from app.operations.files import FileMissing, check_upload, open_file, store_file, sweep_orphans

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 2000


@pytest.fixture
def store(app: Flask, tmp_path: Path) -> Path:
    """An empty store of its own."""
    app.config["STORAGE_URL"] = f"file://{tmp_path / 'store'}"
    return tmp_path / "store"


def blobs(store: Path) -> list[Path]:
    return sorted(path for path in store.rglob("*") if path.is_file())


def age(path: Path, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def test_what_was_checked_is_stored_under_a_random_name_and_read_back_whole(session: Session, store: Path) -> None:
    stored = store_file(session, check_upload("../factura junio.pdf", io.BytesIO(PDF)), visibility=Visibility.CITIZEN)

    assert (stored.name, stored.media_type, stored.n_bytes) == ("factura junio.pdf", "application/pdf", len(PDF))
    assert stored.sha256 == hashlib.sha256(PDF).hexdigest()
    assert [str(path.relative_to(store)) for path in blobs(store)] == [stored.storage_key]
    assert "factura" not in stored.storage_key
    with open_file(stored) as content:
        assert content.read() == PDF


def test_bytes_that_the_system_made_are_stored_with_their_name_and_type(session: Session, store: Path) -> None:
    stored = store_file(session, PDF, "REC-1.pdf", "application/pdf", None, Visibility.STAFF, "Comprobante")

    assert (stored.name, stored.media_type, stored.description) == ("REC-1.pdf", "application/pdf", "Comprobante")
    with pytest.raises(ValueError, match="need a name"):
        store_file(session, PDF)


def test_equal_files_are_two_blobs(session: Session, store: Path) -> None:
    first, second = (store_file(session, PDF, "a.pdf", "application/pdf") for _copy in range(2))

    assert first.storage_key != second.storage_key
    assert len(blobs(store)) == 2


def test_a_blob_that_is_gone_is_told_by_its_name(session: Session, store: Path) -> None:
    stored = store_file(session, PDF, "carta.pdf", "application/pdf")
    blobs(store)[0].unlink()

    with pytest.raises(FileMissing, match=r"“carta\.pdf” is not in the store"):
        open_file(stored)


def test_a_rollback_leaves_a_blob_that_the_sweep_takes_a_day_later(session: Session, store: Path) -> None:
    session.commit()
    store_file(session, PDF, "perdida.pdf", "application/pdf")
    session.rollback()
    kept = store_file(session, PDF, "guardada.pdf", "application/pdf")
    session.commit()
    orphan = next(path for path in blobs(store) if path.name not in kept.storage_key)

    assert sweep_orphans(session) == 0, "as new as the newest: its transaction may still run"
    age(orphan, days=2)
    assert sweep_orphans(session) == 1
    assert [path.name for path in blobs(store)] == [kept.storage_key.partition("/")[2]]


def test_the_sweep_never_takes_a_blob_that_a_row_names_however_old(session: Session, store: Path) -> None:
    for n in range(3):
        store_file(session, PDF, f"{n}.pdf", "application/pdf")
    session.commit()
    for path in blobs(store)[:2]:
        age(path, days=4000)

    assert sweep_orphans(session) == 0
    assert len(blobs(store)) == 3


def test_the_sweep_asks_the_store_and_not_the_clock_for_the_age(session: Session, store: Path) -> None:
    """A training machine whose clock is a year ahead deletes nothing that is being written now."""
    store_file(session, PDF, "a.pdf", "application/pdf")
    session.rollback()
    age(blobs(store)[0], days=400)

    assert sweep_orphans(session) == 0, "it is the newest there is"


def test_the_sweep_of_a_store_that_nobody_used_does_nothing(session: Session, store: Path) -> None:
    assert sweep_orphans(session, timedelta(0)) == 0


def test_any_file_system_will_do(app: Flask, session: Session, tmp_path: Path) -> None:
    app.config["STORAGE_URL"] = f"memory://{tmp_path.name}"  # that file system is one for the whole process: a folder of one's own
    stored = store_file(session, PDF, "a.pdf", "application/pdf")
    with open_file(stored) as content:
        assert content.read() == PDF
    lost: Any = store_file(session, PDF, "b.pdf", "application/pdf")
    key = lost.storage_key
    session.delete(lost)
    session.flush()

    assert sweep_orphans(session, timedelta(0)) == 0, "the lost one is the newest"
    assert session.scalars(select(StoredFile.storage_key)).all() == [stored.storage_key] != [key]
