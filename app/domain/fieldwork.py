"""
Field work: what each order asks for and each acta must say, who may not suspend, and what an order holds up. See docs/rules/orders.md.

What a form sends is checked here and becomes the *result* of the order: a dict fit for JSON, with the declared names alone. Numbers are
texts with a point (`"1250.5"`), dates and hours ISO texts, answers to yes-or-no questions booleans, choices the name of the choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol, TypeVar

from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import AccountUse, Category, OrderKind, OrderStatus, PqrStatus

# ── Fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class FieldType(Enum):
    """How a field is asked and kept."""

    TEXT = "text"
    LONG_TEXT = "long text"
    NUMBER = "number"
    CHOICE = "choice"
    YES_NO = "yes or no"
    DATE = "date"
    TIME = "time"


LIMITS = {FieldType.TEXT: 120, FieldType.LONG_TEXT: 2_000}
MAX_NUMBER = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class ResultField:
    """
    One thing that an order or an acta says.

    Args:
        needed_when: Pairs of another field and its value; any of them makes this one required, `None` meaning that it was left empty.
        said, unsaid: Sentence for the answer, with `%(value)s`; of a yes-or-no field the sentences of yes and of no. Empty: stays out.
    """

    name: str
    label: str
    type: FieldType
    is_required: bool = True
    help: str = ""
    unit: str = ""
    is_whole: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    needed_when: tuple[tuple[str, Any], ...] = ()
    said: str = ""
    unsaid: str = ""

    def is_needed(self, known: Mapping[str, Any]) -> bool:
        """Return whether it may not stay empty, given what the fields before it say."""
        return self.is_required or any(known.get(name) == value for name, value in self.needed_when)


class Ground(Enum):
    """Why a service is suspended or cut. The first two are sanctions, which a claim or an appeal holds up (Ley 142 arts. 138-141, 155)."""

    ARREARS = N_("Unpaid bills")
    BREACH = N_("Breach of the contract")
    AGREED = N_("The subscriber asked for it")
    SERVICE = N_("Repairs, or safety of the service")


SANCTIONS = (Ground.ARREARS.name, Ground.BREACH.name)


class Cause(Enum):
    """What ended the reason of a suspension or a cut, from when the service has to come back."""

    PAID = N_("The debt was paid")
    AGREEMENT = N_("A payment agreement was signed")
    DECISION = N_("A claim or an appeal was decided")
    OTHER = N_("The reason came to an end")


def _choices(enum: type[Enum]) -> dict[str, str]:
    return {member.name: member.value for member in enum}


T = FieldType
_GROUND = ResultField("ground", N_("Ground"), T.CHOICE, choices=_choices(Ground), said=N_("Ground: %(value)s."),
                      help=N_("Unpaid bills and breach wait while a claim or a timely appeal is open (Ley 142 art. 155)."))  # fmt: skip
_CAUSE = (
    ResultField("cause", N_("Why the service comes back"), T.CHOICE, choices=_choices(Cause), said=N_("Cause: %(value)s.")),
    ResultField("cause_on", N_("Day of the payment or decision"), T.DATE),
    ResultField("cause_at", N_("Hour of the payment or decision"), T.TIME, help=N_("The 24 hours to restore the service run from here.")),
)
#: What the office says when it issues an order of each kind.
ASKED: dict[OrderKind, tuple[ResultField, ...]] = {
    OrderKind.WORK_ORDER: (
        ResultField("needs_photo", N_("Is a photo needed?"), T.YES_NO, is_required=False,
                    help=N_("Then the order is not done without one, or a reason.")),
    ),
    OrderKind.PRIOR_REVIEW: (),
    OrderKind.SUSPENSION: (_GROUND,),
    OrderKind.CUT: (_GROUND,),
    OrderKind.REINSTALLATION: _CAUSE,
    OrderKind.RECONNECTION: _CAUSE,
}  # fmt: skip

_READING = (
    ResultField("reading", N_("Reading of the meter"), T.NUMBER, is_required=False, unit="m³", said=N_("The meter reads %(value)s m³."),
                help=N_("As the meter shows it, without points between thousands.")),
    ResultField("no_reading", N_("Why there is no reading"), T.TEXT, is_required=False, needed_when=(("reading", None),),
                said=N_("The meter could not be read: %(value)s.")),
)  # fmt: skip
_ATTENDED = (
    ResultField("attended", N_("Who attended the visit"), T.CHOICE,
                choices={"SUBSCRIBER": N_("The subscriber"), "OCCUPANT": N_("Somebody who was there"), "NOBODY": N_("Nobody")},
                said=N_("The visit was attended by: %(value)s.")),
    ResultField("attended_by", N_("Name of who attended"), T.TEXT, is_required=False,
                needed_when=(("attended", "SUBSCRIBER"), ("attended", "OCCUPANT"))),
    ResultField("attended_document", N_("Identity document of who attended"), T.TEXT, is_required=False),
    ResultField("remarks", N_("Remarks"), T.LONG_TEXT, is_required=False, said=N_("Remarks: %(value)s")),
)  # fmt: skip
_SEALS = {"INTACT": N_("Intact"), "BROKEN": N_("Broken"), "MISSING": N_("They are missing")}
_CONDITION = {
    "GOOD": N_("It works well"), "STOPPED": N_("It does not count"), "DAMAGED": N_("Damaged"), "TAMPERED": N_("Tampered with"),
    "UNREADABLE": N_("It cannot be read"), "MISSING": N_("There is no meter"),
}  # fmt: skip
_CONCLUSION = {
    "USE": N_("The use explains the consumption"), "LEAK_INSIDE": N_("A visible leak inside the premises"),
    "HIDDEN_LEAK": N_("An undetectable leak inside the premises"), "LEAK_OUTSIDE": N_("A leak before the meter"),
    "METER": N_("The meter does not measure well"), "READING": N_("The meter was read wrongly"),
    "UNKNOWN": N_("The cause was not found"),
}  # fmt: skip


def _taken_away(places: dict[str, str]) -> tuple[ResultField, ...]:
    """Return the fields of an acta of suspension or cut, which differ in where the service is stopped."""
    return (
        ResultField("paid", N_("Was payment shown at the door?"), T.YES_NO, unsaid=N_("Nobody showed a payment during the visit."),
                    help=N_("If so, the service is not taken away: record the order as not done.")),
        *_READING,
        ResultField("place", N_("Where the service was stopped"), T.CHOICE, choices=places, said=N_("Where it was stopped: %(value)s.")),
        ResultField("seal", N_("Number of the seal or device put on"), T.TEXT, said=N_("Seal put on: %(value)s.")),
        ResultField("notice_left", N_("Was a copy of the acta left?"), T.YES_NO, said=N_("A copy of the acta was left."),
                    unsaid=N_("No copy of the acta was left.")),
        *_ATTENDED,
    )  # fmt: skip


_GIVEN_BACK = (
    ResultField("done_at", N_("Hour at which the service came back"), T.TIME),
    *_READING,
    ResultField("seal_removed", N_("Number of the seal taken off"), T.TEXT, said=N_("Seal taken off: %(value)s.")),
    ResultField("works", N_("Does the service arrive well?"), T.YES_NO, said=N_("The service was left working well."),
                unsaid=N_("The service does not arrive well yet.")),
    ResultField("late_reason", N_("Why it took more than the term"), T.LONG_TEXT, is_required=False,
                help=N_("Only when the service came back after the term."), said=N_("It took longer because: %(value)s")),
    *_ATTENDED,
)  # fmt: skip
#: What the technician says when an order of each kind is done.
RESULT: dict[OrderKind, tuple[ResultField, ...]] = {
    OrderKind.WORK_ORDER: (
        ResultField("cause_found", N_("Cause found"), T.LONG_TEXT, said=N_("Cause found: %(value)s")),
        ResultField("work_done", N_("Work done"), T.LONG_TEXT, said=N_("Work done: %(value)s")),
        ResultField("materials", N_("Materials used"), T.LONG_TEXT, is_required=False, said=N_("Materials used: %(value)s")),
        ResultField("is_solved", N_("Is the problem solved?"), T.YES_NO, said=N_("The problem was solved."),
                    unsaid=N_("The problem is not solved yet.")),
        ResultField("left_to_do", N_("What is left to do"), T.LONG_TEXT, is_required=False, needed_when=(("is_solved", False),),
                    said=N_("Left to do: %(value)s")),
        ResultField("no_photo", N_("Why there is no photo"), T.TEXT, is_required=False,
                    help=N_("Only when the order needs a photo and none could be taken.")),
        *_ATTENDED,
    ),
    OrderKind.PRIOR_REVIEW: (
        ResultField("meter_number", N_("Number of the meter"), T.TEXT, said=N_("Number of the meter found: %(value)s.")),
        ResultField("is_meter_of_account", N_("Is it the meter of the account?"), T.YES_NO, said=N_("It is the meter of the account."),
                    unsaid=N_("It is not the meter of the account.")),
        *_READING,
        ResultField("seals", N_("Seals"), T.CHOICE, choices=_SEALS, said=N_("Seals: %(value)s.")),
        ResultField("meter_condition", N_("Condition of the meter"), T.CHOICE, choices=_CONDITION,
                    said=N_("Condition of the meter: %(value)s.")),
        ResultField("leak_inside", N_("Leaks inside the premises?"), T.YES_NO, said=N_("Leaks were found inside the premises."),
                    unsaid=N_("No leaks were found inside the premises.")),
        ResultField("leak_outside", N_("Leaks outside, before the meter?"), T.YES_NO, said=N_("Leaks were found before the meter."),
                    unsaid=N_("No leaks were found before the meter.")),
        ResultField("leaks", N_("Where the leaks are"), T.LONG_TEXT, is_required=False,
                    needed_when=(("leak_inside", True), ("leak_outside", True)), said=N_("Where the leaks are: %(value)s")),
        ResultField("n_people", N_("People who live or work there"), T.NUMBER, is_required=False, is_whole=True,
                    said=N_("People who live or work there: %(value)s.")),
        ResultField("use", N_("Use of the premises"), T.CHOICE, choices=_choices(AccountUse), said=N_("Use of the premises: %(value)s.")),
        ResultField("is_tested", N_("Was the meter tested?"), T.YES_NO, unsaid=N_("The meter was not tested.")),
        ResultField("test_result", N_("Result of the test"), T.LONG_TEXT, is_required=False, needed_when=(("is_tested", True),),
                    said=N_("The meter was tested: %(value)s")),
        ResultField("conclusion", N_("Conclusion"), T.CHOICE, choices=_CONCLUSION, said=N_("Conclusion: %(value)s.")),
        ResultField("explanation", N_("The conclusion in your words"), T.LONG_TEXT, said="%(value)s"),
        *_ATTENDED,
    ),
    OrderKind.SUSPENSION: _taken_away({
        "STOPCOCK": N_("At the stopcock"), "METER": N_("At the meter"), "OTHER": N_("Elsewhere: say where in the remarks"),
    }),
    OrderKind.CUT: _taken_away({
        "LINE": N_("Service line plugged"), "METER_REMOVED": N_("Meter removed"), "MAIN": N_("At the main in the street"),
        "OTHER": N_("Elsewhere: say where in the remarks"),
    }),
    OrderKind.REINSTALLATION: _GIVEN_BACK,
    OrderKind.RECONNECTION: _GIVEN_BACK,
}  # fmt: skip
#: Said when an order of any kind was not done.
NOT_DONE = (
    ResultField("why", N_("Why it was not done"), T.CHOICE,
                choices={"NOBODY": N_("Nobody was there"), "REFUSED": N_("Access was refused"),
                         "NOT_FOUND": N_("The address was not found"), "UNSAFE": N_("It was not safe"),
                         "PAID": N_("Payment was shown at the door"), "OTHER": N_("Another reason")},
                said=N_("The visit was not done: %(value)s.")),
    ResultField("details", N_("What happened"), T.LONG_TEXT, said="%(value)s"),
)  # fmt: skip

TAKES_AWAY = (OrderKind.SUSPENSION, OrderKind.CUT)
GIVES_BACK = (OrderKind.REINSTALLATION, OrderKind.RECONNECTION)

#: Why an acta that somebody attended carries no signature.
UNSIGNED = {
    "CANNOT": N_("Cannot sign, or does not know how"), "REFUSED": N_("Did not want to sign"), "PAPER": N_("Signed on paper"),
}  # fmt: skip

# ── A result, checked ─────────────────────────────────────────────────────────────────────────────────────────────────────


class ResultRefused(DomainError):
    """Several fields are wrong; `errors` has one refusal for each, and this one reads as the first."""

    def __init__(self, errors: list[DomainError]) -> None:
        first = errors[0]
        super().__init__(first.msgid, field=first.field, **first.fields)
        self.errors = errors


def cleaned(fields: Iterable[ResultField], raw: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what *raw* (texts of a form) says of *fields*, each in its own form; what was left empty is None.

    Raises:
        ResultRefused: Fields are missing or unreadable; `errors` names them all.
    """
    known: dict[str, Any] = {}
    errors: list[DomainError] = []
    for each in fields:
        text = raw.get(each.name)
        text = str(text).replace("\r\n", "\n").strip() if text is not None else ""
        known[each.name] = text or None  # of a refused text at least that there was one
        try:
            if text:
                known[each.name] = _READ[each.type](each, text)
            elif each.is_needed(known):
                raise DomainError(N_("This is missing. Without it the acta does not say what it must."), field=each.name)
        except DomainError as error:
            errors.append(error)
    if errors:
        raise ResultRefused(errors)
    return known


