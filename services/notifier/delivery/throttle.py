"""Throttles: how much one recipient gets on one channel, and what becomes of what is too much.

Nothing is dropped. Over the limit notices wait together and leave as one: "n cases need you". The
first notice of an urgent case always goes, and no urgent one waits longer than a short while.

The limits are starting values of our own (CHOICE), after the limits for a contact that the on-call
system GoAlert has.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.cases.words import Channel, Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.notifier.cases.effects import Notice

LONGEST_URGENT_WAIT: Final = timedelta(minutes=15)


MOST: Final = 20
"""No limit looks at more sendings than these, nor further back than a day."""
FURTHEST: Final = timedelta(days=1)


class Limit(NamedTuple):
    """At most `most` in any period of this length."""

    most: int
    within: timedelta


LIMITS: Final[dict[Channel, tuple[Limit, ...]]] = {
    Channel.PUSH: (Limit(3, timedelta(minutes=15)), Limit(8, timedelta(hours=12))),
    Channel.MESSAGE: (Limit(5, timedelta(minutes=15)), Limit(20, timedelta(days=1))),
    Channel.PHONE: (Limit(2, timedelta(hours=1)),),
    Channel.DIGEST: (),
}


class Verdict(NamedTuple):
    """When a notice goes, and why then. One that is not to go at once joins the others."""

    send_at: datetime
    why: str

    def now(self, at: datetime) -> bool:
        """Whether it goes at once."""
        return self.send_at <= at


def admit(notice: Notice, sent: Sequence[datetime], now: datetime) -> Verdict:
    """Whether a notice goes at once, or when together with others.

    Args:
        notice: the notice.
        sent: when its recipient got something on its channel, bundles counted once, oldest first;
            a day back is enough.
        now: the present instant.
    """
    if notice.first:
        return Verdict(now, "the first notice of an urgent case always goes")
    return limited(notice.channel, notice.facts.urgency, sent, now)


def limited(
    channel: Channel, urgency: Urgency | None, sent: Sequence[datetime], now: datetime
) -> Verdict:
    """The same, of what is no first notice."""
    free = max((_free(limit, sent, now) for limit in LIMITS[channel]), default=now)
    if free <= now:
        return Verdict(now, "within the limits")
    if urgency is Urgency.URGENT:
        free = min(free, now + LONGEST_URGENT_WAIT)
    return Verdict(free, "over the limit of the channel; together with others")


def _free(limit: Limit, sent: Sequence[datetime], now: datetime) -> datetime:
    """When a limit next lets one through."""
    recent = sorted(at for at in sent if at > now - limit.within)
    if len(recent) < limit.most:
        return now
    return recent[-limit.most] + limit.within
