"""Sources and dead letters of a cluster's topics, for the inbox of a notifier on Kafka.

The letters are read once and followed: each question takes in what is new. One asks at a time.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final

from schemas.topics import DEADLETTERS, EVENTS, HANDLED, RAW
from services.commands.topiclines import heaps_of, state_of
from services.detector.engine.instants import instant, moment
from services.embedded.reading import read
from services.embedded.upkeep import Tallies, Tally, counted, many, place
from services.ingest.kafka.letters import Book, Choice
from services.ingest.kafka.mapper import Mapper
from services.ingest.kafka.publisher import Publisher
from services.ingest.kafka.repeating import Check, parcels
from services.ingest.kafka.replaying import Operator
from services.ingest.kafka.snapshot import Snapshot
from services.ingest.kafka.topics import require
from services.ingest.profiles.gating import gate_of
from services.notifier.inbox.reading.machinery import Heap, Heard, Letter, Outcome
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from services.ingest.kafka import letters as kafka_letters
    from services.ingest.kafka.replaying import Outcome as Replayed
    from services.ingest.profiles.sources import Sources
    from services.notifier.inbox.reading.machinery import Asked
    from services.notifier.inbox.upkeep import Act
    from services.runtime.clock import Clock
    from services.runtime.kafka import Cluster

NEWEST: Final = 1_000
"""Records at the end of each partition of `clinical.raw` that tell who was heard."""
MOST: Final = 1_000
"""Letters that are worked at a time; the command takes more."""


@dataclass(slots=True)
class _Followed:
    """What was read so far."""

    snapshot: Snapshot
    book: Book


class TopicUpkeep:
    """A `services.notifier.inbox.upkeep.Upkeep` on a cluster."""

    acts: frozenset[Act] = frozenset({"replay", "drop"})

    def __init__(self, where: Cluster, sources: Sources, clock: Clock) -> None:
        """Connect when somebody asks.

        Args:
            where: the cluster.
            sources: the profiles; none: what is replayed isn't read here first.
            clock: the machine's.
        """
        self._where, self._sources, self._clock = where, sources, clock
        self._lock = Lock()
        self._followed: _Followed | None = None

    def close(self) -> None:
        """End."""
        with self._lock:
            self._forget()

    # -- sources

    def heard(self, today: datetime) -> Heard:
        """Of each source when it was last heard, and what came of it since midnight."""
        found, midnight = Tallies(self._sources, defaultdict(_tally)), instant(today)
        with self._lock:
            followed = self._read()
            since = self._count(followed.snapshot, found, midnight)
            for one in followed.book.letters(Choice(handled=True)):
                tally = found.by_name[one.about.source]
                tally.letters += one.received >= midnight
                tally.open += bool(one.open)
        return Heard(found.told(), moment(max(midnight, since)))

    def _count(self, snapshot: Snapshot, found: Tallies, midnight: int) -> int:
        """Since when the newest records tell all; 0: all are looked at."""
        first: dict[int, tuple[int, int]] = {}
        for record in snapshot.tail(RAW.name, NEWEST):
            first.setdefault(record.partition, (record.offset, record.received))
            tally = found.by_name[record.headers.get("source", "unknown sender")]
            tally.last = max(tally.last, record.received)
            tally.messages += record.received >= midnight
        return max((received for offset, received in first.values() if offset), default=0)

    # -- letters

    def heaps(self) -> list[Heap]:
        """The open letters by reason and source, the largest heap first."""
        with self._lock:
            found = heaps_of(self._read().book.letters(Choice()))
        return [
            Heap(one.reason, one.source, one.count, moment(one.oldest), moment(one.newest))
            for one in found
        ]

    def letters(self, asked: Asked, most: int) -> Sequence[Letter]:
        """The letters that are meant, the oldest first."""
        now = self._clock.now()
        with self._lock:
            found = self._read().book.letters(_choice(asked))
        return [_told(one, now) for one in found[:most]]

    def replay(self, asked: Asked, by: str) -> Outcome:
        """Send again what letters are about.

        Raises:
            OperatorError: there are too many, or a topic is missing.
            Unavailable: of what was under way it isn't known; its letters stay open.
        """
        require(self._where, [RAW, EVENTS])
        with self._lock, Publisher(self._where) as publisher:
            followed = self._read()
            self._bounded(followed.book, asked)
            made, untried = parcels(followed.book, _choice(asked))
            operator = Operator(followed.snapshot, followed.book, self._clock, by)
            found = operator.replay(made, self._check(), publisher, lambda _: None)
            self._forget()  # it has read what was handled, and not the letters of just now
        found.untried.update(untried)
        return Outcome(found.letters, tuple(_words(found)))

    def drop(self, asked: Asked, by: str, because: str) -> Outcome:
        """Record that nothing is to become of letters.

        Raises:
            OperatorError: there are too many.
            Unavailable: it isn't known whether it was recorded.
        """
        with self._lock, Publisher(self._where) as publisher:
            followed = self._read()
            meant = self._bounded(followed.book, asked)
            operator = Operator(followed.snapshot, followed.book, self._clock, by)
            found = operator.drop(meant, because, publisher)
        left = f" {found.elsewhere} are in the hands of a replay." if found.elsewhere else ""
        return Outcome(found.letters, (f"Dropped {many(found.letters)}.{left}",))

    @staticmethod
    def _bounded(book: Book, asked: Asked) -> list[kafka_letters.Letter]:
        found = book.letters(_choice(asked))
        if len(found) > MOST:
            raise OperatorError(f"more than {MOST} letters: `salvage deadletters --kafka` does it")
        return found

    def _check(self) -> Check:
        mapper = Mapper(partial(read, sources=self._sources), gate_of(self._sources))
        return Check(mapper.mapped, profiles=bool(self._sources.declared))

    def _read(self) -> _Followed:
        """Everything that is there by now; after a failure all of it is read anew."""
        followed = self._followed or _Followed(Snapshot(self._where), Book())
        self._followed = followed
        try:
            handled = list(followed.snapshot.news(HANDLED.name))
            followed.book.add(followed.snapshot.news(DEADLETTERS.name))  # has all that they name
            followed.book.note(handled)
        except Unavailable:
            self._forget()
            raise
        return followed

    def _forget(self) -> None:
        followed, self._followed = self._followed, None
        if followed is not None:
            with suppress(Unavailable):
                followed.snapshot.__exit__()


def _tally() -> Tally:
    return Tally(facts=None)


def _choice(asked: Asked) -> Choice:
    return Choice(
        reasons=frozenset({asked.reason} if asked.reason else ()),
        source=asked.source or None,
        handled=asked.handled,
        ids=(asked.letter,) if asked.letter else (),
        before=None if asked.before is None else instant(asked.before),
    )


def _told(one: kafka_letters.Letter, now: int) -> Letter:
    about, end = one.about, one.end
    return Letter(
        id=one.id,
        reason=about.reason,
        meaning=about.reason.sentence,
        source=about.source,
        received=moment(one.received),
        times=one.times,
        tries=one.tries,
        part=about.part,
        detail=about.detail,
        size=about.raw_size,
        place=place(about.where),
        state=state_of(one, now),
        by=None if end is None else end.by,
        because=None if end is None else end.because,
    )


def _words(found: Replayed) -> Iterator[str]:
    yield f"Sent again what {many(found.letters)} told of; records: {found.records}."
    yield from counted("Still refused", found.refused)
    yield from counted("To be sent again by their sender", found.untried)
    if found.elsewhere:
        yield f"In the hands of another replay: {found.elsewhere}."
