"""`salvage deadletters`: what could not be used, how old it is, and how it is made use of."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.base import Text, as_utc, parse_clinical_time
from schemas.deadletter import Reason
from services.detector.engine.instants import instant
from services.runtime.errors import OperatorError, SalvageError

if TYPE_CHECKING:
    from services.commands.chosen import Subparsers

DONE, FAILED, UNUSABLE = 0, 1, 2
NAME: Final = "salvage deadletters"
_LINE: Final = TypeAdapter[str](Text)


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "deadletters",
        help="what could not be used: list, count, show, replay, drop",
        description="Works the dead letters of `salvage run` (--data), while it runs or not, or "
        "those of `salvage map` and `salvage detect` (--kafka). Prints no patient's data, but for "
        "`show --raw`.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about in (
        ("list", "one line a letter"),
        ("count", "how many by reason and sender, and how old"),
    ):
        one = _action(actions, name, about)
        _choice(one)
        one.add_argument("--all", action="store_true", help="those that were resolved, too")
    _show(actions)
    _replay(actions)
    _drop(actions)


def _action(actions: Any, name: str, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=about, description=about)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, metavar="DIR", help="where the store is kept")
    about = "the letters of a cluster's topic instead (docs/kafka.md)"
    where.add_argument("--kafka", "--bootstrap", metavar="HOST:PORT[,...]", help=about)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run, act=f"run_{name}")
    return parser


def _choice(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    _heap(parser)
    add("--topic", metavar="T", help="with --kafka: only of records of this topic")
    about = "only what was received since that date or date-time"
    add("--since", type=_since, metavar="WHEN", help=about)


def _heap(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    reasons = sorted(reason.value for reason in Reason)
    about = "only of this reason; repeatable"
    add("--reason", action="append", default=[], choices=reasons, metavar="R", help=about)
    add("--source", metavar="S", help="only of this sender")


def _show(actions: Any) -> None:
    shown = _action(actions, "show", "one letter; with --raw what was received")
    shown.add_argument("id", help="of the letter, or its beginning")
    about = "print the bytes as they were received: A PATIENT'S DATA"
    shown.add_argument("--raw", action="store_true", help=about)
    _heap(shown)


def _replay(actions: Any) -> None:
    parser = _action(actions, "replay", "read letters again, by repaired profiles")
    _choice(parser)
    _work(parser)
    add = parser.add_argument
    add("--again", action="store_true", help="with --kafka: also what was replayed or dropped")
    add("--dry-run", action="store_true", help="only say what would change")
    about = "a source profile; repeatable"
    add("--profile", action="append", default=[], type=Path, metavar="FILE", help=about)
    add("--sources", type=Path, metavar="DIR", help="a folder of source profiles")
    add("--site", type=Path, metavar="FILE", help="as `salvage run` has it")
    about = "seconds to wait for a running process; default: %(default)s"
    add("--wait", type=float, default=10.0, metavar="SECONDS", help=about)


def _drop(actions: Any) -> None:
    parser = _action(actions, "drop", "with --kafka: nothing is to become of letters")
    _choice(parser)
    _work(parser)
    about = "why; it is kept with the letter, so nothing of a patient"
    parser.add_argument("--because", type=_line, required=True, metavar="TEXT", help=about)


def _work(parser: argparse.ArgumentParser) -> None:
    about = "with --kafka: only letters whose ids begin so"
    parser.add_argument("ids", nargs="*", metavar="ID", help=about)
    about = "with --kafka: who does it; default: the account"
    parser.add_argument("--by", type=_line, metavar="NAME", help=about)


def _line(text: str) -> str:
    try:
        return _LINE.validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError("one line of 1 to 256 characters") from None


def _since(text: str) -> int:
    try:
        return instant(as_utc(parse_clinical_time(text)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _complained(error: SalvageError) -> int:
    print(f"{NAME}: {error}", file=sys.stderr)
    return UNUSABLE if isinstance(error, OperatorError) else FAILED


def run(args: argparse.Namespace) -> int:
    """Work the letters of a store, or those of a topic.

    Returns:
        0 done; 1 something is not there now; 2 unusable settings (said on stderr).
    """
    try:
        where = "storeletters" if args.kafka is None else "topicletters"
        getattr(import_module(f"services.commands.{where}"), args.act)(args)
    except SalvageError as error:
        return _complained(error)
    return DONE
