"""The arrows and budgets of the house, checked by reading its source: a fact and not a wish."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = ROOT / "app"

#: A room imports only from rooms of a lower rank, or from its own package. Imports for type checking count too.
RANK = {
    "domain": 0,
    "extensions": 10,
    "tables": 18,  # the rooms of the schema; `models` is their index
    "models": 20,
    "audit": 30,
    "ratelimit": 30,
    "logs": 30,
    "words": 20,  # values and refusals in the reader's language and notation
    "pressed": 25,  # fewer bytes over the wire
    "web": 30,  # what every request gets, and `say()`: below the pages that say errors
    "pour": 25,  # many new rows at once
    "search": 35,  # keeps its documents as the audit keeps its log; queries ask it
    "queries": 40,
    "days": 45,  # the SELECTs of the menu and of Mi día
    "dossier": 45,  # the SELECT of the page of a party
    "operations": 50,
    "documents": 60,
    "reports": 60,
    "security": 61,  # says who the reader of a report is
    "mailer": 60,
    "mailbox": 60,
    "hooks": 60,  # calls other programs, as the mailer does
    "downloads": 60,
    "catalogues": 30,
    "reader": 62,  # what a page knows about its reader; the menu
    "lookups": 64,
    "forms": 65,
    "fields": 66,
    "importing": 67,  # the files of others become rows; asks the forms what a document or a telephone is
    "listing": 68,
    "listviews": 69,  # the list of a screen, which the base view inherits
    "preferences": 75,
    "caselist": 72,  # the list of cases; `desk` adds the pages of one
    "jobs": 70,
    "baseviews": 70,
    "portal": 80,
    "portal_appeals": 81,  # a page of the portal
    "noticeboard": 80,  # a page of the citizen
    "verify": 80,  # whether a document is ours, for anybody
    "api": 80,
    "drawing": 30,  # pictures of numbers, whatever they count
    "tally": 45,
    "charts": 72,
    "demo": 74,  # the fictional company lives through operations and documents
    "fieldwork": 75,
    "finder": 75,
    "almanac": 75,  # pages of the staff beside the declared screens, which put them in the menu
    "imports": 76,  # the pages of what comes in, each with its long work
    "work": 75,  # the tray, and what runs by the clock
    "asking": 72,  # asking for an action, from the page of what asks for it
    "steps": 72,  # what is done to one numbered row
    "quotations": 76,  # asks the fields of money
    "contracts": 76,  # asks the fields of money
    "surveys": 80,  # hang on the declared screens and on the pages of verification
    "actions": 80,  # hang on the declared screens
    "qms": 80,
    "reporting": 80,
    "sui": 80,
    "dashboards": 81,  # asks the pages of quality which links their reader may follow
    "answering": 81,  # pages of the portal: surveys, answered by citizens
    "checklists": 77,  # the annual verification of contracts, which hangs on their pages
    "money": 75,  # financing, invoice changes, deviations
    "billing": 75,  # batches for the billing system, and its answers
    "intake": 70,  # how the staff registers, shared by desk and counter
    "verbs": 73,  # the moves as pages, which `desk` shows; reads no clock
    "archive": 76,  # what is held, to take away
    "feeds": 75,  # calendars of people, read without a sign-in
    "signatures": 75,  # each keeps their own
    "approvals": 75,  # what waits for a signature, with its draft
    "drafting": 74,  # the pages of the draft, which the desk inherits
    "desk": 75,
    "counter": 78,  # a page of the desk for a queue
    "selling": 75,  # what Mi día counts of the commercial side
    "home": 76,  # Mi día names cases and lights as the desk does
    "massevents": 75,  # what is done with an event to all its cases
    "rating": 78,  # how citizens rate, on their own page and on the tablet of the counter
    "screens": 79,  # the declared screens; `views` puts them in the menu
    "views": 82,
    "cli": 80,
    "serve": 90,
    "": 100,  # app/__init__.py
}
READS_THE_CLOCK = {
    "archive", "asking",
    "feeds",
    "views", "charts", "reader", "home", "baseviews", "listviews", "caselist", "fieldwork", "finder", "almanac", "drafting", "signatures",
    "approvals", "desk", "counter", "screens", "portal", "portal_appeals", "noticeboard",
    "api", "jobs", "cli", "serve", "money", "checklists", "contracts", "quotations", "billing", "massevents", "rating", "imports", "work",
    "surveys", "answering", "actions", "qms", "reporting", "sui", "dashboards",
}  # fmt: skip
MAY_READ_THE_CLOCK = {
    "extensions.py": "defines now() and today()",
    "audit.py": "stamps rows and change log at the instant of the flush, whoever causes it",
    "ratelimit.py": "a window of the limiter is real time, no fact of the business",
    "web.py": "measures how long a request took",
    "logs.py": "stamps log lines",
}
CLOCKS = {"now", "today", "utcnow", "localtime", "time", "gmtime"}

MAX_LINES = {"models.py": 1200, "views.py": 290, "queries.py": 800}
MAX_LINES |= {f"screens/{path.name}": 600 for path in (APP / "screens").glob("*.py")}
MAX_FUNCTION = 60
#: path:function → why it may be longer.
LONG_FUNCTIONS = {
    "config.py:load": "a table of settings, one a line",
}

SOURCES = sorted(APP.rglob("*.py"))


def short(path: Path) -> str:
    return str(path.relative_to(APP))


def room_of(path: Path) -> str:
    parts = path.relative_to(APP).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything *path* imports, relative imports resolved."""
    package = ["app", *path.relative_to(APP).parent.parts]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
            yield from ((node.lineno, f"{base}.{alias.name}" if base in {"app", ""} else base) for alias in node.names)


