"""From a request to an answer: guard, handler, audit trail, in one transaction, on a thread."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from services.notifier.inbox.reading.cases import located
from services.notifier.inbox.reading.contract import Frame, Trouble
from services.notifier.inbox.web.answers import respond
from services.notifier.inbox.web.calls import Halt, Later, Shown, Submit, read
from services.notifier.inbox.web.doors import vouched
from services.notifier.inbox.web.guard import admit, someone
from services.notifier.inbox.web.visits import Visit
from services.notifier.store import audit
from services.runtime.errors import Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from services.notifier.inbox.web.calls import Call, Reply
    from services.notifier.inbox.web.parts import Parts
    from services.notifier.inbox.web.routes import Route


def endpoint(route: Route, parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    """What the server calls for a route; whatever happens, somebody is told, and no value."""

    async def answer(request: Request) -> Response:
        try:
            call = await read(request, json_body=route.api)
            if route.api and "authorization" in call.headers:
                call = replace(call, vouched=await vouched(parts, call))
            if route.door is not None:
                reply = await route.door(parts, call)
                return respond(route, reply, Frame(parts.now(), parts.teams.zone), parts)
            return await asyncio.to_thread(_answered, route, parts, call)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader must be told
            return respond(route, _trouble(error), Frame(parts.now(), parts.teams.zone), parts)

    return answer


def _answered(route: Route, parts: Parts, call: Call) -> Response:
    visit, reply = _visited(route, parts, call)
    if isinstance(reply, Later):
        reply = reply.make()
    if isinstance(reply, Submit):
        why = parts.submit(reply.given, visit.now)
        if why is not None:
            return _again(route, parts, call, reply, why)
        reply = reply.done
    return respond(route, reply, visit.frame(), parts)


def _visited(route: Route, parts: Parts, call: Call) -> tuple[Visit, Reply]:
    with parts.database.transaction() as connection:
        visit = Visit(parts, connection, call, parts.now())
        reply = admit(visit, route)
        if reply is None:
            assert route.handler is not None  # noqa: S101 - doors have been answered
            reply = route.handler(visit)
        audit.append(connection, visit.lines)
    return visit, reply


def _again(route: Route, parts: Parts, call: Call, asked: Submit, why: str) -> Response:
    """The case as it is now, and why nothing was done."""
    with parts.database.transaction() as connection:
        visit = Visit(parts, connection, call, parts.now())
        visit.person = someone(visit, touch=False)
        visit.case = located(connection, call.places["reference"])
        reply = asked.refused(visit, why)
    return respond(route, reply, visit.frame(), parts)


def _trouble(error: Exception) -> Shown:
    match error:
        case Halt():
            trouble = Trouble(error.status, error.title, error.why)
        case Unavailable():
            logger().error("not available", extra={"detail": str(error)})
            why = "The store or the identity provider can't be reached. Try again in a minute."
            trouble = Trouble(503, "Not available", why)
        case _:
            # Its text and its frames may hold a patient's data, so only its place is logged.
            logger().error("page failed", extra={"detail": place_of(error)})
            why = "The page could not be made. This is a defect of ours, and it has been noted."
            trouble = Trouble(500, "Failed", why)
    return Shown("trouble", trouble, trouble.status)
