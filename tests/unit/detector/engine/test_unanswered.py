"""Nobody answered: the wait begins when the finding is known, rises, and ends with an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.lanes import ALP, PSA, brief, fact, rule_of, step, told, when

from services.detector.engine.confirmation import Confirmation
from services.detector.engine.finding import Arm
from services.detector.engine.pattern import Pattern
from services.detector.engine.unanswered import Answer, Due, Unanswered

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact

FAILURE = Pattern(
    name="failure",
    listens=PSA,
    suspect=(Arm(when(">=", "2")),),
    confirm=Confirmation(after=7),
)
AT_ONCE = Pattern(name="crisis", listens=ALP, confirmed=(Arm(when(">=", "100")),))
WAIT = Unanswered(
    "no_answer",
    (FAILURE, AT_ONCE),
    (Answer(PSA, when("<", "1")), Answer(ALP, when("<", "10"))),
    (Due(30, "first", "urgent"), Due(60, "second", "critical")),
)
FOUND = [fact("a", 0, "2"), fact("b", 10, "2")]


def says(*more: Fact, until: int = 10_000) -> list[tuple[object, ...]]:
    rule = rule_of(WAIT, per_course=True)
    return brief(told(rule, [step("s", -1), *FOUND, *more], until))


def test_it_rises_and_alerts_of_nothing_else() -> None:
    assert says(until=39) == []
    assert says(until=40) == [("overdue", 40, "first")]
    assert says() == [("overdue", 40, "first"), ("overdue", 70, "second")]


def test_the_higher_level_goes_on_with_the_same_entry() -> None:
    rule = rule_of(WAIT, per_course=True)
    first, second = told(rule, [step("s", -1), *FOUND])
    assert (first.opens, second.opens) == (True, False)
    assert (first.severity, second.severity) == ("urgent", "critical")
    assert {one.key[1] for one, _ in first.cited} == {"s", "a", "b"}
    assert first.cited == second.cited


def test_counted_from_the_day_on_which_the_finding_became_known() -> None:
    rule = rule_of(WAIT, per_course=True)
    late = [step("s", -1), FOUND[0], fact("b", 10, "2", late=5)]
    assert brief(told(rule, late, 45)) == [("overdue", 45, "first")]
    assert brief(told(rule, late, 44)) == []


@pytest.mark.parametrize("answer", [fact("c", 10, "0.5"), fact("c", 40, "9", analyte="alp")])
def test_an_answer_in_time_leaves_silence(answer: Fact) -> None:
    assert says(answer) == []


def test_an_answer_from_before_the_finding_was_known_is_none() -> None:
    rule = rule_of(WAIT, per_course=True)
    facts = [step("s", -1), FOUND[0], fact("b", 10, "2", late=5), fact("c", 12, "0.5")]
    assert brief(told(rule, facts, 45)) == [("overdue", 45, "first")]


def test_what_does_not_fit_and_what_is_preliminary_answers_nothing() -> None:
    assert says(fact("c", 20, "1"), fact("d", 30, "0.5", status="preliminary"), until=40) == [
        ("overdue", 40, "first")
    ]


def test_a_late_answer_clears_the_level_that_was_reached() -> None:
    assert says(fact("c", 41, "0.5")) == [("overdue", 40, "first"), ("cleared", 41, "first")]
    assert says(fact("c", 71, "0.5")) == [
        ("overdue", 40, "first"),
        ("overdue", 70, "second"),
        ("cleared", 71, "second"),
    ]


def test_an_answer_given_in_time_and_known_late_was_missed_first() -> None:
    assert says(fact("c", 20, "0.5", late=30)) == [
        ("overdue", 40, "first"),
        ("cleared", 20, "first"),
    ]
    assert says(fact("c", 20, "0.5", late=20)) == []


def test_after_the_answer_a_new_finding_is_awaited_anew() -> None:
    again = [fact("c", 20, "0.5"), fact("d", 100, "2"), fact("e", 107, "2")]
    assert says(*again, until=140) == [("overdue", 137, "first")]


def test_the_first_finding_counts_whichever_criterion_makes_it() -> None:
    assert says(fact("c", 5, "100", analyte="alp"), until=40) == [("overdue", 35, "first")]


def test_a_new_clock_begins_afresh() -> None:
    wait = Unanswered("w", (FAILURE,), (Answer(PSA, when("<", "1")),), (Due(30),))
    memory = wait.initial
    assert wait.deadline(memory) is None
    assert wait.start(memory, None) == memory  # type: ignore[arg-type]  # the criteria need none
