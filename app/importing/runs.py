"""
A batch on its way: received, looked at, mapped, checked, brought in.

A check writes nothing but the batch itself. An import of up to `WHOLE` rows is one transaction: it happens or it does not. A longer
one commits every `engine.BLOCK` lines, with `n_done` in the same transaction, so what was done is always known exactly, a worker that
takes over goes on behind the last line that is safe, and running the file again doubles nothing: its rows are the same by their key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, object_session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import ImportStatus
from app.importing import engine
from app.importing.cells import Notation, text_of
from app.importing.engine import Plan
from app.importing.headers import Header, canon
from app.importing.kinds import Fate, Kind, Problem, Row, Run
from app.importing.reading import MAX_COLUMNS, Book, FileRefused, open_book
from app.importing.registry import kind_named
from app.models import ChangeLog, ImportBatch, ImportMapping
from app.operations import files
from app.operations.files import CheckedFile
from app.words import say, say_number

WHOLE = 5_000  # lines that one transaction takes
MOST_TOLD = 20_000  # bad rows that the error sheet keeps
MOST_UNKNOWN = 100  # unknown values of a field that the page asks about
N_SHOWN = 50  # bad rows on the page
N_KEPT = 30  # first rows of the sheet that the batch remembers for its page
Progress = Callable[..., None]


def _quietly(*_args: Any) -> None:
    """A progress that nobody watches."""


# ── Received ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def receive(session: Session, kind: Kind, source: str, checked: CheckedFile, at: datetime, subject: str = "") -> ImportBatch:
    """
    Store the file and look at it: sheets, header, and the mapping that was used the last time or that the names suggest.

    Args:
        subject: What the file is about, for a kind that asks; it may be said later (`look_again`).

    Raises:
        FileRefused: It cannot be read as a table.
    """
    kind = kind.about(session, subject) if subject else kind
    book = open_book(checked.content)
    stored = files.store_file(session, checked, description="import")
    batch = ImportBatch(
        kind=kind.name, subject=subject, source=source, file=stored, file_name=stored.name[:160], status=ImportStatus.UPLOADED,
        reading={}, mapping={}, value_map={}, options={}, totals={}, detail="", sheet="", fingerprint="", header_row=0, n_header_rows=1,
        n_done=0, n_rows=0, n_new=0, n_changed=0, n_same=0, n_bad=0,
    )  # fmt: skip
    _look(session, batch, kind, book, _fullest_sheet(book, kind))
    session.add(batch)
    session.flush()
    return batch


def _fullest_sheet(book: Book, kind: Kind) -> str:
    """Return the sheet whose header fits the kind best: exports begin with a cover."""

    def fit(sheet: str) -> int:
        rows = engine.head_of(book, sheet)
        return len(engine.suggested(engine.header_of(rows, kind), kind)) if rows else -1

    return max(book.sheets[:20], key=fit) if len(book.sheets) > 1 else book.sheets[0]


def look_again(
    session: Session, batch: ImportBatch, sheet: str, first: int | None = None, depth: int = 1, subject: str | None = None
) -> None:
    """
    Read another sheet, or the header from another row on, or as about another *subject*; what was mapped is suggested anew.

    Raises:
        FileRefused, MappingRefused: There is no such sheet or no header there.
    """
    batch.subject = batch.subject if subject is None else subject
    kind = kind_of(batch)
    with closing(files.open_file(batch.file)) as stream:
        book = open_book(stream)
        if sheet not in book.sheets:
            raise FileRefused(N_("There is no sheet “%(sheet)s” in this file."), sheet=sheet)
        _look(session, batch, kind, book, sheet, first, depth)


def _look(
    session: Session, batch: ImportBatch, kind: Kind, book: Book, sheet: str, first: int | None = None, depth: int = 1
) -> None:
    rows = engine.head_of(book, sheet)
    if not any(any(map(text_of, row)) for row in rows):
        raise FileRefused(N_("The sheet “%(sheet)s” is empty."), sheet=sheet)
    header = engine.header_of(rows, kind) if first is None else engine.header_at(rows, first, depth)
    if len(header.names) > MAX_COLUMNS:
        raise FileRefused(N_("The table has %(n)s columns and up to %(most)s are read."), n=len(header.names), most=MAX_COLUMNS)
    batch.sheet, batch.header_row, batch.n_header_rows, batch.fingerprint = sheet[:120], header.first, header.depth, header.fingerprint
    batch.reading = {
        "notes": dict(book.notes), "sheets": list(book.sheets), "names": list(header.names),
        "rows": [[text_of(cell)[:80] for cell in row[:MAX_COLUMNS]] for row in rows[: header.first + header.depth + N_KEPT]],
    }  # fmt: skip
    remembered = session.scalar(select(ImportMapping).filter_by(kind=kind.name, fingerprint=header.fingerprint))
    suggested = engine.suggested(header, kind)
    known = {each.name for each in kind.fields}
    if remembered and not {name.partition("@")[0] for name in remembered.columns.values()} <= known:
        remembered = None  # what was said was of another survey
    batch.mapping = dict(remembered.columns) if remembered else {str(column): name for column, name in suggested.items()}
    batch.value_map = dict(remembered.value_map) if remembered else {}
    batch.options = dict(remembered.options) if remembered else {}
    batch.reading["remembered"] = remembered is not None


def kind_of(batch: ImportBatch) -> Kind:
    """Return the kind of a batch, as it is for what the file is about. Raises DomainError: this program no longer imports it."""
    kind = kind_named(batch.kind)
    if kind is None:
        raise DomainError(N_("This program does not import “%(kind)s”."), kind=batch.kind)
    session = object_session(batch)
    return kind.about(session, batch.subject) if batch.subject and session is not None else kind


def save_mapping(
    session: Session, batch: ImportBatch, mapping: Mapping[int, str], value_map: Mapping[str, Mapping[str, str]],
    options: Mapping[str, str], at: datetime,
) -> None:  # fmt: skip
    """
    Keep what the columns and values mean, for this batch and for the next file with this header.

    Raises:
        MappingRefused: A field is filled twice, or one that every row needs by no column.
    """
    kind = kind_of(batch)
    if kind.subject and not batch.subject:
        raise engine.MappingRefused(N_("Say first what the file is about: its columns depend on it."), field="subject")
    engine.check_mapping(kind, mapping)
    batch.mapping = {str(column): name for column, name in sorted(mapping.items())}
    batch.value_map = {name: dict(said) for name, said in value_map.items() if said}
    batch.options = dict(options)
    remembered = session.scalar(select(ImportMapping).filter_by(kind=batch.kind, fingerprint=batch.fingerprint))
    if remembered is None:
        remembered = ImportMapping(kind=batch.kind, fingerprint=batch.fingerprint)
        session.add(remembered)
    remembered.columns, remembered.value_map, remembered.options = batch.mapping, batch.value_map, batch.options
    remembered.used_at = at
    session.flush()


# ── What a run shares ─────────────────────────────────────────────────────────────────────────────────────────────────────


def run_of(session: Session, batch: ImportBatch, at: datetime, user_id: int | None, *, is_dry: bool) -> Run:
    """Return the run of a stored batch; `begin` of its kind was not called."""
    return Run(session, batch.source, at, user_id, batch.id, is_dry, dict(batch.options))


def plan_of(batch: ImportBatch) -> Plan:
    """Return how the rows of a batch are read."""
    header = Header(batch.header_row, batch.n_header_rows, tuple(batch.reading["names"]))
    return Plan(kind_of(batch), batch.sheet, header, {int(column): name for column, name in batch.mapping.items()}, batch.value_map)


@dataclass
class Tally:
    """
    What became of the rows so far; `bad` and `doubtful` keep (row number, cells, what to say) of the first ones.

    `labels` are the msgids of the fields, by name.
    """

    n_rows: int = 0
    n_new: int = 0
    n_changed: int = 0
    n_same: int = 0
    n_bad: int = 0
    n_doubtful: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    bad: list[tuple[int, list[str], str]] = field(default_factory=list)
    doubtful: list[tuple[int, list[str], str]] = field(default_factory=list)

    def add(self, rows: list[Row]) -> None:
        """Count *rows*, whose fate is known."""
        self.n_rows += len(rows)
        for row in rows:
            if row.problems:
                self.n_bad += 1
                self._tell(self.bad, row, row.problems)
            elif row.fate is Fate.NEW:
                self.n_new += 1
            elif row.fate is Fate.CHANGED:
                self.n_changed += 1
            else:
                self.n_same += 1
            if row.doubts and not row.problems:
                self.n_doubtful += 1
                self._tell(self.doubtful, row, row.doubts)

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("n_rows", "n_new", "n_changed", "n_same", "n_bad")}

    def _tell(self, told: list[tuple[int, list[str], str]], row: Row, problems: tuple[Problem, ...]) -> None:
        if len(told) < MOST_TOLD:
            told.append((row.number, [text_of(cell) for cell in row.cells], " ".join(map(self._words, problems))))

    def _words(self, problem: Problem) -> str:
        """Return what is wrong, after the name of the field where the words do not say it."""
        label = self.labels.get(problem.name or "", "") if problem.code != "EMPTY" else ""
        words = say(DomainError(problem.msgid, **problem.facts))
        return f"{_(label)}: {words}" if label else words


def labels_of(batch: ImportBatch) -> dict[str, str]:
    """Return how the fields of its kind are called: name → msgid."""
    return {each.name: each.label for each in kind_of(batch).fields}


def _blocks(book: Book, plan: Plan, run: Run, skip: int = 0) -> Iterator[list[Row]]:
    """Yield the rows in blocks, ready to be settled."""
    kind = plan.kind
    known = engine.known_values(kind, kind.options(run.session), plan.values)
    kind.begin(run)
    yield from engine.read_rows(book, plan, run, known, skip)


def _settle(kind: Kind, rows: list[Row], run: Run) -> None:
    good = [row for row in rows if not row.problems]
    if good:
        kind.settle(good, run)


# ── Checked ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; `reading` is what its page shows besides the counts."""

    tally: Tally
    run: Run
    reading: Mapping[str, Any]


