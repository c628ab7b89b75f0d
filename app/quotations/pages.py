"""The register of quotations and the page of one: what is offered, to whom, what came of it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, select
from wtforms import Form

from app import queries
from app.baseviews import READ_WRITE, Button, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.quotations import (
    AGEING,
    QUOTATION_MOVES,
    ContactMeans,
    LossReason,
    QuotationMove,
    QuotationStatus,
    QuoteTotals,
    bucket_of,
    may_move,
    moved,
    totals,
)
from app.extensions import db, now, today
from app.intake import blame, fill_choices
from app.listing import Choices, Moment, Rows
from app.listviews import Ready
from app.models import Contract, PartyContact, Process, Quotation
from app.money.base import row_of
from app.operations import contracts
from app.operations import quotations as operations
from app.quotations.forms import AcceptForm, FollowUpForm, LineForm, QuotationForm, RejectForm, ReviseForm, WithdrawForm, say_rate
from app.quotations.sending import Sending
from app.reports.base import Kind
from app.security import may
from app.steps import Steps
from app.words import say, say_day, say_number, say_pesos

MOST_ROWS, FEW_ROWS = 60, 4
DEFAULTS = {
    "quotation.vat_rates": "19 5 0", "quotation.validity_days": "30", "quotation.delivery": "", "quotation.payment": "",
    "quotation.conditions": "",
}  # fmt: skip
TONES = {
    QuotationStatus.DRAFT: "stop", QuotationStatus.SENT: "info", QuotationStatus.ACCEPTED: "ok", QuotationStatus.REJECTED: "bad",
    QuotationStatus.EXPIRED: "warn", QuotationStatus.WITHDRAWN: "stop",
}  # fmt: skip
#: How each bucket of AGEING looks.
AGE_TONES = ("ok", "info", "warn", "soon", "bad")
#: Facts that are said only when there are some.
IF_ANY = {"age", "valid_until", "sent_on", "first_sent_on", "n_days_to_send", "next_follow_up_on", "decided_on", "loss_reason",
          "decision_note"}  # fmt: skip
#: What the history says of each move.
HAPPENED = {
    QuotationMove.WRITE: N_("Written"), QuotationMove.SEND: N_("Sent to the customer"), QuotationMove.REVISE: N_("New version begun"),
    QuotationMove.ACCEPT: N_("Accepted by the customer"), QuotationMove.REJECT: N_("Rejected by the customer"),
    QuotationMove.EXPIRE: N_("Its validity ended"), QuotationMove.WITHDRAW: N_("Withdrawn by us"),
    QuotationMove.FOLLOW_UP: N_("The customer was spoken to"), QuotationMove.CONTRACT: N_("Contract made"),
}  # fmt: skip

# ── Filters ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

BUCKETS = (
    ("0", N_("up to 7 days")), ("1", N_("8 to 15 days")), ("2", N_("16 to 30 days")), ("3", N_("31 to 60 days")),
    ("4", N_("more than 60 days")),
)  # fmt: skip
FOLLOWED = (("due", N_("for today or before")), ("none", N_("sent, and no day agreed")))
CONTRACTED = (("none", N_("accepted, without one yet")), ("made", N_("made")))


def _aged(value: str, moment: Moment) -> ColumnElement[bool]:
    """Return the condition of what was sent so many days ago and still waits for its answer."""
    first, last = AGEING[int(value)]
    clauses = [Quotation.status == QuotationStatus.SENT, Quotation.sent_on <= moment.today - timedelta(days=first)]
    if last is not None:
        clauses.append(Quotation.sent_on >= moment.today - timedelta(days=last))
    return and_(*clauses)


def _to_follow(value: str, moment: Moment) -> ColumnElement[bool]:
    if value == "due":
        followed = Quotation.status.in_(QUOTATION_MOVES[QuotationMove.FOLLOW_UP])
        return and_(followed, Quotation.next_follow_up_on <= moment.today)
    return and_(Quotation.status == QuotationStatus.SENT, Quotation.next_follow_up_on.is_(None))


def _of_contract(value: str, _moment: Moment) -> ColumnElement[bool]:
    made = select(Contract.id).where(Contract.quotation_id == Quotation.id).exists()
    return made if value == "made" else and_(Quotation.status == QuotationStatus.ACCEPTED, ~made)


OWN_FACETS = (
    Choices("ageing", _l("Days since it was sent"), lambda: BUCKETS, _aged),
    Choices("follow_up", _l("Follow-up"), lambda: FOLLOWED, _to_follow),
    Choices("contract", _l("Contract"), lambda: CONTRACTED, _of_contract),
    Rows("responsible", _l("Person responsible"), Quotation.responsible_id, User, User.id, "user", True,
         own=lambda moment: Quotation.responsible_id == moment.user_id),
)  # fmt: skip
READY = (
    Ready(_l("Waiting for an answer"), "status=SENT&order=sent_on"),
    Ready(_l("To speak to today"), "follow_up=due&order=next_follow_up_on"),
    Ready(_l("About to expire"), "status=SENT&valid_until=next5&order=valid_until"),
    Ready(_l("Drafts"), "status=DRAFT"),
    Ready(_l("Accepted, without contract"), "contract=none"),
    Ready(_l("Mine"), "responsible=me"),
)


# ── The register ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class QuotationView(Sending, Steps, RuledView):
    """Quotations, by the day on which they were sent (commercial procedure, 5.1)."""

    datamodel = SQLAInterface(Quotation)
    route_base = "/quotation"
    class_permission_name = "Quotation"
    include_route_methods = READ_WRITE | Sending.route_names | {"revise", "accept", "reject", "withdraw", "follow_up", "contract"}
    list_title, add_title = _l("Quotations"), _l("New quotation")
    empty_text = _l("Nothing has been quoted yet. Write the first quotation: its number comes by itself.")
    show_template = "quotations/show.html"
    list_columns = ["number", "status", "party", "subject", "total_cop", "sent_on", "age"]
    show_fieldsets = [
        (_l("What and for whom"), {"fields": ["status", "party", "contact", "subject", "request", "requested_on", "process",
                                              "responsible"]}),
        (_l("How it stands"), {"fields": ["version", "total_cop", "sent_on", "age", "valid_until", "first_sent_on", "n_days_to_send",
                                            "next_follow_up_on", "decided_on", "loss_reason", "decision_note"]}),
    ]  # fmt: skip
    base_order = ("sent_on", "desc")
    search_words = ("number", "subject")
    clipped = ("subject",)
    own_facets, ready_filters = OWN_FACETS, READY
    label_columns = {
        "number": _l("Number"), "status": _l("State"), "party": _l("Client"), "contact": _l("Contact"), "subject": _l("What is quoted"),
        "request": _l("What the customer asked for"), "requested_on": _l("Asked for on"), "process": _l("Process that offers it"),
        "responsible": _l("Person responsible"), "version": _l("Version"), "total_cop": _l("Total with IVA"), "sent_on": _l("Sending date"),
        "age": _l("Days waiting"), "valid_until": _l("Valid until"), "first_sent_on": _l("First sending date"),
        "n_days_to_send": _l("Working days to send it"), "next_follow_up_on": _l("Speak again on"), "decided_on": _l("Ended on"),
        "loss_reason": _l("Why it was lost"), "decision_note": _l("What was said at the end"),
    }  # fmt: skip
    formatters_columns = {"responsible": lambda user: user.get_full_name()}

    def _init_forms(self) -> None:
        self.search_form = self.add_form = self.edit_form = Form  # written through the form of app/quotations/forms.py

    # How a row is shown

    def title_of(self, item: Quotation) -> str:
        return item.number

    def fieldsets_of(self, item: Quotation) -> list[tuple[Any, dict[str, Any]]]:
        return [
            (title, {"fields": [name for name in each["fields"] if name not in IF_ANY or self.shown(item, name) != "—"]})
            for title, each in super().fieldsets_of(item)
        ]

    def may_edit(self, item: Quotation) -> bool:
        return item.status is QuotationStatus.DRAFT

    def shown(self, item: Quotation, name: str) -> Any:
        match name:
            case "status":
                return Markup('<span class="pill {}">{}</span>').format(TONES[item.status], _(item.status.value))
            case "age":
                return self._age(item)
            case "total_cop":
                return say_pesos(item.total_cop)
            case "party" if may("can_show", "Party"):
                return Markup('<a href="{}">{}</a>').format(url_for("PartyView.show", pk=item.party_id), item.party.name)
            case "contact" if item.contact is not None:
                known = (item.contact.name, item.contact.position, item.contact.email, item.contact.phone)
                return " · ".join(text for text in known if text)
        return super().shown(item, name)

    @staticmethod
    def _age(item: Quotation) -> Any:
        """Return how long the customer has had it; nothing once there is an answer."""
        if item.status is not QuotationStatus.SENT:
            return "—"
        days = max((today() - item.sent_on).days, 0)
        words = ngettext("%(num)s day", "%(num)s days", days)
        return Markup('<span class="pill {}">{}</span>').format(AGE_TONES[bucket_of(days)], words)

    def exported(self, name: str, column: Any) -> tuple[Any, Any]:
        if name.endswith("_cop"):
            return Kind.MONEY, lambda line: Decimal(getattr(line, name))
        if name == "age":
            waits = QuotationStatus.SENT
            return Kind.INT, lambda line: (today() - line.sent_on).days if line.status is waits else None
        return super().exported(name, column)

    # The page

    def can(self, item: Quotation, move: QuotationMove, route: str) -> bool:
        """Say whether *item* can make *move* now and the reader may."""
        return may_move(item.status, move) and self.may_do(route)

    def buttons(self, item: Quotation) -> list[Button]:
        found = []
        if self.may_do("pdf"):
            words = _("Preview (PDF)") if item.status is QuotationStatus.DRAFT else _("PDF")
            found.append(Button(words, url_for("QuotationView.pdf", pk=item.id)))
        contract = self._contract_of(item)
        if contract is not None and may("can_show", "Contract"):
            found.append(Button(_("Contract %(number)s", number=contract.number), url_for("ContractView.show", pk=contract.id)))
        if contract is None and self.can(item, QuotationMove.CONTRACT, "contract"):
            found.append(Button(_("Make the contract"), url_for("QuotationView.contract", pk=item.id), True))
        steps = (
            (QuotationMove.SEND, "send", _("Send…")), (QuotationMove.ACCEPT, "accept", _("Accepted…")),
            (QuotationMove.REJECT, "reject", _("Rejected…")), (QuotationMove.REVISE, "revise", _("New version…")),
            (QuotationMove.WITHDRAW, "withdraw", _("Withdraw…")),
        )  # fmt: skip
        if item.status is QuotationStatus.SENT and self.may_do("send"):
            found.append(Button(_("Send again…"), url_for("QuotationView.send", pk=item.id)))
        can = [(route, label) for move, route, label in steps if self.can(item, move, route)]
        return found + [Button(label, url_for(f"QuotationView.{route}", pk=item.id)) for route, label in can]

    @staticmethod
    def _contract_of(item: Quotation) -> Any:
        if item.status is not QuotationStatus.ACCEPTED:
            return None
        return db.session.execute(select(Contract.id, Contract.number).where(Contract.quotation_id == item.id)).first()

    def page_of(self, item: Quotation) -> dict[str, Any]:
        """Return what its page shows besides the facts: what is offered, the versions, what happened, the form of a follow-up."""
        version = operations.current(item)
        form = FollowUpForm(data={"on": today()}) if self.can(item, QuotationMove.FOLLOW_UP, "follow_up") else None
        facts = {"version": version, "totals": operations.totals_of(version), "rate": say_rate, "form": form}
        events = [self._told(event) for event in operations.timeline(db.session, item)]
        mail = self.mail_facts(item) if item.status is QuotationStatus.SENT else None
        return facts | {"versions": list(reversed(item.versions)), "events": events, "mail": mail}

    @staticmethod
    def _told(event: Any) -> dict[str, Any]:
        """Return how the history tells *event*: its title, the details beside it, what was written, who and when."""
        known, details = event.facts, []
        if version := known.get("version"):
            details.append(_("version %(n)s", n=version))
        if total := known.get("total"):
            details.append(say_pesos(Decimal(total)))
        if name := known.get("loss_reason"):
            details.append(_(LossReason[name].value))
        if name := known.get("means"):
            details.append(_(ContactMeans[name].value))
        if known.get("to"):
            details.append(known["to"])
        for key, msgid in (("on", N_("on %(day)s")), ("valid_until", N_("valid until %(day)s")), ("next_on", N_("speak again on %(day)s"))):
            if known.get(key):
                details.append(_(msgid, day=say_day(date.fromisoformat(known[key]))))
        title = _(HAPPENED[QuotationMove[event.move]])
        return {"title": title, "details": details, "reason": event.reason, "at": event.at, "actor": event.actor}

    # Writing

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Write a new quotation; `do=preview` shows its totals, `do=more` and `do=drop-n` its lines: none of them saves."""
        return self._write(None)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Correct a draft; what was sent says why it stays, and keeps what somebody typed meanwhile."""
        item = self.item(pk)
        if request.method == "GET" and not self.may_edit(item):
            return self._refused(item, lambda: operations.want_draft(item))
        return self._write(item)

    def _refused(self, item: Quotation, rule: Any) -> Any:
        """Say why not, and lead back to the page; what passes *rule* after all leads there too."""
        try:
            rule()
        except DomainError as error:
            flash(say(error), "warning")
        return redirect(self.row_url(item))

    def _write(self, item: Quotation | None) -> Any:
        do = request.form.get("do", "save")
        form, plan = self._form_of(item, do), None
        is_about_lines = do == "more" or do.startswith("drop-")
        if request.method == "POST" and not is_about_lines and form.validate():
            try:
                wanted = self._said(form)
                if do == "save":
                    self._want_seen(item)
                    return self._stored(item, wanted)
                plan = operations.check_wanted(wanted, today(), item)
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
        elif request.method == "POST" and not is_about_lines and not self._check_lines(form):
            form.form_errors.append(_("Correct the lines that are marked."))
        plan = plan or self._sums_of(form)
        facts = {"form": form, "item": item, "plan": plan, "seen": self._seen(item), "view": self, "rate": say_rate}
        return self.render_template("quotations/form.html", **facts), 422 if form.errors else 200

    def _want_seen(self, item: Quotation | None) -> None:
        """Refuse to overwrite what somebody else saved meanwhile. Raises DomainError."""
        if item is not None and item.status is QuotationStatus.DRAFT and request.form.get("seen", "") != self._seen(item):
            raise DomainError(N_("Somebody else changed this while you were writing. Look at it, and save again."))

    def _stored(self, item: Quotation | None, wanted: operations.Wanted) -> Any:
        if item is None:
            item = operations.write_quotation(db.session, wanted, at=now(), actor_id=current_user.id)
        else:
            operations.amend_quotation(db.session, item, wanted, at=now())
        db.session.commit()
        flash(_("%(number)s is saved.", number=item.number), "success")
        return redirect(self.row_url(item))

    def _form_of(self, item: Quotation | None, do: str) -> QuotationForm:
        """Return the form with its lines: as it was sent, as *item* is stored, or empty for the customer that the address names."""
        known = DEFAULTS | queries.parameters(db.session, tuple(DEFAULTS))
        rates = rates_of(known["quotation.vat_rates"])
        if request.method == "POST":
            form = QuotationForm()
            form.lines = self._lines_in(rates, do)
        else:
            form = QuotationForm(data=self._facts_of(item) if item else self._fresh(known))
            form.lines = self._lines_of(item, rates)
        fill_choices(db.session, form)
        return form

    @staticmethod
    def _fresh(known: dict[str, str]) -> dict[str, Any]:
        party = row_of("party", request.args.get("party", ""))
        main = select(PartyContact).where(PartyContact.party_id == party.id, PartyContact.is_main) if party else None
        days = known["quotation.validity_days"]
        return {
            "party": party, "contact": db.session.scalar(main) if main is not None else None, "requested_on": today(),
            "responsible": current_user._get_current_object(), "validity_days": int(days) if days.isdecimal() else 30,
            "delivery": known["quotation.delivery"], "payment": known["quotation.payment"], "conditions": known["quotation.conditions"],
        }  # fmt: skip

    @staticmethod
    def _facts_of(item: Quotation) -> dict[str, Any]:
        version = operations.current(item)
        names = ("party", "contact", "subject", "request", "requested_on", "process_id", "responsible")
        facts = {name: getattr(item, name) for name in names}
        return facts | {name: getattr(version, name) for name in ("validity_days", "delivery", "payment", "conditions")}

    @staticmethod
    def _lines_of(item: Quotation | None, rates: list[Decimal]) -> list[LineForm]:
        lines = operations.lines_of(operations.current(item)) if item else []
        said: list[dict[str, Any] | None] = [
            {"description": line.description, "quantity": plain_number(line.quantity), "unit": line.unit, "price": line.price,
             "vat_rate": line.vat_rate} for line in lines
        ]  # fmt: skip
        empty = [None] * max(1, FEW_ROWS - len(said))
        forms = [LineForm(data=each, prefix=f"line-{i}-", rates=rates) for i, each in enumerate([*said, *empty][:MOST_ROWS])]
        for form in forms[: len(said)]:
            form.price.typed = say_number(form.price.data)
        return forms

    @staticmethod
    def _lines_in(rates: list[Decimal], do: str) -> list[LineForm]:
        """Return the lines that were sent, without the one to drop, with some more when they are asked for; numbered anew."""
        numbers = sorted({int(found[1]) for name in request.form if (found := re.match(r"line-(\d{1,2})-", name))})[:MOST_ROWS]
        lines = [LineForm(request.form, prefix=f"line-{i}-", rates=rates) for i in numbers if do != f"drop-{i}"]
        n_more = FEW_ROWS if do == "more" or not lines else 0
        lines += [LineForm(prefix="line-0-", rates=rates) for _n in range(min(n_more, MOST_ROWS - len(lines)))]
        for i, line in enumerate(lines):
            for name, field in line._fields.items():
                field.name = field.id = field.label.field_id = f"line-{i}-{name}"
        return lines

    @staticmethod
    def _check_lines(form: QuotationForm) -> bool:
        """Say at each line that is begun what it lacks; return whether all are fine."""
        are_fine = [line.check(n) for n, line in enumerate(form.lines, 1) if not line.is_empty]  # every line says what it lacks
        return all(are_fine)

    def _said(self, form: QuotationForm) -> operations.Wanted:
        """Return what a valid form says. Raises DomainError."""
        if not self._check_lines(form):
            raise DomainError(N_("Correct the lines that are marked."), field="lines")
        return operations.Wanted(
            form.party.data, form.subject.data, form.requested_on.data, [line.line for line in form.lines if not line.is_empty],
            form.contact.data, form.request.data or "",
            db.session.get(Process, form.process_id.data) if form.process_id.data else None, form.responsible.data,
            form.validity_days.data, form.delivery.data or "", form.payment.data or "", form.conditions.data or "",
        )  # fmt: skip

    @staticmethod
    def _sums_of(form: QuotationForm) -> QuoteTotals:
        """Return the totals of the lines that can be read so far."""
        return totals(line.line for line in form.lines if line.quantity.data and line.price.data)

    # Steps

    def _moved(self, pk: str, move: QuotationMove, form: Any, help: Any, act: Any) -> Any:
        """Answer the page of *move*; a quotation that cannot make it says why at once."""
        item = self.item(pk)
        if request.method == "GET" and not may_move(item.status, move):
            return self._refused(item, lambda: moved(item.status, move, item.number))
        return self._step(pk, form, _(move.value), help, act)

    @expose("/revise/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("revise")
    def revise(self, pk: str) -> Any:
        """Begin a new version of what was sent."""
        form = ReviseForm()
        help = _l("The version that was sent stays as it is. The new one begins as a draft with the same lines: edit it, and send it.")

        def act(item: Quotation) -> None:
            operations.revise_quotation(db.session, item, reason=form.reason.data, at=now(), actor_id=current_user.id)

        return self._moved(pk, QuotationMove.REVISE, form, help, act)

    @expose("/accept/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def accept(self, pk: str) -> Any:
        """Record that the customer accepted."""
        form = AcceptForm(on=today())
        help = _l("It is final: nothing of the quotation changes afterwards, and the contract can be made from it.")

        def act(item: Quotation) -> None:
            operations.accept_quotation(db.session, item, on=form.on.data, note=form.note.data, at=now(), actor_id=current_user.id)

        return self._moved(pk, QuotationMove.ACCEPT, form, help, act)

    @expose("/reject/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def reject(self, pk: str) -> Any:
        """Record that the customer said no, and why."""
        form = RejectForm(on=today())
        help = _l("It is final. If the customer wants another offer instead, write a new version.")

        def act(item: Quotation) -> None:
            reason = LossReason[form.reason.data]
            operations.reject_quotation(
                db.session, item, on=form.on.data, reason=reason, note=form.note.data or "", at=now(), actor_id=current_user.id
            )  # fmt: skip

        return self._moved(pk, QuotationMove.REJECT, form, help, act)

    @expose("/withdraw/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("withdraw")
    def withdraw(self, pk: str) -> Any:
        """Take the quotation back, with a reason."""
        form = WithdrawForm()
        help = _l("It is final: the number stays in the list, with this reason. Tell the customer, if it was sent.")

        def act(item: Quotation) -> None:
            operations.withdraw_quotation(db.session, item, reason=form.reason.data, at=now(), actor_id=current_user.id)

        return self._moved(pk, QuotationMove.WITHDRAW, form, help, act)

    @expose("/follow-up/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("follow_up")
    def follow_up(self, pk: str) -> Any:
        """Note what was said with the customer, and when to speak again."""
        form = FollowUpForm(on=today())
        help = _l("It stays in the history. With a day to speak again, that day it is among what you have to do.")

        def act(item: Quotation) -> None:
            said = operations.Spoken(form.on.data, ContactMeans[form.means.data], form.note.data, form.next_on.data)
            operations.follow_up(db.session, item, said, at=now(), actor_id=current_user.id)

        return self._moved(pk, QuotationMove.FOLLOW_UP, form, help, act)

    @expose("/contract/<pk>", methods=["POST"])
    @has_access
    @permission_name("contract")
    def contract(self, pk: str) -> Any:
        """Make the contract of an accepted quotation, and open it."""
        item = self.item(pk)
        try:
            made = contracts.contract_of_quotation(db.session, item, at=now(), actor_id=current_user.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(say(error), "warning")
            return redirect(self.row_url(item))
        flash(_("%(contract)s was made from %(number)s. Write its requirements.", contract=made.number, number=item.number), "success")
        return redirect(url_for("ContractView.show", pk=made.id) if may("can_show", "Contract") else self.row_url(item))


def rates_of(text: str) -> list[Decimal]:
    """Return the rates of IVA that a parameter names, 19 when it names none."""
    return [Decimal(part.replace(",", ".")) for part in re.findall(r"\d{1,2}(?:[.,]\d{1,2})?", text)] or [Decimal(19)]


def plain_number(number: Decimal) -> Decimal:
    """Return *number* without the zeros that a column adds: 12 for 12.000."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
