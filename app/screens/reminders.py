"""Reminders: the rules of the house, in words; and who was told what, when and how."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from babel.lists import format_list
from flask import url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import joinedload
from wtforms import IntegerField, SelectField
from wtforms.validators import InputRequired

from app import queries
from app.baseviews import READ_ONLY, Button, Related, RuledView
from app.domain import N_
from app.domain.calendar import ONE_DAY, BusinessCalendar
from app.domain.errors import DomainError
from app.domain.reminders import Rule, Term, to_tell
from app.domain.states import ReminderTrigger
from app.extensions import db, today
from app.listing import Choices, Facet, Moment, Text
from app.listviews import SWITCHES, Ready
from app.models import OutboxMessage, Pqr, Reminder, ReminderRule
from app.operations.reminders import SOURCES
from app.screens.catalogues import LABELS, CatalogueView
from app.security import may, scope_cases
from app.words import say_day

#: The term that shows on the page of a rule on which days it would speak.
EXAMPLE_DAYS, MOST_STEPS = 15, 8


# ── In words ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def when_told(rule: ReminderRule) -> str:
    """Return the moment of a rule as people say it."""
    n = rule.value
    match rule.trigger:
        case ReminderTrigger.AT_START:
            return _("when it is registered")
        case ReminderTrigger.AT_PERCENT:
            return _("when %(n)s %% of its term has passed", n=n)
        case ReminderTrigger.DAYS_BEFORE if n == 0:
            return _("on the safe date")
        case ReminderTrigger.DAYS_BEFORE:
            return ngettext("%(num)s working day before the safe date", "%(num)s working days before the safe date", n)
        case ReminderTrigger.EACH_DAY:
            return _("each working day after %(n)s %% of its term", n=n)
        case ReminderTrigger.DAYS_LATE:
            return ngettext("one working day after its last day", "%(num)s working days after its last day", n)
    if n == 0:
        return _("once its term is over")
    return ngettext("each working day once its term is over", "every %(num)s working days once its term is over", n)


def whom_told(rule: ReminderRule) -> str:
    """Return whom a rule tells, as people say it."""
    people = (
        (rule.to_owner, _("to the owner")), (rule.to_substitute, _("to the substitute")), (rule.to_chief, _("to the chief")),
        (rule.to_management, _("to quality and management")),
    )  # fmt: skip
    return format_list([words for is_told, words in people if is_told], locale=get_locale())


def in_words(rule: ReminderRule) -> str:
    """Return the whole rule in a sentence: Case: 3 working days before the safe date, to the owner and to the chief."""
    return f"{name_of(rule.source)}: {when_told(rule)}, {whom_told(rule)}"


def name_of(source: str) -> str:
    """Return what the things that a rule watches are called."""
    return _(SOURCES[source].title) if source in SOURCES else source


# ── The rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def source_titles() -> list[tuple[str, str]]:
    return [(code, source.title) for code, source in SOURCES.items()]


def source_choices() -> list[tuple[str, str]]:
    return sorted(((code, _(title)) for code, title in source_titles()), key=lambda pair: pair[1])


def _of_source(value: str, _moment: Moment) -> ColumnElement[bool]:
    return ReminderRule.source == value


class ReminderRuleView(CatalogueView):
    datamodel = SQLAInterface(ReminderRule)
    bulk = SWITCHES
    route_base = "/reminderrule"
    class_permission_name = "ReminderRule"
    list_title, add_title = _l("Reminder rules"), _l("New reminder rule")
    intro = _l("Who is told that something falls due, and when. Each step is told once, on working days and in working hours.")
    empty_text = _l("There are no rules, so nobody is reminded of anything. Add one: what to watch, when to tell and whom.")
    list_columns = ["words", "name", "is_active"]
    more_columns = ("words",)
    own_facets: tuple[Facet, ...] = (Choices("source", _l("What it watches"), source_titles, _of_source),)
    show_fieldsets = [
        (_l("The rule"), {"fields": ["name", "code", "words", "is_active", "position"]}),
        (_l("When"), {"fields": ["source", "trigger", "value"]}),
        (_l("Whom"), {"fields": ["to_owner", "to_substitute", "to_chief", "to_management"]}),
    ]
    add_fieldsets = [
        (_l("The rule"), {"fields": ["name", "code", "is_active", "position"]}),
        (_l("When"), {"fields": ["source", "trigger", "value"]}),
        (_l("Whom"), {"fields": ["to_owner", "to_substitute", "to_chief", "to_management"]}),
    ]
    search_words = ("name", "code")
    base_order = ("position", "asc")
    label_columns = {
        **LABELS, "source": _l("What it watches"), "trigger": _l("Moment"), "value": _l("Number"), "words": _l("When and to whom"),
        "to_owner": _l("To the owner"), "to_substitute": _l("To the substitute"), "to_chief": _l("To the chief"),
        "to_management": _l("To quality and management"),
    }  # fmt: skip
    description_columns = {
        "source": _l("What has the term."),
        "trigger": _l("Everything is counted in working days, towards the safe date."),
        "value": _l("The percentage, or the working days. Once the term is over: every how many days to say it again; 0 says it once."),
        "to_owner": _l("The person who has it, or else the owners of its process. Who is on leave is not told: whoever stands in is."),
        "to_substitute": _l("The substitutes of the process."),
        "to_chief": _l("The chiefs of the process, or else whoever signs the answers."),
        "to_management": _l("Whoever may review the effect of actions."),
        "is_active": _l("Untick it and nobody is told by this rule."),
    }
    formatters_columns = {"source": name_of}
    add_form_extra_fields = {
        "source": SelectField(
            _l("What it watches"), choices=source_choices, description=_l("What has the term."), validators=[InputRequired()]
        ),
        "value": IntegerField(_l("Number"), default=0, validators=[InputRequired()], description=description_columns["value"]),
    }

    def shown(self, item: ReminderRule, name: str) -> Any:
        return in_words(item) if name == "words" else super().shown(item, name)

    def pre_add(self, rule: ReminderRule) -> None:
        """Raises DomainError: the number is none that its moment takes, or nobody would be told."""
        Rule(rule.trigger, rule.value)
        if not (rule.to_owner or rule.to_substitute or rule.to_chief or rule.to_management):
            raise DomainError(N_("Say who is told: the owner, the substitute, the chief or the management."), field="to_owner")

    pre_update = pre_add

    def buttons(self, item: ReminderRule) -> list[Button]:
        told = [Button(_("Who was told"), url_for("ReminderView.list", rule=item.id))] if may("can_list", "Reminder") else []
        return [*told, *super().buttons(item)]

    def related(self, item: ReminderRule) -> list[Related]:
        """The days on which the rule would speak of something that starts today."""
        title = _("What is registered today with %(n)s working days would be told on", n=EXAMPLE_DAYS)
        try:
            calendar = queries.calendar_of(db.session, queries.organisation(db.session))
            steps = list(example_of(Rule(item.trigger, item.value), calendar))
        except DomainError:  # a year of the calendar is missing: there is no example without dates
            return []
        rows = [(say_day(step),) for step in steps] + ([("…",)] if len(steps) == MOST_STEPS else [])
        return [Related(title, (_("Day"),), rows)]


def example_of(rule: Rule, calendar: BusinessCalendar) -> Iterable[Any]:
    """Yield the first steps of *rule* for what starts today with a term of `EXAMPLE_DAYS`."""
    start = calendar.next_working_day(today())
    due_on = calendar.add(start, EXAMPLE_DAYS)
    term, day, last, n = Term(start, due_on, calendar.previous_working_day(due_on)), start, None, 0
    while day <= calendar.add(due_on, MOST_STEPS) and n < MOST_STEPS:
        telling = to_tell(rule, term, last, calendar, day)
        if telling:
            yield telling.step
            last, n = telling.step, n + 1
        day += ONE_DAY


# ── Who was told what ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _mine(_value: str, moment: Moment) -> ColumnElement[bool]:
    return Reminder.user_id == moment.user_id


class OfCase(Text):
    """What was told of a case: of its own term, and of its acts and orders. The value is its number."""

    def condition(self, value: str, moment: Moment) -> ColumnElement[bool] | None:
        return Reminder.pqr_id.in_(select(Pqr.id).where(Pqr.number == "".join(value.split()).upper()))


def link_to_case(pqr: Pqr) -> Markup:
    return Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(pqr.number)


def how_told(message: OutboxMessage | None) -> Any:
    """Return how a reminder reached the person: how the mail stands, or that only the screen says it."""
    if message is None:
        return _("Only on the screen")
    text = _(message.status.value)
    if not may("can_show", "OutboxMessage"):
        return text
    return Markup('<a href="{}">{}</a>').format(url_for("OutboxMessageView.show", pk=message.id), text)


class ReminderView(RuledView):
    """Whom the rules told what. Each reads what they were told, and what was told of the cases that they see."""

    datamodel = SQLAInterface(Reminder)
    route_base = "/reminder"
    class_permission_name = "Reminder"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Reminders given")
    intro = _l("Who was told that something falls due, when and how. What was told only on the screen has no mail.")
    empty_text = _l("Nobody has been reminded of anything yet. Reminders appear here as they are given, in working hours.")
    list_columns = ["told_at", "row_key", "rule", "user", "told_as", "due_on", "how"]
    more_columns = ("how", "source")
    show_fieldsets = [
        (_l("What was told"), {"fields": ["row_key", "source", "pqr", "rule", "due_on", "step", "n_covered"]}),
        (_l("To whom, and how"), {"fields": ["user", "told_as", "told_at", "how"]}),
    ]
    own_facets: tuple[Facet, ...] = (
        Choices("mine", _l("Told to me"), lambda: (("1", N_("Yes")),), _mine),
        OfCase("case", _l("Case"), Reminder.row_key),
    )
    ready_filters = (Ready(N_("Told to me"), "mine=1"),)
    search_words = ("row_key",)
    filter_columns = ("rule", "user", "told_as", "row_key")
    base_order = ("told_at", "desc")
    label_columns = {
        "told_at": _l("Told"), "row_key": _l("About"), "rule": _l("Rule"), "user": _l("Who"), "told_as": _l("As"), "due_on": _l("Last day"),
        "how": _l("How"), "source": _l("What it is"), "pqr": _l("Case"), "step": _l("Fell due on"),
        "n_covered": _l("Earlier ones that it stands for"), "message": _l("Mail"),
    }  # fmt: skip
    formatters_columns = {
        "pqr": link_to_case,
        "user": lambda user: user.get_full_name(),
    }

    def facet_of(self, mapper: Any, name: str) -> Facet | None:
        return None if name in ("pqr", "message") else super().facet_of(mapper, name)

    def scope(self, statement: Select[Any]) -> Select[Any]:
        if may("can_see_all"):
            return statement
        seen = scope_cases(select(Pqr.id), today())
        return statement.where(or_(Reminder.user_id == current_user.id, Reminder.pqr_id.in_(seen)))

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        mail = joinedload(Reminder.message).load_only(OutboxMessage.status)
        return statement.options(mail, joinedload(Reminder.rule), joinedload(Reminder.user), joinedload(Reminder.pqr).load_only(Pqr.number))

    def item(self, pk: str, columns: Iterable[str] = ()) -> Any:
        return super().item(pk, ["rule", "user", "pqr", "message"])

    def shown(self, item: Reminder, name: str) -> Any:
        match name:
            case "how":
                return how_told(item.message)
            case "row_key" if item.pqr and item.pqr.number == item.row_key:
                return link_to_case(item.pqr)
            case "source":
                return name_of(item.rule.source)
            case "step":
                return say_day(date.fromisoformat(item.step))
        return super().shown(item, name)

    def title_of(self, item: Reminder) -> str:
        return f"{name_of(item.rule.source)} {item.row_key}"
