"""The legal terms."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect, select
from wtforms import SelectField
from wtforms.validators import NumberRange
from wtforms.validators import Optional as Empty

from app import queries
from app.baseviews import Related, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.extensions import db
from app.forms import NamesItsType, NoOverlap, NotBefore
from app.models import LegalTerm, Pqr, RequestType
from app.screens.legalside import obligations


def request_type_choices() -> list[tuple[str, str]]:
    rows = db.session.execute(select(RequestType.code, RequestType.name).order_by(RequestType.position, RequestType.name))
    return [("", "—"), *((code, f"{name} ({code})") for code, name in rows)]


class LegalTermView(RuledView):
    datamodel = SQLAInterface(LegalTerm)
    route_base = "/term"
    class_permission_name = "LegalTerm"
    list_title, add_title = _l("Legal terms"), _l("New term")
    empty_text = _l("There are no legal terms, so no case can be filed: no date is guessed. Add the term of each regime, with its norm.")
    intro = _l("How long each act may take, by law. A term that already rules cases keeps its length for ever: end it and add the new one.")
    list_columns = ["act", "request_type", "value", "regime", "norm", "valid_from", "valid_until"]
    show_columns = ["regime", "act", "request_type", "value", "count_from", "norm", "valid_from", "valid_until", "source", "confidence"]
    add_fieldsets = [
        (_l("What it is for"), {"fields": ["regime", "act", "request_type"]}),
        (_l("How long it is"), {"fields": ["value", "unit", "count_from"]}),
        (_l("Where it stands"), {"fields": ["norm", "source", "confidence"]}),
        (_l("In force"), {"fields": ["valid_from", "valid_until"], "help": _l("A case keeps the term of the day on which it was filed.")}),
    ]
    search_words = ("norm", "request_type", "source")
    filter_columns = ("regime", "act")
    clipped = ("regime", "norm")
    label_columns = {
        "regime": _l("Regime"), "act": _l("Act"), "request_type": _l("Request type"), "value": _l("Length"), "unit": _l("Unit"),
        "count_from": _l("Counted from"), "norm": _l("Norm"), "valid_from": _l("In force from"), "valid_until": _l("In force until"),
        "source": _l("Source"), "confidence": _l("How sure it is"),
    }  # fmt: skip
    description_columns = {
        "request_type": _l("Empty: every type of the regime."),
        "count_from": _l("Which day is day 1, as the norm says."),
        "source": _l("Where somebody can read it: page, concept or circular."),
        "confidence": _l("Whether somebody checked it, and what is still in doubt."),
        "norm": _l("Law and article, as the citizen will read it."),
        "valid_until": _l("Empty: still in force."),
    }
    validators_columns = {
        "value": [NumberRange(1, 999, _l("Write a length of one or more."))],
        "valid_from": [NoOverlap()],
        "valid_until": [NotBefore("valid_from")],
    }
    add_form_extra_fields = {
        "request_type": SelectField(
            _l("Request type"), choices=request_type_choices, validators=[NamesItsType(), Empty()], filters=[lambda code: code or None],
            description=_l("Empty: every type of the regime."),
        )
    }  # fmt: skip
    #: What a case copies from its term, and what tells which cases it rules.
    FROZEN = ("regime", "act", "request_type", "value", "unit", "count_from", "valid_from")

    def shown(self, item: LegalTerm, name: str) -> Any:
        return f"{item.value} {_(item.unit.value)}" if name == "value" else super().shown(item, name)

    def title_of(self, item: LegalTerm) -> str:
        return f"{_(item.act.value)}: {item.value} {_(item.unit.value)}"

    def related(self, item: LegalTerm) -> list[Related]:
        return obligations("term", item.id)

    def pre_add(self, term: LegalTerm) -> None:
        queries.forget_calendar(db.session)

    def pre_update(self, term: LegalTerm) -> None:
        changed = [name for name in self.FROZEN if inspect(term).attrs[name].history.has_changes()]
        n = queries.count_up_to(db.session, select(Pqr.id).where(Pqr.term_id == term.id)) if changed else 0
        if n:
            raise DomainError(
                N_("%(n)s cases rest on this term, so it cannot change. Write when it ends in “In force until”, and add a new term."),
                field=changed[0],
                n=n,
            )
        queries.forget_calendar(db.session)
