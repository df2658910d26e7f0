"""`python -m benchmarks.notifier`: a year of a notifier, held against its budget of interruptions.

Exit code 0: the budget is kept, and nothing was lost; 1: it isn't, or something was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.notifier.year import BEGIN, DAYS, Year
from services.notifier.cases.site import Site
from services.notifier.roster.loading import load_house

TEAMS: Final = Path(__file__).resolve().parents[2] / "deploy" / "notifier" / "teams"
MEAN, P95, LATE = 1, 3, 0.02
"""Interruptions of a clinician on a day, and the share of cases past their date: the design's."""


def main(argv: list[str] | None = None) -> int:
    """Run the year."""
    options = _options(argv)
    begun = time.perf_counter()
    year = simulate(options.patients, options.seed)
    found = {**figures(year), "seconds": round(time.perf_counter() - begun, 1)}
    kept = verdict(found)
    if options.json:
        print(json.dumps({**found, "kept": kept}))
    else:
        print("\n".join(f"{name:32} {value}" for name, value in found.items()))
        print(
            f"budget: mean <= {MEAN}, p95 <= {P95}, late < {LATE}: {'kept' if kept else 'BROKEN'}"
        )
    return 0 if kept else 1


def simulate(patients: int, seed: int) -> Year:
    """A year of the example's teams."""
    house = load_house(TEAMS)
    site = Site(house.policy, house.teams, b"key of the benchmark")
    return Year(site, house.teams, Random(seed)).live(patients)


def figures(year: Year) -> dict[str, Any]:
    """What the year came to."""
    people = year.people()
    days = sorted(year.interruptions.values())
    whole = [0] * (len(people) * DAYS - len(days)) + days
    episodes = sum(case.episode for case in year.cases.values())
    notices = sum(year.sent.values())
    return {
        "begins": BEGIN.date().isoformat(),
        "clinicians": len(people),
        "cases": len(year.cases),
        "episodes": episodes,
        "notices": notices,
        "of which repeats of a case": round(year.repeats / max(1, notices), 4),
        "bundled by a throttle": year.bundled,
        "digests": year.digests,
        "interruptions mean a day": round(sum(whole) / len(whole), 3),
        "interruptions p95 a day": whole[int(len(whole) * 0.95)],
        "interruptions most a day": whole[-1],
        "late episodes": round(year.late / max(1, episodes), 4),
        "duties that nobody had": year.gaps,
        "steps of the fold": year.steps,
    }


def verdict(found: dict[str, Any]) -> bool:
    """Whether the budget was kept."""
    mean, high = found["interruptions mean a day"], found["interruptions p95 a day"]
    return bool(mean <= MEAN and high <= P95 and found["late episodes"] < LATE)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notifier", description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000, help="default: 1000")
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
