"""Feeds: where the records come from, one or several as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.embedded.delivery import Delivery


class Feed(Protocol):
    """Gives out records with their marks."""

    @property
    def catching_up(self) -> bool:
        """Whether what lay there when we began to look is not all read yet."""
        ...

    def reset(self) -> None:
        """Go back to what was stored: what was given out since will be given out again."""
        ...

    def batches(self) -> Iterator[list[Delivery]]:
        """What is new. A batch counts as taken when the next one is asked for."""
        ...


class Feeds:
    """Several feeds as one: time passes only when none of them is behind."""

    def __init__(self, *feeds: Feed) -> None:
        """Read these, in this order."""
        self._feeds = feeds

    @property
    def catching_up(self) -> bool:
        """Whether any of them is."""
        return any(feed.catching_up for feed in self._feeds)

    def reset(self) -> None:
        """Reset them all."""
        for feed in self._feeds:
            feed.reset()

    def batches(self) -> Iterator[list[Delivery]]:
        """What is new in each."""
        for feed in self._feeds:
            yield from feed.batches()
