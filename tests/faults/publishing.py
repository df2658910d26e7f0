"""Events are published while things break: in pieces, by a thread that never gives up."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from faults.traffic import received
from schemas.topics import EVENTS
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.events import Event
    from services.runtime.kafka import Cluster


class Publishing:
    """Publishes pieces of the input, one after the other, as `salvage map` does.

    published: how many events are in Kafka for certain.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.published = 0
        self._cluster = cluster
        self._pieces: queue.SimpleQueue[Sequence[Event] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def give(self, events: Sequence[Event]) -> None:
        """The next piece."""
        self._pieces.put(events)

    def finish(self) -> None:
        """Wait until all is published."""
        self._pieces.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            while not self._done(piece):
                pass  # of what failed nobody knows whether it is there: all of it again
            self.published += len(piece)

    def _done(self, piece: Iterable[Event]) -> bool:
        try:
            with Publisher(self._cluster) as publisher:
                publisher.publish(record(one) for one in piece)
        except Unavailable:
            return False
        return True


def record(event: Event) -> Outgoing:
    """As `salvage map` publishes it, of a message that was received when it was issued."""
    at = received(event)
    headers = (("source", event.source), ("received", str(at)))
    return Outgoing(EVENTS.name, event.patient_id, event.to_json(), headers, at)


def pieces(events: Sequence[Event], count: int) -> list[list[Event]]:
    """So many pieces, or fewer; what one patient's message brought stays together."""
    size = max(1, -(-len(events) // count))
    found: list[list[Event]] = [[]]
    for before, event in zip((None, *events), events, strict=False):
        together = before is not None and _message(before) == _message(event)
        if len(found[-1]) >= size and not together:
            found.append([])
        found[-1].append(event)
    return found


def _message(event: Event) -> tuple[str, int]:
    return event.patient_id, received(event)
