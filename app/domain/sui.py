"""
The regulator's files (SUI): which forms there are, what a row is checked for, what became of a month. Its codes are data, not here.

`claim_of` writes one row of the claims file as its month ended, or says what is wrong with it. See docs/rules/sui-claims.md.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import lru_cache

from app.domain import N_
from app.domain.appeals import goes_to_sspd
from app.domain.errors import DomainError
from app.domain.states import AppealKind, NoticeMeans, Outcome, PqrStatus


class SuiFormat(Enum):
    """A file of the SUI that the system can write."""

    CLAIMS = N_("Claims (reclamaciones)")
    INTERRUPTIONS = N_("Interruptions of the aqueduct service")


class SuiRuleKey(Enum):
    """
    What a row of the claims file is made with or checked for. The value of each is data, by service and validity.

    The first ones say how a cell is written; the others refuse a row (rules 1 to 7 of the sources at hand).
    """

    CODE_TABLE = N_("Table of codes of this service (variant)")
    PROCEDURES = N_("Kinds of procedure that are accepted")
    ANSWERS = N_("Kinds of answer that are accepted")
    PENDING_ANSWERS = N_("Kinds of answer of a case without answer")
    NOTICES = N_("Kinds of notice that are accepted")
    NO_NOTICE = N_("Kind of notice of a case without answer")
    GROUPS = N_("Groups of causes that are accepted")
    SEAT_CODE = N_("Code of the municipal seat")
    NO_ACCOUNT = N_("What stands in the place of the account, if there is none")
    NO_INVOICE = N_("What stands in the place of the invoice in causes of provision")
    NO_TRANSFER = N_("What stands in the place of the transfer to the SSPD, if there is none")
    TRANSFERRED = N_("Kinds of procedure that carry the transfer to the SSPD")
    PLACE_OF_ACCOUNT = N_("The department and municipality are those of the account")
    RADICADO = N_("The number received has at least one digit")
    CAUSE_OF_SERVICE = N_("The detail belongs to its group and to the service")
    INVOICE_OF_GROUP = N_("Group whose rows need a numeric invoice")
    DATES_IN_ORDER = N_("Filing, answer and notice come in that order")
    ANSWER_WHOLE = N_("An answered row has its date, number and notice; a pending one has none")
    TRANSFER_OF_APPEAL = N_("The transfer to the SSPD stands only in appeals")
    UNNOTIFIED = N_("Kind of answer while the answer is not notified")
    ENCODING = N_("Encoding of the file")


class SuiWeight(Enum):
    """What a rule does with a row that breaks it."""

    REFUSES = N_("The month cannot be frozen")
    WARNS = N_("It is pointed out")


class LoadStatus(Enum):
    """What became of a month of a file: as it was frozen, told to the SUI, or replaced by a later version."""

    FROZEN = N_("Frozen")
    SENT = N_("Reported to the SUI")
    REPLACED = N_("Replaced by a later version")


class SuiMapKind(Enum):
    """What of ours becomes a code of the SUI: the name of a member, by kind."""

    PROCEDURE_OF_APPEAL = N_("Kind of appeal → kind of procedure")
    ANSWER_OF_OUTCOME = N_("Sense of the answer → kind of answer")
    ANSWER_OF_STATE = N_("State of the case → kind of answer")
    NOTICE_OF_MEANS = N_("Means of the notice → kind of notice")


# ── Months and cells ──────────────────────────────────────────────────────────────────────────────────────────────────────


def first_of(day: date) -> date:
    """Return the first day of the month of *day*."""
    return day.replace(day=1)


def last_of(day: date) -> date:
    """Return the last day of the month of *day*."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def clean(text: str) -> str:
    """Return *text* as a cell may hold it: in one line, and without what would begin another cell or quote it."""
    return " ".join(text.replace(",", " ").replace(";", " ").replace('"', "").split())


@lru_cache(maxsize=4096)
def written(day: date) -> str:
    """Return a date as the file writes it, DD-MM-YYYY."""
    return f"{day:%d-%m-%Y}"


