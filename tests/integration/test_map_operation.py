"""`salvage map` as whoever runs it sees it: it can be watched, and it helps itself."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.findings import told_of
from support.kafka import at, everything
from support.mllp import obx, oru
from support.processes import Command
from support.watched import Watched, asked

from schemas.topics import DEADLETTERS, EVENTS, RAW
from services.commands.checkup import parts
from services.embedded.reading import read
from services.ingest.journal import Entry
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.mapper import GROUP, Mapper, MapWorker
from services.ingest.kafka.publisher import Publisher
from services.ingest.kafka.records import raw_record
from services.ingest.profiles.sources import Sources
from services.runtime.clock import SystemClock
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from support.broker import Broker

    from services.embedded.reading import Reading
    from services.ingest.sources.files import Arrival

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
READ = partial(read, sources=Sources())
PATIENCE = 60.0
GRACE = 20.0
"""Seconds between SIGTERM and its end; Kubernetes gives 30 in all."""


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def received(broker: Broker, raws: Iterable[bytes]) -> None:
    """Publish messages as `salvage ingest` does, received now."""
    now = SystemClock().now()
    with Publisher(at(broker.address)) as publisher:
        publisher.publish(
            raw_record(Entry(now, "c", n, f"HOSP/LAB{n}", raw)) for n, raw in enumerate(raws)
        )


# ---------------------------------------------------------------- the process


def test_it_tells_how_it_does_and_outlives_a_broker_that_stands_still(broker: Broker) -> None:
    received(broker, [oru("M1"), oru("M2", obx(value="see note")), b"MSH|no message"])
    with Command("map", "--kafka", broker.address, "--port", "0") as mapping:
        port = mapping.heard("serving health")["port"]
        here = f"127.0.0.1:{port}"
        until(lambda: asked(f"{here}/readyz")[0] == 200)
        until(lambda: Watched(port)("mapper_records_total") == 3)
        until(lambda: Watched(port)("mapper_partitions", topic=RAW.name) == RAW.partitions)
        until(lambda: is_at_work(Watched(port)))  # some of it is looked at every few seconds
        told = told_of(parts.of_process(f"http://{here}"))
        assert told["ready"] == ("ok", f"http://{here} is at work")
        assert told["metrics"][0] == "ok"

        broker.pause()
        until(lambda: asked(f"{here}/readyz")[0] == 503)
        until(lambda: Watched(port)("mapper_trouble") == 1)
        assert asked(f"{here}/livez") == (200, ""), "nothing is won by starting it anew"
        broker.resume()
        until(lambda: asked(f"{here}/readyz")[0] == 200)
        until(lambda: Watched(port)("mapper_trouble") == 0)

        began = time.monotonic()
        assert mapping.end(GRACE) == 0
        assert time.monotonic() - began < GRACE


def is_at_work(found: Watched) -> bool:
    """Whether its metrics say so when it has read what there is."""
    verdicts = (("mapped", 1), ("refused", 2), ("partly", 0), ("passed", 0))
    replicas = [
        found.values("kafka_missing_replicas", topic=topic.name)
        for topic in (RAW, EVENTS, DEADLETTERS)
    ]
    return all(
        (
            *(
                found("mapper_records_total", topic=RAW.name, verdict=verdict) == number
                for verdict, number in verdicts
            ),
            found("dead_letters_total", stage="map", reason="malformed_hl7") == 1,
            found("dead_letters_total", stage="map") == 2,
            found("consumer_lag_messages", topic=RAW.name) == 0,
            found("end_to_end_seconds_count", stage="map") == 3,
            found("mapper_last_record_timestamp_seconds") > 1_700_000_000,
            found("mapper_trouble") == found("mapper_standstill_seconds") == 0,
            replicas == [[0.0]] * 3,
        )
    )


# ---------------------------------------------------------------- within this process


@contextmanager
def working(
    broker: Broker,
    look: Callable[[Arrival], Reading] = READ,
    begun: list[GroupReader] | None = None,
) -> Iterator[MapWorker]:
    """A worker in a thread; each of its memberships is put on the list."""
    where, stop = at(broker.address), Stop()

    def joined() -> GroupReader:
        reader = GroupReader(where, [RAW.name], GROUP)
        (begun if begun is not None else []).append(reader)
        return reader

    worker = MapWorker(Mapper(look), joined, partial(Publisher, where))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield worker
    finally:
        broker.resume()
        stop.ask()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_member_that_the_group_has_forgotten_joins_anew(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.kafka.membership.DEAF_SECONDS", 4.0)
    begun: list[GroupReader] = []
    with working(broker, begun=begun) as worker:
        until(lambda: worker.problem() is None)
        before = len(begun)
        with suppress(RuntimeError):  # a slow one has just begun anew by itself, and was closed
            coordinator = begun[-1]._consumer._coordinator  # noqa: SLF001 - as a broken client
            coordinator._close_heartbeat()  # noqa: SLF001
        until(lambda: len(begun) > before)
        until(lambda: worker.problem() is None)
        received(broker, [oru("M1")])
        until(lambda: len(everything(broker.address, EVENTS.name)) == 1)
        assert not worker.hangs()


def test_a_worker_that_hangs_is_to_be_started_anew(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.runtime.pulse.STALE_SECONDS", 3.0)

    acknowledged, paused = threading.Event(), threading.Event()

    def read_last(arrival: Arrival) -> Reading:
        assert acknowledged.wait(PATIENCE), "it can be read before its sender has heard of it"
        if not paused.is_set():  # when it is read again, all is well
            paused.set()
            broker.pause()  # what came of it can't be published
        return READ(arrival)

    with working(broker, read_last) as worker:
        until(lambda: worker.problem() is None)
        assert not worker.hangs()
        received(broker, [oru("M1")])
        acknowledged.set()
        until(worker.hangs)
        broker.resume()
        until(lambda: not worker.hangs())
        until(lambda: worker.problem() is None)
        until(lambda: len(everything(broker.address, EVENTS.name)) == 1)
