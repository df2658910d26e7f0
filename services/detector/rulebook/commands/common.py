"""What the subcommands of `salvage rules` share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import argparse

DONE, FOUND, UNUSABLE = 0, 1, 2
"""Exit codes: all well; something is wrong with a rule; a file can't be used at all."""

# argparse gives the type no public name, and it takes a parameter for type checkers only.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_common(parser: argparse.ArgumentParser) -> None:
    """Options of every subcommand that reads the rulebook."""
    parser.add_argument("--site", type=Path, metavar="FILE", help="the site's overrides")
    parser.add_argument("--json", action="store_true", help="for programs")


def unusable(error: Exception) -> int:
    """A file that can't be used ends the command."""
    print(error, file=sys.stderr)
    return UNUSABLE
