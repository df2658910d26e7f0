"""The five machines on hand-made terms: what they say, and when they keep silent."""

from __future__ import annotations

import pytest
from support.lanes import (
    ALP,
    PSA,
    after_clock,
    brief,
    fact,
    later,
    rule_of,
    step,
    told,
    when,
)

from schemas.alerts import Role, State
from services.detector.engine.confirmation import Confirmation
from services.detector.engine.criterion import Refutation
from services.detector.engine.finding import Arm
from services.detector.engine.milestone import Milestone
from services.detector.engine.missing import Anchor, Missing
from services.detector.engine.pattern import Pattern
from services.detector.engine.sequence import Leg, Nearest, Sequence
from services.detector.engine.tiers import Tiers

HIGH = (Arm(when(">=", "2")),)


def pattern(**fields: object) -> Pattern:
    return Pattern(name="p", listens=PSA, **{"suspect": HIGH, **fields})  # type: ignore[arg-type]


def twice(**confirm: object) -> Pattern:
    return pattern(confirm=Confirmation(**{"after": 7, **confirm}))  # type: ignore[arg-type]


def says(machine: object, *values: tuple[int, str], until: int = 10_000) -> list[tuple[str, int]]:
    facts = [fact(f"f{at}", at, value) for at, value in values]
    found = brief(told(rule_of(machine), facts, until))  # type: ignore[arg-type]
    return [(state, at) for state, at, _ in found]


def test_suspected_then_confirmed_at_the_gap_itself() -> None:
    assert says(twice(), (0, "2"), (7, "2")) == [("suspected", 0), ("confirmed", 7)]
    assert says(twice(strictly=True), (0, "2"), (7, "2"), (8, "2")) == [
        ("suspected", 0),
        ("confirmed", 8),
    ]


def test_too_early_neither_confirms_nor_refutes_and_the_first_leg_stays() -> None:
    assert says(twice(), (0, "2"), (6, "2"), (9, "2")) == [("suspected", 0), ("confirmed", 9)]


def test_a_value_that_does_not_qualify_refutes_at_any_distance() -> None:
    assert says(twice(), (0, "2"), (1, "1"), (8, "2")) == [
        ("suspected", 0),
        ("refuted", 1),
        ("suspected", 8),
    ]


def test_after_confirmed_there_is_silence() -> None:
    assert says(twice(), (0, "2"), (7, "2"), (8, "1"), (20, "5")) == [
        ("suspected", 0),
        ("confirmed", 7),
    ]


def test_a_suspicion_lapses_when_nothing_comes_within_its_time() -> None:
    assert says(twice(within=30), (0, "2"), (31, "3"), (40, "3")) == [
        ("suspected", 0),
        ("suspected", 31),
        ("confirmed", 40),
    ]


def test_a_run_may_have_no_gaps() -> None:
    gappy = twice(gap=4)
    assert says(gappy, (0, "2"), (5, "2"), (8, "2")) == [("suspected", 0)]
    facts = [fact(f"f{at}", at, "2") for at in (0, 1, 4, 8)]
    found = told(rule_of(gappy), facts)
    assert brief(found) == [("suspected", 0, None), ("confirmed", 8, None)]
    assert [f.key[1] for f, _ in found[-1].cited] == ["f0", "f4", "f8"]


def test_a_run_that_starts_anew_rests_on_its_own_facts() -> None:
    facts = [fact(f"f{at}", at, "2") for at in (0, 5, 9, 13)]
    found = told(rule_of(twice(gap=4)), facts)
    assert found[-1].onset is facts[1]
    assert facts[0] not in [f for f, _ in found[-1].cited]


def test_an_unknown_does_nothing_but_is_noted() -> None:
    facts = [fact("a", 0, "2"), fact("b", 3, "1", unit="mg/kg"), fact("c", 8, "2")]
    rule = rule_of(twice())
    assert brief(told(rule, facts)) == [("suspected", 0, None), ("confirmed", 8, None)]


