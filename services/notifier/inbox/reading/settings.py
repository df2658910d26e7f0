"""The page of somebody's own preferences."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from services.notifier.cases.words import Channel
from services.notifier.inbox.personal.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Reached:
    """How the roster says that somebody is told of cases; changed there, not here."""

    channels: tuple[Channel, ...]
    digest: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """What somebody has chosen, and may choose.

    Attributes:
        reads: whether they read cases at all.
        reached: how they are told of them; None of who stands in no roster.
        saved: it was just changed.
        refused: why it was not.
    """

    chosen: Preferences
    reads: bool
    reached: Reached | None = None
    saved: bool = False
    refused: str = ""
