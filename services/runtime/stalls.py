"""Partitions of which records wait in Kafka, while nobody brings them.

A client that lost its place after partitions changed hands is silent, and what the other
partitions do hides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.runtime.lag import Place


class Stalls:
    """Since when each of them has been standing still.

    longest: seconds of the one that has for the longest time.
    """

    def __init__(self, patience: float) -> None:
        """Begin.

        Args:
            patience: seconds after which, again and again, something is to be done about it.
        """
        self._patience = patience
        self._still: dict[Place, tuple[int, float, int]] = {}
        self.longest = 0.0

    def look(self, now: float, waiting: Mapping[Place, int]) -> list[Place]:
        """Note how it stands.

        Args:
            now: seconds of a clock that never goes back.
            waiting: how far each of the partitions is, of which records wait and none is in hand.

        Returns:
            About which ones something is to be done now.
        """
        before, self._still = self._still, {}
        self.longest = 0.0
        found: list[Place] = []
        for place, done in waiting.items():
            known, since, times = before.get(place, (done, now, 0))
            if known != done:
                since, times = now, 0
            if now - since > self._patience * (times + 1):
                found, times = [*found, place], times + 1
            self._still[place] = done, since, times
            self.longest = max(self.longest, now - since)
        return found