def test_a_preliminary_result_suspects_and_never_confirms_or_refutes() -> None:
    facts = [
        fact("a", 0, "2", status="preliminary"),
        fact("b", 8, "2", status="preliminary"),
        fact("c", 9, "1", status="preliminary"),
    ]
    assert brief(told(rule_of(twice()), facts)) == [("suspected", 0, None)]


def test_confirmation_of_its_own_kind_tag_and_time() -> None:
    machine = pattern(
        confirm=Confirmation(when=when(">=", "5"), tag="sure", not_before=later(0)), refute=()
    )
    facts = [fact("a", 0, "2"), fact("b", 1, "3"), fact("c", 2, "5")]
    # With `confirm` and no `refute` of its own, what doesn't confirm refutes.
    assert brief(told(rule_of(machine), facts)) == [
        ("suspected", 0, None),
        ("refuted", 1, None),
        ("suspected", 2, None),
    ]
    patient = Confirmation(when=when(">=", "5"), tag="sure", not_before=after_clock(5))
    waiting = pattern(confirm=patient, refute_by_default=False)
    rule = rule_of(waiting, per_course=True)
    facts = [step("s", 0), fact("a", 1, "2"), fact("b", 4, "5"), fact("c", 5, "5")]
    assert brief(told(rule, facts)) == [("suspected", 1, None), ("confirmed", 5, "sure")]


def test_confirmed_at_once() -> None:
    machine = pattern(confirmed=(Arm(when(">=", "10"), "grave"),), refute_by_default=False)
    facts = [fact("a", 0, "2"), fact("b", 1, "10")]
    found = told(rule_of(machine), facts)
    assert brief(found) == [("suspected", 0, None), ("confirmed", 1, "grave")]
    assert found[-1].onset is facts[1]
    assert brief(told(rule_of(machine), facts[1:])) == [("confirmed", 1, "grave")]


def test_refutation_waits_takes_back_and_names() -> None:
    machine = pattern(
        confirmed=(Arm(when(">=", "10"), "bounce"),),
        refute=(
            Refutation(when("<", "1"), after=5, tag="gone"),
            Refutation(when("<", "0.5"), confirmed_tag="bounce", tag="resolved"),
        ),
    )
    assert says(machine, (0, "2"), (4, "0.9"), (5, "0.9")) == [("suspected", 0), ("refuted", 5)]
    facts = [fact("a", 0, "10"), fact("b", 9, "0.9"), fact("c", 10, "0.4")]
    assert brief(told(rule_of(machine), facts)) == [
        ("confirmed", 0, "bounce"),
        ("refuted", 10, "resolved"),
    ]


def test_reset_is_silent_and_the_next_episode_is_news() -> None:
    machine = pattern(confirmed=HIGH, suspect=(), reset=when("<", "1"))
    assert says(machine, (0, "2"), (1, "0.5"), (2, "2")) == [("confirmed", 0), ("confirmed", 2)]
    waiting = pattern(refute_by_default=False, reset=when("<", "1"))
    assert says(waiting, (0, "2"), (1, "0.5"), (2, "2")) == [("suspected", 0), ("suspected", 2)]


def test_a_suspicion_that_is_called_otherwise_is_told_anew() -> None:
    arms = (Arm(when(">=", "5"), "worse"), Arm(when(">=", "2"), "bad"))
    machine = pattern(suspect=arms, refute_by_default=False)
    facts = [fact("a", 0, "2"), fact("b", 1, "5")]
    found = told(rule_of(machine), facts)
    assert brief(found) == [("suspected", 0, "bad"), ("suspected", 1, "worse")]
    assert [one.opens for one in found] == [True, False]


