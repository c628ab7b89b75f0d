"""
Pages a second and milliseconds a page, beside plain Flask-AppBuilder and Flask-Admin, on PostgreSQL, in alternating rounds of one run.

Run from the root of the project: `BENCH_DB=postgresql://user@host/postgres python -m bench.pages`. The URL names a server on which
databases may be made (`atiende_bench_<product>_<size>`, kept for the next run; `--fresh` makes them anew). The peers are installed from
PyPI into environments under `.cache/bench`. All servers run at once, each gunicorn with two sync workers, but one at a time is asked.

Every page is checked against the database before its time counts. One client tells the latency; eight (`wrk`, or threads where it is not
installed) tell the throughput. All clients accept compressed pages, as browsers do; who compresses pays for it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from sqlalchemy import make_url

from bench.fill import PASSWORD, WORDS, driven, fill

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("ATIENDE_BENCH_DIR", ".cache/bench")).resolve()
PAGE, N_CLIENTS, DEEP = 25, 8, 1000
WORD = WORDS[0]
OPERATIONS = {
    "list": "List, newest 25", "deep": "Page 1,000", "search": "Filter + search", "case": "The case", "open": "Open the form",
    "store": "Store a case",
}  # fmt: skip
HEADERS = {"Accept": "text/html", "Accept-Encoding": "gzip", "User-Agent": "bench"}


class WrongPage(Exception):
    """A page does not show what the database says."""


# ── A client ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Client:
    """Sends requests one after the other, each on a connection of its own: sync workers keep none open."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, dict[str, str]()

    def send(self, method: str, path: str, form: dict[str, Any] | None = None, *, plain: bool = False) -> tuple[int, bytes, str]:
        """Return status, body and `Location`; *plain* refuses compression, for whoever has to read the page."""
        headers = dict(HEADERS, Cookie=self.cookie())
        if plain:
            headers.pop("Accept-Encoding")
        body = None
        if form is not None:
            body, headers["Content-Type"] = urlencode(form, doseq=True), "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _equals, rest = line.partition("=")
            self.cookies[name.strip()] = rest.split(";")[0]
        return answer.status, content, answer.headers.get("Location", "")

    def get(self, path: str) -> bytes:
        """Return the page as it is sent. Raises WrongPage unless it is there."""
        status, content, _location = self.send("GET", path)
        if status != 200:
            raise WrongPage(f"{path}: {status}")
        return content

    def read(self, path: str) -> str:
        status, content, _location = self.send("GET", path, plain=True)
        if status != 200:
            raise WrongPage(f"{path}: {status}")
        return unescape(content.decode())

    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def hidden(page: str, name: str) -> str:
    """Return the value of an input of *page*."""
    for tag in re.findall(r"<input[^>]*>", page):
        if re.search(rf'\bname="{name}"', tag) and (value := re.search(r'\bvalue="([^"]*)"', tag)):
            return value[1]
    raise WrongPage(f"no input {name}")


