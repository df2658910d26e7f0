"""`salvage ingest` in a process of its own, and senders on eight connections.

An answer leaves the server after the transaction that holds the message was synced to the disk.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from services.ingest.journal import JournalReader
from services.ingest.mllp.framing import Deframer, frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = "127.0.0.1"
CONNECTIONS = 8
_PATIENCE = 60.0


def rate(work: Sequence[bytes], window: int, folder: Path | None = None) -> float:
    """Messages a second, from the first byte sent to the last answer read.

    Args:
        work: the messages, without frames; no MSH-10 twice.
        window: how many messages a sender has under way; 1: it waits for each answer.
        folder: on whose disk the journal is to lie; None: where temporary files are.
    """
    with TemporaryDirectory(dir=folder) as place, _listening(Path(place)) as port:
        senders = [
            threading.Thread(target=_send, args=(port, work[at::CONNECTIONS], window))
            for at in range(CONNECTIONS)
        ]
        begun = perf_counter()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        seconds = perf_counter() - begun
        kept = JournalReader(Path(place)).last()
    if kept != len(work):
        raise ValueError("not every message was answered and kept")
    return len(work) / seconds


@contextmanager
def _listening(folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "services.cli", "ingest", "--data", str(folder)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--mllp", f"{HERE}:0"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None  # noqa: S101 - asked for
    try:
        yield next(told["port"] for told in map(json.loads, process.stderr) if "port" in told)
    finally:
        process.terminate()
        process.communicate()


def _send(port: int, work: Sequence[bytes], window: int) -> None:
    deframer, under_way = Deframer(), 0
    with socket.create_connection((HERE, port), timeout=_PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for raw in work:
            connection.sendall(frame(raw))
            under_way += 1
            if under_way == window:
                under_way -= _answers(connection, deframer)
        while under_way:
            under_way -= _answers(connection, deframer)


def _answers(connection: socket.socket, deframer: Deframer) -> int:
    """Wait for answers; how many came."""
    found = deframer.feed(connection.recv(1 << 16))
    if not all(b"MSA|AA" in one.raw for one in found):
        raise ValueError("a message of the workload was not accepted")
    return len(found)
