"""Actions and contacts as the database keeps them: asked once with a number, ended once, one first to call, the groups of a party."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.domain.errors import DomainError, IllegalMove, MoveRefused
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus
from app.models import Action, ChangeLog, InterestGroup, NumberSeries, PartyContact, PartyGroup
from app.operations import actions, contacts, improvement

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
LATER = datetime(2026, 7, 20, 15, tzinfo=UTC)
DUE = date(2026, 8, 10)


@pytest.fixture
def ask(seeded, make):
    def build(**said: Any) -> Action:
        values = {"kind": ActionKind.CORRECTIVE, "origin": ActionOrigin.CHECKLIST, "origin_key": "LVC-2026-0001", "title": " Calibrar ",
                  "description": "Mide de más", "process_id": make.process("TECNICA").id, "responsible_id": None, "due_on": DUE,
                  "at": AT, "user_id": None}  # fmt: skip
        return improvement.ask_action(seeded, **(values | said))

    return build


# ── Actions ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_action_gets_the_next_number_of_its_year_and_the_day_it_was_asked(ask):
    first, second = ask(), ask(origin_path="/checklist/show/1")

    assert (first.number, second.number) == ("AC-2026-0001", "AC-2026-0002")
    assert (first.title, first.status, first.asked_on, first.ended_on) == ("Calibrar", ActionStatus.OPEN, date(2026, 7, 10), None)
    assert ask(at=datetime(2027, 1, 1, 3, tzinfo=UTC), due_on=date(2027, 1, 5)).number == "AC-2026-0003"  # still 31 December in Bogotá


@pytest.mark.parametrize(
    ("said", "field"), [({"title": " "}, "title"), ({"due_on": date(2026, 7, 9)}, "due_on"), ({"process_id": 999_999}, "process_id")]
)
def test_what_cannot_be_asked_takes_no_number(seeded, ask, said, field):
    with pytest.raises(DomainError) as refusal:
        ask(**said)

    assert refusal.value.field == field
    assert seeded.scalars(select(Action)).all() == []
    assert seeded.scalar(select(NumberSeries.last).where(NumberSeries.prefix == "AC")) is None


def test_nobody_who_cannot_sign_in_is_made_responsible(make, ask):
    with pytest.raises(DomainError, match="not active") as refusal:
        ask(responsible_id=make.user("Calidad", active=False).id)

    assert refusal.value.field == "responsible"


def test_a_correction_ends_once_with_what_was_done(seeded, ask):
    action = ask(kind=ActionKind.CORRECTION)
    actions.finish(seeded, action, " Se calibró ", ended_on=date(2026, 7, 18), at=LATER, user_id=None)

    assert (action.status, action.result, action.ended_on) == (ActionStatus.DONE, "Se calibró", date(2026, 7, 18))
    for again in (
        lambda: actions.finish(seeded, action, "Otra vez", ended_on=date(2026, 7, 19), at=LATER, user_id=None),
        lambda: actions.cancel(seeded, action, "Ya no", at=LATER, user_id=None),
        lambda: improvement.amend_action(seeded, action, at=LATER, user_id=None),
    ):
        with pytest.raises((MoveRefused, IllegalMove), match="AC-2026-0001"):
            again()
    assert action.result == "Se calibró"


def test_an_action_is_cancelled_with_its_reason_and_keeps_its_number(seeded, ask):
    action = actions.cancel(seeded, ask(), "El medidor se cambió", at=LATER, user_id=None)

    assert (action.status, action.result, action.ended_on) == (ActionStatus.CANCELLED, "El medidor se cambió", date(2026, 7, 20))
    told = seeded.scalars(select(ChangeLog.after).where(ChangeLog.table_name == "action", ChangeLog.action == "update")).all()
    assert told[-1]["status"] == "CANCELLED"


@pytest.mark.parametrize(("result", "day"), [(" ", 18), ("Hecho", 9), ("Hecho", 21)])
def test_an_ending_that_says_nothing_or_cannot_be_is_refused(seeded, ask, result, day):
    action = ask(kind=ActionKind.CORRECTION)
    with pytest.raises(DomainError):
        actions.finish(seeded, action, result, ended_on=date(2026, 7, day), at=LATER, user_id=None)

    assert action.status is ActionStatus.OPEN


def test_whoever_amends_an_action_that_somebody_else_ended_meanwhile_is_refused(seeded, ask):
    action = ask()
    ended = {"status": ActionStatus.CANCELLED, "result": "Ya no", "ended_on": date(2026, 7, 10)}
    seeded.execute(update(Action).where(Action.id == action.id).values(**ended).execution_options(synchronize_session=False))
    action.title = "Otra cosa"

    with pytest.raises(MoveRefused):
        improvement.amend_action(seeded, action, at=LATER, user_id=None)


# ── Contacts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_mark_of_the_first_to_call_moves(seeded, make):
    party, other = make.party(), make.party()
    first = contacts.keep_contact(seeded, PartyContact(party=party, name="Nidia", phone="+573001234567", is_main=True))
    elsewhere = contacts.keep_contact(seeded, PartyContact(party=other, name="Óscar", email="oscar@example.com", is_main=True))
    second = contacts.keep_contact(seeded, PartyContact(party=party, name="Rosa", email="rosa@example.com", is_main=True))

    assert (first.is_main, second.is_main, elsewhere.is_main) == (False, True, True)
    first.is_main = True
    contacts.keep_contact(seeded, first)
    assert (first.is_main, second.is_main) == (True, False)


def test_a_party_has_one_first_to_call_whoever_writes(seeded, make):
    party = make.party()
    for name in ("Nidia", "Rosa"):
        seeded.add(PartyContact(party=party, name=name, email=f"{name}@example.com", is_main=True))
    with pytest.raises(IntegrityError):
        seeded.flush()


@pytest.mark.parametrize(
    ("facts", "field"), [({}, "email"), ({"phone": "+573001234567", "is_main": True, "is_active": False}, "is_main")]
)
def test_a_contact_can_be_reached_and_is_there_to_be_called_first(seeded, make, facts, field):
    with pytest.raises(DomainError) as refusal:
        contacts.keep_contact(seeded, PartyContact(party=make.party(), name="Nidia", **facts))

    assert refusal.value.field == field


# ── Groups ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_party_belongs_to_the_groups_that_were_ticked_and_to_no_other(seeded, make):
    groups = [InterestGroup(code=f"G{n}", name=f"Grupo {n}") for n in range(3)]
    party, other = make.party(), make.party()
    seeded.add_all(groups)
    seeded.flush()
    keys = [group.id for group in groups]
    contacts.put_in_groups(seeded, other, keys)
    kept = contacts.put_in_groups(seeded, party, keys[:2])[0].id

    rows = contacts.put_in_groups(seeded, party, [keys[0], keys[2], keys[2]])

    assert [row.group_id for row in rows] == [keys[0], keys[2]]
    assert rows[0].id == kept  # what stays is not written again
    assert len(seeded.scalars(select(PartyGroup).where(PartyGroup.party_id == other.id)).all()) == 3
    with pytest.raises(DomainError):
        contacts.put_in_groups(seeded, party, [999_999])


# ── Reminders ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_action_is_told_to_whoever_has_it_when_it_is_asked_and_when_it_is_late(seeded, make, ask):
    from app.models import Reminder
    from app.operations import reminders

    owner, other = make.user("Dueño de proceso", process="TECNICA"), make.user("Dueño de proceso", process="FACTURACION")
    action = ask(kind=ActionKind.CORRECTION)
    reminders.remind(seeded, AT)
    reminders.remind(seeded, datetime(2026, 8, 12, 15, tzinfo=UTC))
    at = datetime(2026, 8, 12, 16, tzinfo=UTC)
    actions.finish(seeded, action, "Se calibró", ended_on=date(2026, 8, 12), at=at, user_id=None)
    reminders.remind(seeded, datetime(2026, 8, 20, 15, tzinfo=UTC))
    told = seeded.execute(select(Reminder.user_id, Reminder.step).where(Reminder.row_key == action.number).order_by(Reminder.id)).all()

    assert owner.id in {user_id for user_id, _step in told}
    assert other.id not in {user_id for user_id, _step in told}
    assert {step[:7] for _user_id, step in told} == {"2026-07", "2026-08"}
    assert max(step for _user_id, step in told) <= "2026-08-12"
