"""Tells open pages what has changed: looks at the end of the audit trail, once for all of them.

Every change of a case is a line of the trail, whichever notifier made it; the line's number is the
event's id. Only ids leave: a page asks for the rest itself, and is checked again.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from services.notifier.store import audit
from services.notifier.store.tables import AUDIT, CASES
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from services.notifier.store.database import Database

MOST: Final = 500
EACH: Final = 3
"""Streams of a process, and of one sign-in."""
BEHIND: Final = 1_000
"""Lines: who is farther behind loads everything anew."""
POLL: Final = 1.0
_WAITING: Final = 1_000
_QUIET: Final = frozenset({"viewed", "listed", "searched", "denied", "glass-broken"})
"""Lines that change nothing on a page."""


class Changed(NamedTuple):
    """Something happened to a case."""

    number: int
    reference: str
    team: str
    revision: int


class Reset(NamedTuple):
    """Too much has happened to be told one by one."""

    number: int


News = Changed | Reset | None
"""None: the streams end."""


class Hub:
    """Gathers what changes, and hands it to all who listen."""

    def __init__(self, database: Database, poll: float = POLL) -> None:
        """Nobody listens yet.

        Args:
            database: whose trail is looked at.
            poll: seconds between two looks.
        """
        self._database, self._poll = database, poll
        self._listeners: dict[asyncio.Queue[News], str] = {}
        self._closed = False
        self._last: int | None = None

    def has_room(self, who: str) -> bool:
        """Whether one more may listen, of all and of this sign-in."""
        own = Counter(self._listeners.values())[who]
        return not self._closed and own < EACH and len(self._listeners) < MOST

    @contextmanager
    def listening(self, who: str) -> Iterator[asyncio.Queue[News]]:
        """What happens from now on."""
        queue: asyncio.Queue[News] = asyncio.Queue(_WAITING)
        self._listeners[queue] = who
        if self._closed:
            queue.put_nowait(None)
        try:
            yield queue
        finally:
            del self._listeners[queue]

    async def run(self) -> None:
        """Look, tell, and look again, until closed."""
        while not self._closed:
            await self.look()
            await asyncio.sleep(self._poll)

    async def look(self) -> None:
        """Tell what has happened since the last look; the first only sees where the trail ends."""
        try:
            self._last, news = await asyncio.to_thread(self.since, self._last)
        except Unavailable:
            return
        for one in news:
            self._tell(one)

    def since(self, last: int | None) -> tuple[int, list[Changed | Reset]]:
        """What has happened since a line of the trail.

        Args:
            last: the line's number; None: nothing is asked but where the trail ends.

        Returns:
            The number of the last line, and what is to be told.

        Raises:
            Unavailable: the store can't be read.
        """
        with self._database.transaction() as connection:
            head = audit.head(connection).seq
            if last is None or last >= head:
                return head, []
            if head - last > BEHIND:
                return head, [Reset(head)]
            return head, list(_changes(connection, last, head))

    def close(self) -> None:
        """End all streams, now."""
        self._closed = True
        for queue in self._listeners:
            _put(queue, None)

    def _tell(self, news: Changed | Reset) -> None:
        for queue in self._listeners:
            _put(queue, news)


def _put(queue: asyncio.Queue[News], news: News) -> None:
    """Whoever doesn't keep up loses what waits, and is told to load everything anew."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        news = None if news is None else Reset(news.number)
    queue.put_nowait(news)


def _changes(connection: Connection, last: int, head: int) -> Iterator[Changed]:
    """One for each case, in the order of its last change."""
    within = (AUDIT.c.seq > last) & (AUDIT.c.seq <= head)
    columns = (AUDIT.c.seq, AUDIT.c.body, CASES.c.reference, CASES.c.team, CASES.c.revision)
    query = select(*columns).join(CASES, CASES.c.case_id == AUDIT.c.case_id).where(within)
    latest: dict[str, Changed] = {}
    for row in connection.execute(query.order_by(AUDIT.c.seq)):
        if json.loads(row.body).get("what") not in _QUIET:
            latest.pop(row.reference, None)
            latest[row.reference] = Changed(row.seq, row.reference, row.team, row.revision)
    yield from latest.values()
