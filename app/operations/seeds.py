"""
The catalogues that ship with the product (`app/seeds/*.csv`), loaded without touching what an administrator made of them.

A row that is there, by its natural key or by a name that must be unique, is never changed. A term or a cause whose validity
somebody edited counts as there too: a second row for the same question would leave two rules in force.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Date, Enum, Integer, Numeric, func, inspect, select
from sqlalchemy.orm import Session

from app import queries
from app.audit import silently
from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import Regime, TermRule
from app.domain.interested import next_due_on
from app.extensions import local
from app.models import (
    AnswerTemplate,
    Audited,
    BillingColumn,
    CalendarDay,
    CalendarYear,
    Channel,
    ConsentText,
    ContractKind,
    ControlledDocument,
    Indicator,
    InterestGroup,
    InterruptionCause,
    LegalRequirement,
    LegalRest,
    LegalTerm,
    Mechanism,
    MessageTemplate,
    Municipality,
    Need,
    Organisation,
    Parameter,
    Process,
    Questionnaire,
    ReminderRule,
    RequestType,
    RequirementItem,
    RequirementTemplate,
    RiskBand,
    RiskImpact,
    RiskProbability,
    Service,
    SuiCause,
    SuiCode,
    SuiColumn,
    SuiMap,
    SuiRule,
    SurveyThreshold,
)
from app.operations.controlled_seeds import load_register
from app.operations.legal_seeds import load_rests
from app.operations.questionnaire_seeds import load_questionnaires

FOLDER = Path(__file__).resolve().parent.parent / "seeds"
HOLIDAY_YEARS = range(2020, 2036)
DIGEST_KEY = "seeds.digest"
_LOCK = 0x41544E44  # any number of our own: two nodes that start at once load one after the other


@dataclass(frozen=True, slots=True)
class Loaded:
    """What happened to one catalogue: rows that were missing, and rows that were there and stay as they are."""

    n_new: int
    n_kept: int


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """A seed file: which columns tell that a row is there (`key`), and which must be unique besides (`also`)."""

    model: type[Any]
    file: str
    key: tuple[str, ...] = ("code",)
    also: str | None = None


#: In the order of their references. The key of a term or a cause leaves its validity out on purpose.
CATALOGUES = (
    _Catalogue(Municipality, "municipality"),
    _Catalogue(Organisation, "organisation", key=()),
    _Catalogue(Process, "process", also="name"),
    _Catalogue(Channel, "channel", also="name"),
    _Catalogue(Service, "service", also="name"),
    _Catalogue(RequestType, "request_type", also="name"),
    _Catalogue(SuiCause, "sui_cause", key=("service", "code")),
    _Catalogue(SuiCode, "sui_code", key=("kind", "variant", "code")),
    _Catalogue(InterruptionCause, "interruption_cause", also="name"),
    _Catalogue(SuiColumn, "sui_column", key=("format",)),  # whoever has columns of a file made them their own
    _Catalogue(SuiRule, "sui_rule", key=("key", "service")),
    _Catalogue(SuiMap, "sui_map", key=("kind", "member", "service")),
    _Catalogue(LegalTerm, "legal_term", key=("regime", "act", "request_type")),
    _Catalogue(ConsentText, "consent_text", key=("kind", "version")),
    _Catalogue(AnswerTemplate, "answer_template", key=("name",)),
    _Catalogue(MessageTemplate, "message_template", key=("event", "language")),
    _Catalogue(Parameter, "parameter", key=("key",)),
    _Catalogue(BillingColumn, "billing_column", key=("kind",)),  # whoever has columns of a kind made their own map
    _Catalogue(ReminderRule, "reminder_rule", also="name"),
    _Catalogue(ContractKind, "contract_kind", also="name"),
    _Catalogue(RequirementTemplate, "requirement_template", key=("name",)),
    _Catalogue(RequirementItem, "requirement_item", key=("template",)),  # whoever has items of a template made them their own
    _Catalogue(InterestGroup, "interest_group", also="name"),
    _Catalogue(Mechanism, "mechanism", key=("group",)),  # whoever follows a group has decided how
    _Catalogue(Need, "need", key=("group",)),
    _Catalogue(LegalRequirement, "legal_requirement", key=("norm", "articles")),
    _Catalogue(RiskProbability, "risk_probability", key=()),  # whoever has a scale made it their own
    _Catalogue(RiskImpact, "risk_impact", key=()),
    _Catalogue(RiskBand, "risk_band", key=()),
    _Catalogue(Indicator, "indicator", also="name"),
)


# ── Loading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def load_seeds(session: Session, at: datetime) -> dict[str, Loaded]:
    """
    Insert the rows of the shipped catalogues and holidays that are missing; return what happened, by table.

    Nothing that exists is changed, so it may run at every upgrade. The digest of what was loaded stays in `Parameter`, and a
    start asks `are_seeds_loaded` first. Leaves no line in the change log: the origin of these rows is the product.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    found: dict[type[Any], dict[str, Any]] = {}
    with silently(session):
        loaded = {catalogue.model.__tablename__: _load(session, catalogue, found, at) for catalogue in CATALOGUES}
        loaded[CalendarYear.__tablename__] = _load_holidays(session, at)
        loaded[Questionnaire.__tablename__] = Loaded(*load_questionnaires(session, read_seed, at))
        loaded[SurveyThreshold.__tablename__] = _load_thresholds(session, found, at)
        loaded[LegalRest.__tablename__] = Loaded(*load_rests(session, read_seed, at))
        loaded[ControlledDocument.__tablename__] = Loaded(*load_register(session, read_seed, at))
        _remember_digest(session, at)
        session.flush()
    queries.forget_calendar(session)
    return loaded


