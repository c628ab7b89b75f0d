"""
`flask atiende serve`: web and worker in one command, for one machine.

A supervisor loads the application once and forks: a short-lived child that prepares the database, the web server, the worker. It
keeps no connection and renders nothing itself, so that what it forks starts clean. Each child holds the reading end of a pipe:
when the supervisor goes, however it went, the pipe closes and they stop too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info
from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import force_locale
from flask_babel import gettext as _
from gunicorn.app.base import BaseApplication
from sqlalchemy import or_, select, text
from werkzeug.security import generate_password_hash

import config
from app import jobs
from app.cli import atiende, spoken
from app.extensions import db, now
from app.models import Parameter
from app.operations.seeds import are_seeds_loaded, load_seeds
from app.security import ADMIN, sync_roles

#: Seconds that running requests and jobs get to finish when somebody asks to stop.
GRACE = 10
_LOCK = 0x41545052  # any number of our own: one process prepares at a time


class CannotStart(click.ClickException):
    """Serving is refused; the text says why and what to do."""


# ── Preparing ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def prepare(app: Flask, *, is_demo: bool = False) -> None:
    """Bring the database to where this version needs it: tables, queue, catalogues, roles, an administrator. Safe to repeat."""
    with app.app_context(), _alone(app):
        with spoken():
            migrate_to_head(app)
            jobs.storage_of(app, create_tables=True).close()
            if not are_seeds_loaded(db.session):
                load_seeds(db.session, now())
            sync_roles(db.session)
            db.session.commit()
            if is_demo:
                seed_demo_company()
            password = first_administrator()
            db.session.commit()
        if password:
            _say_password(password)


@contextlib.contextmanager
def _alone(app: Flask) -> Iterator[None]:
    """Let one process at a time prepare a database: by a lock of PostgreSQL, or of a file beside the SQLite one."""
    if db.engine.dialect.name == "sqlite":
        with (Path(app.config["INSTANCE"]) / "prepare.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    else:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.commit()
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})


def migrate_to_head(app: Flask) -> bool:
    """
    Run the revisions that are due; return whether there were any.

    Raises:
        CannotStart: The database is of a later version than this program.
    """
    settings = app.extensions["migrate"].migrate.get_config()
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    if set(current) == set(ScriptDirectory.from_config(settings).get_heads()):
        return False
    click.echo(_("Preparing the database…"))
    settings.attributes["is_start"] = True
    try:
        command.upgrade(settings, "head")
    except CommandError as error:
        raise CannotStart(_("The database is of another version than this program: %(error)s", error=error)) from error
    return True


def first_administrator() -> str | None:
    """Make the user `admin` when nobody administers yet; return the password if we had to make one."""
    role = db.session.scalars(select(Role).where(Role.name == ADMIN)).one()
    if db.session.scalar(select(User.id).where(or_(User.roles.any(Role.id == role.id), User.username == "admin")).limit(1)):
        return None
    given = config.setting("ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(12)
    admin = User(
        username="admin",
        first_name="Admin",
        last_name="Atiende",
        email=config.setting("ADMIN_EMAIL", "admin@localhost"),
        password=generate_password_hash(password),
        active=True,
    )
    admin.roles = [role]
    db.session.add(admin)
    return None if given else password


def seed_demo_company() -> None:
    """Fill an empty database with the fictional company, and say who may sign in."""
    from app.demo import DEMO_KEY, DEMO_PASSWORD, bring_past, seed_demo  # with Typst and its fonts, which nobody else needs to start

    if db.session.get(Parameter, DEMO_KEY) is None:
        click.echo(_("Living two years of a fictional company: this takes some minutes, and only the first time…"))
    password = config.setting("DEMO_PASSWORD", DEMO_PASSWORD) or DEMO_PASSWORD
    demo = seed_demo(db.session(), now(), password=password)
    db.session.commit()
    bring_past(db.session(), now())
    click.echo(_("Fictional company ready: %(n)s cases.", n=demo.n_cases))
    click.echo(_("Users: %(users)s", users=", ".join(demo.users)))
    click.echo(_("Password of all of them: %(password)s", password=password))


def _say_password(password: str) -> None:
    """Say it once, in every language that we speak: whoever installs may not be whoever attends."""
    for language in ("es", "en"):
        with force_locale(language):
            line = _("First administrator: user admin, password %(password)s (shown only now: write it down).", password=password)
            click.secho(line, bold=True)


# ── Where and under which secret ──────────────────────────────────────────────────────────────────────────────────────────


def is_loopback(host: str) -> bool:
    """Return whether only this computer can reach *host*."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def ensure_secret(app: Flask, host: str) -> None:
    """
    Give *app* a secret that outlives this process: the one of the settings, or one made for this computer alone.

    Raises:
        CannotStart: Others can reach *host*, and nobody set a secret.
    """
    instance = Path(app.config["INSTANCE"])
    known = config.setting("SECRET_KEY") or config.made_secret(instance)
    if not known and not is_loopback(host):
        raise CannotStart(
            _(
                "HOST=%(host)s can be reached from other computers, so ATIENDE_SECRET_KEY has to be set: a long random text, the same at "
                "every start. Make one with: python3 -c 'import secrets; print(secrets.token_hex(32))'",
                host=host,
            )
        )
    app.config["SECRET_KEY"] = known or _make_secret(instance)


