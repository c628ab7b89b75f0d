"""Who wants no more surveys: said by their link, to an interviewer, or at the office; and who changed their mind."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement
from wtforms import SelectField
from wtforms.validators import InputRequired

from app import queries
from app.baseviews import ADD_ONLY, Button, RuledView
from app.domain import N_
from app.domain.campaigns import AnswerVia
from app.domain.errors import DomainError
from app.extensions import db, now
from app.listing import Choices, Moment
from app.listviews import Ready
from app.models import SurveyOptOut
from app.operations import survey_answers
from app.screens.records import history_of
from app.steps import Steps

#: How somebody tells the staff, as the staff say it.
SAID = {AnswerVia.PHONE: _l("By telephone"), AnswerVia.KIOSK: _l("At the office"), AnswerVia.PAPER: _l("In writing")}


def _still(value: str, _moment: Moment) -> ColumnElement[bool]:
    return SurveyOptOut.ended_at.is_(None) if value == "1" else SurveyOptOut.ended_at.is_not(None)


def _via(value: Any) -> AnswerVia:
    return value if isinstance(value, AnswerVia) else AnswerVia[value]


class SurveyOptOutView(Steps, RuledView):
    """The parties that are left alone by surveys. A row is never deleted: it ends."""

    datamodel = SQLAInterface(SurveyOptOut)
    route_base = "/survey-optout"
    class_permission_name = "SurveyOptOut"
    include_route_methods = ADD_ONLY | {"end"}
    list_title, add_title = _l("Who wants no more surveys"), _l("Write down who said so")
    intro = _l("No campaign asks them, neither by mail nor by telephone. What the law has us tell them still reaches them.")
    empty_text = _l("Nobody has asked for that yet. They can do it by themselves, in every invitation.")
    list_columns = ["party", "via", "since_at", "ended_at"]
    show_columns = [*list_columns, "note"]
    add_columns = ["party", "via", "note"]
    filter_columns = ("party",)
    own_facets = (Choices("still", _l("Still so"), lambda: (("1", _l("Yes")), ("0", _l("No"))), _still),)
    ready_filters = (Ready(N_("Still so"), "still=1"),)
    base_order = ("since_at", "desc")
    label_columns = {
        "party": _l("Party"), "via": _l("How they said it"), "since_at": _l("Since"), "ended_at": _l("Until"), "note": _l("Note"),
    }  # fmt: skip
    formatters_columns = {"via": lambda via: SAID.get(via, _l("By their link"))}
    description_columns = {"note": _l("What they said, if it helps to understand them.")}
    add_form_extra_fields = {
        "via": SelectField(
            _l("How they said it"), coerce=_via, choices=[(via.name, words) for via, words in SAID.items()], validators=[InputRequired()]
        ),
    }

    def title_of(self, item: SurveyOptOut) -> str:
        return item.party.name

    def pre_add(self, item: SurveyOptOut) -> None:
        """Raises DomainError: they said so already."""
        with db.session.no_autoflush:
            queries.lock(db.session(), item.party)
            if survey_answers.opt_out_of(db.session(), item.party.id) is not None:
                raise DomainError(N_("%(name)s is in the list already."), field="party", name=item.party.name)
            item.since_at, item.note = now(), item.note or ""
        survey_answers.leave_alone(db.session(), item.party.id)

    def buttons(self, item: SurveyOptOut) -> list[Button]:
        may_end = item.ended_at is None and self.may_do("end")
        end = [Button(_("They may be asked again"), url_for("SurveyOptOutView.end", pk=item.id), is_post=True)] if may_end else []
        return [*end, *history_of("survey_opt_out", item.id)]

    @expose("/end/<pk>", methods=["POST"])
    @has_access
    @permission_name("end")
    def end(self, pk: str) -> Any:
        """End it: they changed their mind."""
        act = lambda item: survey_answers.opt_in(db.session(), item.party_id, at=now())  # noqa: E731
        return self._press(pk, act, _("They may be asked again."))
