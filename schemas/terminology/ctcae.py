"""CTCAE grades of laboratory and bedside values: the function behind the rule TOX-CTC-GRADE.

The limits are data (`ctcae.toml`, which cites its sources and choices), the logic is in `grading`.
A grade is meaningless without its version (neutrophils 0.4: grade 4 in v5, grade 3 in v6), so every
result carries it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from schemas.terminology.grade_table import Table, parse_table
from schemas.terminology.grading import Graded, LabValue, judge
from schemas.terminology.spans import Ungraded

__all__ = ["VERSIONS", "Graded", "LabValue", "Ungraded", "grade", "graded_analytes"]

VERSIONS = frozenset({4, 5, 6})
"""CTCAE 4.03, 5.0 and 6.0."""


def grade(
    analyte: str,
    result: LabValue,
    *,
    version: int,
    baseline: LabValue | None = None,
    symptomatic: bool = False,
    anticoagulated: bool = False,
    fasting: bool = False,
) -> tuple[Graded, ...]:
    """Grade a value by every term that CTCAE has for its analyte.

    Args:
        analyte: our key, e.g. `alt`, `potassium`. Calcium is graded as `corrected_calcium` (for
            albumin) or `ionized_calcium`; plain `calcium` is never graded.
        result: the value with its own reference range.
        version: 4, 5 or 6.
        baseline: the value before treatment, with its own range: a baseline is abnormal by the
            range of its own sample. None is treated as "was not abnormal" where CTCAE asks
            whether it was, and as unknown where CTCAE compares with it.
        symptomatic: a linked symptom is documented (potassium, sodium, lipase, amylase, urate).
            CTCAE grades worse with symptoms; they are never assumed.
        anticoagulated: an anticoagulant is on the medication list (INR).
        fasting: the sample is known to be a fasting one (glucose).

    Returns:
        One verdict for each term, in the order of the table (potassium: hyper- and hypokalemia);
        empty if the version has no numeric term for the analyte.

    Raises:
        ValueError: no such version, or an unknown comparator.

    Source:
        NCI CTCAE v4.03, v5.0 and v6.0; choices where their text is ambiguous: `note` in the table.
    """
    _require(version)
    facts: dict[str, bool | Ungraded] = {
        "symptomatic": symptomatic,
        "anticoagulated": anticoagulated,
        "not anticoagulated": not anticoagulated,
        "fasting": fasting,
    }
    return judge(table(), version, analyte, result, baseline, facts)


def graded_analytes(version: int) -> frozenset[str]:
    """Name the analytes for which this version of CTCAE has limits in numbers.

    Raises:
        ValueError: no such version.
    """
    _require(version)
    return table().analytes(version)


def _require(version: int) -> None:
    if version not in VERSIONS:
        raise ValueError("version: there are tables for CTCAE 4, 5 and 6 only")


@cache
def table() -> Table:
    """The terms and limits, as they are written down."""
    text = files("schemas.terminology").joinpath("ctcae.toml").read_text(encoding="utf-8")
    return parse_table(text)
