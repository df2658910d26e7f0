"""`salvage deadletters --kafka`: the letters of a topic, and what is done about them."""

from __future__ import annotations

import getpass
import json
import logging
import os
import sys
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from schemas.topics import DEADLETTERS, EVENTS, HANDLED, RAW
from services.commands.letterlines import count_fields, count_lines
from services.commands.topiclines import (
    about_of,
    drop_fields,
    drop_line,
    fields_of,
    heaps_of,
    line_of,
    outcome_fields,
    outcome_lines,
)
from services.embedded.reading import read
from services.ingest.kafka.letters import Book, Choice
from services.ingest.kafka.mapper import Mapper
from services.ingest.kafka.publisher import Publisher
from services.ingest.kafka.repeating import Check, kept, original, parcels
from services.ingest.kafka.replaying import Operator
from services.ingest.kafka.snapshot import Snapshot
from services.ingest.kafka.topics import require
from services.ingest.profiles.files import load_sources
from services.ingest.profiles.gating import gate_of
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.kafka import cluster
from services.runtime.logs import to_stream

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from services.ingest.kafka.letters import Letter
    from services.ingest.kafka.replaying import Outcome
    from services.runtime.kafka import Cluster

NAME: Final = "salvage deadletters"


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[tuple[Cluster, Snapshot, Book]]:
    """The letters, as they are now."""
    to_stream(sys.stderr, logging.ERROR)
    where = cluster(args.kafka, os.environ)
    require(where, [DEADLETTERS, HANDLED])
    book = Book()
    with Snapshot(where) as snapshot:
        book.add(snapshot.news(DEADLETTERS.name))
        book.note(snapshot.news(HANDLED.name))
        if book.strange:
            print(f"{NAME}: {book.strange} records are no dead letters", file=sys.stderr)
        yield where, snapshot, book


def choice_of(args: argparse.Namespace, *, handled: bool = False) -> Choice:
    """Which letters the options name."""
    ids = tuple(getattr(args, "ids", ()))
    return Choice(frozenset(args.reason), args.source, args.topic, args.since, handled, ids)


# ---------------------------------------------------------------- list, count, show


def run_list(args: argparse.Namespace) -> None:
    """List the letters."""
    with _opened(args) as (_, _, book):
        found = book.letters(choice_of(args, handled=args.all))
        now = SystemClock().now()
    if args.json:
        print(json.dumps({"dead_letters": [fields_of(one, now) for one in found]}))
        return
    for one in found:
        print(line_of(one, now))
    print(f"{len(found)} dead letters")


def run_count(args: argparse.Namespace) -> None:
    """Count the letters by reason and source."""
    with _opened(args) as (_, _, book):
        heaps = heaps_of(book.letters(choice_of(args, handled=args.all)))
    now, none = SystemClock().now(), Counter[tuple[str, str]]()
    if args.json:
        print(json.dumps(count_fields(heaps, none, now)))
    else:
        print("\n".join(count_lines(heaps, none, now)))


def run_show(args: argparse.Namespace) -> None:
    """Show one letter; with `--raw` its bytes."""
    with _opened(args) as (_, snapshot, book):
        reasons = frozenset(args.reason)
        found = _only(book.letters(Choice(reasons, args.source, handled=True, ids=(args.id,))))
        every = book.letters(Choice(handled=True))
        led_to = [one.id for one in every if one.first == found.id and one is not found]
        if args.raw:
            _print_raw(found, snapshot)
            return
    about = about_of(found, led_to, SystemClock().now())
    if args.json:
        print(json.dumps(about))
        return
    for name, value in about.items():
        print(f"{name}: {'-' if value in (None, []) else value}")


def _only(found: list[Letter]) -> Letter:
    if len(found) != 1:
        more = "several begin so: say more of it, --source or --reason"
        told = more if found else "no letter begins so"
        raise OperatorError(f"id: {told}")
    return found[0]


def _print_raw(one: Letter, snapshot: Snapshot) -> None:
    held = one.held[-1]
    record = original(held, snapshot.at)
    raw = kept(held, snapshot.at) if record is None else record.value or b""
    print(f"{NAME}: what follows is a patient's data", file=sys.stderr)
    if len(raw) < one.about.raw_size:
        print(f"{NAME}: only its beginning is left", file=sys.stderr)
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()


# ---------------------------------------------------------------- replay, drop


def run_replay(args: argparse.Namespace) -> None:
    """Send again what letters are about."""
    if args.site is not None:
        raise OperatorError("--site: only with --data; here `salvage detect` judges")
    check = _check(args)
    with _opened(args) as (where, snapshot, book):
        made, untried = parcels(book, choice_of(args, handled=args.again))
        operator = Operator(snapshot, book, SystemClock(), args.by or _account())
        if args.dry_run:
            outcome = operator.look(made, check)
        elif made:
            require(where, [RAW, EVENTS])
            with Publisher(where) as publisher:
                outcome = operator.replay(made, check, publisher, terminal(len(made)))
        else:
            outcome = operator.look([], check)
        outcome.untried.update(untried)
    _tell(args, outcome, profiles=check.profiles)


def _check(args: argparse.Namespace) -> Check:
    sources = load_sources(args.profile, args.sources)
    mapper = Mapper(partial(read, sources=sources), gate_of(sources))
    return Check(mapper.mapped, profiles=bool(args.profile or args.sources))


def _tell(args: argparse.Namespace, outcome: Outcome, *, profiles: bool) -> None:
    if args.json:
        print(json.dumps(outcome_fields(outcome, dry_run=args.dry_run)))
    else:
        print("\n".join(outcome_lines(outcome, dry_run=args.dry_run, read_here=profiles)))


def run_drop(args: argparse.Namespace) -> None:
    """Record that nothing is to become of letters."""
    choice = choice_of(args)
    if choice == Choice():
        raise OperatorError("drop: say which: an ID, --reason, --source, --topic or --since")
    with _opened(args) as (where, snapshot, book):
        operator = Operator(snapshot, book, SystemClock(), args.by or _account())
        with Publisher(where) as publisher:
            outcome = operator.drop(book.letters(choice), args.because, publisher)
    print(json.dumps(drop_fields(outcome)) if args.json else drop_line(outcome))


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"  # a container's user need not have a name


def terminal(total: int) -> Callable[[int], None]:
    """Says on a terminal how far it is."""

    def tell(done: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            print(f"\r{done:,} of {total:,} records", end=end, file=sys.stderr, flush=True)

    return tell
