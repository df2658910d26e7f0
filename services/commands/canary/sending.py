"""A message by MLLP, and whether it was taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from services.commands.canary.metrics import Stage
from services.ingest.mllp.framing import Deframer, frame

if TYPE_CHECKING:
    import ssl

_CHUNK: Final = 65_536
PATIENCE: Final = 30.0
"""Seconds for an answer, as interface engines have them."""


class Failed(Exception):  # noqa: N818 - what became of a round
    """A round came to its end."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.value)
        self.stage = stage


class Line(NamedTuple):
    """Where messages are taken."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    async def send(self, message: bytes) -> None:
        """Send a message over a connection of its own.

        Raises:
            Failed: nobody took it, or it was refused.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._answer(message)
        except (OSError, TimeoutError, EOFError):
            raise Failed(Stage.SENDING) from None
        if not any(line.startswith(b"MSA|AA|") for line in answer.split(b"\r")):
            raise Failed(Stage.REFUSED)

    async def _answer(self, message: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
        try:
            writer.write(frame(message))
            await writer.drain()
            frames = Deframer()
            while chunk := await reader.read(_CHUNK):
                for cut in frames.feed(chunk):
                    return cut.raw
        finally:
            # Not closed in good order: a peer that has stopped listening would hold us up.
            writer.transport.abort()
        raise EOFError
