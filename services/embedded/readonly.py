"""A connection that cannot write, beside the one process that does."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.embedded.database import BUSY_SECONDS
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """One read transaction on a file of ours.

    Raises:
        Unavailable: the file is not there or cannot be read.
    """
    try:
        # Not `mode=ro`: a reader of a WAL file may have to make its index anew.
        uri = f"{path.absolute().as_uri()}?mode=rw"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    except sqlite3.Error as error:
        raise Unavailable("the store cannot be opened for reading") from error
    try:
        db.execute("PRAGMA query_only=ON")
        db.execute("BEGIN")
        yield db
    except sqlite3.Error as error:
        raise Unavailable("the store cannot be read") from error
    finally:
        db.close()
