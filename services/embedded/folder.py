"""The folder that holds the store: made for its owner alone, and used by one process at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.embedded.store import FILE_NAME
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME = "salvage.lock"
NOTIFIER = "notifier.sqlite"
"""The database of the notifier, where one works in the same process."""


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Make the folder if need be, and keep every other process out of it.

    Returns:
        The path of the store in it.

    Raises:
        OperatorError: it can't be made or written, or another process has it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(f"--data: cannot be used: {reason}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder / FILE_NAME
    except BlockingIOError as error:
        raise OperatorError("--data: another process is at work there") from error
    finally:
        os.close(lock)  # gives the lock back, as the end of the process would
