"""DAIDS 2.1 grades of laboratory values of adults: the function behind the rule TOX-DAIDS-GRADE.

The limits are data (`daids.toml`), judged by the same code as CTCAE's.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

from schemas.terminology.grade_table import Table, parse_table
from schemas.terminology.grading import Graded, LabValue, judge
from schemas.terminology.spans import Ungraded

__all__ = ["VERSION", "Graded", "LabValue", "Ungraded", "grade", "graded_analytes"]

VERSION = 2
"""DAIDS 2.1."""


def grade(
    analyte: str,
    result: LabValue,
    *,
    sex: Literal["female", "male"] | None = None,
    baseline: LabValue | None = None,
    anticoagulated: bool = False,
    fasting: bool = False,
) -> tuple[Graded, ...]:
    """Grade an adult's value by every term that DAIDS has for its analyte.

    Args:
        analyte: our key, e.g. `alt`. CD4 and lymphocytes have limits for people without HIV only:
            the caller must know.
        result: the value with its own reference range.
        sex: decides hemoglobin. Not known means not gradable, where it matters.
        baseline: the value before treatment (creatinine, eGFR).
        anticoagulated: an anticoagulant is on the medication list: clotting has no grade then.
        fasting: the sample is known to be a fasting one (glucose).

    Returns:
        One verdict for each term, in the order of the table.

    Raises:
        ValueError: an unknown comparator.

    Source:
        DAIDS Table for Grading the Severity of Adult and Pediatric Adverse Events, corrected
        version 2.1, July 2017.
    """
    facts: dict[str, bool | Ungraded] = {
        "male": Ungraded.NO_SEX if sex is None else sex == "male",
        "not anticoagulated": True if not anticoagulated else Ungraded.ANTICOAGULATED,
        "fasting": fasting,
        "not fasting": not fasting,
    }
    return judge(table(), VERSION, analyte, result, baseline, facts)


def graded_analytes() -> frozenset[str]:
    """Name the analytes for which DAIDS 2.1 has limits in numbers."""
    return table().analytes(VERSION)


@cache
def table() -> Table:
    """The terms and limits, as they are written down."""
    text = files("schemas.terminology").joinpath("daids.toml").read_text(encoding="utf-8")
    return parse_table(text)