def are_seeds_loaded(session: Session) -> bool:
    """Return whether the database took in exactly these seed files already."""
    return queries.parameter(session, DIGEST_KEY) == seeds_digest()


def seeds_digest() -> str:
    """Return the fingerprint of the seed files, and of this loader."""
    digest = sha256(Path(__file__).read_bytes())
    for path in sorted(FOLDER.glob("*.csv")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _load_thresholds(session: Session, found: dict[type[Any], dict[str, Any]], at: datetime) -> Loaded:
    """Load the thresholds of the forms that the house has; of a form that has any, somebody made them his own."""
    found[Questionnaire] = {form.code: form for form in session.scalars(select(Questionnaire))}
    rows = [row for row in read_seed("survey_threshold") if row["questionnaire"] in found[Questionnaire]]
    return _load(session, _Catalogue(SurveyThreshold, "survey_threshold", key=("questionnaire",)), found, at, rows)


def _load(
    session: Session, catalogue: _Catalogue, found: dict[type[Any], dict[str, Any]], at: datetime, rows: list[dict[str, str]] | None = None
) -> Loaded:
    model, rows = catalogue.model, read_seed(catalogue.file) if rows is None else rows
    stored = session.scalars(select(model)).all()
    there = {_key(row, catalogue.key): row for row in stored}
    named = {getattr(row, catalogue.also): row for row in stored} if catalogue.also else {}
    by_code, new = found.setdefault(model, {}), []
    for row in rows:
        values = _values(model, row, found)
        twin = there.get(tuple(values.get(name) or "" for name in catalogue.key)) or named.get(row.get(catalogue.also or ""))
        if twin is None:
            if model is Process and any(process.is_front_desk for process in stored):
                values["is_front_desk"] = False
            if model is Mechanism:
                values["starts_on"] = local(at).date()
                values["next_on"] = next_due_on(None, values["starts_on"], values["months"])
            if model is Indicator:
                on, n = local(at).date(), values["months"]
                values["starts_on"] = on.replace(month=(on.month - 1) // n * n + 1, day=1)  # the period that runs: nobody owes earlier ones
            stamp = {"created_at": at, "changed_at": at} if issubclass(model, Audited) else {}
            twin = model(**values, **stamp)
            new.append(twin)
        by_code[row.get("code") or row.get("name", "")] = twin
    session.add_all(new)
    session.flush()  # the next catalogue refers to these rows
    return Loaded(len(new), len(rows) - len(new))


def _key(row: Any, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) or "" for name in names)  # a text that a seed leaves empty is stored as ""


def _remember_digest(session: Session, at: datetime) -> None:
    row = session.get(Parameter, DIGEST_KEY)
    if row is None:
        text = "Huella de los catálogos que trae el producto y que ya se cargaron. La escribe el sistema: no la cambie."
        row = Parameter(key=DIGEST_KEY, value="", description=text, created_at=at, changed_at=at)
        session.add(row)
    row.value = seeds_digest()


def _load_holidays(session: Session, at: datetime) -> Loaded:
    """Load the years that nobody loaded. A loaded year is frozen: an upgrade of the library moves no deadline."""
    frozen = set(session.scalars(select(CalendarYear.year)))
    missing = [year for year in HOLIDAY_YEARS if year not in frozen]
    if missing:
        source, days = library_source(), shipped_holidays(tuple(missing))
        session.add_all(CalendarYear(year=year, source=source, loaded_at=at) for year in missing)
        session.flush()
        session.add_all(
            CalendarDay(on=day.on, year=day.on.year, name=day.name, norm=day.norm, source=source, created_at=at, changed_at=at)
            for day in days
        )
    return Loaded(len(missing), len(HOLIDAY_YEARS) - len(missing))


# ── The files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_seed(name: str) -> list[dict[str, str]]:
    """Return the rows of `app/seeds/<name>.csv`; the lines that start with # at its top say where it comes from."""
    lines = (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    while lines and lines[0].startswith("#"):
        del lines[0]
    return list(csv.DictReader(lines))


def _values(model: type[Any], row: dict[str, str], found: dict[type[Any], dict[str, Any]]) -> dict[str, Any]:
    """Return *row* as the model takes it: typed, references looked up by code, empty cells left to the column's default."""
    mapper, values = inspect(model), {}
    for name, text in row.items():
        if not text:
            continue
        if name in mapper.relationships:
            values[name] = found[mapper.relationships[name].mapper.class_][text]
        else:
            values[name] = _typed(mapper.columns[name], text)
    return values


def _typed(column: Column[Any], text: str) -> Any:
    match column.type:
        case Enum() as kind:
            return kind.enum_class[text]  # type: ignore[index]
        case Boolean():
            return text == "1"
        case Integer():
            return int(text)
        case Numeric():
            return Decimal(text)
        case Date():
            return date.fromisoformat(text)
    return text


# ── The same, without a database ──────────────────────────────────────────────────────────────────────────────────────────


@cache
def shipped_holidays(years: tuple[int, ...] = tuple(HOLIDAY_YEARS)) -> tuple[NonWorkingDay, ...]:
    """Return the holidays of Colombia of *years*, with their law, as the `holidays` library computes them today."""
    from holidays import country_holidays

    norm_of = {row["name"]: row["norm"] for row in read_seed("holiday_norm")}
    days = []
    for on, label in sorted(country_holidays("CO", years=years, language="es").items()):
        names = [re.sub(r" \(observado\)$", "", name) for name in label.split("; ")]
        norms = dict.fromkeys(norm_of.get(name, norm_of["*"]) for name in names)
        days.append(NonWorkingDay(on, "; ".join(names), "; ".join(norms)))
    return tuple(days)


def library_source() -> str:
    """Return where `shipped_holidays` come from, as the tables keep it."""
    from holidays import __version__

    return f"PyPI: holidays {__version__}"


@cache
def shipped_calendar() -> BusinessCalendar:
    """Return the calendar of a fresh installation: Monday to Friday, until midnight, no local closures."""
    return BusinessCalendar(shipped_holidays(), HOLIDAY_YEARS, version="shipped")


@cache
def shipped_terms() -> tuple[TermRule, ...]:
    """Return the terms of a fresh installation."""
    return tuple(TermRule(**({"request_type": None} | _values(LegalTerm, row, {}))) for row in read_seed("legal_term"))


@cache
def shipped_request_types() -> dict[str, Regime | None]:
    """Return the request types of a fresh installation, in their order, with their own regime if they have one."""
    return {row["code"]: Regime[row["regime"]] if row["regime"] else None for row in read_seed("request_type")}