def target_room(name: str) -> str | None:
    """Return the room of the product that *name* lives in; None when it is somebody else's."""
    parts = name.split(".")
    if parts[0] != "app":
        return None
    if len(parts) == 1:
        return ""
    return parts[1] if parts[1] in RANK else ""


def test_every_room_has_a_rank():
    """A new file at the top of app/ says where it stands before anybody imports it."""
    assert {room_of(path) for path in SOURCES} <= set(RANK)


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_a_room_imports_only_from_rooms_to_its_left(path):
    here = room_of(path)
    wrong = [
        f"{short(path)}:{line} imports {name}"
        for line, name in imports(path)
        if (room := target_room(name)) is not None and room != here and RANK[room] >= RANK[here]
    ]

    assert not wrong


@pytest.mark.parametrize("path", sorted((APP / "domain").rglob("*.py")), ids=short)
def test_the_domain_imports_only_the_standard_library_and_itself(path):
    wrong = [
        f"{short(path)}:{line} imports {name}"
        for line, name in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("app.domain")
    ]

    assert not wrong


@pytest.mark.parametrize("path", [path for path in SOURCES if room_of(path) not in READS_THE_CLOCK], ids=short)
def test_nobody_below_the_screens_reads_the_clock(path):
    if short(path) in MAY_READ_THE_CLOCK:
        return
    wrong = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            owner = called.value.id if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) else ""
            is_clock = name in {"now", "today"} if not owner else name in CLOCKS and owner in {"datetime", "date", "time", "extensions"}
            if is_clock:
                wrong.append(f"{short(path)}:{node.lineno} calls {owner}.{name}()".replace(" .", " "))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").endswith("extensions"):
            wrong += [f"{short(path)}:{node.lineno} imports {alias.name}" for alias in node.names if alias.name in {"now", "today"}]

    assert not wrong


@pytest.mark.parametrize(("name", "limit"), MAX_LINES.items())
def test_the_files_that_only_declare_stay_a_pleasure_to_read(name, limit):
    path = APP / name
    n_lines = len(path.read_text().splitlines()) if path.exists() else 0  # a package, once an ADR says so

    assert n_lines <= limit


@pytest.mark.parametrize("path", [*SOURCES, ROOT / "config.py"], ids=lambda path: path.name if path.parent == ROOT else short(path))
def test_functions_are_short(path):
    where = path.relative_to(ROOT)
    too_long = {
        f"{where}:{node.name}": node.end_lineno - node.lineno + 1 - docstring_lines(node)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 - docstring_lines(node) > MAX_FUNCTION
        and f"{where}:{node.name}" not in LONG_FUNCTIONS
    }

    assert not too_long


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return first.end_lineno - first.lineno + 1 if is_docstring else 0


