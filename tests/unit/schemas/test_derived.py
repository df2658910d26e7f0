"""Derived values against the catalogue's vectors and against independent arithmetic."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.terminology.derived import (
    Sex,
    ckd_epi_2021,
    cockcroft_gault,
    corrected_calcium,
    ecog_from_karnofsky,
    qtc_fridericia,
)

SEXES: st.SearchStrategy[Sex] = st.sampled_from(["female", "male"])
CREATININE = st.decimals(min_value=Decimal("0.2"), max_value=Decimal(15), places=2)


@pytest.mark.parametrize(
    ("calcium", "albumin", "unit", "expected"),
    [
        ("7.6", "2.5", "mg/dL", "8.8"),  # C2-20
        ("1.9", None, "mmol/L", None),  # C2-22
        (None, "30", "mmol/L", None),
        ("1.90", "30", "mmol/L", "2.10"),
        ("2.40", "40", "mmol/L", "2.40"),
        ("9.0", "4.5", "mg/dL", "8.6"),
    ],
)
def test_corrected_calcium(
    calcium: str | None,
    albumin: str | None,
    unit: Literal["mg/dL", "mmol/L"],
    expected: str | None,
) -> None:
    got = corrected_calcium(
        Decimal(calcium) if calcium else None, Decimal(albumin) if albumin else None, unit
    )
    assert got == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "expected"),
    [
        ("1.2", 60, "male", "69.2"),  # C2-23
        ("0.7", 60, "female", "98.9"),  # C2-24: both the min and the max term are 1
        (None, 60, "male", None),
        ("1.2", None, "male", None),
        ("1.2", 60, None, None),
        ("0", 60, "male", None),
    ],
)
def test_ckd_epi_2021(
    creatinine: str | None, age: int | None, sex: Sex | None, expected: str | None
) -> None:
    got = ckd_epi_2021(Decimal(creatinine) if creatinine else None, age, sex)
    assert got == (Decimal(expected) if expected else None)


@given(CREATININE, st.integers(18, 100), SEXES)
def test_ckd_epi_agrees_with_binary_arithmetic(creatinine: Decimal, age: int, sex: Sex) -> None:
    kappa, alpha, share = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = float(creatinine) / kappa
    expected = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * share
    got = ckd_epi_2021(creatinine, age, sex)
    assert got is not None
    assert abs(float(got) - expected) <= 0.0500001


@given(CREATININE, CREATININE, st.integers(18, 100), SEXES)
def test_more_creatinine_never_means_more_filtration(
    a: Decimal, b: Decimal, age: int, sex: Sex
) -> None:
    low, high = ckd_epi_2021(min(a, b), age, sex), ckd_epi_2021(max(a, b), age, sex)
    assert low is not None
    assert high is not None
    assert high <= low


@pytest.mark.parametrize(
    ("creatinine", "age", "weight", "sex", "expected"),
    [
        ("1.2", 68, "70", "male", "58.3"),  # B5.2-1
        ("1.2", 68, "72", "male", "60.0"),  # B5.2-2: exactly 60
        ("1.0", 60, "65", "female", "61.4"),  # B5.2-3
    ],
)
def test_cockcroft_gault(creatinine: str, age: int, weight: str, sex: Sex, expected: str) -> None:
    got = cockcroft_gault(Decimal(creatinine), age, Decimal(weight), sex)
    assert got is not None
    assert got.quantize(Decimal("0.1")) == Decimal(expected)


def test_a_clearance_just_below_60_is_not_rounded_up_to_it() -> None:
    got = cockcroft_gault(Decimal("1.2"), 68, Decimal("71.95"), "male")
    assert got is not None
    assert Decimal("59.9") < got < 60


@pytest.mark.parametrize("missing", range(4))
def test_a_clearance_needs_everything(missing: int) -> None:
    given: list[Decimal | int | str | None] = [Decimal("1.2"), 68, Decimal(70), "male"]
    given[missing] = None
    assert cockcroft_gault(*given) is None  # type: ignore[arg-type]  # a list of mixed types


def test_qtc_by_fridericia() -> None:
    assert qtc_fridericia(Decimal(400), Decimal(600)) == Decimal("474.3")  # B7.3-5: 100 beats/min
    assert qtc_fridericia(Decimal(430), Decimal(1000)) == Decimal("430.0")
    assert qtc_fridericia(None, Decimal(600)) is None
    assert qtc_fridericia(Decimal(400), Decimal(0)) is None


@pytest.mark.parametrize(
    ("karnofsky", "ecog"),
    [
        ("100", 0), ("90", 1), ("80", 1), ("70", 2), ("60", 2), ("50", 3), ("40", 3), ("30", 4),
        ("20", 4), ("10", 4), ("0", None), ("85", None), ("110", None), (None, None),
    ],
)  # fmt: skip
def test_karnofsky_to_ecog(karnofsky: str | None, ecog: int | None) -> None:
    assert ecog_from_karnofsky(Decimal(karnofsky) if karnofsky else None) == ecog
