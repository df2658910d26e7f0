"""Polling: what was changed at a server since we last looked, page by page, into the journal.

Laws of this file:
- the cursor moves only after every page of a type is in the journal;
- no address but the configured server's is asked, whatever a page or a redirect says;
- whatever a server answers, polling goes on, slower if it asks for that.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from services.ingest.fhir.document import MAX_BYTES
from services.ingest.polling.fetch import Fetched, fetch
from services.ingest.polling.pages import BadPage, Page, read_page
from services.ingest.polling.subscriptions import Subscriptions
from services.runtime.errors import Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import aiohttp

    from services.ingest.polling.cursor import Cursor, CursorFile
    from services.ingest.polling.server import Server

    Keep = Callable[[bytes], Awaitable[object]]

PAGE: Final = 200
MOST_PAGES: Final = 10_000
LEAST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 3600.0
STALE: Final = 3
"""Rounds that may fail before somebody is told."""
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ACCEPT: Final = {"Accept": "application/fhir+json"}
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Busy(Unavailable):
    """The server asks to come later; `seconds` from now."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__("the server asks to come later")
        self.seconds = seconds


class Poller:
    """Polls one server. Belongs to one event loop."""

    def __init__(
        self,
        server: Server,
        session: aiohttp.ClientSession,
        file: CursorFile,
        keep: Keep,
        now: Callable[[], int],
    ) -> None:
        """Wire; `run` does the work.

        Args:
            server: what to ask where.
            session: with which.
            file: how far it has been read.
            keep: puts a page into the journal, and returns when it is on the disk.
            now: the present instant, microseconds UTC.
        """
        self.failed = 0
        self._server = server
        self._session = session
        self._file = file
        self._keep = keep
        self._now = now
        self._hint = asyncio.Event()
        self.cursor: Cursor = file.read()
        self.subscriptions = Subscriptions(
            server.subscriptions, self.cursor.events, self.hint, now, server.heartbeat
        )

    def hint(self) -> None:
        """Something may be new: look soon. Many hints make one look."""
        self._hint.set()

    def problem(self) -> str | None:
        """Why nothing comes from there; None when all is well."""
        if self.failed >= STALE:
            return "a polled FHIR server does not answer"
        return self.subscriptions.silent()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self._hint.clear()
            pause = await self.round()
            try:
                async with asyncio.timeout(pause):
                    await self._hint.wait()
                await asyncio.sleep(LEAST_PAUSE)  # what else is notified in the meantime is one
            except TimeoutError:
                continue

    async def round(self) -> float:
        """Ask for every type once.

        Returns:
            Seconds until the next round.
        """
        pause, failed = self._server.every, False
        for kind in self._server.kinds:
            try:
                await self._poll(kind)
            except Busy as error:
                return self._later(error)
            except (Unavailable, BadPage, OSError) as error:
                logger().error("poll failed", extra={"reason": str(error), "detail": kind})
                failed = True
            except Exception as error:  # noqa: BLE001 - a defect of ours must not end it
                logger().error("defect", extra={"detail": place_of(error)})
                failed = True
        self.failed = self.failed + 1 if failed else 0
        return pause * random.uniform(1.0, 1.1)  # noqa: S311 - so that not all come at once

    def _later(self, busy: Busy) -> float:
        """When to come again: as asked, within reason."""
        self.failed += 1
        logger().warning("poll put off", extra={"seconds": busy.seconds})
        asked = busy.seconds if busy.seconds is not None else self._server.every
        pause = min(max(asked, LEAST_PAUSE), LONGEST_PAUSE)
        return pause * random.uniform(1.0, 1.1)  # noqa: S311

    async def _poll(self, kind: str) -> None:
        times: list[datetime] = []
        limit: datetime | None = None
        async for fetched, page in self._pages(kind):
            limit = limit or self._present(fetched)
            if page.versions.keys() - self.cursor.seen.keys():
                await self._keep(fetched.body)
            # What doesn't say when it was released comes again each time: it is not forgotten.
            self.cursor.seen |= {name: at or _NEVER for name, at in page.versions.items()}
            times += [at for at in page.versions.values() if at is not None]
        self._move(kind, times, limit or self._today())

    def _move(self, kind: str, times: list[datetime], limit: datetime) -> None:
        """Everything up to the latest is in the journal; a wrong clock must not run ahead."""
        before = self.cursor.high.get(kind)
        if times:
            high = min(max([*times, *([before] if before else [])]), limit)
            self.cursor.high[kind] = high
            self.cursor.forget(kind, high - 2 * timedelta(seconds=self._server.overlap))
        self._file.write(self.cursor)

    async def _pages(self, kind: str) -> AsyncIterator[tuple[Fetched, Page]]:
        """The pages of a search.

        Raises:
            Unavailable: the server doesn't answer as it should.
            BadPage: an answer that is no page, or pages without end.
        """
        url: str | None = self._search(kind)
        asked: set[str] = set()
        while url is not None:
            if url in asked or len(asked) >= MOST_PAGES:
                raise BadPage("the pages lead in a circle")
            asked.add(url)
            fetched = await self._ask(url)
            page = await asyncio.to_thread(read_page, fetched.body, url, self._server.base)
            yield fetched, page
            url = page.next

    def _search(self, kind: str) -> str:
        query = {"_sort": "_lastUpdated", "_count": str(PAGE)}
        high = self.cursor.high.get(kind)
        if high is not None:
            since = high - timedelta(seconds=self._server.overlap)
            query = {"_lastUpdated": f"ge{since.isoformat(timespec='milliseconds')}"} | query
        return f"{self._server.base.rstrip('/')}/{kind}?{urlencode(query)}"

    async def _ask(self, url: str) -> Fetched:
        headers = _ACCEPT | await self._server.credentials.header()
        fetched = await fetch(self._session, url, limit=MAX_BYTES, headers=headers)
        if fetched.status in _BUSY:
            raise Busy(retry_after(fetched.headers.get("Retry-After"), self._today()))
        if fetched.status != HTTPStatus.OK:
            raise Unavailable(f"the server answers {fetched.status}")
        return fetched

    def _present(self, fetched: Fetched) -> datetime:
        """The server's own idea of now, if it tells."""
        told = _date(fetched.headers.get("Date"))
        return told if told is not None else self._today()

    def _today(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._now())


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait, as a server wishes in seconds or by a date; None if it can't be told."""
    if text is None:
        return None
    if text.strip().isdecimal() and len(text) <= 9:  # noqa: PLR2004 - thirty years
        return float(text)
    until = _date(text)
    return max(0.0, (until - now).total_seconds()) if until is not None else None


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
