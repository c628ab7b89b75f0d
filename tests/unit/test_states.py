"""The one table of moves, and the page that tells it."""

from pathlib import Path

import pytest

from app.domain.errors import IllegalMove
from app.domain.states import ARROWS, Category, Move, PqrStatus, arrow_for, moves_from

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "pqr-states.md"


def test_the_page_of_rules_tells_the_table_as_it_is():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines() if line.count("|") == 6]
    told = {row[0]: row[1:] for row in rows if row[0] in Move.__members__}

    assert told == {
        move.name: [
            ", ".join(status.name for status in PqrStatus if status in arrow.sources),
            arrow.target.name if arrow.target else "(stays)",
            arrow.right or "(by itself)",
            "required" if arrow.needs_reason else "–",
        ]
        for move, arrow in ARROWS.items()
    }


@pytest.mark.parametrize("status", PqrStatus)
def test_a_final_state_has_no_way_out_but_what_the_law_brings_to_a_closed_case(status):
    after = {Move.SILENCE, Move.LIFT_SILENCE, Move.RECOGNISE, Move.APPEAL} if status is PqrStatus.CLOSED else set()

    assert set(moves_from(status)) == after if status.is_final else any(ARROWS[move].target for move in moves_from(status))


@pytest.mark.parametrize("status", PqrStatus)
@pytest.mark.parametrize("move", ARROWS)
def test_an_impossible_move_names_the_possible_ones(status, move):
    if status in ARROWS[move].sources:
        assert arrow_for(move, status).target_from(status) in PqrStatus
        return

    with pytest.raises(IllegalMove) as refused:
        arrow_for(move, status)

    assert refused.value.fields["possible"] == tuple(possible.value for possible in moves_from(status) if ARROWS[possible].right)


def test_the_clock_only_stops_in_the_two_lawful_states():
    assert [status for status in PqrStatus if status.category is Category.STOPPED] == [PqrStatus.AWAITING_USER, PqrStatus.EVIDENCE]


def test_every_state_is_reached():
    reached = {PqrStatus.RECEIVED} | {arrow.target for arrow in ARROWS.values() if arrow.target}

    assert reached == set(PqrStatus)