def look_through(session: Session, batch: ImportBatch, at: datetime, user_id: int | None, progress: Progress = _quietly) -> Checked:
    """
    Go through the whole file and write nothing: how many rows are new, changed, the same or bad, and which values nobody knows.

    Raises:
        DomainError: The file cannot be read, or no longer as it was mapped.
    """
    kind, tally = kind_of(batch), Tally(labels=labels_of(batch))
    run = run_of(session, batch, at, user_id, is_dry=True)
    with closing(files.open_file(batch.file)) as stream:
        book, plan = open_book(stream), plan_of(batch)
        engine.check_mapping(kind, plan.mapping)
        progress(0, None, N_("Reading the file"))
        seen = engine.survey(book, plan, values=True)
        for rows in _blocks(book, plan, run):
            _settle(kind, rows, run)
            tally.add(rows)
            progress(rows[-1].number - plan.header.first - plan.header.depth if rows else 0, plan.n_lines, N_("Checking rows"))
    known = engine.known_values(kind, kind.options(session), {})
    unknown = {name: _unknown(counts, known[name]) for name, counts in seen.items()}
    notation = {str(column): _told(plan, column, each) for column, each in plan.notation.items()}
    return Checked(tally, run, {"unknown": unknown, "notation": notation, "n_skipped": plan.n_skipped})


