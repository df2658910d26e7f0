"""An orderly end: a signal asks, the work at hand is finished, then the loop stops."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody asked us to stop."""

    def __init__(self) -> None:
        """Nobody did, yet."""
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask to stop; may be called from anywhere, also from a signal handler."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Pause, at most until asked to stop.

        Returns:
            Whether to go on.
        """
        return not self._asked.wait(seconds)


@contextmanager
def on_signals(stop: Stop) -> Iterator[Stop]:
    """Let SIGINT and SIGTERM ask to stop; a second one ends the process the usual way.

    Only for the main thread, because only there does Python handle signals.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def ask(number: int, frame: Any) -> None:
        del frame
        stop.ask()
        signal.signal(number, before[signal.Signals(number)])

    for number in _SIGNALS:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
