"""`salvage explain`: what stands of one patient and why, what does not, and how far off it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.commands.chosen import end_of_day, rules_or_complaint, sources_or_complaint
from services.commands.explaining.plain import as_json
from services.commands.explaining.report import report
from services.commands.intake import FORMATS, Intake
from services.detector.adapters.outlook import last_issue, outlook, related
from services.ingest.archive import Format
from services.ingest.profiles.options import add_source_options

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from schemas.events import ClinicalEvent
    from services.commands.chosen import Subparsers
    from services.detector.engine.rule import CompiledRule

DONE, UNUSABLE = 0, 2
NAME: Final = "salvage explain"


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "explain",
        help="one patient: what fired and why, why not yet, what is missing",
        description="Explains every rule that applies to a patient: what fired, with its evidence; "
        "what did not, with the values at which it would and the earliest date; what can't be "
        "told, and why. Prints patient data, on stdout only. Exit code 2 if the patient or the "
        "rule is not known, or if any record was unusable.",
    )
    add = parser.add_argument
    add("patient", metavar="PATIENT", help="with the assigning authority: HOSP|000012")
    add("files", nargs="+", metavar="ARCHIVE", help="gzipped or not; `-`: standard input")
    add("--rule", dest="rules", metavar="RULE", help="only this rule")
    add("--as-of", type=end_of_day, metavar="DATE", help="as of its end; default: the last issue")
    add("--format", choices=FORMATS, default="events", help="default: %(default)s")
    add("--site", type=Path, metavar="FILE", help="the site's overrides")
    add("--json", action="store_true", help="one object with the same content")
    add_source_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 2 when the patient or the rule is not known, or when a record was unusable.
    """
    rules = rules_or_complaint(NAME, args)
    if rules is None or not _has_alerts(rules, args.rules):
        return UNUSABLE
    sources = sources_or_complaint(NAME, args)
    if sources is None:
        return UNUSABLE
    intake = Intake(NAME, Format(args.format), sources)
    events = list(intake.read(args.files))
    usable = intake.close()
    mine = related(events, args.patient)
    as_of = args.as_of or last_issue(events)
    if not mine or as_of is None:
        print(f"{NAME}: no event of this patient is in the archive", file=sys.stderr)
        return UNUSABLE
    _print(mine, args, rules, as_of)
    return DONE if usable else UNUSABLE


def _has_alerts(rules: tuple[CompiledRule, ...], asked: str | None) -> bool:
    """Whether any of the rules ever says something; if not, say so on stderr."""
    if any(rule.machines for rule in rules):
        return True
    print(f"{NAME}: {asked} gives values and never alerts", file=sys.stderr)
    return False


def _print(
    events: list[ClinicalEvent],
    args: argparse.Namespace,
    rules: tuple[CompiledRule, ...],
    as_of: datetime,
) -> None:
    found = outlook(events, args.patient, rules, as_of)
    if args.json:
        text = json.dumps(as_json(found), ensure_ascii=False) + "\n"
    else:
        text = "".join(f"{line}\n" for line in report(found))
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