def keep_check(session: Session, batch: ImportBatch, checked: Checked) -> None:
    """Write what a check found to its batch; flushes."""
    _keep(batch, checked.tally, checked.run, checked.reading)
    batch.status, batch.n_done, batch.detail = ImportStatus.CHECKED, 0, ""
    session.flush()


def _unknown(counts: Mapping[str, int], known: Mapping[str, Any]) -> dict[str, int]:
    """Return the values of a column that are in no list, the most frequent first."""

    def is_known(word: str) -> bool:
        return not word or word in known or word.lstrip("0") in known

    strange = [(text, n) for text, n in counts.items() if not is_known(canon(text))]
    return dict(sorted(strange, key=lambda item: (-item[1], item[0]))[:MOST_UNKNOWN])


def _told(plan: Plan, column: int, notation: Notation) -> dict[str, Any]:
    is_day = plan.field_of(column).type in engine.DAYS
    return {"is_day": is_day, "decimal": notation.decimal, "day_first": notation.day_first, "is_certain": notation.is_certain}


def _written(totals: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(total) for name, total in totals.items()}


def _keep(batch: ImportBatch, tally: Tally, run: Run, reading: Mapping[str, Any]) -> None:
    """Write counts, control sums and the first bad rows to the batch."""
    for name, n in tally.counts().items():
        setattr(batch, name, n)
    batch.totals = _written(run.totals)
    shown = [(number, words) for number, _cells, words in tally.bad[:N_SHOWN]]
    doubts = [(number, words) for number, _cells, words in tally.doubtful[:N_SHOWN]]
    batch.reading = {**batch.reading, **reading, "bad": shown, "doubts": doubts, "n_doubtful": tally.n_doubtful}


