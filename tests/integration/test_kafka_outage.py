"""Everything that can end ends in the middle of traffic: nothing acknowledged is lost."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import pytest
from support.broker import free_ports
from support.following import Following
from support.kafka import everything
from support.mllp import HERE, oru
from support.persistent import PersistentSender
from support.processes import Command

from schemas.base import digest
from schemas.events import EVENT
from schemas.topics import DEADLETTERS, EVENTS, RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from support.broker import Broker

    from services.ingest.kafka.records import Incoming

SENDERS, EACH = 4, 150
PATIENCE = 90.0


def senders(port: int) -> list[PersistentSender]:
    """Four systems, each with thirty patients of its own."""
    found = []
    for number in range(SENDERS):
        controls = [f"S{number}M{at}" for at in range(EACH)]
        messages = [
            oru(control, person=f"{number}{at % 30:02}", f3=f"LAB{number}")
            for at, control in enumerate(controls)
        ]
        found.append(PersistentSender(port, messages, controls))
    return found


def told(hospital: Iterable[PersistentSender]) -> int:
    return sum(sender.acknowledged for sender in hospital)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def once(found: Sequence[Incoming]) -> list[Incoming]:
    """Without those whose event, in this version, came before: what a reader's merging does."""
    first: dict[tuple[str, str], Incoming] = {}
    for one in found:
        event = EVENT.validate_json(one.value or b"")
        first.setdefault((event.event_id, digest((one.value or b"").decode())), one)
    return list(first.values())


@pytest.fixture(autouse=True)
def tidied() -> Iterator[None]:
    """kafka-python leaves the sockets to a broker that was killed to the garbage collector."""
    yield
    gc.collect()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_acknowledged_is_lost_and_nothing_counts_twice(
    broker: Broker, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    words = ["--data", str(tmp_path), "--mllp", f"{HERE}:{port}", "--kafka", broker.address]
    started = [Command("ingest", *words), Command("map", "--kafka", broker.address)]
    hospital, total = senders(port), SENDERS * EACH
    try:
        for sender in hospital:
            sender.start()

        until(lambda: told(hospital) > total // 5)
        broker.pause()
        time.sleep(1.0)
        broker.resume()

        until(lambda: told(hospital) > 2 * total // 5)
        broker.kill()
        broker.start()

        until(lambda: told(hospital) > 3 * total // 5)
        started[0].kill()
        started[0] = Command("ingest", *words)

        until(lambda: told(hospital) > 4 * total // 5)
        started[1].kill()
        started[1] = Command("map", "--kafka", broker.address)

        until(lambda: told(hospital) == total)
        with Following(broker.address, EVENTS.name) as found:
            until(lambda: bool(found.news()) and len(once(found.records)) >= total)
    finally:
        for sender in hospital:
            sender.over.set()
        ended = [command.end() for command in started]
        for command in started:
            command.kill()
    assert ended == [0, 0]
    refused = {answer[:6] for sender in hospital for answer in sender.refused}
    assert refused <= {"AR 207"}, "at most: not now"

    raw = everything(broker.address, RAW.name)
    assert {one.value for one in raw} == {each for one in hospital for each in one.messages}
    events = once(everything(broker.address, EVENTS.name))
    assert len(events) == total, "one event for each message, and no other"
    for number in range(SENDERS):
        in_order = [one.value for one in raw if one.headers["source"] == f"HOSP/LAB{number}"]
        first = list(dict.fromkeys(in_order))
        assert first == list(hospital[number].messages), "as they were sent"
    assert everything(broker.address, DEADLETTERS.name) == []
