"""A record that takes HL7 v2 through HAPI: another project's receiver."""

from __future__ import annotations

import base64
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from support import hapi
from support.mllp import HERE, PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator


class Taken(NamedTuple):
    """What HAPI read: the structure, MSH-10, PID-3.1, TXA-12.1, TXA-13.1, the lines of text."""

    structure: str
    control: str
    patient: str
    number: str
    parent: str
    text: str


class HapiRecord(threading.Thread):
    """The Java process, and what it says."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", f"{hapi.JARS}/*"]
        source = str(hapi.FOLDER / "Receiver.java")
        self.process = subprocess.Popen(
            [*command, source, str(port)], stdout=subprocess.PIPE, text=True
        )
        self.port = port
        self.listens = threading.Event()
        self.taken: list[Taken] = []

    def run(self) -> None:
        """Listen to it until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("LISTENING"):
                self.listens.set()
            else:
                parts = (base64.b64decode(one.removeprefix("=")) for one in line.split())
                self.taken.append(Taken(*(part.decode() for part in parts)))

    def wait(self, number: int) -> list[Taken]:
        """What it has read, when that is so much."""
        deadline = time.monotonic() + PATIENCE
        while len(self.taken) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.taken


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server((HERE, 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def hapi_record() -> Iterator[HapiRecord]:
    """The receiver, while it listens."""
    hapi.fetch()
    found = HapiRecord(free_port())
    found.start()
    try:
        deadline = time.monotonic() + 60
        while not found.listens.wait(0.05):
            assert found.process.poll() is None, "HAPI ended before it listened"
            assert time.monotonic() < deadline, "HAPI does not listen"
        yield found
    finally:
        found.process.kill()
        found.join(PATIENCE)
        found.process.communicate()
