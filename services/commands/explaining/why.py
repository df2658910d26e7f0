"""Why, and why not: proofs and conditions in as few lines as say it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from schemas.terminology.analytes import analyte
from schemas.terminology.units import canonical
from services.commands.explaining import words
from services.detector.engine.conditions import digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.alerts import Evidence, Explanation
    from services.detector.engine.conditions import Condition

Units = dict[tuple[str, str], str]

_IN: Final = "  "
_JOINED: Final = {"and": "all of these", "or": "one of these"}


def proof(one: Explanation, units: Units) -> Iterator[str]:
    """What was true, down to the numbers; of what is joined by `and` and `or`, the parts."""
    parts = [part for part in one.because if part.truth is not None]
    if one.truth == "true" and parts and all(part.truth == "true" for part in parts):
        for part in parts:
            yield from proof(part, units)
    elif one.because or one.truth is not None or one.value is not None:
        yield f"{one.text}{_outcome(one, units)}"
        for part in one.because:
            yield from (f"{_IN}{line}" for line in proof(part, units))


def _outcome(one: Explanation, units: Units) -> str:
    if one.truth is None:
        return "" if one.value is None else f": {_with_unit(one, one.value, units)}"
    reason = f" ({one.value})" if one.truth == "unknown" and one.value else ""
    return f": {one.truth}{reason}"


def units_of(evidence: Iterable[Evidence]) -> Units:
    """The units in which a proof gives the values of the evidence: those of their analytes."""
    found: Units = {}
    for piece in evidence:
        known, number = analyte(piece.what), _number(piece.value)
        if known is not None and piece.unit is not None and number is not None:
            value = canonical(number, piece.unit, known)
            if isinstance(value, Decimal):
                found[piece.event_id, digits(value)] = known.unit
    return found


def _number(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def _with_unit(one: Explanation, value: str, units: Units) -> str:
    """A number that is just a result's has the result's unit."""
    number = _number(value)
    short = value if number is None else digits(number)
    found = {units[event, short] for event in one.events if (event, short) in units}
    return words.amount(short, found.pop() if len(found) == 1 else None)


def stated(conditions: tuple[Condition, ...]) -> Iterator[Condition]:
    """The conditions that must all hold, one by one."""
    for one in conditions:
        yield from stated(one.parts) if one.word == "and" else (one,)


def compares_with(texts: frozenset[str], one: Condition) -> bool:
    """Whether it compares with one of these, in whatever part."""
    own = any(side.text in texts for side in one.sides)
    return own or any(compares_with(texts, part) for part in one.parts)


def asked(one: Condition) -> Iterator[str]:
    """A condition, what came of it, and the numbers; what holds in parts, in its parts."""
    if one.word in _JOINED and one.truth != "true":
        yield f"{_JOINED[one.word]}: {one.truth}"
        for part in _alternatives(one):
            yield from (f"{_IN}{line}" for line in asked(part))
    else:
        numbers = "; ".join(_numbers(one))
        reason = "" if one.reason is None else f", {one.reason}"
        yield f"{one.text}: {one.truth}{reason}{f' ({numbers})' if numbers else ''}"


def _alternatives(one: Condition) -> Iterator[Condition]:
    """The parts that keep it from holding: of each way, only what stands against it."""
    for part in one.parts:
        if part.word == one.word:
            yield from _alternatives(part)
        elif part.word == "and":
            against = [each for each in stated((part,)) if each.truth != "true"]
            yield against[0] if len(against) == 1 else replace(part, parts=tuple(against))
        elif part.truth != "true":
            yield part


def _numbers(one: Condition) -> Iterator[str]:
    """What was compared, as far as the text doesn't say it all."""
    if one.word == "not":
        for part in one.parts:
            yield from _numbers(part)
    for each in one.sides:
        if each.text == one.text:
            yield words.these(each.facts)
        elif not each.plain and each.value != one.reason:
            yield words.side(each)
