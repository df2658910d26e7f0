"""`benchmarks/handwritten.py` on decoded events, or with `bytes` from JSON lines by msgspec."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.handwritten import HandWritten, read_msgspec
from benchmarks.peers.programs.stand import measured, read_lines
from services.runtime.collecting import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.handwritten import Event
    from benchmarks.peers.programs.stand import Alert


def decoded(folder: Path) -> list[Event]:
    """The events, ready."""
    return [read_msgspec(line) for line in read_lines(folder)]


def from_events(events: Iterable[Event]) -> list[Alert]:
    """What the machine says."""
    machine = HandWritten()
    with uncollected():
        machine.run(events)
    return [alert[:3] for alert in machine.alerts]


def from_bytes(lines: Sequence[bytes]) -> list[Alert]:
    """The same, with its reader before it."""
    return from_events(map(read_msgspec, lines))


if __name__ == "__main__":
    if "bytes" in sys.argv[3:]:
        measured(from_bytes, read_lines)
    else:
        measured(from_events, decoded)
