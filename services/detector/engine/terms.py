"""Terms: the compiled form of an expression. Each can be evaluated fast and explained fully.

`evaluate` gives the value; `prove` gives the same value with the facts that made it so. The two
must agree: `prove` is only called when an entry is written, `evaluate` at every fact.

Law: a term looks at the fact in question and at facts *before* it in its lane, never after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import Role
from services.detector.engine.fact import Fact
from services.detector.engine.instants import US_PER_DAY, Span, When, day_of, earliest, latest
from services.detector.engine.registers import Confirmed
from services.detector.engine.truth import (
    Range,
    Truth,
    Unknown,
    Value,
    calculate,
    compare,
    comparison,
    negate,
)

if TYPE_CHECKING:
    from services.detector.engine.lane import Entry

Cited = tuple[Fact, Role]


class Context:
    """Where a term is evaluated: the fact in question, the course so far, the lane before it.

    A lane has one of its own, which it moves from fact to fact: whoever looks at it keeps nothing
    of it beyond that look.
    """

    __slots__ = ("before", "clock", "fact", "history", "it", "own", "registers")

    def __init__(
        self,
        fact: Fact,
        clock: Fact | None,
        own: Fact | None,
        registers: tuple[Any, ...],
        history: Sequence[Entry],
        before: int,
    ) -> None:
        """Stand at `fact`, with `history[:before]` behind it."""
        self.fact = fact
        self.it = fact
        self.clock = clock
        self.own = own
        self.registers = registers
        self.history = history
        self.before = before

    @classmethod
    def within(cls, history: Sequence[Entry]) -> Context:
        """In a lane, but at no fact of it yet."""
        nowhere: Context = object.__new__(cls)
        nowhere.history = history
        return nowhere

    def at(self, it: Fact) -> Context:
        """The same place, with `it` standing for another fact (inside `where`)."""
        other = Context(self.fact, self.clock, self.own, self.registers, self.history, self.before)
        other.it = it
        return other

    def back_at(self, index: int) -> Context:
        """As if the fact at that index of the lane were the one in question."""
        other = self.at(self.history[index].fact)
        other.fact = other.it
        other.before = index
        return other


class Proof(NamedTuple):
    """What was asked, what came out, the facts that made it so, and the parts."""

    text: str
    result: object
    cited: tuple[Cited, ...] = ()
    because: tuple[Proof, ...] = ()


class Term:
    """A compiled expression.

    kind: "truth", "number", "fact", "time" or "word".

    Some terms say what they are, so that what is built on them can take a shorter way: `fixed` is
    the number of a constant; `own` says that the term is just the fact in question, or its number;
    `among`, that it is so if that fact belongs to one of these series; `multiple` is the factor
    and the slot of a multiple of the fact's own reference limit. `made_of` are a condition's word
    (`and`, `or`, `not`, a comparison) and its parts; `foreseeable` says that the answer hangs on
    nothing but the day and what the course says of itself, so that it can be told in advance.
    """

    __slots__ = (
        "among",
        "evaluate",
        "fixed",
        "foreseeable",
        "kind",
        "made_of",
        "multiple",
        "own",
        "prove",
        "text",
    )

    def __init__(
        self,
        kind: str,
        text: str,
        evaluate: Callable[[Context], Any],
        prove: Callable[[Context], Proof] | None = None,
        cite: Callable[[Context, Any], tuple[Cited, ...]] | None = None,
    ) -> None:
        """Make a term; without `prove` its proof is its value, citing what `cite` names."""
        self.kind = kind
        self.text = text
        self.evaluate = evaluate
        self.fixed: Decimal | None = None
        self.own = False
        self.among: frozenset[int] | None = None
        self.multiple: tuple[Decimal, str] | None = None
        self.made_of: tuple[str, tuple[Term, ...]] = ("", ())
        self.foreseeable = False
        self.prove = prove or _plain_proof(text, evaluate, cite)

    def joining(self, word: str, *parts: Term) -> Term:
        """The same term, which says of what it is made."""
        self.made_of = (word, parts)
        self.foreseeable = bool(parts) and all(part.foreseeable for part in parts)
        return self

    def foreseen(self) -> Term:
        """The same term, which says that it can be told in advance."""
        self.foreseeable = True
        return self

    def holds(self, context: Context) -> bool:
        """Whether the condition is true; unknown does not hold."""
        return self.evaluate(context) is True


def _plain_proof(
    text: str,
    evaluate: Callable[[Context], Any],
    cite: Callable[[Context, Any], tuple[Cited, ...]] | None,
) -> Callable[[Context], Proof]:
    def prove(context: Context) -> Proof:
        result = evaluate(context)
        return Proof(text, result, cite(context, result) if cite else ())

    return prove


# ---------------------------------------------------------------- values


def constant(value: Decimal, text: str) -> Term:
    """A number."""
    term = Term("number", text, lambda _: value, lambda _: Proof(text, value))
    term.fixed = value
    return term.foreseen()


def by_unit(first: Decimal, others: Sequence[tuple[str, Decimal]], text: str) -> Term:
    """One limit as published for several units: the one in the unit that was reported."""
    table = dict(others)

    def evaluate(context: Context) -> Value:
        return table.get(getattr(context.fact.event, "unit", None) or "", first)

    return Term("number", text, evaluate)


def unknown(reason: str, text: str) -> Term:
    """A number that can't be known at all."""
    value = Unknown(reason)
    return Term("number", text, lambda _: value)


