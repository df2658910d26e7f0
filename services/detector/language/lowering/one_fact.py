"""One fact of the past, such as the lowest or the last, with what makes it one of its series."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from schemas.alerts import Role
from services.detector.engine import logic, membership
from services.detector.engine.baselines import NadirWithBaseline
from services.detector.engine.registers import Baseline, ConfirmedNadir, Extreme, First, Latest
from services.detector.engine.runs import RunStart
from services.detector.language.ast import Call, Selection
from services.detector.language.lowering.past import Make, Wanted, looked_up, remembered
from services.detector.language.lowering.readings import number_read
from services.detector.language.unparse import unparse
from services.detector.language.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import Lowering

_OF_NUMBERS: Final[dict[str, tuple[Make, Role]]] = {
    "nadir": (partial(Extreme, lowest=True), Role.NADIR),
    "peak": (partial(Extreme, lowest=False), Role.SUPPORT),
    "confirmed_nadir": (ConfirmedNadir, Role.NADIR),
    "nadir_with_baseline": (NadirWithBaseline, Role.NADIR),
}
"""What is remembered for its number, and as which evidence."""

_OF_FACTS: Final[dict[str, tuple[str, Make, Role]]] = {
    "baseline": ("baseline", Baseline, Role.BASELINE),
    "exists": ("first", First, Role.SUPPORT),
    "first": ("first", First, Role.SUPPORT),
    "last": ("last", Latest, Role.SUPPORT),
    "previous": ("last", Latest, Role.SUPPORT),
    "run": ("run", RunStart, Role.SUPPORT),
}
"""What is remembered whatever its number; functions with the same register go by one name."""


def one_fact(lowering: Lowering, chosen: Selection, function: str) -> Term:
    """One fact of the past, with what makes it one of its series."""
    return grounded(lowering, chosen, _found(lowering, chosen, function))


def _found(lowering: Lowering, chosen: Selection, function: str) -> Term:
    """Looked up in a period, or remembered in a register."""
    text = f"{function}({unparse(chosen)})"
    number = number_read(chosen.attribute)
    if chosen.within is not None or chosen.older_than is not None:
        return looked_up(lowering, chosen).one(function, number, text)
    if function in _OF_NUMBERS:
        make, role = _OF_NUMBERS[function]
        if make is NadirWithBaseline:
            make = partial(make, clock_moves=lowering.clock_moves)
        wanted = Wanted(function, partial(make, number=number), "fact", role)
    else:
        name, make, role = _OF_FACTS[function]
        if make is Baseline:
            make = partial(make, clock_moves=lowering.clock_moves)
        wanted = Wanted(name, make, "fact", role)
    return remembered(lowering, chosen, wanted, text)


def grounded(lowering: Lowering, chosen: Selection, term: Term) -> Term:
    """Evidence of a series that takes only some facts says why it took them.

    The same goes for a period whose condition rests on further facts.
    """
    reasons = [*_membership(lowering, chosen.series), *_further(lowering, chosen)]
    if not reasons:
        return term
    seat = lowering.seat(chosen.series)
    return membership.grounded(term, dict.fromkeys(seat, logic.all_of(reasons, "")))


def _membership(lowering: Lowering, series: str) -> Iterator[Term]:
    """Why a fact is one of the series, unless that is just what is being proved."""
    only = lowering.series[series].only
    if only is not None and series not in lowering.grounding:
        lowering.grounding.add(series)
        yield lowering.condition(only, (series,))
        lowering.grounding.discard(series)


def _further(lowering: Lowering, chosen: Selection) -> Iterator[Term]:
    where = chosen.where
    if where is None or not any(isinstance(part, Call) for part in walk(where)):
        return
    asked = [part for part in walk(where) if isinstance(part, Selection)]
    bounded = asked and all(part.within is not None for part in asked)
    if chosen.within is not None or bounded:
        yield lowering.condition(where, (chosen.series,))
