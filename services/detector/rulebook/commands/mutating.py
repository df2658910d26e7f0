"""`salvage rules mutate`: would the cases notice if a rule said something else?"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from services.detector.language.errors import RuleError, RuleErrors
from services.detector.rulebook.commands.common import DONE, FOUND, Commands, unusable
from services.detector.rulebook.library import load_cases, load_rules
from services.detector.rulebook.mutants import Mutant, survivors

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case

LEAST = 90
"""Per cent of the mutants that the cases must catch."""

Proof = tuple["Rule", int, list[Mutant]]
"""A rule, how many mutants it has, and those that no case catches."""


def register(commands: Commands) -> None:
    """Add `mutate` to the subcommands of `rules`."""
    parser = commands.add_parser(
        "mutate",
        help="change every threshold, comparison and interval by one step; do the cases notice?",
    )
    parser.add_argument("rules", nargs="*", metavar="RULE", help="only these rules")
    parser.add_argument(
        "--vectors", nargs="+", type=Path, metavar="FILE", help="cases from these files instead"
    )
    parser.add_argument(
        "--least", type=int, default=LEAST, metavar="PERCENT", help="default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=run_mutate)


def run_mutate(args: argparse.Namespace) -> int:
    """List the survivors; end with `N mutants, N caught, N survived (N %)`; 1 if too many."""
    try:
        rules, cases = load_rules(), load_cases(args.vectors)
    except (RuleError, RuleErrors, OSError) as error:
        return unusable(error)
    absent = {*args.rules} - {rule.id for rule in rules}
    for name in sorted(absent):
        print(f"there is no rule {name}", file=sys.stderr)
    asked = [rule for rule in rules if not args.rules or rule.id in args.rules]
    proofs = [(rule, *survivors(rule, _of(rule, cases))) for rule in asked]
    total = sum(count for _, count, _ in proofs)
    survived = sum(len(found) for _, _, found in proofs)
    _report(proofs, total, survived, as_json=args.json)
    enough = 100 * (total - survived) >= args.least * total
    return DONE if enough and not absent else FOUND


def _of(rule: Rule, cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.rule == rule.id]


def _report(proofs: Sequence[Proof], total: int, survived: int, *, as_json: bool) -> None:
    if as_json:
        told = {
            "mutants": total,
            "survived": survived,
            "rules": [
                {"rule": rule.id, "mutants": count, "survivors": [str(each) for each in found]}
                for rule, count, found in proofs
            ],
        }
        print(json.dumps(told, indent=2))
        return
    for rule, count, found in proofs:
        print(f"{rule.id}: {count} mutants, {len(found)} survived")
        for each in found:
            print(f"  {each.place}: {each.before} -> {each.after}")
    caught = total - survived
    share = (Decimal(100 * caught) / total).quantize(Decimal("0.1")) if total else Decimal(100)
    print(f"{total} mutants, {caught} caught, {survived} survived ({share} % caught)")
