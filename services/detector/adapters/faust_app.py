"""The desk on Kafka, by Faust: the only file that knows it.

Faust shares the partitions among processes and brings their records. What of it is not used, and
why (docs/adr/0013-detector-on-kafka.md): its acknowledgements and commits (only what was finished
is committed, by ourselves), its tables and their recovery (`changelog.py`), its producer (nobody
hears of what fails), its transactions, timers and web server. That it passes no record over is
checked.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import faust

from schemas.topics import EVENTS
from services.detector.adapters.changelog import Changelog
from services.detector.adapters.committing import Commits
from services.detector.adapters.credentials import tls
from services.detector.adapters.hand import Hand
from services.detector.adapters.lanes import Lanes
from services.detector.adapters.local import Progress, Watchdog
from services.detector.adapters.metrics import Standing
from services.detector.adapters.outbox import INNER, SENDER
from services.detector.adapters.recovery import Recovery
from services.detector.adapters.sending import Sender
from services.detector.adapters.settings import connection, options
from services.detector.adapters.standby import keep_copies
from services.detector.adapters.ticks import at_rest
from services.runtime.errors import SalvageError, place_of
from services.runtime.lag import Lag
from services.runtime.logs import logger
from services.runtime.stalls import Stalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types import TP

    from services.detector.adapters.keyed import Judging
    from services.detector.adapters.local import Place
    from services.detector.adapters.metrics import DetectorMetrics
    from services.detector.adapters.settings import Settings
    from services.runtime.clock import Clock

PATIENCE: Final = 5.0
"""Seconds for the last commit."""
LOOK: Final = 0.1
"""Seconds between two looks at what is due."""
MOST_DUE: Final = 100
"""Reminders in one round and partition."""
STALL: Final = 10.0
"""Seconds after which a partition of which records wait and none comes is read from anew."""
STANDSTILL: Final = 60.0
"""Seconds in which something moves if something waits; a client that hangs is ended."""


class Worker:
    """One process of the detector."""

    def __init__(
        self, settings: Settings, judging: Judging, clock: Clock, metrics: DetectorMetrics
    ) -> None:
        """Build the application; `start` joins. Inside the event loop that is to run it."""
        self.progress = Progress()
        self._lag, self._recovery = Lag(), Recovery(monotonic())
        self._watchdog, self._waiting, self._looked = Watchdog(STANDSTILL), True, monotonic()
        self._stalls = Stalls(STALL)
        credentials = _security(settings.cluster.security)
        self.app: Any = faust.App(SENDER, **options(settings), **credentials)
        self._clock = clock
        link = connection(settings.cluster)
        self._sender = Sender(link)
        self._changelog = Changelog(link, self._sender, settings.folder)
        self._hand = Hand(judging, self._changelog, self._sender, self.progress, metrics, clock)
        self._commits = Commits(self.app.consumer, self.progress)
        self._tasks: list[asyncio.Task[None]] = []
        self._lanes = Lanes(self._hand.handle)
        self._settings = settings
        self._listen(settings)

    def _listen(self, settings: Settings) -> None:
        raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw"}
        types: dict[str, Any] = {"key_type": bytes, "value_type": bytes}
        channel = self.app.topic(EVENTS.name, INNER, partitions=settings.partitions, **raw, **types)

        async def judge(stream: Any) -> None:
            async for event in stream.events():
                await self._lanes.put(event.message.partition, event.message)

        self.app.agent(channel, concurrency=1, name="judge")(judge)
        self._revoked = self._on_revoked  # signals hold their receivers weakly
        self.app.on_partitions_revoked.connect(self._revoked)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        """Partitions change hands; what we know of any may be outdated afterwards."""
        self.app.consumer.stop_flow()  # Faust leaves it on if we had none
        self._lanes.clear()
        self._hand.forget()
        self.progress.done.clear()
        self.progress.troubles.clear()
        self._commits.forget()
        self._lag.look(monotonic(), {}, {})

    # -- the process

    async def start(self) -> None:
        """Join the group, and work from then on."""
        await self._sender.start()
        await self._changelog.start()
        await self.app.start()
        keeping = self._commits.keep(lambda: self.app.rebalancing)
        self._tasks = [asyncio.create_task(self._remind()), asyncio.create_task(keeping)]
        if self._settings.standby:
            copying = keep_copies(self._changelog, self._others, self.progress)
            self._tasks.append(asyncio.create_task(copying))
        for task in self._tasks:
            task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """None of them ends by itself; without one of them we would only seem to be at work."""
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.progress.failure = error

    async def stop(self) -> None:
        """Finish what is in hand, and leave the group."""
        await self._lanes.stop()
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._commits.once(), PATIENCE)
        await self.app.stop()
        await self._changelog.stop()
        await self._sender.stop()

    def problem(self) -> str | None:
        """Why it is not at work; None when it is."""
        if self.progress.failure is not None or self.app.crashed:
            return "the worker has failed"
        return "the state is being recovered" if self._recovering() else self.progress.trouble

    def _recovering(self) -> bool:
        if self.app.rebalancing or not self.app.tables.actives_ready:
            return True
        return not all(map(self._hand.serves, self._here()))

    def hangs(self) -> bool:
        """Whether nothing has moved for too long, although something waits."""
        moved, silent = self.progress.finished + self._changelog.taken, monotonic() - self._looked
        waiting = self._waiting or self._recovering() or silent > STANDSTILL / 2
        stands = self._watchdog.look(monotonic(), moved, waiting=waiting)
        return stands or self._stalls.longest > STANDSTILL

    def standing(self) -> Standing:
        """How it stands, for whoever watches."""
        reminders, overdue = self._hand.agenda.waiting(self._clock.now())
        return Standing(
            self._lag.partitions(),
            self._hand.desk.patients,
            reminders,
            overdue,
            recovering=self._recovering(),
            recovery=self._recovery.seconds,
            troubled=self.progress.trouble is not None or self.progress.failure is not None,
            defects=self._hand.desk.defects,
            stored=self._changelog.taken,
            copied=self._changelog.copied,
        )

    def _others(self) -> list[int]:
        """The partitions that are not ours; none while we have to see to our own."""
        ours = {place.partition for place in self._here()}
        count = 0 if self._recovering() else self._settings.partitions
        return [partition for partition in range(count) if partition not in ours]

    def _here(self) -> list[TP]:
        """The partitions that are ours, as those of the events."""
        return [place for place in self.app.consumer.assignment() if place.topic == EVENTS.name]

    # -- time

    async def _remind(self) -> None:
        """Tell patients that time has passed; for ever."""
        while True:
            await asyncio.sleep(LOOK)
            if self._recovery.look(monotonic(), recovering=self._recovering()):
                logger().info("recovered", extra={"seconds": round(self._recovery.seconds, 1)})
            if self.progress.failure is not None or self.app.rebalancing:
                continue
            try:
                await self._remind_once()
            except SalvageError as error:
                self.progress.failure = error
            except Exception as error:  # noqa: BLE001 - they stay due, and are told next time
                logger().error("trouble", extra={"detail": place_of(error)})

    async def _remind_once(self) -> None:
        for place in self._here():
            await self._hand.begin(place.partition)
        now, ready = self._clock.now(), await self._look()
        due = [
            one for partition in ready for one in self._hand.agenda.due(partition, now, MOST_DUE)
        ]
        await asyncio.gather(*map(self._hand.remind, due))

    async def _look(self) -> list[int]:
        """See how far we are.

        Returns:
            Partitions where somebody may be reminded.
        """
        consumer: Any = self.app.consumer
        here = [place for place in consumer.assignment() if place in self.progress.done]
        ends = await consumer.highwaters(*here) if here else {}
        done = {place: self.progress.done.get(place, 0) for place in here}
        ends = {place: ends.get(place) or 0 for place in here}
        self._lag.look(monotonic(), done, ends)
        self._looked = monotonic()
        behind = {place: done[place] for place in here if done[place] < ends[place]}
        self._waiting = bool(behind)
        await self._read_again(behind)
        return at_rest(self._here(), here, behind)

    async def _read_again(self, behind: Mapping[Place, int]) -> None:
        """Have records brought again that the client has lost."""
        unseen = {place: far for place, far in behind.items() if self._lanes.idle(place[1])}
        lost = self._stalls.look(monotonic(), unseen)
        if lost:
            logger().warning("read again", extra={"reason": "records wait and none comes"})
            await self._commits.again(lost)


def _security(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `services.runtime.kafka` as Faust has them."""
    context = tls(settings)
    if "sasl_mechanism" not in settings:
        return {} if context is None else {"broker_credentials": context}
    login = faust.SASLCredentials(
        username=settings["sasl_plain_username"],
        password=settings["sasl_plain_password"],
        mechanism=settings["sasl_mechanism"],
        ssl_context=context,
    )
    return {"broker_credentials": login}
