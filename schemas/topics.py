"""The topics: which messages travel on which, by which key, and how long they are kept.

One row each; whatever creates, checks or documents topics reads this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from schemas.actions import Action
from schemas.alerts import AlertRevision
from schemas.deadletter import DeadLetter
from schemas.events import EVENT
from schemas.handling import Handling
from schemas.research import ResearchNotice


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    `key` names the field of the message that is the Kafka key; records of one key keep their
    order. `partitions` is fixed once the topic is there: more of them would send a key elsewhere.
    `retention` is None where nothing is ever deleted by age. `max_bytes` is the largest record.
    """

    name: str
    message: TypeAdapter[Any] | None
    key: str
    retention: timedelta | None
    partitions: int = 12
    max_bytes: int = 1024 * 1024
    compacted: bool = False
    about: str = ""

    def config(self) -> dict[str, str]:
        """Kafka's settings for this topic, by Kafka's names."""
        kept = -1 if self.retention is None else int(self.retention.total_seconds() * 1000)
        policy = "compact" if self.compacted else "delete"
        return {
            "cleanup.policy": policy,
            "retention.ms": str(kept),
            "max.message.bytes": str(self.max_bytes),
        }


RAW = Topic(
    name="clinical.raw",
    message=None,
    key="source",
    retention=timedelta(days=30),
    partitions=6,
    max_bytes=17 * 1024 * 1024,  # the largest document that is received, and its headers
    about="Bytes as received, before any reading; keyed by source so that a feed keeps its order.",
)
EVENTS = Topic(
    name="clinical.events",
    message=EVENT,
    key="patient_id",
    retention=None,
    max_bytes=2 * 1024 * 1024,  # of a foreign topic up to 1 MiB; written anew it may be longer
    about="Clinical facts in all their versions: the truth from which all else can be rebuilt.",
)
ALERTS = Topic(
    name="clinical.alerts",
    message=TypeAdapter(AlertRevision),
    key="alert_id",
    retention=None,
    compacted=True,
    about="Alert revisions; compaction keeps at least the last one of each alert.",
)
DEADLETTERS = Topic(
    name="clinical.deadletters",
    message=TypeAdapter(DeadLetter),
    key="id",
    retention=timedelta(days=90),
    partitions=3,
    about="What could not be used, with the reason; long enough to correct a mapping and replay.",
)
HANDLED = Topic(
    name="clinical.deadletters.handled",
    message=TypeAdapter(Handling),
    key="letter",
    retention=timedelta(days=180),  # longer than the letters: none that was handled comes back
    partitions=3,
    about="What was done about dead letters. Not compacted: of two claims the first one counts.",
)
ACTIONS = Topic(
    name="clinical.actions",
    message=TypeAdapter(Action),
    key="alert_id",
    retention=None,
    about="What people did about alerts; part of the record, so never deleted by age.",
)
# A topic of its own, so that whoever may read it can't read what isn't for them; compacted, so that
# a finding that was withdrawn is not read as one that stands.
RESEARCH = Topic(
    name="clinical.research",
    message=TypeAdapter(ResearchNotice),
    key="finding",
    retention=None,
    partitions=3,
    compacted=True,
    about="What a site shares with research, if it does: pseudonyms, shifted dates, bands.",
)

OWN = "salvage-"
"""So begin the names of topics that a service keeps for itself; nobody else writes to them."""

STATE = Topic(
    name=f"{OWN}detect-state-changelog",
    message=None,
    key="patient_id",
    retention=None,
    partitions=EVENTS.partitions,  # a patient's rows are where the patient's facts are
    max_bytes=8 * 1024 * 1024,  # the largest event, and all the alerts that it may raise
    compacted=True,
    about="The detector's state, a row for each record that it took in: lost disks come from here.",
)
INNER = Topic(
    name=f"{OWN}detect-inner",
    message=None,
    key="patient_id",
    retention=timedelta(days=365),
    partitions=EVENTS.partitions,
    max_bytes=8 * 1024 * 1024,
    about="The detector's records to itself: that time has passed, and facts of merged records.",
)

TOPICS = (RAW, EVENTS, ALERTS, DEADLETTERS, HANDLED, ACTIONS, RESEARCH, STATE, INNER)


def topic(name: str) -> Topic:
    """The topic of that name.

    Raises:
        KeyError: there is none.
    """
    return {row.name: row for row in TOPICS}[name]
