"""What a back-test prints: a table for people, the same as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detector.adapters.agreement import Difference
    from services.detector.adapters.backtest import Score, Window
    from services.detector.adapters.estimates import Share

_HEAD: Final = (
    *("RULE", "CONDITION", "PATIENTS", "LABELLED", "UNDATED", "ALERTED"),
    *("MONTHS", "ALERTS", "PER 100 MONTHS"),
    *("SENSITIVITY", "PREDICTIVE VALUE", "LEAD DAYS", "WITHDRAWN"),
)
_LEGEND: Final = (
    "Sensitivity: of those of whom a label says that it happened, how many have a hit.",
    "Predictive value: of the labelled with a hit or an alert never taken back, how many have one.",
    "Both with 95 % intervals (Wilson). Lead: median days from alert to label, with its 95 %",
    "interval (order statistics; none below six). Alerted: ever, taken back or not.",
    "A recorded change is what was done, not what was right, and counts for every rule of its",
    "condition, whichever course it was about: read each difference.",
)


@dataclass(frozen=True, slots=True)
class LabelBook:
    """What became of the labels, counted by patient and condition.

    happened, undated: of these, of which a label says that it happened, and without a day.
    strangers: of patients who are not in the archive.
    unwatched: of others, whom no rule that was run watches in that condition.
    """

    labels: int
    happened: int
    undated: int
    strangers: int
    unwatched: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a back-test found.

    differences: to a truth; None where none was given.
    compared: rows of the truth.
    """

    scores: Sequence[Score]
    window: Window
    book: LabelBook
    differences: Sequence[Difference] | None
    compared: int


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print(json.dumps(_fields(outcome), indent=2, default=str))
        return
    _print_table([_HEAD, *map(_cells, outcome.scores)])
    print(_hit(outcome.window), *_LEGEND, _labels(outcome.book), sep="\n")
    for one in outcome.differences or ():
        print(f"DIFFERS {one.patient_id} {one.rule}: {_sides(one)}")
    if outcome.differences is not None:
        print(f"truth: {outcome.compared} rows compared, {len(outcome.differences)} differences")


# ---------------------------------------------------------------- for people


def _hit(window: Window) -> str:
    earliest = "any time" if window.before is None else f"at most {window.before} days"
    latest = "not after it" if not window.after else f"to {window.after} days after it"
    return (
        f"Hit: an alert (confirmed, overdue or window) from {earliest} before the label's day, "
        f"{latest},\nand not taken back by then. An undated label: an alert of any time that stood."
    )


def _labels(book: LabelBook) -> str:
    return (
        f"labels: {book.labels} ({book.happened} say that it happened, {book.undated} of them "
        f"without a day); left out: {book.strangers} of patients not in the archive, "
        f"{book.unwatched} that no rule of this run watches"
    )


def _cells(one: Score) -> tuple[str, ...]:
    return (
        one.rule,
        one.condition or "(all patients)",
        *map(str, (one.patients, one.labelled, one.undated, one.alerted)),
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
    median = one.lead_quartile(2)
    if one.lead_interval is None:
        return f"{median} (of {len(one.lead_days)})"
    return "{} ({} to {})".format(median, *one.lead_interval)


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _sides(one: Difference) -> str:
    return "; ".join(
        f"{name} {_or_dash(getattr(one.expected, name))} expected, "
        f"{_or_dash(getattr(one.got, name))} found"
        for name in one.fields
    )


def _print_table(lines: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())


# ---------------------------------------------------------------- for programs


def _fields(outcome: Outcome) -> dict[str, Any]:
    window, book = outcome.window, outcome.book
    said: dict[str, Any] = {
        "hit": {"days_before": window.before, "days_after": window.after},
        "labels": {name: getattr(book, name) for name in book.__slots__},
        "scores": [dict(_score_fields(one)) for one in outcome.scores],
    }
    if outcome.differences is not None:
        told = [_difference_fields(one) for one in outcome.differences]
        said["truth"] = {"rows": outcome.compared, "differences": told}
    return said


_COUNTS: Final = (
    *("rule", "condition", "patients", "labelled", "undated", "alerted"),
    *("patient_months", "alerts", "alerts_per_100_patient_months"),
)


def _score_fields(one: Score) -> Iterator[tuple[str, Any]]:
    yield from ((name, getattr(one, name)) for name in _COUNTS)
    yield "sensitivity", _share_fields(one.sensitivity)
    yield "predictive_value", _share_fields(one.predictive_value)
    yield (
        "lead_days",
        {
            "count": len(one.lead_days),
            "lower_quartile": one.lead_quartile(1),
            "median": one.lead_quartile(2),
            "median_interval_95": one.lead_interval,
            "upper_quartile": one.lead_quartile(3),
        },
    )
    yield "withdrawn", _share_fields(one.withdrawn)


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
