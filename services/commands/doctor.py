"""`salvage doctor`: looks at a deployment, and says what is wrong and what to do."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.commands.checkup import parts
from services.commands.checkup.finding import State
from services.ingest.kafka.topics import REPLICAS
from services.runtime.clock import SystemClock
from services.runtime.errors import SalvageError
from services.runtime.kafka import add_kafka_option
from services.runtime.logs import to_stream

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from services.commands.checkup.finding import Finding
    from services.commands.chosen import Subparsers
    from services.runtime.clock import Clock

    Part = tuple[str, Finding]

DONE, FOUND, UNUSABLE = 0, 1, 2
NAME: Final = "salvage doctor"


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "doctor",
        help="look at a deployment, say what is wrong and what to do",
        description="Looks at the rules of this installation and at whatever parts of a deployment "
        "are named. It changes nothing, and prints nothing of a patient. Run it as the user that "
        "salvage-watch runs as.",
    )
    _part_options(parser)
    add = parser.add_argument
    add("--site", type=Path, metavar="FILE", help="the site's switches and parameters of rules")
    about = "with --data: judge the stored facts anew on a copy; takes as long as a start"
    add("--judge", action="store_true", help=about)
    about = "with --kafka: brokers that should hold each partition; default: %(default)s"
    add("--replicas", type=int, default=REPLICAS, metavar="N", help=about)
    about = "with --database: a head of the audit trail that was kept elsewhere"
    add("--audit-head", metavar="NUMBER:HASH", help=about)
    add("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def _part_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="the folder of `salvage run` or `salvage ingest`")
    about = "a backup that `salvage backup` made, best the last one"
    add("--backup", type=Path, metavar="FOLDER", help=about)
    add_kafka_option(parser, required=False, about="some of the cluster's brokers")
    about = "the notifier's: a SQLite file, sqlite:///FILE or postgresql://HOST/NAME"
    add("--database", metavar="URL", help=about)
    about = "the notifier's: teams, channels and the key"
    add("--notifier-site", type=Path, metavar="FOLDER", help=about)
    about = "of a process, http://HOST:PORT; repeatable"
    add("--url", action="append", default=[], metavar="URL", help=about)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 nothing is wrong, though there may be warnings; 1 something is wrong; 2 unusable
        settings (said on stderr).
    """
    to_stream(sys.stderr, logging.ERROR)
    try:
        found = list(_examined(args, SystemClock()))
    except SalvageError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return UNUSABLE
    _show(found, as_json=args.json)
    return FOUND if any(one.state is State.WRONG for _, one in found) else DONE


def _examined(args: argparse.Namespace, clock: Clock) -> Iterator[Part]:
    """All parts that were named, one after the other."""
    if args.data is not None:
        yield from (("data", one) for one in parts.of_data(args, clock))
    if args.backup is not None:
        yield from (("backup", one) for one in parts.of_backup(args.backup, clock))
    if args.kafka is not None:
        yield from (("kafka", one) for one in parts.of_kafka(args, clock))
    yield from (("notifier", one) for one in parts.of_notifier(args, clock))
    for url in args.url:
        yield from (("process", one) for one in parts.of_process(url))
    yield from (("rules", one) for one in parts.of_rules(args.site))


# -- what is printed


def _show(found: list[Part], *, as_json: bool) -> None:
    counts = Counter(one.state for _, one in found)
    if as_json:
        rows = [{"part": part, **one._asdict()} for part, one in found]
        print(json.dumps({"findings": rows, **{str(state): counts[state] for state in State}}))
        return
    for part, one in found:
        print("\n".join(_lines(part, one)))
    told = ", ".join(f"{counts[state]} {state}" for state in State)
    print(f"{len(found)} findings: {told}")


def _lines(part: str, one: Finding) -> Iterator[str]:
    yield f"{one.state:<8} {part:<9} {one.check}: {one.told}"
    if one.do:
        yield f"{'':<8} {'':<9} -> {one.do}"
