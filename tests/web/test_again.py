"""A form that expired, or that met a database that is down, is not lost; and nobody else can have it sent."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.domain.states import PqrStatus
from app.models import Process
from app.security import AUXILIAR

TEXT = "Un motivo largo que nadie quiere volver a escribir <b>nunca</b> más en la vida"


def test_an_expired_form_of_ours_keeps_its_text_and_can_be_sent_again(seeded, a_case, client, login, a_user, csrf):
    pqr = a_case()
    process = seeded.scalars(select(Process).where(Process.code == "FACTURACION")).one()
    login(client, a_user(AUXILIAR))
    path, data = f"/pqr/{pqr.number}/move/route", {"process_id": process.id, "reason": TEXT, "csrf_token": "old"}
    page = client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"})
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)

    assert page.status_code == 400
    assert "Un motivo largo" in page.text
    assert "<b>nunca" not in page.text
    assert token

    again = client.post(path, data={**data, "csrf_token": token[1]}, headers={"Sec-Fetch-Site": "same-origin"})
    seeded.expire_all()
    assert again.status_code == 302
    assert pqr.status is PqrStatus.ROUTED


def test_a_post_from_another_site_is_not_offered_again(seeded, a_case, client, login, a_user, csrf):
    pqr = a_case()
    login(client, a_user(AUXILIAR))
    page = client.post(f"/pqr/{pqr.number}/move/route", data={"reason": TEXT}, headers={"Sec-Fetch-Site": "cross-site"})

    assert page.status_code == 400
    assert "Un motivo largo" not in page.text


def test_a_password_is_never_repeated(client, csrf, seeded):
    page = client.post("/login/", data={"username": "x", "password": "secreto-1234"}, headers={"Sec-Fetch-Site": "same-origin"})

    assert "secreto-1234" not in page.text


def test_a_database_that_is_down_keeps_the_text(seeded, a_case, client, login, a_user, monkeypatch):
    pqr = a_case()
    login(client, a_user(AUXILIAR))

    def refuse(*_args, **_kwargs):
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    monkeypatch.setattr("app.operations.pqr.make_move", refuse)
    process = seeded.scalars(select(Process).where(Process.code == "FACTURACION")).one()
    data = {"process_id": process.id, "reason": TEXT}
    page = client.post(f"/pqr/{pqr.number}/move/route", data=data, headers={"Sec-Fetch-Site": "same-origin"})

    assert page.status_code == 503
    assert "Un motivo largo" in page.text
    assert "Traceback" not in page.text
