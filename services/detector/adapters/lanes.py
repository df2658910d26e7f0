"""One lane for each partition: its records one after the other, and lanes beside each other.

Most of a record's time is waiting for Kafka's answers. What must keep its order is in one
partition; so nobody waits for a patient of another one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handle = Callable[[Any], Awaitable[bool]]

LENGTH: Final = 64
"""Records that wait in a lane; a lane that is full holds up whoever brings more."""


class Lanes:
    """Handles records."""

    def __init__(self, handle: Handle) -> None:
        """Inside the event loop that is to run it.

        Args:
            handle: handles a record to its end; False: nothing may be handled behind it.
        """
        self._handle = handle
        self._queues: dict[int, asyncio.Queue[tuple[int, Any]]] = {}
        self._drivers: dict[int, asyncio.Task[None]] = {}
        self._busy: set[int] = set()
        self._held = 0
        self._time = 0
        self._stopped = False

    async def put(self, partition: int, message: Any) -> None:
        """Take over a record; waits while its lane is full."""
        if partition not in self._queues:
            self._queues[partition] = asyncio.Queue(LENGTH)
            self._drivers[partition] = asyncio.create_task(self._drive(partition))
        self._held += 1
        try:
            await self._queues[partition].put((self._time, message))
        finally:
            self._held -= 1

    def idle(self, partition: int) -> bool:
        """Whether nothing of a partition is in hand or waits here, and nobody waits to put it."""
        queue = self._queues.get(partition)
        return not self._held and partition not in self._busy and (queue is None or queue.empty())

    def clear(self) -> None:
        """Drop what waits, and whoever waits to put something; what is in hand goes on."""
        self._time += 1

    async def stop(self) -> None:
        """Drop what waits, and return when nothing is in hand any more."""
        self._stopped = True
        for partition, driver in self._drivers.items():
            if partition not in self._busy:
                driver.cancel()
        await asyncio.gather(*self._drivers.values(), return_exceptions=True)

    async def _drive(self, partition: int) -> None:
        queue, goes_on = self._queues[partition], True
        while goes_on and not self._stopped:
            since, message = await queue.get()
            if since == self._time:
                self._busy.add(partition)
                goes_on = await self._handle(message)
                self._busy.discard(partition)
