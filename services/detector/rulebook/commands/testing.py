"""`salvage rules test`: run the cases, and say what they leave unproved."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.detector.language.errors import RuleError, RuleErrors
from services.detector.rulebook.commands.common import (
    DONE,
    FOUND,
    Commands,
    add_common,
    unusable,
)
from services.detector.rulebook.library import (
    PACKS,
    load_cases,
    load_rules,
    read_rules,
    rule_files,
)
from services.detector.rulebook.questions import QUESTIONS
from services.detector.rulebook.runner import Outcome, Status, run_case
from services.detector.rulebook.sides import Shown, shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case


def register(commands: Commands) -> None:
    """Add `test`."""
    parser = commands.add_parser("test", help="run the cases of the rules")
    parser.add_argument("rules", nargs="*", metavar="RULE", help="only these rules")
    parser.add_argument("--rule", action="append", default=[], dest="rule", metavar="RULE")
    parser.add_argument(
        "--vectors", nargs="+", type=Path, metavar="FILE", help="cases from these files instead"
    )
    add_common(parser)
    parser.set_defaults(run=run_test)


def run_test(args: argparse.Namespace) -> int:
    """Run cases; name those that fail; end with `N passed, N failed, N skipped`."""
    wanted = {*args.rules, *args.rule}
    try:
        rules, cases = load_rules(site=args.site), load_cases(args.vectors)
    except (RuleError, RuleErrors, OSError) as error:
        return unusable(error)
    asked = [case for case in cases if not wanted or case.rule in wanted]
    absent = wanted - {rule.id for rule in rules}
    unasked = wanted - absent - {case.rule for case in asked}
    idle = _not_in_use({case.rule for case in asked} - {rule.id for rule in rules})
    outcomes = [
        Outcome(case, Status.SKIPPED, f"{case.rule} is not in use")
        if case.rule in idle
        else run_case(case, rules)
        for case in asked
    ]
    proofs = [shown(rule, ours) for rule in rules if (ours := _sound(rule, outcomes))]
    caseless = [r.id for r in rules if r.id not in {case.rule for case in cases}]
    if wanted or args.vectors:
        caseless = []
    if args.json:
        _print_json(outcomes, proofs)
    else:
        _print(outcomes, proofs, caseless)
    for name in sorted(absent):
        print(f"there is no rule {name}", file=sys.stderr)
    for name in sorted(unasked):
        print(f"there is no case of {name}", file=sys.stderr)
    failed = any(outcome.status is Status.FAILED for outcome in outcomes)
    return FOUND if failed or absent or unasked or caseless else DONE


def _not_in_use(missing: set[str]) -> set[str]:
    """Of the rules that are not run, those that exist: retired, or switched off by the site."""
    missing = missing - QUESTIONS.keys()
    if not missing:
        return missing
    return missing & {rule.id for rule in read_rules(rule_files(PACKS))}


def _sound(rule: Rule, outcomes: Iterable[Outcome]) -> list[Case]:
    """The cases of a rule, if they all pass: failing ones show nothing of it."""
    ours = [each for each in outcomes if each.case.rule == rule.id]
    passed = all(each.status is Status.PASSED for each in ours)
    return [each.case for each in ours] if passed else []


def _print(outcomes: Sequence[Outcome], proofs: Iterable[Shown], caseless: Sequence[str]) -> None:
    for outcome in outcomes:
        if outcome.status is Status.FAILED:
            _print_failure(outcome)
    for proof in proofs:
        print(f"{proof.rule}: {proof.cases} cases")
        for gap in proof.gaps:
            print(f"  {gap}")
    for name in caseless:
        print(f"{name}: no case")
    _print_skipped(outcomes)
    count = Counter(outcome.status for outcome in outcomes)
    print(", ".join(f"{count[status]} {status}" for status in Status))


def _print_json(outcomes: Sequence[Outcome], proofs: Iterable[Shown]) -> None:
    count = Counter(outcome.status for outcome in outcomes)
    told: dict[str, Any] = {str(status): count[status] for status in Status}
    told["rules"] = [{"rule": each.rule, "cases": each.cases, "gaps": each.gaps} for each in proofs]
    told["cases"] = [_outcome(each) for each in outcomes]
    print(json.dumps(told, indent=2))


def _print_failure(outcome: Outcome) -> None:
    case = outcome.case
    print(f"FAILED {case.rule} {case.id} ({case.place}): {outcome.reason}")
    if case.note:
        print(f"  {case.note}")
    if not outcome.way:
        return
    print(f"  delivered {outcome.way}")
    for title, lines in (("expected", outcome.expected), ("got", outcome.got)):
        for number, line in enumerate(lines or ("nothing",)):
            print(f"  {'' if number else title:8}  {line}")


def _print_skipped(outcomes: Iterable[Outcome]) -> None:
    """One line a reason."""
    reasons = Counter(each.reason for each in outcomes if each.status is Status.SKIPPED)
    for reason, count in sorted(reasons.items()):
        print(f"skipped {count}: {reason}")


def _outcome(outcome: Outcome) -> dict[str, Any]:
    case: Case = outcome.case
    return {
        "rule": case.rule,
        "id": case.id,
        "place": str(case.place),
        "note": case.note,
        "status": str(outcome.status),
        "reason": outcome.reason,
        "way": outcome.way,
        "expected": outcome.expected,
        "got": outcome.got,
    }