def the_fact(text: str) -> Term:
    """`it`: the fact in question, or the selected one inside `where`."""
    term = Term("fact", text, lambda c: c.it, cite=_cite_it)
    term.own = True
    return term


def the_fact_of(series: frozenset[int], text: str) -> Term:
    """A series' name: the fact in question when it is one of that series."""

    def evaluate(context: Context) -> Fact | None:
        entry = context.history[context.before]
        return None if series.isdisjoint(entry.series) else context.fact

    term = Term("fact", text, evaluate, cite=lambda _, f: ((f, Role.TRIGGER),) if f else ())
    term.among = series
    return term


def _cite_it(context: Context, fact: Fact) -> tuple[Cited, ...]:
    return ((fact, Role.TRIGGER if fact is context.fact else Role.SUPPORT),)


def value_of(term: Term) -> Term:
    """The number of a fact."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        fact = inner(context)
        if fact.__class__ is Fact:
            value: Value = fact.value
            return _UNSAID if value is None else value
        found: Value = fact
        return found

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(found.text, evaluate(context), found.cited, found.because)

    number = Term("number", term.text, _own_value if term.own else evaluate, prove)
    number.own, number.among = term.own, term.among
    return number


_UNSAID = Unknown("no numeric value")


def _own_value(context: Context) -> Value:
    """The number of `it`."""
    value = context.it.value
    return _UNSAID if value is None else value


NOT_SAID = object()
"""What a field reads when the report deliberately says nothing of it: there is no such value."""


def field_of(term: Term, read: Callable[[Fact], Any], kind: str, text: str) -> Term:
    """A field of a fact (`scan.sum`, `pet.response`); unknown when the report doesn't say."""
    inner = term.evaluate
    missing = Unknown(f"{text} was not reported")

    def evaluate(context: Context) -> Any:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return fact
        value = read(fact)
        if value is NOT_SAID:
            return None
        return missing if value is None else value

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(text, evaluate(context), found.cited)

    return Term(kind, text, evaluate, prove)


def course_field(
    read: Callable[[Fact], Any], text: str, kind: str = "word", *, in_all: bool = False
) -> Term:
    """What the course's own treatment facts say: `course.regimen`.

    What all of them say alike (`in_all`), and what the clock says as well, needs no evidence
    besides the clock, which is cited in any case.
    """
    missing = Unknown(f"{text} is not known")

    def evaluate(context: Context) -> Any:
        value = None if context.own is None else read(context.own)
        return missing if value is None else value

    def cite(context: Context, value: Any) -> tuple[Cited, ...]:
        clock, own = context.clock, context.own
        told_by_clock = clock is not None and read(clock) == value
        return () if own is None or in_all or told_by_clock else ((own, Role.SUPPORT),)

    return Term(kind, text, evaluate, cite=cite).foreseen()


