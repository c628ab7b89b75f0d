"""Campaigns of surveys: their moves, whom they ask, how each is reached."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any, Protocol

from app.domain import N_
from app.domain.calendar import months_after
from app.domain.errors import MoveRefused


class CampaignStatus(Enum):
    """A campaign is proposed (by somebody, or by itself when due), confirmed and open, closed; or dropped."""

    PROPOSED = N_("To be confirmed")
    OPEN = N_("Answering")
    CLOSED = N_("Over")
    DROPPED = N_("Not carried out")


class InviteeStatus(Enum):
    """How far somebody who is asked has come."""

    WAITING = N_("Not yet answered")
    STARTED = N_("Half answered")
    ANSWERED = N_("Has answered")
    REFUSED = N_("Does not want to answer")
    LOST = N_("Could not be reached")
    OPTED_OUT = N_("Wants no more surveys")


class CallOutcome(Enum):
    """What became of a call to somebody who is asked."""

    ANSWERED = N_("Interview finished")
    PARTIAL = N_("Interview left half-way")
    CALL_BACK = N_("Call again at another time")
    NO_ANSWER = N_("Nobody picked up")
    BUSY = N_("Line busy")
    WRONG_NUMBER = N_("Wrong number")
    REFUSED = N_("Declined")
    OPTED_OUT = N_("Asked for no more surveys")


class AnswerVia(Enum):
    """How an answer came."""

    LINK = N_("Personal link")
    QR = N_("Printed code")
    KIOSK = N_("Kiosk at the office")
    PHONE = N_("Telephone interview")
    PAPER = N_("Typed from paper")
    IMPORT = N_("From a file")


class ResponseStatus(Enum):
    """How far an answer has come; a screened-out one is kept apart, with its reason."""

    PARTIAL = N_("Half-filled")
    COMPLETE = N_("Filled in")
    SCREENED = N_("Left out of the count")


class AlarmMeasure(Enum):
    """What a threshold looks at: the figure of a question at closing, or an answer as it comes."""

    MEAN = N_("Mean of the question")
    CSAT = N_("Percentage satisfied (CSAT)")
    NPS = N_("Recommendation (NPS)")
    ANSWER = N_("Score of an answer")
    WORDS = N_("Words of an open text")


class AlarmEffect(Enum):
    """What a threshold asks for."""

    ACTION = N_("An action")
    CONTACT = N_("Get in touch with the customer")
    CASE = N_("A case, if the customer wants one")


class AlarmStatus(Enum):
    """What became of an alarm."""

    OPEN = N_("Waits for somebody")
    SETTLED = N_("Attended")
    DISMISSED = N_("Set aside")


class CampaignMove(Enum):
    """A verb that changes a campaign. The name is stored in the history; the value is the label of its button."""

    PROPOSE = N_("Propose the campaign")
    CHANGE = N_("Correct the campaign")
    CONFIRM = N_("Confirm and open")
    EXTEND = N_("Change its last day")
    INVITE = N_("Send the invitations")
    CLOSE = N_("Close the campaign")
    REOPEN = N_("Reopen the campaign")
    DROP = N_("Do not carry it out")
    REPORT = N_("Issue the report")


class HasChannels(Protocol):
    """What tells when and by which ways a campaign takes answers."""

    status: Any
    opens_on: Any
    closes_on: Any
    by_link: Any
    by_phone: Any
    by_qr: Any
    by_kiosk: Any
    by_paper: Any
    by_file: Any


#: Which states a move leaves from, and where it leads. Moves that are not here change no state.
MOVES: dict[CampaignMove, tuple[CampaignStatus, CampaignStatus]] = {
    CampaignMove.CHANGE: (CampaignStatus.PROPOSED, CampaignStatus.PROPOSED),
    CampaignMove.CONFIRM: (CampaignStatus.PROPOSED, CampaignStatus.OPEN),
    CampaignMove.DROP: (CampaignStatus.PROPOSED, CampaignStatus.DROPPED),
    CampaignMove.EXTEND: (CampaignStatus.OPEN, CampaignStatus.OPEN),
    CampaignMove.CLOSE: (CampaignStatus.OPEN, CampaignStatus.CLOSED),
    CampaignMove.REOPEN: (CampaignStatus.CLOSED, CampaignStatus.OPEN),
}
#: Whoever comes to one of these is replaced by a reserve.
DROPPED_OUT = (InviteeStatus.REFUSED, InviteeStatus.LOST, InviteeStatus.OPTED_OUT)


def is_file_only(campaign: HasChannels) -> bool:
    """Say whether the answers of *campaign* come from a file and from nowhere else; then its days may lie in the past."""
    ways = (campaign.by_link, campaign.by_phone, campaign.by_qr, campaign.by_kiosk, campaign.by_paper)
    return bool(campaign.by_file) and not any(ways)


def takes_answers(campaign: HasChannels, on: date) -> bool:
    """Say whether *campaign* takes answers on the day *on*; one that only a file answers, as long as it is open."""
    is_its_time = is_file_only(campaign) or campaign.opens_on <= on <= campaign.closes_on
    return campaign.status is CampaignStatus.OPEN and is_its_time


def after(status: CampaignStatus, move: CampaignMove, number: str) -> CampaignStatus:
    """Return the state that *move* leads to. Raises MoveRefused: the campaign is somewhere else."""
    came_from, leads_to = MOVES[move]
    if status is not came_from:
        msgid = N_("%(number)s is “%(status)s”. “%(move)s” is for campaigns that are “%(expected)s”.")
        raise MoveRefused(msgid, number=number, status=status.value, move=move.value, expected=came_from.value)
    return leads_to


# ── When ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: How many days before it opens a campaign is proposed, for somebody to look at it.
LEAD_DAYS = 15
#: How many days after a period its campaign is still proposed, when nights were missed.
CATCH_UP_DAYS = 31


@dataclass(frozen=True, slots=True)
class Round:
    """A period that a campaign measures, and the days on which it takes answers."""

    period_from: date
    period_until: date
    opens_on: date
    closes_on: date


def round_of(starts_on: date, months: int, days_open: int, n: int) -> Round:
    """Return the *n*-th round since *starts_on*: it takes answers in the last *days_open* days of its period."""
    first, last = months_after(starts_on, n * months), months_after(starts_on, (n + 1) * months) - timedelta(days=1)
    return Round(first, last, max(first, last - timedelta(days=days_open - 1)), last)


def rounds_due(starts_on: date, months: int, days_open: int, today: date) -> list[Round]:
    """
    Return the rounds that have to stand proposed on *today*, the oldest first: from fifteen days before one opens until a month after
    its period. One whose days have passed opens today and takes answers as long as it would have.
    """
    n = _nth(starts_on, months, today)
    due = []
    for each in (round_of(starts_on, months, days_open, k) for k in range(max(0, n - 2), max(0, n + 2))):
        if each.opens_on - timedelta(days=LEAD_DAYS) <= today <= each.period_until + timedelta(days=CATCH_UP_DAYS):
            length = each.closes_on - each.opens_on
            opens_on = max(each.opens_on, today) if each.closes_on < today else each.opens_on
            due.append(Round(each.period_from, each.period_until, opens_on, opens_on + length))
    return due


def next_round(starts_on: date, months: int, days_open: int, today: date) -> Round:
    """Return the first round whose period is not over on *today*."""
    n = max(0, _nth(starts_on, months, today) - 1)
    while (found := round_of(starts_on, months, days_open, n)).period_until < today:
        n += 1
    return found


def _nth(starts_on: date, months: int, today: date) -> int:
    """Return about which round *today* falls in; at most one too many."""
    return ((today.year - starts_on.year) * 12 + today.month - starts_on.month) // months


# ── Whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

class Fate(Enum):
    """Whether somebody of the audience can be asked; else the first reason why not."""

    ASKED = N_("Can be asked")
    OPTED_OUT = N_("Want no more surveys")
    NO_CONSENT = N_("Did not agree to be contacted")
    UNREACHABLE = N_("Have neither the telephone nor the e-mail that it takes")


#: Reserves that are drawn for each place of the sample: of the people who are called, about one in four answers.
RESERVES = 3


#: What a sample may be split by, in the order of the key of a stratum.
SPLITS = ("zone", "stratum", "service_id")


def quota_key(parts: Mapping[str, object], by: Collection[str]) -> str:
    """Return the key of the stratum of *parts*: those that the sample is split *by*, in the order of `SPLITS`."""
    return "|".join("" if parts[name] is None else str(parts[name]) for name in SPLITS if name in by)


def allocate(populations: Mapping[str, int], n: int) -> dict[str, int]:
    """
    Return how many of the *n* places each stratum gets: in proportion to how many there are, by largest remainder; at least one where
    there is anybody, and never more than there are. When more strata than *n* have somebody, each of them gets its one.

    Raises:
        ValueError: A population or *n* is negative.
    """
    if n < 0 or any(each < 0 for each in populations.values()):
        raise ValueError("negative sizes")
    total = sum(populations.values())
    n = min(n, total)
    if not n:
        return dict.fromkeys(populations, 0)
    shares = {key: divmod(n * size, total) for key, size in populations.items()}
    places = {key: max(1, shares[key][0]) if size else 0 for key, size in populations.items()}
    by_remainder = sorted((key for key, (whole, rest) in shares.items() if whole and rest), key=lambda key: (-shares[key][1], key))
    for key in by_remainder[: max(0, n - sum(places.values()))]:
        places[key] += 1
    for _each in range(sum(places.values()) - n):  # small strata were given their one: the largest ones make room
        largest = max(places, key=lambda key: (places[key], key))
        places[largest] -= places[largest] > 1
    return places


def lot(seed: int, key: str) -> bytes:
    """Return the lot of *key* in the drawing of *seed*: the same for ever, on any machine, whoever else takes part."""
    return hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest()


def draw(keys: Iterable[str], seed: int, most: int | None = None) -> list[str]:
    """Return *keys* in the order of their lots, the first *most* of them; without *most*, all."""
    ordered = sorted(set(keys), key=lambda key: (lot(seed, key), key))
    return ordered[:most]


def period_label(first: date, last: date) -> str:
    """Return a period in few letters: 2026 for a year, 2026-1 for a half of it, else its months: 2026-01 – 2026-03."""
    n_months = (last.year - first.year) * 12 + last.month - first.month + 1
    if first.day == 1 and months_after(first, n_months) - timedelta(days=1) == last:
        if n_months == 12 and first.month == 1:
            return str(first.year)
        if n_months == 6 and first.month in (1, 7):
            return f"{first.year}-{1 if first.month == 1 else 2}"
        if n_months == 1:
            return f"{first:%Y-%m}"
    return f"{first:%Y-%m} – {last:%Y-%m}"
