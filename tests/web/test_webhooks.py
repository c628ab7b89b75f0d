"""The pages of webhooks: a secret is shown once, an inside address is refused beside its field, a delivery tells all of itself."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import select

from app.domain.states import MessageStatus
from app.extensions import now
from app.models import Webhook, WebhookDelivery
from app.operations import webhooks

NEW = {"name": "Tablero", "url": "https://tablero.example.com/hook", "events": ["case.filed", "case.closed"], "is_active": "y"}


@pytest.fixture
def admin(seeded, make, client, login):
    user = make.user("Admin")
    seeded.commit()
    return login(client, user)


@pytest.fixture
def hook(seeded):
    hook = Webhook(name="Tablero", url="https://tablero.example.com/", secret=webhooks.new_secret(), events="case.filed")
    seeded.add(hook)
    seeded.commit()
    return hook


def secrets_in(page: str) -> list[str]:
    return re.findall(r"whsec_[A-Za-z0-9+/=]+", html.unescape(page))


def test_a_new_webhook_shows_its_secret_once(seeded, admin):
    page = admin.post("/webhook/add", data=NEW).get_data(as_text=True)
    hook = seeded.scalars(select(Webhook)).one()

    assert (hook.events, hook.is_active) == ("case.filed,case.closed", True)
    assert secrets_in(page) == [hook.secret]
    for path in (f"/webhook/show/{hook.id}", f"/webhook/edit/{hook.id}", "/webhook/list/?all=1", "/webhook/export/csv?all=1"):
        page = admin.get(path).get_data(as_text=True)
        assert secrets_in(page) == []
        assert "Project-Id-Version" not in page  # what gettext says to nothing


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://tablero.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "tablero"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["case.invented"]}, "events"),
        ({"name": " "}, "name"),
    ],
)
def test_what_cannot_be_called_is_refused_beside_its_field(seeded, admin, change, field):
    response = admin.post("/webhook/add", data=NEW | change)
    page = response.get_data(as_text=True)

    assert response.status_code == 422
    assert f'id="{field}-error"' in page or f'href="#{field}' in page
    assert seeded.scalars(select(Webhook)).all() == []


def test_an_edit_keeps_the_secret_and_the_boxes_that_were_ticked(seeded, admin, hook):
    secret = hook.secret
    page = admin.get(f"/webhook/edit/{hook.id}").get_data(as_text=True)
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert re.findall(r'<input checked[^>]*value="(case\.[a-z]+)"', page) == ["case.filed"]

    admin.post(f"/webhook/edit/{hook.id}", data=NEW | {"events": ["case.silence"], "seen": html.unescape(seen[1])})
    seeded.expire_all()
    assert (hook.events, hook.secret) == ("case.silence", secret)


def test_a_secret_is_changed_and_shown_once(seeded, admin, hook):
    before = hook.secret
    page = admin.post(f"/webhook/rotate/{hook.id}").get_data(as_text=True)
    seeded.expire_all()

    assert hook.secret != before
    assert hook.previous_secret == before
    assert secrets_in(page) == [hook.secret]


def test_a_test_is_queued_and_its_page_tells_what_is_sent(seeded, admin, hook):
    response = admin.post(f"/webhook/test/{hook.id}", follow_redirects=True)
    delivery = seeded.scalars(select(WebhookDelivery)).one()

    assert delivery.event == "webhook.test"
    assert delivery.key in response.get_data(as_text=True)
    assert "&#34;type&#34;: &#34;webhook.test&#34;" in response.get_data(as_text=True)


def test_what_a_receiver_answers_is_shown_as_text(seeded, admin, hook, make):
    case = make.case()
    delivery = seeded.scalars(select(WebhookDelivery)).one()
    delivery.status, delivery.last_status, delivery.last_answer = MessageStatus.FAILED, 500, "<script>alert(1)</script>"
    delivery.last_error = "The receiver did not take it."
    seeded.commit()
    page = admin.get(f"/webhook-delivery/show/{delivery.id}").get_data(as_text=True)

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert case.number in page
    assert "500" in page


def test_failed_ones_are_sent_again_one_or_many(seeded, admin, hook, make):
    for _n in range(2):
        make.case()
    one, other = seeded.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))
    for delivery in (one, other):
        delivery.status, delivery.n_attempts = MessageStatus.FAILED, 8
    seeded.commit()
    admin.post(f"/webhook-delivery/resend/{one.id}")
    seeded.expire_all()

    assert (one.status, one.n_attempts) == (MessageStatus.QUEUED, 0)
    assert other.status is MessageStatus.FAILED


def test_a_paused_address_is_resumed_with_a_button(seeded, admin, hook):
    hook.paused_at, hook.paused_why, hook.n_failures, hook.failing_since = now(), webhooks.PAUSED, 9, now()
    seeded.commit()
    assert f"/webhook/resume/{hook.id}" in admin.get(f"/webhook/show/{hook.id}").get_data(as_text=True)

    admin.post(f"/webhook/resume/{hook.id}")
    seeded.expire_all()
    assert (hook.paused_at, hook.n_failures) == (None, 0)
    assert f"/webhook/resume/{hook.id}" not in admin.get(f"/webhook/show/{hook.id}").get_data(as_text=True)
