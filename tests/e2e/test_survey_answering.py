"""A survey answered in a browser: on a small telephone, without script, and at the kiosk, one person after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.campaigns import AnswerVia, ResponseStatus
from app.domain.questionnaires import Audience
from app.models import SurveyAnswer, SurveyInvitee, SurveyResponse
from app.operations import survey_links
from tests.e2e.conftest import press
from tests.factories import Factory

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


@pytest.fixture
def paths(live_server: Any) -> tuple[str, str]:
    """The personal link of a customer, and the kiosk of their campaign."""
    live_server.at("2026-07-10T10:00-05:00")
    with live_server.session() as session:
        make = Factory(session)
        make.contract()
        campaign = make.campaign(make.questionnaire(audience=Audience.CONTRACTS), by_kiosk=True)
        found = survey_links.path_of(session.scalars(select(SurveyInvitee)).one()), survey_links.kiosk_path(campaign)
        session.commit()
    return found


def choose(page: Any, **answers: str) -> None:
    """Press the scores of *answers*, by name; `__` stands for the dot of a matrix."""
    for name, value in answers.items():
        page.locator(f"label:has([name='{name.replace('__', '.')}'][value='{value}'])").click()


def next_page(page: Any) -> None:
    press(page, "form.survey button.btn-go")


def stored(live_server: Any) -> list[tuple[AnswerVia, ResponseStatus, int]]:
    with live_server.session() as session:
        rows = session.scalars(select(SurveyResponse).order_by(SurveyResponse.id)).all()
        counts = [len(session.scalars(select(SurveyAnswer.id).where(SurveyAnswer.response_id == row.id)).all()) for row in rows]
        return [(row.via, row.status, n) for row, n in zip(rows, counts, strict=True)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_link_is_answered_on_a_small_telephone_by_everybody(
    new_page: Callable[..., Any], live_server: Any, paths: tuple[str, str], assert_accessible: Callable[[Any], None], scheme: str
) -> None:
    page = new_page(**PHONE, color_scheme=scheme)

    def check() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
        assert_accessible(page)

    page.goto(paths[0])
    check()
    next_page(page)
    assert page.locator("[role=alert] a").count() == 4
    check()
    choose(page, P1="4", P2__agua="5", P2__aseo="NA", P3="10")
    next_page(page)
    assert not page.locator("[name=P8]").is_visible()
    choose(page, P4="0")
    page.fill("[name=P8]", "Nadie contestó el teléfono")
    check()
    choose(page, P4="1")
    assert not page.locator("[name=P8]").is_visible()
    next_page(page)
    check()
    next_page(page)
    check()
    page.goto(f"{paths[0]}/no-mas")
    check()

    assert stored(live_server) == [(AnswerVia.LINK, ResponseStatus.COMPLETE, 5)]


def test_without_script_it_is_the_same_survey(new_page: Callable[..., Any], live_server: Any, paths: tuple[str, str]) -> None:
    page = new_page(java_script_enabled=False, **PHONE)
    page.goto(paths[0])
    choose(page, P1="4", P2__agua="5", P2__aseo="5", P3="0")
    next_page(page)
    assert not page.locator("[name=P8]").is_visible()
    choose(page, P4="0")
    next_page(page)
    page.fill("[name=P8]", "Nadie contestó el teléfono")
    next_page(page)
    page.check("#is_named")
    next_page(page)

    assert stored(live_server) == [(AnswerVia.LINK, ResponseStatus.COMPLETE, 6)]
    page.goto(paths[0])
    press(page, "main a[href*='s=1']")
    assert page.locator("[name=P3][value='0']").is_checked()


def test_by_keys_alone_a_page_is_answered(page: Any, live_server: Any, paths: tuple[str, str]) -> None:
    page.goto(paths[0])
    page.locator("[name=P1]").first.focus()
    for keys in (["ArrowRight"] * 3, ["Tab", "Space"], ["Tab", "Space"], ["Tab", "Space"]):
        for key in keys:
            page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.locator("[name=section]").get_attribute("value") == "2"
    assert stored(live_server) == [(AnswerVia.LINK, ResponseStatus.PARTIAL, 4)]


def test_at_the_kiosk_one_person_leaves_no_trace_for_the_next(
    new_page: Callable[..., Any], live_server: Any, paths: tuple[str, str], assert_accessible: Callable[[Any], None]
) -> None:
    page = new_page(viewport={"width": 820, "height": 1180}, has_touch=True)
    page.clock.install()
    page.goto(paths[1])
    assert_accessible(page)
    choose(page, P1="2", P2__agua="1", P2__aseo="1", P3="1")
    next_page(page)
    page.clock.run_for(50_000)
    assert page.locator("[data-idle-note]").is_visible()
    page.mouse.wheel(0, 5)
    choose(page, P4="1")
    assert not page.locator("[data-idle-note]").is_visible()
    with page.expect_navigation():
        page.clock.run_for(62_000)
    assert page.url.endswith(paths[1])
    assert page.locator("form.survey input[type=radio]:checked").count() == 0

    choose(page, P1="5", P2__agua="5", P2__aseo="5", P3="9")
    next_page(page)
    choose(page, P4="1")
    next_page(page)
    assert page.locator("[data-restart]").count() == 1
    assert_accessible(page)
    page.go_back()
    assert page.locator("form.survey input[type=radio]:checked").count() == 0
    page.goto(f"{paths[1]}?done=1")
    with page.expect_navigation():
        page.clock.run_for(11_000)
    assert page.url.endswith(paths[1])
    assert stored(live_server) == [(AnswerVia.KIOSK, ResponseStatus.PARTIAL, 4), (AnswerVia.KIOSK, ResponseStatus.COMPLETE, 5)]
