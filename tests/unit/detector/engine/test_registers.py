"""What a lane remembers of an unbounded past, one register at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.lanes import context_of, fact

from services.detector.engine.registers import (
    Baseline,
    ConfirmedNadir,
    Count,
    Extreme,
    First,
    Latest,
    Register,
)
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detector.engine.fact import Fact

NOW = fact("now", 90, "9")
OTHER_ASSAY = fact("now", 90, "9", method="other")


def number(one: Fact) -> Decimal | None:
    return one.reference


def remember(register: Register, facts: Sequence[Fact], clock: Fact | None = None) -> object:
    memory = register.initial
    for one in facts:
        memory = register.add(memory, one, context_of(one, clock=clock))
    return memory


def nadir(*, lowest: bool = True) -> Extreme:
    return Extreme(None, follows_clock=False, lowest=lowest, number=number)


def test_the_nadir_is_the_lowest_and_the_earlier_of_equals() -> None:
    facts = [fact("a", 0, "2"), fact("b", 1, "0.5"), fact("c", 2, "0.5"), fact("d", 3, "3")]
    assert nadir().read(remember(nadir(), facts), context_of(NOW)) is facts[1]
    assert (
        nadir(lowest=False).read(remember(nadir(lowest=False), facts), context_of(NOW)) is facts[3]
    )
    assert nadir().read(None, context_of(NOW)) is None


def test_a_nadir_below_a_limit_counts_as_the_limit_and_above_one_not_at_all() -> None:
    facts = [fact("a", 0, "0.4"), fact("b", 1, "0.2", comparator="<")]
    facts.append(fact("c", 2, "0.01", comparator=">"))
    assert nadir().read(remember(nadir(), facts), context_of(NOW)) is facts[1]


def test_a_nadir_never_crosses_assay_or_specimen() -> None:
    facts = [
        fact("a", 0, "0.1"),
        fact("b", 1, "0.5", method="other"),
        fact("c", 2, "0.4", method="other"),
        fact("d", 3, "0.05"),
        fact("e", 4, "0.2", specimen="marrow"),
    ]
    memory = remember(nadir(), facts)
    assert nadir().read(memory, context_of(NOW)) is facts[3]
    assert nadir().read(memory, context_of(OTHER_ASSAY)) is facts[2]
    only = remember(nadir(), facts[:1])
    assert nadir().read(only, context_of(OTHER_ASSAY)) is None
    third = fact("now", 9, "1", method="third")
    assert nadir().read(memory, context_of(third)) is None


def test_only_what_is_admitted_is_remembered() -> None:
    register = Latest(lambda c: c.fact.value > Decimal(1), follows_clock=False)  # type: ignore[operator]
    facts = [fact("a", 0, "2"), fact("b", 1, "0.5")]
    assert register.read(remember(register, facts), context_of(NOW)) is facts[0]


def test_the_first_and_a_doubt_whether_there_was_an_earlier_one() -> None:
    doubt = Unknown("no unit")
    facts = [fact("a", 0, "0.5"), fact("b", 1, "1"), fact("c", 2, "2"), fact("d", 3, "3")]
    answers: dict[str, Truth] = {"a": False, "b": doubt, "c": True, "d": True}
    register = First(lambda c: answers[c.fact.key[1]], follows_clock=False)
    assert register.read(remember(register, facts[:1]), context_of(NOW)) is None
    assert register.read(remember(register, facts[:2]), context_of(NOW)) is doubt
    assert register.read(remember(register, facts), context_of(NOW)) is facts[2]
    assert First(None, follows_clock=False).add(None, facts[0], context_of(facts[0])) is facts[0]


def test_the_latest_few() -> None:
    facts = [fact(key, at, "1") for at, key in enumerate("abcd")]
    two = Latest(None, follows_clock=False, count=2)
    assert two.read(remember(two, facts), context_of(NOW)) == (facts[2], facts[3])
    one = Latest(None, follows_clock=False)
    assert one.read(remember(one, facts), context_of(NOW)) is facts[3]
    assert one.read((), context_of(NOW)) is None


def test_a_baseline_is_the_last_on_or_before_the_clock() -> None:
    clock = fact("clock", 10)
    facts = [fact("a", 0, "1"), fact("b", 10, "2"), fact("c", 11, "3")]
    register = Baseline(None, follows_clock=False)
    here = context_of(NOW, clock=clock)
    assert register.read(remember(register, facts, clock), here) is facts[1]
    moved = register.restart(remember(register, facts, clock))
    assert register.read(moved, here) is facts[2]
    assert isinstance(register.read(register.initial, here), Unknown)
    assert isinstance(register.read(remember(register, facts), context_of(NOW)), Unknown)
    assert isinstance(register.read(moved, context_of(OTHER_ASSAY, clock=clock)), Unknown)


def test_after_a_clock_that_never_moves_a_baseline_keeps_nothing_more() -> None:
    clock = fact("clock", 10)
    facts = [fact("a", 0, "1"), fact("b", 10, "2"), fact("c", 11, "3")]
    register = Baseline(None, follows_clock=False, clock_moves=False)
    memory = remember(register, facts[:2], clock)
    assert register.add(memory, facts[2], context_of(facts[2], clock=clock)) is memory
    assert register.read(memory, context_of(NOW, clock=clock)) is facts[1]


def test_a_baseline_takes_only_what_is_admitted() -> None:
    register = Baseline(lambda c: c.fact.key[1] == "a", follows_clock=False)
    facts = [fact("a", 0), fact("b", 1)]
    assert register.read(remember(register, facts), context_of(NOW, clock=NOW)) is facts[0]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["3"], None),  # nothing confirms it
        (["3", "1"], 0),  # the larger of the pair
        (["3", "1", "2"], 2),
        (["3", "1", "2", "0.5"], 2),  # one low sample is not confirmed
        (["3", "1", "2", "0.5", "0.6"], 4),
    ],
)
def test_a_confirmed_nadir_is_what_two_neighbours_reached(
    values: list[str], wanted: int | None
) -> None:
    facts = [fact(f"f{at}", at, value) for at, value in enumerate(values)]
    register = ConfirmedNadir(None, follows_clock=False, number=number)
    assert register.read(remember(register, facts), context_of(NOW)) is (
        None if wanted is None else facts[wanted]
    )


def test_what_has_no_number_is_no_neighbour() -> None:
    facts = [fact("a", 0, "3"), fact("b", 1, None, value_code="lost"), fact("c", 2, "2")]
    register = ConfirmedNadir(None, follows_clock=False, number=number)
    assert register.read(remember(register, facts), context_of(NOW)) is facts[0]


def test_a_count_counts() -> None:
    register = Count(lambda c: c.fact.key[1] != "b", follows_clock=True)
    memory = remember(register, [fact("a"), fact("b"), fact("c")])
    assert register.read(memory, context_of(NOW)) == Decimal(2)
    assert register.restart(memory) == 0
    assert Count(None, follows_clock=False).restart(memory) == memory
