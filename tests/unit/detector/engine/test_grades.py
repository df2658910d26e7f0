"""Grades inside conditions: what decides, what can't be told, and what is evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_rules import harm, lab, last, mistakes, person, small_rule, start, states, told

from schemas.events import EVENT
from schemas.terminology.grading import WORST
from services.detector.engine.fact import Fact
from services.detector.engine.grades import Scale, Setting, Verdict, verdict_of

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

CTCAE = Scale("ctcae", 5, 28)
DAIDS = Scale("daids", 2, 28)
SERIOUS = "grade(it, ctcae, 5, 28 d) >= 3"
FRESH = "day >= 1 d and new_grade(it, ctcae, 5, 28 d) >= 3"
BOTH = "{analyte: [alt, platelets, hemoglobin, potassium, inr, sodium], apart: true}"


def fact(analyte: str, value: str, unit: str, **said: object) -> Fact:
    return Fact(EVENT.validate_python(lab(analyte, "2024-01-05", value, unit, **said)), 0)


def rule(condition: str, reads: str = f"it_is: {BOTH}") -> Rule:
    criteria = f"- {{name: bad, each: it_is, confirmed: '{condition}'}}"
    return small_rule(reads, criteria, course=True)


def test_a_grade_that_is_certain_is_one_number() -> None:
    assert verdict_of(fact("platelets", "49", "10*9/L"), CTCAE, Setting(), new=False) == Verdict(
        3, 3, None
    )


def test_an_open_grade_has_bounds_and_a_reason() -> None:
    normal = fact("platelets", "120", "10*9/L")
    assert verdict_of(normal, CTCAE, Setting(), new=False) == (0, 1, "no lower limit of normal")
    alone = fact("alt", "400", "U/L")
    assert verdict_of(alone, CTCAE, Setting(), new=False) == (0, WORST, "no upper limit of normal")
    spread = fact("platelets", "30", "10*9/L", comparator="<")
    assert verdict_of(spread, CTCAE, Setting(), new=False) == (3, 4, "censored across a limit")


def test_a_missing_limit_of_normal_lies_beyond_the_one_that_came() -> None:
    low = fact("hemoglobin", "76", "g/L", reference_low="120")
    assert verdict_of(low, CTCAE, Setting(), new=False) == Verdict(3, 3, None)
    high = fact("hemoglobin", "200", "g/L", reference_low="120")
    assert verdict_of(high, CTCAE, Setting(), new=False).worst == 3


def test_a_unit_that_is_none_of_the_analyte_leaves_every_grade_open() -> None:
    assert verdict_of(fact("alt", "400", "mg/dL"), CTCAE, Setting(), new=False).worst == WORST


def test_worse_than_before_is_judged_term_by_term() -> None:
    """Potassium that was too low and is too high now is new, though the grade is the same."""
    before, now = fact("potassium", "2.8", "mmol/L"), fact("potassium", "6.5", "mmol/L")
    setting = Setting(baseline=before)
    assert verdict_of(now, CTCAE, setting, new=True) == Verdict(3, 3, None)
    assert verdict_of(before, CTCAE, setting, new=True).worst < 3


def test_daids_asks_for_the_sex() -> None:
    value = fact("hemoglobin", "89", "g/L")
    assert verdict_of(value, DAIDS, Setting(), new=False).reason == "sex not known"
    woman = Fact(EVENT.validate_python(person("2024-01-01", sex="female")), 0)
    assert verdict_of(value, DAIDS, Setting(person=woman), new=False) == Verdict(2, 2, None)


def test_a_condition_says_what_of_the_result_is_missing() -> None:
    result = told(rule(SERIOUS), start("2024-01-01"), lab("alt", "2024-01-05", "400", "U/L"))
    assert [u.reason for u in result.unknowns] == ["no upper limit of normal"]
    decided = told(rule(SERIOUS), start("2024-01-01"), lab("platelets", "2024-01-05", "90"))
    assert [u.reason for u in decided.unknowns] == ["no unit"]


def test_each_analyte_is_judged_by_itself() -> None:
    events = (
        start("2024-01-01"),
        lab("platelets", "2024-01-05", "40", "10*9/L"),
        lab("alt", "2024-01-06", "900", "U/L", reference_high="40"),
    )
    assert states(told(rule(SERIOUS), *events)) == ["confirmed", "confirmed"]


def test_the_baseline_is_evidence_only_where_the_grade_hangs_on_it() -> None:
    """ALT of 230 is above five times the limit; of a baseline of 100 it would have to be 501."""
    high = lab("alt", "2023-12-31", "100", "U/L", reference_high="40")
    now = lab("alt", "2024-01-05", "501", "U/L", reference_high="40")
    result = told(rule(FRESH), high, start("2024-01-01"), now)
    assert {e.event_id for e in last(result).evidence} == {"start-c", "alt-2024-01-05"}
    mild = lab("alt", "2024-01-05", "230", "U/L", reference_high="40")
    assert states(told(rule(FRESH), high, start("2024-01-01"), mild)) == []
    assert states(told(rule(FRESH), start("2024-01-01"), mild)) == ["confirmed"]


@pytest.mark.parametrize(("age", "expected"), [("2023-12-04", []), ("2023-12-03", ["confirmed"])])
def test_a_baseline_is_no_older_than_its_window(age: str, expected: list[str]) -> None:
    before = lab("platelets", age, "45", "10*9/L")
    now = lab("platelets", "2024-01-05", "40", "10*9/L")
    assert states(told(rule(FRESH), before, start("2024-01-01"), now)) == expected


def test_symptoms_count_while_they_last() -> None:
    reads = f"it_is: {BOTH}\nsymptom: {{adverse_event: any}}"
    sodium = lab("sodium", "2024-01-05", "127", "mmol/L", reference_low="135")
    tired = harm("Hyponatremia", "2024-01-03", suspected="sodium")
    ended = harm("Hyponatremia", "2024-01-03", suspected="sodium", ended_at="2024-01-04")
    other = harm("Hypokalemia", "2024-01-03", suspected="potassium")
    asked = rule(SERIOUS, reads)
    assert states(told(asked, start("2024-01-01"), tired, sodium)) == ["confirmed"]
    assert states(told(asked, start("2024-01-01"), ended, sodium)) == []
    assert states(told(asked, start("2024-01-01"), other, sodium)) == []


def test_an_anticoagulant_changes_the_ruler_while_it_is_taken() -> None:
    reads = f"it_is: {BOTH}\nblood: {{treatment: any, class: anticoagulant, condition: any}}"
    drug = {"drug_classes": ["anticoagulant"], "modality": "anticoagulation"}
    begun = start("2023-12-01", "a", **drug)
    ended = start("2024-01-03", "a", **drug) | {"phase": "stopped", "event_id": "end"}
    before = lab("inr", "2023-12-31", "2.4", "{INR}")
    now = lab("inr", "2024-01-05", "3.0", "{INR}")
    asked = rule(SERIOUS, reads)
    assert states(told(asked, begun, before, start("2024-01-01"), now)) == []
    assert states(told(asked, begun, before, start("2024-01-01"), ended, now)) == ["confirmed"]


def test_what_is_no_table_or_version_is_refused() -> None:
    wrong = rule("grade(it, whoqol, 5, 28 d) >= 3")
    assert mistakes(wrong) == ["not a grading table"]
    assert mistakes(rule("grade(it, ctcae, 5) >= 3")) == ["grade with 3 arguments"]
    assert mistakes(rule("grade(it, ctcae, 5, 28) >= 3")) == ["this is a number"]
