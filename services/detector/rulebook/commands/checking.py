"""`salvage rules check`: every mistake in rule files, with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.detector.language import overrides
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.rulebook.commands.common import (
    DONE,
    FOUND,
    Commands,
    add_common,
    unusable,
)
from services.detector.rulebook.library import PACKS, read_rules, rule_files

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence


def register(commands: Commands) -> None:
    """Add `check`."""
    parser = commands.add_parser("check", help="read rule files and name every mistake")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files or folders")
    add_common(parser)
    parser.set_defaults(run=run_check)


def run_check(args: argparse.Namespace) -> int:
    """Every mistake as `file:line:column: message`; of the packs too, if no path is given."""
    try:
        errors = _mistakes(args.paths or [PACKS], args.site)
    except OSError as error:
        return unusable(error)
    if args.json:
        print(json.dumps([_error(each) for each in errors], indent=2))
        return FOUND if errors else DONE
    for each in errors:
        print(each)
    print(f"{len(errors)} mistakes" if errors else "no mistakes")
    return FOUND if errors else DONE


def _mistakes(paths: Iterable[Path], site: Path | None) -> Sequence[RuleError]:
    files = [file for path in paths for file in (rule_files(path) if path.is_dir() else [path])]
    try:
        rules = read_rules(files)
        if site is not None:
            overrides.apply(rules, site.read_text(encoding="utf-8"), str(site))
    except RuleErrors as found:
        return found.errors
    return ()


def _error(error: RuleError) -> dict[str, Any]:
    place = error.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "message": error.message,
        "expected": error.expected,
    }
