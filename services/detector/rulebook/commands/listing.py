"""`salvage rules list`: the rulebook at a glance."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from services.detector.language import overrides
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.rulebook.commands.common import DONE, Commands, add_common, unusable
from services.detector.rulebook.library import load_cases, load_rules

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from services.detector.language.spec import Rule


def register(commands: Commands) -> None:
    """Add `list`."""
    parser = commands.add_parser("list", help="the rules, their versions and cases")
    add_common(parser)
    parser.set_defaults(run=run_list)


def run_list(args: argparse.Namespace) -> int:
    """One line a rule: id, kind, version, cases, confidence marks, title."""
    try:
        rules, cases = load_rules(site=args.site), load_cases()
    except (RuleError, RuleErrors, OSError) as error:
        return unusable(error)
    count = Counter(case.rule for case in cases)
    rows = [_row(rule, count[rule.id]) for rule in rules]
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        _print_table(rows)
    return DONE


def _row(rule: Rule, cases: int) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "kind": rule.kind,
        "version": overrides.version(rule),
        "cases": cases,
        "confidence": _marks(rule),
        "to_be_checked": rule.to_be_checked,
        "title": rule.title,
    }


def _marks(rule: Rule) -> dict[str, int]:
    """How many parameters and citations carry each mark of confidence."""
    marks = [*(p.confidence for p in rule.params), *(c.confidence for c in rule.source)]
    return dict(sorted(Counter(mark for mark in marks if mark).items()))


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    lines: list[tuple[str, ...]] = [("RULE", "KIND", "VERSION", "CASES", "CONFIDENCE", "TITLE")]
    for row in rows:
        marks = " ".join(f"{mark}:{count}" for mark, count in row["confidence"].items())
        shown = row | {"confidence": marks + (" to be checked" if row["to_be_checked"] else "")}
        lines.append(tuple(str(shown[name.lower()]) for name in lines[0]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