# ── The products ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Product:
    """One server on one database. Subclasses know its addresses, and what the database says that they must show."""

    label, source, numbers = "", "", r"PQR-\d{8}|\bB\d{16}"
    #: SQL over one row a ticket: number, id, its place in the list, type, words.
    rows = "SELECT number, id, created_at AS place, ticket_type_id AS kind, title AS words, requester_name AS person FROM ticket"
    place = "place DESC"

    def __init__(self, n: int, url: str, port: int) -> None:
        self.n, self.url, self.port = n, url, port
        self.client = Client(port)
        self.database = psycopg.connect(url, autocommit=True)
        self.n_filed = 0

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Bring the database to where the product needs it."""
        raise NotImplementedError

    def log_in(self) -> None:
        raise NotImplementedError

    def address(self, operation: str) -> str:
        raise NotImplementedError

    def store(self, form_page: str) -> None:
        """Send the form that was opened, filled; raise WrongPage unless a case was made."""
        raise NotImplementedError

    # ── what the database says ────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, query: str, *values: Any) -> list[Any]:
        return self.database.execute(query, values).fetchall()  # type: ignore[arg-type]

    def count(self) -> int:
        return int(self.ask(f"SELECT count(*) FROM ({self.rows}) t")[0][0])

    def skipped(self) -> int:
        """Return how many rows come before page 1,000, or before the last full page when there are fewer."""
        return min(DEEP - 1, self.count() // PAGE - 1) * PAGE

    def page_from(self, offset: int) -> list[str]:
        return [row[0] for row in self.ask(f"SELECT number FROM ({self.rows}) t ORDER BY {self.place} LIMIT {PAGE} OFFSET {offset}")]

    def middle(self) -> tuple[str, int, str]:
        return self.ask(f"SELECT number, id, words FROM ({self.rows}) t WHERE id = %s", self.n // 2)[0]

    @cached_property
    def kind(self) -> int:
        return int(self.ask(f"SELECT kind FROM ({self.rows}) t GROUP BY kind ORDER BY kind OFFSET 2 LIMIT 1")[0][0])

    # ── proof ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def shown(self, operation: str) -> set[str]:
        return set(re.findall(self.numbers, self.client.read(self.address(operation))))

    def prove(self) -> None:
        """Look at every page once. Raises WrongPage."""
        for operation, offset in (("list", 0), ("deep", self.skipped())):
            if missing := set(self.page_from(offset)) - self.shown(operation):
                raise WrongPage(f"{self}: {operation} lacks {sorted(missing)[:5]}")
        found = self.shown("search")
        right = self.ask(f"SELECT number FROM ({self.rows}) t WHERE number = ANY(%s) AND kind = %s AND words ILIKE %s",
                         list(found), self.kind, f"%{WORD}%")  # fmt: skip
        titled = "split_part(words, E'\\n', 1) ILIKE %s"
        possible = self.ask(f"SELECT count(*) FROM ({self.rows}) t WHERE kind = %s AND {titled}", self.kind, f"%{WORD}%")
        if len(right) != len(found) or len(found) < min(PAGE, possible[0][0]):
            raise WrongPage(f"{self}: the search shows {len(found)} rows, {len(right)} of them right")
        number, _id, words = self.middle()
        page = self.client.read(self.address("case"))
        if number not in page or words.split("\n")[0] not in page:
            raise WrongPage(f"{self}: the case {number}")

    def __str__(self) -> str:
        return f"{self.label} at {self.n:,}"


class Atiende(Product):
    label, source, numbers = "Atiende", "atiende", r"PQR-\d{4}-\d{6}"
    rows = (
        "SELECT p.number, p.id, p.filed_on AS place, p.request_type_id AS kind, p.subject || E'\\n' || p.body AS words, a.name AS person "
        "FROM pqr p JOIN party a ON a.id = p.party_id"
    )
    place = "place DESC, id DESC"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "gunicorn", "wsgi:app"]

    def environment(self) -> dict[str, str]:
        instance = FOLDER / "instance"
        instance.mkdir(exist_ok=True)
        return {
            "ATIENDE_DATABASE_URL": driven(self.url), "ATIENDE_SECRET_KEY": "bench", "ATIENDE_INSTANCE": str(instance),
            "ATIENDE_HUEY_URL": "none", "PYTHONPATH": str(HERE.parent),
        }  # fmt: skip

    def prepare(self) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "atiende", "prepare"]
        subprocess.run(command, cwd=HERE.parent, env={**os.environ, **self.environment()}, check=True, capture_output=True)

    def log_in(self) -> None:
        page = self.client.read("/login/")
        form = {"csrf_token": hidden(page, "csrf_token"), "username": "admin", "password": PASSWORD}
        status, _content, _location = self.client.send("POST", "/login/", form)
        if status != 302:
            raise WrongPage(f"{self}: nobody signed in, {status}")

    def address(self, operation: str) -> str:
        match operation:
            case "list":
                return "/pqr/"
            case "deep":
                last = self.ask(f"SELECT place, id FROM ({self.rows}) t ORDER BY {self.place} LIMIT 1 OFFSET {self.skipped() - 1}")[0]
                return f"/pqr/?after={last[0]:%Y-%m-%d}.{last[1]}"
            case "search":
                return f"/pqr/?q={quote(WORD)}&request_type={self.kind}"
            case "case":
                return f"/pqr/{self.middle()[0]}"
        return "/pqr/register"

    def store(self, form_page: str) -> None:
        self.n_filed += 1
        form = {
            "csrf_token": hidden(form_page, "csrf_token"), "submission": hidden(form_page, "submission"), "request_type": self.kind,
            "channel": re.findall(r'<option[^>]*value="(\d+)"', form_page.partition('name="channel"')[2])[0], "identity": "NAMED",
            "document_type": "CC", "document_number": "1000000007", "account_number": "C0000007",
            "subject": f"Fuga de agua, {self.n_filed}", "body": "Sale agua por la acera desde ayer. " * 8,
        }  # fmt: skip
        status, _content, location = self.client.send("POST", "/pqr/register", form)
        if status != 302 or "/pqr/PQR-" not in location:
            raise WrongPage(f"{self}: not stored, {status}")


class Peer(Product):
    url_of_form = ""

    def command(self) -> list[str]:
        return [str(interpreter(self.source)), "-m", "gunicorn", f"{self.source}:app", "--chdir", str(HERE / "peers")]

    def environment(self) -> dict[str, str]:
        return {"PEER_DB": driven(self.url), "PEER_PASSWORD": PASSWORD}

    def prepare(self) -> None:
        """Let the peer make its own tables and its user."""
        environment = {**os.environ, **self.environment(), "PEER_PREPARE": "1"}
        command = [str(interpreter(self.source)), "-c", f"import {self.source}"]
        subprocess.run(command, cwd=HERE / "peers", env=environment, check=True, capture_output=True)

    def store(self, form_page: str) -> None:
        self.n_filed += 1
        form = {
            "number": f"B{time.time_ns() // 1000:016}", "title": f"Fuga de agua, {self.n_filed}", "status": "received",
            "description": "Sale agua por la acera desde ayer. " * 8, "priority": "high", "channel": "counter",
            "requester_name": "Luz Rojas", "requester_email": "persona7@example.com", "created_at": time.strftime("%Y-%m-%d %H:%M:%S"),
            "updated_at": "2026-11-02 10:00:00", "due_at": "2026-11-20 10:00:00", "customer": "7", "ticket_type": "3", "agent": "5",
        }  # fmt: skip
        if 'name="csrf_token"' in form_page:
            form["csrf_token"] = hidden(form_page, "csrf_token")
        status, _content, _location = self.client.send("POST", self.url_of_form, form)
        if status != 302:
            raise WrongPage(f"{self}: not stored, {status}")


class FlaskAdmin(Peer):
    label, source, url_of_form = "Flask-Admin", "flaskadmin", "/admin/ticket/new/"

    def log_in(self) -> None:
        self.client.send("POST", "/login", {"username": "admin", "password": PASSWORD})

    def address(self, operation: str) -> str:
        return {
            "list": "/admin/ticket/", "deep": f"/admin/ticket/?page={self.skipped() // PAGE}",
            "search": f"/admin/ticket/?search={quote(WORD)}&flt0_0={self.kind}", "case": f"/admin/ticket/details/?id={self.n // 2}",
        }.get(operation, self.url_of_form)  # fmt: skip


class Fab(Peer):
    label, source, url_of_form = "Flask-AppBuilder", "fab", "/ticketview/add"

    def log_in(self) -> None:
        form = {"csrf_token": hidden(self.client.read("/login/"), "csrf_token"), "username": "admin", "password": PASSWORD}
        self.client.send("POST", "/login/", form)

    def address(self, operation: str) -> str:
        return {
            "list": "/ticketview/list/", "deep": f"/ticketview/list/?page_TicketView={self.skipped() // PAGE}&psize_TicketView={PAGE}",
            "search": f"/ticketview/list/?_flt_0_ticket_type={self.kind}&_flt_2_title={quote(WORD)}",
            "case": f"/ticketview/show/{self.n // 2}",
        }.get(operation, self.url_of_form)  # fmt: skip


class CarefulFab(Fab):
    label = "FAB with care"

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PEER_CARE": "1"}


PRODUCTS: tuple[type[Product], ...] = (Atiende, FlaskAdmin, CarefulFab, Fab)


# ── Servers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def interpreter(source: str) -> Path:
    """Return the Python of the environment of a peer, made and filled from PyPI when its requirements changed."""
    folder, requirements = FOLDER / f"peer-{source}", HERE / "peers" / f"{source}.txt"
    python, stamp = folder / "bin" / "python", folder / requirements.name
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        print(f"Installing {source}…", file=sys.stderr, flush=True)
        venv.create(folder, clear=True, with_pip=True)
        command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(requirements)]
        if (done := subprocess.run(command, capture_output=True, text=True)).returncode:
            raise SystemExit(done.stderr)
        stamp.write_text(requirements.read_text())
    return python


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(product: Product) -> Iterator[Product]:
    """Serve *product* with two sync workers; its log lies beside its database's name."""
    product.prepare()
    options = ["-w", "2", "-b", f"127.0.0.1:{product.port}", "--timeout", "300", "--log-level", "warning", "--no-control-socket"]
    log = (FOLDER / f"{type(product).__name__.lower()}_{product.n}.log").open("wb")
    environment = {**os.environ, **product.environment()}
    server = subprocess.Popen(product.command() + options, env=environment, stdout=log, stderr=log, cwd=HERE.parent)
    try:
        for _attempt in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", product.port)) == 0:
                    break
            if server.poll() is not None:
                raise SystemExit(f"{product} does not start: see {log.name}")
            time.sleep(0.1)
        product.log_in()
        product.pid = server.pid  # type: ignore[attr-defined]
        yield product
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        product.database.close()


