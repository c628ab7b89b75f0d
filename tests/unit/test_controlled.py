"""Documented information: what editions are called, which addresses may stand in the register, what a row of a cycle says."""

from __future__ import annotations

import pytest

from app.domain.controlled import (
    LETTERS,
    MAX_ACTIVITIES,
    Phase,
    RowTexts,
    check_path,
    check_row,
    check_version,
    next_version,
    shown_letters,
)
from app.domain.errors import DomainError


@pytest.mark.parametrize(
    ("versions", "expected"),
    [([], "1"), (["1"], "2"), (["1", "9"], "10"), (["3.1"], "3.2"), (["01"], "02"), (["V4"], "V5"), (["2020-a"], "2021-a"), (["B"], "B-2")],
)
def test_the_next_version_follows_the_last(versions, expected):
    assert next_version(versions) == expected


@pytest.mark.parametrize(
    ("version", "words"), [("", "Write the version"), ("x" * 13, "at most 12"), (" a ", "a version a of this document")]
)
def test_a_version_has_a_name_of_its_own(version, words):
    with pytest.raises(DomainError, match=words) as refusal:
        check_version(version, ["A", "1"])
    assert refusal.value.field == "version"
    assert check_version(" 2 ", ["A", "1"]) == "2"


@pytest.mark.parametrize("path", ["pqr/", "//example.com", "https://example.com", "/pqr /", "/\\example.com"])
def test_an_address_leads_nowhere_else(path):
    with pytest.raises(DomainError, match="from its first slash"):
        check_path(path)


def test_an_address_of_the_system_is_kept_without_spaces_around():
    assert (check_path(" /pqr/?status=SOLVED "), check_path("  ")) == ("/pqr/?status=SOLVED", "")


def row(*activities, supplier=""):
    return RowTexts(Phase.PLAN, supplier, "", "", "", activities)


def test_a_row_leaves_out_activities_without_text():
    assert check_row(row((" Radicar ", "/pqr/"), ("", ""), ("Direccionar", ""))).activities == (("Radicar", "/pqr/"), ("Direccionar", ""))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(row(), "Write something"), (row(("", "/pqr/")), "what is done on the page /pqr/"),
     (row(*[("Radicar", "")] * (MAX_ACTIVITIES + 1)), "at most 12 activities")],
)  # fmt: skip
def test_a_row_that_says_nothing_or_too_much_is_refused(wrong, words):
    with pytest.raises(DomainError, match=words):
        check_row(wrong)


def test_a_row_may_say_only_who_gives():
    assert check_row(row(supplier=" Usuarios ")).supplier == "Usuarios"


def test_the_cycle_is_told_by_its_letters_and_a_row_that_goes_on_has_none():
    phases = [(Phase.PLAN, False), (Phase.DO, False), (Phase.DO, False), (Phase.CHECK, True), (Phase.ACT, False), (Phase.ACT, True)]

    assert "".join(LETTERS[phase] for phase in Phase) == "PHVA"
    assert shown_letters(phases) == ["P", "H", "H", "V", "A", ""]
