"""Findings: what makes two the same, which arm speaks, and evidence named once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.lanes import context_of, day, fact, when

from schemas.alerts import Role, State
from services.detector.engine.finding import Arm, Finding, cite, first_true
from services.detector.engine.terms import Term
from services.detector.engine.truth import Unknown

ONE, TWO = fact("one", 0), fact("two", 1)
FOUND = Finding("c", State.CONFIRMED, opens=True, day=day(0), onset=ONE, trigger=TWO)


@pytest.mark.parametrize(
    "change",
    [
        {"criterion": "d"},
        {"state": State.SUSPECTED},
        {"tag": "t"},
        {"grade": 1},
        {"onset": TWO},
        {"onset": None},
        {"due": True},
    ],
)
def test_what_makes_it_another_finding(change: dict[str, object]) -> None:
    assert replace(FOUND, **change).key != FOUND.key  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"trigger": ONE}, {"day": day(9)}, {"cited": ((ONE, Role.CLOCK),)}]
)
def test_what_leaves_it_the_same(change: dict[str, object]) -> None:
    assert replace(FOUND, **change).key == FOUND.key  # type: ignore[arg-type]


def test_of_a_deadline_the_day_counts() -> None:
    due = replace(FOUND, due=True)
    assert replace(due, day=day(9)).key != due.key


def test_a_corrected_onset_on_the_same_day_is_the_same_one() -> None:
    assert replace(FOUND, onset=fact("one", 0, "7")).key == FOUND.key
    assert replace(FOUND, onset=fact("one", 3)).key != FOUND.key


def test_the_first_arm_that_holds_speaks() -> None:
    arms = (Arm(when(">=", "5"), "much"), Arm(when(">=", "2"), "some"))
    assert first_true(arms, context_of(fact("f", 0, "6"))) is arms[0]
    assert first_true(arms, context_of(fact("f", 0, "3"))) is arms[1]
    assert first_true(arms, context_of(fact("f", 0, "1"))) is None


def test_a_doubt_is_given_only_where_nothing_holds_and_the_first_one() -> None:
    doubts = [Arm(Term("truth", "?", lambda _, r=r: Unknown(r))) for r in ("a", "b")]  # type: ignore[misc]
    sure = Arm(when(">=", "2"))
    assert first_true((*doubts, sure), context_of(fact("f", 0, "2"))) is sure
    assert first_true((*doubts, sure), context_of(fact("f", 0, "1"))) == Unknown("a")


def test_a_fact_is_named_once_in_its_first_role() -> None:
    groups = (((ONE, Role.CLOCK),), ((TWO, Role.TRIGGER), (ONE, Role.NADIR)))
    assert cite(*groups) == ((ONE, Role.CLOCK), (TWO, Role.TRIGGER))
