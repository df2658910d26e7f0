"""Numbers that are asked of a series: how many, how long, how fast, how much of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alerts import Role
from services.detector.engine import curves, doses, held, spells
from services.detector.engine.registers import Count
from services.detector.language.ast import Duration
from services.detector.language.lowering.past import Wanted, admits, looked_up, remembered, runs_of

if TYPE_CHECKING:
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.arguments import Asked


def count(asked: Asked) -> Term:
    """How many facts there are in a period, or were at all."""
    chosen = asked.selection()
    if isinstance(chosen.within, Duration):
        return looked_up(asked.lowering, chosen).count(asked.text)
    wanted = Wanted("count", Count, "number", Role.SUPPORT)
    return remembered(asked.lowering, chosen, wanted, asked.text)


def median(asked: Asked) -> Term:
    """The median of a period."""
    return looked_up(asked.lowering, asked.selection()).median(asked.text)


def runs(asked: Asked) -> Term:
    """How many times a run has begun in a period."""
    return runs_of(asked.lowering, asked.selection()).count(asked.text)


def hours_held(asked: Asked) -> Term:
    """For how many hours an unbroken run of facts has lasted that the fact in question ends."""
    found = runs_of(asked.lowering, asked.selection())
    return held.Held(found.series, found.period, found.admits, asked.text).term()


def days_while(asked: Asked) -> Term:
    """For how many days a condition has lasted."""
    wanted = Wanted("days_while", spells.DaysWhile, "spell", Role.SUPPORT)
    spell = remembered(asked.lowering, asked.selection(), wanted, asked.text)
    return spells.days_while(spell, asked.text)


def doubling_time(asked: Asked) -> Term:
    """In how many days the values of a period double."""
    return curves.doubling_time(_fit(asked), falling=False, text=asked.text)


def halving_time(asked: Asked) -> Term:
    """In how many days the values of a period halve."""
    return curves.doubling_time(_fit(asked), falling=True, text=asked.text)


def _fit(asked: Asked) -> curves.Fit:
    past = looked_up(asked.lowering, asked.selection())
    return curves.Fit(past, asked.count(1), asked.days(2), asked.days(3))


def levels_down(asked: Asked) -> Term:
    """By how many levels the dose has been reduced."""
    lowering, chosen = asked.lowering, asked.selection()
    wanted = Wanted("levels_down", doses.Levels, "levels", Role.SUPPORT)
    kept = remembered(lowering, chosen, wanted, asked.text)
    levels = doses.Levels(admits(lowering, chosen), follows_clock=False)
    return doses.levels_down(kept, levels, lowering.seat(chosen.series), asked.text)


def dose_intensity(asked: Asked) -> Term:
    """The share of the planned dose that has been given, of so many cycles or of all."""
    wanted = Wanted("all_of", doses.AllOf, "facts", Role.SUPPORT)
    given, plan = (
        remembered(asked.lowering, asked.selection(which), wanted, asked.text) for which in (0, 1)
    )
    cycles = asked.count(2) if asked.args[2:] else None
    return doses.dose_intensity(given, plan, cycles, asked.text)