# ── Brought in ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin_import(session: Session, batch: ImportBatch, job_id: int) -> None:
    """
    Mark the batch as running under that job, from its first line on. The caller holds the row.

    Raises:
        DomainError: It was not checked, or has nothing to bring in.
    """
    if batch.status is ImportStatus.UPLOADED:
        raise DomainError(N_("Check the file first: then you see what would be brought in."))
    batch.status, batch.job_id, batch.n_done, batch.detail = ImportStatus.RUNNING, job_id, 0, ""
    batch.n_rows = batch.n_new = batch.n_changed = batch.n_same = batch.n_bad = 0


def bring_in(
    session: Session,
    batch: ImportBatch,
    at: datetime,
    user_id: int | None,
    progress: Progress = _quietly,
    stops: tuple[type[BaseException], ...] = (),
) -> Tally:
    """
    Write the rows of the file, and commit: all at once up to `WHOLE` lines, else a block at a time. Goes on behind `n_done`.

    Args:
        stops: What *progress* raises when somebody asked to stop; the batch then says what was done.

    Raises:
        Whatever stopped it, after the batch was marked with what is in the database; an engine that is busy leaves it as it was, to
        go on later.
    """
    kind, tally = kind_of(batch), Tally(batch.n_rows, batch.n_new, batch.n_changed, batch.n_same, batch.n_bad, labels=labels_of(batch))
    run = run_of(session, batch, at, user_id, is_dry=False)
    run.totals |= {name: Decimal(total) for name, total in batch.totals.items()} if batch.n_done else {}
    batch_id, start, plan = batch.id, batch.n_done, plan_of(batch)
    is_whole = False
    try:
        with closing(files.open_file(batch.file)) as stream:
            session.commit()
            book = open_book(stream)
            engine.survey(book, plan)
            is_whole = plan.n_lines <= WHOLE
            for rows in _blocks(book, plan, run, start):
                _write(kind, rows, run)
                tally.add(rows)
                _mark(session, batch_id, rows, tally, run)
                if not is_whole:
                    session.commit()
                progress(max(0, rows[-1].number - plan.header.first - plan.header.depth) if rows else 0, plan.n_lines, N_("Writing rows"))
            kind.finish(run)
            _end(session, batch_id, plan, tally, run, ImportStatus.DONE)
            session.commit()
    except OperationalError:
        session.rollback()
        raise
    except BaseException as error:
        session.rollback()
        is_stop = isinstance(error, stops)
        if is_stop or isinstance(error, Exception):
            _end_early(session, batch_id, plan, run, ImportStatus.CANCELLED if is_stop else ImportStatus.FAILED, error)
            session.commit()
        raise
    return tally


