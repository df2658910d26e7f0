"""What the ingest tells whoever watches it. Nothing in it changes what is received.

Telling comes after the fact: entries when they are on the disk, answers when they may leave.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ingest.journal import Entry


@dataclass(slots=True)
class Tally:
    """What came of a group of frames.

    Attributes:
        cuts: how many of each kind were cut from streams (`mllp.framing.Kind`).
        answers: sender and code (`A`, `E`, `R`) of what was answered.
        problems: sender and reason of what was found wrong within accepted messages.
    """

    cuts: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)


class Observer(Protocol):
    """Is told; must be quick, and may be told by several threads."""

    def kept(self, entries: Sequence[Entry], seconds: float) -> None:
        """Entries are on the disk; the wait for it took so long."""
        ...

    def answered(self, tally: Tally) -> None:
        """Frames were judged; their answers may leave."""
        ...

    def waited(self, seconds: Sequence[float], left: int) -> None:
        """For so long frames waited for their answers; so many still wait."""
        ...

    def connected(self, number: int) -> None:
        """So many connections are open."""
        ...

    def failed(self, reason: str) -> None:
        """A connection ended badly: `timeout`, `lost`, `too_many`."""
        ...


class Nobody:
    """Nobody watches."""

    def kept(self, entries: Sequence[Entry], seconds: float) -> None:
        """Nothing."""

    def answered(self, tally: Tally) -> None:
        """Nothing."""

    def waited(self, seconds: Sequence[float], left: int) -> None:
        """Nothing."""

    def connected(self, number: int) -> None:
        """Nothing."""

    def failed(self, reason: str) -> None:
        """Nothing."""


NOBODY: Final = Nobody()
