"""Management reviews: prepared from the data, written input by input, decided, and signed once as minutes."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from werkzeug.wrappers import Response
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from app.baseviews import READ_WRITE, Button, RuledView
from app.documents import managementreview as papers
from app.domain import N_
from app.domain.calendar import ONE_DAY
from app.domain.errors import DomainError
from app.domain.managementreview import INPUTS, MAX_TEXT, ReviewStatus, input_of
from app.downloads import send_stored, show_pdf
from app.extensions import db, local, now, today
from app.forms import LenientDateField, UpTo
from app.listviews import Ready
from app.lookups import BIGGEST_ID, lookup
from app.models import ManagementReview, ReviewDecision
from app.operations import managementreview as operations
from app.operations.managementreview import Decided, Said
from app.screens.house import process_choices
from app.screens.records import history_of
from app.security import may
from app.steps import Steps
from app.words import say, tidy

TONES = {ReviewStatus.DRAFT: "warn", ReviewStatus.SIGNED: "ok"}


def _topics() -> list[tuple[str, str]]:
    return [("", _("The system as a whole")), *((each.key, _(each.title)) for each in INPUTS)]


class DecisionForm(FlaskForm):
    text = TextAreaField(
        _l("What was decided"), filters=[tidy], validators=[DataRequired(_l("Write what was decided.")), UpTo(MAX_TEXT)],
        description=_l("When the review is signed it becomes an action, with this text."),
    )  # fmt: skip
    topic = SelectField(_l("What it answers"), choices=_topics)
    process_id = SelectField(_l("Process that carries it out"), coerce=int, choices=process_choices, validators=[InputRequired()])
    responsible = lookup(
        _l("Responsible"), "user", optional=True, description=_l("Write the name or the user name. Empty: the owners of the process.")
    )
    due_on = LenientDateField(_l("Do it by"), validators=[InputRequired(_l("Write until when it is done."))])

    def decided(self) -> Decided:
        """Return what a valid form says."""
        responsible = self.responsible.data
        return Decided(self.text.data or "", self.topic.data or "", self.process_id.data, responsible.id if responsible else None,
                       self.due_on.data)  # fmt: skip


class ManagementReviewView(Steps, RuledView):
    """Management reviews. A draft is written and prepared again at will; what was signed stays."""

    datamodel = SQLAInterface(ManagementReview)
    route_base = "/management-review"
    class_permission_name = "ManagementReview"
    include_route_methods = READ_WRITE | {"prepare", "write", "decide", "change", "drop", "sign", "minutes"}
    show_template = "qms/review.html"
    list_title, add_title = _l("Management reviews"), _l("New management review")
    intro = _l("What the management looked at, what it decided and what became of it (ISO 9001:2015, 9.3).")
    empty_text = _l("There is no management review yet. Prepare one: the system takes from its data what it looks at.")
    form_intro = _l("When you save, the figures of the period are taken from the data, beside those of an equal period before.")
    list_columns = ["number", "held_on", "period_from", "period_until", "status", "signed_by"]
    show_fieldsets = [
        (_l("The review"), {"fields": ["held_on", "period_from", "period_until", "status", "prepared_at", "signed_by", "signed_at"]})
    ]
    add_columns = edit_columns = ["held_on", "period_from", "period_until"]
    search_words = ("number",)
    base_order = ("number", "desc")
    ready_filters = (Ready(N_("To be signed"), "status=DRAFT"), Ready(N_("Held this year"), "held_on=year"))
    label_columns = {
        "number": _l("Number"), "held_on": _l("Held on"), "period_from": _l("Period from"), "period_until": _l("Period until"),
        "status": _l("State"), "prepared_at": _l("Data taken at"), "signed_by": _l("Signed by"), "signed_at": _l("Signed at"),
    }  # fmt: skip
    description_columns = {
        "held_on": _l("The day on which the management meets."),
        "period_from": _l("Usually the day after the last period that was reviewed."),
        "period_until": _l("Last day that is looked at."),
    }
    formatters_columns = {"signed_by": lambda user: user.get_full_name()}

    def title_of(self, item: ManagementReview) -> str:
        return item.number

    def may_edit(self, item: ManagementReview) -> bool:
        return item.status is ReviewStatus.DRAFT

    def prefill(self, form: Any) -> None:
        """Propose to go on where the last review ended, until today."""
        last = db.session.scalar(select(func.max(ManagementReview.period_until)))
        until = today() - ONE_DAY
        since = last + ONE_DAY if last and last < until else until.replace(month=1, day=1)
        form.held_on.data, form.period_from.data, form.period_until.data = today(), since, until

    def pre_add(self, item: ManagementReview) -> None:
        operations.enter_review(db.session(), item, at=now())

    def pre_update(self, item: ManagementReview) -> None:
        operations.amend_review(db.session(), item, at=now())

    # The page

    def buttons(self, item: ManagementReview) -> list[Button]:
        found = []
        if self.may_do("minutes"):
            label = _("Minutes (PDF)") if item.status is ReviewStatus.SIGNED else _("Preview of the minutes")
            found.append(Button(label, url_for("ManagementReviewView.minutes", pk=item.id)))
        if item.status is ReviewStatus.DRAFT and self.may_do("prepare"):
            confirm = _("The figures are taken from the data again. What you wrote stays.")
            found.append(Button(_("Take the data again"), url_for("ManagementReviewView.prepare", pk=item.id), True, confirm))
        if item.status is ReviewStatus.DRAFT and self.may_do("sign"):
            found.append(Button(_("Sign"), url_for("ManagementReviewView.sign", pk=item.id)))
        return found + history_of("management_review", item.id)

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> Any:
        """The review: what was prepared, what was said, what was decided."""
        return self._page(self.item(pk, ("signed_by",)))

    def _page(self, item: ManagementReview, said: Said | None = None, problem: str = "") -> Any:
        """Return the page; *said* is what somebody typed and is not stored, *problem* says why not."""
        prepared = item.facts.get("inputs", {}) if item.facts else {}
        is_old = item.status is ReviewStatus.DRAFT and item.prepared_at is not None and local(item.prepared_at).date() < today()
        page = self.render_template(
            self.show_template, view=self, item=item, title=item.number, fieldsets=self.fieldsets_of(item), related=[],
            buttons=self.buttons(item), inputs=INPUTS, prepared=prepared, before=(item.facts or {}).get("before"), is_old=is_old,
            decisions=operations.decisions_of(db.session(), item), may_write=self.may_edit(item) and self.may_do("write"),
            said=said or self._stored(item), problem=problem, cell=papers.say_cell, tone_of=papers.tone_of, input_of=input_of,
            seen=request.form.get("seen", "") if problem else self._seen(item), may_see_actions=may("can_show", "Action"), tones=TONES,
        )  # fmt: skip
        return page, 422 if problem else 200

    @staticmethod
    def _stored(item: ManagementReview) -> Said:
        return Said({each.key: operations.remark_of(item, each.key) for each in INPUTS}, item.attendees, item.conclusion)

    @expose("/write/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def write(self, pk: str) -> Any:
        """Keep what was written; when somebody else wrote meanwhile, say so and keep what was typed in the page."""
        item = self.item(pk)
        remarks = {each.key: tidy(request.form.get(f"remark-{each.key}")) for each in INPUTS}
        said = Said(remarks, tidy(request.form.get("attendees")), tidy(request.form.get("conclusion")))
        longest = max(len(text) for text in (*remarks.values(), said.attendees, said.conclusion))
        if longest > MAX_TEXT:
            return self._page(item, said, _("A text has %(n)s characters, and %(most)s at most fit. Nothing is saved yet.",
                                            n=longest, most=MAX_TEXT))  # fmt: skip
        if request.form.get("seen", "") != self._seen(item):
            return self._page(item, said, _("Somebody else wrote in this review meanwhile. Nothing is saved yet: open it in another tab, "
                                            "put both together, and save there."))  # fmt: skip
        return self._press(pk, lambda review: operations.write(db.session(), review, said), _("Saved."))

    # What is done to it

    @expose("/prepare/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def prepare(self, pk: str) -> Response:
        """Take from the data again what a draft looks at."""
        done = _("The figures are those of now.")
        return self._press(pk, lambda review: operations.prepare(db.session(), review, at=now()), done)

    @expose("/decide/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def decide(self, pk: str) -> Any:
        """Write another decision."""
        form = DecisionForm(data=None if request.method == "POST" else {"topic": request.args.get("topic", "")})
        help = _l("Who does what, until when. The action that comes of it waits for its plan as any other.")
        return self._step(pk, form, _("Decide"), help, lambda review: operations.decide(db.session(), review, form.decided()))

    @expose("/change/<pk>/<int:key>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def change(self, pk: str, key: int) -> Any:
        """Write a decision anew."""
        decision = self._decision(pk, key)
        form = DecisionForm(obj=decision)
        help = _l("Until the review is signed a decision may still change.")
        return self._step(pk, form, _("Change a decision"), help,
                          lambda _review: operations.change_decision(db.session(), decision, form.decided()))  # fmt: skip

    @expose("/drop/<pk>/<int:key>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def drop(self, pk: str, key: int) -> Response:
        """Take a decision out of a draft."""
        decision = self._decision(pk, key)
        return self._press(pk, lambda _review: operations.drop_decision(db.session(), decision), _("The decision is out of the review."))

    def _decision(self, pk: str, key: int) -> ReviewDecision:
        found = select(ReviewDecision).where(ReviewDecision.id == min(key, BIGGEST_ID), ReviewDecision.review_id == self.item(pk).id)
        return db.session.scalars(found).first() or abort(404)

    @expose("/sign/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("sign")
    def sign(self, pk: str) -> Any:
        """Sign the minutes: each decision becomes an action, and nothing changes any more."""
        help = _l("Each decision becomes an action of its process, the minutes get their seal, and nothing of the review changes any more.")
        return self._step(pk, FlaskForm(), _("Sign"), help, self._signed)

    @staticmethod
    def _signed(review: ManagementReview) -> None:
        papers.sign(db.session(), review, current_user._get_current_object(), at=now())

    @expose("/minutes/<pk>", methods=["GET"])
    @has_access
    @permission_name("download")
    def minutes(self, pk: str) -> Response:
        """The minutes as they were signed; before, as they would be, marked as a draft."""
        item = self.item(pk, ("document",))
        if item.document is not None:
            return send_stored(item.document.file, inline=True)
        try:
            content = papers.preview(db.session(), item, current_user, now())
        except DomainError as error:
            flash(say(error), "warning")
            return redirect(self.row_url(item))
        return show_pdf(content, f"{item.number}.pdf")
