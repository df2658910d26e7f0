"""The SQLite file itself: for its owner alone, written in transactions, errors translated."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from services.embedded.schema import migrate
from services.runtime.errors import InvariantBroken, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_SECONDS = 10.0


class Database:
    """One connection, the only one that writes. May move between threads; one uses it at a time."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open the file, or make it.

        Args:
            path: the file; its folder exists.
            durable: wait for the disk at every commit (`synchronous=FULL`). Without, a commit
                survives the end of the process, but the last ones may not survive a power cut.

        Raises:
            OperatorError: a newer version wrote it.
            Unavailable: it cannot be opened.
        """
        self.path = path
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._db.execute("PRAGMA foreign_keys=ON")
            migrate(self._db)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"the store cannot be opened: {type(error).__name__}") from error

    def close(self) -> None:
        """Close the file; twice does no harm."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing.

        Raises:
            Unavailable: the file could not be written; nothing was.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._begin()
            yield
            self._complete()
            self._db.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._roll_back()
            raise InvariantBroken("the store refused a row that ought to fit") from error
        except sqlite3.Error as error:
            self._roll_back()
            raise Unavailable(f"the store cannot be written: {type(error).__name__}") from error
        except BaseException:
            self._roll_back()
            raise

    def _begin(self) -> None:
        """Forget what an earlier transaction left unwritten."""

    def _complete(self) -> None:
        """Write what could wait for the end of the transaction."""

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise Unavailable("the store cannot be rolled back") from error

    def query(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """All rows of a question.

        Raises:
            Unavailable: the file cannot be read.
        """
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"the store cannot be read: {type(error).__name__}") from error
