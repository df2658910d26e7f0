"""CTCAE grades: every boundary of the catalogue, the published ambiguities, and what is unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.ctcae import BOUNDARIES, CASES, ROWS, UNKNOWN, Row, lab

from schemas.terminology.ctcae import VERSIONS, grade, graded_analytes
from schemas.terminology.grade_table import parse_table


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


@pytest.mark.parametrize(("name", "row"), CASES)
def test_the_cases_of_the_catalogue(name: str, row: Row) -> None:
    value, _, expected = row.pairs.partition(":")
    assert str(row.verdict(value).grade) == expected, name


@pytest.mark.parametrize(("row", "comparator", "reason"), UNKNOWN)
def test_what_cannot_be_told_has_a_reason_and_a_floor(
    row: Row, comparator: str | None, reason: str | None
) -> None:
    value, _, at_least = row.pairs.partition(":")
    verdict = row.verdict(value, comparator)
    assert (verdict.reason, verdict.at_least) == (reason, int(at_least))
    assert verdict.grade == (int(at_least) if reason is None else None)


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
    value = lab("7654321", "U/L", high="40")._replace(comparator="~")
    with pytest.raises(ValueError, match="comparator") as error:
        grade("alt", value, version=5)
    assert "7654321" not in str(error.value)


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
