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
