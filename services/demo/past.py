"""The past of the notifier: cases, ladders, messages and answers, each at its simulated time.

What the loops of a process do beside each other is done here in turn, on the play's clock.
"""

from __future__ import annotations

import asyncio
import heapq
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.demo.colleagues import answers
from services.notifier.service.delivery import Done
from services.notifier.service.digesting import send_digest
from services.notifier.service.inputs import asked
from services.notifier.service.process import sent
from services.notifier.store import outbox, shelf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.demo.colleagues import Answer
    from services.notifier.commands.building import Notifier
    from services.notifier.service.sorting import Ready

_TOGETHER: Final = 30
DAY: Final = timedelta(days=1)
WEEK: Final = 7 * DAY


class Past:
    """A notifier that lives through what is played."""

    def __init__(self, notifier: Notifier, begin: datetime, yours: datetime) -> None:
        """Begin.

        Args:
            notifier: not at work by itself, yet.
            begin: the first moment.
            yours: from when on all but the critical is left to whoever looks at the demo.
        """
        self._notifier, self._yours = notifier, yours
        self._agenda, self._delivery = notifier.process.agenda, notifier.process.delivery
        self._due = begin
        self._answers: list[tuple[datetime, str, Answer]] = []
        self._planned: set[str] = set()

    def reach(self, now: datetime, *, news: bool) -> None:
        """Let everything happen that is due by then.

        Args:
            now: the simulated present.
            news: whether alerts were published since.
        """
        while self._due <= now:
            self._happen(self._due)
        if news:
            self._happen(now)

    def _happen(self, now: datetime) -> None:
        database, house = self._notifier.database, self._notifier.house
        for feed in self._notifier.sources.feeds:
            while feed.take(database, now):
                pass
        while self._answers and self._answers[0][0] <= now:
            answer = heapq.heappop(self._answers)[2]
            given = asked(answer.patient_id, answer.course_id, answer.command, answer.key)
            self._agenda.submit(given, now)
        while self._agenda.work(now):
            pass
        while send_digest(database, house, now):
            pass
        self._send(now)
        self._look_ahead(now)

    def _send(self, now: datetime) -> None:
        """Messages leave, as far as this house's paper."""
        free = {one.name: _TOGETHER for one in self._notifier.house.channels}
        done: list[Done] = []
        while (ready := self._delivery.turn(done, now, free)) or done:
            done = asyncio.run(_all_sent(ready))

    def _look_ahead(self, now: datetime) -> None:
        """Colleagues hear of what is new; and when is the next thing due?"""
        with self._notifier.database.transaction() as connection:
            cases = shelf.open_cases(connection)
            dues = [shelf.next_due(connection), outbox.next_due(connection)]
        self._planned &= {one.case_id for one in cases}  # what comes back is new again
        for case in cases:
            if case.case_id not in self._planned:
                self._planned.add(case.case_id)
                for one in answers(case, now, self._yours):
                    heapq.heappush(self._answers, (one.at, one.key, one))
        dues += [self._answers[0][0] if self._answers else None]
        dues += [now + DAY if any(one.in_digest for one in cases) else None]
        # What is due and could not be done now is looked at again with the next.
        self._due = min((at for at in dues if at and at > now), default=now + WEEK)


async def _all_sent(ready: Sequence[Ready]) -> list[Done]:
    return [Done(one, await sent(one)) for one in ready]
