"""What is denied at a glance is false when it is asked, for every rule of the catalogue."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

from support.lanes import fact, step, when
from support.living import all_rules

from services.detector.engine.comparisons import compared
from services.detector.engine.dormancy import denial, never, weakest
from services.detector.engine.fields import the_fact_of
from services.detector.engine.logic import all_of, any_of
from services.detector.engine.pattern import Pattern
from services.detector.engine.seats import Entry, Seat
from services.detector.engine.terms import Context, Term
from services.detector.engine.truth import Range, Unknown, Value
from services.detector.engine.values import constant, multiple_of_limit, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.engine.fact import Fact
    from services.detector.engine.finding import Machine
    from services.detector.engine.rule import CompiledRule

COURSE = step("clock", 0, regimen="X")
REFERENCES = (None, Decimal(1), Decimal(40))


def watched() -> Iterator[tuple[CompiledRule, Pattern, tuple[int, ...]]]:
    """Every criterion that has a denial, with the series of a fact that it is shown."""
    for rule in all_rules():
        for machine in rule.machines:
            if isinstance(machine, Pattern):
                for index in sorted(machine.listens):
                    if machine.denial((index,)) is not None:
                        yield rule, machine, (index,)


def numbers(term: Term) -> Iterator[Decimal]:
    """The numbers in a condition: fixed limits, and multiples of the reference limits."""
    if term.fixed is not None:
        yield term.fixed
    if term.multiple is not None:
        yield from (term.multiple[0] * one for one in REFERENCES if one is not None)
    yield from chain.from_iterable(map(numbers, term.made_of[1]))


def values(limits: set[Decimal]) -> Iterator[Value]:
    """Nothing, an unknown, and on and about each limit: numbers, and what is above or below one."""
    yield None
    yield Unknown("not told")
    for limit in sorted(limits | {Decimal(0)}):
        for number in (limit - Decimal("0.1"), limit, limit + Decimal("0.1")):
            yield number
            for included in (False, True):
                yield Range(Decimal(0), number, high_included=included)
                yield Range(number, None, low_included=included)


def facts(limits: set[Decimal]) -> Iterator[Fact]:
    for low in REFERENCES:
        for value in values(limits):
            one = fact("a", reference_low=low, reference_high=low)
            one.value = value
            yield one


def at(
    rule: CompiledRule, one: Fact, series: tuple[int, ...], clock: Fact | None = None
) -> Context:
    return Context(one, clock, clock, rule.initial.registers, [Entry(one, Seat(series, 0))], 0)


def limits_of(machine: Machine) -> set[Decimal]:
    """All numbers in what a machine holds."""
    found: set[Decimal] = set()
    seen, todo = set[int](), list[Any]([machine])
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Term):
            found |= set(numbers(one))
        elif isinstance(one, tuple):
            todo += one
        elif type(one).__module__.startswith("services.detector.engine"):
            names = getattr(one, "__slots__", ()) or vars(one)
            todo += [getattr(one, name, None) for name in (*names, *getattr(one, "__dict__", ()))]
    return found


def test_what_is_denied_leaves_every_machine_as_it_began() -> None:
    denied: Counter[str] = Counter()
    for rule in all_rules():
        for machine in rule.machines:
            for index in sorted(machine.listens):
                denies = machine.denial((index,), dated=True)
                for one in facts(limits_of(machine)) if denies else ():
                    if denies is not None and denies(one):
                        denied[type(machine).__name__] += 1
                        for clock in (None, COURSE):
                            here = at(rule, one, (index,), clock)
                            after, notes = machine.step(machine.initial, here)
                            assert (after, notes) == (machine.initial, ()), rule.id
    assert {"Pattern", "Escalation", "Sequence", "Unanswered", "MachineApart"} <= set(denied)


def test_what_is_denied_is_false() -> None:
    denied = 0
    for rule, machine, series in watched():
        denies = machine.denial(series)
        terms = [arm.when for arm in (*machine.confirmed, *machine.suspect, *machine.info)]
        assert denies is not None
        for one in facts(set(chain.from_iterable(map(numbers, terms)))):
            if denies(one):
                denied += 1
                assert all(term.evaluate(at(rule, one, series)) is False for term in terms), rule.id
    assert denied > 100


def test_some_rules_have_one() -> None:
    assert {"HIV-VF-WHO", "TOX-ANC4-7D"} <= {rule.id for rule, _, _ in watched()}


def of_first(op: str, right: Term) -> Term:
    return compared(op, value_of(the_fact_of(frozenset({0}), "alt")), right, f"alt {op}")


def test_a_multiple_of_its_own_limit() -> None:
    alt = the_fact_of(frozenset({0}), "alt")
    above = denial(of_first(">", multiple_of_limit(alt, Decimal(3), "uln", "3 uln")), (0,))
    assert above is not None
    assert [above(fact("a", value=v, reference_high="40")) for v in ("120", "121")] == [True, False]
    assert not above(fact("a", value="1"))  # without a limit nobody knows


def test_a_fact_of_another_series_has_no_number() -> None:
    assert denial(of_first(">", constant(Decimal(3), "3")), (1,)) is never


def test_one_part_that_is_false_is_enough_for_and_but_not_for_or() -> None:
    sure, unsure = of_first(">", constant(Decimal(3), "3")), when(">", "9")
    assert denial(all_of((unsure, sure), "both"), (0,)) is not None
    assert denial(any_of((unsure, sure), "either"), (0,)) is None
    both = denial(any_of((sure, of_first("<", constant(Decimal(1), "1"))), "either"), (0,))
    assert both is not None
    assert [both(fact("a", value=v)) for v in ("0.5", "2", "4")] == [False, True, False]


VALUE = value_of(the_fact_of(frozenset({0}), "alt"))


def limited(op: str, limit: str) -> Term:
    return compared(op, VALUE, constant(Decimal(limit), limit), f"alt {op} {limit}")


def test_the_weakest_of_several_limits_is_the_one_without_which_none_holds() -> None:
    three, strictly, four = limited(">=", "3"), limited(">", "3"), limited(">=", "4")
    assert weakest([three, strictly, four]) is three
    assert weakest([four, strictly]) is strictly
    low, lower = limited("<", "3"), limited("<=", "2")
    assert weakest([lower, low]) is low
    assert weakest([]) is None


def test_limits_on_both_sides_or_of_other_numbers_have_no_weakest() -> None:
    three = limited(">=", "3")
    assert weakest([three, limited("<", "1")]) is None
    assert weakest([three, of_first(">=", constant(Decimal(4), "4"))]) is None
    assert weakest([three, when(">=", "4")]) is None
