"""`python -m benchmarks.whole`: the whole catalogue on a mixed cohort, in three orders, three ways.

Exit code 0: measured, and all ways gave the same alerts with all orders; 1: they didn't.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import machine
from benchmarks.whole.names import ENGINE, IN_ORDER
from benchmarks.whole.report import Report, Row
from benchmarks.whole.streams import Work, write
from benchmarks.whole.ways import WAYS, Taken, take
from services.detector.rulebook.library import rules_in_force
from services.runtime.arguments import Whole
from services.simulator.cohort import MAX_PATIENTS

_Turn = tuple[str, str]
"""A way and an order."""


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    options = _options(argv)
    with TemporaryDirectory(dir=options.folder) as folder:
        found = measure(Path(folder), options.patients, options.passes, options.seed)
    if options.json:
        options.json.write_text(json.dumps(found.as_json(), indent=1) + "\n", encoding="utf-8")
    print("\n".join(found.lines()))
    return 0 if found.right else 1


def measure(folder: Path, patients: int, passes: int, seed: int) -> Report:
    """Make the streams, and send them all the ways, taking turns.

    Args:
        folder: with room for the streams and a database.
        patients: of the cohort.
        passes: of each way with each stream.
        seed: of the cohort, and of the disorder.
    """
    # A process for each task: what one leaves in memory isn't the next one's.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as alone:
        work = alone.submit(write, folder, patients, seed).result()
        turns = [(way, order) for order in work.folders for way in WAYS]
        taken: dict[_Turn, list[Taken]] = {turn: [] for turn in turns}
        for _ in range(passes):
            for way, order in turns:
                _progress(f"{way}, {order}")
                taken[way, order].append(alone.submit(take, way, work.folders[order]).result())
    about = _about(patients, passes, seed) | machine()
    return Report(about, [_row(turn, taken, work) for turn in turns])


def _row(turn: _Turn, taken: dict[_Turn, list[Taken]], work: Work) -> Row:
    way, order = turn
    right = taken[ENGINE, IN_ORDER][0].standing
    return Row.of(way, order, work.events[order], taken[turn], right)


def _about(patients: int, passes: int, seed: int) -> dict[str, object]:
    return {"patients": patients, "rules": len(rules_in_force()), "passes": passes, "seed": seed}


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole", description=__doc__)
    add = parser.add_argument
    add("--patients", type=Whole(1, MAX_PATIENTS), default=200, help="default: %(default)s")
    add("--passes", type=Whole(1, 1_000), default=2, help="of each way; default: %(default)s")
    add("--seed", type=int, default=5)
    add("--folder", type=Path, metavar="DIR", help="on whose disk; default: of temporary files")
    add("--json", type=Path, metavar="FILE", help="write what was measured")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
