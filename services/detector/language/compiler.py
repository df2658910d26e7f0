"""A rule, read and checked, becomes machines of the engine."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.terminology import daids
from services.detector.engine.grader import Grader
from services.detector.engine.rule import Clock, CompiledRule, Ends, Series
from services.detector.language import spec
from services.detector.language.ast import Quantity
from services.detector.language.card import card
from services.detector.language.machines import machine
from services.detector.language.parts import Parts
from services.detector.language.series import series
from services.detector.language.words import PATIENT, PHASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.detector.engine.finding import Machine
    from services.detector.engine.terms import Term
    from services.detector.language.ast import Compare

_NEW_LINE, _NEXT_LINE = "new-line", "next-line"


@lru_cache(maxsize=256)
def compiled(rule: spec.Rule) -> CompiledRule:
    """`compile_rule`, remembered: many who ask ask for the same few rules."""
    return compile_rule(rule)


def compile_rule(
    rule: spec.Rule, watch: Callable[[Compare, Term], Term] | None = None
) -> CompiledRule:
    """Compile one rule.

    Args:
        rule: as `reader` gives it, after `checker` and a site's overrides.
        watch: may put a term of its own in place of every comparison, to see how it turns out.

    Raises:
        RuleErrors: something that the checker ought to have refused.
    """
    parts = Parts(rule, watch)
    machines = tuple(_machines(parts))
    figures = tuple(_figures(parts))
    closer_watch = parts.condition_if_any(rule.closer_watch, ())
    # Last of all: what has been asked decides what is read and remembered.
    read = tuple(_read(parts))
    return CompiledRule(
        id=rule.id,
        card=card(parts),
        series=read,
        machines=machines,
        registers=tuple(parts.lowering.registers.made),
        conditions=frozenset(rule.conditions),
        modalities=frozenset(rule.modalities),
        regimens=frozenset(regimen.lower() for regimen in rule.regimens),
        drug_classes=frozenset(name.lower() for name in rule.drug_classes),
        line=rule.line,
        clock=_clock(rule),
        ends=_ends(parts),
        reach_days=max([parts.lowering.reach_days, *(one.reach_days for one in machines)]),
        figures=figures,
        closer_watch=closer_watch,
        graders=tuple(_graders(parts)),
    )


def _machines(parts: Parts) -> Iterator[Machine]:
    """Those of the criteria that speak for themselves."""
    for criterion in parts.rule.criteria:
        if not isinstance(criterion, spec.Grading) and criterion.name not in parts.rule.serving:
            yield machine(parts, criterion)


def _figures(parts: Parts) -> Iterator[tuple[frozenset[int], Term]]:
    """The numbers that entries carry: also worth knowing while there is no entry."""
    for criterion in parts.rule.criteria:
        if isinstance(criterion, spec.Pattern | spec.Tiers):
            number = parts.number_if_any(criterion.value, criterion.each)
            if number is not None:
                yield parts.seats(criterion.each), number


def _read(parts: Parts) -> Iterator[Series]:
    """What the rule reads; what is told of the person, after all else and where it is asked."""
    for one in parts.rule.series:
        yield series(parts, one)
    if parts.lowering.asks_person:
        yield Series(PATIENT, frozenset({PATIENT}))


def _clock(rule: spec.Rule) -> Clock | None:
    if rule.clock is None:
        return None
    which, *phases = rule.clock
    return Clock(last=which == "last", phases=frozenset(phases))


def _ends(parts: Parts) -> Ends:
    words = frozenset(parts.rule.ends)
    return Ends(
        new_line=_NEW_LINE in words,
        next_line=_NEXT_LINE in words,
        phases=words & frozenset(PHASES),
        series=parts.seats(tuple(words & parts.by_name.keys())),
    )


def _graders(parts: Parts) -> Iterator[Grader]:
    for criterion in parts.rule.criteria:
        if isinstance(criterion, spec.Grading):
            window = parts.days(criterion.baseline_within)
            yield Grader(criterion.name, criterion.table, _version(parts, criterion), window)


def _version(parts: Parts, criterion: spec.Grading) -> int:
    """Of the grading table."""
    if criterion.version is None:
        return daids.VERSION
    number = parts.written(criterion.version)
    if not isinstance(number, Quantity):
        raise TypeError("the version of a grading is a number")
    return int(number.value)