def upper_limit(term: Term, default: Decimal | None, text: str) -> Term:
    """The upper reference limit that came with a fact, else the default, else unknown."""
    return _limit_of(term, "upper", default, text)


def lower_limit(term: Term, default: Decimal | None, text: str) -> Term:
    """The lower reference limit, likewise."""
    return _limit_of(term, "lower", default, text)


def _limit_of(term: Term, which: str, default: Decimal | None, text: str) -> Term:
    inner, limit_of = term.evaluate, attrgetter(which)
    missing: Value = Unknown(f"no {which} reference limit") if default is None else default

    def evaluate(context: Context) -> Value:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return None
        limit: Decimal | None = limit_of(fact)
        return missing if limit is None else limit

    return Term("number", text, evaluate)


def multiple_of_limit(term: Term, factor: Decimal, which: str, text: str) -> Term:
    """`3 uln`: a multiple of the reference limit that came with the fact on the other side."""
    inner = term.evaluate
    missing = Unknown(f"no {'upper' if which == 'uln' else 'lower'} reference limit")

    def evaluate(context: Context) -> Value:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return None
        limit = fact.upper if which == "uln" else fact.lower
        return missing if limit is None else factor * limit

    multiple = Term("number", text, evaluate)
    multiple.own, multiple.among = term.own, term.among
    multiple.multiple = (factor, "upper" if which == "uln" else "lower")
    return multiple


def arithmetic(op: str, left: Term, right: Term, text: str) -> Term:
    """`+ - * /` on numbers."""
    a, b = left.evaluate, right.evaluate

    def evaluate(context: Context) -> Value:
        return calculate(op, a(context), b(context))

    return Term(
        "number",
        text,
        evaluate if op != "+" or right.fixed is None else _raised(a, right.fixed),
        lambda c: _joined(text, evaluate(c), (left.prove(c), right.prove(c))),
    )


def _raised(inner: Callable[[Context], Value], by: Decimal) -> Callable[[Context], Value]:
    """A number plus a fixed one, as in `nadir(psa) + 2`: the sum asked most often by far."""

    def evaluate(context: Context) -> Value:
        number = inner(context)
        return number + by if isinstance(number, Decimal) else calculate("+", number, by)

    return evaluate


def _joined(text: str, result: object, parts: tuple[Proof, ...]) -> Proof:
    telling = tuple([part for part in parts if part.cited or part.because])
    if len(telling) == 1:
        return Proof(text, result, telling[0].cited, telling)
    cited = tuple(dict.fromkeys([cite for part in telling for cite in part.cited]))
    return Proof(text, result, cited, telling)


# ---------------------------------------------------------------- times, in days


def clock_day(text: str = "clock") -> Term:
    """Day 0."""
    return Term(
        "time",
        text,
        lambda c: c.clock.when if c.clock is not None else None,
        cite=lambda c, _: ((c.clock, Role.CLOCK),) if c.clock is not None else (),
    ).foreseen()


def fact_day(text: str = "date") -> Term:
    """The day of the fact in question."""
    return Term("time", text, lambda c: c.it.when).foreseen()


def day_of_fact(term: Term, text: str) -> Term:
    """`date(last(dose))`."""
    inner = term.evaluate

    def evaluate(context: Context) -> When | Unknown | None:
        fact = inner(context)
        return fact.when if fact.__class__ is Fact else fact

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(text, evaluate(context), found.cited)

    return Term("time", text, evaluate, prove)


def shifted(term: Term, shift: Callable[[int], int], text: str) -> Term:
    """A time so many days or months away from another."""
    inner = term.evaluate

    def evaluate(context: Context) -> When | Unknown | None:
        day = inner(context)
        if day.__class__ is Span:
            return Span(shift(day.first), shift(day.last))
        return shift(day) if day.__class__ is int else day

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("time", text, evaluate, prove).joining("shifted", term)


def day_known(term: Term, text: str) -> Term:
    """The day (UTC) on which a fact first became known in a final version."""
    inner = term.evaluate

    def evaluate(context: Context) -> int | Unknown | None:
        fact = inner(context)
        return day_of(fact.known) if fact.__class__ is Fact else fact

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("time", text, evaluate, prove)


