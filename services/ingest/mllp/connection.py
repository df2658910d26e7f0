"""One connection: frames are read, handed over and answered in the order of their arrival.

Reading runs ahead of answering, so a sender may send without waiting; but only so far. Then the
stream is not read any further until answers have gone out, and nothing is ever dropped.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.ingest.hl7v2.batch import MAX_MESSAGE
from services.ingest.mllp.framing import Cut, Deframer
from services.ingest.receiving import Received
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ingest.mllp.committing import Committer

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sender may ask of us.

    Attributes:
        frame: bytes in one frame.
        pending: frames of one connection that were read and not answered.
        connections: how many at one time.
        each: how many of these from one address.
        idle: seconds between frames.
        within: seconds without a byte within a frame; a whole frame may take ten times that.
        unread: seconds for which a sender may leave our answers lying.
        grace: seconds for answers to what was read, when we end.
    """

    frame: int = MAX_MESSAGE
    pending: int = 64
    connections: int = 100
    each: int = 50
    idle: float = 3600.0
    within: float = 30.0
    unread: float = 30.0
    grace: float = 10.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: a name for the journal, and as whom it may speak (None: anyone)."""

    name: str
    senders: frozenset[str] | None = None


class Connection:
    """Reads and answers one connection until it ends, times out, or we are asked to stop."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: Peer,
        limits: Limits,
        now: Callable[[], int],
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Wire.

        Args:
            reader: its bytes.
            writer: for its answers.
            peer: who it is.
            limits: what it may ask.
            now: the present instant, microseconds UTC.
            failed: told why it ended badly, if it does.
        """
        self._failed = failed
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._limits = limits
        self._now = now
        self._deframer = Deframer(limits.frame)
        self._frame_since: float | None = None
        self._answers: asyncio.Queue[asyncio.Future[bytes] | None] = asyncio.Queue(limits.pending)

    async def serve(self, committer: Committer, stop: asyncio.Event) -> None:
        """Serve it to its end. Whatever was read is answered if the other side still listens."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._read(committer, stop))
                both.create_task(self._write())
        except* (OSError, TimeoutError):
            logger().warning("connection lost")
            self._failed("lost")
            self._writer.transport.abort()

    # -- in

    async def _read(self, committer: Committer, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            while chunk := await self._chunk(stopping):
                await self._hand_over(committer, self._deframer.feed(chunk))
            await self._hand_over(committer, self._deframer.finish())
        finally:
            stopping.cancel()
        await self._answers.put(None)

    async def _chunk(self, stopping: asyncio.Task[bool]) -> bytes:
        """The next bytes; none at the end of the stream, after a timeout, or when we end."""
        reading = asyncio.create_task(self._reader.read(CHUNK))
        done, _ = await asyncio.wait(
            {reading, stopping}, timeout=self._patience(), return_when=asyncio.FIRST_COMPLETED
        )
        if reading not in done:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            if stopping not in done:
                where = "in a frame" if self._deframer.in_frame else "between frames"
                logger().warning("timeout", extra={"reason": where})
                self._failed("timeout")
            return b""
        try:
            return reading.result()
        except OSError:
            return b""  # reset by the sender: what was read is kept

    def _patience(self) -> float:
        """Seconds to wait for the next byte."""
        now = asyncio.get_running_loop().time()
        if not self._deframer.in_frame:
            self._frame_since = None
            return self._limits.idle
        if self._frame_since is None:
            self._frame_since = now
        left = self._frame_since + 10 * self._limits.within - now
        return max(0.0, min(self._limits.within, left))

    async def _hand_over(self, committer: Committer, cuts: list[Cut]) -> None:
        if cuts:
            self._frame_since = None  # whatever frame is open now is a new one
        for cut in cuts:
            received = Received(cut, self._now(), self._peer.name, self._peer.senders)
            await self._answers.put(await committer.submit(received))

    # -- out

    async def _write(self) -> None:
        while (future := await self._answers.get()) is not None:
            answer = await future
            if answer:
                self._writer.write(answer)
                async with asyncio.timeout(self._limits.unread):
                    await self._writer.drain()
        self._writer.close()
        async with asyncio.timeout(self._limits.unread):
            await self._writer.wait_closed()
