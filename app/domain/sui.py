"""The regulator's files (SUI): which forms there are, what a row is checked for, what became of a month. Its codes are data, not here."""

from __future__ import annotations

from enum import Enum

from app.domain import N_


class SuiFormat(Enum):
    """A file of the SUI that the system can write."""

    CLAIMS = N_("Claims (reclamaciones)")
    INTERRUPTIONS = N_("Interruptions of the aqueduct service")


class SuiRuleKey(Enum):
    """
    What a row of the claims file is made with or checked for. The value of each is data, by service and validity.

    The first ones say how a cell is written; the others refuse a row (rules 1 to 7 of the sources at hand).
    """

    CODE_TABLE = N_("Table of codes of this service (variant)")
    PROCEDURES = N_("Kinds of procedure that are accepted")
    ANSWERS = N_("Kinds of answer that are accepted")
    PENDING_ANSWERS = N_("Kinds of answer of a case without answer")
    NOTICES = N_("Kinds of notice that are accepted")
    NO_NOTICE = N_("Kind of notice of a case without answer")
    GROUPS = N_("Groups of causes that are accepted")
    SEAT_CODE = N_("Code of the municipal seat")
    NO_ACCOUNT = N_("What stands in the place of the account, if there is none")
    NO_INVOICE = N_("What stands in the place of the invoice in causes of provision")
    NO_TRANSFER = N_("What stands in the place of the transfer to the SSPD, if there is none")
    TRANSFERRED = N_("Kinds of procedure that carry the transfer to the SSPD")
    PLACE_OF_ACCOUNT = N_("The department and municipality are those of the account")
    RADICADO = N_("The number received has at least one digit")
    CAUSE_OF_SERVICE = N_("The detail belongs to its group and to the service")
    INVOICE_OF_GROUP = N_("Group whose rows need a numeric invoice")
    DATES_IN_ORDER = N_("Filing, answer and notice come in that order")
    ANSWER_WHOLE = N_("An answered row has its date, number and notice; a pending one has none")
    TRANSFER_OF_APPEAL = N_("The transfer to the SSPD stands only in appeals")


class SuiWeight(Enum):
    """What a rule does with a row that breaks it."""

    REFUSES = N_("The month cannot be frozen")
    WARNS = N_("It is pointed out")


class LoadStatus(Enum):
    """What became of a month of a file: as it was frozen, told to the SUI, or replaced by a later version."""

    FROZEN = N_("Frozen")
    SENT = N_("Reported to the SUI")
    REPLACED = N_("Replaced by a later version")


class SuiMapKind(Enum):
    """What of ours becomes a code of the SUI: the name of a member, by kind."""

    PROCEDURE_OF_APPEAL = N_("Kind of appeal → kind of procedure")
    ANSWER_OF_OUTCOME = N_("Sense of the answer → kind of answer")
    ANSWER_OF_STATE = N_("State of the case → kind of answer")
    NOTICE_OF_MEANS = N_("Means of the notice → kind of notice")
