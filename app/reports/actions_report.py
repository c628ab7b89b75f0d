"""
Actions and whether they worked: what was asked in a period, how far it came, what was in time, and what the reviews of the period found.

What each figure counts: docs/rules/action-report.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, func, select

from app.domain import N_
from app.domain.actions import ActionMove
from app.domain.effectiveness import Figure as Measured
from app.domain.effectiveness import reduction
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus, EffectMeasure, EffectVerdict
from app.domain.punctuality import Punctuality
from app.domain.reports import ReportGroup
from app.models import Action, ActionEvent, ActionReview, Process
from app.reports.base import Cells, Column, Figure, Kind, Linked, Offer, Part
from app.reports.grouping import (
    ALL,
    OF_PUNCTUALITY,
    SHARE_IN_TIME,
    By,
    Count,
    More,
    PeriodReport,
    ProcessForm,
    enum_field,
    grouped,
    in_time,
    punctuality_of,
    said,
    share,
)

#: The steps that are counted, in the order of the path.
STEPS = (
    ActionMove.ANALYSE, ActionMove.MEASURE, ActionMove.PLAN, ActionMove.RETURN, ActionMove.APPROVE, ActionMove.CARRY_OUT, ActionMove.JUDGE,
    ActionMove.REOPEN, ActionMove.FINISH, ActionMove.POSTPONE, ActionMove.CANCEL,
)  # fmt: skip

ROWS = (
    Column(N_("Number"), Kind.TEXT, 14), Column(N_("What has to be done"), Kind.TEXT, 44, wraps=True), Column(N_("Kind"), Kind.TEXT, 14),
    Column(N_("What asked for it"), Kind.TEXT, 24), Column(N_("Process"), Kind.TEXT, 24), Column(N_("Responsible"), Kind.TEXT, 24),
    Column(N_("Asked on"), Kind.DATE, 12), Column(N_("Do it by"), Kind.DATE, 12), Column(N_("Done on"), Kind.DATE, 12),
    Column(N_("What became of its day"), Kind.TEXT, 26), Column(N_("State"), Kind.TEXT, 22), Column(N_("Rounds"), Kind.INT, 8),
    Column(N_("Root cause"), Kind.TEXT, 44, wraps=True), Column(N_("Review on"), Kind.DATE, 12), Column(N_("Effect"), Kind.TEXT, 14),
    Column(N_("Ended on"), Kind.DATE, 12), Column(N_("How it ended"), Kind.TEXT, 44, wraps=True),
)  # fmt: skip
REVIEWS = (
    Column(N_("Reviewed on"), Kind.DATE, 12), Column(N_("Action"), Kind.TEXT, 14),
    Column(N_("What has to be done"), Kind.TEXT, 44, wraps=True), Column(N_("Process"), Kind.TEXT, 24),
    Column(N_("Round of the action"), Kind.INT, 8),
    Column(N_("How its effect is measured"), Kind.TEXT, 30), Column(N_("Goal"), Kind.DECIMAL, 10), Column(N_("Before"), Kind.DECIMAL, 12),
    Column(N_("After"), Kind.DECIMAL, 12), Column(N_("Fell by, percent"), Kind.DECIMAL, 12), Column(N_("Figures propose"), Kind.TEXT, 14),
    Column(N_("Decided"), Kind.TEXT, 14), Column(N_("Reviewed by"), Kind.TEXT, 24), Column(N_("Why"), Kind.TEXT, 44, wraps=True),
)  # fmt: skip


class ActionForm(ProcessForm):
    """Besides the period and the process: a kind, an origin, what became of the day, and a step that was taken."""

    kind = enum_field(_l("Kind"), ActionKind)
    origin = enum_field(_l("What asked for it"), ActionOrigin)
    punctuality = enum_field(_l("What became of its day"), Punctuality)
    step = enum_field(_l("A step that was taken"), ActionMove)


def _status(*wanted: ActionStatus) -> dict[str, str]:
    return {"status": ",".join(each.name for each in wanted)}


COUNTS = (
    Count(N_("Actions asked for"), lambda _fact: True, {}, {}),
    Count(N_("Under way"), lambda fact: not fact.status.is_over, _status(*(each for each in ActionStatus if not each.is_over))),
    Count(N_("Finished"), lambda fact: fact.status is ActionStatus.DONE, _status(ActionStatus.DONE)),
    Count(N_("Called off"), lambda fact: fact.status is ActionStatus.CANCELLED, _status(ActionStatus.CANCELLED)),
)  # fmt: skip


class ActionReport(PeriodReport):
    """The actions asked in the period, as they stand today, and the reviews of the period."""

    identifier = "actions"
    name = N_("Actions and their effect")
    description = N_("Actions asked in the period by origin, kind, process and state; in time, steps taken, and what their reviews found.")
    form = ActionForm
    list_path, list_right = "/action/list/", ("can_list", "Action")
    beyond = ("punctuality", "step")

    def _listed(self) -> dict[str, str]:
        form = self._asked.form
        return {"asked_on": str(self._span), "process": form.of_process.data, "kind": form.kind.data, "origin": form.origin.data}

    def _sees_all(self) -> bool:
        return self._reader.may("can_see_all", "Action")

    # What is counted

    @cached_property
    def _day(self) -> Any:
        """Whether its last day was kept: by the day on which the plan was carried out, of a correction that on which it ended."""
        done_on = func.coalesce(Action.carried_out_on, Action.ended_on)
        is_done = and_(Action.status != ActionStatus.CANCELLED, done_on.is_not(None))
        return punctuality_of(
            done_on, Action.due_on, self._today, is_done=is_done, is_undone=Action.status == ActionStatus.CANCELLED
        )  # fmt: skip

    def _of_form(self, statement: Select[Any]) -> Select[Any]:
        """Return *statement* over Action limited to the reader and to what the form says, whatever the day."""
        form = self._asked.form
        statement = self._reader.scope("action", statement)
        chosen = (Action.process_id, form.process_id), (Action.kind, form.chosen("kind", ActionKind)), (
            Action.origin, form.chosen("origin", ActionOrigin)), (self._day, form.chosen("punctuality", Punctuality))  # fmt: skip
        statement = statement.where(*(column == value for column, value in chosen if value is not None))
        if move := form.chosen("step", ActionMove):
            taken = select(ActionEvent.id).where(ActionEvent.action_id == Action.id, ActionEvent.move == move.name)
            statement = statement.where(taken.exists())
        return statement

    def _wanted(self, *columns: Any) -> Select[Any]:
        span = self._span
        return self._of_form(select(*columns).select_from(Action).where(Action.asked_on.between(span.since, span.until)))

    def _statement(self) -> Select[Any]:
        rows = self._wanted().join(Process, Process.id == Action.process_id)
        return grouped(
            rows, Action.origin.label("origin"), Action.kind.label("kind"), Action.status.label("status"),
            Action.process_id.label("process_id"), Process.name.label("process"), self._day.label("punctuality"),
            (Action.round > 1).label("is_again"),
        )  # fmt: skip

    @cached_property
    def _reviewed(self) -> Sequence[Any]:
        """How many reviews of the period there are by measure and verdict."""
        return self._session.execute(
            grouped(self._reviews(), ActionReview.measure.label("measure"), ActionReview.verdict.label("verdict"))
        ).all()

    def _reviews(self) -> Select[Any]:
        rows = select().select_from(ActionReview).join(Action, Action.id == ActionReview.action_id)
        return self._of_form(rows.where(ActionReview.reviewed_on.between(self._span.since, self._span.until)))

    # What it says

    def headline(self) -> list[Figure]:
        settled, effective = self._n_reviews(), self._n_reviews(EffectVerdict.EFFECTIVE)
        late = self._n(lambda fact: fact.punctuality is Punctuality.OVERDUE)
        told = [
            Figure(_("Actions asked in the period"), self._n(), self.to({}, {})),
            Figure(_("Finished"), self._n(COUNTS[2].counts), self.to(COUNTS[2].narrows)),
            Figure(_("Past their day and not done"), late, self.own({"punctuality": "OVERDUE"}), tone="bad" if late else ""),
            Figure(_("Taken up again: they had not worked"), self._n(lambda fact: fact.is_again), self.own({"step": "REOPEN"})),
            Figure(_("Reviews of effect in the period"), settled, self._part("reviews")),
            Figure(_("Found effective"), effective),
        ]
        for label, percent in ((_("Done in time"), in_time(self.facts)), (_("Effective, of those reviewed"), share(effective, settled))):
            told += [Figure(label, percent, unit="%")] if percent is not None else []
        return told

    def _part(self, key: str) -> str:
        return self.own({}).replace(f"/part/{self.detail_key}", f"/part/{key}")

    def _n_reviews(self, verdict: EffectVerdict | None = None) -> int:
        return sum(row.n for row in self._reviewed if verdict in (None, row.verdict))

    def _made(self) -> Iterator[Part]:
        about = _(
            "Actions asked in the period, as they stand today. What became of the day is told by the day on which the plan was carried "
            "out, or a correction ended, against its last day."
        )
        for n, (key, title, by) in enumerate(self._groupings()):
            counts = COUNTS if key != "states" else COUNTS[:1]
            yield self.table(
                key, _(title), by, (*counts, *OF_PUNCTUALITY), (SHARE_IN_TIME,), about=about if not n else "", has_plot=key != "states"
            )
        yield self._steps()
        yield self._effects()
        yield self.detail(
            _("Reviews of effect"), REVIEWS, self._review_rows, self._n_reviews, key="reviews",
            about=_("Reviews decided in the period, whenever the action was asked. Each figure compares windows of the same length."),
        )  # fmt: skip
        yield self.detail(_("Actions, one by one"), ROWS, self._rows, self._n)

    def _groupings(self) -> Iterator[tuple[str, str, By]]:
        names = {fact.process_id: fact.process for fact in self.facts}
        yield "origins", N_("By origin"), By(N_("What asked for it"), lambda fact: fact.origin, said, "origin", "origin")
        yield "kinds", N_("By kind"), By(N_("Kind"), lambda fact: fact.kind, said, "kind", "kind", in_order=True)
        yield "processes", N_("By process"), By(
            N_("Process"), lambda fact: fact.process_id, lambda key: str(names[key]), "process", "process"
        )
        yield "states", N_("By state"), By(N_("State"), lambda fact: fact.status, said, "status", in_order=True)

    def _steps(self) -> Part:
        """How many actions took each step, and how often."""
        counted = select(ActionEvent.move, func.count(ActionEvent.action_id.distinct()), func.count()).where(
            ActionEvent.action_id.in_(self._wanted(Action.id)), ActionEvent.move.in_([move.name for move in STEPS])
        )
        found = {move: (n, times) for move, n, times in self._session.execute(counted.group_by(ActionEvent.move))}
        lines = []
        for move in STEPS:
            if move.name in found:
                n, times = found[move.name]
                lines.append((_(move.value), Linked(n, self.own({"step": move.name})), times))
        header = (Column(N_("Step"), Kind.TEXT, 40), Column(N_("Actions that took it"), Kind.INT, 12), Column(N_("Times"), Kind.INT, 10))
        about = _("Each step has its gates: without a root cause, a measure and tasks no plan is sent, and nothing ends without a review.")
        return Part("steps", _("Steps taken"), header, lambda: (line for line in lines), about)

    def _effects(self) -> Part:
        by = By(N_("How its effect is measured"), lambda fact: fact.measure, said, in_order=True)
        counts = (
            Count(N_("Reviews"), ALL.counts), *(Count(each.value, _has_verdict(each)) for each in EffectVerdict)
        )  # fmt: skip
        percent = More(Column(N_("Effective, percent"), Kind.DECIMAL, 12), _effective)
        return self.table("effects", _("Effect by measure"), by, counts, (percent,), facts=self._reviewed)

    # One by one

    def _rows(self, limit: int | None) -> Iterator[Cells]:
        columns = (
            Action.id, Action.number, Action.title, Action.kind, Action.origin, Action.origin_key, Process.name.label("process"),
            (User.first_name + " " + User.last_name).label("responsible"), Action.asked_on, Action.due_on,
            func.coalesce(Action.carried_out_on, Action.ended_on).label("done_on"), self._day.label("punctuality"), Action.status,
            Action.round, Action.cause, Action.review_on, Action.verdict, Action.ended_on, Action.result,
        )  # fmt: skip
        rows = self._wanted(*columns).join(Process, Process.id == Action.process_id).outerjoin(User, User.id == Action.responsible_id)
        for row in self.stream(rows.order_by(Action.asked_on, Action.id), limit):
            is_off = row.punctuality is Punctuality.UNDONE
            yield (
                Linked(row.number, f"/action/show/{row.id}"), row.title, _(row.kind.value),
                f"{_(row.origin.value)} {row.origin_key}".strip(), row.process, row.responsible,
                row.asked_on, row.due_on, None if is_off else row.done_on, _(row.punctuality.value),
                _(row.status.value), row.round, row.cause, row.review_on, _(row.verdict.value) if row.verdict else None, row.ended_on,
                row.result,
            )  # fmt: skip

    def _review_rows(self, limit: int | None) -> Iterator[Cells]:
        one = ActionReview
        columns = (
            one.reviewed_on, Action.id.label("action_id"), Action.number, Action.title, Process.name.label("process"), one.round,
            one.measure, one.goal,
            one.before_n, one.before_of, one.before_value, one.after_n, one.after_of, one.after_value, one.proposed, one.verdict,
            (User.first_name + " " + User.last_name).label("reviewer"), one.reason,
        )  # fmt: skip
        rows = self._reviews().with_only_columns(*columns, maintain_column_froms=True)
        rows = rows.join(Process, Process.id == Action.process_id).outerjoin(User, User.id == one.reviewed_by_id)
        for row in self.stream(rows.order_by(one.reviewed_on, one.id), limit):
            before, after = Measured(row.before_n, row.before_of, row.before_value), Measured(row.after_n, row.after_of, row.after_value)
            yield (
                row.reviewed_on, Linked(row.number, f"/action/show/{row.action_id}"), row.title, row.process, row.round,
                _(row.measure.value), row.goal, row.before_value, row.after_value,
                None if row.measure is EffectMeasure.JUDGED else reduction(before, after),
                _(row.proposed.value) if row.proposed else None, _(row.verdict.value), row.reviewer, row.reason,
            )  # fmt: skip


def _has_verdict(verdict: EffectVerdict) -> Any:
    return lambda fact: fact.verdict is verdict


def _effective(facts: Sequence[Any]) -> Any:
    return share(sum(fact.n for fact in facts if fact.verdict is EffectVerdict.EFFECTIVE), sum(fact.n for fact in facts))


OFFER = Offer(
    ActionReport, ReportGroup.QUALITY, ("can_list", "ActionReport"), ActionReport,
    N_("For quality and the owners of processes: what was asked, what is late, and whether what was done worked."),
    "ISO 9001:2015, 10.2", words=(N_("corrective"), N_("improvement"), N_("effectiveness"), N_("plan")),
)  # fmt: skip
