"""
Making an audit pack: a ZIP with the index, the counts, the sampled documents as they are stored, the controlled formats filled for the
period, and a manifest with the seed and the control sums. Reads one state of the database; whose data left is written down.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from app import jobs, queries
from app.archive import checked_zip
from app.audit import record_reading
from app.documents import auditpack as paper
from app.documents.actions import action_paper
from app.documents.controlled import master_list_pdf
from app.domain import N_
from app.domain.clauses import CLAUSES, Period
from app.domain.controlled import PRINTS
from app.extensions import LANGUAGE, local, now
from app.models import Action, Contract, ControlledDocument, Job, Risk, StoredFile
from app.operations import audit_samples, auditpack, files, matrix, risks
from app.operations.archive import MANIFEST, README, SUMS, Box, Sums
from app.operations.audit_samples import Drawn, Sampled
from app.operations.files import store_file
from app.reports import compliance, indicators
from app.reports.auditpack import ActionRegister, ClauseSheet, OutputRegister, SampleSheet
from app.reports.base import Report, format_of
from app.reports.checklists import workbook
from app.reports.interested import InterestedMatrix
from app.reports.legalmatrix import LegalMatrix
from app.reports.response_times import ResponseTimes
from app.reports.risks import RiskRegister
from app.reports.xlsx import write_sheets
from app.words import say_day, say_number

KIND = "audit_pack"
_BLOCK = 256 * 1024
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for; `with_files` adds documents and formats, `with_reserved` cases with a reserved identity."""

    period: Period
    seed: int
    n: int
    with_files: bool
    with_reserved: bool

    def params(self) -> dict[str, Any]:
        """Return it as a job keeps it."""
        days = {"since": self.period.since.isoformat(), "until": self.period.until.isoformat()}
        return days | {"seed": self.seed, "n": self.n, "with_files": self.with_files, "with_reserved": self.with_reserved}

    @classmethod
    def of(cls, params: dict[str, Any]) -> Wanted:
        period = Period(date.fromisoformat(params["since"]), date.fromisoformat(params["until"]))
        return cls(period, params["seed"], params["n"], params["with_files"], params["with_reserved"])


@dataclass(slots=True)
class Made:
    """What came of a pack: how many files are in it, the cases whose data left with it, and what could not be put in."""

    n_files: int = 0
    case_ids: set[int] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    paths: dict[tuple[str, int], str] = field(default_factory=dict)
    formats: list[tuple[str, str, str]] = field(default_factory=list)
    sums: dict[str, str] = field(default_factory=dict)


@jobs.handler(KIND)
def make_pack(session: Session, job: Job, progress: jobs.Progress) -> StoredFile:
    """Make the pack that *job* asks for; nothing waits for it meanwhile."""
    wanted, at = Wanted.of(job.params), now()
    asker = session.get(User, job.asked_by_id) if job.asked_by_id else None
    author = asker.get_full_name() if asker else _("The system")
    with TemporaryFile() as out:
        with jobs.reading(session), force_locale(LANGUAGE):
            if session.connection().dialect.name == "postgresql":
                session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            made = write_pack(session, out, wanted, author, at, lambda n, total: progress(n, total, N_("Putting documents together")))
        stored = store_file(session, checked_zip(out, f"paquete-auditoria-{wanted.period.until:%Y-%m-%d}.zip"))
        session.info["actor_id"] = job.asked_by_id
        record_reading(session, "job", job.id, KIND, f"{wanted.period.since} – {wanted.period.until}")
        for case_id in sorted(made.case_ids):
            record_reading(session, "pqr", case_id, KIND)
        session.commit()
    job.result = _("%(files)s files of %(clauses)s clauses.", files=say_number(made.n_files), clauses=len(CLAUSES))
    if made.missing:
        job.result += " " + _("%(n)s could not be put in: the index names them.", n=say_number(len(made.missing)))
    return stored


def write_pack(
    session: Session, out: IO[bytes], wanted: Wanted, author: str, at: datetime, tell: Tell = lambda _done, _total: None
) -> Made:  # fmt: skip
    """
    Write the pack to *out*; return what came of it. Reads only; its statements do not grow with the rows.

    What is read has to be one state of the database: call inside one transaction (`REPEATABLE READ` on PostgreSQL).
    """
    on, made = local(at).date(), Made()
    numbers = auditpack.numbers(session, wanted.period, on)
    found = audit_samples.samples(session, wanted.period, wanted.seed, wanted.n, with_reserved=wanted.with_reserved)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as zipped, Sums() as sums:
        box = _Counted(Box(zipped, local(at), sums), made, tell, _n_entries(found, wanted))
        if wanted.with_files:
            _put_samples(box, found)
            _put_actions(session, box, found["actions"].drawn, at)
            _put_formats(session, box, wanted, author, at)
        packed = paper.Packed(
            wanted.period, wanted.seed, numbers, found, made.paths, tuple(made.formats), tuple(made.missing), tuple(_left_out(wanted)),
            author,
        )  # fmt: skip
        box.put("indice.pdf", [paper.index_pdf(session, packed, at)])
        with TemporaryFile() as sheets:
            write_sheets([ClauseSheet(numbers), SampleSheet(found)], sheets)
            box.put("conteos-y-muestras.xlsx", _blocks(sheets))
        box.put(README, [_readme(session, wanted, at).encode()])
        box.inner.add(SUMS, sums.blocks(), is_summed=False)
        box.inner.add(MANIFEST, [_manifest(wanted, numbers, found, made, author, at)], is_summed=False)
    return made


