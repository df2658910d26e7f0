"""`make faults`: says what it does and what it found; exit 0 if nothing was lost or invented."""

from __future__ import annotations

import argparse
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from support.broker import NoBroker

from faults.archives import everything
from faults.crew import GaveUp
from faults.network import NoNetwork
from faults.plan import Kind, plan
from faults.traffic import generated, read
from faults.trial import Trial, expected
from services.commands.chosen import chosen_rules

if TYPE_CHECKING:
    from schemas.events import Event

_COUNTS = {
    Kind.KILL: "kills",
    Kind.BROKER_KILL: "broker_kills",
    Kind.CUT: "cuts",
    Kind.STOP: "stops",
    Kind.FULL: "full",
    Kind.CORRUPT: "corrupt",
}
_DEFAULTS = {Kind.KILL: 10, Kind.BROKER_KILL: 2, Kind.CUT: 2}


def main(argv: list[str] | None = None) -> int:
    """Run."""
    options = _options(argv)
    say(f"seed {options.seed}")
    try:
        rules = chosen_rules(options.rules, None)
        events = _events(options)
        right = expected(events, rules)
        alerts = len({one.alert_id for one in right.revisions})
        say(f"{len(events):,} events, {alerts:,} alerts in {len(right.revisions):,} revisions")
        counts = {kind: getattr(options, name) for kind, name in _COUNTS.items()}
        faults = plan(Random(options.seed), counts, options.wait)  # noqa: S311 - no secrets
        words = ("--rules", options.rules) if options.rules else ()
        trial = Trial(events, right, faults, options.seed, _folder(), words, say)
        return _run(trial)
    except (NoNetwork, NoBroker, GaveUp, OSError, subprocess.SubprocessError) as error:
        say(f"{type(error).__name__}: {error}")
        return 2


def _events(options: argparse.Namespace) -> list[Event]:
    if options.everything:
        return everything(options.everything)
    if options.input:
        return read(options.input)
    return generated(options.events, options.seed)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults")
    add = parser.add_argument
    for kind, name in _COUNTS.items():
        add(f"--{name.replace('_', '-')}", dest=name, type=int, default=_DEFAULTS.get(kind, 0))
    add("--seed", type=int, default=secrets.randbelow(1 << 32))
    add("--input", type=Path, help="an archive of events; a hospital is simulated without one")
    add("--everything", type=Path, metavar="DATA", help="these data sets, and all rules' cases")
    add("--events", type=int, default=20_000, help="how many are simulated")
    add("--rules", help="as `salvage detect` has it; default: all")
    add("--wait", type=float, default=3.0, help="seconds between two faults, on average")
    return parser.parse_args(argv)


def _run(trial: Trial) -> int:
    begun = time.monotonic()
    try:
        verdict = trial.run()
    except BaseException:
        say(f"what the processes left is in {trial.folder}")
        raise
    for name in verdict.lost[:10]:
        say(f"lost: alert {name}")
    for name, revision in verdict.invented[:10]:
        say(f"invented: alert {name}, revision {revision}")
    say(f"workers: {trial.mended()}; late repeats {verdict.late}")
    say(f"{time.monotonic() - begun:.0f} s")
    counts = {name: trial.counts.get(kind, 0) for kind, name in _COUNTS.items()}
    always = ("kills", "broker_kills", "cuts")
    shown = {name: count for name, count in counts.items() if count or name in always}
    sys.stdout.write(f"{verdict.line(**shown)}\n")
    if verdict.good:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return 0 if verdict.good else 1


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="salvage-faults-"))


def say(line: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
