"""Trace ids: which receipt a fact, and later an alert, goes back to (W3C Trace Context, level 1).

Ids are derived from where something was received, so that a repeated step gives the same id; they
are made of nothing that was received. Whether somebody follows a trace (its flag `sampled`) is
decided where it begins, and by its id alone.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple

from services.runtime.tracing import wanted

_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED: Final = 1


class Ids(NamedTuple):
    """What a `traceparent` says."""

    trace: int
    span: int
    flags: int

    def __str__(self) -> str:
        """As a header has it."""
        return f"00-{self.trace:032x}-{self.span:016x}-{self.flags:02x}"


def started(*place: object) -> str:
    """The `traceparent` of a receipt at a place that no other receipt shares."""
    trace, span = _derived(place)
    return str(Ids(trace, span, _SAMPLED if wanted(trace) else 0))


def continued(parent: str | None, *place: object) -> str:
    """The `traceparent` of a step at a place, within the parent's trace if that is one."""
    ids = ids_of(parent)
    if ids is None:
        return started(*place)
    return str(Ids(ids.trace, _derived(place)[1], ids.flags & _SAMPLED))


def ids_of(text: str | None) -> Ids | None:
    """What a `traceparent` says; None if it is none."""
    match = _PARENT.fullmatch(text or "")
    if match is None:
        return None
    ids = Ids(*(int(part, 16) for part in match.groups()))
    return ids if ids.trace and ids.span else None


def _derived(place: tuple[object, ...]) -> tuple[int, int]:
    """Ids of a trace and of a span."""
    name = hashlib.sha256("\0".join(map(str, place)).encode()).hexdigest()
    return int(name[:32], 16), int(name[32:48], 16)
