"""Alarms of surveys and the contacts they ask for: the list, the page of one, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import joinedload
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from app.baseviews import READ_ONLY, Button, RuledView
from app.checklists.forms import AskForm
from app.domain import N_
from app.domain.campaigns import AlarmEffect, AlarmStatus
from app.domain.errors import DomainError
from app.domain.improvement import MAX_TITLE, ActionKind
from app.extensions import db, now, today
from app.forms import LenientDateField, UpTo
from app.listing import Choices, Moment, Rows
from app.listviews import Ready
from app.lookups import lookup
from app.models import Process, SurveyAlarm, SurveyCampaign, SurveyResponse, SurveyThreshold
from app.operations import survey_alarms as operations
from app.operations.improvement import Asked
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import is_user, may, scope_alarms
from app.steps import Steps
from app.words import say_phone, say_value, tidy

STATUS_TONES = {AlarmStatus.OPEN: "warn", AlarmStatus.SETTLED: "ok", AlarmStatus.DISMISSED: "stop"}
EFFECT_TONES = {AlarmEffect.ACTION: "bad", AlarmEffect.CONTACT: "info", AlarmEffect.CASE: "soon"}
#: Until when an action is asked for, unless somebody says otherwise.
USUAL_TERM = timedelta(days=30)


class SettleForm(FlaskForm):
    result = TextAreaField(
        _l("What was said and agreed"), filters=[tidy], validators=[DataRequired(_l("Write what was said and agreed.")), UpTo(4000)],
        description=_l("Whom you spoke to, what they explained, and what the company will do until when."),
    )  # fmt: skip
    ended_on = LenientDateField(_l("Day"), default=today, validators=[InputRequired(_l("Write the day on which it was done."))])


class DismissForm(FlaskForm):
    result = TextAreaField(
        _l("Why it is set aside"), filters=[tidy], validators=[DataRequired(_l("Write why it is set aside.")), UpTo(2000)],
        description=_l("For example: it was attended in a case, or nobody answered after several calls."),
    )  # fmt: skip


class HandOnForm(FlaskForm):
    process_id = SelectField(_l("Process"), coerce=int, choices=process_choices, validators=[InputRequired()])
    responsible = lookup(_l("Responsible"), "member", optional=True, description=_l("Empty: the owners of the process."))
    due_on = LenientDateField(_l("Do it by"), validators=[InputRequired(_l("Write until when it has to be done."))])


def late_condition(value: str, moment: Moment) -> ColumnElement[bool]:
    is_late = and_(SurveyAlarm.status == AlarmStatus.OPEN, SurveyAlarm.due_on < moment.today)
    return is_late if value == "1" else ~is_late


def link_to_campaign(campaign: SurveyCampaign) -> Markup:
    text = Markup('<span class="num">{}</span> · {}').format(campaign.number, campaign.name)
    if not may("can_show", "SurveyCampaign"):
        return text
    return Markup('<a href="{}">{}</a>').format(url_for("SurveyCampaignView.show", pk=campaign.id), text)


class SurveyAlarmView(Steps, RuledView):
    """
    What surveys ask for, in the reader's scope: an owner sees that of his processes. What ended no longer changes.

    Who answered is shown only where they gave their name, or asked to be contacted.
    """

    datamodel = SQLAInterface(SurveyAlarm)
    route_base = "/survey-alarm"
    class_permission_name = "SurveyAlarm"
    include_route_methods = READ_ONLY | {"settle", "dismiss", "hand_on", "ask"}
    method_permission_name = {
        "list": "list", "show": "show", "export": "export", "settle": "settle", "dismiss": "settle", "hand_on": "settle", "ask": "settle",
    }  # fmt: skip
    list_title = _l("Alarms and contacts of surveys")
    intro = _l("What a low figure, a bad answer or a word asked for: a customer to call, an action, a case.")
    empty_text = _l("No survey has asked for anything yet. Thresholds say which figure, answer or word does.")
    list_columns = ["what", "person", "effect", "status", "process", "due_on"]
    more_columns = ("person", "phone", "email", "responsible", "campaign", "raised_on", "ended_on", "figure", "result", "action", "pqr")
    show_fieldsets = [
        (_l("What set it off"), {"fields": ["what", "campaign", "rule", "raised_on"]}),
        (_l("Whom to get in touch with"), {"fields": ["person", "phone", "email", "answers"]}),
        (_l("Who, and until when"), {"fields": ["effect", "process", "responsible", "due_on", "status"]}),
        (_l("How it ended"), {"fields": ["result", "ended_on", "action", "pqr"]}),
    ]
    search_words = ("what", "result")
    filter_columns = ("campaign", "action", "pqr")
    own_facets = (
        Choices("late", _l("Late"), lambda: (("1", N_("Yes")), ("0", N_("No"))), late_condition),
        Rows("campaign", _l("Campaign"), SurveyAlarm.campaign_id, SurveyCampaign, SurveyCampaign.number),
        Rows("responsible", _l("Responsible"), SurveyAlarm.responsible_id, User, User.id, "user", True,
             lambda moment: is_user(SurveyAlarm.responsible_id, moment.user_id, moment.today)),
    )  # fmt: skip
    ready_filters = (
        Ready(N_("Contacts to make"), "effect=CONTACT&status=OPEN&order=due_on"),
        Ready(N_("Everything that waits"), "status=OPEN&order=due_on"),
        Ready(N_("Late"), "late=1&order=due_on"),
        Ready(N_("Attended"), "status=SETTLED&order=-ended_on"),
    )
    base_order = ("id", "desc")
    clipped = ("what", "campaign")
    label_columns = {
        "what": _l("What set it off"), "campaign": _l("Campaign"), "rule": _l("Threshold"), "raised_on": _l("Went off on"),
        "person": _l("Name"), "phone": _l("Phone"), "email": _l("E-mail"), "answers": _l("What they answered"),
        "effect": _l("What it asks for"), "process": _l("Process"), "responsible": _l("Responsible"), "due_on": _l("Do it by"),
        "status": _l("State"), "result": _l("What was said or done"), "ended_on": _l("Ended on"), "action": _l("Action"),
        "pqr": _l("Case"), "figure": _l("Figure"),
    }  # fmt: skip
    formatters_columns = {"responsible": lambda user: user.get_full_name()}

    def scope(self, statement: Select[Any]) -> Select[Any]:
        return scope_alarms(statement, today())

    def _loading(self, columns: Any) -> list[Any]:
        more = []
        if "rule" in columns:
            more.append(joinedload(SurveyAlarm.threshold).joinedload(SurveyThreshold.questionnaire))
        if not {"person", "phone", "email"}.isdisjoint(columns):
            more.append(joinedload(SurveyAlarm.response).joinedload(SurveyResponse.invitee))
        return [*super()._loading(columns), *more]

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        kind, value = super().exported(name, column)
        if name not in ("person", "phone", "email"):
            return kind, value
        return kind, lambda item: getattr(operations.person_of(item), "name" if name == "person" else name, None)

    def title_of(self, item: SurveyAlarm) -> str:
        head = item.what.splitlines()[0]
        return head if len(head) <= 90 else f"{head[:89]}…"

    def fieldsets_of(self, item: SurveyAlarm) -> list[tuple[Any, dict[str, Any]]]:
        """Leave out what has nothing to say: nobody to call, nothing ended yet."""
        person = operations.person_of(item) is not None or item.effect is AlarmEffect.CONTACT
        kept = {_l("Whom to get in touch with"): person, _l("How it ended"): item.status is not AlarmStatus.OPEN}
        return [(title, each) for title, each in self.show_fieldsets if kept.get(title, True)]

    def shown(self, item: SurveyAlarm, name: str) -> Any:
        match name:
            case "campaign":
                return link_to_campaign(item.campaign)
            case "effect":
                return Markup('<span class="pill {}">{}</span>').format(EFFECT_TONES[item.effect], _(item.effect.value))
            case "status":
                return self._status(item)
            case "rule":
                return self._rule(item)
            case "person" | "phone" | "email" | "answers":
                return self._person(item, name) or say_value(None)
            case "action" if item.action is not None and may("can_show", "Action"):
                return Markup('<a class="num" href="{}">{}</a>').format(url_for("ActionView.show", pk=item.action_id), item.action.number)
            case "pqr" if item.pqr is not None and may("can_list"):
                return Markup('<a class="num" href="/pqr/{}">{}</a>').format(item.pqr.number, item.pqr.number)
        return super().shown(item, name)

    @staticmethod
    def _status(item: SurveyAlarm) -> Markup:
        is_late = item.status is AlarmStatus.OPEN and item.due_on < today()
        tone, text = ("bad", _("Its day is past")) if is_late else (STATUS_TONES[item.status], _(item.status.value))
        return Markup('<span class="pill {}">{}</span>').format(tone, text)

    @staticmethod
    def _rule(item: SurveyAlarm) -> Any:
        """Return the threshold that went off, linked for whoever reads thresholds."""
        threshold = item.threshold
        if threshold is None:
            return _("None: whoever answered asked for it")
        text = f"{threshold.questionnaire.code} {threshold.question_code}".strip() + f" · {_(threshold.measure.value)}"
        if not may("can_show", "SurveyThreshold"):
            return text
        return Markup('<a href="{}">{}</a>').format(url_for("SurveyThresholdView.show", pk=threshold.id), text)

    def _person(self, item: SurveyAlarm, name: str) -> Any:
        who = operations.person_of(item)
        if who is None:
            is_page = name == "person" and self.is_page()
            return _("Whoever answered gave no name: see what can be done about it.") if is_page else None
        match name:
            case "person":
                link = may("can_show", "Party") and who.party_id
                return Markup('<a href="{}">{}</a>').format(url_for("PartyView.show", pk=who.party_id), who.name) if link else who.name
            case "phone":
                return who.phone and Markup('<a class="num" href="tel:{}">{}</a>').format(who.phone, say_phone(who.phone))
            case "email":
                return who.email and Markup('<a href="mailto:{}">{}</a>').format(who.email, who.email)
        tells = item.response is not None and item.response.is_named and may("can_see_answers", "SurveyResult")
        return tells and Markup('<a href="{}">{}</a>').format(
            url_for("SurveyResponseView.show", pk=item.response_id), escape(_("All their answers"))
        )

    @staticmethod
    def is_page() -> bool:
        return bool(request.endpoint and request.endpoint.endswith(".show"))

    def may_edit(self, item: SurveyAlarm) -> bool:
        return False

    def buttons(self, item: SurveyAlarm) -> list[Button]:
        steps = [("settle", _("Record what was said and agreed")), ("ask", _("Ask for an action")), ("hand_on", _("Hand on")),
                 ("dismiss", _("Set it aside"))]  # fmt: skip
        labels = steps if item.status is AlarmStatus.OPEN else []
        allowed = {"ask": may("can_add", "Action")}
        found = [Button(label, url_for(f"SurveyAlarmView.{name}", pk=item.id)) for name, label in labels
                 if self.may_do(name) and allowed.get(name, True)]  # fmt: skip
        return found + history_of("survey_alarm", item.id)

    # How it goes on

    @expose("/settle/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("settle")
    def settle(self, pk: str) -> Any:
        """Ask what was said and agreed, and end the alarm."""
        form = SettleForm()
        help = _l("What you write stays, and the report of the next round tells how many were attended.")

        def act(alarm: SurveyAlarm) -> None:
            operations.settle(db.session(), alarm, form.result.data or "", ended_on=form.ended_on.data, at=now())

        return self._step(pk, form, _("Record what was said and agreed"), help, act)

    @expose("/dismiss/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("settle")
    def dismiss(self, pk: str) -> Any:
        """Ask why nothing is done, and set the alarm aside."""
        form = DismissForm()

        def act(alarm: SurveyAlarm) -> None:
            operations.dismiss(db.session(), alarm, form.result.data or "", at=now())

        return self._step(pk, form, _("Set it aside"), _l("It stays in the list, with your reason."), act)

    @expose("/hand-on/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("settle")
    def hand_on(self, pk: str) -> Any:
        """Give it to another process, person or day."""
        item = self.item(pk, ("responsible",))
        form = HandOnForm(data={"process_id": item.process_id, "responsible": item.responsible, "due_on": item.due_on})

        def act(alarm: SurveyAlarm) -> None:
            process = db.session.get(Process, form.process_id.data)
            if process is None:
                raise DomainError(N_("Choose a process that is active."), field="process_id")
            who = form.responsible.data.id if form.responsible.data else None
            operations.hand_on(db.session(), alarm, process, who, form.due_on.data)

        answer = self._step(pk, form, _("Hand on"), _l("Whoever gets it finds it in the list and on the first page."), act)
        return self._away(pk, answer)

    def _away(self, pk: str, answer: Any) -> Any:
        """Lead to the list when what was handed on is no longer in the reader's scope."""
        if hasattr(answer, "location") and answer.location:
            gone = db.session.scalar(self.scope(select(SurveyAlarm.id).where(SurveyAlarm.id == int(pk)))) is None
            answer.location = url_for("SurveyAlarmView.list") if gone else answer.location
        return answer

    @expose("/ask/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("settle")
    def ask(self, pk: str) -> Any:
        """Ask for an action because of it, which ends the alarm."""
        item = self.item(pk, ("campaign",))
        if not may("can_add", "Action"):
            abort(403)
        form = AskForm(data={
            "kind": ActionKind.CORRECTIVE.name, "title": self.title_of(item)[:MAX_TITLE], "process_id": item.process_id,
            "description": item.what, "due_on": today() + USUAL_TERM,
        })  # fmt: skip
        form.process_id.choices = process_choices()

        def act(alarm: SurveyAlarm) -> None:
            asked = Asked(form.title.data, form.description.data, ActionKind[form.kind.data], form.process_id.data,
                                     form.due_on.data, form.responsible.data.id if form.responsible.data else None)  # fmt: skip
            operations.ask_for_action(db.session(), alarm, asked, at=now(), actor_id=current_user.id)

        return self._step(pk, form, _("Ask for an action"), _l("The action takes it on from here: the alarm ends with its number."), act)


