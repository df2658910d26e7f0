"""DAIDS 2.1 grades of adults: every boundary of the catalogue, and what is unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from schemas.terminology import ctcae
from schemas.terminology.daids import Graded, LabValue, grade, graded_analytes

TABLE = """
alt high U/L | uln=40 | 49.9:0 50:1 99.9:1 100:2 199.9:2 200:3 399.9:3 400:4
neutrophils low 10*9/L | | 1.01:0 1.0:1 0.8:1 0.7995:2 0.79:2 0.6:2 0.59:3 0.4:3 0.39:4
hemoglobin low g/L | male | 110:0 109:1 100:1 99:2 90:2 89:3 70:3 69:4
hemoglobin low g/L | female | 105:0 104:1 95:1 94:2 89:2 85:2 84:3 65:3 64:4
creatinine high umol/L | uln=100 base=100 | 109:0 110:1 129:1 130:2 149:2 150:3 199:3 200:4
creatinine high umol/L | uln=100 base=300 | 109:0 110:1 130:1 131:2 180:2 181:3 349:3 350:4
potassium high mmol/L | | 5.5:0 5.6:1 5.9:1 6.0:2 6.4:2 6.5:3 6.9:3 7.0:4
potassium low mmol/L | | 3.4:0 3.3:1 3.0:1 2.9:2 2.5:2 2.4:3 2.0:3 1.9:4
sodium low mmol/L | | 135:0 134:1 130:1 129:2 125:2 124:3 120.5:3 120:4
platelets low 10*3/uL | | 125:0 124:1 100:1 99:2 50:2 49:3 25:3 24:4
bilirubin high mg/dL | uln=1 | 1.0:0 1.1:1 1.59:1 1.6:2 2.59:2 2.6:3 4.9:3 5:4
glucose high mmol/L | fasting | 6.1:0 6.11:1 6.94:1 6.95:2 13.88:2 13.89:3 27.74:3 27.75:4
glucose high mmol/L | | 6.43:0 6.44:1 8.88:1 8.89:2
phosphate low mmol/L | lln=0.8 | 0.8:0 0.79:1 0.65:1 0.64:2 0.45:2 0.44:3 0.32:3 0.31:4
inr high {INR} | uln=1 | 1.0:0 1.1:1 1.49:1 1.5:2 1.99:2 2:3 2.9:3 3:4
egfr low mL/min/{1.73_m2} | base=100 | 91:0 90:2 71:2 70:3 51:3 50:4
egfr low mL/min/{1.73_m2} | base=80 | 89:2 73:2 72:2 60:2 59:3 30:4
egfr low mL/min/{1.73_m2} | base=50 | 90:0 89.9:2 60:2 59.9:3 30:3 29.9:4
egfr low mL/min/{1.73_m2} | base=95 | 90:0 89:2
ast high U/L | uln=40 | 49.9:0 50:1 99.9:1 100:2 199.9:2 200:3 399.9:3 400:4
lipase high U/L | uln=100 | 109:0 110:1 149:1 150:2 299:2 300:3 499:3 500:4
leukocytes low 10*9/L | | 2.5:0 2.499:1 2.0:1 1.999:2 1.5:2 1.499:3 1.0:3 0.999:4
lymphocytes low 10*9/L | | 0.65:0 0.649:1 0.6:1 0.599:2 0.5:2 0.499:3 0.35:3 0.349:4
cd4 low /uL | | 400:0 399:1 300:1 299:2 200:2 199:3 100:3 99:4
phosphate low mg/dL | lln=2.5 | 2.5:0 2.4:1 2.0:1 1.9:2 1.4:2 1.3:3 1.0:3 0.9:4
magnesium low mmol/L | | 0.70:0 0.69:1 0.60:1 0.59:2 0.45:2 0.44:3 0.30:3 0.29:4
magnesium low meq/L | | 1.4:0 1.3:1 1.2:1 1.1:2 0.9:2 0.8:3 0.6:3 0.5:4
corrected_calcium high mmol/L | | 2.64:0 2.65:1 2.87:1 2.88:2 3.12:2 3.13:3 3.37:3 3.38:4
ionized_calcium high mmol/L | uln=1.3 | 1.3:0 1.31:1 1.49:1 1.5:2 1.59:2 1.6:3 1.79:3 1.8:4
ionized_calcium low mmol/L | lln=1.15 | 1.15:0 1.14:1 1.0:1 0.99:2 0.9:2 0.89:3 0.8:3 0.79:4
ionized_calcium low mg/dL | lln=4.6 | 4.6:0 4.5:1 4.0:1 3.9:2 3.6:2 3.5:3 3.2:3 3.1:4
glucose high mg/dL | fasting | 109:0 110:1 125:1 126:2 250:2 251:3 499:3 500:4
glucose high mg/dL | | 115:0 116:1 160:1 161:2
glucose low mmol/L | | 3.55:0 3.54:1 3.05:1 3.04:2 2.22:2 2.21:3 1.67:3 1.66:4
glucose low mg/dL | | 65:0 64:1 55:1 54:2 40:2 39:3 30:3 29:4
urate high mmol/L | | 0.44:0 0.45:1 0.58:1 0.59:2 0.70:2 0.71:3 0.88:3 0.89:4
urate high mg/dL | | 7.4:0 7.5:1 9.9:1 10:2 11.9:2 12:3 14.9:3 15:4
"""
"""Analyte, direction, unit | context | value:grade."""

BOUNDARIES = [
    (*line.split("|")[:2], *pair.split(":"))
    for line in TABLE.strip().splitlines()
    for pair in line.split("|")[2].split()
]


def verdict(what: str, context: str, value: str) -> Graded:
    analyte, direction, unit = what.split()
    words = [word.partition("=") for word in context.split()]
    numbers = {name: Decimal(number) for name, _, number in words if number}
    flags = {name for name, _, number in words if not number}
    sexes: tuple[Literal["female", "male"], ...] = ("female", "male")
    limits = numbers.get("lln"), numbers.get("uln")
    (found,) = (
        graded
        for graded in grade(
            analyte,
            LabValue(Decimal(value), unit, None, *limits),
            sex=next((sex for sex in sexes if sex in flags), None),
            baseline=LabValue(numbers["base"], unit, None, *limits) if "base" in numbers else None,
            anticoagulated="anticoagulated" in flags,
            fasting="fasting" in flags,
        )
        if graded.direction == direction
    )
    return found


@pytest.mark.parametrize(("what", "context", "value", "expected"), BOUNDARIES)
def test_every_boundary(what: str, context: str, value: str, expected: str) -> None:
    found = verdict(what, context, value)
    assert (found.grade, found.reason, found.scale) == (int(expected), None, "daids")


@pytest.mark.parametrize(
    ("what", "context", "value", "reason"),
    [
        ("hemoglobin low g/L", "", "106", "sex not known"),
        ("inr high {INR}", "uln=1 anticoagulated", "2.4", "not defined under an anticoagulant"),
        ("creatinine high mg/dL", "uln=1.2", "1.2", "no baseline"),
        ("alt high U/L", "", "60", "no upper limit of normal"),
    ],
)
def test_what_cannot_be_told_has_a_reason(what: str, context: str, value: str, reason: str) -> None:
    found = verdict(what, context, value)
    assert (found.grade, found.reason) == (None, reason)


def test_what_is_severe_for_either_sex_needs_none() -> None:
    assert verdict("hemoglobin low g/L", "", "64").grade == 4
    assert verdict("hemoglobin low g/L", "", "110").grade == 0


def test_the_scales_differ_at_the_same_limit() -> None:
    """Potassium 7.0 and neutrophils 0.6 are worse in one scale and milder in the other."""
    potassium = LabValue(Decimal("7.0"), "mmol/L", high=Decimal("5.1"))
    neutrophils = LabValue(Decimal("0.6"), "10*9/L", low=Decimal(2))
    assert (grade("potassium", potassium)[0].grade, grade("neutrophils", neutrophils)[0].grade) == (
        4,
        2,
    )
    assert ctcae.grade("potassium", potassium, version=5)[0].grade == 3
    assert ctcae.grade("neutrophils", neutrophils, version=5)[0].grade == 3


@pytest.mark.parametrize(
    ("unit", "values"),
    [
        ("mmol/L", "1.67 2.22 3.05 3.55 6.11 6.95 13.89 27.75"),
        ("mg/dL", "30 40 55 65 110 125 250 500"),
    ],
)
def test_fasting_glucose_is_glucose_known_to_be_fasting(unit: str, values: str) -> None:
    for value in values.split():
        result = LabValue(Decimal(value), unit)
        assert grade("glucose_fasting", result) == grade("glucose", result, fasting=True)


def test_an_analyte_without_limits_has_no_verdict() -> None:
    assert grade("psa", LabValue(Decimal(1), "ng/mL")) == ()
    assert "psa" not in graded_analytes()
