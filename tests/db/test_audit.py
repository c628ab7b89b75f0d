"""Who changed what: written by itself, in the transaction of the change, without secrets, and never rewritten."""

from __future__ import annotations

import json

import pytest
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app.audit import because, silently
from app.domain.deadlines import Regime
from app.models import Assignment, CaseEvent, ChangeLog, Parameter, Party, Pqr, RequestType


def lines(session, table: str | None = None) -> list[ChangeLog]:
    statement = select(ChangeLog).order_by(ChangeLog.id)
    return list(session.scalars(statement.where(ChangeLog.table_name == table) if table else statement))


@pytest.fixture
def clean(session):
    """The session, with nothing remembered of how the test was set up."""
    session.execute(ChangeLog.__table__.delete())
    session.commit()
    return session


def test_a_new_row_is_remembered_whole(clean):
    clean.add(Parameter(key="notice.days", value="5", description="Días"))
    clean.commit()

    (line,) = lines(clean)
    assert (line.table_name, line.row_id, line.action) == ("parameter", "notice.days", "insert")
    assert line.before == {}
    assert line.after == {"key": "notice.days", "value": "5", "description": "Días"}


def test_a_change_keeps_before_and_after_of_what_changed_only(clean):
    row = Parameter(key="notice.days", value="5", description="Días")
    clean.add(row)
    clean.commit()
    row.value, row.description = "7", "Días"
    clean.commit()

    line = lines(clean)[-1]
    assert (line.action, line.before, line.after) == ("update", {"value": "5"}, {"value": "7"})


def test_a_change_that_changes_nothing_leaves_no_line(clean):
    row = Parameter(key="notice.days", value="5")
    clean.add(row)
    clean.commit()
    row.value = "5"
    clean.commit()

    assert len(lines(clean)) == 1


def test_a_deleted_row_is_remembered_as_it_was(clean):
    row = Parameter(key="notice.days", value="5")
    clean.add(row)
    clean.commit()
    clean.refresh(row)
    clean.delete(row)
    clean.commit()

    line = lines(clean)[-1]
    assert (line.action, line.before["value"], line.after) == ("delete", "5", {})


def test_the_past_goes_when_the_change_goes(clean):
    """One transaction: a change that is rolled back never happened, and nobody reads that it did."""
    clean.add(Parameter(key="notice.days", value="5"))
    clean.flush()
    n_inside = clean.scalar(select(func.count()).select_from(ChangeLog))
    clean.rollback()

    assert n_inside == 1
    assert lines(clean) == []


def test_actor_reason_and_request_are_told(make, session):
    actor = make.user("Auxiliar PQR")
    session.info.update(actor_id=actor.id, request_id="r-1")
    with because(session, "Cambio de la resolución 5"):
        session.add(Parameter(key="with.reason", value="5"))
    session.add(Parameter(key="without.reason", value="5"))
    session.flush()
    told, untold = lines(session, "parameter")[-2:]

    assert (told.actor_id, told.reason, told.request_id) == (actor.id, "Cambio de la resolución 5", "r-1")
    assert (untold.actor_id, untold.reason) == (actor.id, "")
    assert session.get(Parameter, "with.reason").created_by_id == actor.id


def test_a_request_writes_its_own_id_and_user(client, make, login, seeded):
    """The screens tell the audit who acts; no view has to remember to."""
    admin = make.user("Admin")
    login(client, admin)
    answer = client.post(
        f"/users/edit/{admin.id}",
        data={"first_name": "Otra", "last_name": "Persona", "username": admin.username, "active": "y", "email": admin.email,
              "roles": [str(admin.roles[0].id)]},
        headers={"X-Request-Id": "abc-123"},
    )  # fmt: skip
    seeded.expire_all()
    (line,) = [line for line in lines(seeded, "ab_user") if line.action == "update" and "first_name" in line.after]

    assert answer.status_code == 302
    assert (line.actor_id, line.request_id) == (admin.id, "abc-123")
    assert (line.before["first_name"], line.after["first_name"]) == ("Persona", "Otra")


