"""
A real server on a real port with a database of its own, and the system's Chromium.

A page that leaves the origin, breaks the content policy or throws in a script fails its test at the end.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.databases import lacking
from tests.factories import PASSWORD

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
             "--no-first-run"]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.e2e)


class Quiet(WSGIRequestHandler):
    """The product writes its own log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@dataclass
class LiveServer:
    """The product at `url`; `session()` opens its database; `at(…)` moves its clock."""

    app: Flask
    url: str

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of its own in an application context; commit to let the server see."""
        from app.extensions import db

        with self.app.app_context():
            yield db.session()

    def at(self, instant: str) -> None:
        self.app.config["ATIENDE_NOW"] = instant


@pytest.fixture
def live_server(make_fresh_app: Callable[..., Flask]) -> Iterator[LiveServer]:
    """The product with CSRF on, served by threads on a free port, on its own seeded SQLite file."""
    app = make_fresh_app(WTF_CSRF_ENABLED=True, PROPAGATE_EXCEPTIONS=None, TESTING=False, HUEY_URL="none")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    app.config["PUBLIC_URL"] = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield LiveServer(app, app.config["PUBLIC_URL"])
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The Chromium of the system, headless; one for all tests of a worker."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        lacking("Chromium (install the package chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Any, live_server: LiveServer) -> Iterator[Callable[..., Any]]:
    """new_page(**options of the context) → a page of a new person: no cookies, in Colombian Spanish."""
    complaints: list[str] = []
    contexts = []

    def build(**options: Any) -> Any:
        context = browser.new_context(**{"base_url": live_server.url, "locale": "es-CO", "timezone_id": "America/Bogota", **options})
        context.set_default_timeout(30_000)
        contexts.append(context)
        context.on("request", lambda request: outside(request.url))
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}") if is_complaint(message) else None)
        return page

    def outside(url: str) -> None:
        if not url.startswith((live_server.url, "data:", "blob:", "about:", "chrome-extension:", "chrome://")):
            complaints.append(f"left the origin: {url}")

    def is_complaint(message: Any) -> bool:
        return message.type == "error" and not message.text.startswith("Failed to load resource")  # a 404 may be the very test

    yield build
    for context in contexts:
        context.close()
    assert not complaints


def sign_in(page: Any, username: str) -> Any:
    """Sign in at the door as somebody whom the factory made; return *page*, wherever the door led."""
    page.goto("/login/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def press(page: Any, control: Any) -> None:
    """Click *control* (a selector or a locator) and wait for the page that it leads to, even at the same address."""
    with page.expect_navigation():
        (page.locator(control) if isinstance(control, str) else control).click()


def becomes(page: Any, expression: str, wanted: Any = True, arg: Any = None) -> None:
    """
    Assert that *expression* is *wanted*, now or within seconds.

    A browser gives the focus, and tells that a dialog closed, in a turn of its own: on a busy machine a test looks before.
    """
    until = time.monotonic() + 30
    while (found := page.evaluate(expression, arg)) != wanted:
        assert time.monotonic() < until, f"{expression} is {found!r} and not {wanted!r}"
        time.sleep(0.02)


#: A request that only asks whether the line is cut.
PROBE = "/robots.txt?line=1"
_ASK = """async (url) => {
  for (let n = 0; n < 500; n += 1) { try { await fetch(url, {cache: "no-store"}); } catch { return true; } }
  return false;
}"""


def divert(page: Any, pattern: str, handler: Callable[[Any], None], probe: str, where: Any = None) -> None:
    """
    Let *handler* answer the requests that match *pattern*, and come back when the page feels it: a page that asked just before still
    goes the old way. *probe* is an address of the pattern; *where* the context, for what a worker of the page asks too.
    """
    (where or page).route(pattern, lambda route: route.abort() if "line=1" in route.request.url else handler(route))
    assert page.evaluate(_ASK, f"{probe}?line=1"), "the line was not cut"


def go_offline(page: Any) -> None:
    """Take the network away, and come back when the page feels it."""
    page.context.set_offline(True)
    assert page.evaluate(_ASK, PROBE), "the line was not cut"


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """A page of a new person."""
    return new_page()


@pytest.fixture(scope="session")
def violations() -> Callable[..., list[Any]]:
    """violations(page, rules=None) → what axe finds against WCAG 2.2 A and AA; with *rules*, only against those."""
    from axe_playwright_python.sync_playwright import Axe

    standards = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

    def look(page: Any, rules: list[str] | None = None) -> list[Any]:
        wanted = {"type": "rule", "values": rules} if rules else standards
        found = Axe().run(page, options={"runOnly": wanted, "resultTypes": ["violations"]}).response["violations"]
        return [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found]

    return look


@pytest.fixture
def assert_accessible(violations: Callable[..., list[Any]]) -> Callable[[Any], None]:
    """assert_accessible(page) → fails with what axe finds."""

    def check(page: Any) -> None:
        assert violations(page) == []

    return check
