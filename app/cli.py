"""`flask atiende …`"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click
from flask import current_app, g
from flask.cli import AppGroup
from flask_babel import force_locale, format_date
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError

from app.domain import N_
from app.domain.deadlines import Deadline, Step
from app.domain.errors import DomainError
from app.extensions import db, now, today
from app.words import say

atiende = AppGroup("atiende", help="Commands of Atiende.")


@contextmanager
def spoken() -> Iterator[None]:
    """Speak the language of the installation; what a rule refuses is told on standard error, with exit code 2."""
    with force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
        try:
            yield
        except DomainError as error:
            click.echo(say(error), err=True)
            raise SystemExit(2) from error
        except OperationalError as error:
            click.echo(_("The database does not answer right now"), err=True)
            raise SystemExit(2) from error


# ── Catalogues ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@atiende.command("load-seeds")
@click.option("--if-changed", is_flag=True, help="Do nothing when the database took in these very files already.")
def load_seeds_command(if_changed: bool) -> None:
    """Insert the rows of the shipped catalogues that are missing; change none."""
    from app.operations.seeds import are_seeds_loaded, load_seeds

    with spoken():
        if if_changed and are_seeds_loaded(db.session):
            return
        for table, loaded in load_seeds(db.session, now()).items():
            click.echo(_("%(table)s: %(new)s new, %(kept)s kept as they were", table=table, new=loaded.n_new, kept=loaded.n_kept))
        db.session.commit()


# ── The demonstration ─────────────────────────────────────────────────────────────────────────────────────────────────────


@atiende.command("seed-demo")
@click.option("--cases", "n_cases", default=2050, show_default=True, help="How many cases to file, besides their appeals.")
@click.option("--force", is_flag=True, help="Go on although the database holds real cases.")
def seed_demo_command(n_cases: int, force: bool) -> None:
    """Fill the database with a fictional water company and two years of cases."""
    from app.demo import DEMO_PASSWORD, bring_past, seed_demo
    from app.operations.seeds import are_seeds_loaded, load_seeds
    from app.security import sync_roles

    session, password = db.session(), os.environ.get("ATIENDE_DEMO_PASSWORD") or DEMO_PASSWORD
    with spoken():
        if not are_seeds_loaded(session):
            load_seeds(session, now())
        sync_roles(session)
        demo = seed_demo(session, now(), n_cases, password=password, force=force)
        session.commit()
        if not demo.is_new:
            click.echo(_("The demonstration company is there already, with %(n)s cases; nothing changed.", n=demo.n_cases))
            return
        bring_past(session, now())
        click.echo(_("Fictional company ready: %(n)s cases.", n=demo.n_cases))
        click.echo(_("Users: %(users)s", users=", ".join(demo.users)))
        click.echo(_("Password of all of them: %(password)s", password=password))


# ── Reminders ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@atiende.command("remind")
@click.option("--dry-run", is_flag=True, help="Only list who would be told what, at any hour, without telling anybody.")
def remind_command(dry_run: bool) -> None:
    """Tell people what falls due, as the worker does by itself in working hours; nobody is told twice."""
    from app.operations import reminders

    g.is_reading = dry_run
    with spoken():
        if not dry_run:
            click.echo(_("Reminders given: %(n)s", n=reminders.remind(db.session(), now())))
            db.session.commit()
            return
        found = reminders.due(db.session(), now())
        for line in reminders.listed(db.session(), found, today()):
            click.echo(line)
        click.echo(_("Reminders to give: %(n)s", n=len(found)))
        if not reminders.is_open(db.session(), now()):
            click.echo(_("Nobody is told now: it is outside working hours."))


# ── The clock ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@atiende.command("deadline")
@click.option("--regime", help="Law that governs: ley142, ley1755, ley1480, ley1581. Without it, the one of the type or of the company.")
@click.option("--type", "request_type", default="RECLAMO", show_default=True, help="Code of the request type.")
@click.option("--filed", help="Date of filing, YYYY-MM-DD; today without it.")
@click.option("--time", "hour", help="Local hour of filing, HH:MM, where the office has a closing time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def deadline_command(regime: str | None, request_type: str, filed: str | None, hour: str | None, as_json: bool) -> None:
    """Say when an answer is due, and why, day by day."""
    from app.operations.calculator import calculate, ground_of, regime_named

    g.is_reading = True  # asks for no lock: a calculator must not wait for whoever is writing
    with spoken():
        ground = ground_of(db.session)
        if ground.is_shipped:
            click.echo(_("No catalogues are loaded yet: computed with those that ship with Atiende."), err=True)
        governing = regime_named(regime) if regime else None
        result = calculate(ground, request_type, _filing(filed, hour), governing)
        if as_json:
            click.echo(json.dumps(_deadline_facts(request_type, result.deadline, result.steps), ensure_ascii=False, indent=2))
        else:
            for line in _deadline_table(result.deadline, result.steps):
                click.echo(line.rstrip())


def _filing(filed: str | None, hour: str | None) -> datetime | date:
    """Return the local date, or date and hour, that somebody typed. Raises DomainError."""
    try:
        on = datetime.strptime(filed, "%Y-%m-%d").date() if filed else today()
        return datetime.combine(on, datetime.strptime(hour, "%H:%M").time()) if hour else on
    except ValueError:
        typed = f"{filed} {hour or ''}".strip()
        raise DomainError(N_("“%(typed)s” is not a date: write it as 2026-07-10, and the hour as 17:30."), typed=typed) from None


def _deadline_facts(request_type: str, deadline: Deadline, steps: Iterable[Step]) -> dict[str, Any]:
    """Return *deadline* and its steps as JSON knows them: dates in ISO, enumerations by name."""
    filed = deadline.filed_at
    return {
        "regime": deadline.rule.regime.name.lower(),
        "type": request_type.strip().upper(),
        "filed": f"{filed:%Y-%m-%d}",
        "time": f"{filed:%H:%M}" if isinstance(filed, datetime) else None,
        "effective": _iso(deadline.effective_on),
        "due": _iso(deadline.due_on),
        "safe": _iso(deadline.safe_on),
        "term": {"value": deadline.rule.value, "unit": deadline.rule.unit.name, "count_from": deadline.rule.count_from.name},
        "norm": deadline.rule.norm,
        "steps": [
            {
                "on": _iso(step.on), "kind": step.kind.name, "n": step.n, "note": _(step.note) if step.note else "", "norm": step.norm,
                "is_due": step.is_due, "is_safe": step.is_safe,
            }
            for step in steps
        ],
    }  # fmt: skip


def _iso(on: date | None) -> str | None:
    return on.isoformat() if on else None


def _deadline_table(deadline: Deadline, steps: Iterable[Step]) -> Iterator[str]:
    """Yield the lines that a person reads."""
    rule = deadline.rule
    facts = (
        (_("Filed"), _day(deadline.filed_at) + (f" {deadline.filed_at:%H:%M}" if isinstance(deadline.filed_at, datetime) else "")),
        (_("Counts as filed"), _day(deadline.effective_on)),
        (_("Legal due date"), _day(deadline.due_on)),
        (_("Safe date"), _day(deadline.safe_on)),
        (_("Term"), f"{rule.value} {_(rule.unit.value)}"),
        (_("Norm"), rule.norm),
    )
    width = max(len(name) for name, _value in facts)
    yield from (f"{name:<{width}}  {value}" for name, value in facts)
    yield ""
    for step in steps:
        mark = " ← " + _("Safe date") if step.is_safe else ""
        note = "; ".join(filter(None, (_(step.note) if step.note else "", step.norm)))
        yield f"{_day(step.on)}  {'' if step.n is None else step.n:>3}  {_(step.kind.value)}{f' ({note})' if note else ''}{mark}"


def _day(on: date | None) -> str:
    return format_date(on, "EEE dd/MM/yyyy") if on else "–"


# ── Open formats ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@atiende.command("archive")
@click.option("--case", "number", help="Number of the case; with the recursos against its answer.")
@click.option("--all", "is_all", is_flag=True, help="Everything that is held.")
@click.option("--person", "document", help="Document of a person, as in “CC 52123456”: what is held about that person.")
@click.option("--reason", default="", help="Who asked for the data of the person, when and how; it stays in the change log.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, writable=True), help="The ZIP to write.")
def archive_command(number: str | None, is_all: bool, document: str | None, reason: str, output: str) -> None:
    """
    Write what is held in open formats: JSON Lines, files and control sums (docs/archive-format.md).

    Exit code 1: some files were not in the store as they were stored; manifest.json names them.
    """
    from app.archive import in_words, write_case, write_everything, write_person
    from app.audit import record_reading
    from app.extensions import start_writing

    if sum((bool(number), is_all, bool(document))) != 1:
        raise click.UsageError("Say one of --case, --all and --person.")
    g.is_reading = True  # asks for no lock: the house may go on working
    with spoken():
        session, at = db.session(), now()
        row = _archived_row(number, document, reason)
        with open(output, "w+b") as out:
            if is_all:
                summary = write_everything(session, out, at)
            elif number:
                summary = write_case(session, out, session.get_one(*row), at)
            else:
                summary = write_person(session, out, session.get_one(*row), at)
        start_writing()
        record_reading(session, row[0].__tablename__, row[1], "archive", reason.strip())
        session.commit()
        click.echo(in_words(summary))
    raise SystemExit(1 if summary.missing else 0)


def _archived_row(number: str | None, document: str | None, reason: str) -> tuple[Any, int]:
    """Return the class and key of the row that an archive is about; of everything, the company. Raises DomainError."""
    from sqlalchemy import select

    from app import queries
    from app.models import Organisation, Party, Pqr
    from app.operations.archive import parties_named

    if number:
        pqr_id = db.session.scalar(select(Pqr.id).where(Pqr.number == number.strip().upper()))
        if pqr_id is None:
            raise DomainError(N_("There is no case %(number)s."), number=number)
        return Pqr, pqr_id
    if document:
        if not reason.strip():
            raise DomainError(N_("Write why: it stays in the change log."))
        return Party, parties_named(db.session(), document)[0].id
    return Organisation, queries.organisation(db.session).id


@atiende.command("reindex")
def reindex_command() -> None:
    """Write the words of every row again, as search boxes look for them; the house may go on working."""
    from app.search import SEARCHED, forget_gone, index_rows, key_blocks, settle

    with spoken():
        for model in SEARCHED:
            n = 0
            for block in key_blocks(db.session, model):
                n += index_rows(db.session, model, block)
                db.session.commit()
            forget_gone(db.session, model)
            click.echo(_("%(table)s: %(n)s rows", table=model.__tablename__, n=n))
        settle(db.session)
        db.session.commit()


@atiende.command("recompute")
@click.option("--dry-run", is_flag=True, help="Only list the cases, without storing anything.")
def recompute_command(dry_run: bool) -> None:
    """
    Check the clock: list the cases whose stored dates are not those that their events and the calendar give. There should be none.

    Without --dry-run the open ones are put right, with a line in the change log; an answered case is only told. Exit code 1: some
    were found and stand as they were.
    """
    from app.operations.calendar import MOVING, differing, recompute

    g.is_reading = dry_run
    with spoken():
        moved = [] if dry_run else recompute(db.session, "flask atiende recompute", at=now())
        db.session.commit()
        g.is_reading = True
        left = differing(db.session, today())
        for case in (*moved, *left):
            facts = (f"{_(MOVING[name])}: {_told(case.before[name])} → {_told(value)}" for name, value in case.after.items())
            click.echo(f"{case.number}  {_(case.status.value)}  {'; '.join(facts)}")
        if moved:
            click.echo(_("Open cases put right: %(n)s.", n=len(moved)))
        click.echo(_("Cases whose dates are not the derived ones: %(n)s.", n=len(left)))
    raise SystemExit(1 if left else 0)


def _told(value: date | int | None) -> str:
    return _day(value) if isinstance(value, date) else "–" if value is None else str(value)
