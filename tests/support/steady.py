"""A stopwatch that only moves when told."""

from __future__ import annotations


class Steady:
    """Reads `seconds`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds
