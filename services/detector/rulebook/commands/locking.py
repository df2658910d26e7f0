"""`salvage rules lock`: keep the record of released rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from services.detector.language.errors import RuleErrors
from services.detector.rulebook import released
from services.detector.rulebook.commands.common import DONE, FOUND, Commands, unusable
from services.detector.rulebook.library import PACKS, read_rules, rule_files

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from services.detector.language.errors import RuleError
    from services.detector.rulebook.released import Release


def register(commands: Commands) -> None:
    """Add `lock` to the subcommands of `rules`."""
    parser = commands.add_parser(
        "lock",
        help="record what the rules do",
        description=(
            "Records a digest of what every version of every rule does. What was recorded never "
            "changes: a rule that does something else needs a higher `version`, and a rule that "
            "is no longer wanted is `retired` with date and reason, not deleted."
        ),
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if not current")
    parser.add_argument("--packs", type=Path, default=PACKS, metavar="FOLDER", help="the rules")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=run_lock)


def run_lock(args: argparse.Namespace) -> int:
    """Record new rules and versions, or refuse to; one line for each mistake and addition."""
    lock = args.packs / released.LOCK.name
    try:
        rules = read_rules(rule_files(args.packs))
        known = released.read_lock(_text(lock), str(lock))
    except (RuleErrors, OSError) as error:
        return unusable(error)
    errors = released.broken_laws(rules, known, str(lock))
    new = released.unreleased(rules, known)
    if not errors and new and not args.check:
        lock.write_text(released.written([*known, *new]), encoding="utf-8")
    _report(errors, new, as_json=args.json, checked=args.check)
    return FOUND if errors or (new and args.check) else DONE


def _text(lock: Path) -> str:
    return lock.read_text(encoding="utf-8") if lock.exists() else ""


def _report(
    errors: Sequence[RuleError], new: Sequence[Release], *, as_json: bool, checked: bool
) -> None:
    if as_json:
        told = {"mistakes": [str(each) for each in errors], "new": [str(each) for each in new]}
        print(json.dumps(told, indent=2))
        return
    for each in errors:
        print(each)
    word = "not recorded" if checked or errors else "recorded"
    for one in new:
        print(f"{word}: {one.rule} version {one.version}")
    print(f"{len(errors)} mistakes, {len(new)} {word}")
