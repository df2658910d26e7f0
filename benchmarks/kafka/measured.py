"""What came out, and the table of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender.

    Attributes:
        name: with its version.
        per_second: records of a backlog.
        cpu_us: processor time of its process for each of them, microseconds; None: unknown.
        p50: of a steady stream, milliseconds from publishing until it had its effect: handled, and
            of ours, the alert was read from its topic.
        p99: the same, of the slowest in a hundred.
        samples: of the steady stream.
    """

    name: str
    per_second: float
    cpu_us: float | None
    p50: float
    p99: float
    samples: int

    @classmethod
    def of(
        cls, name: str, records: int, seconds: float, cpu: float | None, waits: Sequence[float]
    ) -> Measured:
        """From what was counted; `waits` are sorted, milliseconds, at least one.

        Raises:
            ValueError: nothing was measured.
        """
        if not waits or seconds <= 0:
            raise ValueError(f"{name}: nothing was measured")
        p50, p99 = (waits[min(len(waits) - 1, len(waits) * part // 100)] for part in (50, 99))
        cpu_us = None if cpu is None else cpu / records * 1e6
        return cls(name, records / seconds, cpu_us, p50, p99, len(waits))


@dataclass(frozen=True, slots=True)
class Report:
    """One run.

    Attributes:
        records: of the backlog.
        rate: records a second of the steady stream.
        rows: the contenders; the last ones are ours.
        parts: microseconds of one record, by part of our way.
        missing: peers that could not be had, and why.
    """

    records: int
    rate: int
    rows: Sequence[Measured]
    parts: Mapping[str, float]
    missing: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "records": self.records,
            "rate": self.rate,
            "contenders": [asdict(row) for row in self.rows],
            "parts_us": {name: round(one) for name, one in self.parts.items()},
            "missing": dict(self.missing),
        }

    def lines(self) -> Iterator[str]:
        """For people. Ratios are those of the last row, which is ours, to each."""
        ours = self.rows[-1].per_second
        yield f"{self.records:,} records at once, then {self.rate} a second"
        yield ""
        yield "| contender | records/s | ours to it | CPU µs each | p50 ms | p99 ms |"
        yield "|---|---|---|---|---|---|"
        for row in self.rows:
            cpu = "" if row.cpu_us is None else f"{row.cpu_us:,.0f}"
            yield (
                f"| {row.name} | {row.per_second:,.0f} | {ours / row.per_second:.3f} | {cpu} "
                f"| {row.p50:,.0f} | {row.p99:,.0f} |"
            )
        for name, why in self.missing.items():
            yield f"| {name} | not measured: {why} | | | | |"
        yield ""
        yield "| part of our way, one after the other | µs a record |"
        yield "|---|---|"
        for part, spent in self.parts.items():
            yield f"| {part} | {spent:,.0f} |"