def cpu_of(pid: int) -> int:
    """Return the ticks of CPU that the workers of gunicorn *pid* have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(sum(map(int, Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13])) for child in children)


def rest(product: Product) -> None:
    """Wait until the server has answered what a load generator that went away had still asked."""
    pid, before = product.pid, -1  # type: ignore[attr-defined]
    while (now := cpu_of(pid)) > before + 1:
        before = now
        time.sleep(0.2)


# ── Measuring ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def wrk(product: Product, path: str, seconds: float) -> tuple[float, int]:
    """Return the pages a second that eight clients get, and how many they got. Raises WrongPage when some were none."""
    command = ["wrk", "-t1", f"-c{N_CLIENTS}", f"-d{max(1, round(seconds))}s", "--timeout", "60s"]
    for name, value in {**HEADERS, "Cookie": product.client.cookie()}.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run([*command, f"http://127.0.0.1:{product.port}{path}"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in done:
        raise WrongPage(f"{product}: {path} under load\n{done}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1]), int(re.search(r"(\d+) requests in", done)[1])  # type: ignore[index]


def threads(product: Product, path: str, seconds: float) -> tuple[float, int]:
    """The same with threads of this process, which take their share of the machine."""
    counts, until = [0] * N_CLIENTS, time.perf_counter() + seconds

    def ask(i: int) -> None:
        client = Client(product.port)
        client.cookies = dict(product.client.cookies)
        while time.perf_counter() < until:
            client.get(path)
            counts[i] += 1

    workers = [threading.Thread(target=ask, args=(i,)) for i in range(N_CLIENTS)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - started), sum(counts)


TICK = 1000 / os.sysconf("SC_CLK_TCK")


def under_load(product: Product, path: str, seconds: float) -> tuple[float, float]:
    """Return pages a second, and the milliseconds of CPU that the server itself spent on each."""
    throughput = wrk if shutil.which("wrk") else threads
    pid = product.pid  # type: ignore[attr-defined]
    for patience in (1, 5):  # a page may take longer than the time it is asked for
        before = cpu_of(pid)
        rate, n_pages = throughput(product, path, seconds * patience)
        rest(product)
        if n_pages > N_CLIENTS:
            break
    return rate, (cpu_of(pid) - before) * TICK / (n_pages + N_CLIENTS)  # whoever was being served when the time was up got it too


def timed(task: Callable[[], Any], seconds: float, at_least: int = 3, at_most: int = 60) -> list[float]:
    """Return how many milliseconds each run took."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    while len(took) < at_least or (len(took) < at_most and time.perf_counter() < until):
        started = time.perf_counter()
        task()
        took.append((time.perf_counter() - started) * 1000)
    return took


