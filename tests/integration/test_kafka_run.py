"""`salvage run --kafka`: a hospital's bus straight into the timeline, each record once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from support.kafka import at, make_topic
from support.processes import ROOT, Command, salvage

from services.cli import main
from services.embedded.book import WardBook
from services.embedded.bus import BusFeed
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from support.broker import Broker

    from schemas.alerts import AlertRevision

COHORT = ROOT / "examples" / "cohort-small.jsonl"
LINES = COHORT.read_bytes().splitlines()
AT = 1_800_000_000_000_000
"""An instant, microseconds UTC."""

KILLER = """
import os, signal, sys
from services.cli import main
from services.embedded.bus import BusFeed
from services.embedded.store import Store

method, count, *words = sys.argv[1:]
BusFeed.batches.__defaults__ = (20,)
whole, calls = getattr(Store, method), iter(range(1, sys.maxsize))

def deadly(*args, **named):
    if next(calls) == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args, **named)

setattr(Store, method, deadly)
raise SystemExit(main(words))
"""
"""Runs the command and kills its own process, without a chance to tidy up, at the n-th call."""


def outgoing(topic: str, lines: Iterable[bytes]) -> Iterator[Outgoing]:
    """Lines as their hospital publishes them: by patient, one a second."""
    for number, line in enumerate(lines):
        fields: dict[str, Any] = json.loads(line)
        at_instant = (1_700_000_000 + number) * 1_000_000
        yield Outgoing(topic, fields["patient_id"], line, (), at_instant)


@pytest.fixture(scope="module")
def bus(kafka: str) -> str:
    """A topic with a cohort on three partitions."""
    topic = make_topic(kafka, f"cohort-{time.monotonic_ns()}", partitions=3)
    with Publisher(at(kafka)) as publisher:
        publisher.publish(outgoing(topic, LINES))
    return topic


def published(data: Path) -> list[str]:
    book = WardBook(data / FILE_NAME)
    found: list[AlertRevision] = [
        one for alert in book.alerts() for one in book.journal(alert.alert_id)
    ]
    return [one.digest for one in sorted(found, key=lambda one: (one.alert_id, one.revision))]


def taken(data: Path) -> int:
    """How many records were taken, one that came twice counted twice."""
    with sqlite3.connect(data / FILE_NAME) as store:
        ((count,),) = store.execute("SELECT SUM(times) FROM raw").fetchall()
    store.close()
    return int(count)


@pytest.fixture(scope="module")
def by_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the same cohort says when it lies in a folder."""
    folder = tmp_path_factory.mktemp("in")
    (folder / COHORT.name).write_bytes(COHORT.read_bytes())
    data = tmp_path_factory.mktemp("file")
    salvage("run", "--once", "--data", str(data), "--watch", str(folder))
    return data


@pytest.mark.slow
def test_a_bus_says_what_a_file_says_once_whatever_is_killed(
    kafka: str, bus: str, by_file: Path, tmp_path: Path
) -> None:
    words = ["run", "--once", "--data", str(tmp_path), "--kafka", kafka, "--topic", bus]
    for method, count in (("add_fact", 130), ("set_mark", 95)):
        killed = subprocess.run(
            [sys.executable, "-c", KILLER, method, str(count), *words],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert killed.returncode == -9, killed.stderr
    salvage(*words)
    assert len(published(by_file)) > 5
    assert published(tmp_path) == published(by_file)
    assert taken(tmp_path) == len(LINES), "each once"


def test_poison_on_the_bus_is_a_dead_letter_with_its_place(kafka: str, tmp_path: Path) -> None:
    topic = make_topic(kafka, f"poison-{time.monotonic_ns()}", partitions=1)
    patient = json.loads(LINES[0])["patient_id"]
    rows = [(patient, LINES[0]), (patient, b"{"), ("HOSP|somebody else", LINES[1]), (patient, b"")]
    with Publisher(at(kafka)) as publisher:
        publisher.publish(Outgoing(topic, key, value, (), 1_000_000) for key, value in rows)
    with closing(Store(tmp_path / FILE_NAME)) as store:
        runtime, clock = Runtime(store, (), ManualClock(AT)), ManualClock(AT)
        feed = BusFeed(at(kafka), [topic], store, clock, steady=time.monotonic)
        outcomes = [runtime.take(batch) for batch in feed.batches()]
        feed.close()
        again = BusFeed(at(kafka), [topic], store, clock, steady=time.monotonic)
        assert list(again.batches()) == [], "the places were stored with the facts"
        again.close()
    letters = [letter for outcome in outcomes for letter in outcome.deadletters]
    assert [one.reason for one in letters] == ["malformed_json", "key_mismatch", "empty_input"]
    places = [f"{topic}[0]@{offset}" for offset in (1, 2, 3)]
    assert [str(one.where) for one in letters] == places
    assert sum(outcome.facts for outcome in outcomes) == 1


@pytest.mark.slow
def test_it_takes_what_comes_while_it_runs(kafka: str, tmp_path: Path) -> None:
    topic = make_topic(kafka, f"live-{time.monotonic_ns()}")
    words = ["--data", str(tmp_path), "--kafka", kafka, "--topic", topic, "--port", "0"]
    with Command("run", *words) as running:
        running.heard("serving")
        with Publisher(at(kafka)) as publisher:
            publisher.publish(outgoing(topic, LINES[:30]))
        deadline = time.monotonic() + 20.0
        while WardBook(tmp_path / FILE_NAME).counts()["facts"] < 30:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert running.end() == 0


@pytest.mark.slow
def test_a_bus_that_is_gone_holds_nobody_up(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.kafka.source.PATIENCE_MS", 700)
    topic = make_topic(broker.address, f"gone-{time.monotonic_ns()}")
    store, steady = Store(tmp_path / FILE_NAME), ManualClock(1_000)
    feed = BusFeed(at(broker.address), [topic], store, ManualClock(5), steady=steady.now)
    assert list(feed.batches()) == []
    assert (feed.catching_up, feed.problem()) == (False, None)
    broker.pause()
    try:
        assert list(feed.batches()) == []
        assert (feed.catching_up, feed.problem()) == (False, "the bus cannot be read")
        began = time.monotonic()
        assert list(feed.batches()) == []
        assert time.monotonic() - began < 0.1, "it is not looked for again at once"
    finally:
        broker.resume()
    with Publisher(at(broker.address)) as publisher:
        publisher.publish(outgoing(topic, LINES[:1]))
    steady.set(1_060)
    ((delivery,),) = feed.batches()
    assert delivery.waited
    assert (feed.catching_up, feed.problem()) == (False, None)
    feed.close()
    store.close()


def test_settings_that_do_not_fit_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--data", str(tmp_path)]
    assert main([*words, "--topic", "x"]) == 2
    assert main([*words, "--kafka", "nowhere"]) == 2
    told = capsys.readouterr().err
    assert "--topic: needs --kafka" in told
    assert "--kafka: expected HOST:PORT" in told
