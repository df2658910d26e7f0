"""The roster is read again when its files change: a bad one is refused loudly, and the old stays.

What is looked at is the content of the files, and twice: a file that somebody is just writing is
not taken half. It takes effect within a minute.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.notifier.roster.loading import load_house
from services.runtime.errors import OperatorError
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from services.notifier.roster.teams import Teams
    from services.notifier.service.premises import Premises

EVERY: Final = timedelta(seconds=15)
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a file that are looked at; no roster is larger."""


def _nothing(_: Teams) -> None:
    """Anybody's roster will do."""


class Renewal:
    """Looks at a folder of teams when it is time to."""

    def __init__(
        self, folder: Path, house: Premises, accept: Callable[[Teams], None] = _nothing
    ) -> None:
        """The files as they are now are those in use.

        Args:
            folder: of the teams, as it was read at the start.
            house: gets what is read again.
            accept: raises `OperatorError` at a roster that others can't work with.
        """
        self._folder, self._house, self._accept = folder, house, accept
        self._used = self._seen = _content(folder)
        self._last: datetime | None = None

    def look(self, now: datetime) -> int:
        """Look, if the last time is long enough ago.

        Returns:
            1 if the roster in use is another one now; else 0.
        """
        if self._last is not None and now - self._last < EVERY:
            return 0
        self._last, before = now, self._seen
        self._seen = _content(self._folder)
        if self._seen == self._used:
            self._house.refused = ""  # what was wrong has been taken back
            return 0
        return 0 if self._seen != before else self._read()

    def _read(self) -> int:
        try:
            found = load_house(self._folder)
            self._accept(found.teams)
        except OperatorError as error:
            self._refuse(str(error))
            return 0
        self._house.renew(found.policy, found.teams)
        self._used = self._seen
        logger().info("roster read again", extra={"detail": str(len(found.teams.teams))})
        return 1

    def _refuse(self, why: str) -> None:
        """Tried again at every look, and said once."""
        if why != self._house.refused:
            logger().error("roster refused, the old one stays", extra={"reason": why})
        self._house.refused = why


def _content(folder: Path) -> str:
    """What stands in the files of a folder, as a digest; of what can't be read, that it can't."""
    said = hashlib.sha256()
    try:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            said.update(f"{path.relative_to(folder)}\0".encode())
            with path.open("rb") as file:
                said.update(hashlib.sha256(file.read(_LARGEST)).digest())
    except OSError as error:
        return type(error).__name__
    return said.hexdigest()