def test_only_the_base_views_subclass_the_screens_of_flask_appbuilder():
    """Scope, filters and exports live in one place; a screen that skips it skips them."""
    bare = {"ModelView", "MultipleView", "MasterDetailView", "CompactCRUDMixin", "ModelRestApi", "RestCRUDView"}
    wrong = [
        f"{short(path)}:{node.lineno} {node.name}({ast.unparse(base)})"
        for path in SOURCES
        if room_of(path) != "baseviews"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if ast.unparse(base).split(".")[-1] in bare
    ]

    assert not wrong


# ── Templates and static files ────────────────────────────────────────────────────────────────────────────────────────────

TEMPLATES = sorted((APP / "templates").rglob("*.html"))
#: Templates whose `|safe` or `Markup` was read by somebody: what it prints comes from us, escaped already.
SAFE: dict[str, str] = {
}
#: Files that others made and that are kept as they came.
VENDORED = ("static/vendor/", "static/appbuilder/")


def template_name(path: Path) -> str:
    return str(path.relative_to(APP / "templates"))


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}|<!--.*?-->", "", text, flags=re.S)


@pytest.mark.parametrize("path", TEMPLATES, ids=template_name)
def test_templates_carry_no_inline_style_or_handler(path):
    """The content policy would drop them silently."""
    text = without_comments(path.read_text())

    assert not re.findall(r"<[a-zA-Z][^>{}]*?\s(style|on[a-z]+)\s*=", text)
    assert not re.findall(r"<(?:script|style)(?![^>]*\b(?:nonce|src)=)[^>]*>", text)
    assert not re.findall(r"javascript:", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=template_name)
def test_templates_print_nothing_unescaped(path):
    text = without_comments(path.read_text())
    if template_name(path) in SAFE:
        return

    assert not re.findall(r"\|\s*safe\b|autoescape\s+false|\bMarkup\(", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=template_name)
def test_every_page_says_its_language(path):
    """A whole page has `lang`; the rest extends one, or is a part (macros, includes) that some page names."""
    text = without_comments(path.read_text())
    is_page = "<html" in text
    if is_page:
        assert re.search(r"<html[^>]*\blang=", text)
        return
    is_part = path.name.startswith("_") or "{% macro" in text or any(names(other, path) for other in TEMPLATES if other != path)

    assert "{% extends" in text or is_part or overrides_flask_appbuilder(path)


def names(other: Path, path: Path) -> bool:
    return f"{template_name(path)}" in other.read_text()


def overrides_flask_appbuilder(path: Path) -> bool:
    import flask_appbuilder

    return (Path(flask_appbuilder.__file__).parent / "templates" / template_name(path)).exists()


@pytest.mark.parametrize(
    "path",
    [
        *TEMPLATES,
        *sorted(
            path
            for kind in ("js", "css", "svg", "webmanifest")
            for path in (APP / "static").rglob(f"*.{kind}")
            if not short(path).startswith(VENDORED)
        ),
    ],
    ids=short,
)
def test_no_page_fetches_from_elsewhere(path):
    """Links that people may follow are fine in <a>; everything that a browser loads by itself comes from us."""
    text = without_comments(path.read_text())
    text = re.sub(r"<a\b[^>]*>", "", text)
    text = re.sub(r"xmlns(:\w+)?=[\"'][^\"']*[\"']|https?://www\.w3\.org/\S*", "", text)

    assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}[^\s\"')]*", text)


def test_python_strings_build_no_pages_by_hand():
    """HTML in Python is `Markup.format` or a template; an f-string inside Markup() is an open door."""
    wrong = [
        f"{short(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Markup" and any(_is_built(a) for a in node.args)
    ]

    assert not wrong


def _is_built(argument: ast.expr) -> bool:
    return isinstance(argument, ast.JoinedStr | ast.BinOp)
