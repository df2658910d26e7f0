"""How far off: the value at which a verdict turns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.alerts import State
from services.detector.engine.conditions import as_reported, behind, canonical_unit, is_own
from services.detector.engine.finding import Finding
from services.detector.engine.whatif import copied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.engine.fact import Fact
    from services.detector.engine.finding import Note
    from services.detector.engine.outlook import Criterion, Way
    from services.detector.engine.seats import Entry
    from services.detector.engine.terms import Context, Term
    from services.detector.engine.whatif import Bench

_TURNS = {"<": -1, "<=": -1, ">": 1, ">=": 1}
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FINEST = -9
_INCLUDED = frozenset({"<=", ">="})

Told = frozenset[tuple[State, str | None]]


@dataclass(frozen=True, slots=True)
class Limit:
    """The value of the fact in question at which a verdict turns, in `unit`, on a day (ordinal).

    `op`: `>=`, `>`, `<=` or `<`. `step`: the least distance that was looked at on its other side.
    `reported`: the value and the unit of the last result, if that is another one.
    """

    op: str
    value: Decimal
    unit: str
    day: int
    step: Decimal
    term: Term
    facts: tuple[Fact, ...]
    reported: tuple[Decimal, str] | None = None


def limits(
    bench: Bench, one: Criterion, way: Way, like: Entry, context: Context
) -> tuple[Limit, ...]:
    """The values at which one more result of that kind and day would turn the verdict.

    Each is held against the rule itself: at the limit it says so, one step short it doesn't.

    Args:
        bench: the lane.
        one: the criterion.
        way: what it might say.
        like: a fact whose kind is asked about.
        context: at the hypothetical fact, with its day.
    """
    found: dict[tuple[str, Decimal], Limit] = {}
    for op, number, term in _compared_with_own(way.terms, context):
        limit = _limit(op, number, term, context)
        if (op, number) not in found and turns(bench, one, way, like, limit):
            found[op, number] = limit
    return tuple(found.values())


def _limit(op: str, number: Decimal, term: Term, context: Context) -> Limit:
    fact, facts = context.fact, behind(term.prove(context), context)
    unit, step, reported = canonical_unit(fact), _step(number, fact), as_reported(number, fact)
    return Limit(op, number, unit, fact.day, step, term, facts, reported)


def turns(bench: Bench, one: Criterion, way: Way, like: Entry, limit: Limit) -> bool:
    """Whether the rule says it at the limit and not one step short of it."""
    at, short = sides_of(limit)
    said = _told(bench, one, like, limit.day, at)
    meant = {each for each in said if each[0] is way.state and each[1] not in _others(one, way)}
    return bool(meant) and meant.isdisjoint(_told(bench, one, like, limit.day, short))


def _others(one: Criterion, way: Way) -> frozenset[str | None]:
    """What the other ways to this state are called; a rule may name a finding beyond them."""
    tags = {other.tag for other in one.ways if other.state is way.state}
    return frozenset(tags - {way.tag})


def sides_of(limit: Limit) -> tuple[Decimal, Decimal]:
    """The first value that counts, and the last that doesn't."""
    towards = limit.step * _TURNS[limit.op]
    if limit.op in _INCLUDED:
        return limit.value, limit.value - towards
    return limit.value + towards, limit.value


def _told(bench: Bench, one: Criterion, like: Entry, day: int, value: Decimal) -> Told:
    """What the criterion says of such a result; one that serves another is asked by itself."""
    entry = bench.seated(copied(like.fact, day, value), like)
    if one.serves is None:
        said: tuple[Note, ...] = bench.said(entry)
    else:
        _, said = one.machine.step(one.memory, bench.context(entry))
    findings = (note for note in said if isinstance(note, Finding))
    return frozenset((each.state, each.tag) for each in findings if each.criterion == one.name)


def _compared_with_own(
    terms: tuple[Term, ...], context: Context
) -> Iterator[tuple[str, Decimal, Term]]:
    """What the value of the fact in question is compared with, and how."""
    for term in terms:
        word, parts = term.made_of
        if word not in _TURNS:
            yield from _compared_with_own(parts, context)
            continue
        left, right = parts
        for own, other, op in ((left, right, word), (right, left, _MIRROR[word])):
            number = other.evaluate(context) if is_own(own, context) else None
            if isinstance(number, Decimal):
                yield op, number, other


def _step(number: Decimal, fact: Fact) -> Decimal:
    """One in the last place of the limit or of the last result, whichever is finer.

    A result that was converted may have more places than a sum can hold.
    """
    places = [_places(number)]
    if isinstance(fact.value, Decimal):
        places.append(_places(fact.value))
    return Decimal(1).scaleb(max(min(places), _FINEST))


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return min(exponent, 0) if isinstance(exponent, int) else 0
