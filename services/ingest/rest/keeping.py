"""The journal behind the endpoint: calls that wait share a transaction, and its wait for the disk.

Laws of this file:
- nobody is answered yes before the transaction that holds the bytes is on the disk;
- what was received before is kept as a repeat, and so processed once; but what doesn't say which
  version it is may be a return to an earlier one, and is processed again: facts merge;
- a journal that fails is closed and opened again later; until then nothing is taken.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from services.ingest.archive import Format
from services.ingest.journal import Entry, Journal, State
from services.ingest.rest.access import everything
from services.ingest.rest.call import Call
from services.ingest.rest.judging import Judged
from services.ingest.rest.outcome import taken
from services.runtime.errors import SalvageError, Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

RETRY_SECONDS: Final = 5.0
MOST: Final = 64
"""Calls in one transaction."""
WINDOW_BYTES: Final = 64 * 1024 * 1024
"""Bytes that may wait for the disk; beyond, senders are asked to come again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A judged call on its way to the disk; `caller` is the `traceparent` of who calls, if told."""

    call: Call
    judged: Judged
    received: int
    connection: str
    caller: str | None = None

    @property
    def entry(self) -> Entry:
        """What is kept of it. Of what is refused before it was read, the bytes as sent."""
        judged, call = self.judged, self.call
        refused = judged.state is State.REFUSED
        return Entry(
            received=self.received,
            connection=self.connection,
            place=0,
            source=call.grant.source,
            raw=call.body if refused else call.document,
            state=judged.state or State.REFUSED,
            control=call.control,
            content=call.content,
            accepted=not refused,
            refused=judged.refused,
            form=Format.FHIR,
            caller=self.caller,
        )


async def keep_page(keeper: Keeper, source: str, now: Callable[[], int], page: bytes) -> None:
    """Keep a page that we asked for ourselves.

    Raises:
        Unavailable: it is not kept.
    """
    call = Call(everything(source), "POST", page)
    judged = Judged(HTTPStatus.OK, taken("asked for"), dated=False)
    await keeper.keep(Waiting(call, judged, now(), f"polled {source}"))


class Keeper:
    """Takes judged calls into the journal, in groups. Belongs to one event loop."""

    def __init__(
        self,
        folder: Path,
        *,
        journal: Callable[[Path], Journal] = Journal,
        retry: float = RETRY_SECONDS,
    ) -> None:
        """Wire; `open` and `run` do the work.

        Args:
            folder: where the journal is kept.
            journal: opens the journal of a folder.
            retry: seconds until a journal that failed is opened again.
        """
        self.tally: Counter[str] = Counter()
        self._folder = folder
        self._make = journal
        self._retry = retry
        self._journal: Journal | None = None
        self._tried = 0.0
        self._thread = ThreadPoolExecutor(1, "fhir-journal")
        self._queue: list[tuple[Waiting, asyncio.Future[Judged]]] = []
        self._bytes = 0
        self._something = asyncio.Event()

    async def open(self) -> None:
        """Open the journal.

        Raises:
            Unavailable: it can't be opened.
            OperatorError: another process has it.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._opened)

    @property
    def problem(self) -> str | None:
        """Why nothing is taken at present; None when all is well."""
        return "the journal cannot be written" if self._journal is None else None

    async def keep(self, waiting: Waiting) -> Judged:
        """Keep a call.

        Returns:
            What may now be answered.

        Raises:
            Unavailable: it is not kept: the journal can't be written, or is behind.
        """
        size = len(waiting.call.body)
        if self._bytes and self._bytes + size > WINDOW_BYTES:
            raise Unavailable("too much waits for the journal")
        future: asyncio.Future[Judged] = asyncio.get_running_loop().create_future()
        self._bytes += size
        self._queue.append((waiting, future))
        self._something.set()
        return await future

    async def run(self) -> None:
        """Commit what waits, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if not await self._woken():
                await loop.run_in_executor(self._thread, self._try_again)
                continue
            group, self._queue = self._queue[:MOST], self._queue[MOST:]
            if not self._queue:
                self._something.clear()
            found = await loop.run_in_executor(self._thread, self._take, [one for one, _ in group])
            for (waiting, future), told in zip(group, found, strict=True):
                self._bytes -= len(waiting.call.body)
                if future.done():  # its connection is gone
                    continue
                if isinstance(told, Exception):
                    future.set_exception(told)
                else:
                    future.set_result(told)

    async def _woken(self) -> bool:
        """Wait for something to do; without a journal only until it is time to try again."""
        try:
            async with asyncio.timeout(self._retry if self._journal is None else None):
                await self._something.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Wait for the transaction at work and close the journal."""
        self._thread.shutdown(wait=True)
        self._drop()

    # -- in the thread

    def _take(self, group: Sequence[Waiting]) -> Sequence[Judged | Exception]:
        try:
            journal = self._opened()
            with journal.transaction():
                found = [self._one(journal, one) for one in group]
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may hear yes
            logger().critical("the journal cannot be written", extra={"detail": place_of(error)})
            self._drop()
            return [Unavailable("the journal cannot be written") for _ in group]
        self.tally.update(f"status {one.status.value}" for one in found)
        return found

    def _opened(self) -> Journal:
        """The journal; opened again at most every few seconds."""
        if self._journal is None:
            if self._tried and time.monotonic() - self._tried < self._retry:
                raise Unavailable("the journal was tried a moment ago")
            self._tried = time.monotonic()
            self._journal = self._make(self._folder)
        return self._journal

    def _try_again(self) -> None:
        with suppress(SalvageError):
            self._opened()

    def _drop(self) -> None:
        journal, self._journal = self._journal, None
        try:
            if journal is not None:
                journal.close()
        except SalvageError as error:
            logger().error("trouble", extra={"detail": place_of(error)})

    def _one(self, journal: Journal, waiting: Waiting) -> Judged:
        entry = waiting.entry
        known = None
        if entry.state is State.NEW and waiting.judged.dated:
            known = journal.same(entry.source, entry.control, entry.content)
        if entry.state is State.NEW and known is None and waiting.call.once:
            known = journal.named_alike(entry.source, entry.control)
        if known is not None:
            entry = replace(entry, state=State.REPEAT, refers=known)
        number = journal.add(entry)
        if entry.refused is not None:
            about = {"sequence": number, "reason": entry.refused.reason, "state": entry.state}
            logger().warning("refused", extra=about)
        return self._told(waiting, repeated=known is not None)

    def _told(self, waiting: Waiting, *, repeated: bool) -> Judged:
        """A repeat hears what it heard the first time, but that nothing new was created."""
        self.tally["repeated"] += repeated
        if repeated and waiting.judged.status is HTTPStatus.CREATED:
            about = taken("known already; taken once")
            return replace(waiting.judged, status=HTTPStatus.OK, body=about)
        return waiting.judged