# ── What may be told in the tables of rules ───────────────────────────────────────────────────────────────────────────────

#: Encodings that a file may have.
ENCODINGS = ("utf-8", "latin-1")
#: The states in which a case ends without an answer of the company.
ENDED = (PqrStatus.TRANSFERRED, PqrStatus.WITHDRAWN, PqrStatus.ARCHIVED)
#: Rules whose value is one code, or nothing; of which two codes; and that only check, so that a value means nothing.
_ONE = (
    SuiRuleKey.CODE_TABLE, SuiRuleKey.NO_NOTICE, SuiRuleKey.SEAT_CODE, SuiRuleKey.NO_ACCOUNT, SuiRuleKey.NO_INVOICE, SuiRuleKey.NO_TRANSFER,
    SuiRuleKey.UNNOTIFIED, SuiRuleKey.ENCODING,
)  # fmt: skip
#: What each table of equivalences names.
MEMBERS: dict[SuiMapKind, tuple[Enum, ...]] = {
    SuiMapKind.PROCEDURE_OF_APPEAL: tuple(AppealKind),
    SuiMapKind.ANSWER_OF_OUTCOME: tuple(Outcome),
    SuiMapKind.ANSWER_OF_STATE: ENDED,
    SuiMapKind.NOTICE_OF_MEANS: (*(means for means in NoticeMeans if means is not NoticeMeans.SUMMONS), *ENDED),
}


def check_value(key: SuiRuleKey, value: str) -> None:
    """Raise DomainError when *value* cannot be that of the rule *key*."""
    codes = [part.strip() for part in value.split(",") if part.strip()]
    if key in _ONE and len(codes) > 1:
        raise DomainError(N_("This rule has one code, or none."), field="value")
    if key is SuiRuleKey.PENDING_ANSWERS and len(codes) != 2:
        raise DomainError(N_("Write two codes: that of a term that runs and that of one that is over, as in 9,10."), field="value")
    if key is SuiRuleKey.SEAT_CODE and not (len(value) == 3 and value.isdigit()):
        raise DomainError(N_("The code of the settlement has three digits."), field="value")
    if key is SuiRuleKey.ENCODING and value.lower() not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise DomainError(N_("The rule of the encoding says “%(told)s”: write one of %(known)s."), field="value", told=value, known=known)


def check_member(kind: SuiMapKind, member: str) -> None:
    """Raise DomainError when the equivalences of *kind* know no *member*."""
    if member not in {each.name for each in MEMBERS[kind]}:
        raise DomainError(N_("That is not a value of this table of equivalences."), field="member")


