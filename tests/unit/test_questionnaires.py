"""What a questionnaire asks: how each answer is read, what shows, what is missing, what stops a publication, what changed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError
from app.domain.questionnaire_versions import ChangeKind, changes, earlier, faults, fingerprint, minutes, wrong_condition
from app.domain.questionnaires import (
    SCALES,
    Asked,
    Choice,
    Condition,
    ConditionOp,
    Form,
    QuestionKind,
    Section,
    Value,
    VersionStatus,
    Words,
    is_shown,
    missing,
    names,
    oriented,
    read,
    read_all,
    without_english,
)

K, OP = QuestionKind, ConditionOp
SCORED = [K.SCALE5, K.SCALE7, K.NPS]


def ask(kind=K.SCALE5, code="P1", *, en="In English", **more) -> Asked:
    return Asked(1, 1, code, kind, Words(f"Pregunta {code}", en), **more)


def choices(*codes: str, other: str = "") -> tuple[Choice, ...]:
    return tuple(Choice(n, code, Words(f"Opción {code}", f"Option {code}"), code == other) for n, code in enumerate(codes, 1))


def form_of(*questions: Asked, sections: int = 1, **more) -> Form:
    asked = [replace(question, id=n, number=n) for n, question in enumerate(questions, 1)]
    pages = [Section(n + 1, Words("Servicio", "Service"), Words(""), tuple(asked[n::sections])) for n in range(sections)]
    texts = {"intro": Words("Hola", "Hello"), "thanks": Words("Gracias", "Thanks"), "script": "Buenos días"} | more
    return Form(1, 1, "R10", "Encuesta", 1, VersionStatus.DRAFT, sections=tuple(pages), **texts)


def refusal(asked: Asked, raw, before=None) -> DomainError:
    with pytest.raises(DomainError) as refused:
        read(asked, raw, before)
    return refused.value


# ── Reading an answer ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.sampled_from(SCORED), st.integers(-3, 14))
def test_a_score_is_taken_on_its_scale_and_refused_outside_it(kind, score):
    asked = ask(kind)
    if score in asked.scores:
        assert read(asked, {"P1": str(score)}) == Value(score=score)
    else:
        assert refusal(asked, {"P1": str(score)}).field == "P1"


@pytest.mark.parametrize("text", ["cuatro", "4.5", "nan", "inf", "4e9999", "--"])
def test_what_is_no_whole_number_is_no_score(text):
    assert refusal(ask(), {"P1": text}).field == "P1"


def test_a_score_that_a_file_writes_with_a_decimal_point_is_the_same_score():
    assert read(ask(), {"P1": " 4.0 "}) == Value(score=4)
    assert read(ask(), {"P1": 4}) == Value(score=4)


@pytest.mark.parametrize(("text", "score"), [("1", 1), ("Sí", 1), ("NO", 0), ("0", 0), ("yes", 1), ("false", 0)])
def test_yes_and_no_are_read_in_both_languages(text, score):
    assert read(ask(K.YES_NO), {"P1": text}) == Value(score=score)


def test_what_is_neither_yes_nor_no_is_refused():
    assert refusal(ask(K.YES_NO), {"P1": "2"}).field == "P1"


def test_nothing_takes_the_answer_away():
    assert read(ask(), {"P1": "  "}, Value(score=3)) is None


def test_does_not_apply_counts_only_where_the_question_takes_it():
    assert read(ask(has_na=True), {"P1": "na"}) == Value(is_na=True)
    assert refusal(ask(), {"P1": "NA"}).field == "P1"


def test_a_text_keeps_its_lines_and_loses_what_postgresql_refuses():
    assert read(ask(K.TEXT), {"P1": " Buena\r\nagua\x00 "}) == Value(words="Buena\nagua")
    assert read(ask(K.TEXT), {"P1": "NA"}) == Value(words="NA")


def test_a_text_has_an_end():
    assert refusal(ask(K.TEXT), {"P1": "a" * 4001}).fields == {"n": 4001, "most": 4000}


def test_a_number_is_read_with_a_comma_or_a_point_and_held_to_its_bounds():
    asked = ask(K.NUMBER, least=Decimal(1), greatest=Decimal(10))
    assert read(asked, {"P1": "2,5"}) == read(asked, {"P1": "2.50"}) == Value(number=Decimal("2.50"))
    for text in ("0", "11", "2.505", "nan", "1e30", "dos"):
        assert refusal(asked, {"P1": text}).field == "P1"


def test_an_option_is_found_by_its_code_or_its_words_in_the_order_of_the_form():
    asked = ask(K.MANY, options=choices("a", "b", "c"))
    assert read(asked, {"P1": ["c", "OPCION A"]}) == Value(chosen=("a", "c"))
    assert read(asked, {"P1": "b; c"}) == Value(chosen=("b", "c"))
    assert refusal(asked, {"P1": ["a", "z"]}).fields == {"text": "z"}


def test_one_of_a_list_is_one():
    asked = ask(K.ONE, options=choices("a", "b"))
    assert read(asked, {"P1": ["b"]}) == Value(chosen=("b",))
    assert refusal(asked, {"P1": ["a", "b"]}).field == "P1"


def test_which_other_is_kept_only_beside_the_option_that_asks_for_it():
    asked = ask(K.ONE, options=choices("a", "otro", other="otro"))
    assert read(asked, {"P1": "otro", "P1.words": " La radio "}) == Value(chosen=("otro",), other="La radio")
    assert read(asked, {"P1": "a", "P1.words": "La radio"}) == Value(chosen=("a",))
    assert read(asked, {"P1.words": "La prensa"}, Value(chosen=("otro",))) == Value(chosen=("otro",), other="La prensa")
    assert names(asked) == ("P1", "P1.words")


def test_a_matrix_keeps_the_rows_that_were_not_mentioned():
    asked = ask(K.MATRIX, has_na=True, options=choices("agua", "aseo", "otro"))
    before = Value(rows={"agua": 5, "aseo": 2})
    assert read(asked, {"P1.aseo": "4", "P1.otro": "NA"}, before) == Value(rows={"agua": 5, "aseo": 4, "otro": None})
    assert read(asked, {"P1.aseo": "", "P1.agua": ""}, before) is None


def test_a_matrix_takes_its_right_rows_though_another_is_refused():
    form = form_of(ask(K.MATRIX, options=choices("agua", "aseo")))
    values, refused = read_all(form, {"P1.agua": "5", "P1.aseo": "9"}, {"P1": Value(rows={"aseo": 3})})
    assert values == {"P1": Value(rows={"agua": 5, "aseo": 3})}
    assert list(refused) == ["P1.aseo"]


@given(st.sampled_from([*SCORED, K.YES_NO, K.MATRIX]), st.data())
def test_turning_round_twice_gives_the_score_back(kind, data):
    least, greatest = SCALES[kind]
    score = data.draw(st.integers(least, greatest))
    asked = ask(kind, is_reversed=True)
    assert oriented(asked, oriented(asked, score)) == score
    assert oriented(replace(asked, is_reversed=False), score) == score
    assert least <= oriented(asked, score) <= greatest


# ── What shows ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("op", "value", "answer", "expected"),
    [
        (OP.IS, "3", Value(score=3), True),
        (OP.IS, "3", Value(score=4), False),
        (OP.IS_NOT, "3", Value(score=4), True),
        (OP.IS_NOT, "3", None, False),
        (OP.AT_MOST, "2", Value(score=2), True),
        (OP.AT_MOST, "2", Value(score=3), False),
        (OP.AT_LEAST, "4", Value(score=5), True),
        (OP.AT_MOST, "2", Value(is_na=True), False),
        (OP.AT_MOST, "2", Value(rows={"agua": 5, "aseo": 1}), True),
        (OP.AT_MOST, "2", Value(rows={"agua": 5, "aseo": None}), False),
        (OP.IS_NOT, "5", Value(rows={"agua": 5, "aseo": 5}), False),
        (OP.AT_LEAST, "2.5", Value(number=Decimal("2.5")), True),
        (OP.IS, "a", Value(chosen=("a", "b")), True),
        (OP.IS_NOT, "a", Value(chosen=("b",)), True),
        (OP.IS_NOT, "a", Value(chosen=("a", "b")), False),
    ],
)  # fmt: skip
def test_a_condition_looks_at_what_was_answered(op, value, answer, expected):
    values = {"P1": answer} if answer else {}
    assert is_shown(ask(code="P2", condition=Condition("P1", op, value)), values) is expected


def test_what_shows_by_an_answer_that_no_longer_shows_is_gone_too():
    two = ask(code="P2", condition=Condition("P1", OP.AT_MOST, "2"))
    three = ask(K.TEXT, "P3", condition=Condition("P2", OP.AT_MOST, "2"))
    form = form_of(ask(), two, three)
    before, _ = read_all(form, {"P1": "1", "P2": "2", "P3": "Fugas"})
    assert set(before) == {"P1", "P2", "P3"}
    assert read_all(form, {"P1": "5"}, before)[0] == {"P1": Value(score=5)}


def test_missing_names_what_shows_and_has_to_be_answered():
    matrix = ask(K.MATRIX, "P2", options=choices("agua", "aseo"))
    hidden = ask(code="P3", condition=Condition("P1", OP.AT_MOST, "2"))
    form = form_of(ask(), matrix, hidden, ask(K.TEXT, "P4", is_required=False))
    assert missing(form, {}) == ("P1", "P2.agua", "P2.aseo")
    assert missing(form, {"P1": Value(score=1), "P2": Value(rows={"aseo": None})}) == ("P2.agua", "P3")
    assert missing(form, {"P1": Value(score=5), "P2": Value(rows={"aseo": 1, "agua": 1})}) == ()


@given(st.dictionaries(st.sampled_from(["P1", "P2.agua", "P2.aseo", "P3", "P4", "P5"]), st.text(max_size=12)))
def test_whatever_is_sent_is_an_answer_or_a_refusal_and_never_an_accident(raw):
    form = form_of(
        ask(has_na=True), ask(K.MATRIX, "P2", options=choices("agua", "aseo")), ask(K.NUMBER, "P3"),
        ask(K.MANY, "P4", options=choices("a", "b")), ask(K.TEXT, "P5", condition=Condition("P3", OP.AT_LEAST, "2")),
    )  # fmt: skip
    values, refused = read_all(form, raw)
    assert not set(values) & {name.split(".")[0] for name in refused if not name.startswith("P2")}
    again, _ = read_all(form, {}, values)
    assert again == values


# ── English ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_english_is_offered_only_when_it_is_whole():
    whole = form_of(ask(), ask(K.ONE, "P2", options=choices("a", "b")))
    assert whole.languages == ("es", "en")
    lame = form_of(ask(), ask(code="P2", en=""), thanks=Words("Gracias"))
    assert lame.languages == ("es",)
    assert list(without_english(lame)) == ["", "P2"]
    assert Words("Hola").to("en") == "Hola" and Words("Hola", "Hello").to("en_GB") == "Hello"


# ── What stops a publication ──────────────────────────────────────────────────────────────────────────────────────────────


def fatal(form: Form) -> list[tuple[str, str]]:
    return [(fault.at, fault.msgid) for fault in faults(form) if not fault.is_hint]


def test_a_whole_form_has_no_fault():
    assert fatal(form_of(ask(low=Words("Nada", "Not"), high=Words("Mucho", "Very")))) == []


def test_an_empty_form_says_all_that_it_lacks():
    empty = Form(1, 1, "R10", "Encuesta", 1, VersionStatus.DRAFT, Words(""), Words(" "), "", ())
    assert len(fatal(empty)) == 4


def test_an_empty_section_is_named():
    form = form_of(ask())
    form = replace(form, sections=(*form.sections, Section(2, Words("Vacía"), Words(""), ())))
    assert [at for at, _msgid in fatal(form)] == ["section-2"]


@pytest.mark.parametrize(
    ("kind", "options", "n"),
    [(K.ONE, choices("a"), 1), (K.MANY, (), 1), (K.MATRIX, (), 1), (K.MATRIX, choices("a"), 0), (K.ONE, choices("a", "b"), 0),
     (K.ONE, (*choices("a"), Choice(9, "b", Words("opcion  A"))), 1),
     (K.ONE, (Choice(1, "a", Words("Uno"), True), Choice(2, "b", Words("Dos"), True)), 1)],
)  # fmt: skip
def test_a_list_needs_options_that_differ(kind, options, n):
    assert len(fatal(form_of(ask(kind, options=options)))) == n


def test_a_condition_looks_back_to_an_answer_that_exists():
    one = ask(K.ONE, options=choices("a", "b"))
    assert wrong_condition(Condition("P1", OP.IS, "a"), [one]) == ""
    assert wrong_condition(Condition("P1", OP.IS, "z"), [one])
    assert wrong_condition(Condition("P1", OP.AT_MOST, "a"), [one])
    assert wrong_condition(Condition("P9", OP.IS, "a"), [one])
    assert wrong_condition(Condition("P1", OP.AT_MOST, "8"), [ask(K.SCALE7)])
    assert wrong_condition(Condition("P1", OP.AT_MOST, "mucho"), [ask(K.NUMBER)])
    assert wrong_condition(Condition("P1", OP.IS, "a"), [ask(K.TEXT)])
    assert wrong_condition(Condition("P1", OP.AT_MOST, "3"), [ask(K.NUMBER, greatest=Decimal(5))]) == ""
    assert wrong_condition(Condition("P1", OP.AT_MOST, "7"), [ask(K.NUMBER, greatest=Decimal(5))])


def test_a_condition_on_a_later_question_stops_the_publication():
    form = form_of(ask(condition=Condition("P2", OP.AT_MOST, "2")), ask(code="P2"))
    assert [at for at, _msgid in fatal(form)] == ["P1"]
    assert [asked.code for asked in earlier(form, "P2")] == ["P1"]


def test_hints_do_not_stop_it():
    long = form_of(*(ask(K.TEXT, f"P{n}", en="") for n in range(1, 25)))
    assert fatal(long) == []
    assert minutes(long) == 12
    assert {fault.msgid.split()[0] for fault in faults(long)} == {"Without", "It"}


# ── From version to version ───────────────────────────────────────────────────────────────────────────────────────────────


def test_help_english_order_and_blanks_do_not_make_it_another_question():
    asked = ask(K.ONE, options=choices("a", "b"))
    same = replace(asked, text=Words("  pregunta   P1", "Other"), help=Words("Ayuda"), number=7, is_required=False)
    assert fingerprint(asked) == fingerprint(same)


@pytest.mark.parametrize(
    "more",
    [{"text": Words("Otra")}, {"kind": K.SCALE7}, {"is_reversed": True}, {"has_na": True}, {"low": Words("Nada")},
     {"options": choices("a")}, {"condition": Condition("P0", OP.IS, "1")}, {"greatest": Decimal(3)}],
)  # fmt: skip
def test_words_scale_options_and_who_is_asked_make_it_another_question(more):
    assert fingerprint(ask()) != fingerprint(replace(ask(), **more))


def test_changes_say_what_became_of_each_question():
    old = form_of(ask(), ask(code="P2"), ask(code="P3"), ask(code="P4"))
    new = form_of(ask(code="P3"), ask(), ask(code="P2", is_required=False), ask(K.NPS, "P4"), ask(code="P5"))
    said = [(change.kind, (change.new or change.old).code, change.is_comparable) for change in changes(old, new)]
    assert said == [
        (ChangeKind.MOVED, "P3", True), (ChangeKind.CHANGED, "P2", True), (ChangeKind.CHANGED, "P4", False),
        (ChangeKind.ADDED, "P5", False),
    ]  # fmt: skip
    assert [change.kind for change in changes(new, form_of(ask()))] == [ChangeKind.REMOVED] * 4


def test_one_question_that_moves_to_the_end_is_the_only_one_that_moved():
    questions = [ask(code=f"P{n}") for n in range(1, 8)]
    moved = changes(form_of(*questions), form_of(*questions[1:], questions[0]))
    assert [(change.kind, change.new.code) for change in moved] == [(ChangeKind.MOVED, "P1")]


def test_the_same_form_has_no_changes():
    form = form_of(ask(), ask(K.ONE, "P2", options=choices("a", "b")))
    assert changes(form, form) == []
