"""
What is held, in open formats: a ZIP with one JSON Lines file a table, the stored files by their SHA-256, and a manifest with the
counts and control sums of it all (docs/archive-format.md). Of one case, of everything, or of one person (Ley 1581 arts. 8 and 14).

Which columns leave is declared in `openformat`. Rows and files are copied as they are read, so that an archive of any size takes the same
memory; the same rows are the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from itertools import chain, islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask_appbuilder import Model
from sqlalchemy import ColumnElement, Select, Table, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from app.audit import SECRET as SECRET_NAMES
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import AnswerStatus, ChangeStatus, DocumentKind, InboundStatus, Visibility
from app.extensions import local
from app.models import Document, Job, Party, StoredFile
from app.operations import files
from app.operations.openformat import PARTS, SHEETS, SPOKEN, TABLES_LEFT_OUT, VERSION

ZIP = "application/zip"
MANIFEST, SUMS, README = "manifest.json", "SHA256SUMS", "LEAME.txt"
#: Bound values of one statement at most.
_MOST = 500
_KEY = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}\b")
_LINK = re.compile(r"(https?://[^\s\"<>]*/)[\w.~-]{16,}")
_HIDDEN = "•••"
#: Says how far it is: tables and files done, and how many there are.
Tell = Callable[[int, int], None]


class Kind(Enum):
    """What an archive is of."""

    CASE = "case"
    EVERYTHING = "everything"
    PERSON = "person"


@dataclass(slots=True)
class Summary:
    """What an archive holds: rows by table, files and their bytes, and the files that the store did not have as they were stored."""

    rows: dict[str, int] = field(default_factory=dict)
    n_files: int = 0
    n_bytes: int = 0
    missing: list[dict[str, str]] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        return sum(self.rows.values())


# ── What is asked for ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _tables() -> dict[str, Table]:
    return {table.name: table for table in Model.metadata.sorted_tables}


@dataclass(slots=True)
class Scope:
    """
    Which rows go in: `own` is the condition of the tables that the archive is about; of the others, what those refer to.

    A table that is neither is left out.
    """

    kind: Kind
    name: str
    own: dict[str, ColumnElement[bool]]
    follows: bool = True

    def columns_of(self, table: str) -> tuple[str, ...]:
        sheet = SHEETS[table]
        return sheet.of_person if self.kind is Kind.PERSON else sheet.columns


def of_everything() -> Scope:
    """Return the scope of all that is held."""
    archives = select(Job.result_file_id).where(Job.kind.in_(("archive", "audit_pack")), Job.result_file_id.is_not(None))
    own = dict.fromkeys(SHEETS, true()) | {"stored_file": _tables()["stored_file"].c.id.not_in(archives)}  # none holds the one before
    return Scope(Kind.EVERYTHING, "todo", own, follows=False)


def of_cases(number: str, case_ids: Collection[int]) -> Scope:
    """Return the scope of cases (one, and the recursos against it), with all that hangs on them and all that they refer to."""
    tables = _tables()
    own = {name: tables[name].c.pqr_id.in_(case_ids) for name in SHEETS if "pqr_id" in tables[name].c}
    own["pqr"] = tables["pqr"].c.id.in_(case_ids)
    document = tables["document"]
    own["stored_file"] = or_(own["stored_file"], tables["stored_file"].c.id.in_(select(document.c.file_id).where(own["document"])))
    return Scope(Kind.CASE, number, own | _parts(own))


def of_person(party_ids: Collection[int]) -> Scope:
    """Return the scope of what is held about a party: register, accounts, consents, cases, and what the citizen may see of them."""
    tables = _tables()
    c = {name: table.c for name, table in tables.items()}
    cases = select(c["pqr"].id).where(c["pqr"].party_id.in_(party_ids))
    accounts = select(c["account"].id).where(c["account"].party_id.in_(party_ids))
    emails = select(c["party"].email).where(c["party"].id.in_(party_ids))

    def his(name: str) -> ColumnElement[bool]:
        return c[name].pqr_id.in_(cases)

    def of_debt(name: str) -> ColumnElement[bool]:
        return or_(his(name), and_(c[name].pqr_id.is_(None), c[name].account_id.in_(accounts)))

    own = {name: his(name) for name in ("case_event", "requirement", "notice", "silence", "appeal", "rating")}
    own |= {name: c[name].party_id.in_(party_ids) for name in ("account", "past_record", "financing", "pqr")}
    to_him = and_(c["outbox_message"].user_id.is_(None), or_(his("outbox_message"), c["outbox_message"].to_address.in_(emails)))
    letter = c["inbound_message"]  # by who wrote it: others may write about a case of his
    own["inbound_message"] = or_(
        func.lower(letter.from_address).in_(select(func.lower(c["party"].email)).where(c["party"].id.in_(party_ids))),
        and_(his("inbound_message"), letter.status == InboundStatus.FILED),
    )
    own |= {
        "party": c["party"].id.in_(party_ids),
        "consent": or_(c["consent"].party_id.in_(party_ids), his("consent")),
        "answer": and_(his("answer"), c["answer"].status == AnswerStatus.ISSUED),
        "invoice": c["invoice"].account_id.in_(accounts),
        "field_order": of_debt("field_order"),
        "invoice_change": and_(of_debt("invoice_change"), c["invoice_change"].status == ChangeStatus.AUTHORISED),
        "outbox_message": to_him,
    }
    own |= _dealings_of_person(c, party_ids)
    own |= _surveys_of_person(c, party_ids)
    own |= {name: condition for name, condition in _parts(own).items() if SHEETS[name].person}
    own |= _papers_of_person(c, own, cases)
    return Scope(Kind.PERSON, "persona", own)


def _dealings_of_person(c: dict[str, Any], party_ids: Collection[int]) -> dict[str, ColumnElement[bool]]:
    """
    Return the conditions of what was offered to a person and signed with him, of his groups, and of himself as somebody's contact.

    Drafts stay here, and so do those whom he named as contacts: they are other people.
    """
    quotation, version, contract, contact = (c[name] for name in ("quotation", "quotation_version", "contract", "party_contact"))
    offered = and_(quotation.party_id.in_(party_ids), quotation.first_sent_on.is_not(None))
    emails = select(func.lower(c["party"].email)).where(c["party"].id.in_(party_ids))
    return {
        "quotation": offered,
        "quotation_version": and_(version.quotation_id.in_(select(quotation.id).where(offered)), version.sent_on.is_not(None)),
        "contract": and_(contract.party_id.in_(party_ids), contract.signed_on.is_not(None)),
        "party_contact": func.lower(contact.email).in_(emails),
        "party_group": c["party_group"].party_id.in_(party_ids),
    }


def _surveys_of_person(c: dict[str, Any], party_ids: Collection[int]) -> dict[str, ColumnElement[bool]]:
    """
    Return the conditions of the surveys that a person was asked to answer, and of his wish for no more.

    His answers go with them only where he agreed to have his name beside them: the others he gave without it, and staff read this.
    """
    invitee, response = c["survey_invitee"], c["survey_response"]
    asked = select(invitee.id).where(invitee.party_id.in_(party_ids))
    named = and_(response.invitee_id.in_(asked), response.is_named)
    return {
        "survey_invitee": invitee.party_id.in_(party_ids),
        "survey_call": c["survey_call"].invitee_id.in_(asked),
        "survey_opt_out": c["survey_opt_out"].party_id.in_(party_ids),
        "survey_response": named,
        "survey_answer": c["survey_answer"].response_id.in_(select(response.id).where(named)),
    }


def _papers_of_person(c: dict[str, Any], own: dict[str, ColumnElement[bool]], cases: Select[Any]) -> dict[str, ColumnElement[bool]]:
    """Return the conditions of documents and files: those that a citizen may open, of his cases and of his own debts."""
    shown = select(c["stored_file"].id).where(c["stored_file"].visibility == Visibility.CITIZEN)
    papers = {"field_order": "acta_id", "financing": "document_id", "invoice_change": "document_id"}
    his = [c["document"].id.in_(select(c[name][column]).where(own[name])) for name, column in papers.items()]
    document = and_(or_(c["document"].pqr_id.in_(cases), *his), c["document"].file_id.in_(shown))
    stored = or_(c["stored_file"].pqr_id.in_(cases), c["stored_file"].id.in_(select(c["document"].file_id).where(document)))
    return {"document": document, "stored_file": and_(stored, c["stored_file"].visibility == Visibility.CITIZEN)}


def _parts(own: dict[str, ColumnElement[bool]]) -> dict[str, ColumnElement[bool]]:
    tables, known = _tables(), dict(own)
    for name, (column, whole) in PARTS.items():
        if whole in known and name not in own:
            known[name] = tables[name].c[column].in_(select(tables[whole].c.id).where(known[whole]))
    return {name: condition for name, condition in known.items() if name not in own}


def parties_named(session: Session, document: str) -> list[Party]:
    """
    Return the parties with that document (`52123456`, or with its kind: `CC 52123456`).

    Raises:
        DomainError: There is none; or several kinds of document have that number, which are different people.
    """
    kind, _space, number = document.strip().upper().replace("-", " ").rpartition(" ")
    found = list(session.scalars(select(Party).where(Party.document_number == number.replace(".", "")).order_by(Party.id)))
    if kind:
        found = [party for party in found if party.document_type is not None and party.document_type.name == kind]
    if not found:
        raise DomainError(N_("Nobody has the document “%(document)s”."), field="document", document=document)
    kinds = sorted({party.document_type.name for party in found if party.document_type})
    if len(kinds) > 1:
        raise DomainError(
            N_("Several people have that number: write the kind too (%(kinds)s)."), field="document", kinds=", ".join(kinds)
        )
    return found


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(
    session: Session, out: IO[bytes], scope: Scope, at: datetime, *, readme: str = "", extra: Iterable[tuple[str, bytes]] = (),
    tell: Tell = lambda _done, _total: None,
) -> Summary:  # fmt: skip
    """
    Write the archive of *scope* to *out*; return what it holds. Reads only.

    What is read has to be one state of the database: call inside one transaction (`REPEATABLE READ` on PostgreSQL).

    Args:
        readme: What the file for people says.
        extra: Further entries (name, content), e.g. a page to read.
    """
    summary = Summary()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as zipped, Sums() as sums:
        box = Box(zipped, local(at), sums)
        rows = _Rows(session, scope)
        order = rows.order()
        tables: dict[str, dict[str, Any]] = {}
        for n, name in enumerate(order, start=1):
            found = rows.of(name)
            first = list(islice(found, 1))
            if first or scope.kind is Kind.EVERYTHING:
                digest, n_rows = box.add_lines(f"data/{name}.jsonl", chain(first, found))
                tables[name] = {"rows": n_rows, "sha256": digest, "columns": list(scope.columns_of(name))}
                summary.rows[name] = n_rows
            tell(n, len(order))
        _add_files(session, box, rows, summary, lambda n: tell(len(order), len(order)) if not n % 20 else None)
        for name, content in extra:
            box.add(name, [content])
        if readme:
            box.add(README, [readme.encode()])
        box.add(SUMS, sums.blocks(), is_summed=False)
        box.add(MANIFEST, [_manifest(scope, at, tables, summary)], is_summed=False)
    return summary


def _manifest(scope: Scope, at: datetime, tables: dict[str, Any], summary: Summary) -> bytes:
    left_out = {name: dict(SHEETS[name].left_out) for name in sorted(tables) if SHEETS[name].left_out}
    said = {
        "format": "atiende-archive",
        "version": VERSION,
        "made_at": _plain(at),
        "of": scope.kind.value,
        "name": scope.name,
        "tables": {name: tables[name] for name in sorted(tables)},
        "files": {"number": summary.n_files, "bytes": summary.n_bytes, "sums": SUMS},
        "missing": summary.missing,
        "left_out": {"columns": left_out, "tables": TABLES_LEFT_OUT if scope.kind is Kind.EVERYTHING else {}},
    }
    return json.dumps(said, ensure_ascii=False, indent=1).encode()


class Sums:
    """The control sums of the entries, as `sha256sum -c` reads them; kept on the disk when they are many."""

    def __init__(self) -> None:
        self._lines: IO[bytes] = SpooledTemporaryFile(max_size=2**20)  # type: ignore[assignment]  # noqa: SIM115  closed on exit

    def __enter__(self) -> Sums:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._lines.close()

    def add(self, name: str, digest: str) -> None:
        self._lines.write(f"{digest}  {name}\n".encode())

    def blocks(self) -> Iterator[bytes]:
        self._lines.seek(0)
        while block := self._lines.read(256 * 1024):
            yield block


class Box:
    """The ZIP under way: each entry is written as it comes, summed, with the date of the archive."""

    def __init__(self, zipped: zipfile.ZipFile, at: datetime, sums: Sums) -> None:
        self._zipped, self._sums = zipped, sums
        self._date = (at.year, at.month, at.day, at.hour, at.minute, at.second)

    def add(self, name: str, blocks: Iterable[bytes], *, is_packed: bool = True, is_summed: bool = True) -> str:
        """Write an entry; return its SHA-256."""
        info = zipfile.ZipInfo(name, self._date)
        info.external_attr = 0o644 << 16
        info.compress_type = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED  # what people attach is packed already
        digest = hashlib.sha256()
        with self._zipped.open(info, "w", force_zip64=True) as target:
            for block in blocks:
                digest.update(block)
                target.write(block)
        if is_summed:
            self._sums.add(name, digest.hexdigest())
        return digest.hexdigest()

    def add_lines(self, name: str, rows: Iterable[dict[str, Any]]) -> tuple[str, int]:
        """Write rows as JSON Lines; return the SHA-256 and how many they were."""
        n = 0

        def lines() -> Iterator[bytes]:
            nonlocal n
            block = bytearray()
            for n, row in enumerate(rows, start=1):  # noqa: B007  counted for the caller
                block += json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
                if len(block) > 64 * 1024:
                    yield bytes(block)
                    block.clear()
            yield bytes(block)

        digest = self.add(name, lines())
        return digest, n


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Rows:
    """
    Reads the rows of a scope, those that refer before those that are referred to: so it is known which are needed.
    """

    def __init__(self, session: Session, scope: Scope) -> None:
        self._session, self._scope, self._tables = session, scope, _tables()
        self._wanted: defaultdict[str, set[Any]] = defaultdict(set)
        self._keys: defaultdict[str, list[str]] = defaultdict(list)

    def order(self) -> list[str]:
        """Return the tables of the archive in the order in which they are read."""
        names = [name for name in self._tables if name in SHEETS and self._scope.columns_of(name)]
        if not self._scope.follows:
            return names
        names = [name for name in reversed(names) if name != "change_log"]
        if self._scope.kind is Kind.CASE:
            names.insert(names.index("ab_user"), "change_log")  # after all that it tells of, before the people that it names
        return names

    def of(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table, by their primary key."""
        table, columns = self._tables[name], self._scope.columns_of(name)
        targets = self._targets(table, columns) if self._scope.follows else {}
        key = next(iter(table.primary_key.columns)).name
        spoken = SPOKEN.get(name, ())
        for row in self._select(name, table, columns):
            values = row._mapping
            for column, target in targets.items():
                if values[column] is not None:
                    self._wanted[target].add(values[column])
            if self._scope.kind is Kind.CASE and name in self._scope.own:
                self._keys[name].append(str(values[key]))
            said = {column: _plain(values[column]) for column in columns}
            said |= {column: without_secrets(said[column]) for column in spoken if column in said}
            if name == "change_log":
                said |= {side: _reviewed(said["table_name"], said[side]) for side in ("before", "after")}
            if name == "stored_file":
                said["path"] = path_of(values["sha256"], values["media_type"]) if not values["is_held_back"] else None
            yield said

    def _targets(self, table: Table, columns: Collection[str]) -> dict[str, str]:
        """
        Return which columns refer to the primary key of which table. A file goes with what the archive is about, and not with the rest.
        """
        found, is_own = {}, table.name in self._scope.own
        for constraint in table.foreign_key_constraints:
            for element in constraint.elements:
                if element.parent.name in columns and element.column.primary_key and element.column.table is not table:
                    found[element.parent.name] = element.column.table.name
        return {column: target for column, target in found.items() if is_own or target != "stored_file"}

    def _select(self, name: str, table: Table, columns: Collection[str]) -> Iterator[Any]:
        named = [table.c[column] for column in columns]
        if name == "stored_file":
            named = [*named, *(table.c[extra] for extra in ("storage_key", "visibility") if extra not in columns), _held_back()]
        statement = select(*named).order_by(*table.primary_key.columns)
        for condition in self._conditions(name, table):
            yield from self._session.execute(statement.where(condition), execution_options={"yield_per": 1000})

    def _conditions(self, name: str, table: Table) -> Iterator[ColumnElement[bool]]:
        """Yield conditions that share no row: what the archive is about, then what that refers to."""
        own = self._scope.own.get(name)
        if own is not None:
            yield own
        if not self._scope.follows:
            return
        if name == "change_log":
            yield or_(false(), *(and_(table.c.table_name == each, table.c.row_id.in_(keys)) for each, keys in self._keys.items()))
            return
        if own is not None and self._scope.kind is Kind.PERSON:
            return  # what is his is declared: what it refers to may be somebody else's
        wanted, column = sorted(self._wanted[name]), next(iter(table.primary_key.columns))
        rest = ~own if own is not None else true()
        for start in range(0, len(wanted), _MOST):
            yield and_(column.in_(wanted[start : start + _MOST]), func.coalesce(rest, true()) if own is not None else true())

    def stored_files(self) -> Iterator[Any]:
        """Yield the rows of the files that go in, each content once."""
        known: set[bytes] = set()
        for row in self._select("stored_file", self._tables["stored_file"], ("id", "name", "media_type", "sha256", "storage_key")):
            digest = bytes.fromhex(row.sha256)
            if not row.is_held_back and digest not in known:
                known.add(digest)
                yield row


