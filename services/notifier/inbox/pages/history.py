"""The lines of a case's history, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.notifier.inbox import casewords

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from services.notifier.inbox.reading.contract import Entry

_MESSAGES = ("delivered", "temporary", "unknown", "permanent", "waits", "not-sent", "undeliverable")


@dataclass(frozen=True, slots=True)
class Told:
    """A line: when, who, what, and the rest of it. `kind` is for its looks."""

    at: datetime
    by: str
    what: str
    more: str
    kind: str


def lines(history: Iterable[Entry]) -> Iterator[Told]:
    """Each line of the history, in its order."""
    for one in history:
        by = "" if one.by == "system" else one.by.removeprefix("person:")
        kind = "message" if one.what in _MESSAGES else one.what
        yield Told(one.at, by, casewords.happened(one.what), _more(one), kind)


def _more(one: Entry) -> str:
    """From what to what, to whom, by which way, and why."""
    before, after = casewords.outcome(one.before), casewords.outcome(one.after)
    moved = f"{before} → {after}" if before and after and before != after else after
    to = f"to {casewords.outcome(one.to)}" if one.to else ""
    way = f"by {one.channel}" if one.channel else ""
    return "; ".join(part for part in (moved, f"{to} {way}".strip(), one.why) if part)
