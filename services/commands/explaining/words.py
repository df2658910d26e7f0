"""Words for what `salvage explain` found: days, results, limits, the sentence of a prospect."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from schemas.alerts import State
from services.detector.adapters.views import HORIZON
from services.detector.engine.conditions import digits
from services.detector.engine.evidence import reported, what, written_day

if TYPE_CHECKING:
    from schemas.base import EffectiveTime
    from services.detector.adapters.views import Due, Prospect
    from services.detector.engine.conditions import Side
    from services.detector.engine.fact import Fact
    from services.detector.engine.margin import Limit

_AT: Final = {">=": "at {0} or more", ">": "above {0}", "<=": "at {0} or less", "<": "below {0}"}
_YEARS: Final = HORIZON // 366
_FEW: Final = 6
"""Facts of one side that are named; of more, their number."""


def iso(day: int) -> str:
    """An ordinal day."""
    return date.fromordinal(day).isoformat()


def named(state: str, tag: str | None) -> str:
    """`confirmed (m6_failure)`."""
    return state if tag is None or tag == state else f"{state} ({tag})"


def amount(value: str | None, unit: str | None) -> str:
    """A value with its unit."""
    return " ".join(part for part in (value, unit) if part) or "nothing"


def result(fact: Fact) -> str:
    """`psa 3.1 ng/mL on 2024-03-04`."""
    said = amount(reported(fact) or "", getattr(fact.event, "unit", None))
    return f"{what(fact)} {'' if said == 'nothing' else said + ' '}on {written_day(fact)}"


def these(facts: tuple[Fact, ...]) -> str:
    """The facts behind a number; of many, how many."""
    if len(facts) > _FEW:
        return f"{len(facts)} facts, the last: {result(facts[-1])}"
    return "; ".join(result(fact) for fact in facts)


def of(facts: tuple[Fact, ...]) -> str:
    """The same in brackets; nothing where there are none."""
    return f" ({these(facts)})" if facts else ""


def side(one: Side) -> str:
    """`2 * nadir(psa): 2.8 ng/mL (psa 1.4 ng/mL on 2022-05-02)`; a bare result only once."""
    if len(one.facts) == 1 and one.value == reported(one.facts[0]):
        return f"{one.text}: {result(one.facts[0])}"
    value = "there is none" if one.value is None else amount(one.value, one.unit)
    same = value == one.text
    return f"{one.text}{'' if same else ': ' + value}{of(one.facts)}"


def firing(limits: tuple[Limit, ...]) -> list[str]:
    """Where it fires; two limits on either side of a range, or of a gap, are one statement."""
    sides = {one.op[0]: one for one in limits}
    if not len(limits) == len(sides) == len("<>"):
        return [limit(one) for one in limits]
    low, high = sides[">"], sides["<"]
    return [f"{limit(low)} {'and' if low.value <= high.value else 'or'} {limit(high)}"]


def limit(one: Limit) -> str:
    """`at 3.4 ng/mL or more: nadir(psa) + 2 ng/mL (psa 1.4 ng/mL on 2022-05-02)`."""
    number = amount(digits(one.value), one.unit)
    other = one.reported
    same = "" if other is None else f" (that is {amount(digits(other[0]), other[1])})"
    text = _AT[one.op].format(number + same)
    return text if one.term.fixed is not None else f"{text}: {one.term.text}{of(one.facts)}"


def when(one: Prospect, today: int) -> str:
    """The earliest date, and why it isn't sooner."""
    because = f" ({'; '.join(one.because)})" if one.because else ""
    if one.unclocked:
        return "no date can be given without a clock"
    if one.earliest is None:
        return f"no fact of the next {_YEARS} years can, as the course stands{because}"
    if one.earliest <= today:
        return f"from now on{because}"
    return f"on or after {iso(one.earliest)}{because}"


def then(one: Prospect, today: int) -> str:
    """` on 2024-06-01`, if that is not now."""
    return f" on {iso(one.earliest)}" if one.earliest and one.earliest > today else ""


def time(when: EffectiveTime) -> str:
    """A day, or a day with its time (UTC)."""
    return f"{when:%Y-%m-%d %H:%M} UTC" if isinstance(when, datetime) else when.isoformat()


def due(one: Due) -> str:
    """What the calendar will say."""
    comes = "comes" if one.state is State.OVERDUE else "says otherwise"
    return (
        f"{named(one.state, one.tag)} at the end of {iso(one.day)} "
        f"unless {' or '.join(one.series)} {comes}"
    )
