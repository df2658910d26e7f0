"""The lock of a journal's writers: one process, whose listeners share it."""

from __future__ import annotations

import fcntl
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class WriterLock:
    """The lock that keeps other processes out; this process's writers share it."""

    path: Path
    handle: int
    users: int = 1

    def give_back(self) -> None:
        """One user less; the last one opens the door again."""
        with _GUARD:
            self.users -= 1
            if self.users == 0:
                del _LOCKS[self.path]
                os.close(self.handle)


_GUARD = threading.Lock()
_LOCKS: dict[Path, WriterLock] = {}


def locked(path: Path) -> WriterLock:
    """Take the lock; the end of the process gives it back, as `give_back` does.

    Raises:
        OperatorError: another process has it.
        OSError: the file can't be opened.
    """
    with _GUARD:
        known = _LOCKS.get(path.resolve())
        if known is not None:
            known.users += 1
            return known
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise OperatorError("--data: another process receives into this journal") from error
        lock = _LOCKS[path.resolve()] = WriterLock(path.resolve(), handle)
        return lock
