"""One whole way with Kafka in a container, as Testcontainers starts it: HL7 v2 in, alerts out."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.broker import needed
from support.container import contained
from support.detecting import Detector
from support.kafka import everything, ready
from support.mllp import HERE, Sender, code
from support.processes import ROOT, Command, salvage

from schemas.alerts import AlertRevision
from schemas.topics import ALERTS, EVENTS
from services.ingest.mllp.framing import frame
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
RULES = ("--rules", str(ROOT / "services" / "detector" / "rules" / "toxicity"))
PATIENCE = 60.0


@pytest.fixture
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Kafka in a container of an image that is made here."""
    with needed(), contained(tmp_path_factory.mktemp("engine")) as address:
        ready(address)
        yield address


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def receive(address: str, folder: Path, cohort: list[bytes]) -> None:
    """Let a hospital send messages, and read them."""
    words = ["--data", str(folder), "--mllp", f"{HERE}:0", "--kafka", address]
    with Command("ingest", *words) as ingest, Command("map", "--kafka", address) as mapping:
        with Sender(ingest.heard("receiving")["port"]) as sender:
            sender.send(b"".join(map(frame, cohort)))
            assert {code((sender.answer() or b"").decode())[:3] for _ in cohort} == {"AA "}
        mapping.heard("mapped")
        until(lambda: unread(address, len(cohort)) == 0)
        assert mapping.end() == ingest.end() == 0


def unread(address: str, messages: int) -> int:
    """How many messages have no events yet."""
    return messages - len({one.headers["origin"] for one in everything(address, EVENTS.name)})


def standing(revisions: Iterable[bytes]) -> dict[str, tuple[str, str]]:
    """What each alert says last, wherever and whenever it was judged."""
    found = sorted(map(AlertRevision.model_validate_json, revisions), key=lambda one: one.revision)
    return {one.alert_id: (one.rule, one.state.value) for one in found}


def expected(address: str, folder: Path) -> dict[str, tuple[str, str]]:
    archive = folder / "events.jsonl"
    lines = [one.value or b"" for one in everything(address, EVENTS.name)]
    archive.write_bytes(b"\n".join(lines))
    today = time.strftime("%Y-%m-%d", time.gmtime())
    told = salvage("replay", str(archive), "--until", today, *RULES).stdout
    return standing(line.encode() for line in told.splitlines())


def published(address: str) -> dict[str, tuple[str, str]]:
    return standing(one.value or b"" for one in everything(address, ALERTS.name))


def test_what_a_hospital_sends_becomes_alerts(kafka: str, tmp_path: Path) -> None:
    cohort = list(messages(simulate(11, 6, date(2021, 1, 1), 12).dispatches))
    receive(kafka, tmp_path / "journal", cohort)
    found = expected(kafka, tmp_path)
    assert len(found) > 5
    with Detector(kafka, tmp_path / "state", *RULES) as detector:
        until(lambda: published(kafka) == found)
        assert detector.end() == 0
