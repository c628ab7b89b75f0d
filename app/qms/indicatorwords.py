"""How indicators are said and drawn: periods, figures with their unit, pills, which way they went, the chart with its goal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import gettext as _
from markupsafe import Markup

from app.domain.indicators import Direction, Scale, Standing
from app.drawing import Drawing, Plot, Point, Series, drawn
from app.models import Indicator, IndicatorValue
from app.words import page_lang

TONES = {Standing.GOOD: "ok", Standing.FAIR: "warn", Standing.BAD: "bad", Standing.WATCHED: "info", Standing.EMPTY: "stop"}
_MARKS = {1: "▲", -1: "▼", 0: "="}
#: Size of a small line, in units of the picture.
_WIDTH, _HEIGHT, _EDGE = 104, 28, 4


def say_period(period_from: date, period_until: date, *, is_short: bool = False) -> str:
    """Return «junio de 2026» («jun 2026» where there is little room), «abr – jun 2026» or «2026»."""
    locale = "en" if page_lang().startswith("en") else "es_CO"
    if (period_from.year, period_from.month) == (period_until.year, period_until.month):
        if is_short:
            return format_date(period_from, "MMM y", locale=locale)
        return format_date(period_from, "MMMM y" if locale == "en" else "MMMM 'de' y", locale=locale)
    if period_from.month == 1 and period_until.month == 12 and period_from.year == period_until.year:
        return str(period_from.year)
    first = format_date(period_from, "MMM" if period_from.year == period_until.year else "MMM y", locale=locale)
    return f"{first} – {format_date(period_until, 'MMM y', locale=locale)}"


def say_count(number: Decimal | None) -> str:
    """Return a numerator or a denominator, without decimals that say nothing."""
    return "—" if number is None else _number(number, 0 if number == number.to_integral_value() else 2)


def say_figure(indicator: Indicator, value: Decimal | None) -> str:
    """Return a value with the decimals and the unit of its sheet; a count is told by the name of the indicator."""
    if value is None:
        return "—"
    number = _number(value, indicator.decimals)
    return number if indicator.scale is Scale.COUNT else f"{number}\u00a0{indicator.unit}".strip()


def _number(value: Decimal, places: int) -> str:
    shown = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0
    return format_decimal(shown, "#,##0" + ("." + "0" * places if places else ""), locale="en" if page_lang().startswith("en") else "es_CO")


def pill(standing: Standing) -> Markup:
    return Markup('<span class="pill {}">{}</span>').format(TONES[standing], _(standing.value))


def say_bands(indicator: Indicator) -> str:
    """Return which values are good, near and bad, in words."""
    if indicator.goal is None:
        return _("No goal was set: it is only watched.")
    told = {"goal": say_figure(indicator, indicator.goal), "fair": say_figure(indicator, indicator.fair)}
    if indicator.direction is Direction.MORE:
        if indicator.fair is None:
            return _("%(goal)s or more reaches the goal; less misses it.", **told)
        return _("%(goal)s or more reaches the goal; from %(fair)s on it is near; less misses it.", **told)
    if indicator.fair is None:
        return _("%(goal)s or less reaches the goal; more misses it.", **told)
    return _("%(goal)s or less reaches the goal; up to %(fair)s it is near; more misses it.", **told)


def trend(indicator: Indicator, values: Sequence[IndicatorValue]) -> Markup:
    """Return how the newest value went against the one before it, the newest first; nothing of fewer than two."""
    measured = [value.value for value in values if value.value is not None][:2]
    if len(measured) < 2:
        return Markup('<span class="quiet">—</span>')
    way = (measured[0] > measured[1]) - (measured[0] < measured[1])
    good = way if indicator.direction is Direction.MORE else -way
    words = {1: _("better"), -1: _("worse"), 0: _("the same")}[good]
    tone = {1: "ok", -1: "bad", 0: "stop"}[good] if indicator.goal is not None else "info"
    by = _number(abs(measured[0] - measured[1]), indicator.decimals)
    return Markup('<span class="went {}"><span aria-hidden="true">{}</span> {} <span class="quiet">{}</span></span>').format(
        tone, _MARKS[way], words if indicator.goal is not None else {1: _("rose"), -1: _("fell"), 0: _("the same")}[way], by if way else ""
    )


def spark(values: Sequence[IndicatorValue]) -> Markup:
    """Return the values as a small line, the oldest first; a picture of what the table says, so it says nothing itself."""
    points = [value.value for value in reversed(values)]
    known = [float(value) for value in points if value is not None]
    if len(known) < 2:
        return Markup()
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = (_WIDTH - 2 * _EDGE) / max(len(points) - 1, 1)
    spots = [
        (_EDGE + n * step, _HEIGHT - _EDGE - (float(value) - low) / span * (_HEIGHT - 2 * _EDGE))
        for n, value in enumerate(points) if value is not None
    ]  # fmt: skip
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    last = next(value for value in values if value.value is not None)
    return Markup(
        '<svg class="spark {}" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">'
        '<path d="{}"/><circle cx="{:.1f}" cy="{:.1f}" r="3"/></svg>'
    ).format(TONES[last.standing], _WIDTH, _HEIGHT, path, *spots[-1])


def chart(indicator: Indicator, values: Sequence[IndicatorValue], urls: Sequence[str]) -> Drawing | None:
    """
    Return the values over time with their goal and the edge of what is near it, as they were in each period.

    Args:
        values, urls: The newest first; the address of the rows behind each.
    """
    if not any(value.value is not None for value in values):
        return None
    shown = list(zip(reversed(values), reversed(urls), strict=True))
    points = tuple(Point(value.value, say_figure(indicator, value.value), url) for value, url in shown)
    series = [Series(_("Value"), points, "info")]
    for name, tone, edges in (
        (_("Goal"), "ok", [value.goal for value, _url in shown]), (_("Near the goal"), "warn", [value.fair for value, _url in shown]),
    ):  # fmt: skip
        if any(edge is not None for edge in edges):
            series.append(Series(name, tuple(Point(edge, say_figure(indicator, edge)) for edge in edges), tone))
    labels = tuple(say_period(value.period_from, value.period_until, is_short=True) for value, _url in shown)
    return drawn(Plot("LineChart", indicator.name, say_bands(indicator), labels, tuple(series), is_time=True, from_zero=False))


def say_parts(indicator: Indicator) -> tuple[str, str]:
    """Return what the two numbers of a value are called on the table."""
    return (_("Counted"), "") if indicator.scale is Scale.COUNT else (_("Numerator"), _("Denominator"))
