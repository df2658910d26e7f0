"""`console`: messages as lines of JSON on standard output, for trying things out and for pipes.

    taken by the stream   delivered
    the stream is closed  permanent

With `file` they are written there instead: what would leave the house can be read first.
The console is no person. A site that tells people by this channel alone tells nobody.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.carrier import Carrier
from services.notifier.channels.contract import Message, Outcome, delivered, permanent
from services.notifier.channels.settings import CarrierSettings, Carries, File

if TYPE_CHECKING:
    from typing import TextIO


class Settings(CarrierSettings):
    """Its section."""

    type: Literal["console"]
    carries: Carries = frozenset(Strength)
    file: File | None = None

    def channel(self, name: str) -> Console:
        """The channel."""
        return Console(name, self)


class Console(Carrier):
    """The channel."""

    def __init__(self, name: str, settings: Settings, stream: TextIO | None = None) -> None:
        """Wire.

        Args:
            name: what the site calls it.
            settings: its section.
            stream: where to write, instead of standard output.
        """
        super().__init__(name, settings)
        self._stream, self._file = stream, settings.file

    async def open(self) -> None:
        """There is nothing to get ready."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def send(self, message: Message) -> Outcome:
        """Write a line."""
        try:
            await asyncio.to_thread(self._write, json.dumps(said(message), ensure_ascii=False))
        except (OSError, ValueError):  # a stream that was closed raises the latter
            return permanent("stream-closed")
        return delivered()

    def _write(self, line: str) -> None:
        if self._file is not None:
            for_the_owner = os.open(self._file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            with os.fdopen(for_the_owner, "a", encoding="utf-8") as file:
                file.write(f"{line}\n")
            return
        stream = self._stream or sys.stdout
        stream.write(f"{line}\n")
        stream.flush()


def said(message: Message) -> dict[str, Any]:
    """All of a message that may leave the house, without what is empty."""
    inside = {"record", "addresses"}
    found: dict[str, Any] = message.model_dump(mode="json", exclude=inside, exclude_none=True)
    found["recipient"] = str(message.recipient)
    return found
