"""The process: a few loops beside each other, until it is asked to end; then what left comes home.

The store is asked in threads, channels are awaited. Whatever fails says so and goes on: a database
that is away for a minute delays everything, and loses nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from services.notifier.channels.contract import Outcome, unknown
from services.notifier.service.agenda import Agenda
from services.notifier.service.beginning import withdraw_unshared
from services.notifier.service.crashpoints import reached
from services.notifier.service.delivery import Delivery, Done
from services.notifier.service.digesting import send_digest
from services.notifier.service.feedback import judge_rules
from services.notifier.service.publishing import publish, publish_research
from services.notifier.service.shifts import change_shifts, tell_gaps
from services.notifier.service.vacancies import Vacancies
from services.notifier.store import deeds, outbox, research, shelf
from services.notifier.store.instants import moment
from services.runtime.errors import Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from datetime import datetime
    from typing import Protocol

    from sqlalchemy import Connection

    from services.notifier.service.premises import Premises
    from services.notifier.service.publishing import Tell, TellResearch
    from services.notifier.service.renewal import Renewal
    from services.notifier.service.sorting import Ready
    from services.notifier.service.watch import Watch
    from services.notifier.store.database import Database
    from services.runtime.clock import Clock
    from services.runtime.shutdown import Stop

    class Feed(Protocol):
        """Takes in what others tell."""

        def take(self, database: Database, now: datetime) -> int:
            """Take in what is new, and say how much that was."""
            ...


POLL: Final = 0.25
"""Seconds between two looks at what may be due. Overdue is visible a minute later at the most."""
PATIENCE: Final = 5.0
_GRACE: Final = 1.0
"""Seconds that a channel has beyond its own limit, to say itself what is known."""


class Process:
    """The loops of one notifier."""

    def __init__(
        self,
        database: Database,
        house: Premises,
        clock: Clock,
        stop: Stop,
        patience: float = PATIENCE,
        watch: Watch | None = None,
        renewal: Renewal | None = None,
    ) -> None:
        """Begin nothing.

        Args:
            database: up to date.
            house: the site.
            clock: the machine's, but for tests.
            stop: asks for an end.
            patience: seconds to wait when the store can't be used.
            watch: looks how all stands, for operations.
            renewal: reads the roster again when it changes.
        """
        self.agenda, self.delivery = Agenda(database, house), Delivery(database, house)
        self._database, self._house = database, house
        self._clock, self._stop = clock, stop
        self._patience, self._watch, self._renewal = patience, watch, renewal
        self._vacancies = Vacancies(database, house)
        self._busy: dict[int, bool] = {}
        self._untold: list[Callable[[Connection], int]] = []
        self._sending: dict[asyncio.Task[Outcome], Ready] = {}
        self._unwritten: list[Done] = []
        self._turning = True  # until the first look

    async def run(
        self,
        feeds: Sequence[Feed],
        tell: Tell | None,
        *,
        share: TellResearch | None = None,
        once: bool = False,
    ) -> None:
        """Work until asked to stop, and until everything that left has come home.

        Args:
            feeds: what to take in from.
            tell: publishes deeds, and returns when they are safe; None: they wait in the store.
            share: likewise publishes what is shared with research.
            once: stop when nothing is left to do at present.
        """
        async with AsyncExitStack() as stack:
            for channel in self._house.channels:
                await channel.open()
                stack.push_async_callback(channel.close)
            self.delivery.begin(self._now())
            withdraw_unshared(self._database, self._house.sharing)
            await asyncio.gather(*self._loops(feeds, tell, share, once=once))

    def _loops(
        self, feeds: Sequence[Feed], tell: Tell | None, share: TellResearch | None, *, once: bool
    ) -> list[Coroutine[None, None, None]]:
        self._busy = {id(each): True for each in feeds}
        works: list[Callable[[], int]] = [partial(self._take, each) for each in feeds]
        works += [self._work, self._digests, self._shifts, self._gaps, self._rules]
        works += [self._roster]
        if tell is not None:
            works.append(partial(self._publish, tell))
            self._untold.append(deeds.unpublished)
        if share is not None:
            works.append(partial(self._share, share))
            self._untold.append(research.unpublished)
        works += [self._look] if self._watch is not None else []
        works += [self._renew] if self._renewal is not None else []
        loops = [*(self._every(work) for work in works), self._send()]
        return [*loops, self._end_when_idle()] if once else loops

    async def _every(self, work: Callable[[], int]) -> None:
        """Work as long as there is something to do, else look again soon."""
        while not self._stop.asked:
            done = await self._tried(work)
            await asyncio.sleep(self._patience if done is None else 0 if done else POLL)

    async def _tried(self, work: Callable[[], int]) -> int | None:
        try:
            return await asyncio.to_thread(work)
        except Unavailable as error:
            logger().error("not available", extra={"detail": str(error)})
            return None

    async def _end_when_idle(self) -> None:
        while not self._stop.asked:
            await asyncio.sleep(POLL)
            if not any(self._busy.values()) and await self._tried(self._idle):
                self._stop.ask()

    def _idle(self) -> int:
        """1 if nothing is due: no patient, no message, none under way, nothing to be published."""
        with self._database.transaction() as connection:
            dues = (shelf.next_due(connection), outbox.next_due(connection))
            untold = any(count(connection) for count in self._untold)
        now = self._now()
        due = any(due is not None and due <= now for due in dues)
        under_way = self._turning or self._sending or self._unwritten
        return int(not (due or untold or under_way))

    # -- what the loops do

    def _now(self) -> datetime:
        return moment(self._clock.now())

    def _take(self, feed: Feed) -> int:
        count = feed.take(self._database, self._now())
        self._busy[id(feed)] = count > 0
        return count

    def _work(self) -> int:
        return self.agenda.work(self._now())

    def _digests(self) -> int:
        return int(send_digest(self._database, self._house, self._now()))

    def _shifts(self) -> int:
        return change_shifts(self._database, self._house.teams, self._now())

    def _gaps(self) -> int:
        return tell_gaps(self._database, self._house.teams, self._now())

    def _roster(self) -> int:
        return self._vacancies.look(self._now())

    def _rules(self) -> int:
        return judge_rules(self._database, self._now())

    def _share(self, share: TellResearch) -> int:
        return publish_research(self._database, share, self._now())

    def _look(self) -> int:
        return 0 if self._watch is None else self._watch.look(self._now())

    def _renew(self) -> int:
        return 0 if self._renewal is None else self._renewal.look(self._now())

    def problem(self) -> str | None:
        """Why it is not at work; None when it is, or nobody looks."""
        return None if self._watch is None else self._watch.problem(self._now())

    def _publish(self, tell: Tell) -> int:
        return publish(self._database, tell, self._now())

    async def _send(self) -> None:
        """Begin what there is room for, write what ended; a slow channel holds up only itself."""
        while self._unwritten or self._sending or not self._stop.asked:
            self._turning = True
            turned = await self._turned(self._unwritten)
            if turned is None:
                await asyncio.sleep(self._patience)
                if self._stop.asked:
                    return  # what could not be written is repeated, and says so
                continue
            for one in turned:
                self._sending[asyncio.create_task(sent(one))] = one
            busy = bool(self._unwritten or turned)
            self._unwritten, self._turning = [], False
            await self._wait(busy=busy)

    async def _turned(self, done: Sequence[Done]) -> list[Ready] | None:
        """Write, and claim as much as there is room for; None if the store can't be used now."""
        free = {} if self._stop.asked else self._free()
        try:
            return await asyncio.to_thread(lambda: self.delivery.turn(done, self._now(), free))
        except Unavailable as error:
            logger().error("not available", extra={"detail": str(error)})
            return None

    def _free(self) -> dict[str, int]:
        under_way = [one.channel.name for one in self._sending.values()]
        names = [one.name for one in self._house.channels]
        return {name: self._house.abreast - under_way.count(name) for name in names}

    async def _wait(self, *, busy: bool) -> None:
        """Wait a little for what is under way to end."""
        if not self._sending:
            await asyncio.sleep(0 if busy else POLL)
            return
        first = asyncio.FIRST_COMPLETED
        ended, _ = await asyncio.wait(self._sending, timeout=POLL, return_when=first)
        self._unwritten = [Done(self._sending[task], task.result()) for task in ended]
        for task in ended:
            del self._sending[task]


async def sent(ready: Ready) -> Outcome:
    """Send one message; whatever happens is an outcome."""
    reached("send.begun")
    try:
        async with asyncio.timeout(ready.channel.timeout.total_seconds() + _GRACE):
            outcome = await ready.channel.send(ready.message)
    except TimeoutError:
        outcome = unknown("timeout")
    except Exception:  # noqa: BLE001 - nobody knows what had left by then
        logger().exception("channel failed", extra={"subscriber": ready.channel.name})
        outcome = unknown("the channel raised")
    reached("send.ended")
    return outcome
