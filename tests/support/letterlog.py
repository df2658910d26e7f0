"""Topics in memory, for those who work dead letters: to be broken off after any record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from schemas.topics import DEADLETTERS, HANDLED
from services.ingest.kafka.letters import Book
from services.ingest.kafka.records import Incoming
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.ingest.kafka.publisher import Outgoing


class Killed(BaseException):
    """The process ended here."""


class Log:
    """What lies on topics of one partition each.

    left: records that may still be written; then whoever writes is killed. None: any number.
    """

    def __init__(self) -> None:
        self.topics: dict[str, list[Incoming]] = {}
        self.clock = ManualClock(1_800_000_000_000_000)
        self.left: int | None = None

    def publish(self, records: Iterable[Outgoing]) -> None:
        for one in records:
            if self.left == 0:
                raise Killed
            self.left = None if self.left is None else self.left - 1
            self.add(one.topic, one.key.encode(), one.value, dict(one.headers))

    def add(
        self, topic: str, key: bytes | None, value: bytes | None, headers: dict[str, str]
    ) -> Incoming:
        lies = self.topics.setdefault(topic, [])
        record = Incoming(topic, 0, len(lies), self.clock.now(), key, value, headers)
        lies.append(record)
        return record

    def forget(self, topic: str) -> None:
        """Its records have reached their age."""
        self.topics[topic] = []

    def book(self) -> Book:
        """The letters, as whoever begins now finds them."""
        found = Book()
        found.add(self.topics.get(DEADLETTERS.name, ()))
        found.note(self.topics.get(HANDLED.name, ()))
        return found

    def sent(self, topic: str) -> Counter[bytes | None]:
        """How often each content lies on a topic."""
        return Counter(one.value for one in self.topics.get(topic, ()))


class View:
    """A snapshot of a log: what was there before it began is known."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._next = {name: len(lies) for name, lies in log.topics.items()}

    def news(self, topic: str) -> Iterator[Incoming]:
        lies = self._log.topics.get(topic, [])
        new = lies[self._next.get(topic, 0) :]
        self._next[topic] = len(lies)
        yield from new

    def at(self, topic: str, partition: int, offset: int) -> Incoming | None:
        del partition
        lies = self._log.topics.get(topic, [])
        return lies[offset] if offset < len(lies) else None
