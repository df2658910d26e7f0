"""`salvage backtest`: replay an archive against what was recorded, and against a known truth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.base import as_utc
from services.commands.chosen import (
    add_archive_options,
    rules_or_complaint,
    sources_or_complaint,
)
from services.commands.intake import Intake
from services.commands.labels import OUR_FORM, UNITS, LabelForm, read_anchors, read_labels
from services.commands.scorecard import LabelBook, Outcome, print_outcome
from services.commands.tables import BadTable, read_truth
from services.commands.watching import charts_of, watch
from services.detector.adapters.agreement import differences
from services.detector.adapters.backtest import Undated, Window, score
from services.detector.adapters.replay import journal
from services.detector.engine.monitor import Monitor
from services.ingest.archive import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.commands.chosen import Subparsers
    from services.commands.tables import Labels
    from services.commands.watching import Chart
    from services.detector.adapters.agreement import Verdict
    from services.detector.adapters.backtest import Watched
    from services.detector.engine.rule import CompiledRule

DONE, DIFFERENT, UNUSABLE = 0, 1, 2
NAME: Final = "salvage backtest"
_KEYS: Final = ("patient", "condition", "on", "outcome")


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "backtest",
        help="replay an archive against labels",
        description="Replays an archive and compares the alerts with what was recorded of the "
        "patients (a change of treatment, a relapse): sensitivity, positive predictive value, "
        "alerts per 100 patient-months, lead time, share withdrawn; for each rule and condition, "
        "with 95 % intervals. Exit code 1 if a truth was given and differs, 2 if a record or a "
        "row was unusable.",
    )
    add_archive_options(parser)
    add = parser.add_argument
    add("--labels", type=Path, metavar="FILE", required=True, help="what was recorded, CSV")
    add("--truth", type=Path, metavar="FILE", help="what each rule must say in the end, CSV")
    add("--json", action="store_true", help="for programs")
    _add_hit_options(parser)
    _add_label_options(parser)
    parser.set_defaults(run=run)


def _add_hit_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("which alerts are hits").add_argument
    add("--before", type=_days, metavar="DAYS", help="at most so long before (default: any time)")
    add("--after", type=_days, metavar="DAYS", default=0, help="or after (default: %(default)s)")


def _add_label_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group(
        "how the labels are to be read",
        "Without these: columns patient_id, condition, recorded_switch_on (empty: it was not).",
    ).add_argument
    names = "|".join(_KEYS)
    add("--label-columns", type=_columns, default={}, metavar=f"{names}=COLUMN[,...]")
    add("--label-happened", type=_words, default=frozenset(), metavar="WORD[,WORD]")
    add("--label-condition", metavar="NAME", help="of all rows, instead of a column")
    add("--label-prefix", default="", metavar="TEXT", help="put before the table's patient ids")
    add("--label-anchors", type=Path, metavar="FILE", help="`on` counts from these days, CSV")
    add("--label-unit", choices=tuple(UNITS), help="of that number (default: days)")


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 1 when the journal differs from the truth given; 2 when a record, a row, a rule file or
        the site's file was unusable, or options contradict each other (said on stderr).
    """
    if wrong := _contradiction(args):
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return UNUSABLE
    rules = rules_or_complaint(NAME, args)
    sources, tables = sources_or_complaint(NAME, args), _tables(args)
    if rules is None or sources is None or tables is None:
        return UNUSABLE
    return _measure(args, rules, Intake(NAME, Format(args.format), sources), *tables)


def _contradiction(args: argparse.Namespace) -> str | None:
    """What keeps the options from making sense together."""
    columns = args.label_columns
    if ("outcome" in columns) != bool(args.label_happened):
        return "an outcome column and --label-happened need each other"
    if columns and not {"on", "outcome"} & columns.keys():
        return "--label-columns: on or outcome has to say whether it happened"
    if "condition" in columns and args.label_condition is not None:
        return "--label-condition: a column says the condition already"
    if args.label_unit is not None and args.label_anchors is None:
        return "--label-unit: nothing is counted without --label-anchors"
    return None


