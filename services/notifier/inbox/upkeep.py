"""What the pages of operations read, and do: a port. Whoever takes messages in has it.

Nothing here is of a patient: names of systems, reasons of a closed list, places, times, counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.notifier.inbox.reading.machinery import Asked, Heap, Heard, Letter, Outcome

Act = Literal["replay", "drop"]


class Upkeep(Protocol):
    """Sources and dead letters, as they stand now. Every question may find them out of reach.

    Each method raises `Unavailable` then, and several threads may ask at once.
    """

    @property
    def acts(self) -> frozenset[Act]:
        """What can be done about letters from here."""
        ...

    def heard(self, today: datetime) -> Heard:
        """Of each source when it was last heard, and what came of it since midnight."""
        ...

    def heaps(self) -> Sequence[Heap]:
        """The open letters by reason and source, the largest heap first."""
        ...

    def letters(self, asked: Asked, most: int) -> Sequence[Letter]:
        """The letters that are meant, the oldest first, without what was received."""
        ...

    def replay(self, asked: Asked, by: str) -> Outcome:
        """Read letters again, by the profiles as they are now."""
        ...

    def drop(self, asked: Asked, by: str, because: str) -> Outcome:
        """Record that nothing is to become of letters."""
        ...
