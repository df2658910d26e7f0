"""Group commit: whoever waits while the disk is busy shares the next transaction.

The journal is written by one thread; connections wait for their answers without holding it up.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from services.ingest.observing import NOBODY, Observer
from services.runtime.errors import place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from services.ingest.receiving import Received, Receiver

MOST = 256
"""Messages in one transaction: each waits for the others' mapping."""
WINDOW_BYTES = 64 * 1024 * 1024
"""Bytes that may wait for the disk, over all connections; beyond, nobody's stream is read."""


class _Waiting(NamedTuple):
    """A message, its answer to come, and since when it waits."""

    received: Received
    answer: asyncio.Future[bytes]
    since: float


class Committer:
    """Takes messages to the journal in groups, in the order of their arrival.

    failed: the journal could not be written. From then on everything is refused.
    """

    def __init__(self, receiver: Receiver, observer: Observer = NOBODY) -> None:
        """Wire; `run` does the work."""
        self._observer = observer
        self.failed = asyncio.Event()
        self._receiver = receiver
        self._thread = ThreadPoolExecutor(1, "journal")
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._something = asyncio.Event()
        self._room = asyncio.Event()

    async def submit(self, received: Received) -> asyncio.Future[bytes]:
        """Hand a message over, once there is room for it.

        Returns:
            Its answer, framed, when it may be sent.
        """
        size = len(received.cut.raw)
        while self._bytes and self._bytes + size > WINDOW_BYTES:
            self._room.clear()
            await self._room.wait()
        self._bytes += size
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(received, future, perf_counter()))
        self._something.set()
        return future

    async def run(self) -> None:
        """Commit what waits, until cancelled."""
        while True:
            await self._something.wait()
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            if not self._waiting:
                self._something.clear()
            answers = await self._kept([one.received for one in group])
            for one, answer in zip(group, answers, strict=True):
                self._bytes -= len(one.received.cut.raw)
                if not one.answer.done():  # its connection may be gone
                    one.answer.set_result(answer)
            self._room.set()
            now = perf_counter()
            self._observer.waited([now - one.since for one in group], len(self._waiting))

    async def _kept(self, group: list[Received]) -> list[bytes]:
        if not self.failed.is_set():
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(self._thread, self._receiver.take, group)
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may hear yes
                logger().critical(
                    "the journal cannot be written", extra={"detail": place_of(error)}
                )
                self.failed.set()
        return [self._receiver.refuse(received) for received in group]

    def close(self) -> None:
        """Wait for the transaction at work, and end the thread."""
        self._thread.shutdown(wait=True)
