"""`salvage backtest`: replay an archive against what was recorded, and against a known truth."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.base import as_utc
from services.commands.chosen import add_archive_options, rules_or_complaint
from services.commands.intake import FHIR_REFUSED, Intake
from services.commands.tables import BadTable, read_labels, read_truth
from services.commands.watching import charts_of, watch
from services.detector.adapters.agreement import differences
from services.detector.adapters.backtest import score
from services.detector.adapters.replay import journal
from services.detector.engine.monitor import Monitor
from services.ingest.archive import Format

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from services.commands.chosen import Subparsers
    from services.commands.tables import Labels
    from services.detector.adapters.agreement import Difference, Verdict
    from services.detector.adapters.backtest import Score, Share
    from services.detector.engine.rule import CompiledRule

DONE, DIFFERENT, UNUSABLE = 0, 1, 2
NAME: Final = "salvage backtest"
_HEAD: Final = (
    *("RULE", "CONDITION", "PATIENTS", "MONTHS", "ALERTS", "PER 100 MONTHS"),
    *("SENSITIVITY", "PREDICTIVE VALUE", "LEAD DAYS", "WITHDRAWN"),
)
_LEGEND: Final = (
    "Sensitivity: of those whose treatment was changed, how many had an alert standing by then.",
    "Predictive value: of those with an alert that stood, whose treatment was changed afterwards.",
    "Both with 95 % intervals (Wilson). Lead: median days from alert to change, with quartiles.",
    "A recorded change is what was done, not what was right, and counts for every rule of its",
    "condition, whichever course it was about: read each difference.",
)


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "backtest",
        help="replay an archive against labels",
        description="Replays an archive and compares the alerts with the recorded changes of "
        "treatment: sensitivity, positive predictive value, alerts per 100 patient-months, lead "
        "time, share withdrawn; for each rule and condition, with 95 %% intervals. Exit code 1 if "
        "a truth was given and differs, 2 if a record or a row was unusable.",
    )
    add_archive_options(parser)
    add = parser.add_argument
    add("--labels", type=Path, metavar="FILE", required=True, help="recorded switches, CSV")
    add("--truth", type=Path, metavar="FILE", help="what each rule must say in the end, CSV")
    add("--json", action="store_true", help="for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 1 when the journal differs from the truth given; 2 when a record, a row, a rule file or
        the site's file was unusable (said on stderr).
    """
    if args.format not in set(Format):
        print(f"{NAME}: {FHIR_REFUSED}", file=sys.stderr)
        return UNUSABLE
    rules = rules_or_complaint(NAME, args)
    tables = _tables(args)
    if rules is None or tables is None:
        return UNUSABLE
    return _measure(args, rules, *tables)


def _tables(args: argparse.Namespace) -> tuple[Labels, list[Verdict] | None] | None:
    """Labels and truth; None after saying on stderr what is wrong with them."""
    try:
        return read_labels(args.labels), None if args.truth is None else read_truth(args.truth)
    except BadTable as error:
        for mistake in error.mistakes:
            print(f"{NAME}: {mistake}", file=sys.stderr)
    except OSError as error:
        print(f"{NAME}: {error.filename}: {error.strerror}", file=sys.stderr)
    return None


def _measure(
    args: argparse.Namespace,
    rules: Sequence[CompiledRule],
    labels: Labels,
    truth: list[Verdict] | None,
) -> int:
    intake = Intake(NAME, Format(args.format))
    monitor = Monitor(rules)
    entries = list(journal(intake.read(args.files), monitor, until=args.until))
    charts = charts_of(monitor)
    end = max((chart.last_issue for chart in charts), default=0)
    if args.until is not None:
        end = as_utc(args.until).toordinal()
    conditions = {key: name for chart in charts for key, name in chart.conditions().items()}
    scores = score(entries, watch(charts, rules, labels, end), conditions)
    found = None if truth is None else differences(entries, truth, [rule.id for rule in rules])
    compared = sum(row.rule in {rule.id for rule in rules} for row in truth or ())
    _strangers(labels, {chart.patient_id for chart in charts})
    _report(scores, found, compared, as_json=args.json)
    if not intake.close():
        return UNUSABLE
    return DIFFERENT if found else DONE


def _strangers(labels: Labels, known: set[str]) -> None:
    """Labels of nobody in the archive would be left out of every figure in silence."""
    if count := sum(patient_id not in known for patient_id, _ in labels):
        print(f"{NAME}: labels of patients who are not in the archive: {count}", file=sys.stderr)


# ---------------------------------------------------------------- what is printed


def _report(
    scores: Sequence[Score], found: Sequence[Difference] | None, compared: int, *, as_json: bool
) -> None:
    if as_json:
        said: dict[str, Any] = {"scores": [_score_fields(one) for one in scores]}
        if found is not None:
            said["truth"] = {
                "rows": compared,
                "differences": [_difference_fields(one) for one in found],
            }
        print(json.dumps(said, indent=2, default=str))
        return
    _print_table([_HEAD, *map(_cells, scores)])
    print(*_LEGEND, sep="\n")
    for one in found or ():
        print(f"DIFFERS {one.patient_id} {one.rule}: {_sides(one)}")
    if found is not None:
        print(f"truth: {compared} rows compared, {len(found)} differences")


def _cells(one: Score) -> tuple[str, ...]:
    return (
        one.rule,
        one.condition or "(all patients)",
        str(one.patients),
        str(one.patient_months),
        str(one.alerts),
        _or_dash(one.alerts_per_100_patient_months),
        _share(one.sensitivity),
        _share(one.predictive_value),
        _lead(one),
        _share(one.withdrawn),
    )


def _share(share: Share) -> str:
    if share.value is None or share.interval is None:
        return "-"
    low, high = share.interval
    return f"{share.hits}/{share.total} = {share.value} ({low} to {high})"


def _lead(one: Score) -> str:
    if not one.lead_days:
        return "-"
    low, middle, high = (one.lead_quartile(number) for number in (1, 2, 3))
    return f"{middle} ({low} to {high})"


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _sides(one: Difference) -> str:
    return "; ".join(
        f"{name} {_or_dash(getattr(one.expected, name))} expected, "
        f"{_or_dash(getattr(one.got, name))} found"
        for name in one.fields
    )


def _score_fields(one: Score) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "condition": one.condition,
        "patients": one.patients,
        "patient_months": one.patient_months,
        "alerts": one.alerts,
        "alerts_per_100_patient_months": one.alerts_per_100_patient_months,
        "sensitivity": _share_fields(one.sensitivity),
        "predictive_value": _share_fields(one.predictive_value),
        "lead_days": {
            "count": len(one.lead_days),
            "lower_quartile": one.lead_quartile(1),
            "median": one.lead_quartile(2),
            "upper_quartile": one.lead_quartile(3),
        },
        "withdrawn": _share_fields(one.withdrawn),
    }


def _share_fields(share: Share) -> dict[str, Any]:
    return {
        "hits": share.hits,
        "total": share.total,
        "value": share.value,
        "interval_95": share.interval,
    }


def _difference_fields(one: Difference) -> dict[str, Any]:
    return {
        "patient_id": one.patient_id,
        "rule": one.rule,
        "expected": {name: getattr(one.expected, name) for name in one.fields},
        "found": {name: getattr(one.got, name) for name in one.fields},
    }


def _print_table(lines: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
