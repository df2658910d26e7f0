"""What the process tells of its own work to whoever counts it; unless somebody does, nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.notifier.channels.contract import Outcome
    from services.notifier.service.sorting import Ready


class Observer(Protocol):
    """Counts. A transaction that is tried again may be told of twice; nothing goes by these."""

    def ended(self, done: Sequence[tuple[Ready, Outcome]], now: datetime) -> None:
        """Attempts ended, and what became of them is on disk."""
        ...

    def suppressed(self, why: str) -> None:
        """A message was not sent: it need not be any more, or a throttle holds it up."""
        ...

    def undeliverable(self) -> None:
        """No channel carries a message; its case goes on to somebody else."""
        ...


class Nobody:
    """Counts nothing."""

    def ended(self, done: Sequence[tuple[Ready, Outcome]], now: datetime) -> None:
        """Nothing."""

    def suppressed(self, why: str) -> None:
        """Nothing."""

    def undeliverable(self) -> None:
        """Nothing."""
