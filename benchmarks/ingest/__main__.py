"""`python -m benchmarks.ingest`: measures, judges, and says so with its exit code.

Exit code 0: the reaches are met; 1: they aren't.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.ingest import disk, pipeline, readers, wire
from benchmarks.ingest.report import Report
from benchmarks.ingest.workload import results
from benchmarks.timing import best_of
from services.runtime.arguments import Whole

WINDOWS = (1, 16)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    options = _options(argv)
    found = measure(options.messages, options.passes, options.seed, options.folder)
    if options.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        print("\n".join(found.lines()))
    return 1 if found.failed else 0


def measure(number: int, passes: int, seed: int, folder: Path | None = None) -> Report:
    """Make the messages, then measure each way."""
    work = results(number, seed)
    return Report(
        messages=len(work),
        size=sum(map(len, work)) / len(work),
        results=sum(raw.count(b"\rOBX|") for raw in work) / len(work),
        seconds=best_of(readers.contenders(work), passes),
        answered={
            window: max(wire.rate(work, window, folder) for _ in range(min(passes, 2)))
            for window in WINDOWS
        },
        way=pipeline.measure(work, folder),
        disk=disk.measure(work, folder),
    )


MOST = 10_000_000


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--messages", type=Whole(1, MOST), default=10_000, help="default: 10000")
    parser.add_argument("--passes", type=Whole(1, MOST), default=3, help="default: 3")
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--folder", type=Path, help="where the journal lies; default: temporary")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
