"""What comes of one message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.events import Event
    from services.ingest.coding import Notice, Rejected
    from services.ingest.documents import Change


@dataclass(slots=True)
class Mapped:
    """What came of one message.

    Attributes:
        events: facts, in versions.
        rejected: parts that could not be used, or all of it.
        notices: what was odd.
        document: the document that the events are of, if they are of one.
        changes: what is said of documents as a whole. They concern facts of other messages, so
            whoever keeps the facts has to see to them.
        persons: the identifiers of each person of whom it gives several, the patient's first.
    """

    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    document: str | None = None
    changes: list[Change] = field(default_factory=list)
    persons: list[tuple[str, ...]] = field(default_factory=list)
