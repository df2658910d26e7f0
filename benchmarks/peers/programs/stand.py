"""What every program of this folder shares: the rows, the clock, the answer. Standard library only.

A program gets a folder with a stream and the number of passes; it reads the rows, takes them in as
its engine does, and prints one line of JSON: processor time of the best pass, peak memory, alerts.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROWS, LINES = "rows.jsonl", "lines.jsonl"

VIRAL_LIMIT = 100_000
"""1000 copies/mL, in hundredths."""
RISE = 200
"""2 ng/mL, in hundredths."""
GAP, WINDOW = 90, 14
"""Days: between two viral loads; between ALT and bilirubin."""


class Row(NamedTuple):
    """One version of a result, ready for any engine.

    day: ordinal. value, high: in hundredths, so that whole numbers are exact; high may be missing.
    issued: instant of issue, in microseconds; the latest version of an event counts.
    arrived: instant of arrival, in microseconds.
    """

    event: str
    patient: str
    day: int
    analyte: str
    value: int
    high: int | None
    issued: int
    arrived: int


Alert = tuple[str, str, str]
"""Patient, rule, the event that completed the evidence."""


def read_rows(folder: Path) -> list[Row]:
    """The stream as rows, in the order of arrival."""
    with (folder / ROWS).open(encoding="utf-8") as lines:
        return [Row(*json.loads(line)) for line in lines]


def read_lines(folder: Path) -> list[bytes]:
    """The same stream as canonical events, without line ends."""
    return (folder / LINES).read_bytes().splitlines()


def measured(
    run: Callable[[Any], Iterable[Alert]], prepare: Callable[[Path], Any] = read_rows
) -> None:
    """Measure `run` on what `prepare` makes of the stream, and print the answer.

    Args:
        run: makes a fresh state, takes in everything, gives the alerts that stand in its view.
        prepare: is not measured.
    """
    folder, passes = Path(sys.argv[1]), int(sys.argv[2])
    work = prepare(folder)
    best = None
    for _ in range(passes):
        gc.collect()
        begun = process_time()
        alerts = list(run(work))
        took = process_time() - begun
        best = took if best is None else min(best, took)
    answer(best, alerts)


def answer(seconds: float | None, alerts: Iterable[Alert]) -> None:
    """Print it, on a line of its own."""
    told = {"seconds": seconds, "rss_mb": peak_mb(), "alerts": sorted(set(alerts))}
    print("\n" + json.dumps(told))


def peak_mb() -> int:
    """The most memory that this process had. `getrusage` would tell what its parent had, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024)