def file_cases(product: Product, seconds: float) -> tuple[list[float], list[float]]:
    """Return the milliseconds to open the form, and to store what was written in it."""
    opened, stored = [], []
    before, until = product.count(), time.perf_counter() + seconds
    while len(opened) < 3 or (len(opened) < 30 and time.perf_counter() < until):
        started = time.perf_counter()
        status, page, _location = product.client.send("GET", product.address("open"), plain=True)
        opened.append((time.perf_counter() - started) * 1000)
        text = unescape(page.decode())
        started = time.perf_counter()
        product.store(text)
        stored.append((time.perf_counter() - started) * 1000)
    if status != 200 or product.count() != before + len(stored):
        raise WrongPage(f"{product}: {len(stored)} cases sent, {product.count() - before} stored")
    return opened, stored


class Results:
    """Milliseconds and pages a second, by product, size and operation, a list entry a round."""

    def __init__(self) -> None:
        self.times: dict[tuple[str, int, str], list[list[float]]] = {}
        self.rates: dict[tuple[str, int, str], list[float]] = {}
        self.cpu: dict[tuple[str, int, str], list[float]] = {}
        self.bytes: dict[tuple[str, int, str], int] = {}
        self.loads: list[float] = []

    def p(self, share: float, *key: Any) -> float:
        found = sorted(value for taken in self.times[key] for value in taken)  # type: ignore[index]
        return found[min(len(found) - 1, round(share * (len(found) - 1)))]

    def rate(self, *key: Any) -> float:
        return statistics.median(self.rates[key])  # type: ignore[index]


