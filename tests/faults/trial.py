"""One run: everything is started, published, broken, mended, awaited and judged."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from faults import cluster as brokers
from faults import crew as workers
from faults.network import Network
from faults.plan import BROKERS, WORKERS, Fault, Kind
from faults.publishing import Publishing, pieces
from faults.traffic import disordered, received
from faults.verdict import Verdict, judge
from faults.watching import Watching
from schemas.topics import TOPICS
from services.detector.adapters.replay import replay
from services.detector.engine.instants import US_PER_DAY, instant, moment
from services.ingest.kafka.topics import connected
from services.runtime.clock import SystemClock
from services.runtime.errors import SalvageError
from services.runtime.kafka import PREFIX, cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from schemas.alerts import AlertRevision
    from schemas.events import Event
    from services.detector.engine.rule import CompiledRule

_STANDSTILL = 20.0
"""Seconds after which the next thing breaks even if no row was written since the one before."""
_QUIET = 120.0
"""Seconds without anything new, after which nothing more is to come."""
_AFTER = 100 * US_PER_DAY
_HOURS = US_PER_DAY // 8
"""How long a run may take, at most, in which nothing may come due by the clock."""
_WHILE_DUE = 0.2
"""The part of the faults that come when all is published, and time passes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a replay says.

    Attributes:
        revisions: all of them.
        until: the instant up to which time has passed.
    """

    revisions: list[AlertRevision]
    until: int


def expected(events: Sequence[Event], rules: Sequence[CompiledRule]) -> Expected:
    """Replay, up to an instant after which nothing comes due for some hours."""
    until = max(map(received, events)) + _AFTER
    told = replay(events, rules, until=moment(until + 30 * US_PER_DAY)).revisions
    for at in sorted(instant(one.at) for one in told):
        if until <= at <= until + _HOURS:
            until = at + 1
    return Expected([one for one in told if instant(one.at) <= until], until)


@dataclass
class Trial:
    """One run.

    counts: faults that were made, by kind.
    """

    events: Sequence[Event]
    right: Expected
    faults: Sequence[Fault]
    seed: int
    folder: Path
    words: tuple[str, ...] = ()
    say: Callable[[str], None] = print
    counts: dict[Kind, int] = field(default_factory=dict)

    def run(self) -> Verdict:
        """Do it.

        Raises:
            NoNetwork: namespaces can't be made here.
            NoBroker: the brokers don't start, or don't come back.
            GaveUp: a worker wants what no page speaks of.
        """
        os.environ[f"{PREFIX}PROTOCOL"] = "PLAINTEXT"  # not this machine alone, to the workers
        hosts = [brokers.host_of(n) for n in range(BROKERS)]
        hosts += [workers.host_of(n) for n in range(WORKERS)]
        self._rows = 0
        with ExitStack() as stack:
            self._random = Random(self.seed)  # noqa: S311 - no secrets
            self._network = stack.enter_context(Network(*hosts))
            self._cluster = stack.enter_context(brokers.Cluster(self.folder, self._network))
            brokers.wait_for("the topics", self._topics_made)
            self._clock = self.folder / "clock"
            first = min(map(received, self.events))
            self._clock.write_text(f"@{first - US_PER_DAY}")
            self._workers = workers.crew(
                self.folder, self._network, self._cluster.address, self._clock, *self.words
            )
            for one in self._workers:
                stack.callback(one.remove)
                one.start()
            self._watching = stack.enter_context(Watching(self._cluster.address))
            self._work()
            return self._judged()

    def _topics_made(self) -> bool:
        try:
            with connected(cluster(self._cluster.address, os.environ), brokers.REPLICAS) as topics:
                topics.apply(TOPICS)
        except (SalvageError, OSError):
            return False
        return True

    # -- what happens

    def _work(self) -> None:
        publishing = Publishing(cluster(self._cluster.address, os.environ))
        early = len(self.faults) - int(len(self.faults) * _WHILE_DUE)
        given = pieces(disordered(self._random, self.events), early + 1)
        for number, fault in enumerate(self.faults[:early]):
            for piece in given[number : number + 1]:
                publishing.give(piece)
            self._fault(number, fault, publishing.published)
        for piece in given[early:]:
            publishing.give(piece)
        publishing.finish()
        self._until_quiet("no more is judged", 3.0)
        self._clock.write_text(str(SystemClock().now() - self.right.until))
        for number, fault in enumerate(self.faults[early:], start=early):
            self._fault(number, fault, publishing.published)

    def _fault(self, number: int, fault: Fault, published: int) -> None:
        self._wait(fault.wait)
        self._wait_for_progress()
        alerts = len({one.key for one in self._watching.alerts()})
        self.say(
            f"{number + 1}/{len(self.faults)} {fault}; published {published:,}, "
            f"rows {self._watching.rows():,}, alerts {alerts:,}"
        )
        self._break(fault)
        self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1

    def _break(self, fault: Fault) -> None:
        act: dict[Kind, Any] = {
            Kind.KILL: self._kill,
            Kind.BROKER_KILL: self._kill_broker,
            Kind.CUT: self._cut,
            Kind.STOP: self._stop,
            Kind.FULL: self._fill,
            Kind.CORRUPT: self._corrupt,
        }
        act[fault.kind](fault)

    def _kill(self, fault: Fault) -> None:
        self._workers[fault.target].kill()
        self._workers[fault.target].start()

    def _kill_broker(self, fault: Fault) -> None:
        self._cluster.brokers[fault.target].kill()
        self._wait(fault.last)
        self._cluster.brokers[fault.target].start()

    def _cut(self, fault: Fault) -> None:
        number = fault.target - BROKERS
        host = brokers.host_of(fault.target) if number < 0 else workers.host_of(number)
        self._network.cut(host)
        self._wait(fault.last)
        self._network.mend(host)

    def _stop(self, fault: Fault) -> None:
        self._workers[fault.target].stand_still()
        self._wait(fault.last)
        self._workers[fault.target].go_on()

    def _fill(self, fault: Fault) -> None:
        self._workers[fault.target].fill_disk()

    def _corrupt(self, fault: Fault) -> None:
        self._workers[fault.target].kill()
        self._workers[fault.target].overwrite(self._random)
        self._workers[fault.target].start()

    # -- waiting

    def _wait(self, seconds: float) -> bool:
        """Let time pass, and start again who has ended; whether something was published."""
        deadline, moved = time.monotonic() + seconds, False
        while (left := deadline - time.monotonic()) > 0:
            for one in self._workers:
                if said := one.look():
                    self.say(said)
            moved |= self._watching.moved()
            time.sleep(min(0.3, left))
        return moved

    def _wait_for_progress(self) -> None:
        """What is always struck before it has begun shows nothing."""
        deadline = time.monotonic() + _STANDSTILL
        while self._watching.rows() == self._rows and time.monotonic() < deadline:
            self._wait(0.3)
        self._rows = self._watching.rows()

    def _until_quiet(self, what: str, seconds: float) -> None:
        while self._wait(seconds):
            self.say(f"waiting until {what}; rows {self._watching.rows():,}")

    def _judged(self) -> Verdict:
        """Wait until all is right, or nothing more comes."""
        quiet = time.monotonic()
        while not (found := self._verdict()).good and time.monotonic() - quiet < _QUIET:
            if self._wait(3.0):
                quiet = time.monotonic()
                self.say(f"waiting; lost so far {len(found.lost)}")
        self._until_quiet("nothing more comes", 3.0)
        for one in self._workers:
            one.end()
        self._until_quiet("nothing more comes", 3.0)
        return self._verdict()

    def _verdict(self) -> Verdict:
        return judge(self.right.revisions, [one.value for one in self._watching.alerts()])

    def mended(self) -> dict[str, int]:
        """What the workers asked for, and how often they ended by themselves."""
        found = {"restarts": sum(one.restarts for one in self._workers)}
        for one in self._workers:
            for reason, times in one.mended.items():
                found[reason] = found.get(reason, 0) + times
        return found
