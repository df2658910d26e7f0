"""How far a server has been read, kept in a file beside the journal.

Law of this file: it is written after what it speaks of is in the journal, never before. After a
crash something may be asked for again, and nothing is passed over.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from schemas.base import digest
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

_MOST: Final = 200_000
"""Resources that are remembered; beyond, the oldest may be taken again, and merge."""


@dataclass(slots=True)
class Cursor:
    """What is known of one server.

    Attributes:
        high: of each resource type the latest `lastUpdated` up to which all is in the journal.
        seen: what was taken of the last while: its name and version, and its `lastUpdated`.
        events: of each subscription the number of its last event.
    """

    high: dict[str, datetime] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)

    def forget(self, kind: str, before: datetime) -> None:
        """Forget what will not be asked for again of a type."""
        of_kind = f"{kind}/"
        kept = sorted(
            (at, name)
            for name, at in self.seen.items()
            if at >= before or not name.startswith(of_kind)
        )
        self.seen = {name: at for at, name in kept[-_MOST:]}


class CursorFile:
    """The cursor of a server."""

    def __init__(self, folder: Path, server: str) -> None:
        """Keep it in a folder, under a name that tells servers apart."""
        self._path = folder / f"polling-{digest(server)[:16]}.json"

    def read(self) -> Cursor:
        """What was written last; a new one if nothing was.

        Raises:
            Unavailable: the file cannot be read.
        """
        try:
            said = json.loads(self._path.read_bytes())
            times = {
                name: {key: datetime.fromisoformat(at) for key, at in said[name].items()}
                for name in ("high", "seen")
            }
            return Cursor(**times, events=dict(said["events"]))
        except FileNotFoundError:
            return Cursor()
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise Unavailable("the place in a polled server cannot be read") from error

    def write(self, cursor: Cursor) -> None:
        """Replace what was written before, at once or not at all.

        Raises:
            Unavailable: the file cannot be written.
        """
        said = {
            "high": {key: at.isoformat() for key, at in cursor.high.items()},
            "seen": {key: at.isoformat() for key, at in cursor.seen.items()},
            "events": cursor.events,
        }
        new = self._path.with_suffix(".new")
        try:
            handle = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(said, stream)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self._path)
        except OSError as error:
            raise Unavailable("the place in a polled server cannot be written") from error
