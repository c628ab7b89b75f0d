"""
Mass events: the list that people keep, and what is done with one to all its cases at once.

Every case is done by itself and committed with a few others, so that nobody waits for five hundred; what was refused says why.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import Field, Form
from wtforms.validators import StopValidation

from app import asking, queries
from app.baseviews import READ_WRITE, Button, Related, RuledView
from app.caselist import holds
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.improvement import ActionOrigin
from app.domain.states import Move, PqrStatus
from app.extensions import db, now, today
from app.forms import NotBefore
from app.lookups import LOOKUPS
from app.models import MassEvent, Pqr
from app.operations import answers, mass
from app.operations.mass import Result
from app.security import may, scope_cases
from app.verbs import VERBS
from app.verbs.handling import fingerprint
from app.words import say, tidy

BATCH = 20  # cases between two commits: whoever files meanwhile waits for these at most
PATIENCE = 25.0  # seconds of one press; what is left waits for the next
N_SHOWN = 50
#: What a press takes: the cases of the event in these states.
TO_SOLVE, TO_ISSUE = (PqrStatus.ROUTED, PqrStatus.SOLVED), (PqrStatus.SOLVED,)


class EventText:
    """Validator of the text of an event: whoever writes it hears of a wrong {field}."""

    def __call__(self, form: Form, field: Field) -> None:
        try:
            answers.check_template(field.data or "", (*answers.FIELDS, *mass.FIELDS))
        except DomainError as error:
            raise StopValidation(say(error)) from error


def _fields_in_braces() -> str:
    return ", ".join(f"{{{name}}}" for name in (*answers.FIELDS, *mass.FIELDS))


class MassEventView(RuledView):
    """Something that many ask about: its cases share the investigation, the action and the text, and nothing else."""

    datamodel = SQLAInterface(MassEvent)
    route_base = "/massevent"
    class_permission_name = "MassEvent"
    include_route_methods = READ_WRITE | {"apply", "issue", "link"}
    list_title, add_title = _l("Mass events"), _l("New mass event")
    intro = _l("One investigation, one action and one text for many cases. Each keeps its number, its date and its letter.")
    empty_text = _l("There are no mass events. Add one when many people ask about the same thing: a cut, dirty water, a wrong bill.")
    list_columns = ["name", "service", "sector", "since_on", "until_on", "outcome"]
    show_fieldsets = [
        (_l("What happened"), {"fields": ["service", "sector", "since_on", "until_on", "what"]}),
        (_l("What was found and done"), {"fields": ["investigation", "action"]}),
        (_l("How its cases are answered"), {"fields": ["outcome", "solution", "answer_text"]}),
    ]
    add_fieldsets = [
        (_l("What happened"), {"fields": ["name", "service", "sector", "since_on", "until_on", "what"]}),
        *show_fieldsets[1:2],
        (
            _l("How its cases are answered"),
            {"fields": ["outcome", "solution", "answer_text"], "help": _l("It may wait until it is known what happened.")},
        ),
    ]
    search_words = ("name", "sector", "what")
    filter_columns = ("service", "outcome")
    base_order = ("since_on", "desc")
    label_columns = {
        "name": _l("Name"), "service": _l("Service"), "since_on": _l("Since"), "until_on": _l("Until"), "sector": _l("Sector"),
        "what": _l("What happened"), "investigation": _l("Investigation"), "action": _l("What is done about it"),
        "outcome": _l("Sense of the answer"), "solution": _l("Solution of each case"), "answer_text": _l("Text of the answer"),
    }  # fmt: skip
    description_columns = {
        "name": _l("Short, as people will look for it: “Cut of 14 July in La Floresta”."),
        "until_on": _l("Empty: it goes on."),
        "sector": _l("Neighbourhoods, streets or zones that it touches."),
        "solution": _l("What was found and done; it is recorded in every case."),
    }
    validators_columns = {"answer_text": [EventText()], "until_on": [NotBefore("since_on")]}

    def _init_properties(self) -> None:
        fields = _l("These words are filled from the case and the event: %(fields)s.", fields=_fields_in_braces())
        self.description_columns = {**self.description_columns, "answer_text": fields}
        super()._init_properties()

    # What hangs on it

    def related(self, item: MassEvent) -> list[Related]:
        ids = scope_cases(select(Pqr.id).where(Pqr.mass_event_id == item.id), today())
        columns = (_("Number"), _("Subject"), _("State"), _("Filed"), _("Due"))
        rows = [
            (Markup('<a class="num" href="/pqr/{0}">{0}</a>').format(line.number), line.subject, line.status, line.filed_on, line.due_on)
            for line in queries.case_lines(db.session, ids, limit=10)
        ]
        cases = Related(_("Its cases, the newest first"), columns, rows, url_for("CaseView.list", mass_event=item.id))
        return [cases, *asking.asked_by(ActionOrigin.MASS_EVENT, item)]

    def buttons(self, item: MassEvent) -> list[Button]:
        n = self._n_in(item) if self.may_do("apply") or self.may_do("issue") else {}
        n_solving, n_issuing = n.get(PqrStatus.ROUTED, 0), n.get(PqrStatus.SOLVED, 0)
        doors = (
            ("apply", _("Solve its cases (%(n)s)", n=n_solving), n_solving),
            ("issue", _("Issue its answers (%(n)s)", n=n_issuing), n_issuing),
        )
        found = [Button(text, url_for(f"MassEventView.{name}", pk=item.id)) for name, text, each in doors if each and self.may_do(name)]
        return found + asking.ask_about(ActionOrigin.MASS_EVENT, item)

    def _n_in(self, event: MassEvent) -> dict[PqrStatus, int]:
        counted = scope_cases(select(Pqr.status, func.count()).where(Pqr.mass_event_id == event.id), today()).group_by(Pqr.status)
        return dict(tuple(row) for row in db.session.execute(counted))

    # Many at once

    @expose("/apply/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("apply")
    def apply(self, pk: str) -> Any:
        """Record the solution of the event in each of its open cases, and draft the letter of each."""
        event = self.item(pk)

        def act(pqr: Pqr) -> None:
            mass.solve(db.session, event, pqr, at=now(), actor_id=current_user.id)

        return self._page(event, "apply", TO_SOLVE, act)

    @expose("/issue/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("issue")
    def issue(self, pk: str) -> Any:
        """Approve and issue the letter of each solved case, with its own number; with consent its link leaves by e-mail."""
        event = self.item(pk)

        def act(pqr: Pqr) -> None:
            mass.check_letter(event, pqr)
            who = {"at": now(), "actor_id": current_user.id}
            VERBS[Move.ISSUE_ANSWER].run(db.session, pqr, {"seen": fingerprint(db.session, pqr)}, who)

        return self._page(event, "issue", TO_ISSUE, act)

    def _page(self, event: MassEvent, name: str, statuses: tuple[PqrStatus, ...], act: Callable[[Pqr], None]) -> Any:
        """Show the cases that would be done, or do them and show what became of each."""
        problem, results = "", []
        try:
            mass.check_ready(event)
        except DomainError as error:
            problem = say(error)
        wanted = scope_cases(mass.linked(event, *statuses), today())
        ids = list(db.session.scalars(wanted.with_only_columns(Pqr.id)))
        if request.method == "POST" and not problem:
            results = self._done(ids, act)
            event, done = self.item(str(event.id)), {each.pqr_id for each in results}
            ids = [each for each in ids if each not in done]
        lines = self._with_letters(event, ids[:N_SHOWN])
        facts = {"event": event, "name": name, "problem": problem, "results": results, "n_left": len(ids), "lines": lines, "say": say}
        page = self.render_template("mass/do.html", view=self, n_done=sum(each.error is None for each in results), **facts)
        return (page, 422) if problem and request.method == "POST" else page

    def _done(self, ids: list[int], act: Callable[[Pqr], None]) -> list[Result]:
        """Do *act* to each case, a batch a transaction, until all are done or the patience of a press is over."""

        def held(pqr: Pqr) -> None:
            if not holds(pqr):
                raise MoveRefused(N_("Another process has it now."))
            act(pqr)

        results: list[Result] = []
        end = monotonic() + PATIENCE
        for start in range(0, len(ids), BATCH):
            results += mass.one_by_one(db.session, db.session.scalars(_whole(ids[start : start + BATCH])).all(), held)
            db.session.commit()
            if monotonic() > end:
                break
        return results

    def _with_letters(self, event: MassEvent, ids: list[int]) -> list[tuple[Pqr, str]]:
        """Return the cases with the letter that the event writes to each; none while its text cannot be filled."""
        queries.organisation(db.session)
        pqrs = db.session.scalars(_whole(ids)).all()
        try:
            return [(pqr, mass.letter_for(event, pqr)) for pqr in pqrs]
        except DomainError:
            return [(pqr, "") for pqr in pqrs]

    # One case

    @expose("/link/<number>", methods=["POST"])
    @has_access
    @permission_name("list")
    def link(self, number: str) -> Response:
        """Say on the page of a case which event it is about; an empty box takes it out."""
        pqr = db.session.scalar(scope_cases(select(Pqr).where(Pqr.number == number.upper()), today())) or abort(404)
        if not (may("can_link_event") and holds(pqr)):
            abort(403)
        name = tidy(request.form.get("event", ""))
        event = db.session.scalar(LOOKUPS["event"].find(name)) if name else None
        if name and event is None:
            flash(_("There is no mass event called “%(name)s”. Choose one of the list.", name=name), "warning")
        else:
            try:
                mass.link(db.session, pqr, event)
                db.session.commit()
                flash(_("The case is about “%(event)s”.", event=event.name) if event else _("The case is about no mass event."), "success")
            except DomainError as error:
                db.session.rollback()
                flash(say(error), "warning")
        return redirect(url_for("CaseView.show", number=number))


def _whole(ids: list[int]) -> Select[tuple[Pqr]]:
    """Return the SELECT of these cases with all that their letters name."""
    parts = (Pqr.party, Pqr.account, Pqr.answer, Pqr.request_type, Pqr.term, Pqr.process)
    return select(Pqr).where(Pqr.id.in_(ids)).options(*map(joinedload, parts)).order_by(Pqr.id)