def test_a_further_tag_of_a_confirmed_finding_needs_no_evidence_of_the_first() -> None:
    machine = pattern(
        suspect=(Arm(when(">=", "5"), "worse"), Arm(when(">=", "2"), "bad")),
        confirm=Confirmation(after=7),
        tags=(Arm(when(">=", "6"), "worst", severity="critical"),),
    )
    found = told(rule_of(machine), [fact("a", 0, "5"), fact("b", 7, "6")])
    assert brief(found)[-1] == ("confirmed", 7, "worst")
    assert found[-1].severity == "critical"


def test_facts_for_which_the_condition_does_not_hold_are_passed_over() -> None:
    machine = twice()
    guarded = pattern(given=when("!=", "3"), confirm=Confirmation(after=7))
    assert says(machine, (0, "3"), (7, "3")) == [("suspected", 0), ("confirmed", 7)]
    assert says(guarded, (0, "3"), (7, "3")) == []


MILESTONE = Milestone(after_clock(80), after_clock(100), "absent")


def milestone(**fields: object) -> Pattern:
    return pattern(milestone=MILESTONE, refute_by_default=False, **fields)


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ([], [("overdue", 100, "absent")]),
        ([fact("a", 79, "2")], [("overdue", 100, "absent")]),
        ([fact("a", 80, "2")], [("suspected", 80, None)]),
        ([fact("a", 100, "2")], [("suspected", 100, None)]),
        ([fact("a", 90, "1"), fact("b", 95, "2")], []),  # only the first is judged
        ([fact("a", 101, "2")], [("overdue", 100, "absent")]),
        (
            [fact("a", 100, "2", late=1)],  # taken in time, reported late
            [("overdue", 100, "absent"), ("cleared", 100, "absent"), ("suspected", 100, None)],
        ),
        (
            [fact("a", 90, "2", status="preliminary")],
            [("suspected", 90, None), ("overdue", 100, "absent")],
        ),
    ],
)
def test_a_milestone(facts: list[object], wanted: list[object]) -> None:
    rule = rule_of(milestone(), per_course=True)
    found = told(rule, [step("s", 0), *facts])  # type: ignore[list-item]
    assert brief(found) == wanted
    assert told(rule, [step("s", 0)], until=99) == []


TIERS = (Arm(when(">=", "1"), "one", 1), Arm(when(">=", "2"), "two", 2))


def test_a_level_only_goes_up() -> None:
    machine = Tiers("t", PSA, TIERS, state=State.WINDOW)
    facts = [fact(f"f{at}", at, value) for at, value in enumerate(["1", "0.5", "2", "1", "3"])]
    found = told(rule_of(machine), facts)
    assert brief(found) == [("window", 0, "one"), ("window", 2, "two")]
    assert [(one.grade, one.opens) for one in found] == [(1, True), (2, False)]


def test_after_so_long_without_any_level_the_next_is_a_new_episode() -> None:
    machine = Tiers("t", PSA, TIERS, state=State.CONFIRMED, rearm=7)
    assert says(machine, (0, "2"), (7, "1"), (14, "2")) == [("confirmed", 0)]
    assert says(machine, (0, "2"), (8, "1")) == [("confirmed", 0), ("confirmed", 8)]
    assert says(machine, (0, "2"), (5, "0.5"), (8, "1")) == [("confirmed", 0), ("confirmed", 8)]


def test_tiers_pass_over_what_is_preliminary_unknown_or_not_meant() -> None:
    machine = Tiers("t", PSA, TIERS, state=State.WINDOW, given=when("<", "9"))
    facts = [
        fact("a", 0, "2", status="preliminary"),
        fact("b", 1, "2", unit="mg/kg"),
        fact("c", 2, "9"),
        fact("d", 3, "1"),
    ]
    assert brief(told(rule_of(machine), facts)) == [("window", 3, "one")]


def missing(*anchors: Anchor, **more: object) -> Missing:
    return Missing("m", PSA, anchors, **more)  # type: ignore[arg-type]


