"""Whether a process lives, whether it is at work, and its metrics: what a supervisor asks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prometheus_client import CollectorRegistry

LIVE, READY, METRICS = "/livez", "/readyz", "/metrics"


@asynccontextmanager
async def health(
    host: str,
    port: int,
    problem: Callable[[], str | None],
    registry: CollectorRegistry,
    hangs: Callable[[], bool] | None = None,
) -> AsyncIterator[int]:
    """Serve the addresses from the loop that does the work: where it hangs, none answers.

    Args:
        host: of the address to listen at.
        port: 0 takes any that is free.
        problem: why it is not at work; None when it is.
        registry: of its metrics.
        hangs: whether only a new start can help, where the work isn't done by this loop.

    Yields:
        The port.

    Raises:
        OperatorError: it can't listen there.
    """
    application = _application(problem, registry, hangs or (lambda: False))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise OperatorError(f"--host, --port: cannot listen there: {reason}") from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _application(
    problem: Callable[[], str | None], registry: CollectorRegistry, hangs: Callable[[], bool]
) -> web.Application:
    async def live(request: web.Request) -> web.Response:
        del request
        return _answer("it hangs" if hangs() else None)

    async def ready(request: web.Request) -> web.Response:
        del request
        return _answer(problem())

    async def metrics(request: web.Request) -> web.Response:
        del request
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app = web.Application()
    app.router.add_get(LIVE, live)
    app.router.add_get(READY, ready)
    app.router.add_get(METRICS, metrics)
    return app


def _answer(reason: str | None) -> web.Response:
    body = {"status": "ok"} if reason is None else {"status": "failing", "reason": reason}
    return web.json_response(body, status=200 if reason is None else 503)
