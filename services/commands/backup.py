"""`salvage backup`: a data folder at one moment, while it is at work."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.detector.engine.instants import moment
from services.embedded.backup import back_up
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError, SalvageError

if TYPE_CHECKING:
    import argparse

    from services.commands.chosen import Subparsers
    from services.embedded.backup import Manifest

DONE, FAILED, UNUSABLE = 0, 1, 2
NAME: Final = "salvage backup"


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "backup",
        help="copy a data folder while it is at work",
        description="Copies the folder of `salvage run` or `salvage ingest`, store, journal and "
        "all, while they work. The copy is looked through, and holds PATIENTS' DATA.",
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="the folder to copy")
    about = "where to: a folder that is not there yet; it appears when it is whole"
    add("--to", type=Path, required=True, metavar="FOLDER", help=about)
    add("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 the backup is there; 1 it could not be made, and nothing is there; 2 unusable settings.
    """
    try:
        made = back_up(args.data, args.to, SystemClock())
    except SalvageError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return UNUSABLE if isinstance(error, OperatorError) else FAILED
    print(json.dumps(fields(made)) if args.json else line(made))
    return DONE


def fields(manifest: Manifest) -> dict[str, Any]:
    """A backup for programs."""
    files = {one.name: one.size for one in manifest.files}
    at = moment(manifest.at).isoformat(timespec="seconds")
    return {"at": at, "software": manifest.software, "files": files}


def line(manifest: Manifest) -> str:
    """A backup on one line."""
    size = sum(one.size for one in manifest.files)
    at = moment(manifest.at).isoformat(timespec="seconds")
    return f"{len(manifest.files)} files, {size // 1024} KiB, of {at}, by {manifest.software}"
