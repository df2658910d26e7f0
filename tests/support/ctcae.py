"""Rows of the CTCAE tables: every boundary of the catalogue, its cases, and what is unknown.

The rows are those of the rule catalogue (TOX-CTC-GRADE and its boundary supplement), and from the
published text both sides of every other limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from schemas.terminology.ctcae import Graded, LabValue, grade


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
        base = plain._replace(value=numbers["base"]) if "base" in numbers else None
        result = plain._replace(value=Decimal(value), comparator=comparator)
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


def lab(value: str, unit: str | None, low: str | None = None, high: str | None = None) -> LabValue:
    limits = [Decimal(limit) if limit else None for limit in (low, high)]
    return LabValue(Decimal(value), unit, None, *limits)
