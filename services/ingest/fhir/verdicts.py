"""What becomes of a document: its events, and one verdict for every part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from services.ingest.coding import Notice, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.deadletter import Reason
    from schemas.events import Event


@dataclass(frozen=True, slots=True)
class Ignored:
    """A part that states nothing that a rule could use; `detail` holds no value."""

    reason: Reason
    detail: str


Item = "Event | Notice | Rejected | Ignored"
"""What a reader finds in one resource."""


class Verdict(StrEnum):
    """What became of one entry."""

    USED = "used"
    PARTLY = "partly"  # some of it was used, and some refused
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    """One entry's verdict.

    Attributes:
        place: where it stands, e.g. `entry[3]`; of a document with one resource, its type.
        kind: its resource type, where it has a known one.
        verdict: what became of it.
        reason: why it was not used, or not whole.
        why: all that was refused of it.
    """

    place: str
    kind: str | None
    verdict: Verdict
    reason: Reason | None = None
    why: tuple[Rejected, ...] = ()


@dataclass(slots=True)
class Mapped:
    """What came of one document."""

    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    verdicts: list[EntryVerdict] = field(default_factory=list)

    def add(
        self, place: str, kind: str | None, found: Sequence[Event | Notice | Rejected | Ignored]
    ) -> None:
        """Take in what was found in one entry, and judge it.

        An entry of which nothing came is ignored with the first reason that was given.
        """
        events: list[Event] = []
        refused: list[Rejected] = []
        told: list[Notice] = []
        for item in found:
            match item:
                case Rejected():
                    refused.append(item)
                case Notice():
                    told.append(item)
                case Ignored():
                    told.append(Notice(item.reason, item.detail))
                case _:
                    events.append(item)
        self.events += events
        self.rejected += refused
        self.notices += told
        self.verdicts.append(_judged(place, kind, events, refused, told))


def _judged(
    place: str,
    kind: str | None,
    events: Sequence[Event],
    refused: Sequence[Rejected],
    told: Sequence[Notice],
) -> EntryVerdict:
    if refused:
        verdict = Verdict.PARTLY if events else Verdict.REFUSED
        return EntryVerdict(place, kind, verdict, refused[0].reason, tuple(refused))
    if events:
        return EntryVerdict(place, kind, Verdict.USED)
    return EntryVerdict(place, kind, Verdict.IGNORED, told[0].reason)