def _write(kind: Kind, rows: list[Row], run: Run) -> None:
    """Settle and write a block in the open transaction."""
    _settle(kind, rows, run)
    good = [row for row in rows if not row.problems]
    if written := [row for row in good if row.fate in (Fate.NEW, Fate.CHANGED)]:
        kind.write(written, run)
    if doubtful := [row for row in good if row.doubts]:
        kind.doubted(doubtful, run)
    if refused := [row for row in rows if row.problems]:
        kind.refused(refused, run)


def _mark(session: Session, batch_id: int, rows: list[Row], tally: Tally, run: Run) -> None:
    """Write how far the batch is, in the transaction of the rows themselves; not for the change log, which gets one line at the end."""
    values: dict[str, Any] = {**tally.counts(), "totals": _written(run.totals)}
    if rows:
        values["n_done"] = rows[-1].number
    session.execute(update(ImportBatch.__table__).where(ImportBatch.__table__.c.id == batch_id).values(values))


def _end(session: Session, batch_id: int, plan: Plan, tally: Tally, run: Run, status: ImportStatus) -> None:
    """Write the result of an import that reached its end, its error sheet, and its line in the change log."""
    batch = session.get_one(ImportBatch, batch_id, populate_existing=True)
    _keep(batch, tally, run, {"n_skipped": plan.n_skipped})
    batch.status = status
    batch.detail = _(
        "Every row was dealt with: %(new)s new, %(changed)s changed, %(same)s were the same, %(bad)s were refused and are not in.",
        new=say_number(tally.n_new), changed=say_number(tally.n_changed), same=say_number(tally.n_same), bad=say_number(tally.n_bad),
    )  # fmt: skip
    _log(session, batch, run)


def _end_early(session: Session, batch_id: int, plan: Plan, run: Run, status: ImportStatus, error: BaseException) -> None:
    """Write what is in the database of an import that was stopped or failed. Its own transaction."""
    batch = session.get_one(ImportBatch, batch_id, populate_existing=True)
    if batch.n_done == 0:
        done = _("Nothing was written: the database is as it was before.")
    else:
        done = _(
            "The rows up to line %(line)s of the file are in (%(new)s new, %(changed)s changed, %(same)s the same, %(bad)s refused); "
            "of the rest nothing is. Import the file again to go on: what is in is not doubled.",
            line=batch.n_done, new=say_number(batch.n_new), changed=say_number(batch.n_changed), same=say_number(batch.n_same),
            bad=say_number(batch.n_bad),
        )  # fmt: skip
    why = _("It was stopped.") if status is ImportStatus.CANCELLED else _("It failed.")
    if isinstance(error, DomainError):
        why = say(error)
    batch.status, batch.detail = status, f"{why} {done}"
    _log(session, batch, run)


def _log(session: Session, batch: ImportBatch, run: Run) -> None:
    """Leave one line in the change log for all the rows: who, which file, how many of each."""
    session.flush()
    counts = {name: getattr(batch, name) for name in ("n_rows", "n_new", "n_changed", "n_same", "n_bad", "n_done")}
    facts = {"kind": batch.kind, "source": batch.source, "file": batch.file_name, "status": batch.status.name, **counts}
    line = {
        "at": run.at, "actor_id": run.user_id, "request_id": "", "table_name": ImportBatch.__tablename__, "row_id": str(batch.id),
        "action": "import", "before": {}, "after": facts, "reason": batch.detail,
    }  # fmt: skip
    session.execute(insert(ChangeLog), [line])
