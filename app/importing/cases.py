"""
Old PQR logs become cases: each row is judged (`domain/pastcases.py`), and written with its history (`operations/pastcases.py`).

A row that cannot be true goes to the tray of quality with all that it told, and is in no list, report or chart until somebody settles it.
See docs/rules/past-cases.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.deadlines import Regime, regime_for
from app.domain.errors import DomainError
from app.domain.pastcases import ENDINGS, Choices, Doubt, Fault, Finding, Judge, Numbers, PastCase, Verdict, digest_of
from app.domain.states import Category, DocumentType, IssueStatus, Outcome, PqrStatus
from app.domain.text import plain
from app.extensions import LANGUAGE, local
from app.importing.caselog import ASKS, CHANNELS, DATES_TELL, DATES_TELL_IT, DOCUMENTS, FIELDS, NOBODY, OUTCOMES, STATES, TOLD, TYPES
from app.importing.cells import text_of
from app.importing.customers import kind_of_party, paper_of
from app.importing.kinds import Fate, Kind, Option, Problem, Row, Run, register
from app.models import Channel, Organisation, Process, QualityIssue, RequestType, Service, SuiCause
from app.operations import pastcases
from app.operations.decisions import KIND_OF
from app.operations.notices import APPEALABLE
from app.operations.parties import is_same_name
from app.operations.pastcases import Incoming, Origin

HOUSE, NUMBERS, NAMES = "house", "numbers", "names"

# ── What rows are judged with ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class House:
    """The catalogues of the house as rows need them: (id, regime, name) by code of the type, regime by id of the service."""

    judge: Judge
    regime: Regime
    types: Mapping[str, tuple[int, Regime | None, str]]
    services: Mapping[int, Regime | None] = field(default_factory=dict)
    causes: Mapping[tuple[int, str], list[tuple[int, Any, Any]]] = field(default_factory=dict)
    organisation: Organisation | None = None
    laws: dict[tuple[str, int | None], Regime] = field(default_factory=dict)

    def law_of(self, request_type: str, service_id: int | None) -> Regime:
        """Return the law of a case of that type about that service."""
        key = (request_type, service_id)
        if key not in self.laws:
            self.laws[key] = regime_for(self.types[request_type][1], self.services.get(service_id or 0), self.regime)
        return self.laws[key]


def choices_of(options: Mapping[str, Any]) -> Choices:
    """Return what whoever imports chose on the page of the batch."""
    outcome = options.get("outcome", "TRAY")
    return Choices(options.get("notice") == "ANSWER", None if outcome == "TRAY" else Outcome[outcome])


def house_of(session: Session, options: Mapping[str, Any], at: datetime) -> House:
    """Return the house of *session*, to judge rows on the day of *at*."""
    organisation = queries.organisation(session)
    appealable = queries.parameter(session, "appeal.types", APPEALABLE).replace(" ", "").split(",")
    judge = Judge(
        queries.term_rules(session), queries.calendar_of(session, organisation), local(at).date(), choices_of(options),
        appealable=appealable, decisions=KIND_OF,
    )  # fmt: skip
    causes: dict[tuple[int, str], list[tuple[int, Any, Any]]] = {}
    for cause in session.scalars(select(SuiCause)):
        for name in (cause.code, plain(cause.name)):
            causes.setdefault((cause.service_id, name), []).append((cause.id, cause.valid_from, cause.valid_until))
    return House(
        judge,
        organisation.regime,
        {row.code: (row.id, row.regime, row.name) for row in session.scalars(select(RequestType))},
        dict(session.execute(select(Service.id, Service.regime)).all()),
        causes,
        organisation,
    )


@dataclass(slots=True)
class Ready:
    """What `check` and `settle` found out about a row."""

    case: PastCase
    verdict: Verdict
    told: tuple[Any, ...]
    token: str = ""
    is_repeated: bool = False
    party: Any = None
    account_id: int | None = None
    service_id: int | None = None
    remarks: list[Finding] = field(default_factory=list)


@register
class PastCases(Kind):
    name, title = "cases", N_("Old PQR logs")
    intro = N_(
        "Each row becomes a case with its history, in a series of numbers of its own. What cannot be true waits in the tray of quality."
    )
    fields = FIELDS
    keeps_rest = True
    asks_source = True
    asks = ASKS

    def options(self, session: Session) -> dict[str, list[Option]]:
        types = session.scalars(select(RequestType))
        return {
            "request_type": [Option(row.code, row.name, (row.plain_name, *TYPES.get(row.code, ()))) for row in types],
            "channel": [Option(row.id, row.name, (row.code, *CHANNELS.get(row.code, ()))) for row in session.scalars(select(Channel))],
            "process": [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(Process))],
            "service": [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(Service))],
            "document_type": [Option(each.name, each.value, DOCUMENTS.get(each, ())) for each in DocumentType],
            "outcome": [Option(each.name, each.value, OUTCOMES.get(each, ())) for each in Outcome],
            "state": [
                *(Option(each.name, each.value, STATES[each]) for each in ENDINGS),
                Option(DATES_TELL_IT, N_("The dates tell it"), DATES_TELL),
            ],
        }  # fmt: skip

    def begin(self, run: Run) -> None:
        run.facts.setdefault(HOUSE, None)
        if run.facts[HOUSE] is None:
            run.facts[HOUSE] = house_of(run.session, run.options, run.at)

    # ── judged ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self, rows: Sequence[Row], run: Run) -> None:
        """Judge each row. That its due date is another is no doubt of the row: a figure counts them, and a page lists them."""
        house: House = run.facts[HOUSE]
        numbers: Numbers = run.facts.setdefault(NUMBERS, Numbers())
        judge, law_of = house.judge, house.law_of
        for row in rows:
            values = row.values
            case = past_case(values, law_of(values["request_type"], values["service"]))
            verdict = judge(case)
            told = _told_facts(values)
            seen = numbers.add(case.number, told, row.number)
            row.found = Ready(case, verdict, told, is_repeated=seen is False)
            if verdict.faults:
                row.problems = (*row.problems, *map(_problem, verdict.faults))
            if isinstance(seen, Finding):
                row.problems = (*row.problems, _problem(seen))
            if verdict.doubts:
                row.doubts = (*row.doubts, *(_problem(doubt) for doubt in verdict.doubts if doubt.code is not Doubt.DUE_DIFFERS))

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        house: House = run.facts[HOUSE]
        session, organisation = run.session, house.organisation
        assert organisation is not None
        if not run.is_dry:
            pastcases.hold_series(session, organisation, [row.found.case for row in rows])
        for row in rows:
            row.found.token = digest_of(run.source, [row.found.case.number, *row.found.told])
        here = pastcases.known(session, organisation, run.source, [row.found.case.number for row in rows])
        fresh = []
        for row in rows:
            number, token = here.get(row.found.case.number, (None, None))
            if number is not None and token != row.found.token:
                row.problems += (Problem(Fault.KNOWN_OTHERWISE.value, {"number": number}, "number", Fault.KNOWN_OTHERWISE.name),)
            elif number is not None or row.found.is_repeated:
                row.fate = Fate.SAME
            else:
                row.fate = Fate.NEW
                fresh.append(row)
        self._place(fresh, run)
        for row in fresh:
            _count(row, run)

    def _place(self, rows: Sequence[Row], run: Run) -> None:
        """Find the account and the party of each row; a party is an id, or the columns of one to be made."""
        accounts = pastcases.accounts_numbered(run.session, (row["account"] for row in rows if row["account"]))
        papers = {row.number: _papers(row) for row in rows}
        known = pastcases.parties_by_document(run.session, filter(None, papers.values()))
        names: dict[str, Any] = run.facts.get(NAMES) or pastcases.parties_without_document(run.session)
        run.facts[NAMES] = names
        for row in rows:
            found: Ready = row.found
            owner = _account_of(row, accounts)
            _party_of(row, papers[row.number], known, names, owner)
            house: House = run.facts[HOUSE]
            if found.service_id is not None and found.service_id != row["service"]:
                found.service_id = found.service_id if _same_law(house, row, found.service_id) else row["service"]

    # ── written ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, rows: Sequence[Row], run: Run) -> None:
        house: House = run.facts[HOUSE]
        assert house.organisation is not None and run.batch_id is not None
        origin = Origin(run.source, run.batch_id, run.at, run.user_id)
        self._add_parties(rows, run, origin)
        words = run.facts.setdefault("words", _Words())
        untold = pastcases.untold_channel(run.session) if any(row["channel"] is None for row in rows) else None
        incoming = [_incoming(row, house, words, untold) for row in rows]
        pastcases.write_cases(run.session, house.organisation, origin, incoming)

    def _add_parties(self, rows: Sequence[Row], run: Run, origin: Origin) -> None:
        """Make the parties that nobody has made yet; several rows of a block may name one."""
        new = [row.found.party for row in rows if isinstance(row.found.party, _NewParty) and row.found.party.id is None]
        new = list({id(party): party for party in new}.values())
        for party, key in zip(new, pastcases.add_parties(run.session, [party.columns for party in new], origin), strict=True):
            party.id = key

    def refused(self, rows: Sequence[Row], run: Run) -> None:
        """Put the rows in the tray, once: what somebody settled or still has to settle is not asked again by the next import."""
        assert run.batch_id is not None
        numbers = {text_of(run.raw(row, "number"))[:60] for row in rows}
        asked = select(QualityIssue.source_number, QualityIssue.code, QualityIssue.facts).where(
            QualityIssue.source == run.source, QualityIssue.source_number.in_(numbers), QualityIssue.source_number != ""
        )
        known = {(number, code, _mark(facts)) for number, code, facts in run.session.execute(asked)}
        stamp = {"created_at": run.at, "changed_at": run.at, "created_by_id": run.user_id, "changed_by_id": run.user_id}
        lines = []
        for row in rows:
            facts = as_it_came(row, run)
            number = facts["cells"].get("number", "")[:60]
            for code, problem in {_code(problem): problem for problem in reversed(row.problems)}.items():
                if (number, code, _mark(facts)) in known:
                    continue
                lines.append({
                    "import_id": run.batch_id, "row_number": row.number, "code": code, "text": problem.msgid, "fields": dict(problem.facts),
                    "facts": facts, "source": run.source, "source_number": number, "status": IssueStatus.OPEN, "why": "", **stamp,
                })  # fmt: skip
        if lines:
            run.session.execute(insert(QualityIssue.__table__), lines)

    def finish(self, run: Run) -> None:
        """Count the figures of the batch in the database: an import that another worker went on with has them whole."""
        house: House = run.facts[HOUSE]
        assert house.organisation is not None and run.batch_id is not None
        counted = pastcases.figures_of(run.session, house.organisation, run.source, run.batch_id)
        run.totals.clear()
        for status, is_due_told, is_due_other, has_silence, n in counted:
            for name in _figures(status, is_due_told, is_due_other, has_silence):
                run.totals[name] = run.totals.get(name, 0) + n


# ── A row, read ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _problem(finding: Finding) -> Problem:
    return Problem(finding.msgid, finding.facts, finding.field, finding.code.name)


_told_facts = itemgetter(*TOLD)
_OUTCOMES: dict[str | None, Outcome | None] = {None: None, **{each.name: each for each in Outcome}}
_ENDINGS: dict[str | None, PqrStatus] = {each.name: each for each in ENDINGS}


def past_case(values: Mapping[str, Any], regime: Regime) -> PastCase:
    """Return what the values of a row tell, as the domain reads it."""
    outcome, state = values["outcome"], values["state"]
    return PastCase(
        values["number"], values["filed"], values["request_type"], regime, values["process"], values["routed_on"], values["solved_on"],
        values["answered_on"], values["notified_on"], values["closed_on"], values["due_on"], _OUTCOMES[outcome], _ENDINGS.get(state),
    )  # fmt: skip


#: A document that says its type itself: C.C. 52.345.678, NIT 900.123.456-8.
_TOLD_KIND = re.compile(r"(c\.?c|n\.?i\.?t|c\.?e|t\.?i|ppt)\b[.:# ]*(?=\d)", re.IGNORECASE)


def _papers(row: Row) -> tuple[DocumentType, str] | None:
    """Return the document of the petitioner; None when there is none, or it is none, which the history of the case tells."""
    text, kind = row["document"], row["document_type"]
    if not text:
        return None
    if told := _TOLD_KIND.match(text):
        kind, text = kind or told[1].replace(".", "").upper(), text[told.end() :]
    try:
        return paper_of(kind, text)
    except DomainError:
        row.found.remarks.append(Finding(Doubt.DOCUMENT_UNFIT, "document", {"text": row["document"]}))
        return None


@dataclass(slots=True, eq=False)
class _NewParty:
    """A party to be made; `id` once it is."""

    columns: dict[str, Any]
    id: int | None = None


def _account_of(row: Row, accounts: Mapping[str, list[Any]]) -> tuple[int | None, str | None]:
    """Write the account of the row, of its service if there are several; return its party and the name of that."""
    found: Ready = row.found
    found.service_id = row["service"]
    if not row["account"]:
        return None, None
    same = accounts.get(row["account"], [])
    best = next((each for each in same if each[1] == row["service"]), None) or next(iter(same), None)
    if best is None:
        found.remarks.append(Finding(Doubt.ACCOUNT_UNKNOWN, "account", {"number": row["account"]}))
        return None, None
    found.account_id, service_id, party_id, name = best
    found.service_id = row["service"] or service_id
    return party_id, name


def _same_law(house: House, row: Row, service_id: int) -> bool:
    """Say whether the service of the account leaves the case the law by which its term was found."""
    return house.law_of(row["request_type"], service_id) is row.found.case.regime


def _party_of(
    row: Row,
    papers: tuple[DocumentType, str] | None,
    known: dict[Any, Any],
    names: dict[str, Any],
    owner: tuple[int | None, str | None],
) -> None:
    """
    Write who files: whoever has that document; else the owner of the account if the names agree; else whoever has only that name.

    Without a name and a document, or with a name that says so, nobody does: the case is anonymous.
    """
    found, name = row.found, row["name"]
    if papers is not None:
        if papers not in known:
            known[papers] = (_NewParty(_columns(row, papers, name)), name or papers[1])
        found.party, registered = known[papers]
        if name and not isinstance(found.party, _NewParty) and not is_same_name(registered, name):
            found.remarks.append(Finding(Doubt.NAME_DIFFERS, "name", {"known": registered, "told": name}))
    elif name and plain(name).strip() not in NOBODY:
        owner_id, registered = owner
        if owner_id is not None and is_same_name(registered or "", name):
            found.party = owner_id
        else:
            found.party = names.setdefault(plain(name), None) or _named(names, row)


def _named(names: dict[str, Any], row: Row) -> _NewParty:
    party = names[plain(row["name"])] = _NewParty(_columns(row, None, row["name"]))
    return party


def _columns(row: Row, papers: tuple[DocumentType, str] | None, name: str | None) -> dict[str, Any]:
    """Return the columns of a new party."""
    kind, number = papers or (None, None)
    return {
        "kind": kind_of_party(kind or DocumentType.CC, name or ""), "document_type": kind, "document_number": number,
        "name": name or number, "phone": row["phone"], "email": row["email"], "address": None, "municipality_code": None,
    }  # fmt: skip


class _Words:
    """Texts of the history, in the language of the acts; looked up once."""

    def __init__(self) -> None:
        with force_locale(LANGUAGE):
            self._doubts = {doubt: _(doubt.value) for doubt in Doubt}
            self.untold = _("The earlier log does not tell the text of the request.")
            self.rest = _("Other columns of the log:")

    def of(self, finding: Finding) -> str:
        assert isinstance(finding.code, Doubt)
        return self._doubts[finding.code] % finding.facts


def _incoming(row: Row, house: House, words: _Words, untold: int | None) -> Incoming:
    """Return the row as `write_cases` takes it."""
    found: Ready = row.found
    type_id, _regime, type_name = house.types[row["request_type"]]
    subject = row["subject"] or (row["body"] or "").partition("\n")[0] or type_name
    remarks = [words.of(each) for each in (*found.verdict.doubts, *found.remarks)]
    if row.rest:
        remarks.append(f"{words.rest} " + "; ".join(f"{name}: {text[:500]}" for name, text in row.rest.items()))
    party = found.party.id if isinstance(found.party, _NewParty) else found.party
    body = row["body"] or row["subject"] or words.untold
    return Incoming(
        found.case, found.verdict, found.token, type_id, row["channel"] or untold or 0, subject[:200], body, party, found.account_id,
        found.service_id, _cause(row, found, house), row["invoice"], row["solution"], remarks,
    )  # fmt: skip


def _cause(row: Row, found: Ready, house: House) -> int | None:
    """Return the cause of the regulator's table that was in force on the day of filing; None when the words name none."""
    if not row["cause"] or found.service_id is None:
        return None
    text, on = plain(row["cause"]).strip(), found.case.filed
    code = text.partition(" ")[0].strip(".-–")
    for name in (text, code):
        for cause_id, since, until in house.causes.get((found.service_id, name), ()):
            if on is not None and since <= _day(on) and (until is None or _day(on) <= until):
                return cause_id
    return None


