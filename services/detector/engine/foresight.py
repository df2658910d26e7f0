"""From which day on: what can be told in advance of facts to come.

Of a rule's conditions only the day itself, the clock and what the course says of itself are asked
on days to come. Everything else may turn out either way, so a day that is called too early is too
early whatever the facts to come may say, as long as the course stays what it is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from services.detector.engine.instants import day_of
from services.detector.engine.truth import Truth, Unknown, negate
from services.detector.engine.whatif import move, of_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.engine.outlook import Way
    from services.detector.engine.terms import Context, Term
    from services.detector.engine.whatif import Bench

_OPEN_QUESTION = Unknown("it may turn out either way")
_JOINING = frozenset({"and", "or", "not"})


# ---------------------------------------------------------------- one day


def foresee(term: Term, context: Context) -> Truth:
    """A condition on a fact of a day to come, of which nothing but its day is known.

    Returns:
        True or False only where that is sure whatever the fact, and others before it, will say.
    """
    if term.foreseeable:
        truth: Truth = term.evaluate(context)
        return truth
    word, parts = term.made_of
    if word == "not":
        return negate(foresee(parts[0], context))
    if word not in _JOINING:
        return _OPEN_QUESTION
    truths = [foresee(part, context) for part in parts]
    decisive = word == "or"
    if any(truth is decisive for truth in truths):
        return decisive
    if all(truth is not decisive and isinstance(truth, bool) for truth in truths):
        return not decisive
    return _OPEN_QUESTION


def barriers(term: Term, context: Context) -> Iterator[Term]:
    """The smallest conditions that can be told in advance and stand against it."""
    if foresee(term, context) is not False:
        return
    word, parts = term.made_of
    if word in {"and", "or"}:
        for part in parts:
            yield from barriers(part, context)
    else:
        yield term


def foreseeable_parts(term: Term) -> Iterator[Term]:
    """The largest parts of a condition that can be told in advance."""
    word, parts = term.made_of
    if term.foreseeable:
        yield term
    elif word in _JOINING:
        for part in parts:
            yield from foreseeable_parts(part)


def _begun(start: Term, context: Context) -> bool:
    """Whether a period has begun; one that hangs on facts to come may have."""
    if not start.foreseeable:
        return True
    day = start.evaluate(context)
    return day is not None and (not isinstance(day, int) or context.fact.day >= day)


def _over(end: Term, context: Context) -> bool:
    if not end.foreseeable:
        return False
    day = end.evaluate(context)
    return day is None or (isinstance(day, int) and context.fact.day > day)


# ---------------------------------------------------------------- all days


class Foresight:
    """The earliest day of each way, for one lane at one moment."""

    def __init__(self, bench: Bench, horizon: int) -> None:
        """Look ahead so many days from the moment of the bench."""
        self.today = day_of(bench.now)
        self._bench = bench
        self._here = bench.on(of_nothing(self.today))
        self._days = range(self.today, self.today + horizon)
        self._earliest: dict[Way, int | None] = {}
        self._turns: dict[Term, frozenset[int]] = {}

    def earliest(self, way: Way) -> int | None:
        """The first day (ordinal) of a fact that may do it; None if there is none in sight."""
        if way not in self._earliest:
            self._earliest[way] = self._found(way)
        return self._earliest[way]

    def _found(self, way: Way) -> int | None:
        begin = max(self.today, way.day)
        if way.first:
            firsts = [day for one in way.first if (day := self.earliest(one)) is not None]
            if not firsts:
                return None
            begin = max(begin, min(firsts) + way.least)
        if begin not in self._days or self.is_past(way):
            return None
        if self._is_open(way, begin):
            return begin
        later = sorted(day for day in self._turns_of(way) if day > begin)
        return next((day for day in later if self._is_open(way, day)), None)

    def _is_open(self, way: Way, day: int) -> bool:
        """Whether a fact of that day may be the one that a way waits for."""
        here = self._on(day)
        sinces = [self._bench.lane.rule.series[index].since for index in way.series]
        return (
            day >= way.day
            and any(since is None or _begun(since, here) for since in sinces)
            and all(_begun(start, here) for start in way.starts)
            and (way.ends is None or not _over(way.ends, here))
            and all(foresee(term, here) is not False for term in way.terms)
        )

    def _turns_of(self, way: Way) -> frozenset[int]:
        """The days on which anything that can be told in advance of a way changes."""
        sinces = [self._bench.lane.rule.series[index].since for index in way.series]
        terms = [part for term in way.terms for part in foreseeable_parts(term)]
        times = [time for time in (*way.starts, *sinces) if time is not None and time.foreseeable]
        return frozenset[int]().union(*map(self._turning, (*terms, *times)))

    def _turning(self, term: Term) -> frozenset[int]:
        """The days on which a condition turns, or a time comes: each is asked, none is guessed."""
        if term not in self._turns:
            says = _begun if term.kind == "time" else foresee
            told = [(day, says(term, self._on(day))) for day in self._days]
            turns = (day for (_, before), (day, now) in pairwise(told) if before != now)
            self._turns[term] = frozenset(turns)
        return self._turns[term]

    def is_past(self, way: Way) -> bool:
        """Whether it has come to its end, unless old facts are still to become known."""
        return way.until is not None and self.today > way.until

    def _on(self, day: int) -> Context:
        """A day of which nothing else is known; good until the next one is asked for."""
        move(self._here.fact, day)
        return self._here

    def because(self, way: Way) -> Iterator[str]:
        """What stands against a fact of today."""
        here = self._on(self.today)
        if way.reason is not None and not 0 < way.day <= self.today:
            yield way.reason
        for index in sorted(way.series):
            series = self._bench.lane.rule.series[index]
            if series.since is not None and not _begun(series.since, here):
                yield f"{series.name} since {series.since.text}"
        yield from (f"not before {one.text}" for one in way.starts if not _begun(one, here))
        if way.ends is not None and _over(way.ends, here):
            yield f"not after {way.ends.text}"
        if self.is_past(way):
            yield "a suspicion stands, and came too long ago to be confirmed"
        for term in way.terms:
            yield from (each.text for each in barriers(term, here))
