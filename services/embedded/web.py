"""The pages, the metrics and the health, served from a thread of their own.

The pages read the store through their own connections, so a slow reader never holds up an alert.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from aiohttp import web

from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from services.embedded.metrics import Metrics
    from services.runtime.pulse import Health

METRICS, HEALTH = "/metrics", "/health"
LIVE, READY = "/livez", "/readyz"
"""What a supervisor asks: start it anew? send it work? `/health` says what `/readyz` does."""
_START_SECONDS = 10.0


def add_operations(app: web.Application, metrics: Metrics, health: Health) -> web.Application:
    """Give an application the addresses that operations ask."""

    async def show_metrics(request: web.Request) -> web.Response:
        del request
        body = await asyncio.to_thread(metrics.exposition)
        return web.Response(
            body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def show_health(request: web.Request) -> web.Response:
        del request
        problem = health.problem()
        body = {"status": "ok"} if problem is None else {"status": "failing", "reason": problem}
        return web.json_response(body, status=200 if problem is None else 503)

    async def show_life(request: web.Request) -> web.Response:
        del request
        return web.json_response({"status": "failing"}, status=503) if health.hangs() else _alive()

    app.router.add_get(METRICS, show_metrics)
    app.router.add_get(HEALTH, show_health)
    app.router.add_get(READY, show_health)
    app.router.add_get(LIVE, show_life)
    return app


def _alive() -> web.Response:
    return web.json_response({"status": "ok"})


class PageServer:
    """Serves an application from a thread."""

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        """Get ready; `start` opens the port. Port 0 takes any that is free."""
        self._app = app
        self._host = host
        self._port = port
        self._started = threading.Event()
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)

    def start(self) -> int:
        """Open the port.

        Returns:
            The port.

        Raises:
            OperatorError: it can't be opened.
        """
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise OperatorError("--port: the pages did not start in time")
        if self._failure is not None:
            reason = self._failure.strerror or type(self._failure).__name__
            raise OperatorError(f"--host, --port: cannot listen there: {reason}")
        return self._port

    def stop(self) -> None:
        """Close the port; twice does no harm."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
            self._port = runner.addresses[0][1]
            self._started.set()
            await self._end.wait()
        except OSError as error:
            self._failure = error
            self._started.set()
        finally:
            await runner.cleanup()
