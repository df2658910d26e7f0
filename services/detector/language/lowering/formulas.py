"""Published formulas over several facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from services.detector.engine import formulas, person
from services.detector.language.lowering.past import Wanted, looked_up, remembered
from services.detector.language.unparse import unparse

if TYPE_CHECKING:
    from services.detector.engine.registers import Register
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.arguments import Asked


def mean(asked: Asked) -> Term:
    """The mean of what is worked out at each fact of a period."""
    inner = _at_each(asked)
    return formulas.Mean(looked_up(asked.lowering, asked.selection()), inner, asked.text).term()


def at_baseline(asked: Asked) -> Term:
    """What was worked out at the last fact before the clock."""
    inner = _at_each(asked)

    def make(admits: Any, *, follows_clock: bool) -> Register:
        del follows_clock  # it always does
        return formulas.AtBaseline(admits, inner, clock_moves=asked.lowering.clock_moves)

    wanted = Wanted("at_baseline", make, "number", Role.BASELINE, (unparse(asked.args[1]),))
    kept = remembered(asked.lowering, asked.selection(), wanted, asked.text)
    return formulas.at_baseline(kept, asked.text)


def _at_each(asked: Asked) -> Term:
    return asked.lowering.number(asked.args[1], (asked.selection().series,))


def fridericia(asked: Asked) -> Term:
    """The QT interval corrected for the heart rate."""
    beats = [asked.fact(which) for which in range(1, len(asked.args))]
    return formulas.fridericia(asked.fact(0), beats, asked.text)


def cockcroft_gault(asked: Asked) -> Term:
    """The clearance of creatinine, estimated from serum creatinine, weight, age and sex."""
    serum, weight = asked.fact(0), asked.fact(1)
    who = asked.lowering.person()
    return formulas.clearance(serum, weight, person.age(who), person.sex(who), asked.text)


def magnitude(asked: Asked) -> Term:
    """A value without its sign."""
    return formulas.magnitude(asked.fact(), asked.text)
