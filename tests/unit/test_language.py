"""How hard a letter reads, and what its citizen asked: the counting behind two hints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.language import Ease, parse_hard_words, read, sentences_of, syllables_of
from app.domain.points import MAX_LENGTH, MAX_POINTS, propose_points

EASY = """Hola, Luz:

Usted nos contó que su recibo subió. Fuimos a su casa. Vimos el medidor. El dato estaba mal. Ya lo
corregimos. El mes que viene usted paga menos. Si tiene una duda, nos puede llamar. Gracias por su aviso."""

HARD = """En atención a la comunicación allegada mediante la cual el peticionario manifiesta su inconformidad respecto de la facturación
correspondiente al período precedente, nos permitimos informarle que, efectuadas las verificaciones correspondientes por parte de la
dependencia competente, se determinó la improcedencia de la reclamación impetrada, toda vez que las lecturas registradas por el
instrumento de medición resultan concordantes con el comportamiento histórico del suscriptor, de conformidad con la normatividad
aplicable."""


@pytest.mark.parametrize(
    ("word", "n"),
    [
        ("agua", 2), ("día", 2), ("país", 2), ("ley", 1), ("leyes", 2), ("y", 1), ("muy", 1), ("queja", 2), ("guerra", 2), ("pingüino", 3),
        ("aéreo", 4), ("causa", 2), ("facturación", 4), ("petición", 3), ("construido", 3), ("oír", 2), ("ahora", 3), ("chequeo", 3),
        ("S", 1), ("brr", 1), ("Superintendencia", 6), ("AVERÍA", 4),
    ],
)  # fmt: skip
def test_syllables_are_counted_as_schools_do(word: str, n: int) -> None:
    assert syllables_of(word) == n


def test_abbreviations_initials_and_figures_end_no_sentence() -> None:
    text = "Según el art. 154 de la Ley 142, la E.S.P. cobra 1.234.567 pesos. ¿Qué sigue? La Sra. Mesa firma."

    assert sentences_of(text) == ["Según el art. 154 de la Ley 142, la E.S.P. cobra 1.234.567 pesos.", "¿Qué sigue?", "La Sra. Mesa firma."]


def test_a_paragraph_or_an_item_ends_the_sentence_before_it_and_a_broken_line_does_not() -> None:
    text = "Respetada usuaria:\n\nRevisamos su cuenta y\nencontramos esto:\n- un error\n- otro"

    assert sentences_of(text) == ["Respetada usuaria:", "Revisamos su cuenta y encontramos esto:", "- un error", "- otro"]


def test_a_plain_letter_is_easy_and_an_office_one_is_not() -> None:
    easy, hard = read(EASY, {}), read(HARD, {})

    assert easy.ease in (Ease.EASY, Ease.VERY_EASY)
    assert easy.is_clear
    assert hard.ease is Ease.VERY_HARD
    assert hard.long_sentences == (" ".join(HARD.split()),)
    assert not hard.is_clear


def test_the_figure_is_that_of_its_author() -> None:
    """Ten sentences of four words of two syllables: 206.835 - 62.3 x 2 - 4 = 78."""
    reading = read("Ana come pera roja. " * 10, {})

    assert (reading.n_words, reading.n_sentences, reading.score, reading.ease) == (40, 10, 78, Ease.EASY)


def test_a_short_text_gets_no_figure() -> None:
    reading = read("Está bien.", {})

    assert reading.score is None
    assert reading.ease is None
    assert reading.is_clear


def test_hard_words_are_whole_ones_whatever_their_accents_and_capitals() -> None:
    words = parse_hard_words("# de la casa\nincoar = iniciar\na quo = quien decidió primero\nen aras de = para\nprecluir\n\n= nada")

    reading = read("Se ha de INCOAR, y el A  QUO decidió en áras de la paz; incoaron.", words)

    assert [(word.word, word.instead, word.n) for word in reading.hard_words] == [
        ("incoar", "iniciar", 1), ("a quo", "quien decidió primero", 1), ("en aras de", "para", 1),
    ]  # fmt: skip
    assert words["precluir"] == ""


@given(st.text(max_size=400))
def test_no_text_breaks_the_reading(text: str) -> None:
    reading = read(text, {"mediante": "con"})

    assert reading.n_sentences <= reading.n_words
    assert (reading.score is None) == (reading.n_words < 30)


# ── Points ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (
            "Señores:\n\nPor lo anterior pido:\n1. Que revisen el medidor.\n2) Que corrijan la factura de mayo,\nque llegó por 1.234.567.\n"
            "3.- Copia del acta.",
            ["Que revisen el medidor.", "Que corrijan la factura de mayo, que llegó por 1.234.567.", "Copia del acta."],
        ),
        ("- Revisar la fuga\n• Devolver el dinero\n\nGracias", ["Revisar la fuga", "Devolver el dinero"]),
        ("PRIMERO: Que me paguen.\nSEGUNDO. Que me respondan.", ["Que me paguen.", "Que me respondan."]),
        ("a) Uno\nb) Dos", ["Uno", "Dos"]),
        (
            "El recibo subió. ¿Por qué subió tanto? Solicito que revisen el medidor. Vivo sola. Y ¿cuándo vienen?",
            ["¿Por qué subió tanto?", "Solicito que revisen el medidor.", "¿cuándo vienen?"],
        ),
        ("El agua llega turbia.\n\nLa calle quedó rota.", ["El agua llega turbia.", "La calle quedó rota."]),
        ("Cobro que no reconozco", ["Cobro que no reconozco"]),
        ("El 3.5 de mayo pido revisar 1.5 m3 de consumo.", ["El 3.5 de mayo pido revisar 1.5 m3 de consumo."]),
        ("", []),
        (" \n…\n--", []),
    ],
)
def test_a_request_is_split_into_what_it_asks(text: str, points: list[str]) -> None:
    assert propose_points(text) == points


def test_a_point_said_twice_is_one() -> None:
    assert propose_points("1. Revisen el medidor\n2. Revisen  el medidor\n3. Respondan") == ["Revisen el medidor", "Respondan"]


def test_a_date_at_the_start_of_a_line_is_no_item() -> None:
    assert propose_points("10.07.2026 llegó el recibo.\n\n11.07.2026 llamé.") == ["10.07.2026 llegó el recibo.", "11.07.2026 llamé."]


@given(st.text(alphabet="ab ¿?.\n-1)", max_size=300) | st.text(max_size=300))
def test_no_text_breaks_the_split_and_none_grows_without_end(text: str) -> None:
    points = propose_points(text)

    assert len(points) <= MAX_POINTS
    assert all(0 < len(point) <= MAX_LENGTH for point in points)
    assert len(set(points)) == len(points)
    assert bool(points) or not any(map(str.isalpha, text))
