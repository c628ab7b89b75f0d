"""Amounts in words, as a paper says them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.domain.amounts import pesos_in_words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "cero pesos"),
        (1, "un peso"),
        (11, "once pesos"),
        (16, "dieciséis pesos"),
        (21, "veintiún pesos"),
        (31, "treinta y un pesos"),
        (100, "cien pesos"),
        (101, "ciento un pesos"),
        (999, "novecientos noventa y nueve pesos"),
        (1_000, "mil pesos"),
        (1_001, "mil un pesos"),
        (21_000, "veintiún mil pesos"),
        (100_000, "cien mil pesos"),
        (531_441, "quinientos treinta y un mil cuatrocientos cuarenta y un pesos"),
        (1_000_000, "un millón de pesos"),
        (1_200_000, "un millón doscientos mil pesos"),
        (21_000_000, "veintiún millones de pesos"),
        (1_000_000_000, "mil millones de pesos"),
        (1_001_000_001, "mil un millones un pesos"),
        (67_662_000_960, "sesenta y siete mil seiscientos sesenta y dos millones novecientos sesenta pesos"),
        (2_000_000_000_000, "dos billones de pesos"),
        (Decimal("1250000.00"), "un millón doscientos cincuenta mil pesos"),
    ],
)
def test_an_amount_is_said_in_words(amount, words):
    assert pesos_in_words(amount) == words


@pytest.mark.parametrize("amount", [-1, Decimal("1.5"), 10**18])
def test_what_no_paper_says_is_refused(amount):
    with pytest.raises(ValueError, match="no amount"):
        pesos_in_words(amount)
