"""The listener: journal and server in a thread of their own, opened again after a failure.

A journal that can't be written closes the port, so that senders see at once that nobody takes
their messages; the port opens again when the journal can be opened again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from services.ingest.background import Background
from services.ingest.journal import Journal
from services.ingest.mllp.server import MllpServer
from services.ingest.observing import NOBODY
from services.ingest.receiving import Receiver
from services.runtime.errors import SalvageError, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.ingest.mllp.gate import Rules
    from services.ingest.mllp.server import Endpoint
    from services.ingest.observing import Observer
    from services.runtime.clock import Clock

RETRY_SECONDS = 5.0


class Listener(Background):
    """Receives into a folder's journal, from a thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        rules: Rules,
        folder: Path,
        clock: Clock,
        *,
        retry: float = RETRY_SECONDS,
        journal: Callable[[Path], Journal] = Journal,
        observer: Observer = NOBODY,
    ) -> None:
        """Get ready; `start` opens journal and port.

        Args:
            endpoint: where to listen.
            rules: whom to believe what.
            folder: where the journal is kept.
            clock: stamps what arrives.
            retry: seconds until a journal that failed is tried again.
            journal: opens the journal of a folder.
            observer: told of what is received.
        """
        super().__init__("mllp", endpoint.port)
        self._observer = observer
        self._endpoint = endpoint
        self._rules = rules
        self._folder = folder
        self._clock = clock
        self._retry = retry
        self._open = journal
        self._problem: str | None = None

    def _hindrance(self) -> str | None:
        return self._problem

    # -- in the thread

    async def _serve(self, end: asyncio.Event) -> None:
        while not end.is_set():
            try:
                await self._serve_once(end)
            except (OSError, SalvageError) as error:
                if not self._started.is_set():
                    raise
                logger().error("cannot receive", extra={"detail": place_of(error)})
            if not end.is_set():
                self._problem = "the journal cannot be written"
                await _pause(end, self._retry)

    async def _serve_once(self, end: asyncio.Event) -> None:
        """Receive until asked to end, or until the journal fails."""
        journal = self._open(self._folder)
        try:
            limit, observer = self._endpoint.limits.frame, self._observer
            receiver = Receiver(journal, self._rules, limit=limit, observer=observer)
            server = MllpServer(self._endpoint_again(), receiver, self._clock.now, observer)
            try:
                self.port = await server.start()
                self._problem = None
                self._started.set()
                await _first_of(end, server.committer.failed)
            finally:
                await server.close()
        finally:
            journal.close()

    def _endpoint_again(self) -> Endpoint:
        """The same port as before, also if any free one was asked for."""
        return replace(self._endpoint, port=self.port)


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _pause(end: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await end.wait()
    except TimeoutError:
        return
