"""When to try again: exponential with full jitter, and never beyond what the message is for. Pure.

5 s, growing to 5 min: the notifier's design (CHOICE). The jitter is derived from the message and
the number of the attempt, so that a thousand messages don't come back in the same second and a
replay gives the same instants.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from schemas.base import digest

if TYPE_CHECKING:
    from datetime import datetime

FIRST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(minutes=5)
_FAR: Final = 20


def retry_at(
    key: str, attempts: int, now: datetime, asked: timedelta | None, until: datetime | None
) -> datetime | None:
    """When to try again; None if there is no time left for that.

    Args:
        key: of the message.
        attempts: how many there were, at least one.
        now: the present instant.
        asked: how long the peer asked to be left alone; it bounds the wait from below.
        until: from then on somebody else is told.
    """
    span = min(LONGEST, FIRST * (1 << min(attempts - 1, _FAR)))
    share = int(digest("jitter", key, attempts)[:8], 16)
    wait = span * share // (1 << 32)
    at = now + max(wait, min(asked, LONGEST) if asked is not None else wait)
    if until is None:
        return at
    return at if at < until else None
