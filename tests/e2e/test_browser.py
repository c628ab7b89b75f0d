"""The browser and the server of these tests work at all."""

from __future__ import annotations


def test_the_sign_in_page_opens_in_the_browser(live_server, page):
    answer = page.goto("/login/")

    assert answer.status == 200
    assert page.locator("html").get_attribute("lang") == "es"
    assert page.locator("input[name=password]").count() == 1
