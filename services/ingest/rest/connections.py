"""Connections: how many there may be, and how long one may take to ask its first question.

The web server has neither limit. A sender that drips its headers, or opens connections without
end, would otherwise hold the port for nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import web

from services.runtime.logs import logger

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

MOST: Final = 256
HEADER_SECONDS: Final = 20.0


class _Closed(asyncio.Protocol):
    """Turns away whoever comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Connections:
    """Makes the protocol of each connection, and lets go the ones that ask for nothing."""

    def __init__(self, *, most: int = MOST, patience: float = HEADER_SECONDS) -> None:
        """Get ready; `listen` opens the port.

        Args:
            most: connections at a time.
            patience: seconds for the first request's headers.
        """
        self._most = most
        self._patience = patience
        self._server: web.Server | None = None
        self._timers: dict[object, asyncio.TimerHandle] = {}

    def middleware(self) -> Middleware:
        """Notes that a connection has asked something."""

        @web.middleware
        async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
            timer = self._timers.pop(request.protocol, None)
            if timer is not None:
                timer.cancel()
            return await handler(request)

        return noted

    def serve(self, server: web.Server) -> Connections:
        """Make the protocols of this server."""
        self._server = server
        return self

    def __call__(self) -> asyncio.BaseProtocol:
        """The protocol of a new connection."""
        assert self._server is not None  # noqa: S101 - `serve` comes first
        if len(self._server.connections) >= self._most:
            logger().warning("too many connections")
            return _Closed()
        protocol = self._server()
        loop = asyncio.get_running_loop()
        self._timers[protocol] = loop.call_later(self._patience, self._let_go, protocol)
        return protocol

    def _let_go(self, protocol: web.RequestHandler) -> None:
        self._timers.pop(protocol, None)
        protocol.force_close()
