"""What holds for every page there is, ours and Flask-AppBuilder's: headers, plain markup, no writing by reading, tokens on forms."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.databases import statements_of
from tests.stage import Stage
from tests.test_permissions import ROWS, Row

GETS = list({(row.endpoint, str(row.url), row.case): row for row in ROWS if row.method == "GET" and row.may}.values())
POSTS = list({(row.endpoint, str(row.url)): row for row in ROWS if row.method == "POST" and row.may}.values())
#: SQL statements that a page may cost, 12 where nothing is said. The correction of a case offers four catalogues besides the case; who
#: drafts or approves reads the points of the case and the texts of the house besides. The report of a campaign tabulates it by each group.
MOST = {"report": 60, "workbook": 45, "list": 8, "edit": 14, "draft": 15, "move": 14, "preview": 15, "index": 8, "search": 8}
EXPORTS = list({row.endpoint: row for row in GETS if row.endpoint.endswith(".export")}.values())
FILES = {"static", "appbuilder.static"}
#: A mail, drawn inside the frame of its preview: it carries its own style, as mail has to, and may do nothing else.
MAILS = {"MessageTemplateView.mail"}
#: Reading that writes, and why it may.
WRITES = {
    "portal.receipt": "the receipt is issued when it is first printed, and is the same ever after",
    "CaseView.receipt": "the same receipt, printed at the desk",
    "ReportView.excel": "each file of a report is written down: who took which rows",
    "ReportView.csv": "the same",
    "ReportView.pdf": "the same",
    "WorkView.result": "who takes the result of somebody else's work is written down",
}


def reader_of(row: Row) -> str:
    """Return somebody whom the page opens for; the administrator when possible."""
    return "X" if "X" in row.may else row.may[0]


def visit(stage: Stage, row: Row, **options):
    return stage.request(reader_of(row), row.method, stage.address(row.endpoint, row.case, **row.url), **options)


class Markup(HTMLParser):
    """Collects what the content policy would drop, what leaves the origin, and the language."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lang: str | None = None
        self.n_h1 = 0
        self.inline: list[str] = []
        self.outside: list[str] = []
        self.tokens: list[str] = []
        self.posts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "html":
            self.lang = values.get("lang")
        self.n_h1 += tag == "h1"
        self.inline += [f"<{tag} {name}>" for name in values if name == "style" or name.startswith("on")]
        if tag in {"script", "style"} and "src" not in values and not values.get("nonce"):
            self.inline.append(f"<{tag}> without nonce")
        address = values.get("href" if tag == "link" else "src") or ""
        if re.match(r"(https?:)?//", address) and tag != "a":
            self.outside.append(address)
        if (values.get("href") or "").startswith("javascript:"):
            self.inline.append("javascript:")
        if tag == "form" and (values.get("method") or "").lower() == "post":
            self.posts.append(values.get("action") or "")
        if tag == "input" and values.get("name") == "csrf_token":
            self.tokens.append(values.get("value") or "")


@pytest.mark.parametrize("row", GETS, ids=str)
def test_a_page_opens_guarded_plain_and_without_writing(stage, row):
    with statements_of(stage.connection) as statements:
        response = visit(stage, row)
    written = [
        statement for statement in statements if re.match(r"\s*(INSERT|UPDATE|DELETE|WITH\b.*\b(INSERT|UPDATE|DELETE))", statement, re.I)
    ]

    assert response.status_code in {200, 302, 304}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    if row.endpoint in FILES:
        return
    if row.endpoint not in WRITES:
        assert written == []
        assert len(statements) <= MOST.get(row.endpoint.rpartition(".")[2], 12), "\n".join(statements)
    policy = response.headers["Content-Security-Policy"]
    if row.endpoint in MAILS:
        assert policy == "default-src 'none'; style-src-attr 'unsafe-inline'; sandbox; frame-ancestors 'self'"
        return
    is_page = response.mimetype == "text/html"
    assert policy.startswith("default-src 'self'" if is_page else ("default-src 'self'", "default-src 'none'"))
    assert not is_page or "unsafe" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Request-Id"]
    if is_page and response.status_code == 200:
        page = Markup(response.get_data(as_text=True))
        assert page.lang == "es"
        assert page.n_h1 == 1
        assert page.inline == []
        assert page.outside == []
        assert len(page.tokens) >= len(page.posts), "a form that posts carries its token"


@pytest.mark.one_engine
@pytest.mark.parametrize("row", POSTS, ids=str)
def test_a_form_without_its_token_is_refused(stage, row):
    """Somebody else's page can make a browser post here with its cookie; it cannot know the token. Ours refuse with 400 or 410."""
    with statements_of(stage.connection) as statements:
        response = visit(stage, row, with_token=False)

    assert response.status_code in {400, 410}
    assert [statement for statement in statements if re.match(r"\s*(INSERT|UPDATE|DELETE)", statement, re.I)] == []


@pytest.mark.one_engine
def test_the_token_of_another_session_is_refused(stage):
    row = next(row for row in POSTS if row.endpoint == "PartyView.add")
    response = visit(stage, row, with_token=False, headers={"X-CSRFToken": stage.token()[:-3] + "abc"})

    assert response.status_code == 400


@pytest.mark.one_engine
def test_no_door_besides_those_named_is_without_a_token(stage):
    from app.extensions import csrf

    open_doors = {
        (rule.endpoint, method)
        for rule in stage.app.url_map.iter_rules()
        for method in rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
        if rule.endpoint.partition(".")[0] in {blueprint.name for blueprint in csrf._exempt_blueprints}
    }

    assert csrf._exempt_views == set()
    assert {endpoint.partition(".")[0] for endpoint, _ in open_doors} == {"portal"}  # its forms check their own token: see above


@pytest.mark.parametrize("row", EXPORTS, ids=str)
def test_every_list_leaves_as_a_workbook_with_all_its_columns(stage, row):
    address = stage.address(row.endpoint, row.case, **{**row.url, "kind": "xlsx"})
    answer = stage.request(reader_of(row), "GET", f"{address}?all=1")

    assert answer.status_code == 200
    assert answer.data.startswith(b"PK")
