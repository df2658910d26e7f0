"""What a run of the whole catalogue found: rows for programs, a table for people, aims. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.whole.names import DURABLE, ENGINE, IN_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.whole.ways import Taken

LEAST, GOAL = 50_000, 100_000
"""Events a second, on one core, that the durable run should take in; and what we dream of."""
HEAD: Final = (
    *("way", "order", "us/event", "events/s", "times the engine", "MB", "bytes/event"),
    *("alerts", "right"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One way with one stream.

    us_per_event: processor time for one line of the stream, the passing of time included.
    memory_mb: the most that its process had. file_bytes: of the database, for one event.
    alerts: how many stand in the end; missed, false: against those of the engine in order.
    """

    way: str
    order: str
    events: int
    us_per_event: float
    memory_mb: int
    file_bytes: int
    alerts: int
    missed: int
    false: int

    @classmethod
    def of(
        cls, way: str, order: str, events: int, passes: Sequence[Taken], right: frozenset[bytes]
    ) -> Row:
        """Of several passes the best time of each slice counts, see `benchmarks/timing.py`."""
        slices = zip(*(one.slices for one in passes), strict=True)
        last = passes[-1]
        return cls(
            way,
            order,
            events,
            us_per_event=round(sum(map(min, slices)) / events * 1e6, 1),
            memory_mb=max(one.memory_mb for one in passes),
            file_bytes=last.file_bytes // events,
            alerts=len(last.standing),
            missed=len(right - last.standing),
            false=len(last.standing - right),
        )

    @property
    def right(self) -> bool:
        """Whether the alerts are those that ought to stand."""
        return not (self.missed or self.false)

    @property
    def rate(self) -> float:
        """Events a second."""
        return 1e6 / self.us_per_event

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Report:
    """A run. about: what its figures depend on."""

    about: Mapping[str, Any]
    rows: Sequence[Row]

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Report:
        """What `as_json` gave."""
        return cls(told["run"], [Row(**row) for row in told["rows"]])

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"run": dict(self.about), "rows": [row.as_json() for row in self.rows]}

    @property
    def right(self) -> bool:
        """Whether every way gave the same alerts with every stream."""
        return all(row.right for row in self.rows)

    def aims(self) -> Iterator[str]:
        """What we want, and what came of it."""
        row = next(row for row in self.rows if (row.way, row.order) == (DURABLE, IN_ORDER))
        word = "reached" if row.rate >= LEAST else "missed"
        yield (
            f"{DURABLE}, {IN_ORDER}: at least {LEAST:,} events a second on a core, and one day "
            f"{GOAL:,}: {row.rate:,.0f}, {word}"
        )
        yield f"the same alerts, whatever the way and the order: {'yes' if self.right else 'no'}"

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        yield ", ".join(f"{name} {value}" for name, value in self.about.items())
        table = [HEAD, *map(self._cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for one in table:
            yield "  ".join(map(str.ljust, one, widths)).rstrip()
        yield from self.aims()

    def markdown(self) -> Iterator[str]:
        """The table for a page."""
        yield f"| {' | '.join(HEAD)} |"
        yield "|---" * len(HEAD) + "|"
        for row in self.rows:
            yield f"| {' | '.join(self._cells(row))} |"

    def _cells(self, row: Row) -> tuple[str, ...]:
        engine = next(one for one in self.rows if (one.way, one.order) == (ENGINE, row.order))
        return (
            row.way,
            row.order,
            f"{row.us_per_event:,.1f}",
            f"{row.rate:,.0f}",
            f"{row.us_per_event / engine.us_per_event:.2f}",
            f"{row.memory_mb:,}",
            f"{row.file_bytes:,}" if row.file_bytes else "-",
            f"{row.alerts:,}",
            "right" if row.right else f"{row.missed} missed, {row.false} false",
        )
