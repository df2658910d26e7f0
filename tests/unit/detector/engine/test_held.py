"""For how many hours a condition has held, as far as samples prove it."""

from __future__ import annotations

import pytest
from support.small_rules import lab, mistakes, small_rule, states, told

READS = "temp: {analyte: temp}"
HOUR = "hours_held(temp within 24 h where it >= 38.0 Cel) >= 1 h"
FEVER = small_rule(READS, f"- {{name: fever, each: temp, confirmed: {HOUR}}}")


def reading(clock: str, value: str, **said: object) -> dict[str, object]:
    return lab("temp", f"2024-01-{clock}:00Z", value, "Cel", **said)


@pytest.mark.parametrize(
    ("clock", "expected"),
    [("10T10:59", []), ("10T11:00", ["confirmed"]), ("11T10:00", ["confirmed"])],
)
def test_the_hours_are_counted_from_the_first_of_the_run(clock: str, expected: list[str]) -> None:
    assert states(told(FEVER, reading("10T10:00", "38.0"), reading(clock, "38.0"))) == expected


def test_what_lies_before_the_period_is_not_counted() -> None:
    assert states(told(FEVER, reading("10T10:00", "38.0"), reading("11T10:01", "38.0"))) == []


def test_one_that_does_not_qualify_breaks_the_run() -> None:
    run = (reading("10T10:00", "38.1"), reading("10T10:30", "37.9"), reading("10T11:10", "38.1"))
    assert states(told(FEVER, *run)) == []


def test_one_of_which_it_is_not_known_does_not() -> None:
    unsure = reading("10T10:30", "40", comparator="<")
    run = (reading("10T10:00", "38.1"), unsure, reading("10T11:10", "38.1"))
    assert states(told(FEVER, *run)) == ["confirmed"]


def test_the_fact_in_question_has_to_be_part_of_it() -> None:
    run = (reading("10T10:00", "38.1"), reading("10T11:10", "37.9"))
    assert states(told(FEVER, *run)) == []


def test_the_ends_of_the_run_are_the_evidence() -> None:
    run = [reading(f"10T1{n}:00", "38.1") for n in range(3)]
    (revision,) = told(FEVER, run[0], run[2], run[1]).revisions[:1]
    assert len(revision.evidence) == 2


def test_it_can_be_asked_of_an_earlier_fact() -> None:
    """The count is taken the day after: had there been fever for an hour?"""
    reads = "neutrophils: {analyte: neutrophils}\n" + READS
    joined = small_rule(
        reads,
        f"- {{name: both, each: neutrophils, confirmed: exists(temp within 48 h where {HOUR})}}",
    )
    count = lab("neutrophils", "2024-01-11T09:00:00Z", "0.3", "10*9/L")
    calm = reading("10T20:00", "36.8")
    hour = (reading("10T10:00", "38.0"), reading("10T11:00", "38.0"), calm, count)
    less = (reading("10T10:00", "38.0"), reading("10T10:59", "38.0"), calm, count)
    assert states(told(joined, *hour)) == ["confirmed"]
    assert states(told(joined, *less)) == []


def test_a_late_reading_changes_what_was_held_days_later() -> None:
    run = (reading("10T10:00", "38.1"), reading("10T11:10", "38.1"))
    between = reading("10T10:30", "37.0") | {"issued_at": "2024-01-12T08:00:00Z"}
    assert states(told(FEVER, *run, between)) == ["confirmed", "retracted"]


def test_it_needs_a_period_and_a_condition() -> None:
    for asked, mistake in (
        ("hours_held(temp where it >= 38.0 Cel) >= 1 h", "a hours held of everything"),
        ("hours_held(temp within 24 h) >= 1 h", "hours_held of what?"),
    ):
        wrong = small_rule(READS, f"- {{name: fever, each: temp, confirmed: {asked}}}")
        assert mistakes(wrong) == [mistake]
