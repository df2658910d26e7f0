"""Rules that sleep keep nothing and lose nothing: they wake with all that had come before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.lanes import at_noon, fact, step
from support.living import all_rules, rule_named

from services.detector.engine.monitor import Monitor
from services.detector.engine.readers import Readers
from services.detector.engine.rule import Course

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact
    from services.detector.engine.lane import Lane

HEPATIC = rule_named("TOX-HYS-LAW")
PATIENT = "HOSP|1"


def alt(key: str, day: int, value: str, **said: Any) -> Fact:
    return fact(key, day, value, analyte="alt", unit="U/L", reference_high="40", **said)


def bilirubin(key: str, day: int, value: str, **said: Any) -> Fact:
    return fact(key, day, value, analyte="bilirubin", unit="mg/dL", reference_high="1.0", **said)


def kept(monitor: Monitor) -> list[Lane]:
    """The lanes of the rules that are awake."""
    return list(monitor._patients[PATIENT].lanes.values())  # noqa: SLF001 - what is kept, not said


def awake(monitor: Monitor) -> list[str]:
    return [lane.rule.id for lane in kept(monitor)]


def read(monitor: Monitor) -> list[str]:
    """The facts of the one lane that is kept, in their order."""
    (lane,) = kept(monitor)
    return [entry.fact.key[1] for entry in lane.entries]


def at(*facts: Fact) -> tuple[Monitor, list[str]]:
    monitor = Monitor((HEPATIC,))
    said = [one.state.value for each in facts for one in monitor.receive((each,), each.issued)]
    return monitor, said


def test_normal_results_keep_a_rule_asleep() -> None:
    monitor, said = at(alt("a", 0, "22"), bilirubin("b", 0, "0.7"), alt("c", 5, "30"))
    assert (awake(monitor), said) == ([], [])


def test_the_first_that_may_mean_more_wakes_it() -> None:
    monitor, said = at(alt("a", 0, "22"), alt("b", 5, "130"))
    assert (awake(monitor), said) == ([HEPATIC.id], ["suspected"])
    assert read(monitor) == ["a", "b"]


def test_in_one_arrival_nothing_is_put_in_twice() -> None:
    monitor = Monitor((HEPATIC,))
    facts = [alt("a", 0, "22"), alt("b", 1, "130"), bilirubin("c", 2, "3.0"), alt("d", 3, "20")]
    monitor.receive([alt("z", 0, "20")], at_noon(0))
    monitor.receive(facts, at_noon(5))
    assert read(monitor) == ["a", "z", "b", "c", "d"]


def test_a_correction_wakes_it_and_another_leaves_it_silent() -> None:
    first = alt("a", 0, "22")
    worse = alt("a", 0, "400", late=2, status="corrected")
    monitor, said = at(first, worse)
    assert (awake(monitor), said) == ([HEPATIC.id], ["suspected"])
    again = alt("a", 0, "22", late=3, status="corrected")
    assert [one.state.value for one in monitor.receive((again,), again.issued)] == ["retracted"]


def test_what_is_withdrawn_before_it_wakes_is_not_there() -> None:
    gone = alt("a", 0, "22", late=1, status="cancelled")
    monitor, _ = at(alt("a", 0, "22"), gone, alt("b", 5, "130"))
    assert read(monitor) == ["b"]


def test_a_day_that_is_known_only_to_its_month_wakes_it() -> None:
    monitor, said = at(alt("a", 0, "22", effective_at="2024-01"))
    assert (awake(monitor), said) == ([HEPATIC.id], [])


def test_the_oracle_never_sleeps() -> None:
    monitor = Monitor((HEPATIC,), incremental=False)
    monitor.receive((alt("a", 0, "22"),), at_noon(0))
    assert awake(monitor) == [HEPATIC.id]


def test_a_rule_that_awaits_something_is_awake_from_the_beginning() -> None:
    course = Course("c", frozenset({"cml"}), frozenset({"targeted"}))
    panel = Readers(all_rules()).of(course)
    restless = {all_rules()[number].id for number in panel.restless}
    assert "CML-ELN" in restless
    assert restless < {all_rules()[number].id for number in panel.numbers}


def test_courses_that_are_treated_alike_share_a_panel() -> None:
    readers = Readers(all_rules())
    one, other = (Course(name, frozenset({"cml"}), frozenset({"targeted"})) for name in "ab")
    assert readers.of(one) is readers.of(other)
    assert readers.of(Course("c", frozenset({"hiv"}))) is not readers.of(one)


@pytest.mark.parametrize("asleep", [True, False])
def test_a_new_course_finds_what_came_before_it(*, asleep: bool) -> None:
    """Of a rule for courses: one that finds nothing sleeps, and what stood is taken back."""
    rule = rule_named("PROST-PHOENIX")
    monitor = Monitor((rule,))
    course = step("rt", 0, "completed", modality="radiotherapy")
    psa = [] if asleep else [fact("low", 1, "0.5"), fact("high", 5, "3")]
    said = monitor.receive([*psa, course], at_noon(5))
    assert [one.state.value for one in said] == ([] if asleep else ["confirmed"])
    assert awake(monitor) == ([] if asleep else [rule.id])


def test_who_asks_for_all_lanes_gets_those_that_sleep_as_well() -> None:
    monitor, _ = at(alt("a", 0, "22"))
    ((key, lane),) = monitor.lanes(PATIENT)
    assert (key, [entry.fact.key[1] for entry in lane.entries]) == ((0, None), ["a"])
    assert awake(monitor) == []
