"""Stored states: one step for a fact in order, and a replay that ends where the states meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.lanes import COURSE, PSA, brief, fact, rule_of, told, when

from schemas.alerts import State
from services.detector.engine.finding import Arm
from services.detector.engine.instants import end_of
from services.detector.engine.lane import Lane
from services.detector.engine.tiers import Tiers

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact


class Counting(Tiers):
    """Counts how often it is asked."""

    asked = 0

    def step(self, memory: Any, context: Any) -> Any:
        Counting.asked += 1
        return super().step(memory, context)


def counting() -> Counting:
    Counting.asked = 0
    return Counting("t", PSA, (Arm(when(">=", "2")),), state=State.WINDOW)


def put(lane: Lane, one: Fact) -> bool:
    entry = lane.rule.place(one, COURSE)
    assert entry is not None
    return lane.change((), (entry,))


def test_a_fact_in_order_costs_one_step() -> None:
    lane = Lane(rule_of(counting()))
    for at in range(50):
        put(lane, fact(f"f{at:02}", at, "1"))
        assert Counting.asked == at + 1


def test_a_late_fact_that_changes_nothing_ends_at_once() -> None:
    lane = Lane(rule_of(counting()))
    for at in range(0, 100, 2):
        put(lane, fact(f"f{at:02}", at, "1"))
    Counting.asked = 0
    put(lane, fact("late", 11, "1"))
    assert Counting.asked == 2  # itself, and the next one, whose state is as it was


def test_without_stored_states_all_is_evaluated() -> None:
    lane = Lane(rule_of(counting()), incremental=False)
    for at in range(10):
        put(lane, fact(f"f{at}", at, "1"))
    assert Counting.asked == sum(range(11))


def test_what_is_taken_out_takes_its_findings_along() -> None:
    rule = rule_of(counting())
    lane = Lane(rule)
    first, second = fact("a", 0, "2"), fact("b", 1, "2")
    put(lane, first)
    put(lane, second)
    entry = rule.place(first, COURSE)
    assert entry is not None
    assert lane.change((entry.place,), ())
    assert brief(lane.findings(end_of(9_000_00))[0]) == brief(told(rule, [second]))
    assert [e.fact for e in lane.entries] == [second]
    assert not lane.change((), ())
