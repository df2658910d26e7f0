"""CTCAE grades of any value: worse is never milder, units don't matter, censoring tells no lie."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from schemas.terminology.ctcae import VERSIONS, LabValue, grade, graded_analytes

AMOUNTS = st.decimals(min_value=0, max_value=5000, places=2)
POSITIVE = st.decimals(min_value="0.01", max_value=5000, places=2)
RANGES = st.tuples(POSITIVE, POSITIVE).map(sorted)
ANALYTES = st.sampled_from([(v, a) for v in sorted(VERSIONS) for a in sorted(graded_analytes(v))])
UNITS = st.sampled_from(["10*9/L", "g/L", "mmol/L", "mg/dL", "ms", "%", "{INR}", "U/L"])
FLAGS = st.fixed_dictionaries(
    {name: st.booleans() for name in ("symptomatic", "anticoagulated", "fasting")}
)


@given(ANALYTES, UNITS, st.tuples(AMOUNTS, AMOUNTS), RANGES, POSITIVE, FLAGS)
def test_severity_never_falls_as_a_value_gets_worse(
    which: tuple[int, str],
    unit: str,
    values: tuple[Decimal, Decimal],
    limits: list[Decimal],
    base: Decimal,
    flags: dict[str, bool],
) -> None:
    version, analyte = which
    plain = LabValue(min(values), unit, None, *limits)
    baseline = plain._replace(value=base)
    less = grade(analyte, plain, version=version, baseline=baseline, **flags)
    raised = plain._replace(value=max(values))
    more = grade(analyte, raised, version=version, baseline=baseline, **flags)
    for before, after in zip(less, more, strict=True):
        mild, bad = (before, after) if before.direction == "high" else (after, before)
        assert mild.at_least <= bad.at_least


@given(
    st.sampled_from(["alt", "ast", "alp", "ggt", "bilirubin", "creatinine", "lipase", "ck"]),
    st.sampled_from(sorted(VERSIONS)),
    POSITIVE,
    POSITIVE,
    POSITIVE,
    POSITIVE,
)
def test_a_ratio_does_not_depend_on_the_unit(
    analyte: str, version: int, value: Decimal, high: Decimal, base: Decimal, factor: Decimal
) -> None:
    def verdicts(unit: str, by: Decimal) -> list[int | None]:
        result = LabValue(value * by, unit, None, high * by / 10, high * by)
        baseline = result._replace(value=base * by)
        return [v.grade for v in grade(analyte, result, version=version, baseline=baseline)]

    assert verdicts("mg/dL", Decimal(1)) == verdicts("umol/L", factor)


@given(ANALYTES, UNITS, AMOUNTS, st.sampled_from(["<", "<=", ">", ">="]), AMOUNTS, POSITIVE)
def test_a_censored_grade_holds_for_every_value_it_stands_for(
    which: tuple[int, str],
    unit: str,
    limit: Decimal,
    comparator: str,
    true_value: Decimal,
    high: Decimal,
) -> None:
    sides = {
        "<": true_value < limit,
        "<=": true_value <= limit,
        ">": true_value > limit,
        ">=": true_value >= limit,
    }
    if not sides[comparator]:
        return
    version, analyte = which
    exact = LabValue(true_value, unit, None, high / 2, high)
    baseline = exact._replace(value=high * 3 / 4)
    censored = exact._replace(value=limit, comparator=comparator)
    told = grade(analyte, censored, version=version, baseline=baseline)
    truth = grade(analyte, exact, version=version, baseline=baseline)
    for guess, real in zip(told, truth, strict=True):
        assert guess.at_least <= real.at_least
        assert guess.grade in (None, real.grade)
