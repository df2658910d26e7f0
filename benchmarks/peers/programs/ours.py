"""salvage-watch in memory: from facts, or with `bytes` from JSON lines; with every word written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.engine import Watch, read, rules
from benchmarks.peers.programs.stand import measured, read_lines, read_rows
from services.detector.engine.fact import Fact
from services.runtime.collecting import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.engine import Arrival
    from benchmarks.peers.programs.stand import Alert

Told = tuple[bytes, int]
"""A line, and the instant of its arrival."""


def lines(folder: Path) -> list[Told]:
    """The stream with its times; the rules are compiled before anything is measured."""
    rules()
    arrived = (row.arrived for row in read_rows(folder))
    return list(zip(read_lines(folder), arrived, strict=True))


def facts(folder: Path) -> list[Arrival]:
    """The same, decoded."""
    return list(_decoded(lines(folder)))


def from_facts(arrivals: Sequence[Arrival]) -> list[Alert]:
    """What stands when the last has arrived."""
    return _said(arrivals, arrivals[-1][1])


def from_bytes(told: Sequence[Told]) -> list[Alert]:
    """The same, with our reader before it."""
    return _said(_decoded(told), told[-1][1])


def _said(arrivals: Iterable[Arrival], last: int) -> list[Alert]:
    watch = Watch()
    with uncollected():
        watch.run_facts(arrivals)
    return [alert[:3] for alert in watch.standing(last)]


def _decoded(told: Iterable[Told]) -> Iterable[Arrival]:
    for line, at in told:
        yield Fact(read(line), at), at


if __name__ == "__main__":
    if "bytes" in sys.argv[3:]:
        measured(from_bytes, lines)
    else:
        measured(from_facts, facts)
