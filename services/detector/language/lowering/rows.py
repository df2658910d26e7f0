"""Several values in a row: how they move, and the last but one."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from schemas.alerts import Role
from services.detector.engine import trends
from services.detector.engine.registers import Latest
from services.detector.language.lowering.arguments import share
from services.detector.language.lowering.one_fact import grounded
from services.detector.language.lowering.past import Wanted, looked_up, remembered

if TYPE_CHECKING:
    from services.detector.engine.terms import Term
    from services.detector.language.ast import Selection
    from services.detector.language.lowering.arguments import Asked
    from services.detector.language.lowering.rule import Lowering


def rises(asked: Asked) -> Term:
    """So many rises, which take one value more."""
    return _in_a_row(asked, trends.rising(_least(asked)), further=1)


def steady(asked: Asked) -> Term:
    """So many values that follow one and stay with it."""
    return _in_a_row(asked, trends.steady(_least(asked)), further=1)


def plateau(asked: Asked) -> Term:
    """So many values that stay on one level."""
    return _in_a_row(asked, trends.level(_least(asked)), further=0)


def one_before(asked: Asked) -> Term:
    """`previous(s, 2)`: the last but one."""
    chosen, count, text = asked.selection(), asked.count(1), asked.text
    earlier = _earlier(asked.lowering, chosen, count, text)
    return grounded(asked.lowering, chosen, trends.one_before(earlier, count, text))


def _in_a_row(asked: Asked, holds: trends.Holds, *, further: int) -> Term:
    chosen, count = asked.selection(), asked.count(1)
    span = asked.days(3) if asked.args[3:] else 0
    earlier = _earlier(asked.lowering, chosen, count, asked.text)
    row = trends.Row(earlier, count + further, span)
    return grounded(asked.lowering, chosen, trends.in_a_row(row, holds, asked.text))


def _least(asked: Asked) -> Decimal:
    """The share by which values have to differ, or may."""
    return share(asked.args[2]) if asked.args[2:] else Decimal(0)


def _earlier(lowering: Lowering, chosen: Selection, count: int, text: str) -> trends.Earlier:
    """The facts before the one in question: of a period, or the last so many."""
    if chosen.within is not None:
        return trends.of_period(looked_up(lowering, chosen))
    make = partial(Latest, count=max(count, 2))
    wanted = Wanted("latest", make, "facts", Role.SUPPORT, (count,))
    return trends.remembered(remembered(lowering, chosen, wanted, text))
