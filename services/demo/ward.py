"""The simulated ward: its script, the runtime that it is played into, and what is seen of it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from schemas.base import as_utc
from services.demo.traffic import PROFILE, traffic
from services.detector.engine.instants import instant, moment
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.library import load_rules
from services.embedded.book import WardBook
from services.embedded.player import deliveries, play
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.ingest.profiles.sources import Sources
from services.runtime.clock import ManualClock
from services.simulator.cohort import simulate

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from schemas.alerts import AlertRevision
    from services.embedded.delivery import Delivery
    from services.embedded.player import Progress

START: Final = date(2024, 1, 1)


@dataclass(slots=True)
class Ward:
    """The simulated ward: what is played, into what, and what has been heard of it."""

    script: Sequence[Delivery]
    until: datetime
    runtime: Runtime
    clock: ManualClock
    book: WardBook
    stop: threading.Event = field(default_factory=threading.Event)

    def now(self) -> datetime:
        """The simulated present."""
        return moment(self.clock.now())


@contextmanager
def opened(args: argparse.Namespace, folder: Path) -> Iterator[Ward]:
    """Simulate the patients, and open a runtime on a new store in a folder."""
    cohort = simulate(args.seed, args.patients, START, args.months)
    script = deliveries(traffic(cohort.dispatches), "demo")
    path = folder / FILE_NAME
    # Losing the last second of a simulation to a power cut is no loss: no wait for the disk.
    store = Store(path, durable=False)
    try:
        clock = ManualClock(script[0].at - 1 if script else instant(START))
        rules = [compile_rule(rule) for rule in load_rules()]
        runtime = Runtime(store, rules, clock, sources=Sources.of(PROFILE))
        yield Ward(script, as_utc(cohort.until), runtime, clock, WardBook(path))
    finally:
        store.close()


def play_all(
    ward: Ward,
    seconds: int,
    alerted: Callable[[AlertRevision], None],
    progressed: Callable[[Progress], None],
) -> None:
    """Play the script to its end, or until told to stop.

    Args:
        ward: opened.
        seconds: how long it takes, about; 0: as fast as it goes.
        alerted: told of every revision after its commit.
        progressed: told whenever simulated time has gone on.
    """
    ward.runtime.outbox.subscribe("demo", alerted)
    ward.runtime.start()
    span = ward.until - moment(ward.script[0].at) if ward.script else timedelta()
    speed = span.total_seconds() / seconds if seconds else None
    wait = _Pacer(ward.stop).wait
    for progress in play(
        ward.script, ward.runtime, ward.clock, speed=speed, wait=wait, until=ward.until
    ):
        progressed(progress)


class _Pacer:
    """Pauses against the running total, so that the time the work takes is not added to it."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._target = monotonic()

    def wait(self, seconds: float) -> bool:
        """Pause; False when told to stop."""
        self._target += seconds
        return not self._stop.wait(max(0.0, self._target - monotonic()))
