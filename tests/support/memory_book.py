"""A book in memory, filled from the example cohort by the replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.notifier.inbox.book import Undecided
from support.living import all_rules

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from services.notifier.inbox.book import Event

COHORT = Path(__file__).resolve().parents[2] / "examples" / "cohort-small.jsonl"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class MemoryBook:
    """The read port on lists."""

    revisions: list[AlertRevision] = field(default_factory=list)
    facts: list[Event] = field(default_factory=list)
    doubts: list[tuple[str, Undecided]] = field(default_factory=list)

    def alerts(self) -> list[AlertRevision]:
        return list({one.alert_id: one for one in self.revisions}.values())

    def journal(self, alert_id: str) -> list[AlertRevision]:
        return [one for one in self.revisions if one.alert_id == alert_id]

    def events(self, patient_id: str) -> list[Event]:
        return [event for event in self.facts if event.patient_id == patient_id]

    def undecided(self, patient_id: str) -> list[Undecided]:
        return [doubt for patient, doubt in self.doubts if patient == patient_id]

    def counts(self) -> dict[str, int]:
        return {"facts": len(self.facts), "dead_letters": 3}

    def latest_sequence(self) -> int:
        return len(self.revisions)


@cache
def cohort_book() -> MemoryBook:
    """The example cohort, to be read only."""
    events = [EVENT.validate_json(line) for line in COHORT.read_bytes().splitlines()]
    result = replay(events, all_rules(), until=NOW)
    doubts = [
        (one.patient_id, Undecided(one.rule, one.event_ids[0], one.reason))
        for one in result.unknowns
    ]
    return MemoryBook(list(result.revisions), list(events), doubts)
