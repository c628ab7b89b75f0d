"""Questionnaires of surveys: what may be asked, when a question shows, which values it takes."""

from __future__ import annotations

from enum import Enum

from app.domain import N_


class QuestionKind(Enum):
    """
    What a question takes. A matrix asks each of its rows (services, as a rule) on the scale of 1 to 5.

    `NPS` is the 0 to 10 of "would you recommend us" (Net Promoter Score).
    """

    SCALE5 = N_("Scale of 1 to 5")
    SCALE7 = N_("Scale of 1 to 7")
    NPS = N_("Recommendation, 0 to 10 (NPS)")
    YES_NO = N_("Yes or no")
    ONE = N_("One of a list")
    MANY = N_("Several of a list")
    NUMBER = N_("Number")
    TEXT = N_("Open text")
    MATRIX = N_("Each row of 1 to 5")


#: Least and greatest score of the kinds that are scored; yes is 1.
SCALES: dict[QuestionKind, tuple[int, int]] = {
    QuestionKind.SCALE5: (1, 5), QuestionKind.SCALE7: (1, 7), QuestionKind.NPS: (0, 10), QuestionKind.YES_NO: (0, 1), QuestionKind.MATRIX: (1, 5),
}  # fmt: skip
#: Kinds whose answers are options of the question.
LISTED = (QuestionKind.ONE, QuestionKind.MANY, QuestionKind.MATRIX)


class ConditionOp(Enum):
    """How the answer to an earlier question is compared, for a question to show."""

    IS = N_("is")
    IS_NOT = N_("is not")
    AT_LEAST = N_("is at least")
    AT_MOST = N_("is at most")


class VersionStatus(Enum):
    """A version of a questionnaire is written, then published and frozen, then followed by another."""

    DRAFT = N_("Being written")
    PUBLISHED = N_("Published")
    RETIRED = N_("Replaced by another version")


class Audience(Enum):
    """Whom a questionnaire is for."""

    CONTRACTS = N_("Customers with a contract in force")
    USERS = N_("Users of the services")
    ANYBODY = N_("Whoever comes by")
