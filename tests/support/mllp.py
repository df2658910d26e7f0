"""A sender of HL7 v2 over TCP, and a listener to send to: real sockets, on this machine alone."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from services.embedded.reading import read
from services.embedded.received import arrival_of
from services.ingest.hl7v2.profile import STANDARD, Profile
from services.ingest.journal import Journal, JournalReader, State
from services.ingest.mllp.framing import Deframer, frame
from services.ingest.mllp.gate import Rules
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.server import Endpoint
from services.ingest.observing import NOBODY
from services.ingest.profiles.sources import Sources
from services.ingest.sources.files import Mark
from services.ingest.watching import observed
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from services.ingest.journal import Entry
    from services.ingest.metrics import IngestMetrics

PATIENCE = 20.0
HERE = "127.0.0.1"


def header(control: str = "M1", **fields: str) -> str:
    """MSH with these fields, `f15="AL"`, in place of the usual ones."""
    usual = {3: "LAB", 4: "HOSP", 5: "SALVAGE", 6: "WARD", 7: "20260304100000+0000"}
    usual |= {9: "ORU^R01^ORU_R01", 10: control, 11: "P", 12: "2.5.1", 18: "UNICODE UTF-8"}
    usual |= {int(name[1:]): value for name, value in fields.items()}
    return "|".join(["MSH", "^~\\&", *(usual.get(at, "") for at in range(3, 19))])


def obx(number: int = 1, value: str = "1200", **fields: str) -> str:
    """A viral load."""
    usual = {2: "NM", 3: "25836-8^HIV^LN", 5: value, 6: "{copies}/mL", 11: "F"}
    usual |= {int(name[1:]): text for name, text in fields.items()}
    return "|".join([f"OBX|{number}", *(usual.get(at, "") for at in range(2, 12))])


def oru(control: str = "M1", *results: str, person: str = "1001", **fields: str) -> bytes:
    """A result message; `f12="2.4"` sets a field of MSH."""
    segments = [
        header(control, **fields),
        f"PID|||{person}^^^HOSP^MR",
        f"OBR|1||ORD{control}^LAB|PANEL|||20260304080000+0000" + "|" * 15 + "20260304100000+0000",
        *(results or (obx(),)),
    ]
    return "".join(segment + "\r" for segment in segments).encode()


class Sender:
    """One connection."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection((HERE, port), timeout=PATIENCE)
        self.socket = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        self._deframer = Deframer()
        self._answers: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(raw)

    def answer(self) -> bytes | None:
        """The next answer; None when the other side has closed."""
        while not self._answers:
            chunk = self.socket.recv(65536)
            if not chunk:
                return None
            self._answers += [one.raw for one in self._deframer.feed(chunk)]
        return self._answers.pop(0)

    def ask(self, message: bytes) -> str:
        """Send a message in a frame; the answer to it."""
        self.send(frame(message))
        return (self.answer() or b"").decode()


def heard(port: int, tls: ssl.SSLContext | None = None) -> bool:
    """Whether somebody who connects there gets any answer."""
    try:
        with Sender(port, tls) as sender:
            return sender.ask(oru("HELLO")) != ""
    except OSError:
        return False


def code(answer: str) -> str:
    """MSA-1, and ERR-3 if there is one, and MSA-2: `AE 102 M1`."""
    lines = answer.split("\r")
    msa = next(line for line in lines if line.startswith("MSA")).split("|")
    errors = [line.split("|")[3].split("^")[0] for line in lines if line.startswith("ERR")]
    return " ".join([msa[1], *errors[:1], *msa[2:3]]).strip()


@contextmanager
def listening(
    folder: Path,
    rules: Rules | None = None,
    *,
    metrics: IngestMetrics | None = None,
    **endpoint: Any,
) -> Iterator[Listener]:
    """A listener on any free port, watched if there are metrics."""
    where = Endpoint(HERE, 0, **endpoint)
    listener = Listener(
        where,
        rules or Rules(),
        folder,
        SystemClock(),
        retry=0.2,
        journal=observed(Journal, metrics) if metrics else Journal,
        observer=metrics or NOBODY,
    )
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


def entries(folder: Path) -> list[Entry]:
    """All of a journal."""
    found: list[Entry] = []
    reader = JournalReader(folder)
    while more := reader.behind(found[-1].seq if found else 0, 10_000):
        found += more
    return found


def dead_letters(folder: Path, profile: Profile = STANDARD) -> list[str]:
    """What becomes of a journal's entries: the reasons for which something is refused."""
    found = []
    for entry in entries(folder):
        if entry.state in {State.NEW, State.REFUSED}:
            arrival = arrival_of(entry, Mark("", "", ""))
            found += [str(one.reason) for one in read(arrival, Sources.of(profile)).rejected]
    return found
