"""What the pages of contracts ask, and the rows that grow: requirements and those who sign."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from wtforms import DateField, Form, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.validators import Optional as Empty

from app.domain.contracts import Side
from app.domain.interested import QualityKind
from app.extensions import db
from app.fields import enum_select
from app.forms import UpTo, maybe_int
from app.lookups import lookup
from app.models import ContractRequirement, Process
from app.money.forms import PesosField
from app.operations.contracts import Person, Wanted
from app.words import tidy

MOST_ROWS = 100

def process_choices() -> list[tuple[Any, str]]:
    """Return the active processes, after none."""
    rows = db.session.execute(select(Process.id, Process.name).where(Process.is_active).order_by(Process.name))
    return [("", "—"), *((row.id, row.name) for row in rows)]


# ── Steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("Reason"), validators=[InputRequired(_l("Write the reason: it stays with the number.")), UpTo(1_000)])


class TerminateForm(ReasonForm):
    terminated_on = DateField(
        _l("Last day in force"), description=_l("The day agreed or told to the other party; it may lie ahead."),
        validators=[InputRequired(_l("Write the last day on which the contract is in force."))],
    )  # fmt: skip


class HandOverForm(FlaskForm):
    process_id = SelectField(_l("Process that answers for it"), coerce=maybe_int, choices=process_choices, validators=[Empty()])
    supervisor = lookup(_l("Supervisor"), "member", optional=True, description=_l("Who follows the contract day by day."))


class AmendmentSignForm(FlaskForm):
    signed_on = DateField(
        _l("Day of the signature"), description=_l("The day of the last signature."),
        validators=[InputRequired(_l("Write the day of the signature."))],
    )  # fmt: skip


class AmendmentForm(FlaskForm):
    """What an amendment says, besides the requirements that it ends and adds (rows that grow)."""

    reason = TextAreaField(_l("What changes and why"), validators=[InputRequired(_l("Write what changes and why.")), UpTo(4_000)])
    effective_on = DateField(_l("Counts from"), validators=[InputRequired(_l("Write the day from which the amendment counts."))])
    new_ends_on = DateField(_l("New end of the contract"), description=_l("Empty: the end stays as it is."), validators=[Empty()])
    value_change_cop = PesosField(
        _l("Change of the value (pesos)"), description=_l("What it adds to the value; with a minus, what it takes away. Empty: nothing."),
        validators=[Empty()],
    )  # fmt: skip


# ── Rows that grow ────────────────────────────────────────────────────────────────────────────────────────────────────────


class RowForm(Form):
    """A row of several; one that is empty is not there."""

    row_id = HiddenField()

    @property
    def is_empty(self) -> bool:
        raise NotImplementedError

    @property
    def key(self) -> int | None:
        """The id of the stored row that it corrects."""
        return int(self.row_id.data) if (self.row_id.data or "").isdigit() else None


class RequirementForm(RowForm):
    text = TextAreaField(_l("What is required"), filters=[tidy], validators=[UpTo(4_000)])
    quality = enum_select(_l("Kind of quality"), QualityKind, default=QualityKind.REQUIRED, validators=[])
    clause = StringField(_l("Clause or norm it comes from"), filters=[tidy], validators=[UpTo(120)])
    verification = StringField(_l("How it is verified"), filters=[tidy], validators=[UpTo(240)])
    evidence = StringField(_l("Evidence that is expected"), filters=[tidy], validators=[UpTo(240)])
    process_id = SelectField(_l("Process that answers"), coerce=maybe_int, validators=[Empty()])
    responsible = lookup(_l("Person that answers"), "member", optional=True)

    @property
    def is_empty(self) -> bool:
        return not any((self.text.data, self.clause.data, self.verification.data, self.evidence.data, self.row_id.data))

    def validate(self, extra_validators: Any = None) -> bool:
        """Say that a row that is begun lacks its text."""
        is_fine = super().validate(extra_validators)
        if is_fine and not self.is_empty and not self.text.data:
            self.text.errors = [_("Write what the requirement asks for.")]
            return False
        return is_fine

    def wanted(self) -> Wanted:
        responsible = self.responsible.data
        return Wanted(
            self.text.data, self.quality.data, self.clause.data or "", self.verification.data or "", self.evidence.data or "",
            self.process_id.data, responsible.id if responsible else None, self.key,
        )  # fmt: skip


class ChangedRequirementForm(RequirementForm):
    """A requirement that an amendment adds."""

    replaces_id = SelectField(_l("Takes the place of"), coerce=maybe_int, validators=[Empty()])

    def wanted(self) -> Wanted:
        wanted = super().wanted()
        wanted.id, wanted.replaces_id = None, self.replaces_id.data
        return wanted


class PersonForm(RowForm):
    side = enum_select(_l("Signs for"), Side, validators=[])
    name = StringField(_l("Name"), filters=[tidy], validators=[UpTo(160)])
    position = StringField(_l("Job title"), filters=[tidy], validators=[UpTo(120)])
    document_number = StringField(_l("Identity document"), filters=[tidy], validators=[UpTo(20)])
    signed_on = DateField(_l("Day of the signature"), validators=[Empty()])

    @property
    def is_empty(self) -> bool:
        return not any((self.name.data, self.position.data, self.document_number.data, self.row_id.data))

    def validate(self, extra_validators: Any = None) -> bool:
        """Say that a person lacks a name."""
        is_fine = super().validate(extra_validators)
        if is_fine and not self.is_empty and not self.name.data:
            self.name.errors = [_("Write the name of everybody who signs.")]
            return False
        return is_fine

    def person(self) -> Person:
        return Person(
            self.side.data, self.name.data, self.position.data or "", self.document_number.data or "", self.signed_on.data, self.key
        )  # fmt: skip


def sent_rows(sent: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the rows that a browser sent, each its fields, in their order."""
    rows: dict[int, dict[str, str]] = {}
    for name, value in sent.items():
        if found := re.fullmatch(r"row-(\d{1,3})-(\w+)", name, re.ASCII):
            rows.setdefault(int(found[1]), {})[found[2]] = value
    return [rows[i] for i in sorted(rows)][:MOST_ROWS]


