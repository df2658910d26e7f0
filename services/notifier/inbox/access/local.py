"""One account on this machine alone; its password is made of chance and stands in a file."""

from __future__ import annotations

import hmac
import os
import secrets
from collections import deque
from typing import TYPE_CHECKING, Final

from services.notifier.channels.settings import read_secret
from services.notifier.inbox.access.people import Identity
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from services.notifier.inbox.access.settings import LocalAccount

PASSWORD: Final = "inbox.password"  # noqa: S105 - the name of a file
_BYTES: Final = 18
_TRIES: Final = 5
_WITHIN: Final = 60.0
"""Seconds: more wrong passwords than that in this time, and nobody is let in for the rest of it."""


class LocalDoor:
    """Lets in who knows the password. It has 144 bits of chance, so a digest would add nothing."""

    def __init__(self, account: LocalAccount, folder: Path) -> None:
        """Read the password; make it if there is none yet.

        Raises:
            OperatorError: the file can't be made or read.
        """
        self.file = folder / PASSWORD
        if not self.file.exists():
            _make(self.file)
        self._password = read_secret(self.file, PASSWORD)
        self._identity = Identity(
            issuer="local", subject=account.member, name=account.member,
            member=account.member, roles=account.roles,
        )  # fmt: skip
        self._wrong: deque[datetime] = deque(maxlen=_TRIES)
        self._once: str | None = None

    def once(self) -> str:
        """A password of chance (256 bits) that lets in once, and never again."""
        self._once = secrets.token_urlsafe(32)
        return self._once

    @property
    def by_link(self) -> bool:
        """Whether such a password was made, and has not let anybody in yet."""
        return self._once is not None

    def enter(self, password: str, now: datetime) -> Identity | None:
        """Who it is; None if the password is wrong, or too many were."""
        if self._once is not None and hmac.compare_digest(password.encode(), self._once.encode()):
            self._once = None
            return self._identity
        if self.is_shut(now):
            return None
        if hmac.compare_digest(password.encode(), self._password.encode()):
            self._wrong.clear()
            return self._identity
        self._wrong.append(now)
        return None

    def is_shut(self, now: datetime) -> bool:
        """Whether somebody has guessed too often lately."""
        recent = [at for at in self._wrong if (now - at).total_seconds() < _WITHIN]
        return len(recent) >= _TRIES


def _make(path: Path) -> None:
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise OperatorError(f"--site: {PASSWORD}: {error.strerror}") from error
    with os.fdopen(file, "w") as stream:
        stream.write(secrets.token_urlsafe(_BYTES) + "\n")
