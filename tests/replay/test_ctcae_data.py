"""CTCAE grades against published answers: the catalogue, admiral's test cases and two data sets.

admiral assumes the worst where CTCAE asks for symptoms or an anticoagulant; we ask. Each of its
cases is therefore graded twice: as a caller without that knowledge would (differences are listed
with their reasons), and as if what admiral assumes had been documented (none may be left).
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from schemas.terminology.ctcae import Graded, LabValue, grade, graded_analytes

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).resolve().parents[3] / "shared"
CASES = SHARED / "data" / "ctcae_grade_cases" / "cases.csv"
CATALOGUE = SHARED / "catalogue" / "infectious-and-toxicity.md"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the data in ../shared is not here")

Row = dict[str, str]


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def pick(verdicts: tuple[Graded, ...], **wanted: str) -> Graded | None:
    """The one verdict with these attributes, in any letter case."""
    found = [
        verdict
        for verdict in verdicts
        if all(getattr(verdict, k).lower() == v.lower() for k, v in wanted.items())
    ]
    assert len(found) <= 1
    return found[0] if found else None


# --- The catalogue -----------------------------------------------------------------------------

NAMES = {
    "bili": "bilirubin",
    "creat": "creatinine",
    "anc": "neutrophils",
    "plt": "platelets",
    "hgb": "hemoglobin",
    "wbc": "leukocytes",
    "lym": "lymphocytes",
    "k": "potassium",
    "na": "sodium",
    "ca": "corrected_calcium",
    "ica": "ionized_calcium",
    "mg": "magnesium",
    "glu": "glucose",
    "glu_fast": "glucose",
}
RISING = {"alt", "ast", "alp", "ggt", "bili", "creat", "lipase", "amylase", "ck", "inr", "qtc"}


def catalogue_blocks(start: str) -> Iterator[Any]:
    text = CATALOGUE.read_text(encoding="utf-8")
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if block.startswith(start):
            yield yaml.load(block, yaml.BaseLoader)  # noqa: S506  (builds nothing but text)


def catalogue_grade(key: str, value: str, unit: str, context: Row) -> int | None:
    short, side = re.sub("_(hi|lo)$", "", key), "low"
    if key.endswith("_hi") or short in RISING:
        side = "high"
    limits = number(context.get("lln", "")), number(context.get("uln", ""))
    base = LabValue(Decimal(context["base"]), unit, None, *limits) if "base" in context else None
    verdicts = grade(
        NAMES.get(short, short),
        LabValue(Decimal(value), unit, None, *limits),
        version=int(context["ver"]),
        baseline=base,
        symptomatic="symptomatic" in context,
        anticoagulated="anticoagulant" in context,
        fasting="fast" in short,
    )
    verdict = pick(verdicts, direction=side)
    assert verdict is not None
    return verdict.grade


def test_the_grade_tables_of_the_catalogue() -> None:
    compared = 0
    for block in catalogue_blocks("grade_tables:"):
        for row in block["grade_tables"]:
            if "daids" in row:
                continue
            context = {**row["ctx"], "ver": row["ver"]}
            for value, expected in row["pairs"]:
                compared += 1
                found = catalogue_grade(row["k"], value, row["u"], context)
                assert found == int(expected), (row["k"], row["ver"], value)
    assert compared == 338


def test_the_cases_of_the_catalogue() -> None:
    (block,) = catalogue_blocks("rule: TOX-CTC-GRADE")
    for case in block["cases"]:
        (observation,) = case["obs"]
        (key,) = observation.keys() - {"t", "unit"}
        wide = {"k": "k_lo", "na": "na_lo"}  # the direction that the case is about
        found = catalogue_grade(
            wide.get(key, key), observation[key], observation["unit"], case["ctx"]
        )
        expected = case["expect"]["grade"]
        assert found == (None if expected == "null" else int(expected)), case["id"]
    assert len(block["cases"]) == 26


# --- admiral -----------------------------------------------------------------------------------

TERMS = {
    "Anemia": "hemoglobin",
    "Leukocytosis": "leukocytes",
    "Thrombocytopenia": "platelets",
    "Activated partial thromboplastin time prolonged": "aptt",
    "Alanine aminotransferase increased": "alt",
    "Alkaline phosphatase increased": "alp",
    "Aspartate aminotransferase increased": "ast",
    "Blood bilirubin increased": "bilirubin",
    "Blood lactate dehydrogenase increased": "ldh",
    "CD4 lymphocytes decreased": "cd4",
    "Cholesterol high": "cholesterol",
    "CPK increased": "ck",
    "Creatinine increased": "creatinine",
    "GGT increased": "ggt",
    "Haptoglobin decreased": "haptoglobin",
    "HDL decreased": "hdl",
    "LDL increased": "ldl",
    "Hemoglobin increased": "hemoglobin",
    "INR increased": "inr",
    "Lipase increased": "lipase",
    "Lymphocyte count decreased": "lymphocytes",
    "Lymphocyte count increased": "lymphocytes",
    "Neutrophil count decreased": "neutrophils",
    "Platelet count decreased": "platelets",
    "Serum amylase increased": "amylase",
    "White blood cell decreased": "leukocytes",
    "Acidosis": "blood_ph",
    "Alkalosis": "blood_ph",
    "Hypercalcemia": "corrected_calcium",
    "Hypercalcemia (Ionized)": "ionized_calcium",
    "Hyperglycemia": "glucose",
    "Hyperglycemia (Fasting)": "glucose",
    "Hyperkalemia": "potassium",
    "Hypermagnesemia": "magnesium",
    "Hypernatremia": "sodium",
    "Hypertriglyceridemia": "triglycerides",
    "Hyperuricemia": "urate",
    "Hypoalbuminemia": "albumin",
    "Hypocalcemia": "corrected_calcium",
    "Hypocalcemia (Ionized)": "ionized_calcium",
    "Hypoglycemia": "glucose",
    "Hypokalemia": "potassium",
    "Hypomagnesemia": "magnesium",
    "Hyponatremia": "sodium",
    "Hypophosphatemia": "phosphate",
}
BY_LOWER = {term.lower(): (term, analyte) for term, analyte in TERMS.items()}

# admiral compares units without regard to case; in UCUM G/L and Mmol/L mean something else, and it
# is for the reader of a message to see through them: here they are as that reader hands them on.
UCUM = {"G/L": "g/L", "Mmol/L": "mmol/L", "10^9/l": "10^9/L"}


def admiral_cases() -> Iterator[tuple[Row, int, str]]:
    """Every CTCAE case that has a value, with its version and our analyte."""
    with CASES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            known = BY_LOWER.get(row["term"].lower())
            if row["scale"].startswith("CTCAEv") and known and row["value"]:
                yield row, int(row["scale"][-1]), known[1]


def admiral_baseline(row: Row, unit: str | None) -> LabValue | None:
    """Give the baseline the limit that admiral only says it passed."""
    if not row["baseline"]:
        return None
    limits = {"low": number(row["lln"]), "high": number(row["uln"])}
    base, side = Decimal(row["baseline"]), row["baseline_indicator"]
    if side:
        # HIGH, HIGH HIGH, LOW, NORMAL
        limits["high"] = base - 1 if "HIGH" in side else base
        limits["low"] = base + 1 if side == "LOW" else base
    return LabValue(base, unit, None, limits["low"], limits["high"])


def our_verdict(row: Row, version: int, analyte: str, **flags: bool) -> Graded:
    unit = UCUM.get(row["unit"], row["unit"]) or None
    result = LabValue(Decimal(row["value"]), unit, None, number(row["lln"]), number(row["uln"]))
    baseline = admiral_baseline(row, unit)
    flags["fasting"] = "fasting" in row["term"].lower()
    verdicts = grade(analyte, result, version=version, baseline=baseline, **flags)
    term = re.sub(r" \((ionized|fasting)\)$", "", row["term"].lower())
    verdict = pick(verdicts, term=term, direction={"H": "high", "L": "low"}[row["direction"]])
    assert verdict is not None, (row["case_id"], row["term"], version)
    return verdict


def worst_assumed(row: Row, version: int, analyte: str) -> int | None:
    """The grade with symptoms, and the worse one of with and without an anticoagulant."""
    grades = [
        our_verdict(row, version, analyte, symptomatic=True, anticoagulated=anticoagulated).grade
        for anticoagulated in (False, True)
    ]
    known = [grade for grade in grades if grade is not None]
    return max(known) if len(known) == len(grades) else None


def differences(*, assumed: bool) -> tuple[dict[str, tuple[int | None, str]], int]:
    """Case -> (our grade, admiral's), and how many cases were compared."""
    found, compared = {}, 0
    for row, version, analyte in admiral_cases():
        ours = (
            worst_assumed(row, version, analyte)
            if assumed
            else our_verdict(row, version, analyte).grade
        )
        compared += 1
        if ours != (int(row["expected_grade"]) if row["expected_grade"] else None):
            found[row["case_id"]] = (ours, row["expected_grade"])
    return found, compared


# Case -> (ours, admiral's), by reason. Ours first asked without symptoms or an anticoagulant.
NO_SYMPTOMS = {
    "CT01140": (3, "4"),  # lipase, v5
    "CT01141": (2, "3"),
    "CT01142": (2, "3"),
    "CT01152": (3, "4"),  # lipase, v6
    "CT01153": (2, "3"),
    "CT01154": (2, "3"),
    "CT01716": (3, "4"),  # amylase, v5
    "CT01717": (2, "3"),
    "CT01718": (2, "3"),
    "CT01728": (3, "4"),
    "CT01729": (2, "3"),
    "CT01730": (2, "3"),
    "CT02656": (1, "3"),  # urate, v6: physiologic consequences
    "CT02657": (1, "3"),
    "CT02666": (1, "3"),
    "CT02667": (1, "3"),
    "CT02676": (1, "3"),  # urate, v4
    "CT02677": (1, "3"),
    "CT02686": (1, "3"),
    "CT02687": (1, "3"),
    "CT03161": (1, "2"),  # potassium from 3.0 to the lower limit, v4
    "CT03162": (1, "2"),
    "CT03177": (1, "2"),
    "CT03178": (1, "2"),
    "CT03209": (1, "2"),  # v5
    "CT03210": (1, "2"),
    "CT03225": (1, "2"),  # v6
    "CT03226": (1, "2"),
    "CT03408": (2, "3"),  # sodium 129, v5
    "CT03414": (2, "3"),
    "CT03440": (2, "3"),  # sodium 129, v6
    "CT03446": (2, "3"),
}
"""admiral takes every patient to have symptoms; we grade without unless one is documented."""

NO_ANTICOAGULANT = {
    "CT01085": (1, "3"),  # v4
    "CT01086": (1, "2"),
    "CT01087": (1, "2"),
    "CT01088": (0, "1"),
    "CT01089": (0, "1"),
    "CT01091": (0, ""),  # without a baseline, which admiral needs and we then do not
    "CT01116": (0, "1"),  # v6
    "CT01118": (2, "3"),
    "CT01119": (1, "2"),
    "CT01120": (1, "2"),
    "CT01121": (0, "1"),
    "CT01122": (0, "1"),
    "CT01124": (0, ""),
}
"""admiral holds every INR against its baseline too; we only, and then alone, under an
anticoagulant."""

OTHER_READING = {
    "CT00929": (1, "0"),  # GGT at 2.0 x baseline: grade 1 as ALP, whose text is the same
    "CT02595": (1, "0"),  # triglycerides "150 - 300 mg/dL", "1.71 - 3.42 mmol/L": no ">" before it
    "CT02607": (1, "0"),
}
"""The same text, read otherwise at its edge."""


def test_every_case_of_admiral_but_the_listed_ones() -> None:
    found, compared = differences(assumed=False)
    assert found == (NO_SYMPTOMS | NO_ANTICOAGULANT | OTHER_READING)
    assert compared == 1408


def test_with_what_admiral_assumes_documented_only_the_other_readings_are_left() -> None:
    found, _ = differences(assumed=True)
    assert found == OTHER_READING


def test_what_is_no_term_is_no_term_of_ours() -> None:
    """The cases hold names that must not be graded; every other CTCAE name in them is ours."""
    ours = {v.term for version in (4, 5, 6) for v in every_verdict(version)}
    assert "Not a term" not in ours
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scale"].startswith("CTCAEv")]
    strangers = Counter(row["term"] for row in rows if row["term"].lower() not in BY_LOWER)
    assert strangers == {"Not a term": 112, "": 112}


def every_verdict(version: int) -> Iterator[Graded]:
    for analyte in sorted(graded_analytes(version)):
        yield from grade(analyte, LabValue(Decimal(1), None), version=version)


# --- Two data sets -----------------------------------------------------------------------------

DATA_SETS = (
    ("cdisc_pilot_sdtm", "events.jsonl.gz", 17562),
    ("liver_pbcseq", "events.jsonl", 6979),
)


@cache
def observations(folder: str, name: str) -> dict[str, dict[str, str]]:
    path = SHARED / "data" / folder / name
    text = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    events = map(json.loads, text.splitlines())
    return {event["event_id"]: event for event in events if event["type"] == "observation"}


def lab_value(event: dict[str, str]) -> LabValue:
    return LabValue(
        value=Decimal(event["value"]),
        unit=event.get("unit"),
        comparator=event.get("comparator"),
        low=number(event.get("reference_low", "")),
        high=number(event.get("reference_high", "")),
    )


def baseline_of(
    series: dict[tuple[str, str], list[dict[str, str]]], event: dict[str, str], value: str
) -> LabValue | None:
    """Find the sample of this patient that has the baseline's value, not later than this one."""
    if not value:
        return None
    earlier = [
        other
        for other in series[event["patient_id"], event["analyte"]]
        if Decimal(other["value"]) == Decimal(value)
        and other["effective_at"] <= event["effective_at"]
    ]
    return lab_value(max(earlier, key=lambda other: other["effective_at"]))


@pytest.mark.parametrize(("folder", "name", "size"), DATA_SETS)
def test_the_grades_of_a_data_set(folder: str, name: str, size: int) -> None:
    events = observations(folder, name)
    series: dict[tuple[str, str], list[dict[str, str]]] = {}
    for event in events.values():
        series.setdefault((event["patient_id"], event["analyte"]), []).append(event)
    path = SHARED / "data" / folder / "expected_grades.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = []
    for row in rows:
        event = events[row["event_id"]]
        verdicts = grade(
            event["analyte"],
            lab_value(event),
            version=int(row["version"]),
            baseline=baseline_of(series, event, row["baseline"]),
        )
        verdict = pick(verdicts, term=row["term"])
        expected = int(row["grade"]) if row["grade"] else None
        if verdict is None or verdict.grade != expected:
            wrong.append((row["event_id"], verdict))
    assert wrong == []
    assert len(rows) == size