CHECK = Anchor(None, after_clock(30), after_clock(10), tag="first")


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ([], [("overdue", 30, "first")]),
        ([fact("a", 9)], [("overdue", 30, "first")]),
        ([fact("a", 10)], []),
        ([fact("a", 30)], []),
        ([fact("a", 31)], [("overdue", 30, "first"), ("cleared", 31, "first")]),
        ([fact("a", 30, late=2)], [("overdue", 30, "first"), ("cleared", 30, "first")]),
        ([fact("a", 20, status="preliminary")], [("overdue", 30, "first")]),
    ],
)
def test_evidence_that_ought_to_exist(facts: list[object], wanted: list[object]) -> None:
    rule = rule_of(missing(CHECK), per_course=True)
    assert brief(told(rule, [step("s", 0), *facts])) == wanted  # type: ignore[list-item]


def test_a_later_anchor_replaces_the_deadline() -> None:
    machine = missing(Anchor(ALP, later(30), tag="dose"), given=when(">=", "0"))
    facts = [fact("a", 0, "1", analyte="alp"), fact("b", 20, "1", analyte="alp")]
    found = told(rule_of(machine), facts)
    assert brief(found) == [("overdue", 50, "dose")]
    assert [(f.key[1], role) for f, role in found[0].cited] == [("b", Role.CLOCK)]
    late = [facts[0], fact("b", 40, "1", analyte="alp")]
    assert brief(told(rule_of(machine), late)) == [
        ("overdue", 30, "dose"),
        ("cleared", 40, "dose"),
        ("overdue", 70, "dose"),
    ]


def test_an_anchor_that_does_not_fit_starts_nothing() -> None:
    machine = missing(Anchor(ALP, later(30), when=when(">=", "5")), given=when("<", "9"))
    for value in ("4", "9"):
        assert told(rule_of(machine), [fact("a", 0, value, analyte="alp")]) == []
    assert brief(told(rule_of(machine), [fact("a", 0, "5", analyte="alp")])) == [
        ("overdue", 30, None)
    ]


def hy(**more: object) -> Sequence:
    return Sequence(
        "s",
        Leg(PSA, when(">=", "3")),
        Leg(PSA, when(">", "9")),
        within=30,
        **more,  # type: ignore[arg-type]
    )


def test_one_thing_and_then_another() -> None:
    assert says(hy(), (0, "3"), (30, "10")) == [("suspected", 0), ("confirmed", 30)]
    assert says(hy(), (0, "3"), (31, "10"))[:2] == [("suspected", 0)]
    assert says(hy(), (0, "1"), (1, "2")) == []


UNLESS = Nearest(ALP, 7, when(">=", "2"))


def test_what_speaks_against_a_leg_refutes_it() -> None:
    rule = rule_of(hy(unless=UNLESS, unless_missing="unchecked"))
    first, then = fact("a", 10, "3"), fact("z", 20, "10")

    def alp(at: int, value: str) -> object:
        return fact(f"alp{at}", at, value, analyte="alp")

    cases = [
        ([first, then], [("suspected", 10, None), ("confirmed", 20, "unchecked")]),
        ([alp(9, "1"), first, then], [("suspected", 10, None), ("confirmed", 20, None)]),
        ([first, alp(17, "2")], [("suspected", 10, None), ("refuted", 17, None)]),
        ([first, alp(18, "2")], [("suspected", 10, None)]),  # too far away to speak
        ([alp(3, "2"), first], [("refuted", 10, None)]),
        ([alp(3, "2"), alp(9, "1"), first], [("suspected", 10, None)]),  # the nearest counts
    ]
    for facts, wanted in cases:
        assert brief(told(rule, facts)) == wanted  # type: ignore[arg-type]


def test_a_leg_that_cannot_be_judged_is_noted_and_says_nothing() -> None:
    facts = [fact("a", 0, "3", unit="mg/kg"), fact("b", 1, "10", status="preliminary")]
    assert told(rule_of(hy()), facts) == []
    facts = [fact("a", 0, "3"), fact("b", 1, "10", unit="mg/kg")]
    assert brief(told(rule_of(hy()), facts)) == [("suspected", 0, None)]
