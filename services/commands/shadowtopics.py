"""What `salvage shadow` follows beside `salvage detect`: clinical events, and who judges them how.

Law of this file: it reads in no group, keeps no places and publishes nothing. No detector can tell
that it is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.topics import EVENTS, STATE
from services.detector.adapters.desk import read
from services.detector.adapters.keyed import Arrival, Judging
from services.detector.adapters.local import receipt
from services.detector.adapters.outbox import Record
from services.detector.adapters.rows import head_of
from services.detector.engine.fact import Fact
from services.ingest.kafka.snapshot import Snapshot
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import ExitStack

    from services.detector.engine.rule import CompiledRule
    from services.ingest.kafka.records import Incoming
    from services.runtime.kafka import Cluster


class Standing:
    """How far detectors have come, by the rows of their state.

    suspended: patients at whom the software in force fails, and who are not judged.
    """

    def __init__(self) -> None:
        """Nothing was read, yet."""
        self.suspended: set[str] = set()
        self._latest = (-1, "")

    @property
    def meaning(self) -> str:
        """The digest of the software and the rules of who judged last; '' if nobody has."""
        return self._latest[1]

    def learn(self, row: Incoming) -> None:
        """Take in a record of the state's topic.

        Raises:
            OperatorError: a newer version of this software wrote it.
        """
        if row.key is None or row.value is None:
            return
        head, patient = head_of(row.value), row.key.partition(b"\0")[0].decode()
        self._latest = max(self._latest, (row.at, head.meaning), key=lambda one: one[0])
        if head.defect is None:
            self.suspended.discard(patient)
        else:
            self.suspended.add(patient)


class TopicFacts:
    """The facts of a cluster, each given once; those of patients who are set aside are left out.

    What the detector refuses is passed over: it has made a dead letter of it.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """Begin with the first fact that is there."""
        self._snapshot = snapshot
        self._standing = Standing()

    def judged_by(self) -> str:
        """The digest of the software and the rules that judge at present; '' if none have yet.

        Raises:
            OperatorError: they are newer than this software.
            Unavailable: it can't be read.
        """
        for row in self._snapshot.news(STATE.name):
            self._standing.learn(row)
        return self._standing.meaning

    def __call__(self) -> Iterator[Fact]:
        """What was published since the last time.

        Raises:
            OperatorError: as `judged_by`.
            Unavailable: it can't be read; it is given again.
        """
        self.judged_by()
        for record in self._snapshot.news(EVENTS.name):
            arrival = read(_as_judged(record))
            if not isinstance(arrival, Arrival) or arrival.event is None:
                continue
            if arrival.event.patient_id not in self._standing.suspended:
                yield Fact(arrival.event, arrival.at)


def topic_facts(where: Cluster, old: Sequence[CompiledRule], stack: ExitStack) -> TopicFacts:
    """The facts of a cluster that is judged by these rules.

    Raises:
        OperatorError: it is judged by others, or nothing was judged yet.
        Unavailable: no broker answers, or a topic is missing.
    """
    facts = TopicFacts(stack.enter_context(Snapshot(where)))
    meaning = facts.judged_by()
    if not meaning:
        raise OperatorError("--kafka: nothing was judged there yet; `salvage detect` does that")
    if meaning != Judging.by(old).meaning:
        told = "--site: what is there is judged by other rules, or by another release"
        raise OperatorError(f"{told}; name the file that salvage detect has")
    return facts


def _as_judged(record: Incoming) -> Record:
    """A record as the detector takes it, received at the same instant."""
    at = receipt(record.headers.get("received", ""), record.at)
    place = record.topic, record.partition, record.offset
    return Record(*place, record.key, record.value, at, record.headers)
