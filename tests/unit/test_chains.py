"""The worked chains of docs/rules/pqr-chains.md, recomputed with the terms that ship with the product."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import holidays
import pytest

from app.domain import appeals, notices
from app.domain.calendar import ONE_DAY, BusinessCalendar, NonWorkingDay
from app.domain.deadlines import (
    ClockEvent,
    ClockEventKind,
    CountFrom,
    Regime,
    TermAct,
    TermRule,
    TermUnit,
    deadline_of,
    extended,
    rule_for,
    silence_on,
    term_end,
)
from app.domain.errors import DomainError, TermMissing
from app.domain.states import AppealKind, Inadmissibility, NoticeMeans, NoticeResult, Outcome

ROOT = Path(__file__).parents[2]
NONE = "–"
REGIMES = {f"Law {regime.name.removeprefix('LEY')}": regime for regime in Regime}
YEARS = range(2025, 2029)
CALENDAR = BusinessCalendar([NonWorkingDay(on, name) for on, name in holidays.country_holidays("CO", years=YEARS).items()], YEARS)


def shipped_rules() -> Iterator[TermRule]:
    """Yield the terms of app/seeds/legal_term.csv."""
    with (ROOT / "app/seeds/legal_term.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            yield TermRule(
                regime=Regime[row["regime"]],
                act=TermAct[row["act"]],
                request_type=row["request_type"] or None,
                value=int(row["value"]),
                unit=TermUnit[row["unit"]],
                norm=row["norm"],
                count_from=CountFrom[row["count_from"]],
                valid_from=date.fromisoformat(row["valid_from"]),
            )


RULES = tuple(shipped_rules())


def page_tables() -> list[tuple[str, list[dict[str, str]]]]:
    """Return the tables of the page in order: the section each is in, and its rows by header."""
    tables: list[tuple[str, list[dict[str, str]]]] = []
    section, header = "", None
    for line in (ROOT / "docs/rules/pqr-chains.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.partition(". ")[2]
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = None
        elif header is None:
            header = cells
            tables.append((section, []))
        elif set(line) - set("|-"):
            tables[-1][1].append(dict(zip(header, cells, strict=True)))
    return tables


PAGE = page_tables()


def cases(section: str, column: str = "Why") -> pytest.MarkDecorator:
    """Parametrise with the rows of a section: of its table that has *column*."""
    rows = next(rows for name, rows in PAGE if name == section and column in rows[0])
    return pytest.mark.parametrize("row", rows, ids=lambda row: " ".join(list(row.values())[:4]))


def day(text: str) -> date | None:
    return None if text == NONE else date.fromisoformat(text)


def on(text: str) -> date:
    return date.fromisoformat(text)


def rule(law: str, act: TermAct, request_type: str | None, filed_on: date) -> TermRule:
    return rule_for(RULES, REGIMES[law], act, request_type, filed_on)


def end(act: TermAct, start: date, law: str = "Law 142", request_type: str | None = None) -> date:
    return term_end(start, rule(law, act, request_type, start), CALENDAR)


def stops(stopped_on: date, resumed_on: date | None) -> list[ClockEvent]:
    events = [ClockEvent(stopped_on, ClockEventKind.STOPPED, act="Act")]
    return events + ([ClockEvent(resumed_on, ClockEventKind.RESUMED)] if resumed_on else [])


def test_every_table_of_the_page_is_read_and_lives_through_the_three_traps():
    assert [name for name, _ in PAGE] == [
        "Answer and silence", "Extension of the answer", "Extension of the answer", "Incomplete petition", "Unclear petition", "Evidence",
        "Transfer to the competent body", "Notice by aviso that was delivered", "Notice by aviso that was posted",
        "Notice in person, or by a link", "Appeal", "Appeal", "Appeal", "Claims about an invoice", "A whole life",
    ]  # fmt: skip
    for name, rows in PAGE:
        dates = set(re.findall(r"\d{4}-\d\d", str(rows)))
        traps = ({"2026-03", "2026-04"}, {"2026-12", "2027-01"}, {"2026-07"})
        assert all(dates & trap for trap in traps), name


def test_the_page_has_cases_of_every_law():
    assert {row["Law"] for _, rows in PAGE for row in rows if "Law" in row} == set(REGIMES)


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@cases("Answer and silence")
def test_an_answer_is_due_and_silence_follows_under_law_142(row):
    filed_on, due_on = on(row["Filed"]), on(row["Answer due"])
    deadline = deadline_of(filed_on, rule(row["Law"], TermAct.ANSWER, row["Request"], filed_on), CALENDAR)
    silence_from, regime = day(row["Silence from"]), REGIMES[row["Law"]]

    assert (deadline.effective_on, deadline.due_on, deadline.safe_on) == (on(row["Counts as filed"]), due_on, on(row["Safe"]))
    assert not silence_on(due_on, due_on, None, regime)
    assert silence_on(due_on, due_on + ONE_DAY, None, regime) == (silence_from == due_on + ONE_DAY)
    if silence_from:
        assert end(TermAct.SILENCE_RECOGNITION, due_on) == on(row["Recognise by"])
    else:
        assert regime is not Regime.LEY142


@cases("Extension of the answer", "New date")
def test_an_extension_gives_the_new_date_and_no_later_one(row):
    filed_on, due_on = on(row["Filed"]), on(row["Answer due"])
    answer, extension = (rule(row["Law"], act, row["Request"], filed_on) for act in (TermAct.ANSWER, TermAct.EXTENSION))
    longer = [
        extended(answer, extension, extra, told_on=on(row["Told"]), due_on=due_on) for extra in (int(row["Days added"]), extension.value)
    ]

    assert deadline_of(filed_on, answer, CALENDAR).due_on == due_on
    assert [deadline_of(filed_on, term, CALENDAR).due_on for term in longer] == [on(row["New date"]), on(row["Latest possible"])]
    assert longer[1].value <= 2 * answer.value


@cases("Extension of the answer", "Refused because")
def test_an_unlawful_extension_is_refused(row):
    filed_on, due_on = on(row["Filed"]), on(row["Answer due"])
    answer = rule(row["Law"], TermAct.ANSWER, row["Request"], filed_on)

    assert deadline_of(filed_on, answer, CALENDAR).due_on == due_on
    with pytest.raises((DomainError, TermMissing)):
        extension = rule(row["Law"], TermAct.EXTENSION, row["Request"], filed_on)
        extended(answer, extension, int(row["Days asked"]), told_on=on(row["Told"]), due_on=due_on)


# ── What stops the clock ──────────────────────────────────────────────────────────────────────────────────────────────────


def assert_stop(row: dict[str, str], stopped_on: date, resumed_on: date | None) -> None:
    """Compare the days left and the new date of the row, whatever stopped its clock."""
    filed_on = on(row["Filed"])
    answer = rule(row["Law"], TermAct.ANSWER, row["Request"], filed_on)
    stopped = deadline_of(filed_on, answer, CALENDAR, stops(stopped_on, None))
    resumed = deadline_of(filed_on, answer, CALENDAR, stops(stopped_on, resumed_on))

    assert (stopped.due_on, stopped.remaining) == (None, int(row["Days left"]))
    assert resumed.due_on == day(row["Answer due"])


@cases("Incomplete petition")
def test_an_incomplete_petition_waits_for_its_citizen(row):
    law, kind, filed_on, told_on = row["Law"], row["Request"], on(row["Filed"]), on(row["Told"])
    month = rule(law, TermAct.COMPLETE, kind, told_on)
    until_on = term_end(told_on, month, CALENDAR)
    assert end(TermAct.REQUEST_COMPLETION, CALENDAR.effective_on(filed_on), law, kind) == on(row["Ask until"]) >= told_on
    assert until_on == on(row["Complete until"])
    if asked_on := day(row["Extension asked"]):
        longer = extended(month, month, month.value, told_on=asked_on, due_on=until_on)
        until_on = term_end(told_on, longer, CALENDAR)
        assert until_on == on(row["Extended until"])

    completed_on = day(row["Completed"])
    assert_stop(row, told_on, completed_on)
    assert completed_on is None or completed_on <= until_on
    assert day(row["Withdrawal from"]) == (None if completed_on else until_on + ONE_DAY)


@cases("Unclear petition")
def test_an_unclear_petition_goes_back_and_waits(row):
    returned_on, clarified_on = on(row["Returned"]), day(row["Clarified"])
    until_on = end(TermAct.CLARIFY, returned_on, row["Law"])

    assert until_on == on(row["Clarify until"])
    assert_stop(row, returned_on, clarified_on)
    assert day(row["Archive from"]) == (None if clarified_on else until_on + ONE_DAY)


@cases("Evidence")
def test_evidence_is_bounded_and_gives_back_the_days_left(row):
    filed_on, told_on = on(row["Filed"]), on(row["Ordered and told"])
    answer = rule(row["Law"], TermAct.ANSWER, row["Request"], filed_on)

    assert told_on <= on(row["Answer due before"]) == deadline_of(filed_on, answer, CALENDAR).due_on
    assert end(TermAct.EVIDENCE, told_on, row["Law"]) == on(row["Close until"]) >= on(row["Closed"])
    assert_stop(row, told_on, on(row["Closed"]))


@cases("Transfer to the competent body")
def test_a_petition_of_somebody_else_leaves_in_time(row):
    effective_on = CALENDAR.effective_on(on(row["Filed"]))

    assert effective_on == on(row["Counts as filed"])
    assert end(TermAct.TRANSFER, effective_on, row["Law"]) == on(row["Transfer until"])


# ── Notices ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def notice_terms(answered_on: date) -> notices.NoticeTerms:
    terms = notices.terms_of(RULES, Regime.LEY142, answered_on)
    assert terms
    return terms


def assert_served(row: dict[str, str], attempt: notices.Attempt, answered_on: date) -> None:
    """Compare when the attempt serves the answer, until when it is appealed and from when it is final."""
    served_on = notices.served_on_of(attempt, notice_terms(answered_on), CALENDAR)
    assert served_on == on(row["Served"])
    until_on = end(TermAct.APPEAL, served_on)
    assert until_on == on(row["Appeal until"])
    assert appeals.answer_final_on(served_on, until_on) == on(row["Final from"])


@cases("Notice by aviso that was delivered")
def test_the_chain_from_the_summons_to_the_aviso(row):
    answered_on, sent_on, delivered_on = on(row["Answered"]), on(row["Summons sent"]), on(row["Aviso delivered"])
    terms = notice_terms(answered_on)
    summons = notices.Attempt(NoticeMeans.SUMMONS, sent_on)
    facts = notices.Facts(answered_on, attempts=(summons,))
    appear_until = notices.appear_by(summons, terms, CALENDAR)

    assert sent_on <= notices.summons_until(answered_on, terms, CALENDAR) == on(row["Summons until"])
    assert appear_until == on(row["Appear until"])
    assert appear_until < notices.aviso_from(facts, terms, CALENDAR) <= delivered_on
    assert_served(row, notices.Attempt(NoticeMeans.AVISO, delivered_on, NoticeResult.DELIVERED, delivered_on), answered_on)


@cases("Notice by aviso that was posted")
def test_an_aviso_stays_posted_its_five_days(row):
    posted_on, down_on = on(row["Posted"]), on(row["Down on"])

    assert notices.removable_on(posted_on, notice_terms(posted_on), CALENDAR) == down_on
    assert_served(row, notices.Attempt(NoticeMeans.AVISO_POSTED, posted_on, NoticeResult.DELIVERED, down_on), posted_on)


@cases("Notice in person, or by a link")
def test_whoever_comes_or_opens_the_link_is_served_that_day(row):
    served_on = on(row["Served"])
    means, result = {
        "in person": (NoticeMeans.IN_PERSON, NoticeResult.APPEARED),
        "link opened": (NoticeMeans.E_LINK, NoticeResult.DELIVERED),
    }[row["How"]]

    assert_served(row, notices.Attempt(means, on(row["Answered"]), result, served_on), on(row["Answered"]))


# ── Appeals and invoices ──────────────────────────────────────────────────────────────────────────────────────────────────


def appeal_of(row: dict[str, str]) -> appeals.AppealFacts:
    served_on = on(row["Answer served"])
    until_on = end(TermAct.APPEAL, served_on)
    assert until_on == on(row["Appeal until"])
    return appeals.AppealFacts(
        filed_on=on(row["Appeal filed"]), appeal_until=until_on, act=appeals.AppealedAct.INVOICING, claimed_on=served_on
    )


@cases("Appeal", "Decision due")
def test_an_appeal_is_decided_and_its_file_goes_to_the_superintendence(row):
    facts = appeal_of(row)
    decided_on, served_on = on(row["Decided"]), on(row["Decision served"])

    assert appeals.reasons_against(facts, rule("Law 142", TermAct.INVOICE_CLAIM, None, facts.filed_on), CALENDAR) == ()
    answer = rule("Law 142", TermAct.ANSWER, "RECURSO_APELACION", facts.filed_on)
    assert decided_on <= deadline_of(facts.filed_on, answer, CALENDAR).due_on == on(row["Decision due"])
    assert end(TermAct.SEND_TO_SSPD, served_on) == on(row["File until"])
    assert end(TermAct.QUEJA_APPEAL, served_on) == on(row["Queja until"])


@cases("Appeal", "Too late because")
def test_a_late_appeal_is_inadmissible_and_known_to_be(row):
    facts = appeal_of(row)
    invoice = rule("Law 142", TermAct.INVOICE_CLAIM, None, facts.filed_on)

    assert appeals.reasons_against(facts, invoice, CALENDAR) == (Inadmissibility.LATE,)


@cases("Appeal", "Recurso")
def test_a_decision_is_final_from_its_day(row):
    kind = {"reposición": AppealKind.REPOSICION, "apelación": AppealKind.REPOSICION_APELACION}[row["Recurso"]]
    decision, served_on = Outcome[row["Decision"]], on(row["Served"])
    queja = rule("Law 142", TermAct.QUEJA_APPEAL, None, served_on)
    open_until = appeals.decision_open_until(kind, decision, served_on, queja, CALENDAR)

    final_on = appeals.decision_final_on(kind, decision, served_on, open_until, day(row["Result of the Superintendence"]))
    assert final_on == day(row["Final from"])


@cases("Claims about an invoice")
def test_an_invoice_is_claimed_for_five_calendar_months(row):
    issued_on, too_late_on = on(row["Issued"]), on(row["Too late from"])
    invoice = rule("Law 142", TermAct.INVOICE_CLAIM, None, issued_on)

    def reasons(claimed_on: date) -> tuple[Inadmissibility, ...]:
        facts = appeals.AppealFacts(claimed_on, claimed_on, appeals.AppealedAct.INVOICING, claimed_on, invoice_on=issued_on)
        return appeals.reasons_against(facts, invoice, CALENDAR)

    assert term_end(issued_on, invoice, CALENDAR) == on(row["Claim until"]) == too_late_on - ONE_DAY
    assert (reasons(on(row["Claim until"])), reasons(too_late_on)) == ((), (Inadmissibility.OLD_INVOICE,))


# ── From filing to the Superintendence ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("column", ["Holy Week", "Year end", "July"])
def test_a_whole_life_is_the_sum_of_its_chains(column):
    life = {row["Step"]: on(row[column]) for row in PAGE[-1][1]}
    filed_on, told_on, closed_on = life["Claim filed"], life["Evidence ordered and told"], life["Evidence closed"]
    answer = rule("Law 142", TermAct.ANSWER, "RECLAMO", filed_on)
    appeal = rule("Law 142", TermAct.ANSWER, "RECURSO_APELACION", life["Appeal filed"])
    terms = notice_terms(life["Answered"])
    summons = notices.Attempt(NoticeMeans.SUMMONS, life["Summons sent"])
    served_on = notices.served_on_of_delivery(life["Aviso delivered"], terms, CALENDAR)

    computed = {
        "Answer due": deadline_of(filed_on, answer, CALENDAR).due_on,
        "Evidence closes at the latest": end(TermAct.EVIDENCE, told_on),
        "Answer due, counted again": deadline_of(filed_on, answer, CALENDAR, stops(told_on, closed_on)).due_on,
        "Summons at the latest": notices.summons_until(life["Answered"], terms, CALENDAR),
        "Appears at the latest": notices.appear_by(summons, terms, CALENDAR),
        "Served": served_on,
        "Appeal at the latest": end(TermAct.APPEAL, served_on),
        "Decision due": deadline_of(life["Appeal filed"], appeal, CALENDAR).due_on,
        "File to the Superintendence at the latest": end(TermAct.SEND_TO_SSPD, life["Decision served"]),
    }
    acts = ["Claim filed", "Evidence ordered and told", "Evidence closed", "Answered", "Summons sent", "Aviso delivered", "Appeal filed",
            "Decided: confirms", "Decision served"]  # fmt: skip

    assert life == computed | {act: life[act] for act in acts}
    assert sorted(life[act] for act in acts) == [life[act] for act in acts]
    assert appeals.goes_to_sspd(AppealKind.REPOSICION_APELACION, Outcome.CONFIRMED)
