"""Lawful stops of the clock, more time, and the ends of a case without an answer on the merits (see docs/rules/pqr-stops.md)."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.documents import stops
from app.domain import N_
from app.domain.deadlines import Regime, TermAct
from app.domain.errors import TermMissing
from app.domain.states import Identity, Move, PqrStatus, RequirementKind
from app.models import Document, Pqr
from app.operations import messages, notices, requirements
from app.operations import pqr as operations
from app.security import may
from app.verbs.base import Said, Who, chosen_process, on_today, propose_process, required, stored_proof, verb

K = RequirementKind


def _user(session: Session, who: Who) -> User:
    return session.get_one(User, who["actor_id"])


def _mail(session: Session, pqr: Pqr, document: Document, who: Who, *, with_link: bool = False) -> None:
    """Send the citizen word of an act; *with_link*: the signed link whose opening is being told, for those who accepted that."""
    notice = None
    if with_link and pqr.is_e_notice and pqr.notice_email:
        notice = notices.start_e_notice(session, pqr, at=who["at"], document=document)
    messages.tell_act(session, pqr, document, who["at"], notice)


# ── What the pages show ───────────────────────────────────────────────────────────────────────────────────────────────────


def _terms(session: Session, pqr: Pqr, *wanted: tuple[TermAct, Any, date | None]) -> dict[str, Any]:
    """Return the last day of each term that the regime of the case has: what it is for, the day, the norm."""
    rows = []
    for act, label, start in wanted:
        try:
            last, rule = requirements.last_day(session, pqr, act, start) if start else (None, None)
        except TermMissing:
            continue
        if rule is not None:
            rows.append((label, last, rule.norm))
    return {"terms": rows}


_STOPS_BY = _l("The clock can stop until")


def _facts_of_issue(session: Session, pqr: Pqr) -> dict[str, Any]:
    is_issued = pqr.requirement is not None
    wanted = (TermAct.REQUEST_COMPLETION, _l("A request to complete may be issued until"), None if is_issued else pqr.effective_on)
    facts = _terms(session, pqr, wanted)
    facts["terms"].append((_STOPS_BY, pqr.due_on, pqr.term.norm))
    return facts


def _facts_of_evidence(session: Session, pqr: Pqr) -> dict[str, Any]:
    return {"terms": [(_STOPS_BY, pqr.due_on, pqr.term.norm)]}


def _facts_of_citizen(session: Session, pqr: Pqr) -> dict[str, Any]:
    known = pqr.requirement
    if known is None or known.until_on is None:
        return {"terms": []}
    label = _l("The evidence stage ends on") if known.kind is K.EVIDENCE else _l("The citizen has time until")
    return {"terms": [(label, known.extended_until or known.until_on, "")]}


def _facts_of_transfer(session: Session, pqr: Pqr) -> dict[str, Any]:
    facts = _terms(session, pqr, (TermAct.TRANSFER, _l("It must leave by"), pqr.effective_on))
    return facts | {"is_verbal": pqr.channel.code in requirements.VERBAL}


# ── Requests and orders: issued, then told ────────────────────────────────────────────────────────────────────────────────


def _untold(pqr: Pqr, kind: RequirementKind) -> bool:
    known = pqr.requirement
    return known is not None and known.kind is kind and known.told_on is None


def _can_ask(pqr: Pqr) -> bool:
    return pqr.requirement is None and pqr.identity is not Identity.ANONYMOUS


def _label_what(form: Any, label: str, kind: RequirementKind | None = None) -> None:
    form.what.label.text = label
    form.what.description = _("One thing a line: the letter numbers them.")
    form.what.flags.required = True
    if "until" in form and kind is K.EVIDENCE:
        form.until.flags.required = True


def _kinds(session: Session, pqr: Pqr, form: Any) -> None:
    """Offer what the reader may issue; evidence is ordered by whoever handles the case."""
    kinds = [K.COMPLETION, K.CLARIFICATION]
    if pqr.status is PqrStatus.ROUTED and may("can_order_evidence"):
        kinds.append(K.EVIDENCE)
    form.requirement.choices = [(kind.name, _(kind.value)) for kind in kinds]
    form.requirement.flags.required = True
    if K.EVIDENCE not in kinds:
        _label_what(form, _("What is missing or unclear"))
        del form.until, form.reason
        return
    _label_what(form, _("What is missing, unclear, or to be proved"))
    form.reason.label.text = _("Why evidence is needed")
    form.until.description = form.reason.description = _("Only for evidence.")
    form.reason.flags.required = False


@verb(
    Move.ISSUE_REQUEST, "requirement", "what", "until", "reason",
    help=N_(
        "The document gets its number, and the legal clock goes on. It stops on the day the citizen is told: "
        "when the link is opened, or on the day that you record afterwards with its proof."
    ),
    arrange=_kinds, facts=_facts_of_issue, partial="stop", fits=_can_ask,
)  # fmt: skip
def issue_request(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    kind = K[required(said["requirement"], N_("Choose what is issued."), "requirement")]
    requirement = stops.issue(
        session, pqr, kind, said["what"], issuer=_user(session, who), at=who["at"], reason=said["reason"], until=said["until"]
    )
    _mail(session, pqr, requirement.document, who, with_link=True)


def _told_or_at_once(kind: RequirementKind, label: Any) -> Any:
    """Return how the form is arranged: only the notice of what is issued already, or the whole act for a citizen who is there."""

    def arrange(session: Session, pqr: Pqr, form: Any) -> None:
        form.how.flags.required = True
        if _untold(pqr, kind):
            for name in ("what", "until", "reason"):
                if name in form:
                    delattr(form, name)
            form.on.label.text = _("Day on which the citizen was told")
            form.on.flags.required = True
            return
        delattr(form, "on")  # told at once: today
        _label_what(form, str(label), kind)
        if "reason" in form:
            form.reason.label.text = _("Why evidence is needed")
            form.reason.flags.required = True

    return arrange


def _on_today_if_asked(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    if "on" in form:
        form.on.data = today


def _tell(session: Session, pqr: Pqr, kind: RequirementKind, said: Said, who: Who) -> None:
    """Record that what is issued was told; or issue it now to a citizen who is told at once."""
    proof = stored_proof(session, pqr, said["proof_file"], _("Proof that the citizen was told"))
    known = requirements.open_of(session, pqr)
    if known is not None and known.kind is kind and known.told_on is None:
        on = required(said["on"], N_("Write the day on which the citizen was told."), "on")
        requirements.tell(session, known, on=on, how=said["how"], proof=proof, **who)
        return
    more = {"reason": said["reason"], "until": said["until"]} if kind is K.EVIDENCE else {}
    event = stops.issue_and_tell(
        session, pqr, kind, said["what"], said["how"], issuer=_user(session, who), at=who["at"], proof=proof, **more
    )
    _mail(session, pqr, event.document, who)


def _fits_told(kind: RequirementKind) -> Any:
    return lambda pqr: _can_ask(pqr) or _untold(pqr, kind)


@verb(
    Move.REQUEST_COMPLETION, "what", "on", "how", "proof_file",
    help=N_(
        "The legal clock stops on the day the citizen is told what is missing, not on the day the request is issued. "
        "The citizen then has the time of the law to complete; once in each case."
    ),
    arrange=_told_or_at_once(K.COMPLETION, _l("What is missing")),
    prefill=_on_today_if_asked, facts=_facts_of_issue, partial="stop", fits=_fits_told(K.COMPLETION),
)  # fmt: skip
def request_completion(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    _tell(session, pqr, K.COMPLETION, said, who)


@verb(
    Move.CLARIFY, "what", "on", "how", "proof_file",
    help=N_(
        "For a request whose purpose is not understood. The legal clock stops on the day the citizen is told; "
        "what is not clarified in time may be archived by a reasoned act."
    ),
    arrange=_told_or_at_once(K.CLARIFICATION, _l("What is not understood")),
    prefill=_on_today_if_asked, facts=_facts_of_evidence, partial="stop", fits=_fits_told(K.CLARIFICATION),
)  # fmt: skip
def clarify(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    _tell(session, pqr, K.CLARIFICATION, said, who)


@verb(
    Move.ORDER_EVIDENCE, "what", "until", "reason", "on", "how", "proof_file",
    help=N_(
        "The legal clock stops on the day the citizen is told the order, which must be before the term ends. "
        "It goes on when the stage ends, and on the last day of the order at the latest."
    ),
    arrange=_told_or_at_once(K.EVIDENCE, _l("Evidence to be taken")),
    prefill=_on_today_if_asked, facts=_facts_of_evidence, partial="stop", fits=_fits_told(K.EVIDENCE),
)  # fmt: skip
def order_evidence(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    _tell(session, pqr, K.EVIDENCE, said, who)


# ── The citizen completes, or does not ────────────────────────────────────────────────────────────────────────────────────


def _waits_for(*kinds: RequirementKind) -> Any:
    """Return whether a case waits for one of *kinds*, or stopped before requirements were kept."""
    return lambda pqr: pqr.requirement is None or pqr.requirement.kind in kinds


def _label_on(label: Any, reason: Any) -> Any:
    def arrange(session: Session, pqr: Pqr, form: Any) -> None:
        form.on.label.text, form.reason.label.text = str(label), str(reason)
        form.on.flags.required = True

    return arrange


@verb(
    Move.EXTEND_COMPLETION, "on", "reason",
    help=N_("The citizen asked for more time before it ended, and has as much again. The law allows it once."),
    arrange=_label_on(_l("Day on which the citizen asked"), _l("How the citizen asked, and why")),
    prefill=on_today, facts=_facts_of_citizen, partial="stop",
    fits=lambda pqr: pqr.requirement is not None and pqr.requirement.kind is K.COMPLETION and pqr.requirement.extended_until is None,
)  # fmt: skip
def extend_completion(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    requirements.extend_completion(session, pqr, said["reason"], on=said["on"], **who)


@verb(
    Move.COMPLETE_PARTLY, "on", "reason",
    help=N_("Only a part came. It is kept, and the legal clock stays stopped until all that was asked is there."),
    arrange=_label_on(_l("Day on which it came"), _l("What came, and what is still missing")),
    prefill=on_today, facts=_facts_of_citizen, partial="stop",
)  # fmt: skip
def complete_partly(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    requirements.complete_partly(session, pqr, said["reason"], on=said["on"], **who)


def _on_today_to_its_process(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    form.on.data = today
    propose_process(session, pqr, form, today)


@verb(
    Move.COMPLETE, "on", "process_id", "reason",
    help=N_("The legal clock goes on with the days that were left, from the next working day."),
    prefill=_on_today_to_its_process, facts=_facts_of_citizen, partial="stop",
)  # fmt: skip
def complete(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    requirements.complete(session, pqr, said["reason"], process=chosen_process(session, said), on=said["on"], **who)


@verb(
    Move.WITHDRAW, "reason",
    help=N_(
        "A reasoned act, once the time of the citizen has passed: its letter is issued now and has to be notified. "
        "The citizen may file the request again at any time."
    ),
    facts=_facts_of_citizen, partial="stop", fits=_waits_for(K.COMPLETION),
)  # fmt: skip
def withdraw(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    document = stops.withdraw(session, pqr, said["reason"], issuer=_user(session, who), at=who["at"])
    _mail(session, pqr, document, who, with_link=True)


@verb(
    Move.ARCHIVE, "reason",
    help=N_("A reasoned act, once the time to clarify has passed: its letter is issued now. The citizen may file the request again."),
    facts=_facts_of_citizen, partial="stop",
    fits=lambda pqr: pqr.requirement is not None and pqr.requirement.kind is K.CLARIFICATION,
)  # fmt: skip
def archive(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    document = stops.archive(session, pqr, said["reason"], issuer=_user(session, who), at=who["at"])
    _mail(session, pqr, document, who, with_link=True)


# ── Evidence ends; more time to answer ────────────────────────────────────────────────────────────────────────────────────


def _on_today_at_the_latest(session: Session, pqr: Pqr, form: Any, today: date) -> None:
    known = pqr.requirement
    form.on.data = min(today, known.until_on) if known is not None and known.until_on else today


@verb(
    Move.CLOSE_EVIDENCE, "on", "reason",
    help=N_("The legal clock goes on with the days that were left."),
    prefill=_on_today_at_the_latest, facts=_facts_of_citizen, partial="stop",
)  # fmt: skip
def close_evidence(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    requirements.close_evidence(session, pqr, said["reason"], on=said["on"], **who)


def _extension(session: Session, pqr: Pqr, form: Any) -> None:
    form.extra.flags.required = form.how.flags.required = True
    form.extra.label.text = _("How much more (%(unit)s)", unit=_(pqr.term_unit.value))
    try:
        rule = requirements.rule_of(session, pqr, TermAct.EXTENSION)
    except TermMissing:
        return
    form.extra.description = _("Up to %(most)s (%(norm)s).", most=rule.value, norm=rule.norm)


@verb(
    Move.EXTEND, "extra", "reason", "how",
    help=N_(
        "The answer needs more time. Before the term ends the citizen is told the reasons and the new date, today, by this letter. "
        "It is done once; under Law 142 it does not exist."
    ),
    arrange=_extension, facts=_facts_of_evidence, partial="stop",
    fits=lambda pqr: pqr.regime is not Regime.LEY142 and not pqr.n_extended,
)  # fmt: skip
def extend(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    document = stops.extend(session, pqr, said["extra"], said["reason"], said["how"], issuer=_user(session, who), at=who["at"])
    _mail(session, pqr, document, who)


# ── Elsewhere, or a mistake ───────────────────────────────────────────────────────────────────────────────────────────────


def _require_body(session: Session, pqr: Pqr, form: Any) -> None:
    form.body.flags.required = form.body_address.flags.required = True


@verb(
    Move.TRANSFER, "body", "body_address", "reason",
    help=N_(
        "Another body is competent. Its letter is issued now with the request, and the citizen receives a copy; the case ends here. "
        "Who asked by word of mouth is told at once who is competent."
    ),
    arrange=_require_body, facts=_facts_of_transfer, partial="stop",
)  # fmt: skip
def transfer(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    document = stops.transfer(session, pqr, said["body"], said["body_address"], said["reason"], issuer=_user(session, who), at=who["at"])
    _mail(session, pqr, document, who)


@verb(Move.VOID, "reason", help=N_("Only for a number given by mistake. The number stays, with your reason."))
def void(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    operations.void(session, pqr, said["reason"], **who)