def arranged(rows: list[dict[str, str]], do: str) -> list[dict[str, str]]:
    """Return *rows* as the button `up-3`, `down-3`, `drop-3` or `more` leaves them."""
    verb, _dash, which = do.partition("-")
    if verb == "more":
        return [*rows, {}]
    at = int(which) if which.isdigit() else len(rows)
    if at >= len(rows):
        return rows
    rest = [*rows[:at], *rows[at + 1 :]]
    match verb:
        case "up":
            rest.insert(max(at - 1, 0), rows[at])
        case "down":
            rest.insert(at + 1, rows[at])
        case "drop":
            return rest
        case _:
            return rows
    return rest


def bound(form: type[RowForm], rows: list[dict[str, str]]) -> list[Any]:
    """Return a form a row, with what was typed."""
    sent = MultiDict({f"row-{i}-{name}": value for i, row in enumerate(rows) for name, value in row.items()})
    return [form(sent, prefix=f"row-{i}-") for i in range(len(rows))]


def filled(form: type[RowForm], rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return a form a row, with what is stored."""
    return [form(data=row, prefix=f"row-{i}-") for i, row in enumerate(rows)]


def all_valid(forms: Iterable[RowForm]) -> bool:
    """Validate every one of *forms*, so that each says what it lacks, and return whether all are fine."""
    return not [form for form in forms if not form.validate()]


def row_of(row: ContractRequirement) -> dict[str, Any]:
    """Return a stored requirement as its form takes it."""
    return {
        "row_id": row.id, "text": row.text, "quality": row.quality, "clause": row.clause, "verification": row.verification,
        "evidence": row.evidence, "process_id": row.process_id, "responsible": row.responsible, "replaces_id": row.replaces_id,
    }  # fmt: skip


def offer_processes(forms: Iterable[Any]) -> None:
    """Give the active processes to each of *forms*, in one statement."""
    choices = process_choices()
    for form in forms:
        form.process_id.choices = choices
