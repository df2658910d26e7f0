"""Runs a case through the same path as live events, in several ways that must all say the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING

from services.detector.language import overrides
from services.detector.language.ast import Duration, Node, Place, Quantity
from services.detector.language.compiler import compiled
from services.detector.language.errors import RuleError, unknown
from services.detector.language.expressions import parse_expression
from services.detector.rulebook.drafts import time_of
from services.detector.rulebook.facts import events_of, parameters_of
from services.detector.rulebook.questions import QUESTIONS, answer
from services.detector.rulebook.verdict import compare, compare_answer
from services.detector.rulebook.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.detector.language.spec import Parameter, Rule
    from services.detector.rulebook.cases import Case, Plain

END_OF_DAY = time(23, 59, 59, 999999, tzinfo=UTC)
"""A case that names only a day means all of it."""


class Status(StrEnum):
    """How a case went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case.

    Attributes:
        case: the case.
        status: how it went.
        reason: why it failed or was skipped.
        expected: lines, as the case has it.
        got: lines, as the engine has it.
        way: in which of `ways.WAYS` it failed.
    """

    case: Case
    status: Status
    reason: str = ""
    expected: tuple[str, ...] = ()
    got: tuple[str, ...] = ()
    way: str = ""


def run_case(case: Case, rules: Sequence[Rule], ways: Iterable[str] = tuple(WAYS)) -> Outcome:
    """Run a case against the rule that it names.

    Args:
        case: the case.
        rules: the rulebook; a case of a rule that isn't in it fails.
        ways: names out of `ways.WAYS`; the first that fails is reported.
    """
    rule = next((each for each in rules if each.id == case.rule), None)
    try:
        if case.rule in QUESTIONS:
            return _answered(case)
        if rule is None:
            return Outcome(case, Status.FAILED, f"there is no rule {case.rule}")
        return _run(case, rule, ways)
    except RuleError as error:
        return Outcome(case, Status.FAILED, str(error))


def _answered(case: Case) -> Outcome:
    difference = compare_answer(case.expect, answer(case), case.place)
    if difference is None:
        return Outcome(case, Status.PASSED)
    expected, got = difference
    return Outcome(case, Status.FAILED, "the answer differs", expected, got, "asked")


def _run(case: Case, rule: Rule, ways: Iterable[str]) -> Outcome:
    asked = asked_by(case, rule)
    events = [event for _, event in events_of(case, asked)]
    for way in ways:
        try:
            result = WAYS[way](events, (compiled(asked),), until_of(case))
        except Exception as error:
            error.add_note(f"in case {case.id} of {case.rule}, {case.place}, {way}")
            raise
        difference = compare(case.expect, asked, result, case.place)
        if difference is not None:
            expected, got = difference
            return Outcome(case, Status.FAILED, "the verdict differs", expected, got, way)
    return Outcome(case, Status.PASSED)


def asked_by(case: Case, rule: Rule) -> Rule:
    """The rule with the parameters that a case sets."""
    return with_parameters(rule, parameters_of(case, rule), case.place)


def until_of(case: Case) -> datetime | None:
    """Up to when the clock runs; None: to the last receipt."""
    if case.until is None:
        return None
    until = time_of(case.until, case.place)
    return until if isinstance(until, datetime) else datetime.combine(until, END_OF_DAY)


def with_parameters(rule: Rule, values: Mapping[str, Plain], place: Place) -> Rule:
    """The rule with other parameters; a bare number takes the unit of the one that it replaces.

    Raises:
        RuleError: the rule has no such parameter, or the value is no expression.
    """
    if not values:
        return rule
    for name, value in values.items():
        if rule.parameter(name) is None:
            raise RuleError(place, f"{rule.id} has no parameter `{name}`")
        if not isinstance(value, str):
            raise RuleError(place, f"parameter `{name}` is not a single value")
        _refuse_no_choice(rule.parameter(name), value, place)
    told = {p.name: _value(p, str(values[p.name]), place) for p in rule.params if p.name in values}
    return overrides.with_parameters(rule, told)


def _refuse_no_choice(parameter: Parameter | None, text: str, place: Place) -> None:
    if parameter is not None and parameter.choices and text not in parameter.choices:
        raise RuleError(place, *unknown(f"choice of `{parameter.name}`", text, parameter.choices))


def _value(parameter: Parameter, text: str, place: Place) -> Node:
    found, before = parse_expression(text, place), parameter.value
    if isinstance(found, Quantity) and found.unit is None and isinstance(before, Quantity):
        return replace(found, unit=before.unit)
    if isinstance(found, Quantity) and found.unit is None and isinstance(before, Duration):
        return replace(before, amount=int(found.value))
    return found
