"""Times as their reader has them: in the reader's zone, and how much is left."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from services.notifier.inbox import words

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
SOON: Final = timedelta(days=7)
"""Time left below which a page says so (CHOICE: the time that `urgent` means)."""


def local(at: datetime, zone: ZoneInfo) -> str:
    """`29 Jun 2024, 13:54`, in a zone."""
    here = at.astimezone(zone)
    return f"{here.day} {words.month(here)} {here.year}, {here:%H:%M}"


def deadline(at: datetime, zone: ZoneInfo) -> str:
    """By when: an instant at midnight is the end of the day before, and is called so."""
    here = at.astimezone(zone)
    if here.time() != time(0):
        return local(at, zone)
    last = here - timedelta(minutes=1)
    return f"{last.day} {words.month(last)} {last.year}"


def left(span: timedelta | None) -> str:
    """`76 days left`, `3 h left`, `2 days past`."""
    if span is None:
        return "no date"
    ahead = span >= timedelta(0)
    return f"{length(abs(span))} {'left' if ahead else 'past'}"


def length(span: timedelta) -> str:
    """`76 days`, `3 h`, `20 min`."""
    if span < _HOUR:
        return f"{span // timedelta(minutes=1)} min"
    if span < 2 * _DAY:
        return f"{span // _HOUR} h"
    return f"{span.days} days"


def pressing(span: timedelta | None) -> str:
    """`past`, `soon` or nothing: how the time left is marked."""
    if span is None:
        return ""
    return "past" if span < timedelta(0) else "soon" if span <= SOON else ""


def field(at: datetime, zone: ZoneInfo) -> str:
    """As the field of a form wants it: `2026-12-24T22:30`, in the reader's zone."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"
