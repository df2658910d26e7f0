"""Copies of the rows of others' partitions: whoever has them takes over without reading first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from services.runtime.errors import SalvageError, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.detector.adapters.changelog import Changelog
    from services.detector.adapters.local import Progress

ROUND: Final = 1.0
"""Seconds between two looks at what the others have written."""


async def keep_copies(
    changelog: Changelog, others: Callable[[], Iterable[int]], progress: Progress
) -> None:
    """Read on in others' partitions, a slice of each in turn; for ever.

    Args:
        changelog: has our copies.
        others: the partitions that are not ours at the moment, or none while we are busy.
        progress: is told of a disk that can't be used.
    """
    while True:
        await asyncio.sleep(ROUND)
        try:
            for partition in others():
                await changelog.follow(partition)
        except SalvageError as error:
            progress.failure = error
        except Exception as error:  # noqa: BLE001 - Kafka is asked again in a moment
            logger().error("trouble", extra={"detail": place_of(error)})
