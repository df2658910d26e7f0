"""`salvage simulate`: make a synthetic cohort with known truth."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from schemas.base import parse_date
from services.runtime.arguments import Whole
from services.simulator.cohort import MAX_MONTHS, MAX_PATIENTS, MIN_MONTHS, Cohort, simulate
from services.simulator.writers import FILE_NAMES, WRITERS, labels_csv, truth_csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  # no public name

DEFAULT_START = date(2024, 1, 1)
_EVERY = 500
"""Messages between two lines of progress."""


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "simulate",
        help="make a synthetic cohort with known truth",
        description="Makes synthetic patients, their untidy hospital traffic, what each rule must "
        "say of them, and when the hospital acted. The same arguments give the same bytes.",
    )
    _options(parser)
    parser.set_defaults(run=run)


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--patients", type=Whole(1, MAX_PATIENTS), default=60, help="default: %(default)s")
    add("--months", type=Whole(MIN_MONTHS, MAX_MONTHS), default=24, help="default: %(default)s")
    add("--seed", type=int, default=7, help="any whole number; default: %(default)s")
    add("--start", type=_day, default=DEFAULT_START, help="first day; default: %(default)s")
    add("--format", choices=sorted(WRITERS), default="events", help="default: %(default)s")
    add("--out", default="-", metavar="DIR", help="folder to write to; `-`, the default: stdout")
    add("--truth", type=Path, metavar="FILE", help="where to write the truth as CSV")
    add("--labels", type=Path, metavar="FILE", help="where to write the recorded switches as CSV")


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 2 when a file can't be written (said on stderr).
    """
    cohort = simulate(args.seed, args.patients, args.start, args.months)
    try:
        _write(cohort, args)
    except OSError as error:
        print(f"salvage simulate: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _write(cohort: Cohort, args: argparse.Namespace) -> None:
    chunks = WRITERS[args.format](cohort.dispatches)
    if args.out == "-":
        _pour(chunks, sys.stdout.buffer, len(cohort.dispatches))
    else:
        folder = Path(args.out)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FILE_NAMES[args.format]).open("wb") as stream:
            _pour(chunks, stream, len(cohort.dispatches))
        args.truth = args.truth or folder / "truth.csv"
        args.labels = args.labels or folder / "labels.csv"
    _answers(cohort, args.truth, args.labels)


def _answers(cohort: Cohort, truth: Path | None, labels: Path | None) -> None:
    if truth is not None:
        truth.write_bytes(truth_csv(cohort.truth))
    if labels is not None:
        labels.write_bytes(labels_csv(cohort.labels))
    print(f"the truth holds until {cohort.until}", file=sys.stderr)


def _pour(chunks: Iterable[bytes], stream: BinaryIO, total: int) -> None:
    stream.writelines(_shown(chunks, total))
    stream.flush()


def _shown(chunks: Iterable[bytes], total: int) -> Iterator[bytes]:
    """The same chunks, with progress on stderr if somebody is watching it."""
    watched = sys.stderr.isatty()
    for number, chunk in enumerate(chunks, start=1):
        if watched and (number % _EVERY == 0 or number == total):
            end = "\n" if number == total else ""
            print(f"\r{number:,} of {total:,} messages", end=end, file=sys.stderr, flush=True)
        yield chunk


def _day(text: str) -> date:
    try:
        return parse_date(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
