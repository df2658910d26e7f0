"""Real archives through three workers: the same alerts as a replay of them says.

A share of what `make same-answer` runs whole.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import pytest
from faults.archives import cases, sets
from faults.publishing import record
from faults.traffic import COHORT, disordered, read
from faults.trial import expected
from faults.verdict import judge
from support import shared
from support.detecting import Detector
from support.following import Following
from support.kafka import anew, at

from schemas.topics import ALERTS
from services.commands.chosen import chosen_rules
from services.ingest.kafka.publisher import Publisher
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.broker import Broker

    from schemas.events import Event

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MOST = 60
EVERY = 60
PATIENCE = 240.0


def some_patients(events: Sequence[Event]) -> list[Event]:
    """All facts of the first patients, at most so many; of one patient at least."""
    found: list[Event] = []
    for patient_id in dict.fromkeys(one.patient_id for one in events):
        theirs = [one for one in events if one.patient_id == patient_id]
        if found and len(found) + len(theirs) > MOST:
            break
        found += theirs
    return found


def some() -> list[Event]:
    """Of every set some patients, and some cases; without sets the test is skipped."""
    parts = [some_patients(events) for events in sets(shared("data")).values()]
    assert len(parts) > 12
    return list(chain.from_iterable((*parts, *cases(EVERY))))


def test_three_workers_say_what_a_replay_says(own_broker: Broker, tmp_path: Path) -> None:
    """Of the cohort, of some patients of every set and of some cases, all at once."""
    address, events = own_broker.address, [*read(COHORT), *some()]
    right = expected(events, chosen_rules(None, None))
    assert len({one.alert_id for one in right.revisions}) > 100
    anew(address)
    with Publisher(at(address)) as publisher:
        shuffled = disordered(Random(1), events)  # noqa: S311 - no secrets
        publisher.publish(record(one) for one in shuffled)
    behind = SystemClock().now() - right.until
    with ExitStack() as stack:
        alerts = stack.enter_context(Following(address, ALERTS.name))
        workers = [
            stack.enter_context(Detector(address, tmp_path / name, behind=behind)) for name in "abc"
        ]
        deadline = time.monotonic() + PATIENCE
        while not judge(right.revisions, [one.value for one in alerts.records]).good:
            assert time.monotonic() < deadline, [one.lines[-4:] for one in workers]
            time.sleep(0.5)
            alerts.news()
        assert [one.end() for one in workers] == [0, 0, 0]
        alerts.news()
        assert judge(right.revisions, [one.value for one in alerts.records]).good
