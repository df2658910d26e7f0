"""What bears on whether salvage is possible: the latest of each, and nothing from the future."""

from __future__ import annotations

import pytest
from support.lanes import day, fact, step

from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.readiness import DEFAULT_ITEMS, NOT_KNOWN, readiness
from services.detector.engine.timeline import Timeline


def person(key: str, offset: int, **said: object) -> Fact:
    on = f"2024-01-{offset + 1:02}"
    event = {"type": "patient", "event_id": key, "patient_id": "HOSP|1", "source": "EHR"}
    said = {"effective_at": on, "issued_at": f"{on}T12:00:00Z", **said}
    return Fact(EVENT.validate_python({**event, **said}), 0)


def chart(*facts: Fact) -> Timeline:
    timeline = Timeline()
    for one in facts:
        timeline.merge(one)
    return timeline


def shown(item: str, offset: int, *facts: Fact) -> str:
    (found,) = readiness((item,), chart(*facts), day(offset))
    return found.value


def platelets(key: str, offset: int, value: str, **said: object) -> Fact:
    return fact(key, offset, value, **{"analyte": "platelets", "unit": "10*9/L", **said})  # type: ignore[arg-type]


def test_of_nothing_everything_is_not_known() -> None:
    found = readiness(DEFAULT_ITEMS, Timeline(), day(0))
    assert [(one.item, one.value, one.at) for one in found] == [
        (item, NOT_KNOWN, None) for item in DEFAULT_ITEMS
    ]


def test_the_newest_on_or_before_the_day_with_its_unit_and_date() -> None:
    facts = [platelets("a", 0, "80"), platelets("b", 5, "90"), platelets("c", 9, "20")]
    (found,) = readiness(("platelets",), chart(*facts), day(5))
    assert (found.value, found.unit) == ("90", "10*9/L")
    assert found.at == facts[1].event.effective_at
    assert shown("platelets", 4, *facts) == "80"
    assert shown("platelets", 9, *facts) == "20"


def test_the_future_is_not_known() -> None:
    assert shown("platelets", 0, platelets("a", 1, "80")) == NOT_KNOWN
    assert shown("goals_of_care", 0, person("p", 1, goals_of_care="cure")) == NOT_KNOWN
    assert shown("prior_lines", 0, step("s", 1, line=3)) == NOT_KNOWN


def test_a_correction_of_the_newest_is_what_is_shown() -> None:
    old, new = platelets("a", 0, "80"), platelets("b", 5, "90")
    assert (
        shown("platelets", 9, old, new, platelets("b", 5, "9", late=1, status="corrected")) == "9"
    )


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_when_the_newest_is_withdrawn_the_one_before_it_is_shown_again(status: str) -> None:
    old, new = platelets("a", 0, "80"), platelets("b", 5, "90")
    gone = platelets("b", 5, "90", late=1, status=status)
    assert shown("platelets", 9, old, new, gone) == "80"
    assert shown("platelets", 9, new, gone) == NOT_KNOWN


def test_a_comparator_stays_with_its_number() -> None:
    assert shown("platelets", 0, platelets("a", 0, "10", comparator="<")) == "<10"


@pytest.mark.parametrize(
    ("born", "age"), [("1954-01-11", "70"), ("1954-01-12", "69"), ("1954-01-10", "70")]
)
def test_a_year_older_on_the_birthday_itself(born: str, age: str) -> None:
    assert shown("age", 10, person("p", 0, birth_date=born)) == age


def test_the_last_word_on_the_birth_date_and_the_goals_counts() -> None:
    told = (
        person("p", 0, birth_date="1954-01-01", goals_of_care="cure"),
        person("q", 1, birth_date="1964-01-01", goals_of_care="palliation"),
        person("r", 2),
    )
    assert shown("age", 5, *told) == "60"
    assert shown("goals_of_care", 5, *told) == "palliation"
    assert shown("age", 5, person("r", 2)) == NOT_KNOWN


def test_the_highest_line_begun_by_then() -> None:
    told = (step("s", 0, line=2), step("t", 1, line=1), step("u", 2), step("v", 8, line=4))
    assert shown("prior_lines", 5, *told) == "2"
    assert shown("prior_lines", 8, *told) == "4"
    assert shown("prior_lines", 5, step("u", 2)) == NOT_KNOWN


def test_goals_and_lines_say_since_when() -> None:
    goals = person("p", 1, goals_of_care="cure"), person("q", 3, goals_of_care="control")
    lines = step("a", 0, line=1), step("b", 4, line=2), step("c", 9, line=2)
    found = readiness(("goals_of_care", "prior_lines"), chart(*goals, *lines), day(20))
    assert [(one.value, one.at) for one in found] == [
        ("control", goals[1].event.effective_at),
        ("2", lines[1].event.effective_at),
    ]