def _held_back() -> Any:
    """Return whether a file stays here: the receipt of a filing is printed with the key of the citizen."""
    receipts = select(Document.file_id).where(Document.kind == DocumentKind.RECEIPT)
    return StoredFile.__table__.c.id.in_(receipts).label("is_held_back")


def _plain(value: Any) -> Any:
    """Return *value* as JSON has it: names of members, ISO dates, instants in UTC, exact numbers as text, bytes in Base64."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.name
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
        case date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return b64encode(value).decode()
        case dict():
            return {str(key): _HIDDEN if key in SECRET_NAMES and item else _plain(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [_plain(item) for item in value]
    return str(value)


def _reviewed(table: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return a side of a line of the change log, without what the table itself leaves out."""
    if table not in SHEETS:
        return {}
    return {name: _HIDDEN if name in SHEETS[table].left_out else value for name, value in values.items()}


def without_secrets(said: Any) -> Any:
    """Return a text, or what is made of texts, with the keys of citizens and the secret part of links struck out."""
    match said:
        case str():
            return _LINK.sub(rf"\g<1>{_HIDDEN}", _KEY.sub(_HIDDEN, said))
        case dict():
            return {key: without_secrets(item) for key, item in said.items()}
        case list():
            return [without_secrets(item) for item in said]
    return said


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_SUFFIX = {media_type: extension for extension, types in reversed(files.ALLOWED.items()) for media_type in types[:1]}
_SUFFIX |= {"application/zip": "zip", "text/csv": "csv", "message/rfc822": "eml"}


def path_of(sha256: str, media_type: str) -> str:
    """Return where the archive has a content: by what it is, so that the same file is there once."""
    return f"files/{sha256[:2]}/{sha256}.{_SUFFIX.get(media_type, 'bin')}"


def _add_files(session: Session, box: Box, rows: _Rows, summary: Summary, tell: Callable[[int], None]) -> None:
    for row in rows.stored_files():
        try:
            with files.open_file(row) as content:
                path, is_text = path_of(row.sha256, row.media_type), row.media_type.startswith("text/")
                digest = box.add(path, _counted(content, summary), is_packed=is_text)
        except files.FileMissing:
            summary.missing.append({"name": row.name, "sha256": row.sha256, "why": "not in the store"})
            continue
        summary.n_files += 1
        if digest != row.sha256:
            summary.missing.append({"name": row.name, "sha256": row.sha256, "why": "not what was stored"})
        tell(summary.n_files)


def _counted(content: IO[bytes], summary: Summary) -> Iterator[bytes]:
    while block := content.read(256 * 1024):
        summary.n_bytes += len(block)
        yield block
