"""Requests of two people at once, in two threads of one process, do not mix: each gets what they asked for."""

from __future__ import annotations

import threading

import pytest

from tests.factories import Factory

N_ROUNDS = 15


@pytest.fixture
def house(fresh_app):
    """An application with parties of two families, and somebody who may list them."""
    from app.extensions import db

    with fresh_app.app_context():
        make = Factory(db.session())
        for n in range(3):
            make.party(name=f"Zapata Uno {n}")
            make.party(name=f"Quiroga Dos {n}")
        user = make.user("Auxiliar PQR")
        db.session.commit()
        user_id = user.id
    return fresh_app, user_id


def test_searches_of_two_people_do_not_mix(house, login):
    """Flask-AppBuilder keeps filters on the object of the view; ours are read from the request."""
    app, user_id = house
    mixed: list[str] = []
    together = threading.Barrier(2)

    class User:
        id = user_id

    def search(mine: str, other: str) -> None:
        client = login(app.test_client(), User)
        together.wait()
        for _ in range(N_ROUNDS):
            response = client.get(f"/party/list/?q={mine}")
            page = response.get_data(as_text=True)
            if response.status_code != 200 or page.count(f"{mine} ") < 3 or f"{other} " in page:
                mixed.append(f"{mine}: {response.status_code}")

    threads = [threading.Thread(target=search, args=names) for names in (("Zapata", "Quiroga"), ("Quiroga", "Zapata"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert mixed == []


def test_filters_columns_and_rights_of_two_users_do_not_mix(fresh_app, login):
    """A clerk who sees everything and an owner who sees one process ask for different filters and columns at the same instants."""
    from datetime import timedelta

    from app.extensions import db
    from app.operations.pqr import route

    with fresh_app.app_context():
        make = Factory(db.session())
        mine, other = make.case(subject="De facturación"), make.case(subject="De otra parte")
        clerk = make.user("Auxiliar PQR")
        route(db.session(), mine, make.process("FACTURACION"), "x", at=mine.filed_at + timedelta(hours=1), actor_id=clerk.id)
        owner = make.user("Dueño de proceso", process="FACTURACION")
        db.session.commit()
        people = {"clerk": clerk.id, "owner": owner.id}
        numbers = {"mine": mine.number, "other": other.number}
    mixed: list[str] = []
    together = threading.Barrier(2)

    def ask(who: str, query: str, wanted: set[str], heading: str) -> None:
        client = login(fresh_app.test_client(), type("User", (), {"id": people[who]}))
        together.wait()
        for _ in range(N_ROUNDS):
            page = client.get(f"/pqr/?{query}").get_data(as_text=True)
            rows = page.partition("<tbody")[2]
            found = {name for name, number in numbers.items() if f">{number}</a>" in rows}
            if found != wanted or f">{heading}" not in page.partition("<thead")[2].partition("</thead>")[0]:
                mixed.append(f"{who}: {found}")

    threads = [
        threading.Thread(target=ask, args=("clerk", "status=RECEIVED&cols=number,channel", {"other"}, "Canal")),
        threading.Thread(target=ask, args=("owner", "cols=number,filed_on&order=filed_on", {"mine"}, "<a href")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert mixed == []
