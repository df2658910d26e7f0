"""The stream of changes that a page listens to: references and numbers, and nothing else.

An open stream doesn't extend a sign-in, and doesn't outlive it: at every heartbeat it is looked at
again who the person is, and whose cases they may see.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from services.notifier.inbox.web.calls import Halt, Listen
from services.notifier.inbox.web.guard import known
from services.notifier.inbox.web.hub import Changed, Reset
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.notifier.inbox.access.people import Person
    from services.notifier.inbox.web.hub import News
    from services.notifier.inbox.web.parts import Parts
    from services.notifier.inbox.web.visits import Visit

EVENTS: Final = "text/event-stream"
UNBUFFERED: Final = {"X-Accel-Buffering": "no"}
HEARTBEAT: Final = 15.0
"""Seconds."""
_AGAIN: Final = "retry: 5000\n\n"
_BEAT: Final = ": still here\n\n"
_ENDED: Final = "event: ended\ndata: {}\n\n"


def listen(visit: Visit) -> Listen:
    """Begin a stream.

    Raises:
        Halt: there are too many.
    """
    if not visit.parts.hub.has_room(visit.reader.secret):
        raise Halt(503, "Too many streams", "Too many pages listen; this one stays as it is.")
    since = visit.call.headers.get("last-event-id", "")
    return Listen(visit.reader, int(since) if since.isdecimal() and len(since) < 19 else None)  # noqa: PLR2004 - digits of 2**63


async def follow(parts: Parts, begun: Listen) -> AsyncIterator[str]:
    """The stream's text, until the sign-in or the process ends, or nobody reads it any more."""
    person: Person | None = begun.person
    with parts.hub.listening(begun.person.secret) as queue:
        yield _AGAIN
        for missed in await _missed(parts, begun.since):
            yield _told(missed, begun.person)
        while person is not None:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    news: News = await queue.get()
            except TimeoutError:
                person = await asyncio.to_thread(_again, parts, begun.person)
                yield _ENDED if person is None else _BEAT
                continue
            if news is None:
                return
            yield _told(news, person)


async def _missed(parts: Parts, since: int | None) -> Sequence[Changed | Reset]:
    try:
        _, news = await asyncio.to_thread(parts.hub.since, since)
    except Unavailable:
        return [Reset(since or 0)]
    return news


def _again(parts: Parts, person: Person) -> Person | None:
    """The same person as they are now; None if they are signed in no more."""
    try:
        with parts.database.transaction() as connection:
            return known(parts, connection, person.secret, parts.now(), touch=False)
    except Unavailable:
        return person


def _told(news: Changed | Reset, person: Person) -> str:
    """An event; of what the person may not see only that there was something, for the number."""
    match news:
        case Reset(number):
            return f"id: {number}\nevent: reset\ndata: {{}}\n\n"
        case Changed(number, reference, team, revision):
            if team not in person.teams and reference not in person.glass:
                return f"id: {number}\n: \n\n"
            data = json.dumps({"case": reference, "rev": revision})
            return f"id: {number}\nevent: changed\ndata: {data}\n\n"
