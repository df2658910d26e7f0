"""Terms: the compiled form of an expression. Each can be evaluated fast and explained fully.

`evaluate` gives the value; `prove` gives the same value with the facts that made it so. The two
must agree: `prove` is only called when an entry is written, `evaluate` at every fact.

Law: a term looks at the fact in question and at facts *before* it in its lane, never after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from schemas.alerts import Role
from services.detector.engine.fact import Fact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from services.detector.engine.seats import Entry

T = TypeVar("T")

Cited = tuple[Fact, Role]


class Context:
    """Where a term is evaluated: the fact in question, the course so far, the lane before it.

    While lanes are folded one is moved from fact to fact: whoever looks at it keeps nothing of it
    beyond that look.

    `look` stands for one look at one fact, during which equal questions have equal answers; None
    where it is not said that it is still the same.
    """

    __slots__ = ("before", "clock", "fact", "history", "it", "look", "own", "registers")

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
        self.look: object | None = None

    @classmethod
    def nowhere(cls) -> Context:
        """In no lane and at no fact yet."""
        nowhere: Context = object.__new__(cls)
        nowhere.look = None
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
    nothing but the day and what the course says of itself, so that it can be told in advance;
    `certain`, that it is never unknown while the days of all facts are known.
    """

    __slots__ = (
        "among",
        "certain",
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
        self.certain = False
        self.prove = prove or _plain_proof(text, evaluate, cite)

    def joining(self, word: str, *parts: Term) -> Term:
        """The same term, which says of what it is made."""
        self.made_of = (word, parts)
        self.foreseeable = bool(parts) and all(part.foreseeable for part in parts)
        self.certain = bool(parts) and all(part.certain for part in parts)
        return self

    def if_certain(self, *parts: Term | bool) -> Term:
        """The same term, which is certain if all that it rests on is."""
        self.certain = all(part if isinstance(part, bool) else part.certain for part in parts)
        return self

    def foreseen(self) -> Term:
        """The same term, which says that it can be told in advance."""
        self.foreseeable = True
        return self

    def holds(self, context: Context) -> bool:
        """Whether the condition is true; unknown does not hold."""
        return self.evaluate(context) is True


def once_a_look(ask: Callable[[Context], T]) -> Callable[[Context], T]:
    """The same question, which is worked out once however often it is asked at a fact.

    For what costs more than to remember it.
    """
    held: tuple[object, Any] = (None, None)

    def remembered(context: Context) -> T:
        nonlocal held
        look = context.look
        if look is None:
            return ask(context)
        if held[0] is not look:
            held = look, ask(context)
        answer: T = held[1]
        return answer

    return remembered


def _plain_proof(
    text: str,
    evaluate: Callable[[Context], Any],
    cite: Callable[[Context, Any], tuple[Cited, ...]] | None,
) -> Callable[[Context], Proof]:
    def prove(context: Context) -> Proof:
        result = evaluate(context)
        return Proof(text, result, cite(context, result) if cite else ())

    return prove


def joined(text: str, result: object, parts: tuple[Proof, ...]) -> Proof:
    """The proof of what was worked out of several parts: the facts of those that name any."""
    telling = tuple([part for part in parts if part.cited or part.because])
    if len(telling) == 1:
        return Proof(text, result, telling[0].cited, telling)
    cited = tuple(dict.fromkeys([cite for part in telling for cite in part.cited]))
    return Proof(text, result, cited, telling)