def test_a_user_who_gets_a_role_is_remembered(make, session):
    user = make.user("Auxiliar PQR")
    session.flush()
    user.roles = [session.scalars(select(Role).where(Role.name == "Admin")).one()]
    session.flush()

    line = lines(session, "ab_user")[-1]
    assert (line.action, line.before["roles"], line.after["roles"]) == ("update", ["Auxiliar PQR"], ["Admin"])


def test_a_role_that_loses_a_right_is_remembered(session):
    role = session.scalars(select(Role).where(Role.name == "Auxiliar PQR")).one()
    lost = role.permissions.pop()
    session.flush()

    line = lines(session, "ab_role")[-1]
    assert set(line.before["permissions"]) - set(line.after["permissions"]) == {str(lost)}


def test_a_new_user_is_remembered_without_the_password(make, session):
    user = make.user("Auxiliar PQR")
    user.password = "pbkdf2:sha256:1$other$hash"
    session.flush()
    told = json.dumps([[line.before, line.after] for line in lines(session, "ab_user")])

    assert user.username in told
    assert "pbkdf2" not in told


def test_secrets_of_a_case_are_never_written_twice(make, session):
    """Whoever reads the change log must not be able to enter as the citizen."""
    pqr = make.case()
    session.flush()
    text = json.dumps([[line.before, line.after] for line in lines(session)])

    assert pqr.number in text
    assert pqr.access_key not in text


def test_an_enum_is_written_by_name(make, session):
    row = session.scalars(select(RequestType).limit(1)).one()
    row.regime = Regime.LEY1755
    session.flush()

    assert lines(session, "request_type")[-1].after["regime"] == "LEY1755"


def test_seeds_may_be_loaded_silently(clean):
    with silently(clean):
        clean.add(Parameter(key="quiet", value="1"))
        clean.flush()
    clean.add(Parameter(key="loud", value="1"))
    clean.flush()

    assert [line.row_id for line in lines(clean, "parameter")] == ["loud"]


@pytest.mark.parametrize("model", [CaseEvent, ChangeLog], ids=lambda model: model.__name__)
def test_history_is_neither_changed_nor_deleted(make, session, model):
    make.case()
    row = session.scalars(select(model).order_by(model.id.desc())).first()
    row.reason = "otra cosa"
    with pytest.raises(RuntimeError, match="never changed"), session.begin_nested():
        session.flush()
    session.expire_all()

    session.delete(session.get(model, row.id))
    with pytest.raises(RuntimeError, match="never deleted"):
        session.flush()


def test_a_line_of_the_baton_ledger_is_not_deleted(make, session):
    pqr = make.case()
    session.delete(session.scalars(select(Assignment).where(Assignment.pqr_id == pqr.id)).one())

    with pytest.raises(RuntimeError, match="never deleted"):
        session.flush()


@pytest.mark.parametrize("model", [CaseEvent, ChangeLog], ids=lambda model: model.__name__)
@pytest.mark.parametrize("statement", [lambda m: update(m).values(reason="otra"), lambda m: delete(m)], ids=["update", "delete"])
def test_history_cannot_be_rewritten_in_bulk(make, session, model, statement):
    """A bulk statement of the session bypasses the flush, so it has to be refused by itself."""
    make.case()

    with pytest.raises(RuntimeError, match="never"):
        session.execute(statement(model))


def test_no_row_of_a_case_or_party_can_be_deleted(make, session):
    """Business rows are annulled with a reason, never removed."""
    pqr = make.case()
    session.delete(session.get(Pqr, pqr.id))

    with pytest.raises((RuntimeError, IntegrityError)):
        session.flush()


def test_authors_and_instants_fill_themselves(make, session, at):
    party = make.party()
    created = party.created_at
    at("2026-07-13T09:00-05:00")
    editor = make.user("Auxiliar PQR")
    session.info["actor_id"] = editor.id
    party.phone = "+576011234567"
    session.flush()

    assert party.created_at == created
    assert party.changed_at.isoformat() == "2026-07-13T14:00:00+00:00"
    assert (party.created_by_id, party.changed_by_id) == (None, editor.id)
    assert session.scalar(select(func.count()).select_from(Party).where(Party.changed_by_id == editor.id)) == 1
    assert session.scalar(select(func.count()).select_from(User).where(User.id == editor.id)) == 1
