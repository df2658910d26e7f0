"""Who has to be reminded that time passes: an index of due instants by partition, in memory.

It is built from the heads of the stored rows, and again after every change of partitions. A
reminder is a record to ourselves, so that time and facts reach a patient in one order.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.adapters.rows import Head

GRACE: Final = 300_000
"""Microseconds that facts of one instant may take to come in, one after the other."""
PATIENCE: Final = 30_000_000
"""Microseconds after which a reminder that had no effect is sent again."""
LATE: Final = 60_000_000
"""Microseconds after which somebody who was not reminded with effect is overdue."""


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
            meaning: of today's rules: who was judged by others is due at once.
        """
        self._meaning = meaning
        self.begun: set[int] = set()
        self._queues: dict[int, list[tuple[int, str]]] = {}
        self._dues: dict[tuple[int, str], tuple[int, int]] = {}

    def note(self, partition: int, patient_id: str, head: Head, now: int) -> None:
        """Note when a patient is to be reminded, in place of what was noted before.

        Args:
            partition: the patient's.
            patient_id: who.
            head: where they stand.
            now: the present.
        """
        due = self._of(head, now)
        if due is None:
            self._dues.pop((partition, patient_id), None)
        else:
            self._put(partition, patient_id, *due)

    def _of(self, head: Head, now: int) -> tuple[int, int] | None:
        """When to remind, and of which instant."""
        if head.meaning != self._meaning:
            return now, now
        if head.wake is None:
            return None
        return (head.wake if head.pending is None else now + GRACE), head.wake

    def _put(self, partition: int, patient_id: str, ready: int, instant: int) -> None:
        self._dues[partition, patient_id] = ready, instant
        heapq.heappush(self._queues.setdefault(partition, []), (ready, patient_id))

    def due(self, partition: int, now: int, most: int) -> Iterator[Due]:
        """Who is to be reminded by now; whoever was given is given again after some time.

        Args:
            partition: whose patients.
            now: the present.
            most: no more than so many.
        """
        queue = self._queues.get(partition, [])
        while queue and queue[0][0] <= now and most > 0:
            ready, patient_id = heapq.heappop(queue)
            noted = self._dues.get((partition, patient_id))
            if noted is not None and noted[0] == ready:
                self._put(partition, patient_id, now + PATIENCE, noted[1])
                most -= 1
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
        self._queues.clear()
        self._dues.clear()
