"""DAIDS 2.1 grades of adults against the catalogue and admiral's test cases."""

from __future__ import annotations

import csv
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
import yaml

from schemas.terminology.daids import Graded, LabValue, grade

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).resolve().parents[3] / "shared"
CASES = SHARED / "data" / "ctcae_grade_cases" / "cases.csv"
CATALOGUE = SHARED / "catalogue" / "infectious-and-toxicity.md"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the data in ../shared is not here")

Sex = Literal["female", "male"]
SEXES: dict[str, Sex] = {"F": "female", "M": "male"}
NAMES = {"anc": "neutrophils", "hgb": "hemoglobin", "creat": "creatinine", "k": "potassium"}

TERMS = {
    "ALT, High": "alt",
    "Absolute Neutrophil Count (ANC), Low": "neutrophils",
    "Albumin, Low": "albumin",
    "Alkaline Phosphatase, High": "alp",
    "Amylase, High": "amylase",
    "Calcium (Ionized), High": "ionized_calcium",
    "Calcium, High": "corrected_calcium",
    "Calcium, Low": "corrected_calcium",
    "Creatine Kinase, High": "ck",
    "Creatinine, High": "creatinine",
    "Glucose Fasting, High": "glucose",
    "Glucose, Low": "glucose",
    "Hemoglobin, Low": "hemoglobin",
    "Magnesium, Low": "magnesium",
    "PTT, High": "aptt",
    "Phosphate, Low": "phosphate",
    "Platelets, Decreased": "platelets",
    "Potassium, High": "potassium",
    "Sodium, High": "sodium",
    "Sodium, Low": "sodium",
    "Uric Acid, High": "urate",
}

# Age in days (13 and 15 years among them) from which the rows that we hold (adults') apply.
ADULT_ROW = {"Hemoglobin, Low": 4748, "Phosphate, Low": 5479, "Glucose, Low": 30}
ADULT_ROW |= {"Absolute Neutrophil Count (ANC), Low": 8, "Calcium, High": 7, "Calcium, Low": 7}

DIFFERENT = {
    "CT04194": (None, "4"),  # magnesium in mg/dL, which admiral converts and DAIDS does not have
    "CT04195": (None, "3"),
    "CT04196": (None, "3"),
    "CT04197": (None, "2"),
    "CT04198": (None, "2"),
    "CT04199": (None, "1"),
    "CT04200": (None, "1"),
    "CT04201": (None, "0"),
    "CT04698": (0, ""),  # hemoglobin 110 g/L of unknown sex: no grade for either sex
    "CT04710": (0, ""),
}


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def pick(verdicts: tuple[Graded, ...], direction: str) -> Graded:
    (found,) = (verdict for verdict in verdicts if verdict.direction == direction)
    return found


def admiral_cases() -> Iterator[dict[str, str]]:
    """Every case that has a value, of a term we hold, in somebody whom an adult's row covers."""
    with CASES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["scale"] == "DAIDS2.1" and row["term"] in TERMS and row["value"]:
                needed = ADULT_ROW.get(row["term"], 0)
                if not needed or (age_in_days(row) or 0) >= needed:
                    yield row


def age_in_days(row: dict[str, str]) -> int | None:
    if not (row["birth_date"] and row["sample_date"]):
        return None
    return (date.fromisoformat(row["sample_date"]) - date.fromisoformat(row["birth_date"])).days


def our_grade(row: dict[str, str]) -> int | None:
    unit = row["unit"] or None
    limits = number(row["lln"]), number(row["uln"])
    base = LabValue(Decimal(row["baseline"]), unit, None, *limits) if row["baseline"] else None
    verdicts = grade(
        TERMS[row["term"]],
        LabValue(Decimal(row["value"]), unit, None, *limits),
        sex=SEXES.get(row["sex"]),
        baseline=base,
        fasting="Fasting" in row["term"],
    )
    return pick(verdicts, {"H": "high", "L": "low"}[row["direction"]]).grade


def test_every_adult_case_of_admiral_but_the_listed_ones() -> None:
    found, compared = {}, 0
    for row in admiral_cases():
        compared += 1
        ours, theirs = our_grade(row), row["expected_grade"]
        if ours != (int(theirs) if theirs else None):
            found[row["case_id"]] = (ours, theirs)
    assert found == DIFFERENT
    assert compared == 284


def test_the_grade_tables_of_the_catalogue() -> None:
    text = CATALOGUE.read_text(encoding="utf-8")
    compared = 0
    for block in re.findall(r"^```yaml\n(grade_tables:.*?)^```", text, re.DOTALL | re.MULTILINE):
        rows = yaml.load(block, yaml.BaseLoader)["grade_tables"]  # noqa: S506  (text only)
        for row in (row for row in rows if "daids" in row):
            context, term = row["ctx"], row.get("term", "")
            side = "high" if "High" in term else "low"
            limits = None, number(context.get("uln", ""))
            for value, expected in row["pairs"]:
                compared += 1
                base = context.get("base")
                verdicts = grade(
                    NAMES.get(row["k"], row["k"]),
                    LabValue(Decimal(value), row["u"], None, *limits),
                    sex=SEXES.get(context.get("sex", "")),
                    baseline=LabValue(Decimal(base), row["u"], None, *limits) if base else None,
                )
                assert pick(verdicts, side).grade == int(expected), (row["k"], value)
    assert compared == 64
