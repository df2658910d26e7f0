"""The mapper: records become clinical events and dead letters, each at least once.

Laws of this file:
- a record's place is committed only after all that came of it is in Kafka;
- what is done again after a failure gives the same events with the same ids and the same content,
  so that whoever reads them merges them into the same facts;
- no record stops the others: one at which our own code fails becomes a dead letter.
"""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from prometheus_client import CollectorRegistry

from schemas.deadletter import Reason
from schemas.topics import EVENTS, RAW
from services.ingest.archive import Format
from services.ingest.coding import Rejected
from services.ingest.journal import State
from services.ingest.kafka.mapmetrics import MapperMetrics, Standing
from services.ingest.kafka.membership import Membership
from services.ingest.kafka.records import (
    event_arrival,
    event_record,
    letter_record,
    links,
    raw_arrival,
)
from services.ingest.spans import tell_mapped
from services.runtime import tracing
from services.runtime.clock import SystemClock
from services.runtime.errors import Unavailable, place_of
from services.runtime.logs import logger
from services.runtime.pulse import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from schemas.events import Event
    from services.ingest.coding import Notice
    from services.ingest.kafka.group import GroupReader
    from services.ingest.kafka.publisher import Outgoing, Publisher
    from services.ingest.kafka.records import Incoming
    from services.ingest.mllp.gate import Examined
    from services.ingest.sources.files import Arrival
    from services.runtime.shutdown import Stop

GROUP: Final = "salvage-map"
POLL_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 2.0


class Reading(Protocol):
    """What comes of one record."""

    @property
    def events(self) -> tuple[Event, ...]:
        """The facts in it."""
        ...

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """The parts that can't be used."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is odd about what is kept."""
        ...


class _Refused(NamedTuple):
    """What comes of a record that is not read."""

    rejected: tuple[Rejected, ...] = ()
    events: tuple[Event, ...] = ()
    notices: tuple[Notice, ...] = ()


class Mapper:
    """Maps single records; pure but for the log."""

    def __init__(
        self,
        read: Callable[[Arrival], Reading],
        gate: Callable[[bytes, int], Examined] | None = None,
    ) -> None:
        """Wire.

        Args:
            read: reads a record by its format; the same that the embedded runtime uses.
            gate: looks again at HL7 v2 that is replayed, as when it came by MLLP: its bytes, and
                when it was received, microseconds UTC. None: nobody does.
        """
        self._read = read
        self._gate = gate
        self._noticed: set[tuple[str, Reason, str]] = set()

    def mapped(self, record: Incoming) -> list[Outgoing]:
        """What is to be published of a record, in order."""
        arrival = raw_arrival(record) if record.topic == RAW.name else event_arrival(record)
        if arrival is None:
            return []
        try:
            reading = self._seen_again(arrival, record) or self._read(arrival)
        except Exception as error:  # noqa: BLE001 - a defect must not stop the others
            where = place_of(error)
            logger().error("defect", extra={"detail": where})
            return [letter_record(Rejected(Reason.DEFECT, where), arrival, record)]
        self._notice(arrival.source, reading.notices)
        letters = (letter_record(one, arrival, record) for one in reading.rejected)
        return [*(event_record(event, record) for event in reading.events), *letters]

    def _seen_again(self, arrival: Arrival, record: Incoming) -> Reading | None:
        """What the gate holds against a replayed message today; the first time it was asked before.

        Returns:
            None where the message is to be read.
        """
        if self._gate is None or not links(record.headers) or arrival.form is not Format.HL7:
            return None
        seen = self._gate(arrival.record.raw, record.received)
        if seen.refused is not None:
            return _Refused((seen.refused,))
        return _Refused() if seen.state is State.IGNORED else None

    def _notice(self, source: str, notices: Iterable[Notice]) -> None:
        """Say once what is odd about a source's records that are kept."""
        for notice in notices:
            oddity = (source, notice.reason, notice.detail)
            if oddity not in self._noticed:
                self._noticed.add(oddity)
                about = {"source": source, "reason": notice.reason, "detail": notice.detail}
                logger().warning("notice", extra=about)


class MapWorker:
    """Reads, maps, publishes, commits, and again."""

    def __init__(
        self,
        mapper: Mapper,
        reader: Callable[[], GroupReader],
        publisher: Callable[[], Publisher],
        metrics: MapperMetrics | None = None,
    ) -> None:
        """Wire; `run` does the work.

        Args:
            mapper: maps.
            reader: joins the group.
            publisher: connects; called again after each failure.
            metrics: told of what was done; None: nobody asks.
        """
        self._mapper = mapper
        self._join = reader
        self._connect = publisher
        self._reader: GroupReader | None = None
        self._publisher: Publisher | None = None
        self._membership, self._health = Membership(), Health(monotonic)
        self._clock = SystemClock()
        self._metrics = metrics or MapperMetrics(CollectorRegistry())
        self._metrics.watch(self._standing)

    def run(self, stop: Stop) -> None:
        """Work until asked to stop; what is in hand is then finished.

        Raises:
            Unavailable: no broker answers at the beginning.
        """
        try:
            self._reader = self._join()
            self._publisher = self._connect()
            while not stop.asked:
                if not self._round():
                    stop.wait(RETRY_SECONDS)
        finally:
            self._drop()
            self._leave()

    def problem(self) -> str | None:
        """Why it is not at work; None when it is. From any thread."""
        return self._health.problem() or self._membership.problem()

    def hangs(self) -> bool:
        """Whether only a new start can help. From any thread."""
        return self._health.hangs()

    def _standing(self) -> Standing:
        seen, troubled = self._membership, self._health.problem() is not None
        missing: dict[str, int] = {}
        for client in (self._reader, self._publisher):
            missing |= {} if client is None else client.missing_copies()
        return Standing(seen.behind, seen.standstill, troubled=troubled, missing=missing)

    def _round(self) -> bool:
        """One batch.

        Returns:
            Whether it went well; if not, it will come again.
        """
        try:
            if self._reader is None:
                self._reader = self._join()
            self._work(self._reader)
            self._look(self._reader)
        except Unavailable as error:
            logger().error("trouble", extra={"detail": str(error)})
            self._health.beat()  # it came round, though in vain
            self._health.fail(str(error))
            self._drop()
            if self._reader is not None:
                self._reader.back()
            return False
        self._health.beat()
        return True

    def _work(self, reader: GroupReader) -> None:
        records = reader.poll(POLL_SECONDS)
        if not records:
            return
        begun = self._clock.now()
        made = [(record, self._mapper.mapped(record)) for record in records]
        if self._publisher is None:
            self._publisher = self._connect()
        self._publisher.publish(one for _, each in made for one in each)
        reader.commit(records)
        now = self._clock.now()
        for record, each in made:
            self._metrics.mapped(record, each, now)
        _report(made)
        if tracing.on():
            tell_mapped(made, begun)

    def _look(self, reader: GroupReader) -> None:
        """See how we stand; leave, and join anew in the next round, if the client is deaf."""
        self._membership.look(reader)
        if self._membership.is_deaf():
            self._leave()
            raise Unavailable("kafka: the group has not been heard for too long; joining anew")

    def _drop(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    def _leave(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
            self._membership.left()


def _report(made: Sequence[tuple[Incoming, Sequence[Outgoing]]]) -> None:
    topics = Counter(one.topic for _, each in made for one in each)
    facts = topics[EVENTS.name]
    about = {"records": len(made), "facts": facts, "deadletters": topics.total() - facts}
    logger().info("mapped", extra=about)