def clean_result(
    kind: OrderKind, raw: Mapping[str, Any], *, asked: Mapping[str, Any], done_on: date, n_photos: int, hours: int
) -> dict[str, Any]:
    """
    Return the result of a done order, fit for its row.

    Args:
        asked: What the office said at issue (`ASKED`), cleaned.
        done_on: Local date of the work.
        hours: Term to restore a service, in hours of the clock.

    Raises:
        ResultRefused: Fields are missing or unreadable.
        DomainError: Payment was shown and the service was stopped all the same, the service came
            back before its cause or late without a reason, or a photo that the order needs is missing.
    """
    result = cleaned(RESULT[kind], raw)
    if kind in TAKES_AWAY and result["paid"]:
        raise DomainError(N_("Payment was shown: the service may not be taken away. Record the order as not done."), field="paid")
    if asked.get("needs_photo") and not n_photos and not result["no_photo"]:
        raise DomainError(N_("This order needs a photo. Take one, or say why there is none."), field="no_photo")
    if kind in GIVES_BACK:
        limit = restore_by(asked, hours)
        back = datetime.combine(done_on, time.fromisoformat(result["done_at"]))
        if back < cause_moment(asked):
            raise DomainError(N_("The service cannot come back before the payment or decision of %(cause)s."), field="done_at",
                              cause=f"{cause_moment(asked):%d/%m/%Y %H:%M}")  # fmt: skip
        if back > limit and not result["late_reason"]:
            late = N_("The term to restore the service ended on %(limit)s. Say why it took longer (D.L. 019 de 2012, art. 42).")
            raise DomainError(late, field="late_reason", limit=f"{limit:%d/%m/%Y %H:%M}")
    return result


