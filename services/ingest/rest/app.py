"""The web application: from a request to a call, and from what is thought of it to an answer.

Laws of this file:
- a caller is known before a byte of its body is read;
- every refusal is an OperationOutcome, and none quotes what was sent;
- what goes wrong with us is 503 (come again) or 500 (our defect), and never "taken".
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Final

from aiohttp import web

from schemas.deadletter import Reason
from services.ingest.coding import Refused, Rejected
from services.ingest.fhir.resources import R4
from services.ingest.journal import State
from services.ingest.polling.notification import Kind, Notification, read_notification
from services.ingest.rest.answers import guarded, headers, response, told, unfit, unlike
from services.ingest.rest.body import TooLarge, read_body
from services.ingest.rest.call import LARGEST, NUMBER, Call
from services.ingest.rest.judging import Judged, judge
from services.ingest.rest.keeping import Waiting
from services.ingest.rest.outcome import (
    issue,
    outcome,
    refusal,
)
from services.ingest.strictjson import Unreadable
from services.runtime.errors import Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.ingest.rest.access import Grant
    from services.ingest.rest.doors import Door
    from services.ingest.rest.judging import Read
    from services.ingest.rest.keeping import Keeper
    from services.ingest.rest.outcome import Json

    Heard = Callable[[Notification], Json]

_AT_ONCE: Final = 64 * 1024 * 1024
"""Bytes of bodies that may be in memory together; one that doesn't tell its size counts whole. What
is made of a body takes thirty times its bytes while it is judged."""
_ROOM_SECONDS: Final = 30.0
_OURS: Final = "sw-"
"""How ids begin that we give to what is created; nothing can be asked by them."""


class Service:
    """Answers requests."""

    def __init__(
        self,
        door: Door,
        keeper: Keeper,
        read: Read,
        now: Callable[[], int],
        heard: Mapping[str, Heard] | None = None,
    ) -> None:
        """Wire.

        Args:
            door: knows the callers.
            keeper: the journal.
            read: reads a document of a sender.
            now: the present instant, microseconds UTC.
            heard: of each subscription that we have, what to do with a notification; it gives the
                issue to answer with.
        """
        self._door = door
        self._keeper = keeper
        self._read = read
        self._now = now
        self._heard = heard or {}
        self._numbers = count(1)
        self._began = now()
        self._held = 0
        self._freed = asyncio.Event()

    async def bundle(self, request: web.Request) -> web.Response:
        """POST of a Bundle to the root."""
        return await self._take(request)

    async def resource(self, request: web.Request) -> web.Response:
        """POST or PUT of a resource to its type."""
        kind, number = request.match_info["kind"], request.match_info.get("number")
        if kind == "Bundle" and request.method == "POST":
            return await self._take(request)
        if kind not in R4 or (number is not None and not NUMBER.fullmatch(number)):
            return told(HTTPStatus.NOT_FOUND, issue("not-found", "there is no such address here"))
        if number is not None and number.startswith(_OURS):
            text = "nothing can be found by this id; send the resource with its own identifier"
            return told(HTTPStatus.NOT_FOUND, issue("not-found", text))
        if request.method == "PUT" and number is None and "identifier" not in request.query:
            text = "an update needs an id, or an identifier to look for"
            return told(HTTPStatus.BAD_REQUEST, issue("required", text))
        return await self._take(request, kind, number)

    async def notified(self, request: web.Request) -> web.Response:
        """POST of a Subscription's notification: a hint to look, and what it brings along."""
        grant = await self._door.grant(request)
        heard = self._heard.get(request.match_info["name"])
        if heard is None:
            return told(HTTPStatus.NOT_FOUND, issue("not-found", "no such subscription"))
        refused = unfit(request)
        if refused is not None:
            return refused
        try:
            call = Call(grant, request.method, await read_body(request))
            notification = read_notification(call.body)
        except TooLarge as error:
            return await self._too_large(request, grant, error)
        except (Unreadable, Refused) as error:
            return told(*unlike(error))
        if notification.kind is not Kind.EVENT:
            if self._keeper.problem is not None:
                raise Unavailable(self._keeper.problem)
            return told(HTTPStatus.OK, heard(notification))
        judged = await asyncio.to_thread(judge, call, self._read, self._now())
        answer = await self._answer(request, call, judged)
        return told(HTTPStatus.OK, heard(notification)) if judged.accepted else answer

    async def _take(
        self, request: web.Request, kind: str | None = None, number: str | None = None
    ) -> web.Response:
        grant = await self._door.grant(request)
        refused = unfit(request)
        if refused is not None:
            return refused
        size = _size(request)
        await self._room(size)
        self._held += size
        try:
            call = await self._call(request, grant, kind, number)
            judged = await asyncio.to_thread(judge, call, self._read, self._now())
            return await self._answer(request, call, judged)
        except TooLarge as error:
            return await self._too_large(request, grant, error)
        finally:
            self._held -= size
            self._freed.set()

    async def _room(self, size: int) -> None:
        """Wait until there is room for a body; nothing of it is read before.

        Raises:
            Unavailable: there is none for too long.
        """
        try:
            async with asyncio.timeout(_ROOM_SECONDS):
                while self._held and self._held + size > _AT_ONCE:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            raise Unavailable("too much at once") from None

    async def _call(
        self, request: web.Request, grant: Grant, kind: str | None, number: str | None
    ) -> Call:
        once = request.headers.get("If-None-Exist") if kind else None
        updates = kind is not None and request.method == "PUT"
        return Call(
            grant=grant,
            method=request.method,
            body=await read_body(request),
            kind=kind,
            number=number,
            search=request.rel_url.raw_query_string or None if updates else None,
            once=once.encode("utf-8", "backslashreplace").decode() if once else None,
        )

    async def _answer(self, request: web.Request, call: Call, judged: Judged) -> web.Response:
        if judged.state is not None:
            judged = await self._kept(request, call, judged)
        else:
            logger().warning("refused caller", extra={"source": call.grant.source})
        answer = response(judged.status, judged.body)
        if judged.status is HTTPStatus.CREATED:
            answer.headers["Location"] = f"{call.kind}/{_OURS}{call.content.decode()}"
        return answer

    async def _kept(self, request: web.Request, call: Call, judged: Judged) -> Judged:
        name = f"{self._began}/{next(self._numbers)} {request.remote or '?'} FHIR"
        caller = request.headers.get("traceparent")
        return await self._keeper.keep(Waiting(call, judged, self._now(), name, caller))

    async def _too_large(self, request: web.Request, grant: Grant, error: TooLarge) -> web.Response:
        """Keep the beginning, so that somebody can see what it was."""
        why = Rejected(Reason.TOO_LARGE, f"more than {LARGEST} bytes")
        status, body = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, outcome(refusal(why))
        call = Call(grant, request.method, error.kept)
        judged = await self._kept(request, call, Judged(status, body, State.REFUSED, why))
        return response(judged.status, judged.body)


def _size(request: web.Request) -> int:
    """Bytes that a body may come to."""
    packed = "Content-Encoding" in request.headers
    told = request.content_length
    return LARGEST if packed or told is None else min(told, LARGEST)


def build_app(service: Service, about: Json) -> web.Application:
    """The application.

    Args:
        service: answers.
        about: the CapabilityStatement.
    """

    async def metadata(request: web.Request) -> web.Response:
        del request
        return response(HTTPStatus.OK, about)

    app = web.Application(middlewares=[guarded])
    app.router.add_get("/metadata", metadata)
    app.router.add_post("/", service.bundle)
    app.router.add_post("/$process-message", service.bundle)
    app.router.add_post("/subscription/{name}", service.notified)
    app.router.add_post("/{kind}", service.resource)
    app.router.add_put("/{kind}", service.resource)
    app.router.add_put("/{kind}/{number}", service.resource)
    app.on_response_prepare.append(headers)
    return app
