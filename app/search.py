"""
Words: what a row is found by, and the conditions that search boxes become.

A row of `SEARCHED` has a document in `search_doc`: its words in lower case, without accents, each once. A listener writes it in the
transaction that changes the row, or a row that it borrows words from (a party that changes its name). Whoever writes rows unseen by
the session (COPY, bulk INSERT) calls `index_rows` afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    column,
    delete,
    func,
    inspect,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy import event as events
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session, UOWTransaction

from app.domain.states import Identity
from app.domain.text import plain
from app.extensions import db
from app.models import (
    Account,
    Action,
    ActionTask,
    Contract,
    ControlledDocument,
    LegalRequirement,
    Nonconformity,
    OutboxMessage,
    Party,
    PartyContact,
    Pqr,
    Quotation,
    Risk,
    SearchDoc,
    SurveyCampaign,
)
from app.pour import pour


@dataclass(frozen=True, slots=True)
class Words:
    """
    What a row is found by.

    Args:
        own: Columns of its own.
        of: Relations, each with the columns that it lends.
        only: Relations that lend only while a column of the row has a value.
    """

    own: tuple[str, ...]
    of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: Mapping[str, tuple[str, Any]] = field(default_factory=dict)


SEARCHED: dict[Any, Words] = {
    Pqr: Words(
        own=("number", "subject", "invoice_number"),
        of={"account": ("number",), "party": ("name", "document_number")},
        only={"party": ("identity", Identity.NAMED)},  # a search that finds a case by a hidden name tells the name
    ),
    Party: Words(own=("name", "document_number", "phone", "email")),
    Account: Words(own=("number", "address", "meter"), of={"party": ("name",)}),
    OutboxMessage: Words(own=("subject", "to_address")),
    Quotation: Words(own=("number", "subject"), of={"party": ("name", "document_number")}),
    Contract: Words(own=("number", "object"), of={"party": ("name", "document_number")}),
    PartyContact: Words(own=("name", "position", "email", "phone"), of={"party": ("name",)}),
    Action: Words(own=("number", "title", "cause"), of={"party": ("name",)}),
    ActionTask: Words(own=("what",), of={"action": ("number", "title", "cause")}),
    SurveyCampaign: Words(own=("number", "name"), of={"questionnaire": ("code", "name")}),
    Nonconformity: Words(own=("number", "what", "requirement")),
    Risk: Words(own=("number", "event", "cause", "consequence")),
    LegalRequirement: Words(own=("norm", "articles", "topic", "obligation", "applies_to", "how_met")),
    ControlledDocument: Words(own=("code", "name", "issuer")),
}
#: Rows whose words find the one that they are a part of, by their column that names it.
PARTS: dict[Any, Any] = {Action: ActionTask.action_id}
MOST_WORDS, LONGEST = 6, 100


# ── Folding ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


_BETWEEN_WORDS = re.compile(r"[\W_]+")
#: Dots that group the digits of a document or an amount, and the hyphen before the check digit of a NIT.
_GROUPING = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))|(?<=\d{6})-(?=\d(?!\w))")


def fold(typed: str) -> str:
    """Return *typed* in lower case, without accents, with one space for whatever is neither letter nor digit."""
    return _BETWEEN_WORDS.sub(" ", plain(typed)).strip()


def _split(typed: str) -> list[str]:
    """Return the folded words of *typed*; 52.345.678 and 890.903.938-8 are one word each, as they are stored."""
    return [word[:LONGEST] for word in _BETWEEN_WORDS.sub(" ", _GROUPING.sub("", plain(typed))).split()]


def words_of(texts: Iterable[str | None]) -> str:
    """Return the document of a row: its words, each once, and besides them numbers without leading zeros and phones without +57."""
    found: dict[str, None] = {}
    for word in _split(" ".join(filter(None, texts))):
        found[word] = None
        if re.fullmatch("0+[1-9][0-9]*", word):
            found[word.lstrip("0")] = None
        elif re.fullmatch("57[0-9]{10}", word):
            found[word[2:]] = None
    return " ".join(found)


def typed_words(typed: str) -> list[str]:
    """Return what a search box looks for: the first words of what somebody typed, whatever they typed."""
    return _split(typed[:1000])[:MOST_WORDS]


# ── Searching ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_INDEX = table("search_words", column("rowid"))  # SQLite's


def _ways(words: list[str]) -> list[list[str]]:
    """Return the sets of words of which one must be there: digits typed in groups (300 123 4567) may be one number."""
    joined = "".join(words)
    return [words, [joined]] if len(words) > 1 and joined.isdigit() else [words]


def _holds(words: list[str]) -> ColumnElement[bool]:
    """Return the condition "the document has every one of *words* as the beginning of a word"; they hold letters and digits only."""
    if db.session.get_bind().dialect.name == "postgresql":
        query = " | ".join("(" + " & ".join(f"'{word}':*" for word in way) + ")" for way in _ways(words))
        return SearchDoc.words.bool_op("@@")(cast(bindparam(None, query, String), TSQUERY))
    query = " OR ".join("(" + " AND ".join(f'"{word}" *' for word in way) + ")" for way in _ways(words))
    return SearchDoc.id.in_(select(_INDEX.c.rowid).where(literal_column("search_words").bool_op("MATCH")(query)))


def matching(model: Any, typed: str) -> ColumnElement[bool] | None:
    """Return the condition "this row of *model* (one of `SEARCHED`) has every word that was typed", or None when none was."""
    words = typed_words(typed)
    if not words:
        return None
    found, part = _key(model).in_(_docs(model, _holds(words))), PARTS.get(model)
    return found if part is None else or_(found, _key(model).in_(select(part).where(matching(part.class_, typed))))


def _docs(model: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    kind: Any = literal_column(f"'{model.__tablename__}'")  # written out: the partial index of the kind has to be seen in any plan
    return select(SearchDoc.row_id).where(SearchDoc.kind == kind, *conditions)


def _key(model: Any) -> Any:
    return getattr(model, inspect(model).primary_key[0].key)


_ACCENTED = "áàâäãéèêëíìîïóòôöõúùûüñç"
_BARE = "aaaaaeeeeiiiiooooouuuunc"


def _folded(text_: Any) -> ColumnElement[str]:
    if db.session.get_bind().dialect.name == "postgresql":
        return func.translate(func.lower(text_), _ACCENTED, _BARE)
    return func.plain_text(text_, type_=String)  # see `extensions.prepare_engine`: SQLite lowers ASCII only


def folded_contains(columns: Iterable[Any], typed: str) -> ColumnElement[bool] | None:
    """Return the condition "every word that was typed is somewhere in one of *columns*", accents forgiven, or None; for small tables."""
    texts = [_folded(each) for each in columns]
    words = [word[:LONGEST] for word in fold(typed[:1000]).split()[:MOST_WORDS]]
    return and_(*(or_(*(text_.contains(word, autoescape=True) for text_ in texts)) for word in words)) if words else None


# ── Keeping ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _cells(model: Any) -> Select[Any]:
    """Return the SELECT of the key and the words of rows of *model*."""
    words = SEARCHED[model]
    statement = select(_key(model), *(getattr(model, name) for name in words.own))
    for name, lent in words.of.items():
        relation = getattr(model, name)
        statement = statement.outerjoin(relation)
        columns = [getattr(relation.property.mapper.class_, each) for each in lent]
        if name in words.only:
            flag, value = words.only[name]
            columns = [case((getattr(model, flag) == value, each)) for each in columns]
        statement = statement.add_columns(*columns)
    return statement


@cache
def _sources(model: Any) -> frozenset[str]:
    """Return the columns of *model* whose change alters the words of its rows."""
    words, mapper = SEARCHED[model], inspect(model)
    keys = (mapper.get_property_by_column(local).key for name in words.of for local in mapper.relationships[name].local_columns)
    return frozenset((*words.own, *keys, *(flag for flag, _value in words.only.values())))


@cache
def _borrowers(lender: Any) -> tuple[tuple[Any, Any, frozenset[str]], ...]:
    """Return who borrows words of *lender*: (model, its foreign key, the columns lent)."""
    return tuple(
        (model, getattr(model, inspect(model).get_property_by_column(local).key), frozenset(lent))
        for model, words in SEARCHED.items()
        for name, lent in words.of.items()
        if inspect(model).relationships[name].mapper.class_ is lender
        for local in inspect(model).relationships[name].local_columns
    )


def _line(model: Any, key: int, texts: Iterable[str | None]) -> dict[str, Any]:
    return {"kind": model.__tablename__, "row_id": key, "words": words_of(texts)}


def _changed(row: Any, names: frozenset[str]) -> bool:
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _keep(session: Session, _context: UOWTransaction) -> None:
    """After a flush: write the documents of its rows, and of rows that borrow words from them; one INSERT."""
    lines: list[dict[str, Any]] = []
    again: dict[Any, list[int]] = {}
    for row in (*session.new, *session.dirty):
        model: Any = type(row)
        if model not in SEARCHED or not (row in session.new or _changed(row, _sources(model))):
            continue
        if SEARCHED[model].of:
            again.setdefault(model, []).append(row.id)  # read again below: what it borrows may be newer than what the session holds
        else:
            lines.append(_line(model, row.id, (getattr(row, name) for name in SEARCHED[model].own)))
    for model, keys in again.items():
        lines += _read(session, model, _key(model).in_(keys))
    lenders: set[Any] = {type(row) for row in session.dirty}
    for lender in lenders:
        changed = [(borrower, [row.id for row in session.dirty if type(row) is lender and _changed(row, borrower[2])])
                   for borrower in _borrowers(lender)]  # fmt: skip
        if any(keys for _borrower, keys in changed):
            lines += _read_borrowers(session, lender, [(model, column, keys) for (model, column, _lent), keys in changed if keys])
    _write(session, lines)
    for model in {type(row) for row in session.deleted} & SEARCHED.keys():
        keys = [row.id for row in session.deleted if type(row) is model]
        session.execute(delete(SearchDoc.__table__).where(SearchDoc.kind == model.__tablename__, SearchDoc.row_id.in_(keys)))


def _read(session: Session, model: Any, condition: ColumnElement[bool], **locking: Any) -> list[dict[str, Any]]:
    statement = _cells(model).where(condition)
    rows = session.execute(statement.with_for_update(**locking) if locking else statement)
    return [_line(model, key, texts) for key, *texts in rows]


def _read_borrowers(session: Session, lender: Any, borrowers: list[tuple[Any, Any, list[int]]]) -> list[dict[str, Any]]:
    """
    Return the lines of the rows that borrow: of each model, by its foreign key, from those keys of *lender*.

    Two writers at once: whoever is adding such a row holds a share of the lender, so we wait for him and then see his row; whoever
    changes one holds the row itself. They read what we wrote for the same reasons, since each reads after it has its lock.
    """
    keys = {key for _model, _column, some in borrowers for key in some}
    session.execute(select(_key(lender)).where(_key(lender).in_(keys)).with_for_update())
    return [
        line for model, column, some in borrowers for line in _read(session, model, column.in_(some), key_share=True, of=model)
    ]  # fmt: skip


_BLOCK = 1000


def _batched(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[i : i + _BLOCK] for i in range(0, len(items), _BLOCK))


@cache
def _upsert(dialect: str) -> Any:
    statement = (postgresql_insert if dialect == "postgresql" else sqlite_insert)(SearchDoc.__table__)
    return statement.on_conflict_do_update(index_elements=[SearchDoc.kind, SearchDoc.row_id], set_={"words": statement.excluded.words})


def _write(session: Session, lines: list[dict[str, Any]]) -> None:
    lines.sort(key=lambda line: (line["kind"], line["row_id"]))  # two writers take the same documents in the same order
    for block in _batched(lines):
        session.execute(_upsert(session.get_bind().dialect.name), block)


def install() -> None:
    """Listen to the sessions of Flask-SQLAlchemy; once a process, after the audit, whose listeners remember old values."""
    if not events.contains(db.session, "after_flush", _keep):
        events.listen(db.session, "after_flush", _keep)


# ── All of it ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def index_rows(session: Session, model: Any, ids: Iterable[int] | None = None) -> int:
    """
    Write the documents of the rows of *model* with these *ids*, or of all of them and of no row that is gone; return how many.

    For rows that were written unseen by the session. The rows stay locked until the caller commits.
    """
    session.flush()
    n = 0
    for block in key_blocks(session, model) if ids is None else _batched(list(ids)):
        lines = _read(session, model, _key(model).in_(block), key_share=True, of=model)
        _write(session, lines)
        n += len(lines)
    if ids is None:
        forget_gone(session, model)
    return n


def index_new(session: Session, model: Any, ids: Sequence[int]) -> None:
    """Write the documents of rows that this transaction made unseen by the session: nobody else can see them yet."""
    for block in _batched(ids):
        pour(session, SearchDoc.__table__, _read(session, model, _key(model).in_(block)))


def key_blocks(session: Session, model: Any) -> Iterator[Sequence[int]]:
    """Yield the keys of all rows of *model*, a thousand at a time."""
    key, last = _key(model), 0
    while block := session.scalars(select(key).where(key > last).order_by(key).limit(_BLOCK)).all():
        yield block
        last = block[-1]


def forget_gone(session: Session, model: Any) -> None:
    """Delete the documents of rows that are no more."""
    gone = SearchDoc.row_id.not_in(select(_key(model)))
    session.execute(delete(SearchDoc.__table__).where(SearchDoc.kind == model.__tablename__, gone))


def settle(session: Session) -> None:
    """After much was written: give the planner its statistics (PostgreSQL), or rebuild the index from the documents (SQLite)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE search_doc"))
    else:
        session.execute(text("INSERT INTO search_words(search_words) VALUES ('rebuild')"))
