"""
A real mail server for tests: Dovecot on a port of its own, with one user, in a folder that goes away.

Messages are written into its Maildir, as a delivery agent would: ten thousand take a second.
"""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.databases import lacking

DOVECOT = "/usr/sbin/dovecot"
USER, PASSWORD = "pqr@example.com", "clave-de-prueba"

_CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
maildir_stat_dirs = yes
mail_fsync = never
auth_failure_delay = 0
first_valid_uid = 1
mail_max_userip_connections = 50
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_process_limit = 30
default_client_limit = 200
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


class Box:
    """A folder of the server, which stands for the inbox of one test. `settings` connect the product to it."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self.path = server.folder / "mail" / f".{name}"
        self._serial = itertools.count(1)
        for kind in ("new", "cur", "tmp"):
            (self.path / kind).mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            for path in (self.path, *self.path.iterdir()):
                os.chown(path, *_mail_owner())

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "IMAP_HOST": "127.0.0.1", "IMAP_PORT": self.server.port, "IMAP_USER": USER, "IMAP_PASSWORD": PASSWORD, "IMAP_TLS": "no",
            "IMAP_FOLDER": self.name, "IMAP_DONE_FOLDER": None,
        }  # fmt: skip

    def put(self, raw: bytes | EmailMessage, received_at: datetime | None = None) -> None:
        """Deliver one message, received now or at *received_at*."""
        content = bytes(raw) if isinstance(raw, EmailMessage) else raw
        n = next(self._serial)
        path = self.path / "tmp" / f"{1_700_000_000 + n}.M{n:09d}P{os.getpid()}.test,S={len(content)}"
        path.write_bytes(content)
        if received_at:
            os.utime(path, (received_at.timestamp(), received_at.timestamp()))
        if os.geteuid() == 0:
            os.chown(path, *_mail_owner())
        path.rename(self.path / "new" / path.name)

    def n_messages(self) -> int:
        """Return how many messages the folder holds."""
        return sum(1 for kind in ("new", "cur") for _path in (self.path / kind).glob("*"))


class Server:
    """One running Dovecot."""

    def __init__(self, folder: Path, port: int, tls_port: int) -> None:
        self.folder, self.port, self.tls_port = folder, port, tls_port
        self._boxes = itertools.count(1)

    @property
    def certificate(self) -> Path:
        """Its own certificate, for the name localhost; nobody trusts it who was not told to."""
        return self.folder / "cert.pem"

    def _certify(self) -> None:
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.folder / "key.pem"]
        command = ["openssl", "req", "-x509", *key, "-out", self.certificate, "-days", "30", *subject]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def box(self) -> Box:
        """Return a new empty folder."""
        return Box(self, f"Caja{next(self._boxes)}")

    def start(self) -> None:
        """Start and wait until the server answers."""
        for name in ("run", "home", "mail/new", "mail/cur", "mail/tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            for name in ("home", "mail", "mail/new", "mail/cur", "mail/tmp"):
                os.chown(self.folder / name, *_mail_owner())
        self._certify()
        config = self.folder / "dovecot.conf"
        config.write_text(_config(self.folder, self.port, self.tls_port))
        self._process = subprocess.Popen(
            [DOVECOT, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=(self.folder / "errors").open("ab")
        )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as talk:
                    if talk.recv(200).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.05)
        said = "".join(path.read_text() for path in (self.folder / "errors", self.folder / "log") if path.exists())
        self.stop()
        pytest.fail(f"Dovecot does not answer:\n{said[-2000:]}", pytrace=False)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _mail_owner() -> tuple[int, int]:
    """Return (uid, gid) of whoever owns the mail: Dovecot serves no mail of root."""
    if os.geteuid() == 0:
        return pwd.getpwnam("nobody").pw_uid, grp.getgrnam("nogroup").gr_gid
    return os.getuid(), os.getgid()


def _config(folder: Path, port: int, tls_port: int) -> str:
    uid, gid = _mail_owner()
    if os.geteuid() == 0:
        names = {"internal": "dovecot", "internal_group": "dovecot", "login": "dovenull"}
    else:
        me = pwd.getpwuid(os.getuid()).pw_name
        names = {"internal": me, "internal_group": grp.getgrgid(os.getgid()).gr_name, "login": me}
    return _CONFIG.format(folder=folder, port=port, tls_port=tls_port, uid=uid, gid=gid, password=PASSWORD, **names)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Server]:
    """A running server, started by the first test of this worker that asks."""
    if not os.access(DOVECOT, os.X_OK):
        lacking("Dovecot (install the package dovecot-imapd)")
    version = subprocess.run([DOVECOT, "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("2.3."):
        lacking(f"Dovecot 2.3, whose configuration is written here, and not {version.strip()},")
    folder = Path(tempfile.mkdtemp(prefix="atiende-imap-", dir="/tmp"))  # short: sockets have names of at most 107 letters
    folder.chmod(0o755)
    server = Server(folder, free_port(), free_port())
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def imap(dovecot: Server) -> Box:
    """An empty mailbox on that server."""
    return dovecot.box()
