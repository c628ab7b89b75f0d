"""The risk map: levels, bands, controls and what is left of a risk after them (ISO 9001:2015, 6.1). See docs/rules/risks.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import DomainError, MoveRefused

#: Rows and columns that a map may have.
MOST_LEVELS = 10


class BandTone(Enum):
    """How loud a band of the map is."""

    LOW = N_("Low risk")
    MODERATE = N_("Moderate risk")
    HIGH = N_("High risk")
    EXTREME = N_("Extreme risk")


#: Words of state of the style sheet and of the papers.
TONES = {BandTone.LOW: "ok", BandTone.MODERATE: "warn", BandTone.HIGH: "soon", BandTone.EXTREME: "bad"}


class ControlKind(Enum):
    PREVENTIVE = N_("Prevents it")
    DETECTIVE = N_("Finds it")
    CORRECTIVE = N_("Limits the harm")


class Treatment(Enum):
    """What the house does about a risk."""

    REDUCE = N_("Reduce it")
    AVOID = N_("Avoid it")
    SHARE = N_("Share it")
    ACCEPT = N_("Accept it")


class RiskVerb(Enum):
    """Why a risk has a line in its history; its name is what `RiskMove.move` keeps."""

    IDENTIFY = N_("Identified")
    REVIEW = N_("Looked at")
    CONTROL = N_("Controls changed")
    SCALE = N_("The scale changed")
    CLOSE = N_("Closed")
    REOPEN = N_("Taken up again")


# ── The scale ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Level:
    """A step of probability or impact."""

    level: int
    name: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """Scores from `least_score` up to the next band; `id` is its row."""

    id: int
    least_score: int
    name: str
    tone: BandTone
    what_to_do: str = ""
    review_months: int = 12
    needs_action: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the map."""

    probability: int
    impact: int

    @property
    def score(self) -> int:
        return self.probability * self.impact


@dataclass(frozen=True, slots=True)
class Effect:
    """By how many levels a control lowers a risk; one that is not applied lowers nothing."""

    lowers_probability: int
    lowers_impact: int
    is_working: bool = True


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of the house: levels and bands, each from the least up."""

    probabilities: tuple[Level, ...]
    impacts: tuple[Level, ...]
    bands: tuple[Band, ...]

    def band_of(self, spot: Spot) -> Band | None:
        """Return the band in which *spot* lies; None while no band begins at or under its score."""
        return next((band for band in reversed(self.bands) if band.least_score <= spot.score), None)

    def residual(self, inherent: Spot, effects: Iterable[Effect]) -> Spot:
        """Return what is left of *inherent* while those of *effects* that work do: each lowers so many steps, never below the least."""
        working = [effect for effect in effects if effect.is_working]
        return Spot(
            _lowered(self.probabilities, inherent.probability, sum(effect.lowers_probability for effect in working)),
            _lowered(self.impacts, inherent.impact, sum(effect.lowers_impact for effect in working)),
        )

    def steps(self, inherent: Spot, left: Spot) -> tuple[int, int]:
        """Return by how many steps of probability and of impact *left* lies below *inherent*: what `residual` takes away."""
        return (
            sum(left.probability < each.level <= inherent.probability for each in self.probabilities),
            sum(left.impact < each.level <= inherent.impact for each in self.impacts),
        )

    def score_span(self, band: Band) -> tuple[int, int]:
        """Return the least and the greatest score of *band*."""
        above = [each.least_score for each in self.bands if each.least_score > band.least_score]
        return band.least_score, min(above) - 1 if above else max(self.most_score, band.least_score)

    @property
    def most_score(self) -> int:
        ends = (max((level.level for level in levels), default=0) for levels in (self.probabilities, self.impacts))
        probability, impact = ends
        return probability * impact

    @property
    def is_ready(self) -> bool:
        """Whether a risk can be put on the map at all."""
        return bool(self.probabilities and self.impacts and self.bands)


def _lowered(levels: Sequence[Level], level: int, n_steps: int) -> int:
    below = [each.level for each in levels if each.level <= level]
    return below[max(len(below) - 1 - n_steps, 0)] if below else level


def check_level(level: int, name: str) -> None:
    """Raise DomainError when a level is off the scale or has no name."""
    if not 1 <= level <= MOST_LEVELS:
        raise DomainError(N_("A level is a number from 1 to %(most)s."), field="level", most=MOST_LEVELS)
    if not name.strip():
        raise DomainError(N_("Write what the level is called."), field="name")


def check_bands(bands: Sequence[Band]) -> None:
    """Raise DomainError when *bands*, as they would be, leave the lowest scores without one."""
    if not bands or min(band.least_score for band in bands) > 1:
        raise DomainError(N_("One band has to begin at 1: otherwise the lowest scores of the map have none."), field="least_score")


def warnings_of(scale: Scale) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what is amiss with a scale, as msgids and their fields: it works, but not as its author will have meant."""
    if not scale.probabilities or not scale.impacts:
        yield N_("There is no map yet: it takes at least one level of probability and one of impact."), {}
    if not scale.bands or scale.bands[0].least_score > 1:
        yield N_("The lowest scores have no band: one has to begin at 1."), {}
    for band in scale.bands:
        if scale.most_score and band.least_score > scale.most_score:
            yield N_("The band “%(name)s” begins at %(least)s, and the map ends at %(most)s: no risk ever lies in it."), {
                "name": band.name, "least": band.least_score, "most": scale.most_score,
            }  # fmt: skip
    order = list(BandTone)
    for lower, higher in zip(scale.bands, scale.bands[1:], strict=False):
        if order.index(higher.tone) < order.index(lower.tone):
            yield N_("“%(higher)s” is worse than “%(lower)s”, but its colour is milder."), {"higher": higher.name, "lower": lower.name}


