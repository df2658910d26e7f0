"""The inbox on a port, inside the notifier's own loop; it ends when the notifier does."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from services.notifier.channels.settings import LOOPBACK
from services.notifier.inbox.web.app import build_app
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from services.notifier.inbox.web.parts import Parts

GRACE: Final = 3
"""Seconds that answers under way may take at the end."""
_MOST: Final = 1_000
"""Connections; more are told to come later."""
_PAUSE: Final = 0.05


class _Server(uvicorn.Server):
    """Signals are the process's own business."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them alone."""
        yield


def bound(host: str, port: int, *, secure: bool) -> socket.socket:
    """A socket to listen on.

    Args:
        host: a name or an address of this machine.
        port: 0 for any that is free.
        secure: whether what comes by it is encrypted; else it stays on this machine.

    Raises:
        OperatorError: it can't be had, or would carry patients' data in the clear.
    """
    if not secure and host not in LOOPBACK:
        told = "--serve-inbox: without a certificate only this machine may come by it"
        raise OperatorError(f"{told}; name one in inbox.yaml, or listen on 127.0.0.1")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OperatorError(f"--serve-inbox: {error.strerror or 'cannot listen'}") from error
    return listener


@asynccontextmanager
async def serving(parts: Parts, listener: socket.socket) -> AsyncIterator[None]:
    """Answer on a socket, until the end of the block; open streams end first."""
    server = _Server(_config(parts))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - it has no event of it
            await asyncio.sleep(_PAUSE)
        yield
    finally:
        parts.hub.close()
        server.should_exit = True
        await task


def _config(parts: Parts) -> uvicorn.Config:
    settings = parts.settings
    return uvicorn.Config(
        build_app(parts),
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",  # its words may quote a request
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        limit_concurrency=_MOST,
        ssl_certfile=settings.certificate_file,
        ssl_keyfile=settings.key_file,
    )
