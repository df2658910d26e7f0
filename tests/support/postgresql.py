"""A real PostgreSQL to test against, on this machine alone.

Debian's package `postgresql` keeps the server's programs off the PATH, so they are looked for where
it puts them too. The server refuses to run as root; then it runs as `postgres`, or as `nobody`.
Its data is in a folder of its own, which goes when it ends; it is ended by its pid, and ends by
itself when the tests are killed. It doesn't wait for the disk: what tests kill is the notifier.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from services.notifier.store.tables import METADATA
from support import lacking
from support.broker import HERE, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE: Final = 30.0
_ADMIN: Final = "admin"


class Server:
    """A running server; each test has databases of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._made = 0

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://{_ADMIN}@{HERE}:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """Make a database; its URL."""
        self._made += 1
        name = f"test_{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return self.url(name)


def empty(url: str) -> None:
    """Remove all rows of the notifier's tables; for that its own triggers stand aside."""
    tables = sql.SQL(", ").join(map(sql.Identifier, METADATA.tables))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
        connection.execute("INSERT INTO chain (id, seq, hash) VALUES (1, 0, %s)", (bytes(32),))


@contextmanager
def served() -> Iterator[Server]:
    """A server, from now until the end; without one a test is skipped, but not in CI."""
    folder = Path(tempfile.mkdtemp(prefix="salvage-postgresql-"))
    try:
        user = _owner()
        if user:
            shutil.chown(folder, user)
        _prepare(folder / "data", user)
        port = free_ports(1)[0]
        process = _started(folder, port, user)
        try:
            yield Server(port)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: its data goes too
            process.wait(_PATIENCE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str | None:
    """As whom it runs, where it may not run as us."""
    if os.geteuid() != 0:
        return None
    names = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _prepare(data: Path, user: str | None) -> None:
    words = [program("initdb"), "-D", str(data), "-U", _ADMIN, "--auth=trust", "--no-sync"]
    done = subprocess.run(
        [*_as(user), *words, "--encoding=UTF8", "--locale=C"],
        cwd=data.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lacking("no PostgreSQL to test against: initdb failed")


def _started(folder: Path, port: int, user: str | None) -> subprocess.Popen[bytes]:
    settings = {"port": port, "listen_addresses": HERE, "unix_socket_directories": folder}
    settings |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*_as(user), program("postgres"), "-D", str(folder / "data"), *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    deadline = time.monotonic() + _PATIENCE
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            lacking("no PostgreSQL to test against: the server did not start")
        time.sleep(0.05)
    return process


def _answers(port: int) -> bool:
    try:
        with psycopg.connect(Server(port).url("postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def program(name: str) -> str:
    """Where a program of the server's is."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or (str(places[0]) if places else None)
    if found is None:
        lacking(f"no PostgreSQL to test against: no {name} on this machine")
    return found


def _as(user: str | None) -> list[str]:
    """How to run as somebody else, and to end with us."""
    if shutil.which("setpriv") is None:
        return [] if user is None else ["runuser", "-u", user, "--"]
    words = ["setpriv", "--pdeathsig", "INT"]
    if user is None:
        return words
    group = str(pwd.getpwnam(user).pw_gid)
    return [*words, f"--reuid={user}", f"--regid={group}", "--clear-groups"]
