"""
No page asks anything of anybody but us: not Flask-AppBuilder's security pages, not a chart, not the citizen's pages.

Chromium visits every page of the permission matrix. Whatever it asks of our origin, the product answers (in the test's own process, and
undone afterwards); whatever it asks of another is refused and noted, as is every breach of the content policy.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.test_permissions import ROWS

ORIGIN = "http://localhost"
GETS = list({(row.endpoint, str(row.url)): row for row in ROWS if row.method == "GET" and row.may}.values())
TELL = """document.addEventListener('securitypolicyviolation', event => {
    console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)
})"""


class Watch:
    """Stands between the browser and the world. `complaints` is what should not have happened."""

    def __init__(self, stage: Any, browser: Any) -> None:
        self._stage, self._letter = stage, "X"
        self._kept: dict[str, dict[str, Any]] = {}  # static files, which every page asks for
        self.complaints: list[str] = []
        context = browser.new_context(base_url=ORIGIN, locale="es-CO", service_workers="block")
        context.add_init_script(TELL)
        context.route("**/*", self._answer)
        self.page = context.new_page()
        self.page.on("console", lambda message: self._complain(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self._complain(str(error)))

    def _complain(self, text: str) -> None:
        self.complaints.append(f"{self.page.url}: {text}")

    def _answer(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        if f"{url.scheme}://{url.netloc}" != ORIGIN:
            self._complain(f"asked for {route.request.url}")
            route.abort()
            return
        address = url.path + (f"?{url.query}" if url.query else "")
        answer = self._kept.get(address) or self._ask(address)
        if url.path.startswith("/static/"):
            self._kept[address] = answer
        else:
            self._kept.pop(address, None)
        route.fulfill(**answer)

    def _ask(self, address: str) -> dict[str, Any]:
        response = self._stage.request(self._letter, "GET", address)
        return {"status": response.status_code, "headers": dict(response.headers), "body": response.get_data()}

    def visit(self, letter: str, address: str) -> bool:
        """Open a page; return whether there is one (a download and a way on to another page are none)."""
        self._letter = letter
        self._kept[address] = answer = self._ask(address)
        if answer["status"] != 200 or not answer["headers"]["Content-Type"].startswith("text/html"):
            return False
        self.page.goto(address, wait_until="load")
        return True


@pytest.fixture
def watch(stage, browser):
    watch = Watch(stage, browser)
    yield watch
    watch.page.context.close()


def test_no_page_leaves_our_origin_or_breaks_the_policy(stage, watch):
    visited = set()
    for row in GETS:
        letter = "X" if "X" in row.may else row.may[0]
        if watch.visit(letter, stage.address(row.endpoint, row.case, **row.url)):
            visited.add(row.endpoint)

    assert watch.complaints == []
    assert len(visited) > 80
    assert {"UserView.list", "UserView.show", "RoleView.add", "GroupView.list", "CaseChartView.list", "portal.look_up"} <= visited
    assert watch.visit("O", "/login/")
    assert watch.complaints == []


def test_every_chart_stays_at_home(stage, watch):
    for view in (view for view in stage.app.appbuilder.baseviews if hasattr(view, "charts")):
        for chart in view.charts:
            watch.visit("X", f"{view.route_base}/?chart={chart.name}")

    assert watch.complaints == []


def test_the_watch_sees_what_it_is_for(stage, watch):
    """A page that asked for the loader of Flask-AppBuilder's charts, or wrote a style, would be caught."""
    watch.visit("X", "/")
    watch.page.evaluate("""() => {
        for (const [tag, name, value] of [['img', 'src', 'https://www.gstatic.com/charts/loader.js'], ['p', 'style', 'color: red']]) {
            const node = document.createElement(tag)
            node.setAttribute(name, value)
            document.body.append(node)
        }
    }""")
    watch.page.wait_for_timeout(200)

    assert len([text for text in watch.complaints if "policy: img-src" in text]) == 1
    assert len([text for text in watch.complaints if "policy: style-src" in text]) == 1


def test_the_scripts_of_flask_appbuilder_are_not_even_served(stage):
    """Its loader of charts among them; its chart views are registered nowhere."""
    from flask_appbuilder.charts.views import BaseChartView

    assert not [view for view in stage.app.appbuilder.baseviews if isinstance(view, BaseChartView)]
    for name in ("js/google_charts.js", "js/jquery-latest.js", "css/ab.css"):
        assert stage.request("X", "GET", f"/static/appbuilder/{name}").status_code == 404
