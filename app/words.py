"""What the domain says, in the reader's language and notation."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

import phonenumbers
from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from app.domain.errors import DomainError
from app.extensions import local


def tidy(text: str | None) -> str:
    """Return *text* as it is stored: one kind of line end, no control characters (PostgreSQL refuses some), no blank edges."""
    text = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "", text).strip()


def say(error: DomainError) -> str:
    """Return the text of *error* in the reader's language; fields that are msgids are translated, days and numbers written out."""
    fields = {name: _spoken(value) for name, value in error.fields.items()}
    return _(error.msgid, **fields) if fields else _(error.msgid)


def _spoken(value: object) -> object:
    if isinstance(value, tuple):
        return ", ".join(_(item) for item in value) or _("none")
    if isinstance(value, date | Decimal):
        return say_value(value)
    return _(value) if isinstance(value, str) and value else value


def page_lang() -> str:
    """Return the language of the page, as `<html lang>` wants it."""
    return str(get_locale() or "es").replace("_", "-")


def _notation() -> str:
    """Return the locale whose notation the reader expects: Colombian for Spanish."""
    locale = get_locale()
    return "es_CO" if locale is None or locale.language == "es" else "en"


# A page says the same days and amounts again and again, and Babel reads its patterns each time: 10 to 20 µs.
_date = lru_cache(maxsize=4096)(format_date)
_decimal = lru_cache(maxsize=4096, typed=True)(format_decimal)


def say_day(day: date | None) -> str:
    """Return 24/07/2026 in Spanish, 24 Jul 2026 in English (where 07/24 would be read as well)."""
    if day is None:
        return "—"
    return f"{day:%d/%m/%Y}" if _notation() == "es_CO" else _date(day, "d MMM y", locale="en")


def say_long_day(day: date | None) -> str:
    """Return viernes 24 de julio de 2026."""
    pattern = "EEEE d 'de' MMMM 'de' y" if _notation() == "es_CO" else "EEEE, d MMMM y"
    return _date(day, pattern, locale=_notation()) if day else "—"


def say_short_day(day: date) -> str:
    """Return 24 jul: for a place where the year is plain."""
    return _date(day, "d MMM", locale=_notation()).rstrip(".")


def translated(text: str | None) -> str:
    """
    Return *text*, a msgid that came as data, in the reader's language; templates still escape it.

    The `_()` of templates would not: it marks what it returns as safe HTML and reads its % signs.
    """
    return _(text) if text else ""


def say_instant(instant: datetime | None) -> str:
    """Return the wall clock of Colombia at *instant*: 24/07/2026 09:05."""
    if instant is None:
        return "—"
    moment = local(instant)
    return f"{say_day(moment.date())} {moment:%H:%M}"


def say_pesos(amount: Decimal | int | None) -> str:
    """Return $ 1.234.567, with centavos only when there are some; a credit has its minus in front."""
    if amount is None:
        return "—"
    if amount < 0:
        return f"−{say_pesos(-amount)}"
    pattern = "#,##0.00" if amount % 1 else "#,##0"
    return "$ " + _decimal(amount, pattern, locale=_notation())


def say_number(number: int | Decimal | None) -> str:
    """Return 12.345 in Spanish, 12,345 in English."""
    return "—" if number is None else _decimal(number, locale=_notation())


def say_percent(percent: Decimal | None) -> str:
    """Return 81,8 % in Spanish, 81.8% in English; without a decimal that says nothing."""
    if percent is None:
        return "—"
    number = say_number(percent.quantize(Decimal(1)) if percent == percent.to_integral_value() else percent.normalize())
    return f"{number}\u00a0%" if _notation() == "es_CO" else f"{number}%"


def say_nit(digits: str | None) -> str:
    """Return 900.123.456-8 for 9001234568."""
    if not digits:
        return "—"
    return f"{int(digits[:-1]):,}".replace(",", ".") + "-" + digits[-1] if digits.isdigit() else digits


@lru_cache(maxsize=4096)
def say_phone(number: str | None) -> str:
    """Return 300 123 4567 for +573001234567; numbers of other countries keep their prefix."""
    if not number:
        return "—"
    try:
        parsed = phonenumbers.parse(number, "CO")
    except phonenumbers.NumberParseException:
        return number
    shape = phonenumbers.PhoneNumberFormat
    text = phonenumbers.format_number(parsed, shape.NATIONAL if parsed.country_code == 57 else shape.INTERNATIONAL)
    return text.replace(" ", "\u00a0")


#: How each light looks; the words beside it say the same.
TONES = {"GREEN": "ok", "AMBER": "warn", "ORANGE": "soon", "RED": "bad", "BLACK": "silence", "GREY": "stop", "DONE": "info"}
_PILLS = {name: Markup('<span class="pill light {}">').format(tone) for name, tone in TONES.items()}
_END = Markup("</span>")


def say_light(light: Enum | str, words: str) -> Markup:
    """Return the traffic light of a case: its colour repeats what *words* say."""
    return _PILLS[light.name if isinstance(light, Enum) else light] + escape(words) + _END


def say_value(value: Any) -> Any:
    """Return *value* of a column as people read it: enums and yes/no in words, dates in their notation, an em dash for nothing."""
    match value:
        case None | "":
            return "—"
        case bool():
            return _("Yes") if value else _("No")
        case Enum():
            return _(value.value)
        case datetime():
            return say_instant(value)
        case date():
            return say_day(value)
        case Decimal():
            return say_number(value)
        case list() | tuple():
            return ", ".join(str(say_value(item)) for item in value) or "—"
        case bytes():
            return _("%(n)s KB", n=say_number(-(-len(value) // 1024)))
    return value
