"""`salvage rules`: the rulebook's own commands, and the pages that are made from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.commands.rulepages.pages import pages
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.rulebook import console
from services.detector.rulebook.library import PACKS, load_cases, read_rules, rule_files

if TYPE_CHECKING:
    import argparse

    from services.detector.rulebook.commands.common import Commands

DONE, STALE, UNUSABLE = 0, 1, 2
FOLDER: Final = PACKS.parents[2] / "docs" / "rules"


def register(subparsers: Commands) -> None:
    """Add `rules` with all its subcommands."""
    commands = console.register(subparsers)
    parser = commands.add_parser("docs", help="write a page for every rule, and an index")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="where to")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if not current")
    parser.set_defaults(run=run_docs)


def run_docs(args: argparse.Namespace) -> int:
    """Write the pages, or say which are not current."""
    try:
        made = pages(read_rules(rule_files(PACKS)), load_cases())
        there = {path.name for path in args.out.glob("*")} if args.out.exists() else set()
        stale = [name for name, text in made.items() if _text(args.out / name) != text]
        left_over = sorted(there - made.keys())
        if not args.check:
            _write(args.out, {name: made[name] for name in stale}, left_over)
    except (RuleError, RuleErrors, OSError) as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    for name in (*stale, *left_over):
        print(f"{'not current' if args.check else 'written'}: {name}")
    print(f"{len(made)} files, {len(stale) + len(left_over)} changed")
    return STALE if args.check and (stale or left_over) else DONE


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _write(folder: Path, files: dict[str, str], left_over: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in left_over:
        (folder / name).unlink()
