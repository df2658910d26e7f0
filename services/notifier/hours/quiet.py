"""Quiet hours: a period of each local day, in the recipient's own zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from services.notifier.hours.local import instant_of

if TYPE_CHECKING:
    from datetime import datetime, time
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one local time to another; over midnight if the second is not later than the first."""

    begin: time
    end: time

    def until(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours end in which an instant falls, in UTC; None when in none.

        The first moment is quiet, the last is not.
        """
        day = at.astimezone(zone).date()
        for each in (day - timedelta(days=1), day, day + timedelta(days=1)):
            over = self.end <= self.begin
            end = instant_of(each + timedelta(days=over), self.end, zone)
            if instant_of(each, self.begin, zone) <= at < end:
                return end
        return None
