"""Traffic of months played in a minute, on a clock that the messages' own times drive.

Every record becomes known when it was sent; between two of them the clock stops at each moment
at which something falls due, so that an alert about missing evidence comes on its day.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from schemas.base import as_utc
from schemas.deadletter import Where
from services.detector.engine.instants import US_PER_SECOND, instant, moment
from services.embedded.delivery import Delivery
from services.ingest.archive import Format, Record
from services.ingest.sources.files import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from schemas.events import Event
    from services.embedded.runtime import Runtime
    from services.runtime.clock import ManualClock


@dataclass(frozen=True, slots=True)
class Sent:
    """One message: when it was sent, and its bytes."""

    at: datetime
    form: Format
    raw: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the play has come: the simulated present, and the deliveries that were made."""

    at: datetime
    done: int
    total: int


def sent(event: Event) -> Sent:
    """An event as a canonical JSON message, sent when it was issued (else: when it happened)."""
    return Sent(event.issued_at or as_utc(event.effective_at), Format.EVENTS, event.to_json())


def deliveries(messages: Iterable[Sent], source: str = "player") -> list[Delivery]:
    """Messages by the moment of their sending; what is sent at one moment is one delivery."""
    ordered = sorted(messages, key=lambda message: instant(message.at))
    return [
        Delivery(at, tuple(_arrival(message, source) for message in together))
        for at, together in groupby(ordered, key=lambda message: instant(message.at))
    ]


def _arrival(message: Sent, source: str) -> Arrival:
    return Arrival(source, message.form, Record(Where(), message.raw), None)


def play(
    script: Sequence[Delivery],
    runtime: Runtime,
    clock: ManualClock,
    *,
    speed: float | None = None,
    wait: Callable[[float], bool] = lambda _: True,
    until: datetime | None = None,
) -> Iterator[Progress]:
    """Play deliveries into a runtime, as fast as the result is iterated over.

    Args:
        script: as `deliveries` gives them.
        runtime: started.
        clock: the one the runtime and the pages look at; it is moved along.
        speed: simulated seconds in a real one; None: no pauses.
        wait: pauses for so many seconds, and says whether to go on.
        until: the clock runs up to here after the last delivery.

    Returns:
        One progress for every delivery, and one for every due moment between them.
    """
    done, total = 0, len(script)
    pace = _Pace(speed, wait)
    for delivery in script:
        for due in _dues(runtime, delivery.at - 1):
            if not pace.reach(due):
                return
            _tick(runtime, clock, due)
            yield Progress(moment(due), done, total)
        if not pace.reach(delivery.at):
            return
        clock.set(delivery.at)
        runtime.take([delivery])
        done += 1
        yield Progress(moment(delivery.at), done, total)
    end = None if until is None else instant(until)
    for due in _dues(runtime, end):
        if not pace.reach(due):
            return
        _tick(runtime, clock, due)
        yield Progress(moment(due), done, total)
    if end is not None:
        _tick(runtime, clock, end)
        yield Progress(moment(end), done, total)


def _dues(runtime: Runtime, end: int | None) -> Iterator[int]:
    """The moments up to `end` at which something falls due; none without an end."""
    while end is not None and (due := runtime.next_due()) is not None and due <= end:
        yield due


def _tick(runtime: Runtime, clock: ManualClock, now: int) -> None:
    clock.set(now)
    runtime.tick()


class _Pace:
    """Turns simulated time into pauses."""

    def __init__(self, speed: float | None, wait: Callable[[float], bool]) -> None:
        self._speed = speed
        self._wait = wait
        self._at: int | None = None

    def reach(self, at: int) -> bool:
        """Pause until the simulated instant; whether to go on."""
        before, self._at = self._at, at
        if self._speed is None or before is None:
            return self._wait(0)
        return self._wait(max(0, at - before) / US_PER_SECOND / self._speed)
