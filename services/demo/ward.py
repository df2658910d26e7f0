"""The simulated ward: its script, the runtime that it is played into, and what is seen of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from services.demo.traffic import PROFILE, traffic
from services.detector.engine.instants import instant, moment
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.library import load_rules
from services.embedded.book import WardBook
from services.embedded.player import deliveries, play
from services.embedded.pump import Pump
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.ingest.profiles.sources import Sources
from services.runtime.clock import ManualClock, SystemClock
from services.runtime.pulse import Health
from services.runtime.shutdown import Stop
from services.simulator.cohort import simulate
from services.simulator.stories.common import add_months

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from schemas.alerts import AlertRevision
    from services.embedded.delivery import Delivery
    from services.embedded.player import Progress

AHEAD: Final = 6
"""Months that are simulated and lie ahead: in a cohort's last weeks nothing happens any more, and
the present is to be as busy as the past."""


class WardClock(ManualClock):
    """Set by the play; the machine's once the play has come to today."""

    live = False

    def now(self) -> int:
        """The present instant, microseconds UTC."""
        played = super().now()
        return max(played, SystemClock().now()) if self.live else played


@dataclass(slots=True)
class Ward:
    """The simulated ward: what is played, into what, and what has been heard of it."""

    script: Sequence[Delivery]
    begin: datetime
    until: datetime
    runtime: Runtime
    clock: WardClock
    book: WardBook
    stop: Stop = field(default_factory=Stop)

    def now(self) -> datetime:
        """The simulated present, which at the end is the present."""
        return moment(self.clock.now())


@contextmanager
def opened(args: argparse.Namespace, folder: Path, today: date) -> Iterator[Ward]:
    """Simulate the patients up to today, and open a runtime on a new store in a folder."""
    start = add_months(today, -args.months)
    begin, until = (datetime.combine(day, time(), UTC) for day in (start, today))
    cohort = simulate(args.seed, args.patients, start, args.months + AHEAD)
    past = [one for one in cohort.dispatches if one.sent_at < until]
    # Losing the last second of a simulation to a power cut is no loss: no wait for the disk.
    store = Store(folder / FILE_NAME, durable=False)
    try:
        clock = WardClock(instant(begin))
        rules = [compile_rule(rule) for rule in load_rules()]
        runtime = Runtime(store, rules, clock, sources=Sources.of(PROFILE))
        script = deliveries(traffic(past), "demo")
        yield Ward(script, begin, until, runtime, clock, WardBook(store.path))
    finally:
        store.close()


def play_all(
    ward: Ward,
    seconds: int,
    alerted: Callable[[AlertRevision], None],
    progressed: Callable[[Progress], None],
) -> None:
    """Play the script up to today, or until told to stop.

    Args:
        ward: opened.
        seconds: how long it takes, about; 0: as fast as it goes.
        alerted: told of every revision after its commit.
        progressed: told whenever simulated time has gone on.
    """
    ward.runtime.outbox.subscribe("demo", alerted)
    ward.runtime.start()
    span = ward.until - ward.begin
    speed = span.total_seconds() / seconds if seconds else None
    wait = _Pacer(ward.stop).wait
    for progress in play(
        ward.script, ward.runtime, ward.clock, speed=speed, wait=wait, until=ward.until
    ):
        progressed(progress)


def go_on(ward: Ward) -> None:
    """Let time pass as it does, until told to stop."""
    ward.clock.live = True
    Pump(ward.runtime, None, ward.stop, Health(monotonic)).for_ever()


class _Pacer:
    """Pauses against the running total, so that the time the work takes is not added to it."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._target = monotonic()

    def wait(self, seconds: float) -> bool:
        """Pause; False when told to stop."""
        self._target += seconds
        return self._stop.wait(max(0.0, self._target - monotonic()))


def yours_from(ward: Ward) -> datetime:
    """When whoever looks at the demo came on call."""
    return ward.until - timedelta(days=16)
