"""Trace ids: which receipt a fact, and later an alert, goes back to (W3C Trace Context, level 1).

Ids are derived from where something was received, so that a repeated step gives the same id; they
are made of nothing that was received.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def started(*place: object) -> str:
    """The `traceparent` of a receipt at a place that no other receipt shares."""
    name = _digest(*place)
    return f"00-{name[:32]}-{name[32:48]}-00"


def continued(parent: str | None, *place: object) -> str:
    """The `traceparent` of a step at a place, within the parent's trace if that is one."""
    match = _PARENT.fullmatch(parent or "")
    if match is None or not int(match[1], 16):
        return started(*place)
    return f"00-{match[1]}-{_digest(*place)[32:48]}-00"


def _digest(*place: object) -> str:
    return hashlib.sha256("\0".join(map(str, place)).encode()).hexdigest()
