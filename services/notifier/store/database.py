"""The database: SQLite for one notifier, PostgreSQL for several; errors as ours, without values."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from services.runtime.errors import InvariantBroken, OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import URL, Connection, Engine, Table

_BUSY_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 5
_DRIVERS: Final = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


class Database:
    """Gives transactions. On SQLite one at a time: it has one writer, and that is us."""

    def __init__(self, engine: Engine) -> None:
        """Use an engine made by `opened`."""
        self.engine = engine
        self.shared = engine.dialect.name == "postgresql"
        self._alone = nullcontext() if self.shared else threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing, and on disk when it ends.

        Raises:
            Unavailable: nothing was written; later it may be.
            InvariantBroken: a row broke a law of the tables; nothing was written.
        """
        try:
            with self._alone, self.engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise InvariantBroken("the notifier's store refused a row that ought to fit") from error
        except SQLAlchemyError as error:
            raise Unavailable(f"the notifier's store: {type(error).__name__}") from error

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


@contextmanager
def opened(where: str, *, alone: bool = True) -> Iterator[Database]:
    """The database at a URL, `sqlite:///FILE` or `postgresql://…`; a bare path is SQLite's.

    Args:
        where: the URL.
        alone: as the one notifier that a SQLite file may have, and made if it isn't there; else
            beside it, to look into it.

    Raises:
        OperatorError: it is no such URL, or another notifier has the SQLite file.
        Unavailable: it can't be reached.
    """
    url = database_url(where)
    shared = url.get_backend_name() == "postgresql"
    with nullcontext() if shared else _held(url) if alone else _there(url):
        database = Database(_postgresql(url) if shared else _file(url, alone=alone))
        try:
            with database.transaction():
                pass
            yield database
        finally:
            database.close()


def database_url(where: str) -> URL:
    """The URL of a database, with the driver that we use.

    Raises:
        OperatorError: it is none, or one of an engine that we don't use. Its text isn't told: it
            may hold a password.
    """
    try:
        url = make_url(where if "://" in where else f"sqlite:///{where}")
        return url.set(drivername=_DRIVERS[url.get_backend_name()])
    except (ArgumentError, KeyError, ValueError):
        told = "--database: expected a file, sqlite:///FILE or postgresql://HOST/NAME"
        raise OperatorError(told) from None


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    name = connection.dialect.name
    return postgresql.insert(table) if name == "postgresql" else sqlite.insert(table)


@contextmanager
def _held(url: URL) -> Iterator[None]:
    """A SQLite file belongs to one notifier at a time."""
    if not url.database or url.database == ":memory:":
        raise OperatorError("--database: SQLite needs a file")
    try:
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise OperatorError("--database: another notifier has this file") from None
    except PermissionError:
        raise OperatorError("--database: the file can't be written") from None


def _there(url: URL) -> AbstractContextManager[None]:
    """A SQLite file that only is looked into is not made."""
    if not url.database or not Path(url.database).exists():
        raise OperatorError("--database: there is no such file")
    return nullcontext()


def _file(url: URL, *, alone: bool) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        del record
        connection.isolation_level = None  # transactions are ours to begin
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={"connect_timeout": _CONNECT_SECONDS},
    )