def check_signature(attended: str, is_signed: bool, unsigned_reason: str) -> None:
    """Refuse, with a DomainError, an acta that somebody attended and nobody signed, unless it says why (`UNSIGNED`)."""
    if unsigned_reason and unsigned_reason not in UNSIGNED:
        raise DomainError(N_("Choose one of the list."), field="unsigned_reason")
    if attended != "NOBODY" and not is_signed and not unsigned_reason:
        raise DomainError(N_("Ask whoever attended to sign, or say why there is no signature."), field="unsigned_reason")


def check_done_on(issued_on: date, done_on: date, today: date) -> None:
    """Refuse, with a DomainError, work that was done before it was ordered, or that is still to come."""
    if done_on < issued_on:
        raise DomainError(N_("The order is of %(issued)s; it cannot be done earlier."), field="done_on", issued=f"{issued_on:%d/%m/%Y}")
    if done_on > today:
        raise DomainError(N_("That date is in the future."), field="done_on")


def _text(each: ResultField, text: str) -> str:
    limit = LIMITS[each.type]
    if len(text) > limit:
        raise DomainError(N_("The text has %(n)s characters; up to %(limit)s fit."), field=each.name, n=len(text), limit=limit)
    return text


def _number(each: ResultField, text: str) -> str:
    """Return a number that nobody reads two ways: `1.250` may be a thousand or one and a quarter, so it is asked again."""
    text = re.sub(r"(?<=\d)\s(?=\d)", "", text)
    if not re.fullmatch(r"\d{1,9}([.,]\d{1,3})?", text):
        raise DomainError(N_("Write a number: digits, and a comma before decimals."), field=each.name)
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text):
        raise DomainError(N_("Write the number without a point between thousands."), field=each.name)
    value = Decimal(text.replace(",", "."))
    if each.is_whole and value != value.to_integral():
        raise DomainError(N_("Write a whole number."), field=each.name)
    return f"{value:f}"


