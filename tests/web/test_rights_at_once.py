"""What an administrator changes of a user's rights holds at that user's next request, in every web process: nothing of it is kept."""

from __future__ import annotations

import pytest
from flask_appbuilder.security.sqla.models import Group, PermissionView, Role, ViewMenu, assoc_permissionview_role
from sqlalchemy import delete, select


@pytest.fixture
def quality(client, login, a_user):
    """Somebody of Calidad, signed in."""
    user = a_user("Calidad")
    login(client, user)
    return user


def test_a_right_that_is_taken_from_the_role_is_gone(seeded, client, quality):
    assert client.get("/party/list/").status_code == 200
    rows = select(PermissionView.id).join(ViewMenu).where(ViewMenu.name == "Party")
    seeded.execute(delete(assoc_permissionview_role).where(assoc_permissionview_role.c.permission_view_id.in_(rows)))
    seeded.commit()

    assert client.get("/party/list/").status_code == 403
    assert client.get("/pqr/").status_code == 200, "and only that one"


def test_a_role_that_is_taken_or_given_counts_at_once(seeded, client, quality):
    quality.roles = []
    seeded.commit()
    assert client.get("/pqr/").status_code == 403

    quality.roles = [seeded.scalars(select(Role).where(Role.name == "Comercial")).one()]
    seeded.commit()
    assert client.get("/pqr/").status_code == 200


def test_a_role_may_come_through_a_group(seeded, client, quality):
    quality.roles = []
    group = Group(name="Turno", label="Turno", description="")
    group.roles = [seeded.scalars(select(Role).where(Role.name == "Calidad")).one()]
    group.users = [quality]
    seeded.add(group)
    seeded.commit()

    assert client.get("/pqr/").status_code == 200


def test_a_user_who_is_switched_off_is_out(seeded, client, quality):
    assert client.get("/pqr/").status_code == 200
    quality.active = False
    seeded.commit()

    assert client.get("/pqr/").status_code == 302, "to the door"


def test_user_and_rights_are_one_statement(client, quality, count_statements):
    client.get("/pqr/")
    with count_statements() as statements:
        client.get("/pqr/")

    assert sum("ab_permission" in statement for statement in statements) == 1
    assert sum("FROM ab_user " in f"{statement} " or "FROM ab_user\n" in statement for statement in statements) == 1
