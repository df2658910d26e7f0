"""What goes into the runtime, and what one transaction did with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from schemas.deadletter import DeadLetter
    from services.embedded.spans import Judged
    from services.ingest.coding import Notice
    from services.ingest.sources.files import Arrival


@dataclass(frozen=True, slots=True)
class Delivery:
    """Records that become known at one moment and are judged together.

    at: the instant of their arrival, microseconds UTC.
    waited: they lay there while nobody read. They count as known when they were issued: judged
        on today's clock, each would be judged without those behind it in the queue, and evidence
        that has long arrived would be called overdue.
    traces: the `traceparent`s of what was received, where somebody traces.
    """

    at: int
    arrivals: tuple[Arrival, ...]
    waited: bool = False
    traces: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What one transaction did.

    `repeats` are versions of facts that were known before; `judged` is for who traces.
    """

    facts: int = 0
    repeats: int = 0
    revisions: list[AlertRevision] = field(default_factory=list)
    deadletters: list[DeadLetter] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    suspended: int = 0
    seconds: float = 0.0
    judged: list[Judged] = field(default_factory=list)
