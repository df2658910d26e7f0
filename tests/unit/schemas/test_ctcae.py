"""CTCAE grades: every boundary of the catalogue, the published ambiguities, and what is unknown.

The rows are those of the rule catalogue (TOX-CTC-GRADE and its boundary supplement), and from the
published text both sides of every other limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.terminology.ctcae import VERSIONS, Graded, LabValue, grade, graded_analytes
from schemas.terminology.grade_table import parse_table


@dataclass(frozen=True)
class Row:
    """One analyte in one context; `pairs` are `value:grade`.

    `context` holds `uln=`, `lln=` and `base=` in the unit of the values, and flags of `grade`.
    A baseline has the same range as the value.
    """

    analyte: str
    version: int
    direction: str
    unit: str | None
    context: str
    pairs: str

    def verdict(self, value: str, comparator: str | None = None) -> Graded:
        words = [word.partition("=") for word in self.context.split()]
        numbers = {name: Decimal(number) for name, _, number in words if number}
        flags = {name: True for name, _, number in words if not number}
        plain = LabValue(Decimal(0), self.unit, None, numbers.get("lln"), numbers.get("uln"))
        base = replace(plain, value=numbers["base"]) if "base" in numbers else None
        result = replace(plain, value=Decimal(value), comparator=comparator)
        (found,) = (
            verdict
            for verdict in grade(
                self.analyte,
                result,
                version=self.version,
                baseline=base,
                symptomatic="symptomatic" in flags,
                anticoagulated="anticoagulated" in flags,
                fasting="fasting" in flags,
            )
            if verdict.direction == self.direction
        )
        return found


TABLE = """
alt 5 high U/L | uln=40 base=30 | 40:0 40.1:1 120:1 120.1:2 200:2 200.1:3 800:3 800.1:4
alt 5 high U/L | uln=40 base=60 | 60:0 89.9:0 90:1 180:1 180.1:2 300:2 300.1:3 1200:3 1200.1:4
alt 6 high U/L | uln=40 base=60 | 59:0 60:1 90:1 90.1:2 120:2 120.1:3 240:3 240.1:4
ast 5 high U/L | uln=35 | 35:0 35.1:1 105:1 105.1:2 175:2 175.1:3 700:3 700.1:4
alp 5 high U/L | uln=120 base=100 | 120:0 120.1:1 300:1 300.1:2 600:2 600.1:3 2400:3 2400.1:4
alp 5 high U/L | uln=120 base=200 | 399:0 400:1 500:1 500.1:2 1000:2 1000.1:3 4000:3 4000.1:4
ggt 5 high U/L | uln=60 base=100 | 199:0 200:1 200.1:1 250:1 250.1:2 500:2 500.1:3 2000:3 2000.1:4
bilirubin 5 high umol/L | uln=20 base=10 | 20:0 20.1:1 30:1 30.1:2 60:2 60.1:3 200:3 200.1:4
bilirubin 5 high umol/L | uln=20 base=40 | 40:0 40.1:1 60:1 60.1:2 120:2 120.1:3 400:3 400.1:4
creatinine 5 high umol/L | uln=100 base=60 | 90:0 90.1:2 100:2 180:2 180.1:3 300:3 600:3 600.1:4
creatinine 5 high umol/L|uln=100 base=100 | 100:0 100.1:1 150:1 150.1:2 300:2 300.1:3 600:3 600.1:4
egfr 5 low mL/min/{1.73_m2} | lln=90 | 90:0 89:1 60:1 59.5:2 59:2 30:2 29.5:3 15:3 14.9:4
neutrophils 5 low 10*9/L | lln=2.0 | 2.0:0 1.99:1 1.5:1 1.49:2 1.0:2 0.99:3 0.5:3 0.49:4
neutrophils 6 low 10*9/L | lln=2.0 | 1.99:0 1.5:0 1.49:1 1.0:1 0.99:2 0.5:2 0.49:3 0.1:3 0.09:4
platelets 5 low 10*9/L | lln=150 | 150:0 149:1 75:1 74:2 50:2 49:3 25:3 24:4
platelets 6 low 10*9/L | lln=150 | 75:1 74:2 50:2 49:3 10:3 9:4
hemoglobin 5 low g/L | lln=120 | 120:0 119:1 100:1 99:2 80:2 79:3 40:3
leukocytes 5 low 10*9/L | lln=4.0 | 4.0:0 3.9:1 3.0:1 2.9:2 2.0:2 1.9:3 1.0:3 0.9:4
lymphocytes 5 low 10*9/L | lln=1.0 | 1.0:0 0.9:1 0.8:1 0.79:2 0.5:2 0.49:3 0.2:3 0.19:4
potassium 5 high mmol/L | uln=5.1 | 5.1:0 5.2:1 5.5:1 5.6:2 6.0:2 6.1:3 7.0:3 7.1:4
potassium 5 low mmol/L | lln=3.5 | 3.5:0 3.4:1 3.0:1 2.9:3 2.5:3 2.4:4
potassium 5 low mmol/L | lln=3.5 symptomatic | 3.4:2 3.0:2 2.9:3
sodium 5 high mmol/L | uln=145 | 145:0 146:1 150:1 151:2 155:2 156:3 160:3 161:4
sodium 5 low mmol/L | lln=135 | 135:0 134:1 130:1 129.5:2 129:2 125:2 124.5:3 120:3 119:4
sodium 6 low mmol/L | lln=135 symptomatic | 130:1 129.5:3 125:3 124.9:3 120:3 119.9:4
corrected_calcium 5 high mmol/L | uln=2.6 | 2.6:0 2.61:1 2.9:1 2.91:2 3.1:2 3.11:3 3.4:3 3.41:4
corrected_calcium 5 low mmol/L | lln=2.15 | 2.15:0 2.14:1 2.0:1 1.99:2 1.75:2 1.74:3 1.5:3 1.49:4
ionized_calcium 5 low mmol/L | lln=1.15 | 1.15:0 1.14:1 1.0:1 0.99:2 0.9:2 0.89:3 0.8:3 0.79:4
ionized_calcium 5 high mmol/L | uln=1.32 | 1.32:0 1.33:1 1.5:1 1.51:2 1.6:2 1.61:3 1.8:3 1.81:4
magnesium 5 high mmol/L | uln=1.05 | 1.05:0 1.06:1 1.23:1 1.24:3 3.3:3 3.31:4
magnesium 5 low mmol/L | lln=0.7 | 0.7:0 0.69:1 0.5:1 0.49:2 0.4:2 0.39:3 0.3:3 0.29:4
glucose 5 low mmol/L | lln=3.9 | 3.9:0 3.8:1 3.0:1 2.9:2 2.2:2 2.1:3 1.7:3 1.6:4
glucose 5 low mg/dL | lln=70 | 70:0 69:1 55:1 54:2 40:2 39:3 30:3 29:4
glucose 6 high mmol/L | uln=6.0 fasting | 6.0:0 6.1:1 8.9:1 9.0:2 13.9:2 14.0:3 27.8:3 27.9:4
lipase 5 high U/L | uln=60 | 60:0 61:1 90:1 91:2 120:2 121:2 300:2 301:3
lipase 5 high U/L | uln=60 symptomatic | 90:1 91:2 120:2 121:3 300:3 301:4
lipase 6 high U/L | uln=60 symptomatic | 120:2 180:2 181:3 300:3 301:4
amylase 6 high U/L | uln=100 symptomatic | 150:1 151:2 200:2 201:3 500:3 501:4
ck 5 high U/L | uln=200 | 200:0 201:1 500:1 501:2 1000:2 1001:3 2000:3 2001:4
inr 5 high {INR} | | 1.2:0 1.3:1 1.5:1 1.6:2 2.5:2 2.6:3
inr 5 high {INR} | base=2.4 anticoagulated | 2.4:0 2.5:1 3.6:1 3.7:2 6.0:2 6.1:3
qtc 5 high ms | base=440 | 449:0 450:1 480:1 480.5:2 481:2 500:2 500.5:3 501:3
lvef 5 low % | base=60 | 51:0 50:2 40:3 39.5:3 20:3 19.9:4
lvef 5 low % | base=45 | 50:2 45:2 40:2 39.9:3
lvef 5 low % | base=65 | 56:0 55:2 46:2 45:3
cd4 5 low 10*9/L | lln=0.6 | 0.6:0 0.59:1 0.5:1 0.49:2 0.2:2 0.19:3 0.05:3 0.04:4
"""
"""Analyte, version, direction, unit | context | pairs."""


def parse(line: str) -> Row:
    what, context, pairs = (part.strip() for part in line.split("|"))
    analyte, version, direction, unit = what.split()
    return Row(analyte, int(version), direction, unit, context, pairs)


# What the catalogue does not hold, from the published text of each version.
TEXT = """
alt 4 high U/L | uln=40 base=60 | 40:0 40.1:1 120:1 120.1:2 200:2 200.1:3 800:3 800.1:4
alt 6 high U/L | uln=40 base=30 | 40:0 40.1:1 120:1 120.1:2 200:2 200.1:3 800:3 800.1:4
ast 4 high U/L | uln=40 | 40:0 40.1:1 120:1 120.1:2 200:2 200.1:3 800:3 800.1:4
ast 5 high U/L | uln=40 base=60 | 89.9:0 90:1 180:1 180.1:2 300:2 300.1:3 1200:3 1200.1:4
ast 6 high U/L | uln=40 base=60 | 59.9:0 60:1 90:1 90.1:2 120:2 120.1:3 240:3 240.1:4
ast 6 high U/L | uln=40 base=40 | 40:0 40.1:1 120:1 120.1:2 200:2 200.1:3 800:3 800.1:4
alp 4 high U/L | uln=120 | 120:0 120.1:1 300:1 300.1:2 600:2 600.1:3 2400:3 2400.1:4
alp 6 high U/L | uln=120 base=200 | 200:0 200.1:1 9000:1
alp 6 high U/L | uln=120 base=80 | 120:0 120.1:1
ggt 4 high U/L | uln=60 | 60:0 60.1:1 150:1 150.1:2 300:2 300.1:3 1200:3 1200.1:4
ggt 5 high U/L | uln=60 base=60 | 60:0 60.1:1 150:1 150.1:2 300:2 300.1:3 1200:3 1200.1:4
ggt 6 high U/L | uln=60 base=60 | 60:0 60.1:1 150:1 150.1:2 300:2 300.1:3 1200:3 1200.1:4
ggt 6 high U/L | uln=60 base=100 | 99:0 100:1 150:1 150.1:2 300:2 300.1:3 1000:3 1000.1:4
bilirubin 4 high mg/dL | uln=1.2 | 1.2:0 1.21:1 1.8:1 1.81:2 3.6:2 3.61:3 12:3 12.1:4
bilirubin 6 high mg/dL | uln=1.2 base=1.2 | 1.2:0 1.21:1 1.8:1 1.81:2 3.6:2 3.61:3 12:3 12.1:4
bilirubin 6 high mg/dL | uln=1.2 base=2 | 1.99:0 2:1 3:1 3.01:2 5:2 5.01:3 20:3 20.1:4
ldh 5 high U/L | uln=250 | 250:0 250.1:1
albumin 5 low g/dL | lln=3.5 | 3.5:0 3.49:1 3.0:1 2.99:2 2.0:2 1.99:3
creatinine 4 high umol/L | uln=100 base=60 | 60:0 60.1:1 90:1 90.1:2 180:2 180.1:3 600:3 600.1:4
creatinine 4 high umol/L | uln=100 base=120 | 100:0 100.1:1 150:1 150.1:2 300:2 300.1:3
creatinine 6 high umol/L | uln=100 lln=50 base=50 | 100:0 100.1:1 150:1 150.1:2 300:2 300.1:3
creatinine 6 high umol/L | uln=100 lln=50 base=40 | 60:0 60.1:2 120:2 120.1:3 600:3 600.1:4
creatinine_clearance 6 low mL/min | | 50:0 49.9:2 49:2 26:2 25.9:3 25:3 10:3
hemoglobin 5 low mmol/L | lln=7.5 | 7.5:0 7.4:1 6.2:1 6.1:2 4.9:2 4.8:3
hemoglobin 4 high g/L | uln=170 base=180 | 180:0 180.1:1 200:1 200.1:2 220:2 220.1:3
hemoglobin 4 high g/L | uln=170 base=160 | 170:0 170.1:1 190:1 190.1:2 210:2 210.1:3
hemoglobin 5 high g/L | uln=170 base=180 | 170:0 170.1:1 190:1 190.1:2 210:2 210.1:3
leukocytes 5 high 10*9/L | | 100:0 100.1:3
lymphocytes 6 high 10*9/L | | 4:0 4.1:2 20:2 20.1:3
inr 4 high {INR} | uln=1.2 | 1.2:0 1.21:1 1.8:1 1.81:2 3.0:2 3.01:3
inr 4 high {INR} | uln=1.2 base=2 anticoagulated | 2:0 2.1:1 3:1 3.1:2 5:2 5.1:3
aptt 5 high s | uln=40 | 40:0 40.1:1 60:1 60.1:2 100:2 100.1:3
haptoglobin 5 low g/L | lln=0.3 | 0.3:0 0.29:1
sodium 4 low mmol/L | lln=135 | 135:0 134:1 130:1 129.9:3 120:3 119.9:4
platelets 6 low 10*9/L | lln=150 | 150:0 149:1
potassium 6 low mmol/L | lln=3.5 symptomatic | 3.5:0 3.4:2
corrected_calcium 5 high mg/dL | uln=10.5 | 10.5:0 10.6:1 11.5:1 11.6:2 12.5:2 12.6:3 13.5:3 13.6:4
corrected_calcium 5 low mg/dL | lln=8.6 | 8.6:0 8.5:1 8.0:1 7.9:2 7.0:2 6.9:3 6.0:3 5.9:4
ionized_calcium 5 high mg/dL | uln=5.3 | 5.3:0 5.4:1 6.0:1 6.1:2 6.4:2 6.5:3 7.2:3 7.3:4
ionized_calcium 5 low mg/dL | lln=4.6 | 4.6:0 4.5:1 4.0:1 3.9:2 3.6:2 3.5:3 3.2:3 3.1:4
magnesium 5 high mg/dL | uln=2.6 | 2.6:0 2.7:1 3.0:1 3.1:3 8.0:3 8.1:4
magnesium 5 low mg/dL | lln=1.7 | 1.7:0 1.6:1 1.2:1 1.1:2 0.9:2 0.8:3 0.7:3 0.6:4
phosphate 4 low mmol/L | lln=0.9 | 0.9:0 0.89:1 0.8:1 0.79:2 0.6:2 0.59:3 0.3:3 0.29:4
phosphate 4 low mg/dL | lln=2.7 | 2.7:0 2.6:1 2.5:1 2.4:2 2.0:2 1.9:3 1.0:3 0.9:4
glucose 6 high mg/dL | uln=100 fasting | 100:0 101:1 160:1 161:2 250:2 251:3 500:3 501:4
glucose 4 high mg/dL | | 250:0 251:3 500:3 501:4
glucose 6 high mmol/L | | 13.9:0 14:3 27.8:3 27.9:4
cholesterol 5 high mmol/L | uln=5 | 5:0 5.1:1 7.75:1 7.76:2 10.34:2 10.35:3 12.92:3 12.93:4
cholesterol 5 high mg/dL | uln=200 | 200:0 201:1 300:1 301:2 400:2 401:3 500:3 501:4
triglycerides 5 high mmol/L | | 1.70:0 1.71:1 3.42:1 3.43:2 5.7:2 5.71:3 11.4:3 11.41:4
triglycerides 5 high mg/dL | | 149:0 150:1 300:1 301:2 500:2 501:3 1000:3 1001:4
ldl 6 high mg/dL | uln=130 | 130:0 131:1
hdl 6 low mg/dL | lln=40 | 40:0 39:1
urate 4 high umol/L | uln=420 | 420:0 421:1 590:1 591:4
urate 4 high mmol/L | uln=0.42 | 0.42:0 0.43:1 0.59:1 0.60:4
urate 4 high mg/dL | uln=7 symptomatic | 7:0 7.1:3 10:3 10.1:4
urate 4 high mmol/L | uln=0.42 symptomatic | 0.42:0 0.43:3
urate 4 high umol/L | uln=420 symptomatic | 420:0 421:3
urate 4 high mg/dL | uln=7 | 7:0 7.1:1 10:1
urate 5 high mg/dL | uln=7 | 7:0 7.1:1 20:1
urate 5 high mg/dL | uln=7 symptomatic | 7:0 7.1:3
blood_ph 5 low [pH] | lln=7.35 | 7.35:0 7.34:1 7.3:1 7.29:3
blood_ph 5 high [pH] | uln=7.45 | 7.45:0 7.46:1 7.5:1 7.51:3
lipase 4 high U/L | uln=60 | 60:0 61:1 90:1 91:2 120:2 121:3 300:3 301:4
lipase 6 high U/L | uln=60 | 60:0 61:1 90:1 91:2 300:2 301:3
amylase 4 high U/L | uln=100 | 100:0 101:1 150:1 151:2 200:2 201:3 500:3 501:4
amylase 5 high U/L | uln=100 | 100:0 101:1 150:1 151:2 500:2 501:3
qtc 6 high ms | base=400 | 449:0 450:1 460:1 461:3
lvef 6 low % | base=60 | 50:0 49.9:2 40:2 39.9:3
lvef 6 low % | base=55 | 46:0 45.1:0 45:2
"""

ROWS = [parse(line) for line in (TABLE + TEXT).splitlines() if line]
BOUNDARIES = [(row, *pair.split(":")) for row in ROWS for pair in row.pairs.split()]


@pytest.mark.parametrize(("row", "value", "expected"), BOUNDARIES)
def test_every_boundary_of_the_catalogue(row: Row, value: str, expected: str) -> None:
    verdict = row.verdict(value)
    assert (verdict.grade, verdict.reason, verdict.version) == (int(expected), None, row.version)


@pytest.mark.parametrize("row", ROWS)
def test_a_worse_value_never_has_a_milder_grade(row: Row) -> None:
    pairs = [pair.split(":") for pair in row.pairs.split()]
    ordered = sorted(pairs, key=lambda pair: Decimal(pair[0]), reverse=row.direction == "low")
    grades = [row.verdict(value).grade or 0 for value, _ in ordered]
    assert grades == sorted(grades)


# fmt: off
CASES = (
    # id, row, grade expected (None: not gradable)
    ("B1-1", Row("alt", 5, "high", "U/L", "uln=40 base=30", "120:1")),
    ("B1-3", Row("alt", 5, "high", "U/L", "uln=40 base=30", "201:3")),
    ("B1-4", Row("alt", 5, "high", "U/L", "uln=40 base=60", "90:1")),
    ("B1-9", Row("neutrophils", 5, "low", "10*9/L", "lln=2.0", "0.5:3")),
    ("B1-10", Row("neutrophils", 5, "low", "10*9/L", "lln=2.0", "0.49:4")),
    ("B1-11", Row("neutrophils", 6, "low", "10*9/L", "lln=2.0", "0.49:3")),
    ("B1-12", Row("neutrophils", 5, "low", "/uL", "lln=2000", "490:4")),
    ("B1-13", Row("neutrophils", 5, "low", "10*9/L", "", "1.6:None")),
    ("B1-14", Row("neutrophils", 5, "low", "10*9/L", "", "1.4:2")),
    ("B1-15", Row("platelets", 5, "low", "10*9/L", "lln=150", "25:3")),
    ("B1-16", Row("platelets", 5, "low", "10*9/L", "lln=150", "24.9:4")),
    ("B1-17", Row("platelets", 6, "low", "10*9/L", "lln=150", "24.9:3")),
    ("B1-18", Row("hemoglobin", 5, "low", "g/dL", "lln=12", "8.0:2")),
    ("B1-20", Row("creatinine", 5, "high", "mg/dL", "uln=1.2 base=1.2", "1.8:1")),
    ("B1-21", Row("bilirubin", 5, "high", "umol/L", "uln=20 base=10", "60:2")),
    ("B1-23", Row("potassium", 5, "low", "mmol/L", "uln=5.1 lln=3.5", "3.0:1")),
    ("B1-24", Row("potassium", 5, "low", "mmol/L", "uln=5.1 lln=3.5", "2.9:3")),
    ("B1-26", Row("sodium", 5, "low", "mmol/L", "uln=145 lln=135 symptomatic", "127:3")),
    ("B1-28", Row("lipase", 5, "high", "U/L", "uln=60", "150:2")),
    ("B1-29", Row("lipase", 5, "high", "U/L", "uln=60 symptomatic", "150:3")),
    ("B1-30", Row("lipase", 6, "high", "U/L", "uln=60 symptomatic", "150:2")),
    ("B1-31", Row("inr", 5, "high", "{INR}", "", "1.2:0")),
    ("B1-32", Row("qtc", 5, "high", "ms", "base=450", "500:2")),
    ("B1-34", Row("lvef", 5, "low", "%", "base=55", "50:2")),
    ("B1-35", Row("lvef", 5, "low", "%", "base=75", "55:3")),
    ("B1-37", Row("lymphocytes", 5, "low", "10*9/L", "lln=1.0", "0.49:3")),
)
# fmt: on


@pytest.mark.parametrize(("name", "row"), CASES)
def test_the_cases_of_the_catalogue(name: str, row: Row) -> None:
    value, _, expected = row.pairs.partition(":")
    assert str(row.verdict(value).grade) == expected, name


# fmt: off
UNKNOWN = (
    # row (pairs = value:at_least), comparator, reason
    (Row("alt", 5, "high", "U/L", "", "410:0"), None, "no upper limit of normal"),
    (Row("alt", 5, "high", "U/L", "uln=0", "410:0"), None, "no upper limit of normal"),
    (Row("platelets", 5, "low", "10*9/L", "", "90:0"), None, "no lower limit of normal"),
    (Row("platelets", 5, "low", None, "lln=150", "20:0"), None, "no unit"),
    (Row("platelets", 5, "low", "mg/dL", "lln=150", "20:0"), None, "unit not of the table"),
    (Row("glucose", 5, "low", "g/L", "lln=1", "0.3:0"), None, "unit not of the table"),
    (Row("calcium", 5, "low", "mg/dL", "lln=8.6", "7.2:0"), None,
     "calcium not corrected for albumin"),
    (Row("creatinine", 5, "high", "mg/dL", "uln=1.2", "2.4:2"), None, "no baseline"),
    (Row("creatinine", 5, "high", "mg/dL", "uln=1.2", "1.1:0"), None, "no baseline"),
    (Row("creatinine", 5, "high", "mg/dL", "uln=1.2 base=0", "2.4:2"), None, "no baseline"),
    (Row("lvef", 5, "low", "%", "", "45:2"), None, "no baseline"),
    (Row("qtc", 5, "high", "ms", "", "430:0"), None, "no baseline"),
    (Row("inr", 5, "high", "{INR}", "anticoagulated", "3.1:0"), None, "no baseline"),
    (Row("alp", 6, "high", "U/L", "uln=120", "300:0"), None, "no baseline"),
    (Row("neutrophils", 5, "low", "10*9/L", "lln=2.0", "1.2:2"), "<", "censored across a limit"),
    (Row("alt", 5, "high", "U/L", "uln=40", "500:3"), ">", "censored across a limit"),
    (Row("alt", 5, "high", "U/L", "uln=40", "40:0"), "<=", None),
    (Row("alt", 5, "high", "U/L", "uln=40", "800:4"), ">", None),
    (Row("alt", 5, "high", "U/L", "uln=40", "800:3"), ">=", "censored across a limit"),
    (Row("neutrophils", 5, "low", "10*9/L", "lln=2.0", "0.5:4"), "<", None),
    (Row("neutrophils", 5, "low", "10*9/L", "lln=2.0", "0.5:3"), "<=", "censored across a limit"),
    (Row("neutrophils", 5, "low", "10*9/L", "lln=2.0", "0.1:4"), "<", None),
    # No baseline, and yet certain: nothing that the baseline could tell would be worse.
    (Row("creatinine", 5, "high", "mg/dL", "uln=1.2", "4.8:3"), None, None),
    (Row("creatinine", 5, "high", "mg/dL", "uln=1.2", "7.3:4"), None, None),
    (Row("lvef", 5, "low", "%", "", "39.5:3"), None, None),
    (Row("qtc", 5, "high", "ms", "", "501:3"), None, None),
    (Row("alp", 6, "high", "U/L", "uln=120", "120:0"), None, None),
    (Row("creatinine", 6, "high", "mg/dL", "uln=1.2", "1.2:0"), None, None),
)
# fmt: on


@pytest.mark.parametrize(("row", "comparator", "reason"), UNKNOWN)
def test_what_cannot_be_told_has_a_reason_and_a_floor(
    row: Row, comparator: str | None, reason: str | None
) -> None:
    value, _, at_least = row.pairs.partition(":")
    verdict = row.verdict(value, comparator)
    assert (verdict.reason, verdict.at_least) == (reason, int(at_least))
    assert verdict.grade == (int(at_least) if reason is None else None)


def lab(value: str, unit: str | None, low: str | None = None, high: str | None = None) -> LabValue:
    limits = [Decimal(limit) if limit else None for limit in (low, high)]
    return LabValue(Decimal(value), unit, None, *limits)


@pytest.mark.parametrize(("own_limit", "expected"), [("50", 0), ("70", 1)])
def test_a_baseline_is_abnormal_by_the_range_of_its_own_sample(
    own_limit: str, expected: int
) -> None:
    """89 is below 1.5 times the baseline of 60, but above the upper limit of 40."""
    baseline = lab("60", "U/L", high=own_limit)
    (verdict,) = grade("alt", lab("89", "U/L", high="40"), version=5, baseline=baseline)
    assert verdict.grade == expected


def test_a_baseline_without_its_range_is_not_called_normal() -> None:
    (verdict,) = grade("alt", lab("130", "U/L", high="40"), version=5, baseline=lab("60", "U/L"))
    assert (verdict.grade, verdict.reason) == (None, "baseline without its own limit of normal")


def test_an_abnormal_baseline_grades_a_value_whose_own_range_is_missing() -> None:
    baseline = lab("60", "U/L", high="40")
    (verdict,) = grade("alt", lab("301", "U/L"), version=5, baseline=baseline)
    assert verdict.grade == 3


def test_a_baseline_in_another_unit_is_not_compared() -> None:
    baseline = lab("80", "umol/L", high="100")
    (verdict,) = grade("creatinine", lab("1.1", "mg/dL", high="1.2"), version=5, baseline=baseline)
    assert (verdict.grade, verdict.reason) == (None, "baseline in another unit")


def test_the_scale_of_a_baseline_is_carried_along_exactly() -> None:
    baseline = lab("18.5", "g/dL", high="17.5")
    verdicts = grade("hemoglobin", lab("205.1", "g/L", high="175"), version=4, baseline=baseline)
    assert [v.grade for v in verdicts if v.term == "Hemoglobin increased"] == [2]


def test_only_a_baseline_below_the_lower_limit_counts_for_creatinine_in_version_6() -> None:
    result = lab("1.0", "mg/dL", "0.6", "1.2")
    for base, expected in (("0.5", 2), ("0.6", 0)):
        baseline = lab(base, "mg/dL", "0.6", "1.2")
        (verdict,) = grade("creatinine", result, version=6, baseline=baseline)
        assert verdict.grade == expected


def test_one_number_in_two_units_is_graded_by_two_functions() -> None:
    """54.5 mg/dL is 3.03 mmol/L, but each column has its own limits: never convert first."""
    (milligrams,) = grade("glucose", lab("54.5", "mg/dL", "70"), version=5)
    (millimoles,) = grade("glucose", lab("3.03", "mmol/L", "3.9"), version=5)
    assert (milligrams.grade, millimoles.grade) == (2, 1)


@pytest.mark.parametrize("version", sorted(VERSIONS))
@pytest.mark.parametrize(
    ("unit", "values"),
    [
        ("mmol/L", "1.6 1.7 2.2 3.0 3.9 4 6 6.1 8.9 13.9 27.8 27.9"),
        ("mg/dL", "29 30 40 55 69 70 100 101 160 250 500 501"),
    ],
)
def test_fasting_glucose_is_glucose_known_to_be_fasting(
    version: int, unit: str, values: str
) -> None:
    low, high = ("4", "6") if unit == "mmol/L" else ("70", "100")
    for value in values.split():
        result = lab(value, unit, low, high)
        known = grade("glucose", result, version=version, fasting=True)
        assert grade("glucose_fasting", result, version=version) == known


def test_plain_calcium_is_never_graded() -> None:
    assert {v.grade for v in grade("calcium", lab("1", "mmol/L", "2.1", "2.6"), version=5)} == {
        None
    }
    assert "calcium" not in graded_analytes(5)
    assert {"corrected_calcium", "ionized_calcium"} <= graded_analytes(5)


def test_potassium_has_a_verdict_on_either_side() -> None:
    verdicts = grade("potassium", lab("6.4", "meq/L", "3.5", "5.1"), version=5)
    assert [(v.term, v.code, v.grade) for v in verdicts] == [
        ("Hyperkalemia", "10020647", 3),
        ("Hypokalemia", "10021018", 0),
    ]


def test_terms_come_and_go_with_the_version() -> None:
    def terms(analyte: str, version: int) -> list[str]:
        return [v.term for v in grade(analyte, lab("1", None), version=version)]

    assert terms("platelets", 5) == ["Platelet count decreased"]
    assert terms("platelets", 6) == ["Thrombocytopenia"]
    assert terms("lvef", 5) == ["Ejection fraction decreased"]
    assert terms("lvef", 6) == ["Left ventricular dysfunction"]
    assert terms("lymphocytes", 6) == ["Lymphocyte count increased"]
    assert terms("glucose", 5) == ["Hypoglycemia"]
    assert terms("phosphate", 4) == ["Hypophosphatemia"]
    assert terms("phosphate", 5) == terms("hiv_rna", 5) == []


def test_which_analytes_have_numbers_in_which_version() -> None:
    four, five, six = (graded_analytes(version) for version in (4, 5, 6))
    assert len(four & five & six) == 31
    assert four - five == {"phosphate"}
    assert five - four == {"ldh", "qtc"}
    assert five - six == {"ck"}
    assert six - five == {"creatinine_clearance", "hdl", "ldl"}


@pytest.mark.parametrize("version", [3, 7])
def test_there_is_no_table_for_another_version(version: int) -> None:
    with pytest.raises(ValueError, match="version"):
        grade("alt", lab("1", "U/L"), version=version)
    with pytest.raises(ValueError, match="version"):
        graded_analytes(version)


def test_an_unknown_comparator_is_refused_without_the_value() -> None:
    value = replace(lab("7654321", "U/L", high="40"), comparator="~")
    with pytest.raises(ValueError, match="comparator") as error:
        grade("alt", value, version=5)
    assert "7654321" not in str(error.value)


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
    baseline = replace(plain, value=base)
    less = grade(analyte, plain, version=version, baseline=baseline, **flags)
    raised = replace(plain, value=max(values))
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
        baseline = replace(result, value=base * by)
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
    baseline = replace(exact, value=high * 3 / 4)
    censored = replace(exact, value=limit, comparator=comparator)
    told = grade(analyte, censored, version=version, baseline=baseline)
    truth = grade(analyte, exact, version=version, baseline=baseline)
    for guess, real in zip(told, truth, strict=True):
        assert guess.at_least <= real.at_least
        assert guess.grade in (None, real.grade)


def table(limits: str, **changes: str) -> str:
    lines = {"name": '"T"', "meddra": '"1"', "analyte": '"a"', "direction": '"high"', **changes}
    text = "".join(f"{key} = {value}\n" for key, value in lines.items())
    return f"name = 't'\n[[term]]\nversions = [5]\n{text}{limits}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (table('grades.any = ["> uln", "> 2uln", "-", "-"]'), "cannot read the limit"),
        (table('grades.any = ["> uln", "-", "-"]'), "each of the grades 1 to 4"),
        (table('grades.any = [">", "-", "-", "-"]'), "cannot read the limit"),
        (table('grades.any = ["> uln if tired", "-", "-", "-"]'), "unknown condition"),
        (table('grades.any = ["> 3", "-", "-", "-"]'), "needs a unit"),
        (table('grades.any = ["> uln + 3", "-", "-", "-"]'), "needs a unit"),
        (table('grades.any = ["-", "-", "-", "-"]', direction='"up"'), "high or low"),
        (table(""), "either grades or not_graded"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^T.*{reason}"):
        parse_table(text)
