"""`salvage replay`: run an archive through the engine and print the alert journal."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from services.commands.chosen import (
    add_archive_options,
    end_of_day,
    rules_or_complaint,
    sources_or_complaint,
)
from services.commands.intake import Intake, clear_progress, show_progress
from services.detector.adapters.replay import grades, journal, unknowns
from services.detector.engine.monitor import Monitor
from services.ingest.archive import Format

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from schemas.alerts import AlertRevision
    from services.commands.chosen import Subparsers
    from services.detector.engine.rule import CompiledRule

DONE, UNUSABLE = 0, 2
NAME: Final = "salvage replay"
_EVERY: Final = 100
"""Journal entries between two lines of progress."""


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "replay",
        help="run an archive through the engine",
        description="Prints the alert journal as JSON lines, in the order in which its entries "
        "became known. Facts become known when they were issued, whatever the order of the lines; "
        "the clock moves from one to the next, through every due date on the way. Exit code 2 if "
        "any record was unusable: each is named on stderr, the rest is processed.",
    )
    add_archive_options(parser)
    parser.add_argument(
        "--as-of", type=end_of_day, metavar="DATE", help="leave out what was issued after that day"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--final", action="store_true", help="only each alert's last revision")
    shown.add_argument(
        "--unknowns", action="store_true", help="instead: what could not be evaluated, and why"
    )
    shown.add_argument("--grades", action="store_true", help="instead: the grade of each result")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 2 when a record, a rule file or the site's file was unusable (said on stderr).
    """
    rules = rules_or_complaint(NAME, args)
    if rules is None:
        return UNUSABLE
    sources = sources_or_complaint(NAME, args)
    if sources is None:
        return UNUSABLE
    intake = Intake(NAME, Format(args.format), sources)
    for line in _lines(args, rules, intake):
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
    return DONE if intake.close() else UNUSABLE


def _lines(
    args: argparse.Namespace, rules: tuple[CompiledRule, ...], intake: Intake
) -> Iterator[bytes]:
    monitor = Monitor(rules)
    # Of several patients at one moment too, the order of the lines must not tell.
    events = sorted(intake.told(args.files), key=attrgetter("patient_id", "source", "event_id"))
    entries = _watched(journal(events, monitor, until=args.until, as_of=args.as_of))
    if args.final:
        yield from (entry.to_json() for entry in final(entries))
    elif args.unknowns or args.grades:
        for _ in entries:
            pass
        rest = unknowns(monitor) if args.unknowns else grades(monitor, rules)
        yield from (_plain(asdict(one)) for one in rest)
    else:
        yield from (entry.to_json() for entry in entries)


def final(entries: Iterable[AlertRevision]) -> list[AlertRevision]:
    """The last revision of each alert, in the order in which these became known."""
    last: dict[str, AlertRevision] = {}
    for entry in entries:
        last.pop(entry.alert_id, None)
        last[entry.alert_id] = entry
    return list(last.values())


def _watched(entries: Iterable[AlertRevision]) -> Iterator[AlertRevision]:
    """The same entries, with progress unless they show it themselves."""
    for number, entry in enumerate(entries, start=1):
        if number % _EVERY == 0 and not sys.stdout.isatty():
            show_progress(f"{number:,} entries, up to {entry.at:%Y-%m-%d}")
        yield entry
    clear_progress()


def _plain(fields: dict[str, Any]) -> bytes:
    """One line of UTF-8 JSON without empty fields."""
    kept = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False, default=_moment).encode()


def _moment(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(type(value).__name__)
    return value.isoformat().replace("+00:00", "Z")
