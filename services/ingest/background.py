"""A server in a thread of its own, with a loop of its own: started, watched and ended from outside.

What is served, and what happens after a failure, is each listener's own (`mllp`, `rest`).
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from typing import Any, Final

from services.runtime.errors import OperatorError, SalvageError, place_of
from services.runtime.logs import logger

_START_SECONDS: Final = 20.0


class Background(ABC):
    """Receives from a thread.

    port: where it listens; before the start, where it was asked to.
    """

    def __init__(self, name: str, port: int) -> None:
        """Get ready; `start` opens everything.

        Args:
            name: of the thread; the option by which an operator asks for it is `--name`.
            port: 0 takes any that is free.
        """
        self.port = port
        self._name = name
        self._failure: Exception | None = None
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> int:
        """Open journal and port.

        Returns:
            The port.

        Raises:
            OperatorError: the port can't be opened, or another process has the journal.
            SalvageError: something else can't be opened; `Unavailable` for the journal.
        """
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise OperatorError(f"--{self._name}: the listener did not start in time")
        if isinstance(self._failure, OSError):
            reason = self._failure.strerror or type(self._failure).__name__
            told = f"--{self._name}: cannot listen there: {reason}"
            raise OperatorError(told) from self._failure
        if self._failure is not None:
            raise self._failure
        return self.port

    def stop(self) -> None:
        """Answer what was read and close; twice does no harm."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it receives, or will again by itself."""
        return self._thread.is_alive()

    def problem(self) -> str | None:
        """Why nothing is received at present; None when all is well."""
        if self._thread.is_alive():
            return self._hindrance()
        return "the listener has ended" if self._started.is_set() else "the listener is not started"

    @abstractmethod
    def _hindrance(self) -> str | None:
        """Why nothing is received at present although it serves."""

    # -- in the thread

    @abstractmethod
    async def _serve(self, end: asyncio.Event) -> None:
        """Open, set `_started` when the port is known, and receive until asked to end."""

    def _run(self) -> None:
        try:
            asyncio.run(self._served())
        except Exception as error:  # noqa: BLE001 - the thread's last word
            if self._started.is_set():
                logger().critical("the listener has ended", extra={"detail": place_of(error)})
            ours = isinstance(error, (OSError, SalvageError))
            self._failure = error if ours else SalvageError(place_of(error))
            self._started.set()

    async def _served(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(_report)
        await self._serve(self._end)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's own report would quote an error's message."""
    del loop
    error = context.get("exception")
    detail = place_of(error) if isinstance(error, BaseException) else "no exception"
    logger().error("defect", extra={"detail": detail})