def _make_secret(instance: Path) -> str:
    """Write a new secret that only its owner reads, unless another start was quicker; return the one that stands."""
    path, own = instance / "secret_key", instance / f"secret_key.{os.getpid()}"
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    with contextlib.suppress(FileExistsError):
        os.link(own, path)  # whole or not at all
    own.unlink()
    return path.read_text().strip()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises CannotStart when the port is taken or not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = _("Port %(port)s is taken: Atiende may be running already, or another program is there.", port=port)
        else:
            reason = _("Nothing can listen on %(host)s port %(port)s: %(error)s.", host=host, port=port, error=error.strerror or error)
        advice = _("Choose another one, for example: PORT=8081 make run")
        raise CannotStart(f"{reason} {advice}") from error


# ── The processes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Web(BaseApplication):  # type: ignore[misc]
    """gunicorn around an application that is loaded already, on a socket that listens already."""

    def __init__(self, app: Flask, listener: socket.socket, url: str) -> None:
        self.app, self.url = app, url
        n_workers, n_threads = workers_of(app)
        self.options: dict[str, Any] = {
            "bind": [f"fd://{listener.fileno()}"],
            "worker_class": "gthread",
            "workers": n_workers,
            "threads": n_threads,
            "preload_app": True,
            "graceful_timeout": GRACE,
            "timeout": 120,
            "keepalive": 5,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_fork": self.drop_connections,
            "post_worker_init": self.say_ready,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self.app

    def drop_connections(self, _arbiter: Any, _worker: Any) -> None:
        """A connection belongs to the process that opened it."""
        with self.app.app_context():
            db.engine.dispose(close=False)

    def say_ready(self, worker: Any) -> None:
        """Once, by the last of the first workers: from now on requests are answered, and a signal is understood."""
        if worker.age == self.options["workers"]:
            click.secho(f"Atiende: {self.url}", bold=True)


def workers_of(app: Flask) -> tuple[int, int]:
    """Return how many web processes, and threads in each: two of four; `WEB_WORKERS` and `WEB_THREADS` say otherwise."""
    return config.number("WEB_WORKERS", 2), config.number("WEB_THREADS", 4)


def run_worker(app: Flask) -> None:
    """
    Run the jobs until told to stop: SIGINT or SIGTERM lets the running ones finish or hand themselves back, a second one does not.

    Two threads for long work (`jobs.longwork`), the rest for mail and the timetable.
    """
    jobs.connect(app)
    consumer = jobs.huey.create_consumer(workers=6, max_delay=2.0, check_worker_health=True, shutdown_timeout=GRACE)
    consumer._signal_actions[signal.SIGTERM] = (False, True)  # what supervisors send, as gentle as Ctrl-C: (is restart, is graceful)
    jobs.stop_with(consumer.stop_flag)
    heart = jobs.Heart(app)
    heart.start()
    consumer.run()
    heart.rest()


class Supervisor:
    """Starts the children, restarts a worker that died, stops everybody together."""

    def __init__(self) -> None:
        self.children: dict[int, str] = {}
        self.tasks: dict[str, Callable[[], None]] = {}
        self.n_stops = 0
        self._lifeline = os.pipe()

    def start(self, name: str, task: Callable[[], None]) -> None:
        """Fork a child that runs *task* and ends with it."""
        self.tasks[name] = task
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self._be_child(task)
        self.children[pid] = name
        if self.n_stops:  # told to stop while we forked: so is this one
            self._tell()

    def _be_child(self, task: Callable[[], None]) -> NoReturn:
        os.close(self._lifeline[1])
        os.setpgid(0, 0)  # Ctrl-C reaches the supervisor, which tells us in order
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=self._watch_supervisor, daemon=True).start()
        status = 1
        try:
            task()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except KeyboardInterrupt:
            status = 130
        except click.ClickException as error:
            error.show()
        except BaseException:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _watch_supervisor(self) -> None:
        """Wait until the supervisor is gone, and stop as if it had asked."""
        os.read(self._lifeline[0], 1)
        os.kill(os.getpid(), signal.SIGINT)

    def run_to_end(self, name: str, task: Callable[[], None]) -> None:
        """Run *task* in a child of its own and wait. Ends this process if it failed."""
        self.start(name, task)
        _pid, status = os.waitpid(-1, 0)
        self.children.clear()
        if code := os.waitstatus_to_exitcode(status):
            raise SystemExit(abs(code))

    def run(self) -> int:
        """Wait for the children until all are gone; return the exit code."""
        code = 0
        while self.children:
            pid, status = os.waitpid(-1, 0)
            name = self.children.pop(pid, None)
            if name is None or self.n_stops:
                continue
            if name == "worker":
                click.echo(f"worker: ended with {os.waitstatus_to_exitcode(status)}; starting another", err=True)
                self._start_again(name)
            else:
                code = abs(os.waitstatus_to_exitcode(status)) or 1
                self.stop(signal.SIGTERM, None)
        signal.alarm(0)
        return code

    def _start_again(self, name: str) -> None:
        time.sleep(1)  # one that dies at once does not take the whole machine
        if not self.n_stops:
            self.start(name, self.tasks[name])

    def obey(self) -> None:
        """Stop the children when this process is told to."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        signal.signal(signal.SIGALRM, self._kill)

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Ask everybody to finish what runs; at the second call, to stop at once; kill what is left after the grace."""
        self.n_stops += 1
        self._tell()
        if self.n_stops == 1:
            signal.alarm(GRACE + 5)

    def _tell(self) -> None:
        gentle = {"web": signal.SIGTERM, "worker": signal.SIGINT}
        hasty = {"web": signal.SIGINT, "worker": signal.SIGINT}
        for pid, name in self.children.items():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, (gentle if self.n_stops == 1 else hasty)[name])

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def serve(app: Flask, host: str, port: int, *, is_demo: bool = False) -> int:
    """Prepare the database and serve until told to stop; return the exit code. Raises CannotStart."""
    with app.app_context(), force_locale(app.config["BABEL_DEFAULT_LOCALE"]):
        ensure_secret(app, host)
        listener = listen(host, port)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if is_loopback(host) and not app.config["N_PROXIES"]:
        app.config["PUBLIC_URL"] = app.config["PUBLIC_URL"] or url
    supervisor = Supervisor()
    supervisor.run_to_end("prepare", lambda: prepare(app, is_demo=is_demo))
    supervisor.obey()
    supervisor.start("web", lambda: Web(app, listener, url).run())
    listener.close()
    supervisor.start("worker", lambda: run_worker(app))
    return supervisor.run()


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def host_and_port() -> tuple[str, int]:
    """Return `HOST` and `PORT` of the environment. Raises CannotStart."""
    port = os.environ.get("PORT") or "8080"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise CannotStart(f"PORT={port}: a number from 1 to 65535")
    return os.environ.get("HOST") or "127.0.0.1", int(port)


