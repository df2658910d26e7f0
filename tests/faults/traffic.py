"""What is published: an archive as a hospital's buses would bring it, repeated and out of order.

Of one patient, facts that were received at different instants keep their order: what a detector
says depends on what it knew when, and a replay knows a fact from the instant of its receipt on.
"""

from __future__ import annotations

from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.events import EVENT, Patient
from services.detector.engine.instants import instant
from services.simulator.cohort import simulate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from schemas.events import Event

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT / "examples" / "cohort-small.jsonl"
_REPEATED = 0.05
_APART = 200.0
"""Records by which two patients' may be exchanged."""


def received(event: Event) -> int:
    """When it was, microseconds UTC: as a replay has it, at its issue."""
    assert event.issued_at is not None
    return instant(event.issued_at)


def read(path: Path, prefix: str = "") -> list[Event]:
    """The events of an archive; with a prefix its patients are nobody else's."""
    lines = path.read_bytes().splitlines()
    return renamed((EVENT.validate_json(line) for line in lines if line), prefix)


def generated(least: int, seed: int) -> list[Event]:
    """A simulated hospital of so many events, or a few more, and the example cohort."""
    patients = 20 + least // 60
    made = simulate(seed, patients, date(2024, 1, 1), 24).dispatches
    events = renamed((event for one in made for event in one.events), "SIM|")
    return [*read(COHORT), *events[: max(0, least - len(read(COHORT)))]]


def renamed(events: Iterable[Event], prefix: str) -> list[Event]:
    """The same of other patients."""
    return [_renamed(event, prefix) for event in events] if prefix else list(events)


def _renamed(event: Event, prefix: str) -> Event:
    news = {"patient_id": f"{prefix}{event.patient_id}"}
    if isinstance(event, Patient) and event.merged_into is not None:
        news["merged_into"] = f"{prefix}{event.merged_into}"
    return event.model_copy(update=news)


def disordered(random: Random, events: Iterable[Event]) -> list[Event]:
    """The same, patients' records exchanged among each other, and some of them repeated later."""
    places: list[tuple[float, Event]] = []
    ordered = sorted(events, key=lambda one: (received(one), one.patient_id, one.event_id))
    numbered = sorted(enumerate(ordered), key=lambda one: (one[1].patient_id, one[0]))
    for _, theirs in groupby(numbered, key=lambda one: one[1].patient_id):
        places += _exchanged(random, list(theirs))
    again = [
        (place + random.uniform(0.0, 3 * _APART), one)
        for place, one in places
        if random.random() < _REPEATED
    ]
    return [one for _, one in sorted(places + again, key=lambda one: one[0])]


def _exchanged(random: Random, theirs: list[tuple[int, Event]]) -> list[tuple[float, Event]]:
    """A patient's records at other places; those of one instant together, in any order."""
    messages = [list(some) for _, some in groupby(theirs, key=lambda one: received(one[1]))]
    places = sorted(some[0][0] + random.uniform(0.0, _APART) for some in messages)
    found: list[tuple[float, Event]] = []
    for place, some in zip(places, messages, strict=True):
        random.shuffle(some)
        found += [(place, event) for _, event in some]
    return found
