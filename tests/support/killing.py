"""A process is killed in the middle of traffic, again and again, and started again each time."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from services.embedded.store import FILE_NAME
from services.ingest.journal import State
from support.mllp import HERE, PATIENCE, entries
from support.processes import salvage

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Iterable, Sequence

ROOT = Path(__file__).resolve().parents[2]


class Sender(Protocol):
    """A thread that sends in order, and again whatever was not acknowledged."""

    acknowledged: int
    over: threading.Event

    def start(self) -> None: ...

    def join(self, timeout: float | None = None) -> None: ...


def free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def batter(
    words: Sequence[str], senders: Sequence[Sender], total: int, kills: int, seconds: float
) -> None:
    """Let them send `total` messages to `salvage WORDS`, which is killed `kills` times meanwhile.

    Raises:
        AssertionError: it took longer than `seconds`, or all was sent before the last kill.
    """
    deadline = time.monotonic() + seconds
    process = _started(words)
    try:
        for sender in senders:
            sender.start()
        for kill in range(1, kills + 1):
            while told(senders) < total * kill // (kills + 1):
                assert time.monotonic() < deadline
                time.sleep(0.002)
            process.kill()
            process.wait(PATIENCE)
            assert told(senders) < total, "killed in the middle, not after the end"
            process = _started(words)
        for sender in senders:
            sender.join(max(0.0, deadline - time.monotonic()))
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        for sender in senders:
            sender.over.set()
        if process.poll() is None:
            process.kill()
            process.wait()


def told(senders: Iterable[Sender]) -> int:
    """How many messages were acknowledged."""
    return sum(sender.acknowledged for sender in senders)


def kept_once(data: Path, sent: Collection[bytes]) -> None:
    """All that was acknowledged is in the journal, each to be processed once.

    Raises:
        AssertionError: it isn't.
    """
    kept = Counter(entry.raw for entry in entries(data) if entry.state is State.NEW)
    assert set(kept) == set(sent), "what was acknowledged is in the journal"
    assert set(kept.values()) == {1}, "and to be processed once"


def taken(data: Path) -> sqlite3.Connection:
    """Let whatever waits in the journal be taken; the store, to be closed by the caller."""
    salvage("run", "--data", str(data), "--once")
    return sqlite3.connect(data / FILE_NAME)


def _started(words: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "services.cli", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