# ── The rules in force ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A row of the table of rules. `service_id` None: of every service that has none of its own."""

    key: SuiRuleKey
    value: str
    weight: SuiWeight
    service_id: int | None
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class MapRow:
    """A row of the table of equivalences."""

    kind: SuiMapKind
    member: str
    code: str
    service_id: int | None
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How the rows of one service are written and checked in one month. A rule that is not there checks nothing and writes nothing."""

    values: Mapping[SuiRuleKey, tuple[str, ...]]
    weights: Mapping[SuiRuleKey, SuiWeight]
    codes: Mapping[tuple[SuiMapKind, str], str]

    def many(self, key: SuiRuleKey) -> tuple[str, ...]:
        """Return the codes that a rule names."""
        return self.values.get(key, ())

    def one(self, key: SuiRuleKey) -> str:
        """Return the first code that a rule names, or nothing."""
        return next(iter(self.values.get(key, ())), "")

    def as_data(self) -> dict[str, dict[str, str]]:
        """Return them as they are kept beside a frozen month."""
        rules = {key.name: " · ".join((",".join(value), self.weights[key].name)) for key, value in sorted(self.values.items(), key=_named)}
        codes = {f"{kind.name}.{member}": code for (kind, member), code in sorted(self.codes.items(), key=lambda each: str(each[0]))}
        return {"rules": rules, "maps": codes}


def _named(item: tuple[SuiRuleKey, tuple[str, ...]]) -> str:
    return item[0].name


def rules_in_force(rules: Iterable[RuleRow], maps: Iterable[MapRow], service_id: int, on: date) -> Rules:
    """
    Return what rules *service_id* on *on*, the last day of the month that is reported. Its own rows beat those of every service.

    Of two of one rank that are both in force the newer counts; screens refuse to store such an overlap.
    """
    values: dict[SuiRuleKey, tuple[str, ...]] = {}
    weights: dict[SuiRuleKey, SuiWeight] = {}
    for rule in sorted((row for row in rules if _in_force(row, service_id, on)), key=_rank):
        values[rule.key] = tuple(part.strip() for part in rule.value.split(",") if part.strip())
        weights[rule.key] = rule.weight
    codes = {(row.kind, row.member): row.code for row in sorted((row for row in maps if _in_force(row, service_id, on)), key=_rank)}
    return Rules(values, weights, codes)


def _in_force(row: RuleRow | MapRow, service_id: int, on: date) -> bool:
    return row.service_id in (None, service_id) and row.valid_from <= on and (row.valid_until is None or on <= row.valid_until)


def _rank(row: RuleRow | MapRow) -> tuple[bool, date]:
    return row.service_id is not None, row.valid_from


# ── A row of the claims file ──────────────────────────────────────────────────────────────────────────────────────────────

#: The values that a row of the claims file has, by the field of its columns.
CLAIM_FIELDS = {
    "department": N_("DANE code of the department"), "municipality": N_("DANE code of the municipality"),
    "settlement": N_("DANE code of the settlement"), "received": N_("Number received"), "filed_on": N_("Date of filing"),
    "procedure": N_("Kind of procedure"), "group": N_("Group of the cause"), "detail": N_("Detail of the cause"),
    "account": N_("Number of the account"), "invoice": N_("Number of the invoice"), "answer": N_("Kind of answer"),
    "answered_on": N_("Date of the answer"), "answer_number": N_("Number of the answer"), "notified_on": N_("Date of notice or execution"),
    "notice": N_("Kind of notice"), "transferred_on": N_("Date of transfer to the SSPD"),
}  # fmt: skip


class Mend(Enum):
    """Where somebody mends what is wrong with a row."""

    CASE = N_("Open the case")
    EDIT = N_("Correct the case")
    ACCOUNT = N_("Correct the account")
    CAUSES = N_("See the causes of the service")
    RULES = N_("See the rules")
    MAPS = N_("See the equivalences")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row: which rule it breaks, in which field, in words (a msgid and its fields), and where it is mended."""

    rule: SuiRuleKey
    column: str
    weight: SuiWeight
    msgid: str
    mend: Mend
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def refuses(self) -> bool:
        return self.weight is SuiWeight.REFUSES


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """
    What the row of a case is made of, as the case stands today; `claim_of` leaves out what came after the month.

    `number` is that under which the citizen has it: of an old case, the one of the register it comes from. `procedure` is that of its
    request type. `closed_on` and `closing_number` are of a case that ended without an answer. `place` is the municipality of its account,
    or of the company.
    """

    pqr_id: int
    number: str
    filed_on: date
    status: PqrStatus
    service_id: int
    due_on: date | None = None
    answered_on: date | None = None
    notified_on: date | None = None
    closed_on: date | None = None
    closing_number: str | None = None
    outcome: Outcome | None = None
    answer_number: str | None = None
    notice: NoticeMeans | None = None
    procedure: str | None = None
    appeal: AppealKind | None = None
    transferred_on: date | None = None
    group: str | None = None
    detail: str | None = None
    cause_service_id: int | None = None
    cause_from: date | None = None
    cause_until: date | None = None
    account: str | None = None
    account_id: int | None = None
    place: str = ""
    settlement: str | None = None
    invoice: str | None = None
    is_imported: bool = False


