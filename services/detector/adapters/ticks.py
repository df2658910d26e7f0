"""Who has to be reminded that time passes: an index of due instants by partition, in memory.

It is built from the heads of the stored rows, and again after every change of partitions. A
reminder is a record to ourselves, so that time and facts reach a patient in one order.
"""

from __future__ import annotations

import heapq
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from services.detector.adapters.local import Place
    from services.detector.adapters.rows import Head

    Queues = dict[int, list[tuple[int, str]]]

GRACE: Final = 300_000
"""Microseconds that facts of one instant may take to come in, one after the other."""
PATIENCE: Final = 30_000_000
"""Microseconds after which a reminder that had no effect is sent again."""
LATE: Final = 60_000_000
"""Microseconds after which somebody who was not reminded with effect is overdue."""


def at_rest(
    ours: Iterable[Place], begun: Collection[Place], behind: Collection[Place]
) -> list[int]:
    """The partitions where somebody may be reminded: those of which nothing waits.

    Of facts, since only where all are judged, what is missing is missing. Of our own reminders,
    so that of many, as after a change of rules, a fact waits for one round at most.

    Args:
        ours: places of facts.
        begun: places of any topic of which it is known how far we are.
        behind: those of them where records wait.
    """
    busy = {partition for _, partition in behind}
    return [place[1] for place in ours if place in begun and place[1] not in busy]


class Due(NamedTuple):
    """A patient, and the instant that time has reached for them, microseconds UTC."""

    partition: int
    patient_id: str
    instant: int


class Agenda:
    """What is due, by partition.

    begun: the partitions whose patients were noted from their stored rows.
    """

    def __init__(self, meaning: str) -> None:
        """Start empty.

        Args:
            meaning: of today's rules: who was judged by others is due at once, and comes after
                those to whom time has something to say.
        """
        self._meaning = meaning
        self.begun: set[int] = set()
        self._timely: Queues = {}
        self._anew: Queues = {}
        self._dues: dict[tuple[int, str], tuple[int, int]] = {}

    def note(self, partition: int, patient_id: str, head: Head, now: int) -> None:
        """Note when a patient is to be reminded, in place of what was noted before.

        Args:
            partition: the patient's.
            patient_id: who.
            head: where they stand.
            now: the present.
        """
        due, queues = self._of(head, now), self._timely
        if head.meaning != self._meaning:
            queues = self._anew if due is None or due[0] > now else self._timely
            due = now, now
        if due is None:
            self._dues.pop((partition, patient_id), None)
        else:
            self._put(queues, partition, patient_id, *due)

    @staticmethod
    def _of(head: Head, now: int) -> tuple[int, int] | None:
        """When to remind, and of which instant."""
        if head.wake is None:
            return None
        return (head.wake if head.pending is None else now + GRACE), head.wake

    def _put(
        self, queues: Queues, partition: int, patient_id: str, ready: int, instant: int
    ) -> None:
        self._dues[partition, patient_id] = ready, instant
        heapq.heappush(queues.setdefault(partition, []), (ready, patient_id))

    def due(self, partition: int, now: int, most: int) -> Iterator[Due]:
        """Who is to be reminded by now; whoever was given is given again after some time.

        Args:
            partition: whose patients.
            now: the present.
            most: no more than so many.
        """
        both = (self._taken(queues, partition, now) for queues in (self._timely, self._anew))
        return islice(chain.from_iterable(both), most)

    def _taken(self, queues: Queues, partition: int, now: int) -> Iterator[Due]:
        queue = queues.get(partition, [])
        while queue and queue[0][0] <= now:
            ready, patient_id = heapq.heappop(queue)
            noted = self._dues.get((partition, patient_id))
            if noted is not None and noted[0] == ready:
                self._put(queues, partition, patient_id, now + PATIENCE, noted[1])
                yield Due(partition, patient_id, noted[1])

    def waiting(self, now: int) -> tuple[int, int]:
        """How many there are to remind, now or later; and how many of them are overdue."""
        overdue = sum(instant + LATE <= now for _, instant in self._dues.values())
        return len(self._dues), overdue

    def begin(self, partition: int) -> None:
        """Take note that a partition's patients are being noted."""
        self.begun.add(partition)

    def clear(self) -> None:
        """Forget all."""
        self.begun.clear()
        self._timely.clear()
        self._anew.clear()
        self._dues.clear()
