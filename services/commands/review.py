"""`salvage review`: whose alerts a change of rules adds, removes or moves."""

from __future__ import annotations

import os
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.commands.chosen import chosen_rules, end_of_day, sources_or_complaint
from services.commands.intake import FORMATS, Intake, clear_progress, show_progress
from services.commands.reviewcard import Shown, print_review
from services.detector.adapters.review_run import Sides, review
from services.detector.language.errors import RuleErrors
from services.ingest.archive import Format
from services.ingest.profiles.options import add_source_options
from services.runtime.arguments import Whole

if TYPE_CHECKING:
    import argparse

    from services.commands.chosen import Subparsers
    from services.detector.adapters.review_run import Review
    from services.detector.engine.rule import CompiledRule

SAME, DIFFERENT, UNUSABLE = 0, 1, 2
NAME: Final = "salvage review"
RELEASED: Final = "released"
"""Stands for the rules that come with the software."""
_MOST: Final = 1_000_000
_BAR: Final = 16
"""Characters of the bar of progress."""


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "review",
        help="whose alerts a rule change adds, removes or moves",
        description="Runs an archive under two sets of rules in one pass and tells which episodes "
        "of which alerts the change adds, removes, moves in time or changes in severity, evidence "
        "or deadline, by rule and criterion. Rules that say the same in both are not run. Exit "
        "code 0: the same alerts; 1: others; 2: rules, options or a record were unusable (a record "
        "is named on stderr, and the rest compared).",
    )
    add = parser.add_argument
    rules = (
        f"folder of packs, one pack file, ids joined by commas, or `{RELEASED}`: what comes here"
    )
    add("old", metavar="OLD", help=rules)
    add("new", metavar="NEW", help="likewise")
    about = "archive, gzipped or not; a folder of them; `-`: standard input"
    add("files", nargs="+", metavar="ARCHIVE", help=about)
    add("--site", type=Path, metavar="FILE", help="the site's overrides, of both sets")
    add("--new-site", type=Path, metavar="FILE", help="of NEW; OLD keeps --site, or none")
    add("--rule", metavar="RULE[,RULE]", help="compare only these")
    add("--format", choices=FORMATS, default="events", help="default: %(default)s")
    add("--until", type=end_of_day, metavar="DATE", help="the clock runs to the end of that day")
    _add_output_options(parser)
    add_source_options(parser)
    parser.set_defaults(run=run)


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    jobs = "worker processes; the answer is the same (default: one for each processor)"
    add("--jobs", type=Whole(1, 1024), default=os.cpu_count() or 1, metavar="NUMBER", help=jobs)
    add(
        "--examples", type=Whole(0, _MOST), default=3, metavar="NUMBER", help="default: %(default)s"
    )
    add(
        "--show-patients",
        action="store_true",
        help="name patients and the events of the evidence, too",
    )
    add("--json", action="store_true", help="one object with every difference")


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 when both sets give the same alerts; 1 when not; 2 when a record, a rule file or a
        site's file was unusable (said on stderr).
    """
    sides, sources = _sides_or_complaint(args), sources_or_complaint(NAME, args)
    if sides is None or sources is None:
        return UNUSABLE
    intake = Intake(NAME, Format(args.format), sources)
    found = _reviewed(args, sides, intake)
    if found is None:
        return UNUSABLE
    shown = Shown(args.examples, args.show_patients)
    print_review(found, sides, shown, as_json=args.json)
    if not intake.close():
        return UNUSABLE
    return DIFFERENT if found.differences else SAME


def _reviewed(args: argparse.Namespace, sides: Sides, intake: Intake) -> Review | None:
    try:
        events = intake.read(args.files)
        return review(events, sides, until=args.until, jobs=args.jobs, progress=_bar)
    except BrokenProcessPool:
        print(f"{NAME}: a worker process was ended; --jobs 1 needs less memory", file=sys.stderr)
        return None
    finally:
        clear_progress()


def _bar(done: int, everybody: int) -> None:
    full = _BAR * done // max(everybody, 1)
    show_progress(f"[{'#' * full:<{_BAR}}] {done:,} of {everybody:,} patients")


# ---------------------------------------------------------------- the rules


def _sides_or_complaint(args: argparse.Namespace) -> Sides | None:
    """Both sets; None after saying on stderr what is wrong."""
    try:
        old = _rules(args.old, args.site)
        new = _rules(args.new, args.new_site or args.site)
        return Sides.of(*_only(args.rule, old, new))
    except (RuleErrors, LookupError) as error:
        print(f"{NAME}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{NAME}: {error.filename}: {error.strerror}", file=sys.stderr)
    return None


Rules = tuple["CompiledRule", ...]


def _rules(wanted: str, site: Path | None) -> Rules:
    return chosen_rules(None if wanted == RELEASED else wanted, site)


def _only(wanted: str | None, old: Rules, new: Rules) -> tuple[Rules, Rules]:
    """Of both sets the rules asked for.

    Raises:
        LookupError: neither set has a rule of that id.
    """
    if wanted is None:
        return old, new
    ids = {name.strip() for name in wanted.split(",") if name.strip()}
    if absent := ids - {rule.id for rule in (*old, *new)}:
        raise LookupError(f"there is no rule {', '.join(sorted(absent))}")
    return (
        tuple(rule for rule in old if rule.id in ids),
        tuple(rule for rule in new if rule.id in ids),
    )
