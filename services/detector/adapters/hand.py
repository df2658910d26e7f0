"""What is done with one record, from its bytes to the end: judged, stored, told, finished.

Any client library may have brought it. What it waits for is Kafka's answers; records of one
partition are handed over one after the other (`lanes.py`).
"""

from __future__ import annotations

from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from services.detector.adapters.desk import Desk
from services.detector.adapters.local import record_of
from services.detector.adapters.outbox import tick
from services.detector.adapters.sending import insist
from services.detector.adapters.spans import tell_judged
from services.detector.adapters.ticks import Agenda
from services.runtime import tracing
from services.runtime.errors import Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from services.detector.adapters.changelog import Changelog
    from services.detector.adapters.desk import Handled
    from services.detector.adapters.keyed import Judging
    from services.detector.adapters.local import Place, Progress
    from services.detector.adapters.metrics import DetectorMetrics
    from services.detector.adapters.outbox import Outgoing, Record
    from services.detector.adapters.sending import Sender
    from services.detector.adapters.ticks import Due
    from services.runtime.clock import Clock

LEASE: Final = 5.0
"""Seconds since a row was known to be the last one, in which nobody else can have taken over."""


class Hand:
    """Handles records.

    agenda: whom to remind, of the partitions whose state is known.
    desk: judges.
    known: partitions that are ours and whose rows are all on the shelf.
    """

    def __init__(
        self,
        judging: Judging,
        changelog: Changelog,
        sender: Sender,
        progress: Progress,
        metrics: DetectorMetrics,
        clock: Clock,
    ) -> None:
        """Wire."""
        self.agenda = Agenda(judging.meaning)
        self.desk = Desk(judging, changelog)
        self.known: set[int] = set()
        self._changelog, self._sender = changelog, sender
        self._progress, self._metrics, self._clock = progress, metrics, clock

    def serves(self, place: Place) -> bool:
        """Whether it is known which record of a partition comes next, and all its rows are."""
        return place in self._progress.done and place[1] in self.known

    def forget(self) -> None:
        """Partitions change hands; what we know of any may be outdated afterwards."""
        self.known.clear()
        self.agenda.clear()

    async def handle(self, message: Any) -> bool:
        """Handle a record to its end; nothing may go on behind what failed."""
        try:
            if await self._is_next(message):
                record, begun, at = record_of(message), monotonic(), self._clock.now()
                handled = await self._stored(record)
                for one in handled.sends:
                    if monotonic() - begun > LEASE:
                        begun = await self._still_ours(record.partition)
                    await self.send(one, record.partition)
                if handled.head is not None:
                    now = self._clock.now()
                    self.agenda.note(record.partition, handled.patient_id, handled.head, now)
                self._progress.finish(message.tp, message.offset)
                self._metrics.handled(record, handled, self._clock.now())
                if tracing.on():
                    tell_judged(record, handled, at, self._clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it is, the record is not finished
            self._progress.failure = error
        return self._progress.failure is None

    async def _is_next(self, message: Any) -> bool:
        """Whether a record is the one that we wait for, and not one that was finished.

        Raises:
            Unavailable: records before it were passed over.
        """
        wanted = self._progress.done.get(message.tp)
        if wanted is None or message.offset == wanted:
            return wanted is not None  # no longer ours: it comes again, to whoever has it
        if message.offset < wanted:
            return False
        topic, partition = message.tp
        first = await self._changelog.first(topic, partition, wanted, message.offset)
        if first < message.offset:
            raise Unavailable("kafka: the client passed a record over")
        self._progress.begin(message.tp, message.offset)
        return True

    async def _stored(self, record: Record) -> Handled:
        """Judge a record until its row follows all rows of the partition."""
        await self._catch_up(record.partition)
        while True:
            begun = perf_counter()
            handled = self.desk.handle(record)
            self._metrics.judged(perf_counter() - begun)
            if handled.key is None or await self._append(record.partition, handled):
                return handled
            self.desk.forget(record.partition)
            logger().warning("another wrote", extra={"reason": "a partition has two owners"})

    async def _still_ours(self, partition: int) -> float:
        """See that nobody else has written: what we have to say may be older than what they said.

        Returns:
            Since when that is known, by the clock of `LEASE`.

        Raises:
            Unavailable: somebody has.
        """
        now, known = monotonic(), self._changelog.shelf(partition).end
        self.known.discard(partition)
        await self._catch_up(partition)
        if self._changelog.shelf(partition).end != known:
            raise Unavailable("another process has the partition")
        return now

    async def _append(self, partition: int, handled: Handled) -> bool:
        key, row = handled.key or b"", handled.row
        act, trouble = self._changelog.append, "the changelog takes nothing"
        return await insist(lambda: act(partition, key, row), trouble, self._progress, partition)

    async def _catch_up(self, partition: int) -> None:
        """Know all rows of a partition, once after it came to us."""
        if partition not in self.known:
            act, trouble = self._changelog.catch_up, "the changelog gives nothing"
            await insist(lambda: act(partition), trouble, self._progress, partition)
            self.desk.forget(partition)
            self.known.add(partition)

    async def send(self, one: Outgoing, lane: int, partition: int | None = None) -> None:
        """Send a record of a lane; without a partition its key decides where to.

        Raises:
            Exception: the last failure, of whatever kind the client library makes.
        """
        record = one.topic, one.key.encode(), one.value.encode(), one.headers, partition
        act, trouble = self._sender.send, f"{one.topic} takes nothing"
        await insist(lambda: act(*record), trouble, self._progress, lane)

    async def remind(self, one: Due) -> None:
        """Send a reminder to the lane that it is for.

        Raises:
            Exception: as `send`.
        """
        await self.send(tick(one.patient_id, one.instant), one.partition, one.partition)

    async def begin(self, partition: int) -> None:
        """Know a partition's state, and whom to remind there; once after it came to us.

        Raises:
            Exception: as `send`.
        """
        if partition in self.agenda.begun:
            return
        await self._catch_up(partition)
        self.agenda.begin(partition)
        for patient_id, head in self._changelog.shelf(partition).newest():
            self.agenda.note(partition, patient_id, head, self._clock.now())
