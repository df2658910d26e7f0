"""A notifier is built: the one way, whoever runs it, and whatever it is beside."""

from __future__ import annotations

import os
import socket
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry

from services.notifier.commands.inbox import inbox, prepared
from services.notifier.inbox.access.officer import check_officer
from services.notifier.service.asking import Answers
from services.notifier.service.metrics import NotifierMetrics
from services.notifier.service.premises import Premises
from services.notifier.service.process import Process
from services.notifier.service.renewal import Renewal
from services.notifier.service.sitefolder import TEAMS, read_folder, same_key
from services.notifier.service.watch import Watch
from services.notifier.store.database import opened
from services.notifier.store.migrating import check, migrate
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager, ExitStack
    from datetime import timedelta
    from pathlib import Path

    from schemas.actions import Action
    from services.notifier.commands.inbox import Opening
    from services.notifier.commands.place import Place
    from services.notifier.inbox.access.local import LocalDoor
    from services.notifier.inbox.access.oidc import OpenIdDoor
    from services.notifier.inbox.pages.documents import Record
    from services.notifier.inbox.upkeep import Upkeep
    from services.notifier.service.observing import Observer
    from services.notifier.service.process import Feed
    from services.notifier.service.publishing import TellResearch
    from services.notifier.service.sitefolder import Folder
    from services.notifier.store.database import Database
    from services.runtime.clock import Clock
    from services.runtime.shutdown import Stop

    Tell = Callable[[Sequence[Action]], None]

INBOX: Final = "http://127.0.0.1:8642/case/"


def this_process() -> str:
    """What a notifier is called among several, unless somebody calls it otherwise."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Sources(NamedTuple):
    """Where alerts come from, and where deeds go to; None: they stay in the store.

    record: all versions of a patient's facts, for the charts of a case; None: it isn't at hand, and
    they show what the alerts quote.
    upkeep: sources and dead letters, for operations; None: they are not to be seen from here.
    """

    feeds: Sequence[Feed]
    tell: Tell | None
    share: TellResearch | None
    patience: timedelta
    record: Record | None = None
    upkeep: Upkeep | None = None


class Order(NamedTuple):
    """What a notifier is made of.

    Attributes:
        site: the folder of teams, channels and the key.
        database: its URL.
        serve_inbox: where the care team's pages are served; None: nowhere.
        links: what a case's reference is put behind; None: our own pages, or `INBOX`.
        worker: its name among several notifiers.
        abreast: messages that may be under way on each channel.
    """

    site: Path
    database: str
    serve_inbox: Place | None
    links: str | None
    worker: str
    abreast: int = 1


@dataclass(frozen=True)
class Notifier:
    """A notifier that is ready to begin.

    Attributes:
        process: does the work.
        database: its own.
        house: what it works with.
        registry: its metrics.
        opening: of the pages, if they are served.
        sources: what it takes in.
        folder: what the site said.
        clock: by which it works.
    """

    process: Process
    database: Database
    house: Premises
    registry: CollectorRegistry
    opening: Opening | None
    sources: Sources
    folder: Folder
    clock: Clock

    async def work(
        self, seen: AbstractAsyncContextManager[object] | None = None, *, once: bool = False
    ) -> None:
        """Work until asked to stop.

        Args:
            seen: held open meanwhile.
            once: end when nothing is left to do at present.
        """
        answers = Answers(self.database, self.house, self.clock)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(seen or nullcontext())
            await stack.enter_async_context(self.pages())
            for service in self.folder.channels.services:
                await service.open(answers, answers)
                stack.push_async_callback(service.close)
            feeds, tell, share = self.sources[:3]
            await self.process.run(feeds, tell, share=share, once=once)

    @property
    def door(self) -> OpenIdDoor | LocalDoor | None:
        """Who lets people into the pages; None if they are not served."""
        return None if self.opening is None else self.opening.door

    def pages(self) -> AbstractAsyncContextManager[None]:
        """The care team's pages, if they are to be served."""
        submit, sources = self.process.agenda.submit, self.sources
        return inbox(self.opening, self.database, self.house, submit, sources, self.clock)


def built(
    order: Order,
    sources: Callable[[ExitStack], Sources],
    stop: Stop,
    stack: ExitStack,
    clock: Clock | None = None,
) -> Notifier:
    """Everything that a notifier needs, read, opened and brought up to date.

    Args:
        order: what it is made of.
        sources: where alerts come from.
        stop: asks for an end.
        stack: closes what was opened.
        clock: the machine's, unless another is given.

    Raises:
        OperatorError: settings or surroundings can't be used.
        Unavailable: the store can't be reached at the start.
    """
    clock, folder = clock or SystemClock(), read_folder(order.site)
    database = stack.enter_context(opened(order.database))
    (check if database.shared else migrate)(database)
    same_key(database, folder.site.key)
    opening = prepared(order.serve_inbox, order.site, folder.teams)
    if opening is not None:
        stack.callback(opening.listener.close)
    found, metrics = sources(stack), NotifierMetrics(CollectorRegistry(), folder.channels.channels)
    links = order.links or (opening.links if opening else INBOX)
    house = _premises(order._replace(links=links), folder, found, metrics)
    watch, renewal = Watch(database, house, metrics), _renewal(order, house, opening)
    process = Process(database, house, clock, stop, watch=watch, renewal=renewal)
    logger().info("notifying", extra={"source": house.worker})
    return Notifier(process, database, house, metrics.registry, opening, found, folder, clock)


def _renewal(order: Order, house: Premises, opening: Opening | None) -> Renewal:
    """Reads the roster again; one without whom the pages' settings name is refused."""
    officer = None if opening is None else opening.settings.privacy
    return Renewal(order.site / TEAMS, house, partial(check_officer, officer))


def _premises(order: Order, folder: Folder, sources: Sources, observer: Observer) -> Premises:
    if folder.sharing is not None and sources.share is None:
        raise OperatorError("research.yaml: needs --kafka or --research")
    house = Premises(
        site=folder.site,
        teams=folder.teams,
        channels=folder.channels.channels,
        links=order.links or INBOX,
        worker=order.worker,
        patience=sources.patience,
        observer=observer,
        sharing=folder.sharing,
        abreast=order.abreast,
    )
    if house.uncarried:
        raise OperatorError(f"channels.yaml: nothing carries {', '.join(house.uncarried)}")
    return house
