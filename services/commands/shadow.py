"""`salvage shadow`: what other rules would say, beside a running system, before they may."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.commands.chosen import chosen_rules
from services.commands.review import RELEASED
from services.commands.reviewcard import Shown, print_review
from services.detector.adapters.review_run import Sides
from services.detector.adapters.shadow import Shadow
from services.detector.language.errors import RuleErrors
from services.embedded.readonly import reading
from services.embedded.runtime import fingerprint
from services.embedded.shadow import StoredFacts
from services.embedded.store import FILE_NAME as STORE
from services.runtime.arguments import Whole
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError, Unavailable
from services.runtime.kafka import add_kafka_option, cluster
from services.runtime.logs import logger
from services.runtime.process import DONE, carried_out

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from services.commands.chosen import Subparsers
    from services.detector.adapters.shadow import WouldBe
    from services.detector.engine.fact import Fact
    from services.detector.engine.rule import CompiledRule
    from services.runtime.shutdown import Stop

NAME: Final = "salvage shadow"
RECORD: Final = "shadow.jsonl"
DIFFERENT: Final = 1
_LOOK_SECONDS: Final = 1.0
_MOST: Final = 1_000_000


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "shadow",
        help="what other rules would say, beside a running system",
        description="Judges what `salvage run` has stored, or what is on clinical.events, and "
        "what comes there, by the rules in force and by NEW. What either says is recorded apart "
        "and nobody is told. At the end, asked for by SIGTERM or SIGINT, it prints whose alerts "
        "NEW adds, removes or moves.",
    )
    add = parser.add_argument
    about = f"a folder of packs, one pack file, ids joined by commas, or `{RELEASED}`"
    add("new", metavar="NEW", help=about)
    add("--data", type=Path, metavar="DIR", help="the folder of `salvage run`")
    about = "instead of --data: some of the brokers of the cluster that `salvage detect` works on"
    add_kafka_option(parser, required=False, about=about)
    add("--site", type=Path, metavar="FILE", help="the site's overrides that are in force")
    add("--new-site", type=Path, metavar="FILE", help="those of NEW; else --site")
    add("--once", action="store_true", help="compare up to now, and end: 1 where they differ")
    about = f"where to record, one JSON object a line: PATIENTS' DATA; with --data: DIR/{RECORD}"
    add("--out", type=Path, metavar="FILE", help=about)
    add(
        "--examples", type=Whole(0, _MOST), default=3, metavar="NUMBER", help="default: %(default)s"
    )
    add("--show-patients", action="store_true", help="name patients in what is printed, too")
    add("--json", action="store_true", help="one object with every difference")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 ended as asked, with --once: both say the same; 1 gave up (logged), with --once: they
        differ; 2 unusable settings or rules (said on stderr).
    """
    return carried_out(NAME, partial(_work, args))


def _work(args: argparse.Namespace, stop: Stop) -> int:
    if (args.data is None) == (args.kafka is None):
        raise OperatorError("needs either --data or --kafka")
    with ExitStack() as stack:
        record = _record_of(args)
        old = _rules(None, args.site)
        news = _facts(args, old, stack)
        new = _rules(None if args.new == RELEASED else args.new, args.new_site or args.site)
        sides = Sides.of(old, new)
        shadow = Shadow(news, sides, SystemClock())
        shadow.catch_up()
        if record is not None:
            _follow(shadow, record, stop)
        found = shadow.review()
    print_review(found, sides, Shown(args.examples, args.show_patients), as_json=args.json)
    return DIFFERENT if args.once and found.differences else DONE


def _record_of(args: argparse.Namespace) -> Path | None:
    """Where to record; None where nothing is followed."""
    if args.once:
        return None
    if args.out is None and args.data is None:
        raise OperatorError("--out: needed with --kafka, but for --once")
    path: Path = args.out or args.data / RECORD
    return path


def _facts(
    args: argparse.Namespace, old: Sequence[CompiledRule], stack: ExitStack
) -> Callable[[], Iterable[Fact]]:
    """What is followed, once it is sure that these rules are in force there."""
    if args.kafka is not None:
        where = cluster(args.kafka, os.environ)
        # Whoever follows a store need not have Kafka's client.
        followed: Callable[[], Iterable[Fact]] = import_module(
            "services.commands.shadowtopics"
        ).topic_facts(where, old, stack)
        return followed
    store = args.data / STORE
    if not store.exists():
        raise OperatorError("--data: there is no store; `salvage run` makes it when it starts")
    _in_force(store, old)
    return StoredFacts(store)


def _follow(shadow: Shadow, record: Path, stop: Stop) -> None:
    """Record what either set says anew, until asked to stop."""
    with _record(record) as file:
        logger().info("shadowing")
        while stop.wait(_LOOK_SECONDS):
            try:
                _write(file, shadow.look())
            except Unavailable as error:  # nothing was taken in; it is asked for again
                logger().error("trouble", extra={"detail": str(error)})


def _rules(wanted: str | None, site: Path | None) -> tuple[CompiledRule, ...]:
    try:
        return chosen_rules(wanted, site)
    except (RuleErrors, LookupError) as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(f"{error.filename}: {reason}") from error


def _in_force(store: Path, old: Sequence[CompiledRule]) -> None:
    """Make sure that what is taken for the rules in force is what the store is judged by.

    Raises:
        OperatorError: it isn't.
        Unavailable: the store can't be read.
    """
    with reading(store) as db:
        row = db.execute("SELECT value FROM meta WHERE key = 'rules'").fetchone()
    if row is None or row[0] != fingerprint(old):
        told = "--site: the store is judged by other rules; name the file that salvage run has"
        raise OperatorError(told)


def _record(path: Path) -> TextIO:
    try:
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    except OSError as error:
        raise OperatorError(f"--out: {error.strerror or type(error).__name__}") from error
    return os.fdopen(handle, "w", encoding="utf-8")


def _write(file: TextIO, found: Iterable[WouldBe]) -> None:
    for one in found:
        said = json.loads(one.revision.to_json())
        file.write(json.dumps({"rules": "new" if one.new else "in force", "would_be": said}) + "\n")
    file.flush()
