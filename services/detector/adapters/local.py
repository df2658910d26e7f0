"""What Faust holds, in our words: a record, and how far we are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from services.detector.adapters.outbox import Record

Place = tuple[str, int]
"""A topic and one of its partitions."""

_INSTANT: Final = re.compile(r"[0-9]{1,16}")
_LATEST: Final = 7_258_118_399_000_000
"""Microseconds: the last day of 2199, the latest that a message may name."""


@dataclass(slots=True)
class Progress:
    """How the worker is doing.

    Attributes:
        done: of each partition of a topic that is ours, the offset behind the last record that was
            finished: stored, sent, all acknowledged.
        finished: how many records were, ever.
        troubles: what is wrong at present, a sentence of ours for each lane that waits for it.
        failure: why it must end.
    """

    done: dict[Place, int] = field(default_factory=dict)
    finished: int = 0
    troubles: dict[int, str] = field(default_factory=dict)
    failure: Exception | None = None

    @property
    def trouble(self) -> str | None:
        """What is wrong at present in one of the lanes; None if all is well in all of them."""
        return next(iter(self.troubles.values()), None)

    def begin(self, place: Place, offset: int) -> None:
        """A partition is ours, and its records are wanted from an offset on."""
        self.done[place] = max(offset, self.done.get(place, 0))

    def finish(self, place: Place, offset: int) -> None:
        """A record is finished; it counts if it is the next one of a partition that is ours."""
        self.finished += 1
        if self.done.get(place) == offset:
            self.done[place] = offset + 1


class Watchdog:
    """Notices that nothing moves although something is waiting."""

    def __init__(self, patience: float) -> None:
        """Begin.

        Args:
            patience: seconds.
        """
        self._patience = patience
        self._since: float | None = None
        self._moved = -1

    def look(self, now: float, moved: int, *, waiting: bool) -> bool:
        """Note how it stands.

        Args:
            now: seconds of a clock that never goes back.
            moved: grows with everything that is done.
            waiting: whether there is something to do.

        Returns:
            Whether nothing has moved for too long.
        """
        if not waiting or moved != self._moved or self._since is None:
            self._since, self._moved = now, moved
        return now - self._since > self._patience


def record_of(message: Any) -> Record:
    """A record as Faust has it, in our words."""
    found = message.headers or ()
    pairs = found.items() if isinstance(found, dict) else found
    headers = {name: (text or b"").decode("utf-8", "replace") for name, text in pairs}
    at = receipt(headers.get("received", ""), round(message.timestamp * 1000) * 1000)
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        at,
        headers,
    )


def receipt(told: str, stamp: int) -> int:
    """When a record's content was received, microseconds UTC.

    Args:
        told: what its header `received` says; a receipt later than the record comes of a broken
            clock, and is not believed.
        stamp: the record's timestamp.
    """
    known = bool(_INSTANT.fullmatch(told)) and int(told) < stamp + 1000
    return min(max(int(told) if known else stamp, 0), _LATEST)