def measure(products: list[Product], n_rounds: int, seconds: float) -> Results:
    """Go round by round through operations and products, each round in another order."""
    results = Results()
    for number in range(n_rounds):
        for operation in ("list", "deep", "search", "case", "filing"):
            turn = products[number % len(products) :] + products[: number % len(products)]
            for product in turn:
                key = (product.label, product.n)
                if operation == "filing":
                    opened, stored = file_cases(product, seconds)
                    results.times.setdefault((*key, "open"), []).append(opened)
                    results.times.setdefault((*key, "store"), []).append(stored)
                    continue
                path = product.address(operation)
                results.bytes[*key, operation] = len(product.client.get(path))
                results.times.setdefault((*key, operation), []).append(timed(lambda p=product, a=path: p.client.get(a), seconds / 2))
                rate, cpu = under_load(product, path, seconds)
                results.rates.setdefault((*key, operation), []).append(rate)
                results.cpu.setdefault((*key, operation), []).append(cpu)
            results.loads.append(os.getloadavg()[0])
        print(f"round {number + 1} of {n_rounds}: load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return results


# ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def table(results: Results, sizes: list[int], labels: list[str]) -> Iterator[str]:
    """Yield the lines of the tables, in Markdown."""
    for n in sizes:
        yield f"\n{n:,} cases: pages/s with 8 clients · p50 / p95 ms with one · ms CPU of the server · KB; then Atiende ÷ peer\n"
        yield "| Page | " + " | ".join(labels) + " | " + " | ".join(f"÷ {label}" for label in labels[1:]) + " |"
        yield "|---" * (2 * len(labels)) + "|"
        for operation, title in OPERATIONS.items():
            cells, ratios = [], []
            for label in labels:
                key = (label, n, operation)
                spread = f"{results.p(0.5, *key):.3g} / {results.p(0.95, *key):.3g}"
                if key in results.rates:
                    cpu = statistics.median(results.cpu[key])
                    cells.append(f"{results.rate(*key):.3g}/s · {spread} · {cpu:.3g} · {results.bytes[key] / 1000:.0f}")
                    ours = results.rates[labels[0], n, operation]
                    ratios.append(statistics.median(a / b if b else float("inf") for a, b in zip(ours, results.rates[key], strict=True)))
                else:
                    cells.append(spread)
                    ratios.append(results.p(0.5, *key) / results.p(0.5, labels[0], n, operation))
            yield f"| {title} | " + " | ".join(cells) + " | " + " | ".join(f"{ratio:.2f} ×" for ratio in ratios[1:]) + " |"
    if len(sizes) > 1:
        yield f"\nGrowth from {sizes[0]:,} to {sizes[-1]:,} cases, p50 ms, × :\n"
        yield "| Page | " + " | ".join(labels) + " |"
        yield "|---" * (1 + len(labels)) + "|"
        for operation, title in OPERATIONS.items():
            growth = [results.p(0.5, label, sizes[-1], operation) / results.p(0.5, label, sizes[0], operation) for label in labels]
            yield f"| {title} | " + " | ".join(f"{value:.2f}" for value in growth) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default=os.environ.get("BENCH_DB"), help="server, as postgresql://user@host:port/postgres")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of load for each page in each round")
    parser.add_argument("--sizes", default="1000,100000")
    parser.add_argument("--products", default=",".join(product.label for product in PRODUCTS))
    parser.add_argument("--fresh", action="store_true", help="make the databases anew")
    parser.add_argument("--out", type=Path, help="write what was measured there, as JSON")
    options = parser.parse_args()
    if not options.database:
        parser.error("say --database, or set BENCH_DB")
    FOLDER.mkdir(parents=True, exist_ok=True)
    sizes, labels = [int(size) for size in options.sizes.split(",")], options.products.split(",")
    server = make_url(options.database)
    with ExitStack() as stack:
        products = []
        for n in sizes:
            urls = fill(server, "atiende_bench", n, FOLDER / "instance", fresh=options.fresh)
            for kind in PRODUCTS:
                if kind.label in labels:
                    products.append(stack.enter_context(serving(kind(n, urls[kind.source], free_port()))))
        for product in products:
            product.prove()
            timed(lambda p=product: [p.client.get(p.address(name)) for name in ("list", "case")], 1)
        print("all pages are right", file=sys.stderr, flush=True)
        results = measure(products, options.rounds, options.seconds)
    print(f"{options.rounds} rounds of {options.seconds:g} s; load average {min(results.loads):.1f} to {max(results.loads):.1f}")
    print("\n".join(table(results, sizes, [kind.label for kind in PRODUCTS if kind.label in labels])))
    if options.out:
        kept = {"times": results.times, "rates": results.rates, "cpu": results.cpu, "bytes": results.bytes}
        options.out.write_text(json.dumps({name: [[*key, value] for key, value in found.items()] for name, found in kept.items()}))


if __name__ == "__main__":
    main()
