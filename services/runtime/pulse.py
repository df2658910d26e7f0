"""Whether the process does its work: what a supervisor asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STALE_SECONDS = 60.0
"""A loop that has not come round for so long hangs."""


class Health:
    """The last sign of life, and what is wrong at present."""

    def __init__(self, steady: Callable[[], float]) -> None:
        """Begin in good health.

        Args:
            steady: seconds on a clock that only goes forward.
        """
        self._steady = steady
        self._beat = steady()
        self._begun = False
        self._wrong: str | None = None

    def beat(self) -> None:
        """Once round the loop, without trouble."""
        self._begun, self._beat, self._wrong = True, self._steady(), None

    def fail(self, reason: str) -> None:
        """Something is wrong; the reason is a sentence of ours."""
        self._wrong = reason

    def problem(self) -> str | None:
        """What is wrong; None when all is well."""
        if self._wrong is not None:
            return self._wrong
        return "the loop has not come round for a minute" if self._is_stale() else None

    def hangs(self) -> bool:
        """Whether only a new start can help. Before the first round it takes what it takes."""
        return self._begun and self._is_stale()

    def _is_stale(self) -> bool:
        return self._steady() - self._beat > STALE_SECONDS
