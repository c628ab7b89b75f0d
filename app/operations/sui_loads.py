"""
A month of a file of the SUI, whatever its format: how it is written, frozen with its hash, told as reported, and compared with what the
same computation gives today. Who makes the lines knows what they say; here nobody does.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import MoveRefused
from app.domain.sui import LoadStatus, SuiFormat, clean, first_of, last_of
from app.extensions import local
from app.models import Service, StoredFile, SuiColumn, SuiLoad, SuiLoadRow
from app.operations.files import CheckedFile, store_file

ENCODING = "utf-8"
MEDIA_TYPE = "text/csv"
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file: its cells in the order of the columns, and the case or the interruption behind it (one of them)."""

    cells: tuple[str, ...]
    pqr_id: int | None = None
    interruption_id: int | None = None

    @property
    def key(self) -> int:
        """Return what makes it the same row in two versions of a month."""
        return self.pqr_id or self.interruption_id or 0


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def columns(session: Session, format: SuiFormat) -> list[SuiColumn]:
    """Return the columns of *format* that are written, in order. Raises MoveRefused when an administrator left none."""
    found = select(SuiColumn).where(SuiColumn.format == format, SuiColumn.is_active).order_by(SuiColumn.position)
    rows = list(session.scalars(found))
    if not rows:
        raise MoveRefused(N_("This file has no columns. An administrator has to load them in Columns of the SUI."))
    return rows


