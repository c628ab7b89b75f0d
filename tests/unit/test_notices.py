"""The chain of notices on worked dates, and when an answer opens to its citizen: the whole table, so that a new state has to say it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import BusinessCalendar, NonWorkingDay
from app.domain.deadlines import Regime, TermAct, TermRule, TermUnit
from app.domain.errors import MoveRefused, TermMissing
from app.domain.notices import (
    AnswerDoor,
    Attempt,
    Facts,
    NoticeStep,
    NoticeTerms,
    answer_door,
    appear_by,
    aviso_from,
    is_late,
    next_step,
    removable_on,
    served_on_of_delivery,
    served_on_of_posting,
    summons_until,
    taken,
    terms_of,
)
from app.domain.states import Identity, NoticeMeans, NoticeResult, PqrStatus

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "pqr-notices.md"
ONE_DAY = timedelta(days=1)
WAIT = 3
YEARS = range(2025, 2029)
COLOMBIA = BusinessCalendar(
    [NonWorkingDay(on, name, "Ley 51 de 1983") for on, name in holidays.country_holidays("CO", years=YEARS).items()], YEARS
)


def rule(act: TermAct, value: int, regime: Regime = Regime.LEY142) -> TermRule:
    return TermRule(regime, act, None, value, TermUnit.BUSINESS_DAYS, f"CPACA, {act.name}")


RULES = [rule(TermAct.SUMMONS, 5), rule(TermAct.APPEARANCE, 5), rule(TermAct.AVISO_SERVED, 1), rule(TermAct.AVISO_POSTED, 5)]
TERMS = NoticeTerms(*RULES)
SUMMONS, AVISO, POSTED, LINK = NoticeMeans.SUMMONS, NoticeMeans.AVISO, NoticeMeans.AVISO_POSTED, NoticeMeans.E_LINK


def d(text: str) -> date:
    return date.fromisoformat(text)


# ── The worked dates of the page ──────────────────────────────────────────────────────────────────────────────────────────


def page_tables() -> dict[tuple[str, ...], list[list[str]]]:
    """Return the rows of the page by the header of their table."""
    tables: dict[tuple[str, ...], list[list[str]]] = {}
    header: tuple[str, ...] | None = None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = None
        elif header is None:
            header = tuple(cells)
        elif set(line) - set("|-"):
            tables.setdefault(header, []).append(cells)
    return tables


DELIVERED = ("Answered", "Summons by", "Sent", "Appear by", "Aviso from", "Delivered", "Served", "Why")
PUBLISHED = ("Posted", "Stays until", "Removed", "Served", "Why")
NEXT = ("Answered", "Who", "So far", "Today", "Next", "By", "Late")
TABLES = page_tables()


def test_every_dated_row_of_the_page_is_recomputed_by_a_test():
    dated = {header for header, rows in TABLES.items() if re.search(r"\d{4}-\d\d-\d\d", str(rows))}
    assert dated == {DELIVERED, PUBLISHED, NEXT}
    assert [len(TABLES[header]) > 5 for header in (DELIVERED, PUBLISHED, NEXT)] == [True] * 3


@pytest.mark.parametrize("row", TABLES[DELIVERED], ids=lambda row: " ".join(row[:3]))
def test_the_avisos_delivered_of_the_page_are_right(row):
    answered, by, sent, appear, first, delivered, served, _ = row
    summons = Attempt(SUMMONS, d(sent))

    assert summons_until(d(answered), TERMS, COLOMBIA) == d(by) >= d(sent)
    assert appear_by(summons, TERMS, COLOMBIA) == d(appear)
    assert aviso_from(Facts(d(answered), attempts=(summons,)), TERMS, COLOMBIA) == d(first) <= d(delivered)
    assert served_on_of_delivery(d(delivered), TERMS, COLOMBIA) == d(served)


@pytest.mark.parametrize("row", TABLES[PUBLISHED], ids=lambda row: " ".join(row[:3]))
def test_the_avisos_published_of_the_page_are_right(row):
    posted, stays_until, removed, served, _ = row

    assert removable_on(d(posted), TERMS, COLOMBIA) == d(stays_until)
    assert served_on_of_posting(d(posted), d(removed), TERMS, COLOMBIA) == d(served)
    with pytest.raises(MoveRefused, match="stays posted until"):
        served_on_of_posting(d(posted), d(stays_until) - ONE_DAY, TERMS, COLOMBIA)


WHO = {
    "with address": {},
    "without address": {"has_address": False},
    "anonymous": {"identity": Identity.ANONYMOUS, "has_address": False},
    "accepts e-mail": {"is_e_notice": True},
}


def written_attempt(text: str) -> Attempt:
    means, on, *result = text.split()
    ended = {"result": NoticeResult[result[0]], "ended_on": d(result[1])} if result else {}
    if means == "SUMMONS_POSTED":
        return Attempt(SUMMONS, d(on), is_posted=True, **ended)
    return Attempt(NoticeMeans[means], d(on), **ended)


@pytest.mark.parametrize("row", TABLES[NEXT], ids=lambda row: " ".join(row[:4]))
def test_the_next_steps_of_the_page_are_right(row):
    answered, who, so_far, today, step, by, late = row
    attempts = () if so_far == "–" else tuple(map(written_attempt, so_far.split("; ")))
    asked = next_step(Facts(d(answered), attempts=attempts, **WHO[who]), TERMS, COLOMBIA, d(today), WAIT)

    assert asked.step is NoticeStep[step]
    assert asked.until_on == (None if by == "–" else d(by))
    assert asked.is_late is (late == "yes")
    assert asked.norm


def test_the_page_shows_every_step_that_the_chain_can_ask_for():
    assert {row[4] for row in TABLES[NEXT]} == {step.name for step in NoticeStep} - {"DELIVER"}


# ── What no table shows ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_result_of_tomorrow_is_not_known_today():
    link = Attempt(LINK, d("2026-07-10"), NoticeResult.RETURNED, d("2026-07-14"))
    facts = Facts(d("2026-07-10"), is_e_notice=True, attempts=(link,))

    assert next_step(facts, TERMS, COLOMBIA, d("2026-07-13"), WAIT).step is NoticeStep.AWAIT_ACCESS
    assert next_step(facts, TERMS, COLOMBIA, d("2026-07-14"), WAIT).step is NoticeStep.SUMMON


def test_the_first_service_counts():
    aviso = Attempt(AVISO, d("2026-07-22"), NoticeResult.DELIVERED, d("2026-07-24"))  # served on the 27th
    conduct = Attempt(NoticeMeans.CONDUCT, d("2026-07-25"), NoticeResult.DELIVERED, d("2026-07-25"))
    facts = Facts(d("2026-07-06"), attempts=(Attempt(SUMMONS, d("2026-07-10")), aviso, conduct))

    assert next_step(facts, TERMS, COLOMBIA, d("2026-07-28"), WAIT).until_on == d("2026-07-25")


def test_there_is_no_aviso_without_a_summons():
    assert aviso_from(Facts(d("2026-07-06")), TERMS, COLOMBIA) is None


def test_an_anonymous_answer_is_published_at_once():
    assert aviso_from(Facts(d("2026-07-06"), Identity.ANONYMOUS), TERMS, COLOMBIA) == d("2026-07-06")


def test_an_answer_in_time_with_a_late_summons_is_late_for_the_notice():
    summons = Attempt(SUMMONS, d("2026-07-15"))  # until the 14th
    facts = Facts(d("2026-07-06"), attempts=(summons,))
    (row,) = taken(facts, TERMS, COLOMBIA, WAIT)

    assert (row.until_on, row.is_late) == (d("2026-07-14"), True)
    assert is_late(facts, TERMS, COLOMBIA, d("2026-07-15"), WAIT)
    assert not is_late(Facts(d("2026-07-06")), TERMS, COLOMBIA, d("2026-07-14"), WAIT)


def test_waiting_for_the_citizen_is_nobodys_delay():
    came = Attempt(NoticeMeans.IN_PERSON, d("2026-07-16"), NoticeResult.APPEARED, d("2026-07-16"))
    facts = Facts(d("2026-07-06"), attempts=(Attempt(SUMMONS, d("2026-07-10")), came))

    assert [row.until_on for row in taken(facts, TERMS, COLOMBIA, WAIT)] == [d("2026-07-14"), None]
    assert not is_late(facts, TERMS, COLOMBIA, d("2026-08-31"), WAIT)


def test_a_regime_without_the_chain_delivers_with_proof():
    facts = Facts(d("2026-07-06"))
    sent = Attempt(NoticeMeans.DELIVERY, d("2026-07-07"))
    delivered = Attempt(NoticeMeans.DELIVERY, d("2026-07-07"), NoticeResult.DELIVERED, d("2026-07-09"))

    def step(*attempts: Attempt) -> NoticeStep:
        return next_step(Facts(facts.answered_on, attempts=attempts), None, COLOMBIA, d("2026-07-09"), WAIT).step

    assert terms_of(RULES, Regime.LEY1480, facts.answered_on) is None
    assert step() is NoticeStep.DELIVER
    assert step(sent) is NoticeStep.AWAIT_CARRIER
    assert step(delivered) is NoticeStep.SERVED


def test_half_a_chain_is_refused_and_the_missing_term_named():
    with pytest.raises(TermMissing, match="Appear for personal notice"):
        terms_of(RULES[:1], Regime.LEY142, d("2026-07-06"))
    assert terms_of(RULES, Regime.LEY142, d("2026-07-06")) == TERMS


DAYS = st.dates(date(2026, 1, 1), date(2027, 11, 30))


@given(answered_on=DAYS, n=st.integers(0, 20))
def test_no_aviso_is_ever_asked_for_while_the_citizen_may_come(answered_on, n):
    """Whatever the day of the summons: the day on which the aviso is due is a working day, and all five have passed before it."""
    sent_on = answered_on + n * ONE_DAY
    facts = Facts(answered_on, attempts=(Attempt(SUMMONS, sent_on),))
    first = aviso_from(facts, TERMS, COLOMBIA)

    assert COLOMBIA.is_working_day(first)
    assert COLOMBIA.between(sent_on, first) == 6
    assert next_step(facts, TERMS, COLOMBIA, first - ONE_DAY, WAIT).step in (NoticeStep.AWAIT_APPEARANCE, NoticeStep.SEND_AVISO)
    assert next_step(facts, TERMS, COLOMBIA, first, WAIT).step is NoticeStep.SEND_AVISO
    assert next_step(facts, TERMS, COLOMBIA, appear_by(facts.attempts[0], TERMS, COLOMBIA), WAIT).step is NoticeStep.AWAIT_APPEARANCE


@given(posted_on=DAYS)
def test_a_published_aviso_is_never_served_before_five_whole_days_and_one_more(posted_on):
    removed_on = removable_on(posted_on, TERMS, COLOMBIA)

    assert COLOMBIA.between(posted_on, removed_on) == 5
    assert COLOMBIA.between(posted_on, served_on_of_posting(posted_on, removed_on, TERMS, COLOMBIA)) == 6


# ── The public page ───────────────────────────────────────────────────────────────────────────────────────────────────────

SERVED = {PqrStatus.NOTIFIED, PqrStatus.APPEALED, PqrStatus.CLOSED}
BEFORE = set(PqrStatus) - SERVED - {PqrStatus.ANSWERED}


@pytest.mark.parametrize("status", sorted(SERVED, key=lambda status: status.name))
@pytest.mark.parametrize("identity", Identity)
@pytest.mark.parametrize("is_e_notice", [True, False])
def test_once_notified_it_is_open(status, identity, is_e_notice):
    assert answer_door(status, identity, is_e_notice) is AnswerDoor.OPEN


@pytest.mark.parametrize("status", sorted(BEFORE, key=lambda status: status.name))
@pytest.mark.parametrize("identity", Identity)
@pytest.mark.parametrize("is_e_notice", [True, False])
def test_before_it_is_signed_there_is_none(status, identity, is_e_notice):
    assert answer_door(status, identity, is_e_notice) is AnswerDoor.NONE


@pytest.mark.parametrize(
    ("identity", "is_e_notice", "door"),
    [
        (Identity.NAMED, True, AnswerDoor.BY_PRESSING),
        (Identity.RESERVED, True, AnswerDoor.BY_PRESSING),
        (Identity.NAMED, False, AnswerDoor.CLOSED),
        (Identity.RESERVED, False, AnswerDoor.CLOSED),
        (Identity.ANONYMOUS, False, AnswerDoor.OPEN),
    ],
)
def test_signed_and_not_notified_it_depends_on_who_asks(identity, is_e_notice, door):
    assert answer_door(PqrStatus.ANSWERED, identity, is_e_notice) is door