class Standing(Enum):
    """What a case was on the last day of the month."""

    PENDING = N_("Without answer, its term runs")
    EXPIRED = N_("Without answer, its term is over")
    UNNOTIFIED = N_("Answered, not notified")
    ANSWERED = N_("Answered and notified")
    ENDED = N_("Ended without an answer: transferred, withdrawn or archived")


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of the file: its values by field, what it was at the end of its month, and what is wrong with it. Bad: it cannot leave."""

    facts: ClaimFacts
    values: Mapping[str, str]
    standing: Standing
    faults: tuple[Fault, ...]

    @property
    def is_bad(self) -> bool:
        return any(fault.refuses for fault in self.faults)


def standing_of(facts: ClaimFacts, until: date) -> Standing:
    """Return what a case was at the end of *until*. A term whose last day is that one is over by then."""
    if facts.status in ENDED and facts.closed_on is not None and facts.closed_on <= until:
        return Standing.ENDED
    if facts.answered_on is not None and facts.answered_on <= until:
        is_served = facts.notified_on is not None and facts.notified_on <= until
        return Standing.ANSWERED if is_served else Standing.UNNOTIFIED
    if facts.due_on is not None and facts.due_on <= until:
        return Standing.EXPIRED
    return Standing.PENDING


def procedure_of(facts: ClaimFacts, rules: Rules) -> str:
    """Return the kind of procedure of a row: that of the recurso, else that of the request type; nothing for what is not reported."""
    if facts.appeal is not None:
        return rules.codes.get((SuiMapKind.PROCEDURE_OF_APPEAL, facts.appeal.name), "")
    return facts.procedure or ""


def is_reported(facts: ClaimFacts, rules: Rules) -> bool:
    """
    Say whether a case has a row in the file of its service.

    Not: a request type without kind of procedure, and a kind that this service does not report, where the rule only points it out.
    """
    procedure = procedure_of(facts, rules)
    if facts.appeal is None and not procedure:
        return False
    accepted = rules.many(SuiRuleKey.PROCEDURES)
    is_pointed_out = rules.weights.get(SuiRuleKey.PROCEDURES) is SuiWeight.WARNS
    return not (accepted and is_pointed_out and procedure not in accepted)


def claim_of(facts: ClaimFacts, rules: Rules, until: date) -> Claim:
    """
    Return the row of a case in the file of the month that ends on *until*, as it stood then.

    A case answered later is pending in it; what was notified later is not answered yet in it (rule UNNOTIFIED), and came back in the
    month of its notice. What Superservicios decides never shows.

    Source: Resolución SSPD 20151300054575 de 2015 and the systems of three companies; see docs/rules/sui-claims.md.
    """
    standing = standing_of(facts, until)
    values = _identity(facts, rules) | _answer(facts, rules, until, standing)
    faults = [fault for check in _CHECKS for fault in check(facts, values, rules, until, standing)]
    return Claim(facts, values, standing, tuple(faults))


def _identity(facts: ClaimFacts, rules: Rules) -> dict[str, str]:
    """Return what says which case it is: place, number, filing, procedure, cause, account, invoice."""
    needs_invoice = facts.group is not None and facts.group in rules.many(SuiRuleKey.INVOICE_OF_GROUP)
    return {
        "department": facts.place[:2], "municipality": facts.place[2:],
        "settlement": facts.settlement or rules.one(SuiRuleKey.SEAT_CODE), "received": clean(facts.number),
        "filed_on": written(facts.filed_on), "procedure": procedure_of(facts, rules), "group": facts.group or "",
        "detail": facts.detail or "", "account": clean(facts.account or "") or rules.one(SuiRuleKey.NO_ACCOUNT),
        "invoice": clean(facts.invoice or "") if needs_invoice else rules.one(SuiRuleKey.NO_INVOICE),
    }  # fmt: skip


def _answer(facts: ClaimFacts, rules: Rules, until: date, standing: Standing) -> dict[str, str]:
    """Return what became of it by the end of the month."""
    none = rules.one(SuiRuleKey.NO_TRANSFER)
    carries = procedure_of(facts, rules) in rules.many(SuiRuleKey.TRANSFERRED)
    sent = facts.transferred_on if carries and facts.transferred_on and facts.transferred_on <= until else None
    told = {"answered_on": "", "answer_number": "", "notified_on": "", "transferred_on": written(sent) if sent else none}
    if standing is Standing.ENDED:
        assert facts.closed_on is not None
        on = written(facts.closed_on)
        return told | {
            "answer": rules.codes.get((SuiMapKind.ANSWER_OF_STATE, facts.status.name), ""), "answered_on": on,
            "answer_number": clean(facts.closing_number or ""), "notified_on": on,
            "notice": rules.codes.get((SuiMapKind.NOTICE_OF_MEANS, facts.status.name), ""),
        }  # fmt: skip
    if _waits(standing, rules):
        return told | {"answer": _pending(facts, rules, until, standing), "notice": rules.one(SuiRuleKey.NO_NOTICE)}
    assert facts.answered_on is not None
    is_served = standing is Standing.ANSWERED and facts.notified_on is not None
    means = facts.notice.name if facts.notice and is_served else ""
    return told | {
        "answer": rules.codes.get((SuiMapKind.ANSWER_OF_OUTCOME, facts.outcome.name if facts.outcome else ""), ""),
        "answered_on": written(facts.answered_on), "answer_number": clean(facts.answer_number or ""),
        "notified_on": written(facts.notified_on) if is_served and facts.notified_on else "",
        "notice": rules.codes.get((SuiMapKind.NOTICE_OF_MEANS, means), ""),
    }  # fmt: skip


def _waits(standing: Standing, rules: Rules) -> bool:
    """Say whether the row leaves without an answer."""
    if standing is Standing.UNNOTIFIED:
        return bool(rules.one(SuiRuleKey.UNNOTIFIED))
    return standing in (Standing.PENDING, Standing.EXPIRED)


def _pending(facts: ClaimFacts, rules: Rules, until: date, standing: Standing) -> str:
    """Return the kind of answer of a row without one: that its term runs, or ended without it."""
    runs, ended = (*rules.many(SuiRuleKey.PENDING_ANSWERS), "", "")[:2]
    if standing is not Standing.UNNOTIFIED:
        return ended if standing is Standing.EXPIRED else runs
    came_late = facts.due_on is not None and facts.answered_on is not None and facts.due_on < facts.answered_on
    return ended if came_late else rules.one(SuiRuleKey.UNNOTIFIED)


# ── What may be wrong with it ─────────────────────────────────────────────────────────────────────────────────────────────

_Values = Mapping[str, str]
_Check = Callable[[ClaimFacts, _Values, Rules, date, Standing], Iterable[Fault]]


def _fault(rules: Rules, key: SuiRuleKey, column: str, msgid: str, mend: Mend, **fields: str) -> Iterable[Fault]:
    """Yield the fault, unless nobody asks for that rule."""
    weight = rules.weights.get(key)
    if weight is not None:
        yield Fault(key, column, weight, msgid, mend, fields)


def _place(facts: ClaimFacts, values: _Values, rules: Rules, _until: date, _standing: Standing) -> Iterable[Fault]:
    """Rule 1. That the place is that of the account holds as it is read: `place` comes from there."""
    if len(facts.place) != 5 or not facts.place.isdigit() or not int(facts.place[:2]) or not int(facts.place[2:]):
        mend = Mend.ACCOUNT if facts.account_id else Mend.RULES
        missing = N_("The department and the municipality cannot be zero or empty.")
        yield from _fault(rules, SuiRuleKey.PLACE_OF_ACCOUNT, "municipality", missing, mend)
    if not (len(values["settlement"]) == 3 and values["settlement"].isdigit()):
        bad = N_("The code of the settlement has three digits.")
        yield from _fault(rules, SuiRuleKey.PLACE_OF_ACCOUNT, "settlement", bad, Mend.ACCOUNT if facts.account_id else Mend.RULES)
    if not values["account"]:
        none = N_("The case has no account, and no rule says what stands in its place.")
        yield from _fault(rules, SuiRuleKey.NO_ACCOUNT, "account", none, Mend.EDIT)


def _received(_facts: ClaimFacts, values: _Values, rules: Rules, _until: date, _standing: Standing) -> Iterable[Fault]:
    """Rule 2."""
    if not any(letter.isdigit() for letter in values["received"]):
        no_digit = N_("The number received, “%(number)s”, has no digit.")
        yield from _fault(rules, SuiRuleKey.RADICADO, "received", no_digit, Mend.CASE, number=values["received"])


def _procedure(_facts: ClaimFacts, values: _Values, rules: Rules, _until: date, _standing: Standing) -> Iterable[Fault]:
    accepted, procedure = rules.many(SuiRuleKey.PROCEDURES), values["procedure"]
    if not procedure:
        unmapped = N_("No equivalence says which kind of procedure a recurso of this kind is.")
        yield from _fault(rules, SuiRuleKey.PROCEDURES, "procedure", unmapped, Mend.MAPS)
    elif accepted and procedure not in accepted:
        other = N_("This service does not accept the kind of procedure %(code)s: it accepts %(codes)s.")
        yield from _fault(rules, SuiRuleKey.PROCEDURES, "procedure", other, Mend.EDIT, code=procedure, codes=", ".join(accepted))


def _cause(facts: ClaimFacts, _values: _Values, rules: Rules, _until: date, _standing: Standing) -> Iterable[Fault]:
    """Rule 3."""
    key, groups = SuiRuleKey.CAUSE_OF_SERVICE, rules.many(SuiRuleKey.GROUPS)
    if not facts.group or not facts.detail:
        yield from _fault(rules, key, "detail", N_("The case has no cause: choose the one of the SUI table that fits."), Mend.EDIT)
        return
    if groups and facts.group not in groups:
        other = N_("The group %(group)s is not accepted: it has to be %(groups)s.")
        fields = {"group": facts.group, "groups": ", ".join(groups)}
        yield from _fault(rules, SuiRuleKey.GROUPS, "group", other, Mend.EDIT, **fields)
    if facts.cause_service_id != facts.service_id:
        foreign = N_("The cause %(code)s is of another service.")
        yield from _fault(rules, key, "detail", foreign, Mend.EDIT, code=facts.detail)
    is_early = facts.cause_from is not None and facts.filed_on < facts.cause_from
    if is_early or (facts.cause_until is not None and facts.filed_on > facts.cause_until):
        lapsed = N_("The cause %(code)s was not in force on %(on)s, when the case was filed.")
        yield from _fault(rules, key, "detail", lapsed, Mend.EDIT, code=facts.detail, on=f"{facts.filed_on:%d/%m/%Y}")


def _invoice(facts: ClaimFacts, values: _Values, rules: Rules, _until: date, _standing: Standing) -> Iterable[Fault]:
    """Rule 4."""
    if facts.group and facts.group in rules.many(SuiRuleKey.INVOICE_OF_GROUP) and not _is_number(values["invoice"]):
        numeric = N_("A claim of group %(group)s needs the number of the invoice, only digits.")
        yield from _fault(rules, SuiRuleKey.INVOICE_OF_GROUP, "invoice", numeric, Mend.EDIT, group=facts.group)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _whole(facts: ClaimFacts, values: _Values, rules: Rules, _until: date, standing: Standing) -> Iterable[Fault]:
    """Rules 5 and 6: what an answered row has, and a pending one has not."""
    key = SuiRuleKey.ANSWER_WHOLE
    if _waits(standing, rules):
        if not values["answer"]:
            yield from _fault(rules, key, "answer", N_("No rule says which kind of answer a case without answer has."), Mend.RULES)
        if not values["notice"]:
            yield from _fault(rules, key, "notice", N_("No rule says which kind of notice a case without answer has."), Mend.RULES)
        return
    if not values["answer"]:
        unmapped = N_("No equivalence says which kind of answer this sense or state is.")
        yield from _fault(rules, key, "answer", unmapped, Mend.MAPS)
    if not values["answer_number"]:
        lost = N_("The number of the answer is missing: the case comes from an earlier register, which did not bring it.")
        missing = lost if facts.is_imported else N_("The number of the answer is missing.")
        yield from _fault(rules, key, "answer_number", missing, Mend.CASE)
    if not values["notified_on"]:
        yield from _fault(rules, key, "notified_on", N_("The answer was not notified by the end of the month."), Mend.CASE)
    if not values["notice"]:
        unknown = N_("Nothing says how it was notified, or no equivalence has that way.")
        yield from _fault(rules, key, "notice", unknown, Mend.CASE if facts.notice is None else Mend.MAPS)


def _accepted(_facts: ClaimFacts, values: _Values, rules: Rules, _until: date, standing: Standing) -> Iterable[Fault]:
    """The codes of answer and notice that the table of the service has."""
    for key, column in ((SuiRuleKey.ANSWERS, "answer"), (SuiRuleKey.NOTICES, "notice")):
        accepted, code = rules.many(key), values[column]
        if column == "notice" and _waits(standing, rules):
            accepted = rules.many(SuiRuleKey.NO_NOTICE)
        if accepted and code and code not in accepted:
            other = N_("This service does not accept the code %(code)s: it accepts %(codes)s.")
            yield from _fault(rules, key, column, other, Mend.MAPS, code=code, codes=", ".join(accepted))


def _order(facts: ClaimFacts, values: _Values, rules: Rules, _until: date, standing: Standing) -> Iterable[Fault]:
    """Rule 6: filed, answered, notified, in that order."""
    if not values["answered_on"]:
        return
    answered_on = facts.closed_on if standing is Standing.ENDED else facts.answered_on
    if answered_on is not None and answered_on < facts.filed_on:
        early = N_("The answer is earlier than the filing.")
        yield from _fault(rules, SuiRuleKey.DATES_IN_ORDER, "answered_on", early, Mend.CASE)
    if standing is Standing.ANSWERED and facts.notified_on and facts.answered_on and facts.notified_on < facts.answered_on:
        before = N_("The notice is earlier than the answer.")
        yield from _fault(rules, SuiRuleKey.DATES_IN_ORDER, "notified_on", before, Mend.CASE)


def _transfer(facts: ClaimFacts, values: _Values, rules: Rules, until: date, standing: Standing) -> Iterable[Fault]:
    """Rule 7, and what it leaves open: an apelación that is decided and whose file did not leave by the end of the month."""
    carries = values["procedure"] in rules.many(SuiRuleKey.TRANSFERRED)
    if facts.transferred_on is not None and facts.transferred_on <= until and not carries:
        stray = N_("The file was sent to Superservicios, and the kind of procedure %(code)s does not carry that date.")
        yield from _fault(rules, SuiRuleKey.TRANSFER_OF_APPEAL, "transferred_on", stray, Mend.CASE, code=values["procedure"])
    is_sent = facts.transferred_on is not None and facts.transferred_on <= until
    goes = facts.appeal is None or facts.outcome is None or goes_to_sspd(facts.appeal, facts.outcome)
    if carries and goes and standing is Standing.ANSWERED and not is_sent:
        unsent = N_("The apelación was decided, and its file had not left for Superservicios by the end of the month.")
        yield from _fault(rules, SuiRuleKey.TRANSFERRED, "transferred_on", unsent, Mend.CASE)


def _presumed(_facts: ClaimFacts, _values: _Values, rules: Rules, _until: date, standing: Standing) -> Iterable[Fault]:
    """What no source settles is pointed out, whatever the rules weigh."""
    if standing is Standing.ENDED:
        told = N_("The day and the way of its notice are those of the act that ended it: no source says how such a row is notified.")
        yield Fault(SuiRuleKey.NOTICES, "notice", SuiWeight.WARNS, told, Mend.CASE)
    if standing is Standing.UNNOTIFIED and rules.one(SuiRuleKey.UNNOTIFIED):
        later = N_("It was answered and not notified by the end of the month: it leaves as pending, and as answered when it is notified.")
        yield Fault(SuiRuleKey.UNNOTIFIED, "answer", SuiWeight.WARNS, later, Mend.CASE)


_CHECKS: tuple[_Check, ...] = (_place, _received, _procedure, _cause, _invoice, _whole, _accepted, _order, _transfer, _presumed)
