"""What was measured, as lines for people or as an object for programs, and what was promised."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.ingest import readers
from benchmarks.ingest.wire import CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ingest.disk import Kept
    from benchmarks.ingest.pipeline import Way

MAPPED_A_SECOND = 5_000
ANSWERED_A_SECOND = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """One run.

    Attributes:
        messages: how many there were, of `size` bytes and `results` OBX each on average.
        seconds: for one message, by reader.
        answered: messages a second over all connections, by how many each has under way.
        way: from framed bytes to events, on one core.
        disk: the journal and a plain file.
    """

    messages: int
    size: float
    results: float
    seconds: dict[str, float]
    answered: dict[int, float]
    way: Way
    disk: list[Kept]

    def promises(self) -> dict[str, bool]:
        """What was promised, and whether it is so.

        Senders that go on before they are answered count: those that wait each time measure how
        long one round takes, which is what else disk and processor are doing, too.
        """
        mapped = 1 / self.seconds[readers.MAP]
        window = max(self.answered)
        answered = self.answered[window]
        return {
            f"{MAPPED_A_SECOND:,} ORU messages/s parsed and mapped on a core"
            f" ({mapped:,.0f})": mapped >= MAPPED_A_SECOND,
            f"{ANSWERED_A_SECOND:,} messages/s answered after the disk has them, on"
            f" {CONNECTIONS} connections with {window} under way on each"
            f" ({answered:,.0f})": answered >= ANSWERED_A_SECOND,
        }

    @property
    def failed(self) -> bool:
        """Whether any promise is broken."""
        return not all(self.promises().values())

    def as_json(self) -> dict[str, Any]:
        """For programs: rates in messages a second."""
        return {
            "messages": self.messages,
            "bytes": round(self.size),
            "results": round(self.results, 2),
            "readers": {name: round(1 / one) for name, one in self.seconds.items()},
            "answered": {str(window): round(one) for window, one in self.answered.items()},
            "one_core": round(self.way.messages / self.way.processor),
            "one_core_wall": round(self.way.messages / self.way.wall),
            "disk": [asdict(one) for one in self.disk],
            "promises": self.promises(),
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        yield (
            f"{self.messages:,} ORU^R01 messages, {self.size:,.0f} bytes"
            f" and {self.results:.1f} results on average"
        )
        yield from self._readers()
        yield from self._network()
        yield from self._disk()
        yield ""
        for promise, kept in self.promises().items():
            yield f"{'PASS' if kept else 'FAIL'}  {promise}"

    def _readers(self) -> Iterator[str]:
        yield "\nreading, messages/s on a core      rate   times python-hl7   times hl7apy"
        for name, one in self.seconds.items():
            shares = (self.seconds[other] / one for other in (readers.PYTHON_HL7, readers.HL7APY))
            yield f"  {name:28}{1 / one:10,.0f}" + "".join(f"{share:15,.1f}" for share in shares)

    def _network(self) -> Iterator[str]:
        yield f"\nMLLP to journal (synced) to answer, {CONNECTIONS} connections, messages/s"
        for window, one in self.answered.items():
            yield f"  {window:3} under way on each {one:15,.0f}"
        way = self.way
        yield "\nMLLP to journal (synced) to events, one core, messages/s"
        yield f"  of processor time    {way.messages / way.processor:15,.0f}"
        yield f"  with the disk's time {way.messages / way.wall:15,.0f}"

    def _disk(self) -> Iterator[str]:
        yield "\nkeeping, messages/s    SQLite WAL FULL   file and fdatasync   ratio"
        for one in self.disk:
            ratio = one.sqlite / one.file
            yield f"  {one.group:3} in a group {one.sqlite:19,.0f}{one.file:21,.0f}{ratio:8.2f}"
