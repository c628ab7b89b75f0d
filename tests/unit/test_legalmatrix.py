"""The legal matrix: what rests on which obligation, how sure it is, and when it is evaluated."""

from __future__ import annotations

from datetime import date

import pytest

from app.domain.errors import DomainError
from app.domain.legalmatrix import (
    Citation,
    Compliance,
    EvaluationState,
    Sureness,
    articles_of,
    check_evaluation,
    check_follow_up,
    citations,
    next_evaluation_on,
    rests_on,
    state_on,
    sureness,
)

TODAY = date(2026, 7, 10)


@pytest.mark.parametrize(
    ("text", "articles"),
    [
        ("152-159", set(range(152, 160))),
        ("146, 149, 150", {146, 149, 150}),
        ("138 a 142 y 154", {*range(138, 143), 154}),
        ("56, 66-73", {56, *range(66, 74)}),
        ("1.3.20.6", set()),
        ("", set()),
    ],
)
def test_a_list_of_articles_is_read_as_people_write_it(text, articles):
    assert articles_of(text) == articles


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("Ley 142 de 1994, art. 158 (subrogado por el D.L. 2150 de 1995, art. 123)",
         [Citation((142, 1994), frozenset({158})), Citation((2150, 1995), frozenset({123}))]),
        ("Ley 1437 de 2011 (CPACA), arts. 68 y 69", [Citation((1437, 2011), frozenset({68, 69}))]),
        ("CPACA, art. 79", [Citation((1437, 2011), frozenset({79}))]),
        ("Fundamento: artículos 148 a 150 de la Ley 142 de 1994.", [Citation((142, 1994), frozenset({148, 149, 150}))]),
        ("Ley 1755 de 2015, art. 14 num. 1", [Citation((1755, 2015), frozenset({14}))]),
        ("Resolución CRA 151 de 2001, art. 1.3.20.6, compilada en la Resolución CRA 943 de 2021",
         [Citation((151, 2001)), Citation((943, 2021))]),
        ("política de cartera de la empresa", []),
    ],
)  # fmt: skip
def test_the_norms_of_a_text_are_found(text, cited):
    assert [*citations(text)] == cited


@pytest.mark.parametrize(
    ("text", "norm", "articles", "is_so"),
    [
        ("Ley 142 de 1994, art. 158", "Ley 142 de 1994", "152-159", True),
        ("Ley 142 de 1994, art. 158", "Ley 142 de 1994", "140-142", False),
        ("Ley 142 de 1994, art. 155", "Ley 142 de 1994", "155", True),
        ("Ley 1581 de 2012, art. 14", "Ley 1581 de 2012; Decreto 1377 de 2013", "8, 9, 14, 15, 17", True),
        ("Ley 1480 de 2011, art. 58 num. 5", "Ley 1480 de 2011", "58 num. 5; 11", True),
        ("Res. CRA 151 de 2001, art. 1.3.20.6", "Resolución CRA 943 de 2021", "(compila la CRA 151 de 2001, 1.3.20.6, y otras)", True),
        ("Ley 1755 de 2015, art. 21", "Ley 142 de 1994", "152-159", False),
        ("Ley 1712 de 2014, art. 7", "Ley 1712 de 2014; Resolución MinTIC 1519 de 2020", "", True),
    ],
)
def test_a_text_rests_on_an_obligation_that_it_cites(text, norm, articles, is_so):
    assert rests_on(text, norm, articles) is is_so


@pytest.mark.parametrize(
    ("confidence", "mark"),
    [
        ("confirmado", Sureness.CONFIRMED),
        ("confirmado; el deber semestral, en parte", Sureness.PARTLY),
        ("deber confirmado; el número de días, de memoria: por confirmar", Sureness.PARTLY),
        ("149 confirmado; 150 bien conocido", Sureness.PARTLY),
        ("fuente secundaria", Sureness.SECONDARY),
        ("de memoria, bien conocido", Sureness.KNOWN),
        ("de memoria: por confirmar", Sureness.UNSURE),
        ("por confirmar", Sureness.UNSURE),
        ("", Sureness.UNSURE),
    ],
)
def test_how_sure_a_row_is_has_a_mark(confidence, mark):
    assert sureness(confidence) is mark


@pytest.mark.parametrize(
    ("evaluated_on", "next_on", "is_active", "state"),
    [
        (None, None, True, EvaluationState.NEVER),
        (None, date(2026, 7, 9), True, EvaluationState.OVERDUE),
        (date(2025, 7, 1), date(2026, 7, 9), True, EvaluationState.OVERDUE),
        (date(2025, 7, 10), TODAY, True, EvaluationState.SOON),
        (date(2026, 7, 1), date(2027, 7, 1), True, EvaluationState.CURRENT),
        (None, date(2026, 7, 9), False, EvaluationState.IDLE),
    ],
)
def test_an_obligation_is_overdue_the_day_after_its_day(evaluated_on, next_on, is_active, state):
    assert state_on(TODAY, evaluated_on=evaluated_on, next_on=next_on, is_active=is_active) is state


def test_the_next_evaluation_is_counted_in_calendar_months():
    assert next_evaluation_on(date(2026, 1, 31), 1) == date(2026, 2, 28)
    with pytest.raises(DomainError, match="from 1 to 60"):
        next_evaluation_on(TODAY, 0)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"evidence": "  "}, "evidence"),
        ({"on": date(2026, 7, 11)}, "on"),
        ({"last_on": TODAY}, "on"),
        ({"next_on": TODAY}, "next_on"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(changed, field):
    sound = {"evidence": "Acta 3", "on": TODAY, "next_on": date(2027, 7, 10), "today": TODAY}
    check_evaluation(**sound)

    with pytest.raises(DomainError) as refusal:
        check_evaluation(**sound | changed)
    assert refusal.value.field == field


@pytest.mark.parametrize("result", Compliance)
def test_what_is_not_met_asks_for_an_action_or_a_reason(result):
    if result.asks_for_action:
        with pytest.raises(DomainError, match="asks for an action"):
            check_follow_up(result, has_action=False, reason=" ")
    else:
        check_follow_up(result, has_action=False, reason="")
    check_follow_up(result, has_action=True, reason="")
    check_follow_up(result, has_action=False, reason="Ya se corrigió")
    with pytest.raises(DomainError, match="not both"):
        check_follow_up(result, has_action=True, reason="Ya se corrigió")
