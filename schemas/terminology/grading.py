"""Judging one value by the limits of one term, in three-valued logic and exact decimals.

Laws of this file:

- A value has the worst grade that it enters.
- A limit that can't be judged (no range, no baseline, a censored value that spans it) is
  *unknown*, never "not entered": unless every unknown limit is of a grade already proven or
  milder, there is no grade but a reason.
- A value is judged in the unit in which it was reported. Only the scale may change (g/dL to g/L),
  by an exact factor; the columns of one term for two units are two functions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from schemas.terminology.grade_table import ANY_UNIT, Arm, Limit, Table, Term
from schemas.terminology.spans import Span, Truth, Ungraded, compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WORST = 4
"""The worst grade that a number can have: grade 5 is death."""


class LabValue(NamedTuple):
    """A result as reported.

    Attributes:
        value: the number, in `unit`.
        unit: UCUM, or None where the source gave none.
        comparator: `<`, `<=`, `>`, `>=`: the true value is only known to lie on that side.
        low: lower limit of normal that came with this result, in `unit`.
        high: upper limit of normal that came with this result, in `unit`.
    """

    value: Decimal
    unit: str | None
    comparator: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Graded:
    """The verdict of one term on one value.

    Attributes:
        term: term of that version of the scale.
        version: 4, 5 or 6 of CTCAE; 2 of DAIDS (2.1).
        grade: 0 (none) to 4; None where it can't be told.
        reason: why there is no grade (`Ungraded`, or the term's own); None where there is one.
        at_least: the grade proven whatever the unknown may be. Without a grade it still tells that
            creatinine at 4 times the upper limit is grade 3 or worse.
        at_most: the worst grade that what is known leaves open: platelets of 200 without a lower
            limit of normal are of grade 1 at most. A missing limit of normal lies beyond the one
            that came: haemoglobin below its lower limit is not "increased".
        code: MedDRA lowest level term; None where the scale gives none.
        direction: `high` or `low`: the side on which the term grades.
        scale: `ctcae` or `daids`; a grade without its scale and version is meaningless.
    """

    term: str
    version: int
    grade: int | None
    reason: str | None
    at_least: int
    at_most: int
    code: str | None
    direction: str
    scale: str


@dataclass(frozen=True, slots=True)
class _Case:
    """What the limits of a term are compared with, all in one unit."""

    value: Span
    references: Mapping[str, Span | Ungraded]
    bounds: Mapping[str, Span]  # all that a missing limit of normal may be
    conditions: Mapping[str, Truth]


def judge(
    table: Table,
    version: int,
    analyte: str,
    result: LabValue,
    baseline: LabValue | None,
    facts: Mapping[str, Truth],
) -> tuple[Graded, ...]:
    """Judge a value by every term that a scale has for its analyte.

    Args:
        table: the scale.
        version: of the scale.
        analyte: our key.
        result: the value, with its own range.
        baseline: the value before treatment, with its own range.
        facts: truth of every condition that is not about the baseline.

    Raises:
        ValueError: an unknown comparator.
    """
    case = _case(table, result, baseline, facts)
    return tuple(
        _verdict(table, version, term, result.unit, case) for term in table.of(version, analyte)
    )


def _verdict(table: Table, version: int, term: Term, unit: str | None, case: _Case) -> Graded:
    proven, possible, doubt = _judge(table, term, unit, case)
    return Graded(
        term=term.name,
        version=version,
        grade=proven if doubt is None else None,
        reason=doubt,
        at_least=proven,
        at_most=possible,
        code=term.meddra,
        direction=term.direction,
        scale=table.name,
    )


_Judged = tuple[int, int, str | None]
"""The worst grade proven, the worst one possible, and why they differ (None: they don't)."""


def _judge(table: Table, term: Term, unit: str | None, case: _Case) -> _Judged:
    if term.not_graded is not None:
        return 0, WORST, term.not_graded
    column = column_of(table, term, unit)
    return (0, WORST, column) if isinstance(column, Ungraded) else _worst(column, case)


def _worst(arms: tuple[Arm, ...], case: _Case) -> _Judged:
    truths = [(arm, _holds(arm, case)) for arm in arms]
    proven = max((arm.grade for arm, truth in truths if truth is True), default=0)
    doubts = [(arm, t) for arm, t in truths if isinstance(t, Ungraded) and arm.grade > proven]
    if not doubts:
        return proven, proven, None
    bounded = replace(case, references={**case.references, **case.bounds})
    possible = [arm.grade for arm, _ in doubts if _holds(arm, bounded) is not False]
    return proven, max(possible, default=proven), doubts[0][1]


def _holds(arm: Arm, case: _Case) -> Truth:
    """Conjunction in three-valued logic: one false part decides, whatever is unknown."""
    parts = [case.conditions[name] for name in arm.conditions]
    parts += [_passes(limit, case) for limit in arm.limits]
    if False in parts:
        return False
    return next((part for part in parts if isinstance(part, Ungraded)), True)


def _passes(limit: Limit, case: _Case) -> Truth:
    reference = case.references[limit.reference]
    if isinstance(reference, Ungraded):
        return reference
    return compare(case.value, limit.operator, reference.times(limit.factor, limit.offset))


def column_of(table: Table, term: Term, unit: str | None) -> tuple[Arm, ...] | Ungraded:
    """The limits of a term for values in a unit; or why there are none."""
    if ANY_UNIT in term.columns:
        return term.columns[ANY_UNIT]
    if unit is None:
        first = next(iter(term.columns.values()))
        return first if term.unitless else Ungraded.NO_UNIT
    name, _ = table.scaled(unit)
    return term.columns.get(term.same.get(str(name), str(name)), Ungraded.OTHER_UNIT)


def _case(
    table: Table, result: LabValue, baseline: LabValue | None, facts: Mapping[str, Truth]
) -> _Case:
    unit, factor = table.scaled(result.unit)
    return _Case(
        value=_span(result).times(factor),
        references={
            "one": Span(Decimal(1), Decimal(1)),
            "uln": _limit_of_normal(result.high, factor, Ungraded.NO_UPPER_LIMIT),
            "lln": _limit_of_normal(result.low, factor, Ungraded.NO_LOWER_LIMIT),
            "baseline": _baseline_span(table, baseline, unit),
        },
        bounds=_bounds_of_normal(result, factor),
        conditions={**facts, **dict(_baseline_conditions(baseline))},
    )


def _span(result: LabValue) -> Span:
    """Read a censored value as an interval: `<20` is [0, 20), `>20` is (20, infinity)."""
    match result.comparator:
        case None:
            return Span(result.value, result.value)
        case "<" | "<=":
            return Span(Decimal(0), result.value, high_in=result.comparator == "<=")
        case ">" | ">=":
            return Span(result.value, Decimal("Infinity"), low_in=result.comparator == ">=")
        case _:
            raise ValueError("comparator: expected <, <=, > or >=")


def _limit_of_normal(limit: Decimal | None, factor: Decimal, missing: Ungraded) -> Span | Ungraded:
    """An upper limit of zero is an empty field, not a range: every value would be grade 4."""
    if limit is None or (missing is Ungraded.NO_UPPER_LIMIT and limit <= 0):
        return missing
    return Span(limit * factor, limit * factor)


def _bounds_of_normal(result: LabValue, factor: Decimal) -> Mapping[str, Span]:
    """A limit of normal that is missing lies beyond the one that is known."""
    if result.high is None and result.low is not None:
        return {"uln": Span(result.low * factor, Decimal("Infinity"))}
    if result.low is None and result.high is not None and result.high > 0:
        return {"lln": Span(Decimal(0), result.high * factor)}
    return {}


def _baseline_span(table: Table, baseline: LabValue | None, unit: str | None) -> Span | Ungraded:
    """A baseline of zero can't be multiplied: it counts as none."""
    if baseline is None or baseline.value <= 0:
        return Ungraded.NO_BASELINE
    own_unit, factor = table.scaled(baseline.unit)
    return _span(baseline).times(factor) if own_unit == unit else Ungraded.BASELINE_UNIT


def _baseline_conditions(baseline: LabValue | None) -> Iterator[tuple[str, Truth]]:
    """Judge the baseline by the range of its own sample, in its own unit."""
    high = _beyond(baseline, ">", baseline.high if baseline else None)
    yield "baseline high", high
    yield "baseline normal", high if isinstance(high, Ungraded) else not high
    yield "baseline low", _beyond(baseline, "<", baseline.low if baseline else None)


def _beyond(baseline: LabValue | None, operator: str, limit: Decimal | None) -> Truth:
    if baseline is None:
        return False
    if limit is None:
        return Ungraded.BASELINE_RANGE
    return compare(_span(baseline), operator, Span(limit, limit))
