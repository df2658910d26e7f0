"""`make fuzz`: all targets for some time; says how many inputs, what failed, what took longest.

Exit code 0: nothing failed, enough was tried, and time grows with size and no faster; 1 otherwise.
"""

from __future__ import annotations

import argparse
import importlib.util
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from time import monotonic

from fuzz import shapes, structured
from fuzz.corpus import mutant
from fuzz.ledger import Ledger
from fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"
_SHARES = {"guided": 0.5, "blind": 0.35, "structured": 0.15}
_TIMES = {"framing": 1, "batches": 1, "tokens": 2, "gate": 4}
"""How the time of a way of fuzzing is divided among targets."""


def main(argv: list[str] | None = None) -> int:
    """Fuzz."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--least", type=int, default=1_000_000, help="inputs that are enough")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args(argv)
    shutil.rmtree(FOLDER, ignore_errors=True)
    ledger = Ledger(FOLDER)
    shares = dict(_SHARES)
    if importlib.util.find_spec("atheris") is None:
        shares["blind"] += shares.pop("guided")
    else:
        guided(ledger, options.seconds * shares["guided"])
    blind(ledger, options.seconds * shares["blind"], Random(options.seed))  # noqa: S311 - mutants
    structured.hunt(ledger, options.seconds * shares["structured"])
    return report(ledger, options.seed, options.least)


def guided(ledger: Ledger, seconds: float) -> None:
    """With atheris, each target in a process of its own."""
    for name, share in _TIMES.items():
        least = max(1, round(seconds * share / sum(_TIMES.values())))
        command = [sys.executable, "-m", "fuzz.guided", name, str(FOLDER), str(least)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=3 * seconds + 60)
        ledger.add(Ledger.load(FOLDER / f"{name}.json"))


def blind(ledger: Ledger, seconds: float, random: Random) -> None:
    """With mutants of good messages."""
    for name, share in _TIMES.items():
        until = monotonic() + seconds * share / sum(_TIMES.values())
        while monotonic() < until:
            ledger.put(f"{name}, blind", TARGETS[name], mutant(random))


def report(ledger: Ledger, seed: int, least: int) -> int:
    """Say what was found."""
    lines = [f"seed {seed}; failing and slowest inputs are in {FOLDER.relative_to(ROOT)}", ""]
    lines.append(f"{'':24}{'inputs':>12}{'failed':>9}   slowest")
    for name, inputs in ledger.inputs.items():
        seconds, size = ledger.slowest[name]
        failed = ledger.failures.get(name, 0)
        lines.append(f"{name:24}{inputs:12,}{failed:9,}   {1000 * seconds:.1f} ms, {size:,} bytes")
    growth = {name: shapes.growth(name) for name in shapes.SHAPES}
    worst, (took, times) = max(growth.items(), key=lambda one: one[1][1])
    grown = f"8 times the bytes take at most {times:.1f} times as long ({worst}, {took:.3f} s)"
    lines += ["", grown]
    total, failed = sum(ledger.inputs.values()), sum(ledger.failures.values())
    promises = {
        f"{total:,} inputs, at least {least:,}": total >= least,
        f"{failed} failures": not failed,
        f"time linear in size, {len(growth)} shapes": times <= shapes.MOST,
    }
    lines += ["", *(f"{'PASS' if kept else 'FAIL'}  {text}" for text, kept in promises.items())]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(promises.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
