"""Amounts of money in Spanish words, as Colombian papers say them beside the figure."""

from __future__ import annotations

from decimal import Decimal

_UNITS = (
    "", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce", "trece", "catorce", "quince",
    "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno", "veintidós", "veintitrés", "veinticuatro", "veinticinco",
    "veintiséis", "veintisiete", "veintiocho", "veintinueve",
)  # fmt: skip
_TENS = ("", "", "", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_HUNDREDS = (
    "", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos", "setecientos", "ochocientos", "novecientos",
)  # fmt: skip
_MILLION = 10**6


def pesos_in_words(amount: Decimal | int) -> str:
    """
    Return «un millón doscientos mil pesos» for 1200000.

    Raises:
        ValueError: It is negative, has cents, or is a million of billions of pesos or more.
    """
    n = int(amount)
    if n != amount or not 0 <= n < _MILLION**3:
        raise ValueError(f"no amount in words: {amount}")
    joint = " de" if n and n % _MILLION == 0 else ""
    return f"{_words(n) or 'cero'}{joint} {'peso' if n == 1 else 'pesos'}"


def _words(n: int) -> str:
    """Return *n* before a noun, so one is «un»; nothing for zero."""
    billions, rest = divmod(n, _MILLION**2)
    millions, units = divmod(rest, _MILLION)
    parts = (_grouped(billions, "billón", "billones"), _grouped(millions, "millón", "millones"), _below_million(units))
    return " ".join(part for part in parts if part)


def _grouped(n: int, one: str, many: str) -> str:
    return f"un {one}" if n == 1 else f"{_below_million(n)} {many}" if n else ""


def _below_million(n: int) -> str:
    thousands, units = divmod(n, 1000)
    head = "mil" if thousands == 1 else f"{_below_thousand(thousands)} mil" if thousands else ""
    return " ".join(part for part in (head, _below_thousand(units)) if part)


def _below_thousand(n: int) -> str:
    if n == 100:
        return "cien"
    hundreds, rest = divmod(n, 100)
    return " ".join(part for part in (_HUNDREDS[hundreds], _below_hundred(rest)) if part)


def _below_hundred(n: int) -> str:
    tens, units = divmod(n, 10)
    words = _UNITS[n] if n < 30 else f"{_TENS[tens]} y {_UNITS[units]}" if units else _TENS[tens]
    if n == 21:
        return "veintiún"
    return words.removesuffix("o") if n % 10 == 1 and n != 11 else words