def days_since(term: Term, text: str) -> Term:
    """Whole days from a time (or fact) to the fact in question, as a number."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        then = inner(context)
        if then.__class__ is Fact:
            then = then.when
        now = context.it.when
        if then.__class__ is int and now.__class__ is int:
            return Decimal(now - then)
        return _distance(then, now) if isinstance(then, When) else then

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("number", text, evaluate, prove).joining("days since", term)


def _distance(then: When, now: When) -> Range:
    """Whole days between two days of which at least one is known only to its month or year."""
    low, high = earliest(now) - latest(then), latest(now) - earliest(then)
    return Range(Decimal(low), Decimal(high), high_included=True)


def last_day(term: Term) -> Term:
    """A time as one day: the last one that it may mean, so that nothing is due too early."""
    inner = term.evaluate

    def evaluate(context: Context) -> int | Unknown | None:
        day = inner(context)
        return day.last if day.__class__ is Span else day

    return Term("time", term.text, evaluate, term.prove).joining("last day", term)


def ordered(op: str, left: Term, right: Term, text: str) -> Term:
    """Compare two times by their days; unknown where only a month says which came first."""
    a, b = left.evaluate, right.evaluate
    exact = comparison(op)

    def evaluate(context: Context) -> Truth:
        x, y = a(context), b(context)
        for side in (x, y):
            if isinstance(side, Unknown):
                return side
        if x.__class__ is Span or y.__class__ is Span:
            return False if x is None or y is None else _apart(op, x, y)
        return False if x is None or y is None else exact(x, y)

    return _compared(text, evaluate, left, right).joining(op, left, right)


def _apart(op: str, x: When, y: When) -> Truth:
    """What can be said of two days of which at least one is known only to its month or year."""
    low, high = earliest(x) - latest(y), latest(x) - earliest(y)
    return compare(op, Range(Decimal(low), Decimal(high), high_included=True), Decimal(0))


# ---------------------------------------------------------------- conditions


def compared(op: str, left: Term, right: Term, text: str) -> Term:
    """Compare two numbers."""
    a, b = left.evaluate, right.evaluate
    exact = comparison(op)
    limit, multiple = right.fixed, right.multiple
    own = left.own and left.kind == "number" and left.multiple is None

    def fully(context: Context) -> Truth:
        x = context.it.value if own else a(context)
        y = b(context)
        if x is None and own:
            x = _UNSAID
        if x.__class__ is Decimal and y.__class__ is Decimal:
            return exact(x, y)
        return compare(op, x, y)

    evaluate: Callable[[Context], Truth] = fully
    if limit is not None and left.own:
        evaluate = _against_limit(op, exact, limit)
    elif multiple is not None and _same_fact(left, right):
        evaluate = _against_multiple(exact, multiple, left.among, fully)
    return _compared(text, evaluate, left, right).joining(op, left, right)


def _same_fact(left: Term, right: Term) -> bool:
    """Whether both are sure to speak of the fact in question, and not of some earlier one."""
    if left.own:
        return right.own
    return left.among is not None and left.among == right.among


Exact = Callable[[Decimal, Decimal], bool]


def _against_limit(op: str, exact: Exact, limit: Decimal) -> Callable[[Context], Truth]:
    """The fact in question against a fixed number: the condition asked most often by far."""

    def evaluate(context: Context) -> Truth:
        value = context.it.value
        if value.__class__ is Decimal:
            return exact(value, limit)
        return compare(op, _UNSAID if value is None else value, limit)

    return evaluate


def _against_multiple(
    exact: Exact,
    multiple: tuple[Decimal, str],
    among: frozenset[int] | None,
    fully: Callable[[Context], Truth],
) -> Callable[[Context], Truth]:
    """A fact against a multiple of its own reference limit; `fully` is asked if either is odd.

    A fact that is none of the series in question has no value, which compares as false.
    """
    factor, slot = multiple
    limit_of = attrgetter(slot)

    def evaluate(context: Context) -> Truth:
        if among is None:
            fact = context.it
        elif among.isdisjoint(context.history[context.before].series):
            return False
        else:
            fact = context.fact
        value, limit = fact.value, limit_of(fact)
        if value.__class__ is Decimal and limit is not None:
            return exact(value, factor * limit)
        return fully(context)

    return evaluate


def _compared(text: str, evaluate: Callable[[Context], Truth], left: Term, right: Term) -> Term:
    return Term(
        "truth",
        text,
        evaluate,
        lambda c: _joined(text, evaluate(c), (left.prove(c), right.prove(c))),
    )


def one_of(term: Term, words: Sequence[str], text: str) -> Term:
    """A coded value is one of some words, whatever their case."""
    inner = term.evaluate
    wanted = frozenset(word.lower() for word in words)

    def evaluate(context: Context) -> Truth:
        value = inner(context)
        if isinstance(value, Unknown):
            return value
        return value is not None and str(value).lower() in wanted

    chosen = Term("truth", text, evaluate, lambda c: _joined(text, evaluate(c), (term.prove(c),)))
    return chosen.joining("in", term)


def has(term: Term, word: str, text: str) -> Term:
    """A list of coded values holds a word."""
    inner = term.evaluate
    wanted = word.lower()

    def evaluate(context: Context) -> Truth:
        value = inner(context)
        if isinstance(value, Unknown):
            return value
        return value is not None and any(item.lower() == wanted for item in value)

    found = Term("truth", text, evaluate, lambda c: _joined(text, evaluate(c), (term.prove(c),)))
    return found.joining("has", term)


def below_limit(term: Term, limit: Decimal, text: str) -> Term:
    """Reported as below a detection limit of no more than `limit`."""
    inner = term.evaluate

    def evaluate(context: Context) -> Truth:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return False
        value = fact.value
        return isinstance(value, Range) and value.high is not None and value.high <= limit

    return Term("truth", text, evaluate, lambda c: _joined(text, evaluate(c), (term.prove(c),)))


def by_choice(truth: bool, text: str) -> Term:  # noqa: FBT001  # it is the term's value
    """A condition that the rule's own parameters decide."""
    return Term("truth", text, lambda _: truth).foreseen()


