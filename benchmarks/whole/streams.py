"""The work: a simulated cohort of all stories as canonical lines, in three orders, on the disk.

Laws of this file: however many patients there are, only some of them are in memory at once; the
same arguments give the same bytes.

The cohort is that of `salvage simulate`. The hospital's own mess is taken out of it: of each fact
only the version is left that stands in the end. What is put in instead is the disorder that all
benchmarks have in common (`benchmarks/disorder.py`).
"""

from __future__ import annotations

from array import array
from datetime import UTC, date, datetime
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.disorder import untidy
from benchmarks.whole.names import IN_ORDER, SHUFFLED, UNTIDY
from benchmarks.workload import Message
from schemas.base import as_utc
from services.detector.engine.fact import Fact
from services.detector.engine.instants import instant, moment
from services.detector.engine.timeline import Timeline
from services.simulator.cohort import charted
from services.simulator.delivery import deliver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from services.simulator.chart import Chart

START: Final = date(2024, 1, 1)
MONTHS: Final = 24
END: Final = instant(datetime(2026, 4, 1, tzinfo=UTC))
"""Up to here time passes after the last line: all that is late has come, all was due."""
_TOGETHER: Final = 500
"""Patients in memory at once."""


class Work(NamedTuple):
    """Streams on the disk. folders: of each order one, in which its file lies; events: in each."""

    folders: dict[str, Path]
    events: dict[str, int]


def write(folder: Path, patients: int, seed: int) -> Work:
    """Make the streams.

    Args:
        folder: where to, on a disk with room: twice what the streams take.
        patients: 1 to 999,999.
        seed: any whole number.
    """
    spools = {name: _Spool(folder / f"{name}.spool") for name in (IN_ORDER, UNTIDY)}
    charts = (chart for chart, _ in charted(seed, patients, START, MONTHS))
    rng = Random(seed)
    while some := list(islice(charts, _TOGETHER)):
        tidy = [message for chart in some for message in _messages(chart)]
        spools[IN_ORDER].add(tidy)
        spools[UNTIDY].add(untidy(rng, tidy))
    orders = {name: spool.by_time() for name, spool in spools.items()}
    mixed = list(orders[UNTIDY])
    rng.shuffle(mixed)
    sources = {**spools, SHUFFLED: spools[UNTIDY]}
    found = Work({}, {})
    for name, order in {**orders, SHUFFLED: mixed}.items():
        found.folders[name] = folder / name.replace(" ", "-")
        found.events[name] = len(order)
        sources[name].write(found.folders[name], order)
    for spool in spools.values():
        spool.remove()
    return found


def _messages(chart: Chart) -> Iterator[Message]:
    """What is left of a patient's messages: what stands, each fact known when it was issued."""
    timeline = Timeline()
    for dispatch in deliver(chart):
        for event in dispatch.events:
            timeline.merge(Fact(event, instant(as_utc(event.effective_at))))
    for fact in timeline:
        yield Message(moment(fact.issued), fact.event.to_json())


class _Spool:
    """Lines in a file, in the order in which they were made; and when each is told."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb+")
        self._times, self._places = array("q"), array("q", [0])

    def add(self, messages: Iterable[Message]) -> None:
        """Add lines."""
        for message in messages:
            self._times.append(instant(message.at))
            self._places.append(self._places[-1] + self._file.write(message.line + b"\n"))

    def by_time(self) -> list[int]:
        """The numbers of the lines, in the order in which they are told."""
        return sorted(range(len(self._times)), key=self._times.__getitem__)

    def write(self, folder: Path, order: Iterable[int]) -> None:
        """Write the lines in an order into the one file of a new folder."""
        folder.mkdir()
        places, spool = self._places, self._file
        with (folder / "events.jsonl").open("wb") as stream:
            for number in order:
                spool.seek(places[number])
                stream.write(spool.read(places[number + 1] - places[number]))

    def remove(self) -> None:
        """The spool is no longer needed."""
        self._file.close()
        self._path.unlink()
