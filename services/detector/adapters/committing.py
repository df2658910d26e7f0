"""What is committed, and where reading begins: decided here and not by Faust.

Faust commits what it takes to be handled, among it what was skipped, cancelled or has failed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.detector.adapters.local import Place, Progress

ROUND: Final = 0.5
"""Seconds between two commits."""


class Commits:
    """Commits what was finished, and hears where Faust begins to read."""

    def __init__(self, consumer: Any, progress: Progress) -> None:
        """Take the consumer's commits over.

        Args:
            consumer: Faust's.
            progress: what was finished; is told where each partition begins.
        """
        self._consumer, self._progress = consumer, progress
        self._committed: dict[Place, int] = {}
        self._seek, self._send = consumer.seek_to_committed, consumer._commit  # noqa: SLF001
        consumer.seek_to_committed, consumer._commit = self._begin, _forgo  # noqa: SLF001

    async def keep(self, quiet: Callable[[], bool]) -> None:
        """Commit what was finished, from time to time; for ever.

        Args:
            quiet: whether partitions change hands, and nothing is to be committed.
        """
        while True:
            await asyncio.sleep(ROUND)
            if not quiet():
                await self.once()

    async def once(self) -> None:
        """Commit what was finished since the last time."""
        ours = set(self._consumer.assignment())
        done = {place: end for place, end in self._progress.done.items() if place in ours}
        news = dict(done.items() - self._committed.items())
        if news and await self._send(news):
            self._committed |= news

    def forget(self) -> None:
        """Partitions have changed hands: others may have committed."""
        self._committed.clear()

    async def again(self, places: Iterable[Place]) -> None:
        """Have partitions read again from what was finished; what comes twice is passed over."""
        done = self._progress.done
        await self._consumer.seek_wait({one: done[one] for one in places if one in done})

    async def _begin(self) -> Any:
        found = await self._seek()
        earliest = await self._consumer.earliest_offsets(*found)
        for place, committed in found.items():
            self._progress.begin(place, max(committed or 0, earliest.get(place) or 0))
        # Where nothing was committed yet, the client doesn't seek: what it had fetched is gone.
        await self.again(found)
        return found


async def _forgo(_: Any) -> bool:
    return True
