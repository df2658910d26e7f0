"""A ward to play with: the rules that come with the software, and the small example cohort."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.living import all_rules
from support.steady import Steady

from services.embedded.book import WardBook
from services.embedded.player import deliveries, sent
from services.embedded.runtime import Runtime
from services.embedded.store import Store
from services.ingest.decode import Decoded, decode_event
from services.runtime.clock import ManualClock
from services.runtime.logs import logger, to_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.alerts import AlertRevision
    from schemas.events import Event
    from services.detector.engine.rule import CompiledRule
    from services.embedded.delivery import Delivery

COHORT = Path(__file__).resolve().parents[3] / "examples" / "cohort-small.jsonl"


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture(scope="session")
def rules() -> tuple[CompiledRule, ...]:
    return all_rules()


@pytest.fixture(scope="session")
def lines() -> list[bytes]:
    """The cohort as it was sent: canonical JSON, a message each."""
    return COHORT.read_bytes().splitlines()


@pytest.fixture(scope="session")
def events(lines: list[bytes]) -> list[Event]:
    return [found.event for found in map(decode_event, lines) if isinstance(found, Decoded)]


@pytest.fixture(scope="session")
def script(events: list[Event]) -> list[Delivery]:
    """The cohort's facts, known at the moment of their issue."""
    return deliveries(map(sent, events))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What our log says during this test; afterwards the logger is as it was."""
    ours = logger()
    before = (ours.handlers[:], ours.level, ours.propagate)
    stream = io.StringIO()
    to_stream(stream)
    yield stream
    ours.handlers[:], ours.level, ours.propagate = before


@dataclass
class Ward:
    """A runtime on a store, and what its one subscriber was told."""

    store: Store
    runtime: Runtime
    clock: ManualClock
    told: list[AlertRevision] = field(default_factory=list)

    @property
    def book(self) -> WardBook:
        return WardBook(self.store.path)

    def published(self) -> list[AlertRevision]:
        """Every revision that was committed, in order."""
        journals = [self.book.journal(alert.alert_id) for alert in self.book.alerts()]
        return sorted(
            (one for journal in journals for one in journal),
            key=lambda one: (one.at, one.alert_id, one.revision),
        )


@pytest.fixture
def open_ward(tmp_path: Path, rules: tuple[CompiledRule, ...]) -> Iterator[Callable[..., Ward]]:
    """Opens the store of this test, as a process would: again and again."""
    opened: list[Store] = []

    def opener(with_rules: tuple[CompiledRule, ...] | None = None, name: str = "ward") -> Ward:
        for store in opened:
            store.close()
        store = Store(tmp_path / f"{name}.sqlite", durable=False)
        opened.append(store)
        clock = ManualClock()
        runtime = Runtime(store, rules if with_rules is None else with_rules, clock)
        ward = Ward(store, runtime, clock)
        runtime.outbox.subscribe("test", ward.told.append)
        runtime.start()
        return ward

    yield opener
    for store in opened:
        store.close()
