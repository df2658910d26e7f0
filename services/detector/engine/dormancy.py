"""What can't hold, told at a glance.

Nearly every fact leaves every criterion as silent as it was. Where that shows in the fact's own
number, beside a fixed limit or beside a multiple of its own reference limit, there is no need to
ask the whole condition; where it shows in the series alone, that is known before any fact comes.

Law of this file: a denial may answer True only where the condition would be False. It may answer
False where the condition is False as well: then the condition itself is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from services.detector.engine.comparisons import speak_of_one_fact
from services.detector.engine.truth import Range, comparison

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Term

Denial = Callable[["Fact"], bool]
"""Whether a condition is surely false at a fact."""


def never(fact: Fact) -> bool:
    """The denial of what no fact of these series can fulfil."""
    del fact
    return True


def denial(term: Term, series: Iterable[int]) -> Denial | None:
    """How to tell at a glance that a condition is false at facts of exactly these series.

    Returns:
        None where there is no telling.
    """
    word, parts = term.made_of
    if word == "and":
        found = [one for part in parts if (one := denial(part, series)) is not None]
        return never if never in found else _any(found)
    if word == "or":
        return together(denial(part, series) for part in parts)
    return _of_comparison(word, *parts, series=frozenset(series)) if len(parts) == 2 else None  # noqa: PLR2004


def all_denied(terms: Iterable[Term], series: tuple[int, ...]) -> Denial | None:
    """How to tell at a glance that all of several conditions are false."""
    return together(denial(term, series) for term in terms)


def guarded(
    given: Term | None, terms: Iterable[Term], series: tuple[int, ...], *, dated: bool
) -> Denial | None:
    """How to tell at a glance that none of several conditions holds of a fact that is judged.

    Args:
        given: what must hold of it to be judged; a doubt about that would be told.
        terms: the conditions.
        series: to which the facts belong.
        dated: whether the days of all facts are known.
    """
    denied = all_denied(terms, series)
    if given is None:
        return denied
    outside = denial(given, series)
    inside = denied if dated and given.certain else None
    found = [one for one in (outside, inside) if one is not None]
    return never if never in found else _any(found)


def together(denials: Iterable[Denial | None]) -> Denial | None:
    """How to tell what each of several tells; None where one of them can't."""
    each = list(denials)
    certain = [one for one in each if one is not None]
    return None if len(certain) < len(each) else _all([one for one in certain if one is not never])


def weakest(terms: Iterable[Term]) -> Term | None:
    """Of several limits to one number, all on one side, the one that every other one lies beyond.

    Where it doesn't hold none of them does. None where they are something else.
    """
    found: Term | None = None
    for term in terms:
        word, parts = term.made_of
        if word not in _BEYOND or parts[1].fixed is None:
            return None
        if found is None or _lies_beyond(found, term):
            found = term
        elif not _lies_beyond(term, found):
            return None
    return found


def _lies_beyond(one: Term, other: Term) -> bool:
    """Whether a number that passes one limit is sure to pass the other: both ask one term."""
    (word, (number, limit)), (weaker, (same, end)) = one.made_of, other.made_of
    if number is not same or word[0] != weaker[0] or limit.fixed is None or end.fixed is None:
        return False
    if limit.fixed == end.fixed:
        return weaker in (word, word[0] + "=")
    return comparison(word[0])(limit.fixed, end.fixed)


def _any(found: list[Denial]) -> Denial | None:
    """One that is false makes the whole false; the first that can tell is asked, no more."""
    return found[0] if found else None


def _all(found: list[Denial]) -> Denial:
    if not found:
        return never
    if len(found) == 1:
        return found[0]
    return lambda fact: all(one(fact) for one in found)


def _of_comparison(word: str, left: Term, right: Term, *, series: frozenset[int]) -> Denial | None:
    """Of `left word right`, if `left` is the number of the fact in question."""
    if left.kind != "number" or left.multiple is not None or word not in _BEYOND:
        return None
    if left.among is not None and left.among.isdisjoint(series):
        return never  # of another series: there is no such number, which compares as false
    if not left.own and left.among is None:
        return None
    if right.fixed is not None:
        return _BEYOND[word](right.fixed)
    if right.multiple is None or not speak_of_one_fact(left, right):
        return None
    return _beyond_multiple(comparison(word), *right.multiple)


def _above(limit: Decimal, *, at_least: bool = False) -> Denial:
    """Of `> limit`, or of `>= limit`; `<20` is below all that is above 20."""

    def denied(fact: Fact) -> bool:
        value = fact.value
        if value.__class__ is Decimal:
            return value < limit if at_least else value <= limit
        if value.__class__ is not Range or value.high is None:
            return False
        return value.high < limit or (value.high == limit and not at_least)

    return denied


def _below(limit: Decimal, *, at_most: bool = False) -> Denial:
    """Of `< limit`, or of `<= limit`."""

    def denied(fact: Fact) -> bool:
        value = fact.value
        if value.__class__ is Decimal:
            return value > limit if at_most else value >= limit
        return False

    return denied


_BEYOND: dict[str, Callable[[Decimal], Denial]] = {
    ">": _above,
    ">=": partial(_above, at_least=True),
    "<": _below,
    "<=": partial(_below, at_most=True),
}


def _beyond_multiple(exact: Callable[[Decimal, Decimal], bool], by: Decimal, slot: str) -> Denial:
    """Of a comparison with a multiple of the fact's own reference limit."""
    limit_of = attrgetter(slot)

    def denied(fact: Fact) -> bool:
        value, limit = fact.value, limit_of(fact.sort)
        if value.__class__ is not Decimal or limit is None:
            return False
        return not exact(value, by * limit)

    return denied
