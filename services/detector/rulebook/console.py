"""`salvage rules`: list the rulebook, check rule files, run their cases."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.detector.language import overrides
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.rulebook.library import (
    PACKS,
    load_cases,
    load_rules,
    read_rules,
    rule_files,
)
from services.detector.rulebook.runner import Outcome, Status, run_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case

DONE, FOUND, UNUSABLE = 0, 1, 2
"""Exit codes: all well; something is wrong with a rule; a file can't be used at all."""

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives it no public name


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add `rules` and its subcommands; each sets `run`, a function of the parsed arguments."""
    rules = subparsers.add_parser("rules", help="list, check and test the rulebook")
    commands = rules.add_subparsers(dest="rules_command", required=True, metavar="COMMAND")
    _register_list(commands)
    _register_check(commands)
    _register_test(commands)


def _register_list(commands: Subparsers[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("list", help="the rules, their versions and cases")
    _add_common(parser)
    parser.set_defaults(run=run_list)


def _register_check(commands: Subparsers[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("check", help="read rule files and name every mistake")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files or folders")
    _add_common(parser)
    parser.set_defaults(run=run_check)


def _register_test(commands: Subparsers[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("test", help="run the cases of the rules")
    parser.add_argument("rules", nargs="*", metavar="RULE", help="only these rules")
    parser.add_argument("--rule", action="append", default=[], dest="rule", metavar="RULE")
    parser.add_argument(
        "--vectors", nargs="+", type=Path, metavar="FILE", help="cases from these files instead"
    )
    _add_common(parser)
    parser.set_defaults(run=run_test)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, metavar="FILE", help="the site's overrides")
    parser.add_argument("--json", action="store_true", help="for programs")


# ---------------------------------------------------------------- list


def run_list(args: argparse.Namespace) -> int:
    """One line a rule: id, kind, version, cases, confidence marks, title."""
    try:
        rules, cases = load_rules(site=args.site), load_cases()
    except (RuleError, RuleErrors, OSError) as error:
        return _unusable(error)
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
        shown = row | {"confidence": marks}
        lines.append(tuple(str(shown[name.lower()]) for name in lines[0]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())


# ---------------------------------------------------------------- check


def run_check(args: argparse.Namespace) -> int:
    """Every mistake as `file:line:column: message`; of the packs too, if no path is given."""
    try:
        errors = _mistakes(args.paths or [PACKS], args.site)
    except OSError as error:
        return _unusable(error)
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


# ---------------------------------------------------------------- test


def run_test(args: argparse.Namespace) -> int:
    """Run cases; name those that fail; end with `N passed, N failed, N skipped`."""
    wanted = {*args.rules, *args.rule}
    try:
        rules, cases = load_rules(site=args.site), load_cases(args.vectors)
    except (RuleError, RuleErrors, OSError) as error:
        return _unusable(error)
    asked = [case for case in cases if not wanted or case.rule in wanted]
    absent = wanted - {rule.id for rule in rules}
    unasked = wanted - absent - {case.rule for case in asked}
    outcomes = [run_case(case, rules) for case in asked]
    _report(outcomes, as_json=args.json)
    for name in sorted(absent):
        print(f"there is no rule {name}", file=sys.stderr)
    for name in sorted(unasked):
        print(f"there is no case of {name}", file=sys.stderr)
    failed = any(outcome.status is Status.FAILED for outcome in outcomes)
    return FOUND if failed or absent or unasked else DONE


def _report(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    count = Counter(outcome.status for outcome in outcomes)
    if as_json:
        shown = {str(status): count[status] for status in Status}
        print(json.dumps(shown | {"cases": [_outcome(each) for each in outcomes]}, indent=2))
        return
    for outcome in outcomes:
        if outcome.status is Status.FAILED:
            _print_failure(outcome)
    _print_skipped(outcomes)
    print(", ".join(f"{count[status]} {status}" for status in Status))


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
    """One line a reason: a catalogue may hold hundreds of cases of rules to come."""
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


def _unusable(error: Exception) -> int:
    print(error, file=sys.stderr)
    return UNUSABLE
