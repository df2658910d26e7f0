"""Open streams of changes, read by one thread, as the pages of a ward would."""

from __future__ import annotations

import selectors
import socket
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK: Final = 64 * 1024
_TURN: Final = 0.1


class Listeners:
    """Streams that are open, and how many changes they were told of."""

    def __init__(self, port: int) -> None:
        """None is open yet."""
        self.heard = 0
        self._port = port
        self._open: list[socket.socket] = []
        self._ready = selectors.DefaultSelector()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        """Read them from now on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close them all."""
        self._end.set()
        self._thread.join()
        for one in self._open:
            one.close()
        self._ready.close()

    def add(self, cookies: Mapping[str, str]) -> None:
        """Open one; it listens when this returns.

        Raises:
            RuntimeError: it was refused.
        """
        found = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        head = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {cookie}\r\n\r\n"
        found.sendall(head.encode())
        held = b""
        while b"retry:" not in held:
            held += found.recv(_CHUNK)
            if b" 200 " not in held.partition(b"\r\n")[0]:
                raise RuntimeError("a stream was refused")
        self._open.append(found)
        self._ready.register(found, selectors.EVENT_READ)

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._ready.get_map())

    def _read(self) -> None:
        while not self._end.wait(0):
            for key, _ in self._ready.select(_TURN):
                found = key.fileobj
                assert isinstance(found, socket.socket)  # noqa: S101 - nothing else is registered
                told = found.recv(_CHUNK)
                self.heard += told.count(b"event: changed")
                if not told:
                    self._ready.unregister(found)
            if not self._ready.get_map():
                self._end.wait(_TURN)
