"""`salvage detect` as a process of its own, measured from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from kafka import KafkaConsumer
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.kafka.measured import Measured
from schemas.alerts import AlertRevision
from schemas.topics import ALERTS, EVENTS
from services.detector.engine.instants import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOOK = 0.2
PATIENCE = 600.0
HANDLED = "salvage_detector_records_total"
LAG = "salvage_consumer_lag_messages"


class Detector:
    """One that runs."""

    def __init__(self, address: str, folder: Path, rules: Path, *more: str) -> None:
        """Start it, with these rules and further options."""
        words = ["--kafka", address, "--data", str(folder), "--port", "0", "--replicas", "1"]
        words += ["--rules", str(rules), *more]
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "services.cli", "detect", *words],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = 0
        for line in self.process.stderr or ():
            if '"detecting"' in line:
                self.port = int(json.loads(line)["port"])
                break
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        for _ in self.process.stderr or ():
            pass

    def asked(self, name: str, **labels: str) -> float:
        """A metric, summed over all that have these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def handled(self) -> float:
        """Events that were handled."""
        return self.asked(HANDLED, topic=EVENTS.name)

    def reaches(self, count: float) -> tuple[float, float]:
        """Wait until so many events were handled; what they were then, and when."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.handled()) < count:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the detector ended, or stands still")
            time.sleep(LOOK)
        return found, time.monotonic()

    def ready(self) -> bool:
        """Whether it is at work."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=30):
                return True
        except OSError:
            return False

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:  # noqa: PTH123 - no file
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def running(address: str, folder: Path, rules: Path, *more: str) -> Iterator[Detector]:
    """One that is ended afterwards."""
    detector = Detector(address, folder, rules, *more)
    try:
        yield detector
    finally:
        detector.process.terminate()
        try:
            detector.process.wait(30)
        except subprocess.TimeoutExpired:
            detector.process.kill()


def measure(
    name: str,
    detector: Detector,
    backlog: int,
    live: int,
    address: str,
    stream: Callable[[], None],
) -> Measured:
    """Let it read a backlog, and then a steady stream.

    Args:
        name: for the table.
        detector: one that has just been started.
        backlog: how many records it has before it.
        live: how many will come then.
        address: the broker's.
        stream: sends them.
    """
    first, begun = detector.reaches(1)
    cpu = detector.cpu()
    last, ended = detector.reaches(backlog)
    spent = detector.cpu() - cpu
    while detector.asked(LAG):  # its own records, too
        time.sleep(LOOK)
    with Listener(address) as alerts:
        stream()
        detector.reaches(backlog + live)
        time.sleep(3.0)
        waits = sorted(alerts.waits)
    return Measured.of(name, round(last - first), ended - begun, spent, waits)


class Listener:
    """Reads alerts as they come.

    waits: of each, milliseconds from the instant at which it could be known until it was read.
    """

    def __init__(self, address: str) -> None:
        """Begin behind what is there."""
        self.waits: list[float] = []
        self._since = time.time() * 1e3
        self._consumer: Any = KafkaConsumer(
            ALERTS.name, bootstrap_servers=address, auto_offset_reset="latest"
        )
        self._consumer.poll(1000)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._consumer.close()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            for records in self._consumer.poll(50).values():
                now = time.time() * 1e3
                for record in records:
                    at = instant(AlertRevision.model_validate_json(record.value).at) / 1e3
                    if at >= self._since:  # not of a day that came due
                        self.waits.append(now - at)
