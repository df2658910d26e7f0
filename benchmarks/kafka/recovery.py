"""How long a worker with many patients needs until it serves them.

`python -m benchmarks.kafka.recovery --patients 100000`: from its start to `/readyz`, without a
local store and with it; and, of two workers, from the `kill -9` of one until the other serves all,
without and with copies of the other's state (`--standby`). Needs `tests` on the path.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from aiokafka.partitioner import murmur2

from benchmarks.engine import RULES, rules
from benchmarks.kafka import stage
from benchmarks.kafka.ours import Detector, running
from benchmarks.workload import patient
from schemas.events import EVENT
from schemas.topics import EVENTS, STATE
from services.detector.adapters.keyed import Arrival, Judging, Person
from services.detector.adapters.outbox import Record
from services.detector.adapters.rows import key_of
from services.detector.adapters.sending import Sender
from services.detector.adapters.settings import connection
from services.runtime.arguments import Whole
from services.runtime.kafka import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = 2
"""Of each patient."""
PATIENCE = 900.0
LOOK = 0.05
BATCH = 1_000


def rows(patients: int, seed: int) -> Iterator[tuple[int, bytes, bytes]]:
    """What the detector writes of so many patients: partition, key and value of each row."""
    rng, judging = Random(seed), Judging.by(rules())
    for number in range(patients):
        for key, value in _rows_of(rng, judging, number):
            name = key.partition(b"\0")[0]
            yield (murmur2(name) & 0x7FFFFFFF) % EVENTS.partitions, key, value


def _rows_of(rng: Random, judging: Judging, number: int) -> Iterator[tuple[bytes, bytes]]:
    person: Person | None = None
    for offset, message in enumerate(patient(rng, number, FACTS)):
        event = EVENT.validate_json(message.line)
        at = round(message.at.timestamp() * 1e6)
        person = person or Person(event.patient_id, judging)
        record = Record(EVENTS.name, 0, offset, event.patient_id.encode(), message.line, at)
        row = person.take(Arrival(record, at, event))
        if row is not None:
            value = row.to_bytes()
            yield key_of(event.patient_id, row.head.number, value), value


async def fill(address: str, patients: int, seed: int) -> int:
    """Write them to the changelog; how many there are."""
    sender = Sender(connection(cluster(address, {})))
    await sender.start()
    count, rest = 0, rows(patients, seed)
    while batch := list(islice(rest, BATCH)):
        await asyncio.gather(
            *(sender.send(STATE.name, key, value, partition=place) for place, key, value in batch)
        )
        count += len(batch)
    await sender.stop()
    return count


def until_ready(detector: Detector, *, partitions: int = EVENTS.partitions) -> None:
    """Wait until it serves so many partitions."""
    deadline = time.monotonic() + PATIENCE
    while not (detector.ready() and _has(detector) >= partitions):
        if detector.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the detector ended, or is never ready")
        time.sleep(LOOK)


def _has(detector: Detector) -> float:
    return detector.asked("salvage_detector_partitions", topic=EVENTS.name)


def memory(detector: Detector) -> float:
    """MB that it had at most."""
    status = Path(f"/proc/{detector.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def started(address: str, folder: Path) -> tuple[float, float]:
    """Seconds from the start of a worker until it is ready, and its memory then."""
    begun = time.monotonic()
    with running(address, folder, RULES) as detector:
        until_ready(detector)
        return time.monotonic() - begun, memory(detector)


def taken_over(address: str, folder: Path, *words: str) -> float:
    """Seconds from the violent end of one of two workers until the other serves all partitions."""
    with (
        running(address, folder / "one", RULES, *words) as one,
        running(address, folder / "two", RULES, *words) as two,
    ):
        half = EVENTS.partitions // 2
        for each in (one, two):
            until_ready(each, partitions=half)
        copied(two, words)
        one.process.kill()
        begun = time.monotonic()
        until_ready(two)
        return time.monotonic() - begun


def copied(detector: Detector, words: tuple[str, ...]) -> None:
    """Wait until its copies, if it keeps any, are complete."""
    before, now = -1.0, detector.asked("salvage_detector_state_rows_total")
    while words and now > before:
        time.sleep(5.0)
        before, now = now, detector.asked("salvage_detector_state_rows_total")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka.recovery")
    parser.add_argument("--patients", type=Whole(1, 10_000_000), default=100_000)
    parser.add_argument("--seed", type=int, default=20_261_123)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, stage.broker(Path(name) / "broker") as address:
        folder = Path(name)
        count = asyncio.run(fill(address, options.patients, options.seed))
        print(f"{options.patients:,} patients, {count:,} rows", flush=True)
        for what in ("without a local store", "with it"):
            seconds, most = started(address, folder / "state")
            print(f"start to ready, {what}: {seconds:.1f} s, {most:.0f} MB", flush=True)
        for words in ((), ("--standby",)):
            seconds = taken_over(address, folder / f"pair{len(words)}", *words)
            print(
                f"kill -9 to all served, {' '.join(words) or 'alone'}: {seconds:.1f} s", flush=True
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