def _day(filed: Any) -> Any:
    return filed.date() if isinstance(filed, datetime) else filed


# ── What is counted, and what is kept of a refused row ────────────────────────────────────────────────────────────────────

_TOTAL_OF = {
    Category.OPEN: N_("Open, with their clock running"), Category.ANSWERED: N_("Answered, to be notified or still open to appeal"),
    Category.FINAL: N_("Closed"), Category.STOPPED: N_("Open, with their clock running"),
}  # fmt: skip
TOTAL_DUE, TOTAL_DIFFERS = N_("With a due date of the log"), N_("With another due date than the law gives")
TOTAL_SILENCE = N_("With positive silence")


def _figures(status: PqrStatus, is_due_told: bool, is_due_other: bool, has_silence: bool) -> list[str]:
    """Return which figures count a case."""
    names = [_TOTAL_OF[status.category]]
    names += [TOTAL_DUE] if is_due_told else []
    names += [TOTAL_DIFFERS] if is_due_other else []
    return [*names, TOTAL_SILENCE] if has_silence else names


def _count(row: Row, run: Run) -> None:
    """Add a new case to the figures of a check."""
    verdict: Verdict = row.found.verdict
    for name in _figures(verdict.status, verdict.n_days_off is not None, bool(verdict.n_days_off), verdict.silence is not None):
        run.totals[name] = run.totals.get(name, 0) + 1


def as_it_came(row: Row, run: Run) -> dict[str, Any]:
    """Return what the row told, as text: `cells` by field, `rest` by header."""
    cells = {name: text_of(run.raw(row, name)) for name in run.columns}
    return {"cells": {name: text for name, text in cells.items() if text}, "rest": dict(row.rest)}


def _mark(facts: Mapping[str, Any]) -> str:
    return digest_of("", sorted(facts["cells"].items()))


def _code(problem: Problem) -> str:
    return problem.code or Fault.UNREADABLE.name
