"""Facts that a criterion can't judge are reported with the reason, and otherwise passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.lanes import PSA, day, fact, rule_of, when

from services.detector.engine.confirmation import Confirmation
from services.detector.engine.finding import Arm
from services.detector.engine.lane import Lane
from services.detector.engine.pattern import Pattern
from services.detector.engine.rule import WHOLE_PATIENT
from services.detector.engine.truth import Unknown
from services.detector.engine.undecided import Reason, Undecided

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact

INNER = Pattern(
    name="high", listens=PSA, suspect=(Arm(when(">=", "4")),), confirm=Confirmation(after=7)
)
MACHINE = Undecided(INNER, (Reason(when("=", "9"), Unknown("nine says nothing")),))


def lane_of(*facts: Fact) -> Lane:
    rule = rule_of(MACHINE)
    entries = [entry for one in facts if (entry := rule.place(one, WHOLE_PATIENT)) is not None]
    lane = Lane(rule)
    lane.change((), entries)
    return lane


def said(lane: Lane) -> list[str]:
    findings, _ = lane.findings(0)
    return [one.state.value for one in findings]


def test_it_neither_opens_nor_confirms_nor_refutes() -> None:
    lane = lane_of(fact("a", 0, "9"), fact("b", 1, "5"), fact("c", 20, "9"), fact("d", 21, "5"))
    assert said(lane) == ["suspected", "confirmed"]


def test_it_is_reported_with_its_reason() -> None:
    doubts = list(lane_of(fact("a", 3, "9"), fact("b", 4, "1")).doubts())
    assert [(one.day, one.reason) for one in doubts] == [(day(3), "nine says nothing")]


def test_a_preliminary_one_is_not_yet_worth_a_word() -> None:
    assert list(lane_of(fact("a", 3, "9", status="preliminary")).doubts()) == []


def test_it_stands_for_the_criterion_in_all_else() -> None:
    assert (MACHINE.name, MACHINE.listens, MACHINE.initial) == ("high", PSA, INNER.initial)
    assert (MACHINE.timed, MACHINE.deadline(INNER.initial)) == (False, None)
