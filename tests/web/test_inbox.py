"""The screen of what arrived: what it shows, what somebody decides there, and who sees what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.states import Identity, InboundStatus
from app.models import InboundMessage, Pqr
from app.operations import inbox
from tests.imap import Box, free_port
from tests.letterbox import PDF, letter

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def arrives(seeded):
    """arrives(raw) → the row of a message that was taken in two hours before."""
    return lambda raw: inbox.take_in(seeded, inbox.Arrival(raw, AT - timedelta(hours=2)), at=AT)


@pytest.fixture
def waiting(arrives) -> InboundMessage:
    """A message in quarantine with a file and a text that would like to be a page."""
    text = "<script>alert('agua')</script> & saludos"
    return arrives(letter(text, X_Spam_Flag="YES", files=(("a.pdf", "application/pdf", PDF),)))


@pytest.fixture
def clerk(client, login, a_user) -> Any:
    return login(client, a_user("Auxiliar PQR"))


def page(response: Any) -> str:
    assert response.status_code == 200
    return response.get_data(as_text=True)


def test_what_waits_is_listed_with_its_ground_and_shown_as_plain_text(clerk, waiting) -> None:
    listed, shown = page(clerk.get("/inbox/list/?status=QUARANTINED")), page(clerk.get(f"/inbox/show/{waiting.id}"))

    assert "ana@example.org" in listed
    assert "&lt;script&gt;alert" in shown
    assert "<script>alert" not in shown
    assert "a.pdf" in shown


def test_a_message_becomes_a_case_once_however_often_somebody_presses(seeded, clerk, waiting) -> None:
    first, again = clerk.post(f"/inbox/make_case/{waiting.id}"), clerk.post(f"/inbox/make_case/{waiting.id}")
    case = seeded.scalars(select(Pqr)).one()

    seeded.expire_all()
    assert first.headers["Location"] == again.headers["Location"] == f"/pqr/{case.number}"
    assert waiting.status is InboundStatus.FILED
    assert "Sin agua.eml" in page(clerk.get(f"/pqr/{case.number}"))


def test_a_message_is_noted_on_the_case_that_somebody_names(seeded, clerk, waiting, a_case) -> None:
    case = a_case()
    refused = clerk.post(f"/inbox/{waiting.id}/note", data={"number": "PQR-1999-000001"})
    done = clerk.post(f"/inbox/{waiting.id}/note", data={"number": f" {case.number} "})

    assert refused.status_code == 422
    assert "PQR-1999-000001" in refused.get_data(as_text=True)
    assert done.status_code == 302
    assert [note.body.endswith("saludos") for note in case.notes] == [True]


def test_the_case_that_a_stranger_quotes_is_offered(clerk, arrives, a_case) -> None:
    case = a_case()
    message = arrives(letter(subject=f"Sobre {case.number}"))

    assert f'value="{case.number}"' in page(clerk.get(f"/inbox/{message.id}/note"))


def test_a_message_is_discarded_with_a_reason(seeded, clerk, waiting) -> None:
    assert clerk.post(f"/inbox/{waiting.id}/discard", data={"reason": " "}).status_code == 422
    assert clerk.post(f"/inbox/{waiting.id}/discard", data={"reason": "Publicidad"}).status_code == 302
    seeded.expire_all()
    assert (waiting.status, waiting.reason) == (InboundStatus.DISCARDED, "Publicidad")
    assert clerk.get(f"/inbox/{waiting.id}/note").status_code == 302, "nothing is left to decide"
    assert "make_case" not in page(clerk.get(f"/inbox/show/{waiting.id}"))


def test_many_are_discarded_at_once(seeded, clerk, arrives, waiting) -> None:
    other = arrives(letter(message_id="<dos@example.org>", Precedence="bulk"))
    rows = {"row": [waiting.id, other.id]}
    seal = re.search(r'name="sure" value="([^"]+)"', page(clerk.post("/inbox/bulk/discard", data=rows)))
    assert seal is not None
    clerk.post("/inbox/bulk/discard", data=rows | {"sure": seal[1], "reason": "Publicidad"})

    seeded.expire_all()
    assert {waiting.status, other.status} == {InboundStatus.DISCARDED}


def test_the_original_leaves_as_a_download_byte_by_byte(clerk, arrives) -> None:
    raw = letter(X_Spam_Flag="YES")
    answer = clerk.get(f"/inbox/original/{arrives(raw).id}")

    assert answer.data == raw
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_who_may_not_know_a_reserved_identity_does_not_see_its_mail(seeded, app, client, login, a_user, arrives, a_case) -> None:
    case = a_case(identity=Identity.RESERVED, notice_email="ana@example.org")
    message = arrives(letter(subject=f"Sobre {case.number}"))
    role = a_user("Auxiliar PQR")
    assert login(client, role).get(f"/inbox/show/{message.id}").status_code == 200
    from flask_appbuilder.security.sqla.models import Role

    auxiliar = seeded.scalars(select(Role).where(Role.name == "Auxiliar PQR")).one()
    auxiliar.permissions = [each for each in auxiliar.permissions if each.permission.name != "can_see_reserved"]
    seeded.flush()

    assert client.get(f"/inbox/show/{message.id}").status_code == 404
    assert client.get(f"/inbox/original/{message.id}").status_code == 404
    assert "ana@example.org" not in page(client.get("/inbox/list/"))


@pytest.mark.one_engine
def test_the_test_of_the_mailbox_says_what_waits_or_what_is_wrong(app, clerk, imap: Box) -> None:
    imap.put(letter())
    assert clerk.post("/inbox/test").status_code == 404, "none is set"
    app.config.update(imap.settings)
    clerk.post("/inbox/test")
    assert "Caja" in page(clerk.get("/inbox/list/"))
    app.config["IMAP_PORT"] = free_port()
    clerk.post("/inbox/test")
    assert "refused" in page(clerk.get("/inbox/list/"))
