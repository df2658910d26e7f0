"""Grades by CTCAE: which value before treatment is the baseline, and what is known that day."""

from __future__ import annotations

from typing import Any

from support.lanes import START, fact, step

from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.grader import GradedFact, Grader

GRADER = Grader("ctcae", "ctcae", 5, 28)


def alt(key: str, offset: int, value: str, **said: Any) -> Fact:
    return fact(key, offset, value, analyte="alt", unit="U/L", reference_high="40", **said)


def lab(analyte: str, offset: int, value: str, unit: str, **said: Any) -> Fact:
    return fact(f"{analyte}{offset}", offset, value, analyte=analyte, unit=unit, **said)


def adverse(offset: int, analyte: str, ended: int | None = None) -> Fact:
    def on(days: int) -> str:
        return START.replace(day=1 + days).isoformat()

    event = {"type": "adverse_event", "event_id": f"ae{offset}", "patient_id": "HOSP|1"}
    said = {"source": "EHR", "effective_at": on(offset), "term": "Hyperuricemia"}
    end = {} if ended is None else {"ended_at": on(ended)}
    return Fact(EVENT.validate_python({**event, **said, "suspected": analyte, **end}), 0)


def graded(*facts: Fact, grader: Grader = GRADER) -> list[GradedFact]:
    return list(grader.grade(facts))


def grades(*facts: Fact) -> dict[str, int | None]:
    return {one.fact.key[1]: one.grade for one in graded(*facts)}


def test_a_raised_baseline_is_what_a_value_is_measured_by() -> None:
    """ALT 130 is above 3 times the limit, grade 2; of a baseline of 100 not 1.5 times: none."""
    start, after = step("s", 10), alt("after", 12, "130")
    assert grades(start, after)["after"] == 2
    assert grades(alt("base", 9, "100"), start, after)["after"] == 0
    assert grades(alt("base", 9, "30"), start, after)["after"] == 2


def test_the_baseline_is_no_older_than_its_window() -> None:
    start, after = step("s", 30), alt("after", 31, "130")
    assert grades(alt("base", 2, "100"), start, after)["after"] == 0
    assert grades(alt("base", 1, "100"), start, after)["after"] == 2


def test_the_baseline_may_be_of_the_first_day_but_not_after_it() -> None:
    start, after = step("s", 10), alt("later", 20, "130")
    assert grades(start, alt("base", 10, "100"), after)["later"] == 0
    assert grades(start, alt("base", 11, "100"), after)["later"] == 2


def test_the_last_before_the_first_dose_is_its_own_baseline() -> None:
    """Nobody begins with a toxicity: what becomes the baseline is measured by itself."""
    first, last, start = alt("first", 1, "130"), alt("last", 5, "130"), step("s", 10)
    assert grades(first, last, start) == {"first": 2, "last": 0}
    assert grades(first, last) == {"first": 2, "last": 2}
    assert grades(last, step("far", 34))["last"] == 2
    assert grades(last, step("near", 33))["last"] == 0
    assert grades(last, step("other", 8, phase="planned"))["last"] == 2


def test_of_a_new_course_the_baseline_is_taken_anew() -> None:
    told = (alt("base", 9, "30"), step("s", 10), alt("high", 39, "100"), step("t", 40))
    assert grades(*told, alt("after", 41, "130"))["after"] == 0


def test_provisional_results_are_neither_graded_nor_baselines() -> None:
    base = alt("base", 9, "100", status="preliminary")
    assert grades(base, step("s", 10), alt("after", 12, "130")) == {"after": 2}


def test_a_linked_symptom_makes_it_worse_as_long_as_it_lasts() -> None:
    low = lab("potassium", 10, "3.2", "mmol/L", reference_low="3.5", reference_high="5")

    def worst(*others: Fact) -> int:
        return max(one.grade or 0 for one in graded(low, *others))

    assert worst() == 1
    assert worst(adverse(5, "potassium")) == 2
    assert worst(adverse(5, "potassium", ended=10)) == 2
    assert worst(adverse(5, "potassium", ended=9)) == 1
    assert worst(adverse(11, "potassium")) == 1
    assert worst(adverse(5, "sodium")) == 1


def test_what_is_not_in_a_unit_of_the_analyte_is_not_graded() -> None:
    (one,) = graded(lab("alt", 0, "130", "mg/kg"))
    assert one.grade is None
    assert one.reason
    assert "130" not in one.reason


def test_codes_and_other_analytes_have_no_grade() -> None:
    text = fact("t", 0, None, analyte="alt", value_code="haemolysed")
    assert graded(text, fact("psa", 0, "4")) == []


def test_fasting_and_anticoagulation_are_told_by_method_specimen_and_treatment() -> None:
    """CTCAE 4.03 grades glucose of a fasting sample; CTCAE 5 INR by whether it is meant to rise."""
    old = Grader("ctcae", "ctcae", 4, 28)
    sugar = {"unit": "mmol/L", "analyte": "glucose", "reference_high": "5.6"}
    fasting, plain = (
        [one.grade for one in graded(fact("g", 0, "9.5", method=how, **sugar), grader=old)]  # type: ignore[arg-type]
        for how in ("fasting", None)
    )
    assert fasting != plain
    inr = fact("i", 5, "1.3", analyte="inr", unit="{INR}", reference_high="1.2")
    begun = step("w", 1, drug_classes=["Anticoagulant"], modality="other", course_id="w")
    ended = step("x", 4, "stopped", drug_classes=["anticoagulant"], course_id="w")
    assert [one.grade for one in graded(inr)] != [one.grade for one in graded(inr, begun)]
    assert [one.grade for one in graded(inr, begun, ended)] == [one.grade for one in graded(inr)]
