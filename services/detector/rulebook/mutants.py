"""Rules that say something slightly else: what the cases must notice.

A case file proves a rule only as far as it would fail if the rule were another. So every number,
comparison and interval of a rule is changed by one step, one at a time, and its cases are run
against the result. A mutant that no case notices marks a limit that nobody tests.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from services.detector.language import checker
from services.detector.language.ast import Compare, Duration, Node, Place, Quantity
from services.detector.language.overrides import with_parameters
from services.detector.language.unparse import unparse
from services.detector.rulebook.runner import Status, run_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case

_PARTS: Final = ("series", "lets", "criteria")
_OPPOSITES: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "!=", "!=": "="}
_SHORTEST: Final = 0
_STRAIGHT: Final = ("straight",)
"""One way of delivery is enough: in the others the same cases give the same verdicts."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule with one step of difference.

    Attributes:
        rule: the changed rule.
        place: where the original says otherwise.
        before: what it says there.
        after: what the mutant says.
    """

    rule: Rule
    place: Place
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.rule.id} ({self.place}): {self.before} -> {self.after}"


Told = tuple[Place, str, str]
"""Where a change was made, what it said there, what it says now."""


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every mutant of a rule that still makes sense, in the order of the text.

    Numbers move by one in their last written digit, durations by one of their unit; a comparison
    becomes strict where it was inclusive, and the reverse. Parameters first, then the rest.
    """
    for changed, told in (*_of_parameters(rule), *_of_parts(rule)):
        if not checker.check(changed):
            yield Mutant(changed, *told)


def survivors(
    rule: Rule, cases: Sequence[Case], most: int | None = None
) -> tuple[int, list[Mutant]]:
    """How many mutants there are, and those that no case tells from the rule.

    Args:
        rule: the original, whose cases all pass.
        cases: those of this rule.
        most: how many to look at, spread over the text of the rule; None: all.
    """
    found = list(mutants(rule))
    if most is not None:
        found = found[:: -(-len(found) // most) or 1]
    order = list(cases)
    return len(found), [mutant for mutant in found if not _is_caught(mutant, order)]


def _is_caught(mutant: Mutant, order: list[Case]) -> bool:
    """Whether a case fails; that one is asked first of the next mutant, which is often its like."""
    for at, case in enumerate(order):
        if run_case(case, (mutant.rule,), _STRAIGHT).status is Status.FAILED:
            order.insert(0, order.pop(at))
            return True
    return False


def _of_parameters(rule: Rule) -> Iterator[tuple[Rule, Told]]:
    for parameter in rule.params:
        for value, (_, before, after) in _changes(parameter.value):
            changed = with_parameters(rule, {parameter.name: value})
            name = f"${parameter.name}: "
            yield changed, (parameter.place, name + before, name + after)


def _of_parts(rule: Rule) -> Iterator[tuple[Rule, Told]]:
    for name in _PARTS:
        for value, told in _changes(getattr(rule, name)):
            changes: dict[str, Any] = {name: value}
            yield replace(rule, **changes), told


def _changes(value: Any) -> Iterator[tuple[Any, Told]]:
    """The value with one change somewhere in it, for each change that there can be."""
    if isinstance(value, tuple):
        for at, item in enumerate(value):
            for changed, told in _changes(item):
                yield (*value[:at], changed, *value[at + 1 :]), told
        return
    if not is_dataclass(value) or isinstance(value, Place | type):
        return
    if isinstance(value, Node):
        for changed in _steps(value):
            yield changed, (value.place, unparse(value), unparse(changed))
    for field in fields(value):
        for changed, told in _changes(getattr(value, field.name)):
            yield replace(value, **{field.name: changed}), told


def _steps(node: Node) -> Iterator[Node]:
    """This node alone, one step away in every direction."""
    match node:
        case Quantity(value=number):
            step = Decimal(1).scaleb(int(number.as_tuple().exponent))
            yield replace(node, value=number + step)
            yield replace(node, value=number - step)
        case Duration(amount=amount, param=None):
            yield replace(node, amount=amount + 1)
            if amount > _SHORTEST:
                yield replace(node, amount=amount - 1)
        case Compare(op=op):
            yield replace(node, op=_OPPOSITES[op])
        case _:
            return
