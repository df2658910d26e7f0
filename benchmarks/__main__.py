"""`python -m benchmarks`: measures, judges, and says so with its exit code.

Exit code 0: the alerts are right and the reaches are met; 1: they aren't.
"""

from __future__ import annotations

import argparse
import json
import sys
from random import Random

from benchmarks import history, memory, report
from benchmarks.contest import contenders
from benchmarks.timing import best_of
from benchmarks.verdicts import Streams, judge
from benchmarks.workload import tidy
from services.runtime.arguments import Whole

EVENTS_OF_A_PATIENT = 60


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    options = _options(argv)
    found = measure(options.events // EVENTS_OF_A_PATIENT, options.passes, options.seed)
    if options.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        print("\n".join(found.lines()))
    return 1 if found.failed else 0


def measure(patients: int, passes: int, seed: int) -> report.Report:
    """Make the work, judge the alerts, then measure."""
    rng = Random(seed)
    messages = tidy(rng, patients, EVENTS_OF_A_PATIENT)
    streams = Streams.of(rng, messages)
    _progress("comparing alerts")
    verdicts = judge(streams)
    _progress("measuring speed")
    seconds = best_of(contenders(streams), passes)
    _progress("measuring histories")
    return report.Report(
        patients=patients,
        events=len(messages),
        line_bytes=sum(len(message.line) for message in messages) / len(messages),
        seconds=seconds,
        verdicts=verdicts,
        history=history.measure(),
        patient_size=memory.per_patient(seed, EVENTS_OF_A_PATIENT),
    )


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr)


MOST = 10_000_000


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--events", type=Whole(EVENTS_OF_A_PATIENT, MOST), default=120_000, help="default: 120000"
    )
    parser.add_argument("--passes", type=Whole(1, MOST), default=3, help="default: 3")
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
