"""Campaigns of surveys: their moves, whom they ask, how each is reached."""

from __future__ import annotations

from enum import Enum

from app.domain import N_


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
    ANSWERED = N_("Answered")
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
