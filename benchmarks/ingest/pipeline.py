"""All of the way on one core: framed bytes, the gate, the journal on the disk, the events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from services.embedded.reading import read
from services.embedded.received import arrival_of
from services.ingest.hl7v2.profile import STANDARD
from services.ingest.journal import Journal, JournalReader
from services.ingest.mllp.framing import Deframer, frame
from services.ingest.mllp.gate import Rules
from services.ingest.profiles.sources import Sources
from services.ingest.receiving import Received, Receiver
from services.ingest.sources.files import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GROUP = 64
"""Messages in one transaction: as many as one sender may have under way."""
_NOW = 1_790_000_000_000_000


@dataclass(frozen=True, slots=True)
class Way:
    """What it took. `processor` is time on the core, `wall` includes waiting for the disk."""

    messages: int
    processor: float
    wall: float


def measure(work: Sequence[bytes], folder: Path | None = None) -> Way:
    """Take all messages that way.

    Args:
        work: the messages, without frames.
        folder: on whose disk the journal is to lie; None: where temporary files are.
    """
    with TemporaryDirectory(dir=folder) as place:
        stream = b"".join(map(frame, work))
        wall, processor = perf_counter(), process_time()
        _receive(stream, Path(place))
        events = sum(1 for _ in _events(Path(place)))
        spent = Way(len(work), process_time() - processor, perf_counter() - wall)
    if events < len(work):
        raise ValueError("a message of the workload gave no event")
    return spent


def _receive(stream: bytes, folder: Path) -> None:
    journal, deframer = Journal(folder), Deframer()
    receiver = Receiver(journal, Rules())
    cuts = deframer.feed(stream)
    for at in range(0, len(cuts), _GROUP):
        group = [Received(cut, _NOW, "1 bench") for cut in cuts[at : at + _GROUP]]
        answers = receiver.take(group)
        if not all(b"MSA|AA" in answer for answer in answers):
            raise ValueError("a message of the workload was not accepted")
    journal.close()


def _events(folder: Path) -> Iterator[object]:
    reader, sources, seq = JournalReader(folder), Sources.of(STANDARD), 0
    while entries := reader.behind(seq, _GROUP):
        for entry in entries:
            yield from read(arrival_of(entry, Mark("", "", "")), sources).events
        seq = entries[-1].seq
