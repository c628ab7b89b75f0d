"""What folding makes of words: the same of whatever people mean by the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.search import LONGEST, MOST_WORDS, fold, typed_words, words_of


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Ñáñez PÉREZ", "nanez perez"),
        ("Güiza,  María-José", "guiza maria jose"),
        ("d'Angelo", "d angelo"),
        ("PQR-2026-000418", "pqr 2026 000418"),
        ("ana.perez@example.com", "ana perez example com"),
        ("N\u0303an\u0303ez", "nanez"),  # letters and their marks apart, as some keyboards send them
        ("ﬁnanciación ½", "financiacion 1 2"),
        ("STRASSE straße", "strasse strasse"),
        ("İstanbul", "istanbul"),
        ("uno\x00dos\tTRES\u200b\ud800cuatro", "uno dos tres cuatro"),
        ("под_черкивание", "под черкивание"),
        ("\"*%_:&|!()\\'", ""),
    ],
)
def test_folding_forgives_case_accents_and_signs(typed, folded):
    assert fold(typed) == folded


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("PQR-2026-000418", "418"),
        ("PQR-2026-000418", "000418"),
        ("52345678", "52.345.678"),
        ("52345678", "52.345"),
        ("8909039388", "890.903.938-8"),
        ("8909039388", "890.903.938"),
        ("+573001234567", "3001234567"),
        ("+573001234567", "+57 3001234567"),
        ("C000123", "c000123"),
        ("Cobro de $ 1.234.567", "1234567"),
        ("Carrera 7 # 12-34", "carrera 7 12 34"),
    ],
)
def test_a_number_is_found_as_people_write_it(stored, typed):
    document = words_of([stored]).split()

    assert all(any(word.startswith(wanted) for word in document) for wanted in typed_words(typed))


def test_a_document_has_each_word_once_and_none_of_what_is_missing():
    assert words_of(["Ana Ruiz", None, "", "ana RUIZ 7"]) == "ana ruiz 7"
    assert words_of([]) == words_of([None, " - "]) == ""


def test_a_search_box_looks_for_few_and_short_words():
    assert typed_words("uno dos tres cuatro cinco seis siete") == ["uno", "dos", "tres", "cuatro", "cinco", "seis"]
    assert typed_words("x" * 10_000) == ["x" * LONGEST]
    assert len(typed_words("a b " * 10_000)) == MOST_WORDS
    assert typed_words("") == typed_words(" *\x00* ") == []


@given(some.text())
def test_folding_twice_changes_nothing(typed):
    assert fold(fold(typed)) == fold(typed)


@given(some.text())
def test_a_folded_text_is_words_of_letters_and_digits_with_one_space_between(typed):
    folded = fold(typed)

    assert folded == " ".join(folded.split())
    assert all(word.isalnum() and not any(letter in "'\"\\:*&|!() " for letter in word) for word in folded.split())


@given(some.lists(some.text() | some.from_regex(r"[0-9.,\-+ ]{1,20}", fullmatch=True), max_size=4))
def test_what_was_stored_is_found_by_typing_it(texts):
    """Each text of a row, typed whole, folds to words that its document has."""
    document = words_of(texts).split()

    for text in texts:
        assert all(any(word.startswith(wanted) for word in document) for wanted in typed_words(text)), (document, text)
