"""Values in a row, the fact in question last: do they rise, keep a level, or move by small steps?

A row has so many values, or more if it has to last for so long (catalogue of oncology, P6). Its
evidence is the least that proves it: its ends, and as many values between them as it must have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from schemas.alerts import Role
from services.detector.engine.instants import earliest, latest
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Truth, Unknown, calculate, compare

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact
    from services.detector.engine.past import Past

Holds = Callable[[Sequence["Fact"]], Truth]
"""Whether a row, oldest first, is of the kind that is sought."""
Earlier = Callable[[Context], "Sequence[Fact] | Unknown"]
"""The facts before the one in question, newest first."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is asked of a row: so many values, or at least so many over at least so many days."""

    earlier: Earlier
    least: int
    span: int = 0

    def find(self, holds: Holds, context: Context) -> tuple[Sequence[Fact], Truth]:
        """The shortest row that holds, oldest first; else none, and whether there may be one."""
        earlier = self.earlier(context)
        if isinstance(earlier, Unknown):
            return (), earlier
        facts = (context.fact, *earlier)
        doubt: Truth = False
        longest = len(facts) if self.span else min(self.least, len(facts))
        for length in range(self.least, longest + 1):
            row = facts[length - 1 :: -1]
            if latest(row[0].when) + self.span > earliest(row[-1].when):
                continue
            truth = len({fact.partition for fact in row}) == 1 and holds(row)
            if truth is True:
                return row, True
            doubt = doubt if truth is False else truth
        return (), doubt


def in_a_row(row: Row, holds: Holds, text: str) -> Term:
    """Whether there is such a row."""

    def evaluate(context: Context) -> Truth:
        return row.find(holds, context)[1]

    def prove(context: Context) -> Proof:
        found, result = row.find(holds, context)
        between = found[1:-1][: row.least - 2] if row.least > 1 else ()
        told = (*found[:1], *between) if len(found) > 1 else ()
        cited = tuple((fact, Role.SUPPORT) for fact in told)
        return Proof(text, result, (*cited, (context.fact, Role.TRIGGER)))

    return Term("truth", text, evaluate, prove)


def rising(share: Decimal) -> Holds:
    """Each value lies above the one before it, by more than a share of that."""

    def step(before: Fact, after: Fact) -> Truth:
        floor = before.value if not share else calculate("*", before.value, 1 + share)
        return compare("<", floor, after.value)

    return lambda row: _every(step(before, after) for before, after in pairwise(row))


def steady(share: Decimal) -> Holds:
    """Each value differs from the one before it by no more than a share of that."""
    return lambda row: _every(_near(before, after, share) for before, after in pairwise(row))


def level(share: Decimal) -> Holds:
    """All values lie within a share of the first of them."""
    return lambda row: _every(_near(row[0], fact, share) for fact in row[1:])


def _near(reference: Fact, fact: Fact, share: Decimal) -> Truth:
    one, other = reference.value, fact.value
    if not isinstance(one, Decimal) or not isinstance(other, Decimal):
        return Unknown("a value that is only known as a range")
    return abs(other - one) <= share * abs(one)


def _every(truths: Iterable[Truth]) -> Truth:
    """And: false if any is false, else unknown if any is unknown."""
    doubt: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is not True:
            doubt = truth
    return doubt


def of_period(past: Past) -> Earlier:
    """The facts of a period before the one in question."""

    def earlier(context: Context) -> Sequence[Fact] | Unknown:
        facts, doubt = past.facts(context)
        return facts if doubt is None else doubt

    return earlier


def remembered(latest_facts: Term) -> Earlier:
    """The facts that a register holds, newest last."""
    read = latest_facts.evaluate

    def earlier(context: Context) -> Sequence[Fact]:
        held: Sequence[Fact] = read(context)
        return held[::-1]

    return earlier


def one_before(earlier: Earlier, count: int, text: str) -> Term:
    """The last fact but so many less one: `previous(s, 2)` is the last but one."""

    def evaluate(context: Context) -> Fact | Unknown | None:
        facts = earlier(context)
        if isinstance(facts, Unknown):
            return facts
        return facts[count - 1] if len(facts) >= count else None

    def cite(_: Context, found: Fact | Unknown | None) -> tuple[Cited, ...]:
        return () if found is None or isinstance(found, Unknown) else ((found, Role.SUPPORT),)

    return Term("fact", text, evaluate, cite=cite)
