"""
What may ask for an action: each origin with the record it names, where that opens, whose process it is, and what the action would say.

An audit and other origins have no record here: what is typed stays as it is typed. See docs/manual/acciones.md.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, case, func, null, or_, select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.improvement import MAX_TITLE, ActionOrigin
from app.domain.states import Identity
from app.models import (
    Action,
    Checklist,
    Contract,
    Indicator,
    LegalRequirement,
    ManagementReview,
    MassEvent,
    Nonconformity,
    Pqr,
    RequestType,
    Risk,
    SuiCause,
    SurveyCampaign,
)

Scope = Callable[[Select[Any]], Select[Any]]


@dataclass(frozen=True, slots=True)
class Origin:
    """The record that asks: its number as it is kept, its page, and what an action that it asks for would say."""

    origin: ActionOrigin
    key: str
    path: str
    process_id: int | None
    party_id: int | None
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Source:
    """
    How the record of an origin is found and what it tells.

    Args:
        number: The column that people write. None: it has no number, and is kept as `prefix` and its key.
        called: Another column by which people may name it, whole.
        what: What it is about, in a line; `more`: lines that explain, without personal data.
        path: Its page; it may name `{id}` and `{key}`.
    """

    model: Any
    path: str
    what: Any
    number: Any = None
    prefix: str = ""
    called: Any = None
    more: tuple[Any, ...] = ()
    process_id: Any = None
    party_id: Any = None
    joins: tuple[Any, ...] = ()


_NAMED = case((Pqr.identity == Identity.NAMED, Pqr.party_id))  # who asked to be kept apart is nobody here
SOURCES: dict[ActionOrigin, Source] = {
    ActionOrigin.PQR: Source(
        Pqr, "/pqr/{key}", Pqr.subject, Pqr.number, more=(RequestType.name, SuiCause.name), process_id=Pqr.process_id, party_id=_NAMED,
        joins=(Pqr.request_type, Pqr.cause),
    ),
    ActionOrigin.MASS_EVENT: Source(
        MassEvent, "/massevent/show/{id}", MassEvent.name, prefix="EM-", called=MassEvent.name, more=(MassEvent.sector, MassEvent.what)
    ),
    ActionOrigin.SURVEY: Source(
        SurveyCampaign, "/surveycampaign/show/{id}", SurveyCampaign.name, SurveyCampaign.number, process_id=SurveyCampaign.process_id
    ),
    ActionOrigin.CHECKLIST: Source(
        Checklist, "/checklist/show/{id}", Contract.object, Checklist.number, more=(Contract.number,), process_id=Contract.process_id,
        party_id=Contract.party_id, joins=(Checklist.contract,),
    ),
    ActionOrigin.RISK: Source(
        Risk, "/risk/show/{id}", Risk.event, Risk.number, more=(Risk.cause, Risk.consequence), process_id=Risk.process_id
    ),
    ActionOrigin.INDICATOR: Source(
        Indicator, "/indicator/show/{id}", Indicator.name, Indicator.code, more=(Indicator.definition,), process_id=Indicator.process_id
    ),
    ActionOrigin.NONCONFORMITY: Source(
        Nonconformity, "/nonconformity/show/{id}", Nonconformity.what, Nonconformity.number, more=(Nonconformity.requirement,),
        process_id=Nonconformity.process_id,
    ),
    ActionOrigin.LEGAL: Source(
        LegalRequirement, "/legalrequirement/show/{id}", LegalRequirement.norm, prefix="ML-",
        more=(LegalRequirement.articles, LegalRequirement.obligation), process_id=LegalRequirement.process_id,
    ),
    ActionOrigin.REVIEW: Source(
        ManagementReview, "/management-review/show/{id}", ManagementReview.conclusion, ManagementReview.number
    ),
}  # fmt: skip


def key_of(origin: ActionOrigin, row: Any) -> str:
    """Return by what an action names *row*, which asked for it: its number, or EM-3 and ML-12 where it has none."""
    source = SOURCES[origin]
    return f"{source.prefix}{row.id}" if source.number is None else str(getattr(row, source.number.key))


def asked_by(origin: ActionOrigin, key: str) -> Select[tuple[Action]]:
    """Return the SELECT of the actions that a record asked for, newest first; the caller adds the reader's scope."""
    return select(Action).where(Action.origin == origin, Action.origin_key == key).order_by(Action.id.desc())


def resolve(session: Session, origin: ActionOrigin, key: str, *, within: Mapping[ActionOrigin, Scope] | None = None) -> Origin:
    """
    Return what *key* names: a number as people write it, or the name of a mass event.

    Args:
        within: What the reader may see of each origin; one that is not in it shows him nothing. None: no reader.

    Raises:
        DomainError: There is none with that number, or the reader may not see it: he learns no more than that.
    """
    typed = " ".join(key.split())
    if origin not in SOURCES:
        return Origin(origin, typed, "", None, None, "", "")
    source, row = SOURCES[origin], None
    if typed and (within is None or origin in within):
        statement = _columns(source).where(_is_called(source, typed))
        row = session.execute(statement if within is None else within[origin](statement)).first()
    if row is None:
        unknown = N_("There is no record “%(origin)s” with the number “%(key)s”. Write it as its page shows it.")
        raise DomainError(unknown, field="origin_key", origin=origin.value, key=typed)
    return _told(origin, source, row)


def _columns(source: Source) -> Select[Any]:
    facts = {"process_id": source.process_id, "party_id": source.party_id, "what": source.what}
    columns = [(null() if column is None else column).label(name) for name, column in facts.items()]
    more = [column.label(f"more_{i}") for i, column in enumerate(source.more)]
    statement = select(source.model.id.label("id"), *columns, *([] if source.number is None else [source.number.label("number")]), *more)
    statement = statement.select_from(source.model)
    for relation in source.joins:
        statement = statement.outerjoin(relation)
    return statement


def _is_called(source: Source, typed: str) -> ColumnElement[bool]:
    if source.number is not None:
        return func.upper(source.number) == typed.upper()  # type: ignore[no-any-return]
    rest = typed.upper().removeprefix(source.prefix)
    by_key = source.model.id == (int(rest) if rest != typed.upper() and rest.isdecimal() and len(rest) < 10 else 0)
    return by_key if source.called is None else or_(by_key, source.called == typed)


def _told(origin: ActionOrigin, source: Source, row: Any) -> Origin:
    key = f"{source.prefix}{row.id}" if source.number is None else row.number
    what = " ".join((row.what or "").split())
    head = _("%(origin)s %(key)s: %(what)s", origin=_(origin.value), key=key, what=what) if what else f"{_(origin.value)} {key}"
    more = [text for i in range(len(source.more)) if (text := getattr(row, f"more_{i}"))]
    title = f"{textwrap.shorten(what, MAX_TITLE - len(key) - 3, placeholder='…')} · {key}" if what else ""
    path = source.path.format(id=row.id, key=key)
    return Origin(origin, key, path, row.process_id, row.party_id, title, "\n".join([head, *more]))
