"""One attempt, bounded in time: whatever breaks, it is known whether anything may have been taken.

The line is drawn before the first byte of content leaves. What breaks before it is `temporary`;
what breaks after it is `unknown`, until the peer has answered.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.notifier.channels.contract import Outcome, temporary, unknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

SHARE: Final = 0.95


@dataclass(slots=True)
class Progress:
    """How far an attempt is.

    Attributes:
        left: content may have reached the peer, and it has not answered yet.
    """

    left: bool = False


async def attempt(limit: timedelta, work: Callable[[Progress], Awaitable[Outcome]]) -> Outcome:
    """Try once.

    Args:
        limit: how long it may last; it ends a little sooner, so that the verdict is given here and
            not by whoever waits.
        work: does it; keeps `Progress` up to date, and lets what breaks the connection pass.
    """
    progress = Progress()
    try:
        async with asyncio.timeout(limit.total_seconds() * SHARE):
            return await work(progress)
    except TimeoutError:
        return unknown("timeout-after-data") if progress.left else temporary("timeout")
    except (OSError, EOFError):
        return unknown("cut-after-data") if progress.left else temporary("not-reached")