def negated(term: Term, text: str) -> Term:
    """Not. Cites nothing: what is absent can't be evidence."""
    inner = term.evaluate
    return Term("truth", text, lambda c: negate(inner(c))).joining("not", term)


def all_of(terms: Sequence[Term], text: str) -> Term:
    """And: false if any is false, else unknown if any is unknown."""
    evaluates = tuple(term.evaluate for term in terms)

    def evaluate(context: Context) -> Truth:
        doubt: Truth = True
        for inner in evaluates:
            value = inner(context)
            if value is False:
                return False
            if value is not True:
                doubt = value
        return doubt

    def prove(context: Context) -> Proof:
        return _joined(text, evaluate(context), tuple(term.prove(context) for term in terms))

    return Term("truth", text, evaluate, prove).joining("and", *terms)


def any_of(terms: Sequence[Term], text: str) -> Term:
    """Or: true if any is true, else unknown if any is unknown.

    The proof keeps one true branch, the one that needs the fewest facts: evidence is what the
    verdict can't do without.
    """
    evaluates = tuple(term.evaluate for term in terms)

    def evaluate(context: Context) -> Truth:
        doubt: Truth = False
        for inner in evaluates:
            value = inner(context)
            if value is True:
                return True
            if value is not False:
                doubt = value
        return doubt

    def prove(context: Context) -> Proof:
        proofs = [term.prove(context) for term in terms]
        holding = [proof for proof in proofs if proof.result is True]
        if not holding:
            return _joined(text, evaluate(context), tuple(proofs))
        return _joined(text, holding[0].result, (min(holding, key=lambda proof: len(proof.cited)),))

    return Term("truth", text, evaluate, prove).joining("or", *terms)


# ---------------------------------------------------------------- the past


