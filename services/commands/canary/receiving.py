"""What comes back: webhooks of the notifier's, told by their signature (Standard Webhooks)."""

from __future__ import annotations

import asyncio
import hmac
import json
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from services.commands.canary.metrics import Stage
from services.notifier.channels.kinds.webhook import signed
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator

    from services.commands.canary.metrics import CanaryMetrics
    from services.runtime.clock import Clock

TOLERANCE: Final = 300
"""Seconds by which clocks may differ; Standard Webhooks, "Verifying webhook authenticity" (H)."""
_LARGEST: Final = 65_536


class Receiver:
    """Waits for signs of the canary's."""

    def __init__(self, key: bytes, clock: Clock, metrics: CanaryMetrics) -> None:
        """Wire.

        Args:
            key: the notifier signs with it.
            clock: against which the age of a message is held.
            metrics: told of what isn't the notifier's.
        """
        self._key, self._clock, self._metrics = key, clock, metrics
        self._awaited: dict[str, asyncio.Event] = {}

    @contextmanager
    def awaited(self, sign: str) -> Iterator[asyncio.Event]:
        """What is set when the notifier tells of it; what comes later is nobody's."""
        try:
            yield self._awaited.setdefault(sign, asyncio.Event())
        finally:
            del self._awaited[sign]

    @asynccontextmanager
    async def serving(self, host: str, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
        """Listen.

        Yields:
            The port; 0 takes any that is free.

        Raises:
            OperatorError: it can't listen there.
        """
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_post("/", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port, ssl_context=tls).start()
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise OperatorError(f"--receive: cannot listen there: {reason}") from error
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_the_notifiers(request, body):
            self._metrics.failed(Stage.UNSIGNED)
            return web.Response(status=401)
        with suppress(ValueError, KeyError, TypeError):
            found = self._awaited.get(json.loads(body)["data"]["reference"])
            if found is not None:
                found.set()
        return web.Response(status=204)

    def _is_the_notifiers(self, request: web.Request, body: bytes) -> bool:
        given = request.headers
        at = given.get("webhook-timestamp", "")
        if not at.isdecimal() or abs(self._clock.now() // 1_000_000 - int(at)) > TOLERANCE:
            return False
        right = signed(given.get("webhook-id", ""), int(at), body, (self._key,))
        wanted = right["webhook-signature"].encode()
        signatures = given.get("webhook-signature", "").encode().split(b" ")
        return any(hmac.compare_digest(wanted, one) for one in signatures)