class _Counted:
    """The ZIP under way, with what is told of it."""

    def __init__(self, inner: Box, made: Made, tell: Tell, n_all: int) -> None:
        self.inner, self.made = inner, made
        self._tell, self._n_all, self._taken = tell, n_all, set[str]()

    def put(self, path: str, blocks: Any) -> None:
        """Write an entry and remember its sum."""
        self.made.sums[path] = self.inner.add(path, blocks)
        self.made.n_files += 1
        self._tell(min(self.made.n_files, self._n_all), self._n_all)

    def path_for(self, folder: str, name: str) -> str:
        """Return a path that nothing has yet, made of letters that every system takes."""
        stem, dot, ending = re.sub(r"[^\w.()\- ]+", "-", name).strip(" .-").rpartition(".")
        base = stem or ending
        for n in range(1, 1_000):
            path = f"{folder}/{base}{f' ({n})' if n > 1 else ''}{dot}{ending if stem else ''}"
            if path.lower() not in self._taken:
                self._taken.add(path.lower())
                return path
        raise ValueError(f"{folder} is full of {name}")


def _n_entries(found: dict[str, Sampled], wanted: Wanted) -> int:
    n_files = sum(1 for its in found.values() for each in its.drawn if each.file is not None) + len(found["actions"].drawn)
    return 3 + (n_files + len(_FORMATS) if wanted.with_files else 0)


# ── What goes in ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _put_samples(box: _Counted, found: dict[str, Sampled]) -> None:
    """Write each drawn file under the first clause that draws its kind; one that the store has not, or not as it was, is named instead."""
    for clause in CLAUSES:
        for kind in clause.samples:
            for each in found[kind.key].drawn:
                if each.file is None or (kind.key, each.place) in box.made.paths:
                    continue
                path = _put_file(box, f"muestras/{clause.number}", each.number, each.file)
                if path:
                    box.made.paths[kind.key, each.place] = path
                    box.made.case_ids |= {each.pqr_id} if each.pqr_id else set()


def _put_file(box: _Counted, folder: str, number: str, stored: StoredFile) -> str:
    """Write a stored file; return where it lies, empty when it could not be read."""
    name = stored.name if number in stored.name else f"{number} {stored.name}"
    try:
        with files.open_file(stored) as content:
            path = box.path_for(folder, name)
            box.put(path, _blocks(content))
    except files.FileMissing:
        box.made.missing.append(_("%(name)s: the store does not have it.", name=name))
        return ""
    if box.made.sums[path] != stored.sha256:
        box.made.missing.append(_("%(name)s: it is not as it was stored; compare it with a backup.", name=path))
    return path


def _put_actions(session: Session, box: _Counted, drawn: Iterable[Drawn], at: datetime) -> None:
    """Write the paper of each drawn action: an action keeps none."""
    for each in drawn:
        path = box.path_for("muestras/10.2", f"{each.number}.pdf")
        box.put(path, [action_paper(session, session.get_one(Action, each.key), at)])
        box.made.paths["actions", each.place] = path


def _put_formats(session: Session, box: _Counted, wanted: Wanted, author: str, at: datetime) -> None:
    """Write the registers of the house as the company shows them, each called by the code of the document that it fills."""
    for each in _FORMATS:
        format = format_of(session, each.key, _(each.name or PRINTS[each.key]))
        name = " ".join(filter(None, (format.code, format.name)))
        with each.make(session, wanted, author, at) as file:
            path = box.path_for(f"formatos/{each.clause}", f"{name}.{each.ending}")
            box.put(path, _blocks(file))
        box.made.formats.append((each.clause, name, path))


# ── The registers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

@dataclass(frozen=True, slots=True)
class Format:
    """A register of a pack: its clause, its key among `domain.controlled.PRINTS`, what makes it, and its name where it is not the key's."""

    clause: str
    key: str
    make: Callable[[Session, Wanted, str, datetime], BinaryIO]
    ending: str = "xlsx"
    name: str = ""


