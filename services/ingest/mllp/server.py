"""The MLLP server: listens, and serves each connection until asked to stop."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from services.ingest.mllp.committing import Committer
from services.ingest.mllp.connection import Connection, Limits, Peer
from services.ingest.observing import NOBODY
from services.runtime.logs import logger

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from services.ingest.observing import Observer
    from services.ingest.receiving import Receiver

_TLS_SECONDS = {"ssl_handshake_timeout": 10.0, "ssl_shutdown_timeout": 2.0}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen, and who may come.

    Attributes:
        host: address.
        port: 0 takes any that is free.
        tls: asks for certificates; None: plain TCP.
        peers: a certificate's name (common name or DNS name) to the senders that it may speak
            for. Where given, a certificate without an entry speaks for nobody.
        limits: what a sender may ask of us.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    peers: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    limits: Limits = field(default_factory=Limits)


class MllpServer:
    """Serves one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        receiver: Receiver,
        now: Callable[[], int],
        observer: Observer = NOBODY,
    ) -> None:
        """Wire, within a running loop; `start` opens the port.

        Args:
            endpoint: where.
            receiver: takes what comes.
            now: the present instant, microseconds UTC.
            observer: told of connections and of how long answers took.
        """
        self.committer = Committer(receiver, observer)
        self._observer = observer
        self._endpoint = endpoint
        self._now = now
        self._stop = asyncio.Event()
        self._numbers = count(1)
        self._began = now()
        self._open: set[asyncio.Task[None]] = set()
        self._hosts: Counter[str] = Counter()
        self._committing: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Open the port.

        Returns:
            The port.

        Raises:
            OSError: it can't be opened.
        """
        where, tls = self._endpoint, self._endpoint.tls
        secured: dict[str, Any] = {"ssl": tls} | _TLS_SECONDS if tls else {}
        self._server = await asyncio.start_server(
            self._accept, where.host, where.port, backlog=where.limits.connections, **secured
        )
        self._committing = asyncio.create_task(self.committer.run())
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening and reading; answer what was read; then close everything."""
        if self._server is not None:
            self._server.close()
        self._stop.set()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=self._endpoint.limits.grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._committing is not None:
            self._committing.cancel()
            await asyncio.gather(self._committing, return_exceptions=True)
        self.committer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        limits = self._endpoint.limits
        address = _address(writer)[0]
        full = len(self._open) >= limits.connections or self._hosts[address] >= limits.each
        if full or self._stop.is_set():
            logger().warning("too many connections")
            self._observer.failed("too_many")
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has one
        self._open.add(task)
        self._hosts[address] += 1
        self._observer.connected(len(self._open))
        try:
            _keep_alive(writer)
            peer, tell = self._peer(writer), self._observer.failed
            connection = Connection(reader, writer, peer, limits, self._now, tell)
            await connection.serve(self.committer, self._stop)
        finally:
            self._open.discard(task)
            self._observer.connected(len(self._open))
            self._hosts -= Counter([address])  # and forgets who has no other
            writer.close()

    def _peer(self, writer: asyncio.StreamWriter) -> Peer:
        host, port = _address(writer)
        name = f"{self._began}/{next(self._numbers)} {host}:{port}"
        if not self._endpoint.peers:
            return Peer(name)
        names = _names(writer.get_extra_info("peercert") or {})
        allowed = (self._endpoint.peers.get(one, frozenset()) for one in names)
        return Peer(name, frozenset[str]().union(*allowed))


def _address(writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Host and port of the other side, as far as they are still known."""
    address = writer.get_extra_info("peername")
    return address[:2] if address else ("?", 0)


def _names(certificate: Mapping[str, Any]) -> list[str]:
    """Common name and DNS names of a certificate that was verified."""
    subject = [pair for group in certificate.get("subject", ()) for pair in group]
    return [value for key, value in subject if key == "commonName"] + [
        value for key, value in certificate.get("subjectAltName", ()) if key == "DNS"
    ]


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Notice a peer that is gone without a word."""
    plain = writer.get_extra_info("socket")
    if plain is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
