"""`salvage deadletters`: what could not be used, how old it is, and how it is made use of."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.base import as_utc, parse_clinical_time
from schemas.deadletter import Reason
from services.commands.chosen import chosen_rules
from services.commands.letterlines import (
    count_fields,
    count_lines,
    letter_fields,
    line_of,
    place_fields,
    replay_fields,
    replay_lines,
)
from services.detector.engine.instants import instant
from services.detector.language.errors import RuleErrors
from services.embedded.deadletters import letters_of, replay
from services.embedded.letters import Choice
from services.embedded.rereading import reread
from services.ingest.profiles.files import load_sources
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError, SalvageError

if TYPE_CHECKING:
    from services.commands.chosen import Subparsers
    from services.detector.engine.rule import CompiledRule

DONE, FAILED, UNUSABLE = 0, 1, 2
NAME: Final = "salvage deadletters"


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "deadletters",
        help="what could not be used: list, count, show, replay",
        description="Works the dead letters of `salvage run`, while it runs or not. Prints no "
        "patient's data, but for `show --raw`.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about, run in (
        ("list", "one line a letter", run_list),
        ("count", "how many by reason and sender, and how old", run_count),
    ):
        one = _action(actions, name, about)
        _choice(one)
        one.add_argument("--all", action="store_true", help="those that were resolved, too")
        one.set_defaults(run=run)
    _show(actions)
    _replay(actions)


def _action(actions: Any, name: str, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=about, description=about)
    data = "where the store is kept"
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=data)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def _choice(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    reasons = sorted(reason.value for reason in Reason)
    help_reason = "only of this reason; repeatable"
    add("--reason", action="append", default=[], choices=reasons, metavar="R", help=help_reason)
    add("--source", metavar="S", help="only of this sender")
    about = "only what was received since that date or date-time"
    add("--since", type=_since, metavar="WHEN", help=about)


def _show(actions: Any) -> None:
    shown = _action(actions, "show", "one letter; with --raw what was received")
    shown.add_argument("id", help="of the letter, or its beginning")
    about = "print the bytes as they were received: A PATIENT'S DATA"
    shown.add_argument("--raw", action="store_true", help=about)
    shown.set_defaults(run=run_show)


def _replay(actions: Any) -> None:
    parser = _action(actions, "replay", "read letters again, by repaired profiles")
    _choice(parser)
    add = parser.add_argument
    add("--dry-run", action="store_true", help="only say what would change")
    about = "a source profile; repeatable"
    add("--profile", action="append", default=[], type=Path, metavar="FILE", help=about)
    add("--sources", type=Path, metavar="DIR", help="a folder of source profiles")
    add("--site", type=Path, metavar="FILE", help="as `salvage run` has it")
    about = "seconds to wait for a running process; default: %(default)s"
    add("--wait", type=float, default=10.0, metavar="SECONDS", help=about)
    parser.set_defaults(run=run_replay)


def _since(text: str) -> int:
    try:
        return instant(as_utc(parse_clinical_time(text)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _choice_of(args: argparse.Namespace) -> Choice:
    reasons, resolved = frozenset(args.reason), getattr(args, "all", False)
    return Choice(reasons, args.source, args.since, resolved=resolved)


def _complained(error: SalvageError) -> int:
    print(f"{NAME}: {error}", file=sys.stderr)
    return UNUSABLE if isinstance(error, OperatorError) else FAILED


# ---------------------------------------------------------------- list, count


def run_list(args: argparse.Namespace) -> int:
    """List the letters."""
    try:
        found = letters_of(args.data).chosen(_choice_of(args))
    except SalvageError as error:
        return _complained(error)
    if args.json:
        print(json.dumps({"dead_letters": [letter_fields(one) for one in found]}))
        return DONE
    for one in found:
        print(line_of(one))
    print(f"{len(found)} dead letters")
    return DONE


def run_count(args: argparse.Namespace) -> int:
    """Count the letters by reason and source."""
    try:
        letters, choice = letters_of(args.data), _choice_of(args)
        heaps = letters.heaps(choice)
        kept = Counter((one.reason, one.source) for one in letters.unevaluated(choice))
    except SalvageError as error:
        return _complained(error)
    now = SystemClock().now()
    if args.json:
        print(json.dumps(count_fields(heaps, kept, now)))
    else:
        print("\n".join(count_lines(heaps, kept, now)))
    return DONE


# ---------------------------------------------------------------- show


def run_show(args: argparse.Namespace) -> int:
    """Show one letter."""
    try:
        letters = letters_of(args.data)
        found = letters.chosen(Choice(resolved=True, id=args.id), raw=args.raw)
        if len(found) != 1:
            raise OperatorError("id: no letter begins so" if not found else "id: several begin so")
        kept = letters.raw(found[0].letter) if args.raw else None
    except SalvageError as error:
        return _complained(error)
    if args.raw:
        print(f"{NAME}: what follows is a patient's data", file=sys.stderr)
        raw = found[0].letter.raw_bytes() if kept is None else kept.raw
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return DONE
    about = letter_fields(found[0]) | place_fields(found[0].letter.where)
    about["meaning"] = found[0].letter.reason.sentence
    if args.json:
        print(json.dumps(about))
        return DONE
    for name, value in about.items():
        print(f"{name}: {'-' if value is None else value}")
    return DONE


# ---------------------------------------------------------------- replay


def run_replay(args: argparse.Namespace) -> int:
    """Read letters again, and put what they say into the timeline."""
    try:
        sources = load_sources(args.profile, args.sources)
        findings = reread(letters_of(args.data), _choice_of(args), sources)
        taken = None
        if not args.dry_run:
            rules = partial(_compiled, args.site)
            taken = replay(args.data, findings, rules, SystemClock(), wait=args.wait)
    except SalvageError as error:
        return _complained(error)
    if args.json:
        print(json.dumps(replay_fields(findings, taken)))
    else:
        print("\n".join(replay_lines(findings, taken)))
    return DONE


def _compiled(site: Path | None) -> tuple[CompiledRule, ...]:
    try:
        return chosen_rules(None, site)
    except RuleErrors as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"--site: {error.strerror or type(error).__name__}") from error
