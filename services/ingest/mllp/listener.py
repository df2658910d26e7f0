"""The listener: journal and server in a thread of their own, opened again after a failure.

A journal that can't be written closes the port, so that senders see at once that nobody takes
their messages; the port opens again when the journal can be opened again.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services.ingest.journal import Journal
from services.ingest.mllp.server import MllpServer
from services.ingest.observing import NOBODY
from services.ingest.receiving import Receiver
from services.runtime.errors import OperatorError, SalvageError, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.ingest.mllp.gate import Rules
    from services.ingest.mllp.server import Endpoint
    from services.ingest.observing import Observer
    from services.runtime.clock import Clock

RETRY_SECONDS = 5.0
_START_SECONDS = 20.0


class Listener:
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
        self._observer = observer
        self.port = endpoint.port
        self._endpoint = endpoint
        self._rules = rules
        self._folder = folder
        self._clock = clock
        self._retry = retry
        self._open = journal
        self._problem: str | None = None
        self._failure: Exception | None = None
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="mllp", daemon=True)

    def start(self) -> int:
        """Open journal and port.

        Returns:
            The port.

        Raises:
            OperatorError: the port can't be opened, or another process has the journal.
            Unavailable: the journal can't be opened.
        """
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise OperatorError("--mllp: the listener did not start in time")
        if isinstance(self._failure, SalvageError):
            raise self._failure
        if isinstance(self._failure, OSError):
            reason = self._failure.strerror or type(self._failure).__name__
            raise OperatorError(f"--mllp: cannot listen there: {reason}") from self._failure
        return self.port

    def stop(self) -> None:
        """Answer what was read and close; twice does no harm."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it receives, or will again by itself."""
        return self._thread.is_alive()

    def problem(self) -> str | None:
        """Why nothing is received at present; None when all is well."""
        if self._thread.is_alive():
            return self._problem
        return "the listener has ended" if self._started.is_set() else "the listener is not started"

    # -- in the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._keep_serving())
        except Exception as error:  # noqa: BLE001 - the thread's last word
            logger().critical("the listener has ended", extra={"detail": place_of(error)})
            self._failure = error
            self._started.set()

    async def _keep_serving(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_report)
        while not self._end.is_set():
            try:
                await self._serve(self._end)
            except (OSError, SalvageError) as error:
                if not self._started.is_set():
                    self._failure = error
                    self._started.set()
                    return
                logger().error("cannot receive", extra={"detail": place_of(error)})
            if not self._end.is_set():
                self._problem = "the journal cannot be written"
                await _pause(self._end, self._retry)

    async def _serve(self, end: asyncio.Event) -> None:
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


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's own report would quote an error's message."""
    del loop
    error = context.get("exception")
    detail = place_of(error) if isinstance(error, BaseException) else "no exception"
    logger().error("defect", extra={"detail": detail})


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