@atiende.command("serve", with_appcontext=False)
@click.option("--demo", "is_demo", is_flag=True, help="Fill an empty database with a fictional company first.")
@pass_script_info
def serve_command(info: ScriptInfo, is_demo: bool) -> None:
    """Prepare the database, then serve web and jobs on HOST:PORT until Ctrl-C."""
    host, port = host_and_port()
    raise SystemExit(serve(info.load_app(), host, port, is_demo=is_demo))


@atiende.command("prepare", with_appcontext=False)
@pass_script_info
def prepare_command(info: ScriptInfo) -> None:
    """Migrate the database, load the catalogues, sync the roles, make the first administrator. Safe to repeat."""
    prepare(info.load_app())


@atiende.command("worker", with_appcontext=False)
@pass_script_info
def worker_command(info: ScriptInfo) -> None:
    """Run only the jobs, for where the web runs under a server of its own (`gunicorn wsgi:app`)."""
    app = info.load_app()
    jobs.storage_of(app, create_tables=True).close()
    run_worker(app)


@atiende.command("sync-roles")
def sync_roles_command() -> None:
    """Make the shipped roles have exactly the rights that this version gives them."""
    with spoken():
        for name, n_rights in sync_roles(db.session).items():
            click.echo(_("%(role)s: %(n)s rights", role=name, n=n_rights))
        db.session.commit()
