"""`--host` and `--port`: where a process without pages says how it does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

from services.runtime.logs import logger

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable

    from prometheus_client import CollectorRegistry

HOST: Final = "127.0.0.1"


def add_health_options(parser: argparse.ArgumentParser) -> None:
    """Add both; without `--port` nobody is told."""
    about = "serve /livez, /readyz and /metrics there; 0: any that is free"
    parser.add_argument("--port", type=int, help=about)
    parser.add_argument("--host", default=HOST, help="of --port; default: %(default)s")


@asynccontextmanager
async def seen(
    host: str,
    port: int,
    problem: Callable[[], str | None],
    registry: CollectorRegistry,
    hangs: Callable[[], bool] | None = None,
) -> AsyncIterator[None]:
    """Serve `/livez`, `/readyz` and `/metrics`: see `services.runtime.health`.

    Raises:
        OperatorError: it can't listen there.
    """
    # Whoever is not asked how it does need not know how others are.
    import_module("services.ingest.watching").about_process(registry)
    health = import_module("services.runtime.health").health
    async with health(host, port, problem, registry, hangs) as taken:
        logger().info("serving health", extra={"host": host, "port": taken})
        yield