# ── A risk ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_risk(cause: str, event: str, consequence: str, identified_on: date, today: date) -> None:
    """Raise DomainError when a risk leaves out its cause, event or consequence, or was found in the future."""
    texts = (
        (cause, "cause", N_("Write because of what it may happen.")), (event, "event", N_("Write what may happen.")),
        (consequence, "consequence", N_("Write what follows when it happens.")),
    )  # fmt: skip
    for text, field, refusal in texts:
        if not text.strip():
            raise DomainError(refusal, field=field)
    if identified_on > today:
        raise DomainError(N_("That day has not come yet."), field="identified_on")


def check_spot(scale: Scale, spot: Spot) -> None:
    """Raise DomainError when *spot* is no place of the map."""
    for levels, level, field in ((scale.probabilities, spot.probability, "probability"), (scale.impacts, spot.impact, "impact")):
        if level not in {each.level for each in levels}:
            raise DomainError(N_("%(level)s is no level of the scale of the house."), field=field, level=level)


def check_control(text: str, effect: Effect) -> None:
    """Raise DomainError when a control says nothing, or lowers by a number that is no number of levels."""
    if not text.strip():
        raise DomainError(N_("Write what the control consists of."), field="text")
    for n, field in ((effect.lowers_probability, "lowers_probability"), (effect.lowers_impact, "lowers_impact")):
        if not 0 <= n < MOST_LEVELS:
            raise DomainError(N_("A control lowers between 0 and %(most)s levels."), field=field, most=MOST_LEVELS - 1)


def check_open(number: str, closed_on: date | None) -> None:
    """Raise MoveRefused when a risk was closed: it changes no more until somebody takes it up again."""
    if closed_on is not None:
        raise MoveRefused(N_("%(number)s was closed and no longer changes. Take it up again first."), number=number)


def check_reason(reason: str) -> None:
    """Raise DomainError when a move does not say why."""
    if not reason.strip():
        raise DomainError(N_("Write why."), field="reason")


def check_closing(number: str, actions_under_way: Sequence[str]) -> None:
    """Raise MoveRefused while actions that the risk asked for are under way."""
    if actions_under_way:
        raise MoveRefused(
            N_("%(number)s asked for actions that have not ended: %(actions)s. Finish or call them off first."),
            number=number, actions=", ".join(actions_under_way),
        )  # fmt: skip


def check_review_day(review_on: date, today: date, band: Band | None) -> None:
    """Raise DomainError when the next look at a risk lies behind, or later than its band allows."""
    if review_on <= today:
        raise DomainError(N_("The next look has to lie ahead."), field="review_on")
    if band is not None and review_on > next_review(band, today):
        raise DomainError(
            N_("A risk in the band “%(band)s” is looked at every %(months)s months: on %(day)s at the latest."),
            field="review_on", band=band.name, months=band.review_months, day=next_review(band, today),
        )  # fmt: skip


def next_review(band: Band | None, on: date) -> date:
    """Return when a risk that was looked at on *on* has to be looked at again."""
    return months_after(on, band.review_months if band is not None else 12)


def path_of(spots: Iterable[Spot]) -> tuple[Spot, ...]:
    """Return where a risk was, in order, each stay once."""
    found: list[Spot] = []
    for spot in spots:
        if not found or found[-1] != spot:
            found.append(spot)
    return tuple(found)