def _sheet(make: Callable[[Session, Wanted, date], Report]) -> Callable[[Session, Wanted, str, datetime], BinaryIO]:
    """Return what makes the workbook of a report, with its cover."""

    def made(session: Session, wanted: Wanted, author: str, at: datetime) -> BinaryIO:
        return workbook(session, make(session, wanted, local(at).date()), author, at)

    return made


def _times(session: Session, wanted: Wanted, on: date) -> Report:
    period, calendar = wanted.period, queries.calendar_of(session, queries.organisation(session))
    words = [f"{say_day(period.since)} – {say_day(period.until)}"]
    asked = queries.TimesFilter(since=period.since, until=period.until)
    return ResponseTimes(session, asked, calendar, on, lambda cases: cases, words=words, reveals_reserved=wanted.with_reserved)


def _risks(session: Session, _wanted: Wanted, _on: date) -> Report:
    found = select(Risk).where(Risk.closed_on.is_(None)).options(joinedload(Risk.process), joinedload(Risk.responsible))
    return RiskRegister(session, session.scalars(found.order_by(Risk.number)).all(), risks.scale_of(session))


def _compliance(session: Session, wanted: Wanted, _on: date) -> Report:
    years = wanted.period.since.year, wanted.period.until.year
    return compliance.OverviewSheet(compliance.overview(session, "contract", select(Contract.id), *years))


def _documents(session: Session, _wanted: Wanted, _author: str, at: datetime) -> BinaryIO:
    loaded = joinedload(ControlledDocument.process), joinedload(ControlledDocument.in_force)
    found = select(ControlledDocument).where(ControlledDocument.is_active).options(*loaded).order_by(ControlledDocument.code)
    return BytesIO(master_list_pdf(session, session.scalars(found).unique().all(), [], at))


_FORMATS = (
    Format("4.2", "interested", _sheet(lambda session, _wanted, on: InterestedMatrix(matrix.matrix(session, matrix.Wanted(), on)))),
    Format("4.2", "legal_matrix", _sheet(lambda session, _wanted, on: LegalMatrix(session, on))),
    Format("5.1.2", "response_times", _sheet(_times)),
    Format("6.1", "risk_map", _sheet(_risks)),
    Format("7.5", "documents", _documents, "pdf"),
    Format("8.2", "compliance", _sheet(_compliance)),
    Format("8.7", "nonconformity", _sheet(lambda session, wanted, _on: OutputRegister(session, wanted.period)),
           name=OutputRegister.name),
    Format("9.1.1", "indicators", lambda session, _wanted, author, at: indicators.workbook(session, author, at)),
    Format("10.2", "action", _sheet(lambda session, wanted, _on: ActionRegister(session, wanted.period)), name=ActionRegister.name),
)  # fmt: skip


# ── What is told of it ────────────────────────────────────────────────────────────────────────────────────────────────────


def _left_out(wanted: Wanted) -> Iterator[str]:
    if not wanted.with_files:
        yield _("The documents of the samples and the filled formats: they were not asked for.")
    if not wanted.with_reserved:
        yield _("Cases with a reserved identity: they are counted, and not drawn.")


def _readme(session: Session, wanted: Wanted, at: datetime) -> str:
    period = wanted.period
    lines = [
        queries.organisation(session).name,
        _("Audit pack (ISO 9001:2015), %(since)s to %(until)s", since=say_day(period.since), until=say_day(period.until)),
        _("Made on %(day)s at %(hour)s (Colombia)", day=say_day(local(at).date()), hour=f"{local(at):%H:%M}"),
        "",
        _("indice.pdf: what was counted, what is missing and what was drawn, clause by clause. Begin here."),
        _("conteos-y-muestras.xlsx: the same numbers, to work with."),
        _("muestras/: the documents that were drawn, as they are stored. formatos/: the registers of the house, filled."),
        _("manifest.json: the seed of the drawing and the SHA-256 of each file. Check them with: sha256sum -c SHA256SUMS"),
        "",
        _("It holds personal data: keep it as the law orders (Law 1581 of 2012), and destroy it when it is no longer needed."),
    ]
    return "\n".join(lines) + "\n"


def _manifest(wanted: Wanted, numbers: dict[str, int], found: dict[str, Sampled], made: Made, author: str, at: datetime) -> bytes:
    drawn = {
        key: {"out_of": its.n_all, "places": [each.place for each in its.drawn], "records": [each.number for each in its.drawn]}
        for key, its in found.items()
    }
    said = {
        "format": "atiende-audit-pack", "version": 1, "made_at": local(at).isoformat(), "by": author, **wanted.params(),
        "clauses": {
            each.number: {"counts": {count.key: numbers[count.key] for count in each.counts},
                          "gaps": {gap.key: numbers[gap.key] for gap in each.gaps}}
            for each in CLAUSES
        },
        "samples": drawn, "sums": made.sums, "missing": made.missing,
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False, indent=1).encode()


def _blocks(content: IO[bytes] | BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while block := content.read(_BLOCK):
        yield block
