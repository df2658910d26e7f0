"""The listener: journal, web server and pollers in a thread of their own.

A journal that can't be written doesn't close the port: senders are told to come again (503), and
the journal is opened again when one of them does.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import web

from services.ingest.background import Background
from services.ingest.journal import Journal
from services.ingest.polling.cursor import CursorFile
from services.ingest.polling.poller import Poller
from services.ingest.rest.app import Service, build_app
from services.ingest.rest.capability import capability
from services.ingest.rest.connections import Connections
from services.ingest.rest.keeping import RETRY_SECONDS, Keeper, keep_page
from services.runtime.errors import InvariantBroken
from services.runtime.logs import NAME

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from services.ingest.polling.server import Server
    from services.ingest.rest.doors import Door
    from services.ingest.rest.judging import Read
    from services.runtime.clock import Clock

_TLS_SECONDS: Final = {"ssl_handshake_timeout": 10.0, "ssl_shutdown_timeout": 2.0}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SERVER: Final[dict[str, Any]] = {
    # What aiohttp says of a request may quote it: in our log only place and type are written.
    "logger": logging.getLogger(f"{NAME}.http"),
    "access_log": None,
    "auto_decompress": False,  # `body` does it, with a limit
    "lingering_time": 2.0,
    "shutdown_timeout": 5.0,
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where to listen, port 0 for any that is free, and how callers are known."""

    host: str
    port: int
    door: Door
    tls: ssl.SSLContext | None = None
    connections: Connections = field(default_factory=Connections)


@dataclass(frozen=True, slots=True)
class Work:
    """What the listener is to do: listen, or ask a server, or both."""

    where: Where | None = None
    server: Server | None = None


class FhirListener(Background):
    """Receives into a folder's journal, from a thread."""

    def __init__(
        self,
        work: Work,
        read: Read,
        folder: Path,
        clock: Clock,
        *,
        journal: Callable[[Path], Journal] = Journal,
        retry: float = RETRY_SECONDS,
    ) -> None:
        """Get ready; `start` opens journal and port.

        Args:
            work: where to listen, and whom to ask.
            read: reads a document of a sender.
            folder: where the journal is kept.
            clock: stamps what arrives.
            journal: opens the journal of a folder.
            retry: seconds until a journal that failed is tried again.
        """
        super().__init__("fhir", work.where.port if work.where is not None else 0)
        self._work = work
        self._read = read
        self._folder = folder
        self._poller: Poller | None = None
        self._open_keeper = partial(Keeper, folder, journal=journal, retry=retry)
        self._clock = clock
        self._keeper: Keeper | None = None

    def _hindrance(self) -> str | None:
        kept = self._keeper.problem if self._keeper is not None else None
        return kept or (self._poller.problem() if self._poller is not None else None)

    # -- in the thread

    async def _serve(self, end: asyncio.Event) -> None:
        keeper = self._keeper = self._open_keeper()
        try:
            await keeper.open()
            committing = asyncio.create_task(keeper.run())
            try:
                async with self._polling(keeper):
                    await self._receive(keeper, end)
            finally:
                await _cancelled(committing)
        finally:
            keeper.close()

    @asynccontextmanager
    async def _polling(self, keeper: Keeper) -> AsyncIterator[None]:
        """Ask a server all the while, if there is one."""
        server = self._work.server
        if server is None:
            yield
            return
        async with aiohttp.ClientSession(trust_env=False) as session:
            file = CursorFile(self._folder, server.base)
            keep = partial(keep_page, keeper, server.base, self._clock.now)
            self._poller = Poller(server, session, file, keep, self._clock.now)
            polling = asyncio.create_task(self._poller.run())
            try:
                yield
            finally:
                await _cancelled(polling)

    async def _receive(self, keeper: Keeper, end: asyncio.Event) -> None:
        where = self._work.where
        if where is None:
            self._started.set()
            await end.wait()
            return
        heard = self._poller.subscriptions.hooks() if self._poller is not None else {}
        service = Service(where.door, keeper, self._read, self._clock.now, heard)
        since = _EPOCH + timedelta(microseconds=self._clock.now())
        about = capability(
            version("salvage-watch"),
            since.isoformat(timespec="seconds"),
            secured=where.door.secured,
        )
        app = build_app(service, about)
        app.middlewares.insert(0, where.connections.middleware())
        runner = web.AppRunner(app, **_SERVER)
        await runner.setup()
        try:
            await self._listen(runner, where, end)
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner, where: Where, end: asyncio.Event) -> None:
        """Open the port until asked to end; requests at work are finished by the runner."""
        if runner.server is None:
            raise InvariantBroken("a web server without a server")
        make = where.connections.serve(runner.server)
        secured: dict[str, Any] = {"ssl": where.tls} | _TLS_SECONDS if where.tls else {}
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(make, where.host, self.port, **secured)
        try:
            self.port = listening.sockets[0].getsockname()[1]
            self._started.set()
            await end.wait()
        finally:
            listening.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