@dataclass(frozen=True, slots=True)
class Period:
    """How far back a term looks. Reaches are in days, or in microseconds for limits in hours."""

    within_days: int | None = None
    within_us: int | None = None
    older_days: int | None = None

    @property
    def reach_days(self) -> int:
        """The longest look back in whole days: suffix replay must go at least so far on."""
        if self.within_us is not None:
            return -(-self.within_us // US_PER_DAY) + 1
        return self.within_days or 0

    def holds(self, fact: Fact, earlier: Fact) -> Truth:
        """Whether an earlier fact lies in the period before `fact`."""
        if self.older_days is not None and fact.day - earlier.day <= self.older_days:
            return False
        if self.within_us is None:
            return True
        if not earlier.precise:
            return self._of_some_hour(fact, earlier, self.within_us)
        # The lane takes the series of a day one after another, so "before" may be later by hours.
        return abs(fact.at - earlier.at) <= self.within_us

    @staticmethod
    def _of_some_hour(fact: Fact, earlier: Fact, within: int) -> Truth:
        """A fact without its hour is surely outside, surely inside, or neither."""
        days = latest(earlier.when) - earliest(earlier.when) + 1
        first, end = fact.at - earlier.at, fact.at - earlier.at - days * US_PER_DAY
        if end >= within or first < -within:
            return False
        if first <= within and end >= -within:
            return True
        return Unknown("the hour of an earlier sample is not known")


Admits = Callable[[Context], Truth]


def look_back(
    context: Context, series: frozenset[int], period: Period, admits: Admits | None
) -> Iterator[Fact | Unknown]:
    """The facts of some series in a period before the fact in question, newest first.

    Yields an `Unknown` where hours are asked of a date, or where `admits` can't tell.
    """
    fact = context.fact
    if period.within_us is not None and not fact.precise:
        yield Unknown("the hour of the sample is not known")
        return
    floor = fact.day - period.reach_days
    for index in range(context.before - 1, -1, -1):
        entry = context.history[index]
        found = entry.fact
        if found.day < floor:
            return
        if series.isdisjoint(entry.series) or found.provisional:
            continue
        inside = period.holds(fact, found)
        if inside is True and admits is not None:
            inside = admits(context.back_at(index))
        if inside is True:
            yield found
        elif inside is not False:
            yield inside


def register(
    index: int,
    read: Callable[[Any, Context], Any],
    kind: str,
    role: Role,
    text: str,
    own: Callable[[Any, Context], Any] | None = None,
) -> Term:
    """What a register of the lane holds: a fact that stands for a part of the past.

    `own` takes out the part of the memory that belongs to the fact in question, where there is one.
    """

    def evaluate(context: Context) -> Any:
        return read(context.registers[index], context)

    def cite(context: Context, found: Any) -> tuple[Cited, ...]:
        if found.__class__ is not Fact:
            return ()
        memory = context.registers[index]
        memory = memory if own is None else own(memory, context)
        partner = memory.partner if isinstance(memory, Confirmed) else None
        return ((found, role),) if partner is None else ((found, role), (partner, Role.SUPPORT))

    return Term(kind, text, evaluate, cite=cite)


def reference_of(term: Term, read: Callable[[Fact], Decimal | None]) -> Term:
    """The number of a fact that serves as nadir or baseline: `<x` counts as x (catalogue C4)."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        found = inner(context)
        if found.__class__ is not Fact:
            none: Value = found
            return none
        number = read(found)
        if number is None:
            value: Value = found.value
            return value if isinstance(value, Unknown) else Unknown("no usable reference value")
        return number

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(found.text, evaluate(context), found.cited)

    return Term("number", term.text, evaluate, prove)


def no_older(term: Term, back: Callable[[int], int], text: str) -> Term:
    """A baseline, unless it lies before the day to which one comes `back` from the clock."""
    inner = term.evaluate
    too_old = Unknown("the last value before the clock is too old for a baseline")

    def evaluate(context: Context) -> Any:
        found = inner(context)
        if found.__class__ is not Fact or context.clock is None:
            return found
        oldest = back(latest(context.clock.when))
        return found if earliest(found.when) >= oldest else too_old

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term(term.kind, text, evaluate, prove)


def exists(term: Term, text: str) -> Term:
    """Whether there is such a fact."""
    inner = term.evaluate

    def evaluate(context: Context) -> Truth:
        found = inner(context)
        return found if isinstance(found, Unknown) else found is not None

    return Term("truth", text, evaluate, lambda c: Proof(text, evaluate(c), term.prove(c).cited))
