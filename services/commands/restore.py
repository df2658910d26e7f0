"""`salvage restore`: a backup is looked through, and put back where nothing is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.commands.backup import DONE, FAILED, UNUSABLE, fields, line
from services.embedded.backup import checked, restore
from services.runtime.errors import OperatorError, SalvageError

if TYPE_CHECKING:
    import argparse

    from services.commands.chosen import Subparsers

NAME: Final = "salvage restore"


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "restore",
        help="look through a backup, and put it back",
        description="Makes sure that a backup is what `salvage backup` made, and puts it into a "
        "folder where nothing is. What came after it is not in it: see docs/operations.md.",
    )
    add = parser.add_argument
    add("backup", type=Path, metavar="BACKUP", help="the folder that `salvage backup --to` made")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, metavar="DIR", help="where to; empty, or not there")
    where.add_argument("--check", action="store_true", help="only look through it")
    add("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 done; 1 it could not be written, and nothing is there; 2 the backup is not whole, or
        unusable settings.
    """
    try:
        found = checked(args.backup) if args.check else restore(args.backup, args.data)
    except SalvageError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return UNUSABLE if isinstance(error, OperatorError) else FAILED
    print(json.dumps(fields(found)) if args.json else line(found))
    return DONE
