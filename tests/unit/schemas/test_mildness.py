"""What is told at a glance to be milder is so by the terms themselves, whatever else is known."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

import pytest

from schemas.terminology import ctcae, daids
from schemas.terminology.grading import LabValue
from schemas.terminology.mildness import milder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.terminology.grade_table import Table, Term
    from schemas.terminology.grading import Graded

LOW, HIGH = Decimal(20), Decimal(40)
RANGES = ((None, None), (LOW, HIGH), (None, HIGH))
BEFORE = (None, Decimal(0), Decimal(30), Decimal(50))
GRADES = (1, 3, 4)


def scales() -> Iterator[tuple[Table, int, str]]:
    """Every analyte of every version of both tables."""
    for version in sorted(ctcae.VERSIONS):
        yield from ((ctcae.table(), version, one) for one in sorted(ctcae.graded_analytes(version)))
    yield from ((daids.table(), daids.VERSION, one) for one in sorted(daids.graded_analytes()))


def judged(table: Table, version: int, analyte: str, result: LabValue, **said: object) -> int:
    """The worst grade that may be, with all conditions that make grades worse."""
    found: tuple[Graded, ...]
    if table is daids.table():
        found = daids.grade(analyte, result, baseline=said["baseline"])  # type: ignore[arg-type]
    else:
        found = ctcae.grade(analyte, result, version=version, **said)  # type: ignore[arg-type]
    return max((one.at_most for one in found), default=0)


def units(terms: tuple[Term, ...]) -> set[str | None]:
    named = {unit for term in terms for unit in term.columns if unit != "any"}
    found: set[str | None] = {*named, "g/dL"} if "g/L" in named else {*named}
    return found or {"U/L", None}


def values(terms: tuple[Term, ...]) -> list[Decimal]:
    """On every limit, and just beside it."""
    limits = {
        limit.factor * reference + limit.offset
        for term in terms
        for column in term.columns.values()
        for arm in column
        for limit in arm.limits
        for reference in (Decimal(1), *(LOW, HIGH, Decimal(30), Decimal(50)))
    }
    near = {max(limit + step, Decimal(0)) for limit in limits for step in (-1, 0, 1)}
    return sorted(near)[::5]


def test_what_is_milder_is_so_by_all_terms() -> None:
    milder_ones = 0
    for table, version, analyte in scales():
        terms = table.of(version, analyte)
        for unit, (low, high), grade in product(units(terms), RANGES, GRADES):
            sort = LabValue(Decimal(0), unit, None, low, high)
            zone = milder(table, version, analyte, grade, sort)
            for value, before in product(values(terms) if zone else (), BEFORE):
                baseline = None if before is None else sort._replace(value=before)
                if zone is not None and zone.holds(value, baseline):
                    milder_ones += 1
                    said: dict[str, object] = {"baseline": baseline}
                    if table is ctcae.table():
                        said |= {"symptomatic": True, "anticoagulated": milder_ones % 2 == 0}
                    result = sort._replace(value=value)
                    worst = judged(table, version, analyte, result, **said)
                    assert worst < grade, (analyte, unit, value, before)
    assert milder_ones > 10_000


ALT = LabValue(Decimal(0), "U/L", None, None, HIGH)


@pytest.mark.parametrize(
    ("value", "before", "expected"),
    [
        ("199", None, True),  # five times the upper limit are grade 3
        ("200", None, False),  # on it: let the term be judged
        ("149", "30", True),
        ("150", "30", False),  # five times the baseline, had that one been high
        ("199", "60", True),
    ],
)
def test_an_enzyme_is_held_against_its_limit_and_its_baseline(
    value: str, before: str | None, *, expected: bool
) -> None:
    zone = milder(ctcae.table(), 5, "alt", 3, ALT)
    baseline = None if before is None else ALT._replace(value=Decimal(before))
    assert zone is not None
    assert zone.holds(Decimal(value), baseline) is expected


def test_without_its_reference_limit_nothing_is_told() -> None:
    assert milder(ctcae.table(), 5, "alt", 3, ALT._replace(high=None)) is None
    assert milder(ctcae.table(), 5, "alt", 3, ALT._replace(high=Decimal(0))) is None


def test_what_lies_on_one_side_of_a_number_is_not_told() -> None:
    assert milder(ctcae.table(), 5, "alt", 3, ALT._replace(comparator="<")) is None


def test_a_creatinine_needs_its_baseline() -> None:
    sort = LabValue(Decimal(0), "umol/L", None, None, Decimal(100))
    zone = milder(ctcae.table(), 5, "creatinine", 3, sort)
    assert zone is not None
    assert not zone.holds(Decimal(90), None)
    assert zone.holds(Decimal(90), sort._replace(value=Decimal(80)))
    assert not zone.holds(Decimal(90), sort._replace(value=Decimal(80), unit="mg/dL"))
    assert not zone.holds(Decimal(90), sort._replace(value=Decimal(80), comparator="<"))


def test_a_unit_that_leads_to_that_of_the_limits_is_scaled() -> None:
    zone = milder(ctcae.table(), 5, "hemoglobin", 3, LabValue(Decimal(0), "g/dL", None, None, LOW))
    assert zone is not None
    assert [zone.admits(Decimal(one)) for one in ("8.1", "8.0")] == [True, False]
