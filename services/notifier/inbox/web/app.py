"""The application: the route table, static files, and the gate before them all."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.routing import Route as Address
from starlette.staticfiles import StaticFiles

from services.notifier.inbox.app import HEADERS, STATIC
from services.notifier.inbox.reading.contract import Frame, Trouble
from services.notifier.inbox.web.answers import respond
from services.notifier.inbox.web.calls import Shown
from services.notifier.inbox.web.desk import endpoint
from services.notifier.inbox.web.routes import Route, Scope
from services.notifier.inbox.web.table import ROUTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as Surroundings

    from services.notifier.inbox.web.parts import Parts

_YEAR: Final = 365 * 24 * 3600
_WRONG: Final = {
    404: Trouble(404, "Not found", "There is no such page."),
    405: Trouble(405, "Not so", "This page is not asked for in that way."),
}
# Not `no-referrer`: with it browsers send no origin with forms, by which we know our own pages.
_OURS: Final = {**HEADERS, "Referrer-Policy": "same-origin"}


def build_app(parts: Parts) -> Starlette:
    """The inbox."""
    addresses = [Address(one.path, endpoint(one, parts), methods=[one.method]) for one in ROUTES]
    return Starlette(
        routes=[*addresses, Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[Middleware(Gate, parts=parts)],
        exception_handlers={HTTPException: _wrong(parts)},
        lifespan=_lifespan(parts),
    )


def _lifespan(parts: Parts) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        """The hub looks as long as the application runs, and before anybody listens."""
        await parts.hub.look()
        looking = asyncio.create_task(parts.hub.run())
        try:
            yield
        finally:
            parts.hub.close()
            looking.cancel()

    return lifespan


def _wrong(parts: Parts) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        trouble = _WRONG.get(status, Trouble(status, "Not so", "This can't be answered."))
        api = request.url.path.startswith("/api/")
        route = Route("GET", "/", Scope.OPEN, None, lambda _: shown, api=api)
        shown = Shown("trouble", trouble, status)
        return respond(route, shown, Frame(parts.now(), parts.teams.zone), parts)

    return answer


class Gate:
    """Answers to the inbox's own name alone, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        """Stand before an application."""
        self._app = app
        self._host = urlsplit(parts.settings.public).netloc.lower().encode()
        secure = {"Strict-Transport-Security": f"max-age={_YEAR}"}
        self._headers = {**_OURS, **(secure if parts.settings.is_secure else {})}

    async def __call__(self, scope: Surroundings, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(MutableHeaders(raw=message["headers"]), scope["path"])
            await send(message)

        if dict(scope["headers"]).get(b"host", b"").lower() == self._host:
            await self._app(scope, receive, marked)
        else:
            start = {"type": "http.response.start", "status": 421, "headers": []}
            await marked(start)
            await send({"type": "http.response.body", "body": b"Not this server's name.\n"})

    def _mark(self, headers: MutableHeaders, path: str) -> None:
        headers.update(self._headers)
        if path.startswith("/static/"):
            headers["Cache-Control"] = "no-cache"  # nothing of a patient; asked anew by its mark