def _tables(args: argparse.Namespace) -> tuple[Labels, list[Verdict] | None] | None:
    """Labels and truth; None after saying on stderr what is wrong with them."""
    try:
        labels = read_labels(args.labels, _form(args))
        return labels, None if args.truth is None else read_truth(args.truth)
    except BadTable as error:
        for mistake in error.mistakes:
            print(f"{NAME}: {mistake}", file=sys.stderr)
    except OSError as error:
        print(f"{NAME}: {error.filename}: {error.strerror}", file=sys.stderr)
    return None


def _form(args: argparse.Namespace) -> LabelForm:
    columns = args.label_columns
    return LabelForm(
        patient=columns.get("patient", OUR_FORM.patient),
        condition=columns.get("condition", OUR_FORM.condition),
        on=columns.get("on", None if columns else OUR_FORM.on),
        outcome=columns.get("outcome"),
        happened=args.label_happened,
        everywhere=args.label_condition,
        prefix=args.label_prefix,
        day_0=None if args.label_anchors is None else read_anchors(args.label_anchors),
        unit=args.label_unit or OUR_FORM.unit,
    )


def _measure(
    args: argparse.Namespace,
    rules: Sequence[CompiledRule],
    intake: Intake,
    labels: Labels,
    truth: list[Verdict] | None,
) -> int:
    monitor = Monitor(rules)
    entries = list(journal(intake.told(args.files), monitor, until=args.until))
    charts = charts_of(monitor)
    conditions = {key: name for chart in charts for key, name in chart.conditions().items()}
    watched = list(watch(charts, rules, labels, _end(args, charts)))
    window, ids = Window(args.before, args.after), {rule.id for rule in rules}
    outcome = Outcome(
        scores=score(entries, watched, conditions, window),
        window=window,
        book=_book(labels, {chart.patient_id for chart in charts}, watched),
        differences=None if truth is None else differences(entries, truth, sorted(ids)),
        compared=sum(row.rule in ids for row in truth or ()),
    )
    print_outcome(outcome, as_json=args.json)
    _strangers(outcome.book.strangers)
    if not intake.close():
        return UNUSABLE
    return DIFFERENT if outcome.differences else DONE


def _end(args: argparse.Namespace, charts: Iterable[Chart]) -> int:
    """Ordinal of the day on which the replay ended."""
    if args.until is not None:
        return as_utc(args.until).toordinal()
    return max((chart.last_issue for chart in charts), default=0)


def _strangers(count: int) -> None:
    """Most often a sign that the ids of the two files are written differently."""
    if count:
        print(f"{NAME}: labels of patients who are not in the archive: {count}", file=sys.stderr)


def _book(labels: Labels, known: set[str], watched: Iterable[Watched]) -> LabelBook:
    """Labels that no figure holds would otherwise be left out in silence."""
    told = {key: switch for key, switch in labels.items() if key[1]}
    seen = {(one.patient_id, one.condition) for one in watched}
    whole = {patient_id for patient_id, condition in seen if condition is None}
    at_home = [key for key in told if key[0] in known]
    return LabelBook(
        labels=len(told),
        happened=sum(switch is not None for switch in told.values()),
        undated=sum(switch is Undated.UNDATED for switch in told.values()),
        strangers=len(told) - len(at_home),
        unwatched=sum(key not in seen and key[0] not in whole for key in at_home),
    )


# ---------------------------------------------------------------- what options say


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError("expected a number of days")
    return int(text)


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in text.split(",") if word)


def _columns(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        key, _, name = part.partition("=")
        if key not in _KEYS or not name or key in found:
            expected = ", ".join(f"{key}=COLUMN" for key in _KEYS)
            raise argparse.ArgumentTypeError(f"expected {expected}, each at most once")
        found[key] = name
    return found
