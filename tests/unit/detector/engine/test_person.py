"""What is told of the person holds at all times, whenever it was told; the last word counts."""

from __future__ import annotations

from support.small_rules import lab, last, person, small_rule, states, told

OLD = small_rule(
    "psa: {analyte: psa}",
    "- {name: old, each: psa, confirmed: patient.age >= 65 and patient.sex = male}",
)
RESULT = lab("psa", "2024-03-01", "1", "ng/mL")


def test_it_may_be_told_after_the_result() -> None:
    later = person("2024-06-01", birth_date="1959-03-01", sex="male")
    result = told(OLD, RESULT, later)
    assert states(result) == ["confirmed"]
    assert {e.event_id for e in last(result).evidence} == {"psa-2024-03-01", "person-2024-06-01"}


def test_age_is_in_whole_years_on_the_day_of_the_result() -> None:
    day_after = person("2024-01-01", birth_date="1959-03-02", sex="male")
    assert states(told(OLD, RESULT, day_after)) == []


def test_nothing_is_assumed_of_somebody_unknown() -> None:
    assert [u.reason for u in told(OLD, RESULT).unknowns] == ["the sex is not known"]
    ageless = person("2024-01-01", sex="male")
    assert [u.reason for u in told(OLD, RESULT, ageless).unknowns] == [
        "the birth date is not known"
    ]
    unsaid = person("2024-01-01", birth_date="1940-01-01", sex="other")
    assert [u.reason for u in told(OLD, RESULT, unsaid).unknowns] == ["the sex is not known"]


def test_the_last_word_counts_and_leaves_the_rest_as_it_was() -> None:
    first = person("2024-01-01", birth_date="1990-01-01", sex="male")
    second = person("2024-02-01", birth_date="1940-01-01")
    assert states(told(OLD, second, first, RESULT)) == ["confirmed"]


def test_a_corrected_birth_date_takes_the_alert_back() -> None:
    first = person("2024-01-01", birth_date="1940-01-01", sex="male")
    second = person("2024-04-01", birth_date="1990-01-01")
    assert states(told(OLD, first, RESULT, second)) == ["confirmed", "retracted"]
