"""What the commands that run an archive have in common: their options, and the rules asked for."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.base import parse_clinical_time
from services.commands.intake import FORMATS
from services.detector.language import overrides
from services.detector.language.compiler import compiled
from services.detector.language.errors import RuleErrors
from services.detector.rulebook.library import read_rules, rules_in_force
from services.ingest.profiles.options import add_source_options, sources_of
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from services.detector.engine.rule import CompiledRule
    from services.detector.language.spec import Rule
    from services.ingest.profiles.sources import Sources

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives it no public name


def add_archive_options(parser: argparse.ArgumentParser) -> None:
    """The archives, their format, the end of the clock, and the rules."""
    add = parser.add_argument
    about = "archive, gzipped or not; a folder of them; `-`: standard input"
    add("files", nargs="+", metavar="FILE", help=about)
    add("--format", choices=FORMATS, default="events", help="default: %(default)s")
    add("--until", type=end_of_day, metavar="DATE", help="the clock runs to the end of that day")
    add(
        "--rules",
        metavar="RULE[,RULE]",
        help="only these rules; or a folder of packs, or one pack file",
    )
    add("--site", type=Path, metavar="FILE", help="the site's overrides")
    add_source_options(parser)


def end_of_day(text: str) -> datetime:
    """A date's last moment (UTC), or a date-time as it stands; for argparse."""
    try:
        when = parse_clinical_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return when if isinstance(when, datetime) else last_moment(when)


def last_moment(day: date) -> datetime:
    """The last moment of a day, UTC."""
    return datetime.combine(day, time.max, UTC)


def chosen_rules(wanted: str | None, site: Path | None) -> tuple[CompiledRule, ...]:
    """The rules asked for, compiled.

    Args:
        wanted: ids joined by commas; a folder or a pack file; None: all that come with the
            software.
        site: the site's overrides.

    Raises:
        RuleErrors: mistakes in a pack or in the site's file.
        OSError: a file can't be read.
        LookupError: there is no rule of that id, or the site has switched it off.
    """
    path = None if wanted is None else Path(wanted)
    if path is not None and path.is_dir():
        rules = rules_in_force(path, site)
    elif path is not None and (path.is_file() or path.suffix in {".yaml", ".yml"}):
        rules = _of_file(path, site)
    else:
        rules = _of_ids(rules_in_force(site=site), wanted)
    if not rules:
        raise LookupError("no rule is left to run")
    return tuple(map(compiled, rules))


def _of_file(path: Path, site: Path | None) -> tuple[Rule, ...]:
    rules = read_rules([path])
    if site is None:
        return rules
    return overrides.apply(rules, site.read_text(encoding="utf-8"), str(site))


def _of_ids(rules: tuple[Rule, ...], wanted: str | None) -> tuple[Rule, ...]:
    if wanted is None:
        return rules
    ids = {name.strip() for name in wanted.split(",") if name.strip()}
    if absent := ids - {rule.id for rule in rules}:
        raise LookupError(f"there is no rule {', '.join(sorted(absent))}")
    return tuple(rule for rule in rules if rule.id in ids)


def rules_or_complaint(name: str, args: argparse.Namespace) -> tuple[CompiledRule, ...] | None:
    """The rules that the arguments ask for; None after saying on stderr why not."""
    try:
        return chosen_rules(args.rules, args.site)
    except (RuleErrors, LookupError) as error:
        print(f"{name}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{name}: {error.filename}: {error.strerror}", file=sys.stderr)
    return None


def sources_or_complaint(name: str, args: argparse.Namespace) -> Sources | None:
    """What is known of the senders; None after saying on stderr what is wrong with it."""
    try:
        return sources_of(args)
    except OperatorError as error:
        print(f"{name}: {error}", file=sys.stderr)
    return None