def _choice(each: ResultField, text: str) -> str:
    if text not in each.choices:
        raise DomainError(N_("Choose one of the list."), field=each.name)
    return text


def _yes_no(each: ResultField, text: str) -> bool:
    if text not in ("YES", "NO"):
        raise DomainError(N_("Answer yes or no."), field=each.name)
    return text == "YES"


def _date(each: ResultField, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise DomainError(N_("Write a date."), field=each.name) from None


def _time(each: ResultField, text: str) -> str:
    try:
        return f"{time.fromisoformat(text):%H:%M}"
    except ValueError:
        raise DomainError(N_("Write an hour, such as 14:30."), field=each.name) from None


_READ = {
    FieldType.TEXT: _text,
    FieldType.LONG_TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.CHOICE: _choice,
    FieldType.YES_NO: _yes_no,
    FieldType.DATE: _date,
    FieldType.TIME: _time,
}


# ── What it says ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence for people: a msgid whose `%(value)s` is a text as typed or, when `is_msgid`, a word to translate."""

    msgid: str
    value: str = ""
    is_msgid: bool = False


def summary(kind: OrderKind, status: OrderStatus, result: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[Sentence, ...]:
    """Return what an order that was done, or was not, found: the sentences that the draft of the answer starts from."""
    if status is OrderStatus.NOT_DONE:
        return _said(NOT_DONE, result)
    return _said(ASKED[kind], asked) + _said(RESULT[kind], result) if status is OrderStatus.DONE else ()


def _said(fields: Iterable[ResultField], known: Mapping[str, Any]) -> tuple[Sentence, ...]:
    sentences = []
    for each in fields:
        value = known.get(each.name)
        msgid = each.unsaid if value is False else each.said
        if value is None or not msgid:
            continue
        if each.type is FieldType.CHOICE:
            sentences.append(Sentence(msgid, each.choices[value], is_msgid=True))
        else:
            text = str(value).replace(".", ",") if each.type is FieldType.NUMBER else str(value)
            sentences.append(Sentence(msgid, text.rstrip(".") if msgid.endswith(".") else text))
    return tuple(sentences)


# ── Time to restore a service ─────────────────────────────────────────────────────────────────────────────────────────────


def cause_moment(asked: Mapping[str, Any]) -> datetime:
    """Return the local moment at which the reason of the suspension or cut ended."""
    return datetime.combine(date.fromisoformat(asked["cause_on"]), time.fromisoformat(asked["cause_at"]))


def restore_by(asked: Mapping[str, Any], hours: int) -> datetime:
    """Return until when the service has to be back: *hours* of the clock after its cause, whatever the day (D.L. 019 de 2012, art. 42)."""
    return cause_moment(asked) + timedelta(hours=hours)


# ── What an order holds up, and what holds it up ──────────────────────────────────────────────────────────────────────────


class HasStatus(Protocol):
    """An order, whatever row it comes from."""

    status: OrderStatus


Order = TypeVar("Order", bound=HasStatus)


def blocks_answer(orders: Iterable[Order]) -> list[Order]:
    """Return the *orders* for which the answer waits: still to be done, or not done and excused by nobody."""
    return [order for order in orders if order.status in (OrderStatus.ISSUED, OrderStatus.NOT_DONE)]


@dataclass(frozen=True, slots=True)
class Dispute:
    """
    A case of an account, as far as it may hold up a suspension.

    Args:
        is_on_debt: It claims about what was billed, or names an invoice or a sum in dispute.
        is_appeal: It is a recurso. `is_timely` is None while nobody judged it, which counts as timely.
        goes_to_sspd: The recurso has a subsidiary apelación, so its own decision is not the last one.
        appeal_until: Last day to appeal the answer, once notified.
    """

    number: str
    status: PqrStatus
    is_on_debt: bool
    is_appeal: bool = False
    is_timely: bool | None = None
    goes_to_sspd: bool = False
    appeal_until: date | None = None


class SuspensionBlocked(DomainError):
    """A claim or a timely appeal is open: the service may not be suspended or cut. `fields["number"]` is the case."""


_NO_SUSPENSION = {
    "undecided": N_("The claim %(number)s has no answer yet: until then the service may not be suspended or cut (Ley 142 art. 155)."),
    "untold": N_("The answer to %(number)s was not notified yet: until then the service may not be suspended or cut (Ley 142 art. 155)."),
    "appealable": N_("The answer to %(number)s may be appealed until %(until)s: until then the service may not be suspended or cut "
                     "(Ley 142 arts. 154, 155)."),
    "appealed": N_("The answer to %(number)s was appealed: until that is decided the service may not be suspended or cut "
                   "(Ley 142 art. 155)."),
    "appeal": N_("The appeal %(number)s has no notified decision yet: until then the service may not be suspended or cut "
                 "(Ley 142 art. 155)."),
}  # fmt: skip


def suspension_blocked_by(disputes: Iterable[Dispute], on: date) -> SuspensionBlocked | None:
    """
    Return why a suspension or cut for unpaid bills or breach has to wait on *on*, naming the case; None when nothing forbids it.

    While a claim on the debt is open, while its answer may still be appealed, and until the decision on a timely appeal is notified, the
    company does not suspend, cut or end the contract (Ley 142 arts. 154, 155). A late appeal holds up nothing.
    """
    for case in disputes:
        why = _why_of_appeal(case) if case.is_appeal else _why_of_claim(case, on)
        if why:
            until = {"until": f"{case.appeal_until:%d/%m/%Y}"} if why == "appealable" else {}
            return SuspensionBlocked(_NO_SUSPENSION[why], number=case.number, **until)
    return None


def _why_of_appeal(case: Dispute) -> str:
    is_decided = case.status is PqrStatus.NOTIFIED and not case.goes_to_sspd
    return "" if case.status.is_final or case.is_timely is False or is_decided else "appeal"


def _why_of_claim(case: Dispute, on: date) -> str:
    if not case.is_on_debt or case.status.is_final:
        return ""
    if case.status.category in (Category.OPEN, Category.STOPPED):
        return "undecided"
    if case.status is PqrStatus.NOTIFIED:
        return "appealable" if case.appeal_until and on <= case.appeal_until else ""
    return "appealed" if case.status is PqrStatus.APPEALED else "untold"
