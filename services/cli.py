"""The `salvage` command: thin. A command's own module is imported when the command is asked for."""

from __future__ import annotations

import argparse
import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("services.demo", "a simulated ward on this machine, with its alerts"),
    "run": ("services.embedded.console", "the whole system in one process on one SQLite file"),
    "ingest": ("services.ingest.console", "receive HL7 v2 by MLLP into a journal"),
    "map": ("services.commands.mapping", "read clinical.raw, publish events and dead letters"),
    "detect": ("services.commands.detecting", "read clinical.events, publish clinical.alerts"),
    "topics": ("services.commands.topics", "the topics of a Kafka cluster: make them, check them"),
    "replay": ("services.commands.replay", "run an archive through the engine"),
    "explain": ("services.commands.explain", "one patient: what fired, what not yet, and why"),
    "backtest": ("services.commands.backtest", "replay an archive against labels"),
    "review": ("services.commands.review", "whose alerts a rule change adds, removes or moves"),
    "shadow": ("services.commands.shadow", "what other rules would say, beside a running system"),
    "rules": ("services.commands.rules", "the catalogue: list, check, test, mutate, lock, docs"),
    "deadletters": ("services.commands.deadletters", "what could not be used: list, replay, drop"),
    "sources": ("services.commands.sources", "source profiles: check them against messages"),
    "notify": ("services.commands.notifying", "alerts become cases, and cases somebody's action"),
    "route": ("services.notifier.commands.route", "who would get an alert, when, and why"),
    "canary": ("services.commands.canary.console", "does a message become somebody's message?"),
    "backup": ("services.commands.backup", "copy a data folder while it is at work"),
    "restore": ("services.commands.restore", "look through a backup, and put it back"),
    "doctor": ("services.commands.doctor", "look at a deployment: what is wrong, what to do"),
    "simulate": ("services.simulator.console", "make a synthetic cohort with known truth"),
}
"""Command: the module whose `register` knows its arguments, and what it does."""
SELDOM: Final = 50_000
"""Objects made between two searches for circles of them; with Python's 700, reading all rules takes
a fifth longer, and finds none."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 done, 1 something asked for failed, 2 unusable input or settings.
    """
    gc.set_threshold(SELDOM)
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="salvage",
        description="Notices failing treatment in time for salvage. It informs; people decide.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, (module, about) in COMMANDS.items():
        if name == asked:
            import_module(module).register(commands)
        else:
            commands.add_parser(name, help=about, add_help=False)
    args = parser.parse_args(words)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except BrokenPipeError:
        # The reader of our output has gone, e.g. `| head`: not an error of ours.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
