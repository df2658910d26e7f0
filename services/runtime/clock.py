"""Clocks: the one place that reads the machine's time.

An instant is microseconds since 1970, UTC. Everything else takes a `Clock`.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """The present instant, microseconds UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """The present instant, microseconds UTC."""
        return time.time_ns() // 1_000


class ManualClock:
    """A clock that is set by hand: two years pass in a minute, and every run is the same."""

    def __init__(self, start: int = 0) -> None:
        """Begin at an instant, microseconds UTC."""
        self._now = start

    def now(self) -> int:
        """The instant it was last set to."""
        return self._now

    def set(self, instant: int) -> None:
        """Move on. A clock never goes back; an earlier instant leaves it where it is."""
        self._now = max(self._now, instant)