def cells_of(columns: Iterable[SuiColumn], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the cells of a row: the value of each column by its field, or what stands there when it is empty; without commas."""
    return tuple(clean(values.get(column.field, "")) or clean(column.fixed) for column in columns)


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[str]], target: IO[bytes], encoding: str = ENCODING) -> int:
    """Write the file: comma, CRLF, a first row of headings; return how many rows follow it. Raises MoveRefused for a letter it has not."""
    text = io.TextIOWrapper(target, encoding=encoding, newline="", write_through=False)
    writer, n = csv.writer(text, lineterminator="\r\n"), 0
    try:
        writer.writerow([clean(heading) for heading in headings])
        for n, row in enumerate(rows, start=1):  # noqa: B007  counted
            writer.writerow(row)
        text.flush()
    except UnicodeEncodeError as error:
        letter = error.object[error.start : error.end]
        raise MoveRefused(N_("The encoding %(encoding)s of the file has no “%(letter)s”."), encoding=encoding, letter=letter) from None
    finally:
        text.detach()
    return n


def file_name(load: SuiLoad) -> str:
    """Return the name of the file of a month: reclamaciones-acueducto-2026-07-v1.csv; of a format without official text, with BORRADOR."""
    name = {SuiFormat.CLAIMS: "reclamaciones", SuiFormat.INTERRUPTIONS: "suspensiones"}[load.format]
    draft = "-BORRADOR" if load.is_draft else ""
    return f"{name}-{load.service.code.lower()}-{load.month:%Y-%m}-v{load.version}{draft}.csv"


# ── Freezing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def current(session: Session, format: SuiFormat, service_id: int, month: date) -> SuiLoad | None:
    """Return the version of the month that counts: the last one."""
    return session.scalar(versions(format, service_id, month).limit(1).execution_options(populate_existing=True))


def versions(format: SuiFormat, service_id: int, month: date) -> Select[tuple[SuiLoad]]:
    """Return the SELECT of the versions of a month, the last first."""
    same = SuiLoad.format == format, SuiLoad.service_id == service_id, SuiLoad.month == first_of(month)
    return select(SuiLoad).where(*same).order_by(SuiLoad.version.desc())


def check_over(month: date, today: date) -> None:
    """Raise MoveRefused while *month* runs: what is filed or answered until its last day belongs to it."""
    if today <= last_of(month):
        early = N_("The month ends on %(last)s: it can be frozen from the next day on.")
        raise MoveRefused(early, last=f"{last_of(month):%d/%m/%Y}")


def check_free(load: SuiLoad | None, reason: str) -> None:
    """
    Raise MoveRefused when the month is frozen already and nobody says why it is reported again.

    *load* is the version that counts, if there is one.
    """
    if load is None:
        if reason.strip():
            raise MoveRefused(N_("No version of this month is frozen: there is nothing to replace."), field="reason")
        return
    if not reason.strip():
        by = load.frozen_by.get_full_name() if load.frozen_by else "–"
        taken = N_(
            "The month was frozen on %(on)s by %(by)s (version %(version)s), and it does not change. Another version needs the reason "
            "for which the SUI lets the month be reported again."
        )
        raise MoveRefused(taken, field="reason", on=f"{local(load.frozen_at):%d/%m/%Y %H:%M}", by=by, version=load.version)


def freeze(
    session: Session,
    format: SuiFormat,
    service: Service,
    month: date,
    headings: Sequence[str],
    lines: Iterable[Line],
    *,
    at: datetime,
    user_id: int | None,
    reason: str = "",
    rules: Mapping[str, Any] | None = None,
    warnings: Iterable[Any] = (),
    is_draft: bool = False,
    encoding: str = ENCODING,
) -> SuiLoad:
    """
    Freeze a month: write its file, store it with its hash and keep every row; return the load, flushed. An earlier version is replaced.

    Args:
        lines: Judged as they come: what raises among them leaves nothing frozen.
        warnings: What was pointed out, read once every line is written.

    Raises:
        MoveRefused: The month is not over, or is frozen and there is no *reason*, or a letter does not fit the encoding.
    """
    month = first_of(month)
    queries.lock(session, service)  # two who freeze at once: the second sees what the first did
    check_over(month, local(at).date())
    earlier = current(session, format, service.id, month)
    check_free(earlier, reason)
    load = SuiLoad(
        format=format, service=service, month=month, version=earlier.version + 1 if earlier else 1, reason=reason.strip(),
        status=LoadStatus.FROZEN, is_draft=is_draft, rules=dict(rules or {}), frozen_at=at, frozen_by_id=user_id,
    )  # fmt: skip
    kept: list[Line] = []

    def told() -> Iterator[tuple[str, ...]]:
        for line in lines:
            kept.append(line)
            yield line.cells

    with TemporaryFile() as target:
        load.n_rows = write_csv(headings, told(), target, encoding)
        load.file = _stored(session, load, target)
    load.sha256, load.warnings = load.file.sha256, list(warnings)
    if earlier is not None:
        earlier.status = LoadStatus.REPLACED
    session.add(load)
    session.flush()
    _keep_rows(session, load, kept)
    return load


def _stored(session: Session, load: SuiLoad, target: IO[bytes]) -> StoredFile:
    target.seek(0)
    digest = hashlib.file_digest(target, "sha256").hexdigest()
    n_bytes = target.tell()
    target.seek(0)
    return store_file(session, CheckedFile(file_name(load), MEDIA_TYPE, n_bytes, digest, target), description=file_name(load))


def _keep_rows(session: Session, load: SuiLoad, lines: Sequence[Line]) -> None:
    for start in range(0, len(lines), _BATCH):
        rows = [
            {"load_id": load.id, "position": i, "pqr_id": line.pqr_id, "interruption_id": line.interruption_id, "cells": list(line.cells)}
            for i, line in enumerate(lines[start : start + _BATCH], start=start + 1)
        ]
        session.execute(insert(SuiLoadRow.__table__), rows)


def record_receipt(
    session: Session, load: SuiLoad, receipt: str, *, on: date, at: datetime, user_id: int | None, file: StoredFile | None = None
) -> None:
    """
    Record that the file was uploaded to the SUI, with the number with which it acknowledges it.

    Raises:
        MoveRefused: It was told before, a later version took its place, it has no number, or it was uploaded before it was frozen or in
            the future.
    """
    queries.lock(session, load)
    if load.status is LoadStatus.REPLACED:
        raise MoveRefused(N_("A later version took the place of this one."))
    if load.sent_on is not None:
        told = N_("Its receipt is recorded already: %(receipt)s, of %(on)s. It does not change.")
        raise MoveRefused(told, receipt=load.receipt, on=f"{load.sent_on:%d/%m/%Y}")
    if not receipt.strip():
        raise MoveRefused(N_("Write the number with which the SUI acknowledges the file."), field="receipt")
    if on > local(at).date():
        raise MoveRefused(N_("That date is in the future."), field="on")
    if on < local(load.frozen_at).date():
        early = N_("The month was frozen on %(on)s; it cannot have been reported before.")
        raise MoveRefused(early, field="on", on=f"{local(load.frozen_at):%d/%m/%Y}")
    load.status, load.sent_on, load.receipt = LoadStatus.SENT, on, receipt.strip()[:60]
    load.sent_by_id, load.receipt_file = user_id, file
    session.flush()


# ── Differences ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Change(Enum):
    """How a row differs from the one that was frozen."""

    ADDED = N_("It would be added")
    GONE = N_("It would not be there")
    CHANGED = N_("It would change")


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that the same computation gives otherwise today: as it was frozen and as it would be (one may be missing)."""

    change: Change
    line: Line
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[int, ...]:
        """Return the places, from 0, of the cells that differ."""
        return tuple(i for i, (one, other) in enumerate(zip(self.before, self.after, strict=False)) if one != other)


def rows_of(session: Session, load: SuiLoad) -> Iterator[Line]:
    """Yield the rows of *load* as they were frozen, streamed."""
    found = select(SuiLoadRow.cells, SuiLoadRow.pqr_id, SuiLoadRow.interruption_id).where(SuiLoadRow.load_id == load.id)
    rows = session.execute(found.order_by(SuiLoadRow.position).execution_options(yield_per=_BATCH))
    return (Line(tuple(row.cells), row.pqr_id, row.interruption_id) for row in rows)


def differences(session: Session, load: SuiLoad, lines: Iterable[Line]) -> Iterator[Difference]:
    """Yield what differs between *load* and *lines*, which the same computation gives today. Nothing is rewritten."""
    frozen = {line.key: line for line in rows_of(session, load)}
    for line in lines:
        before = frozen.pop(line.key, None)
        if before is None:
            yield Difference(Change.ADDED, line, after=line.cells)
        elif before.cells != line.cells:
            yield Difference(Change.CHANGED, line, before.cells, line.cells)
    for line in frozen.values():
        yield Difference(Change.GONE, line, before=line.cells)


def months_to_report(today: date, n: int) -> list[date]:
    """Return the first days of the last *n* months that ended before *today*, the last first."""
    this = first_of(today)
    return [months_after(this, -i) for i in range(1, n + 1)]
