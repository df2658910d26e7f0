"""One rule while its expressions become terms: what they share, and the way to each kind of them.

Expressions hold one another: a condition holds numbers, a number a fact, a fact of the past again a
condition. They meet in `Lowering`, so that the files beside this one need not know each other;
`forms` says which file lowers which kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from services.detector.engine.person import Person
from services.detector.engine.terms import Term, once_a_look
from services.detector.language.ast import Compare, Node

if TYPE_CHECKING:
    from collections.abc import Hashable

    from services.detector.engine.registers import Register
    from services.detector.language.spec import Series

About = tuple[str, ...]
"""The series whose facts can be `it`."""

Lower = Callable[["Lowering", Node, About], Term]
"""How one kind of expression is lowered."""


class Forms(NamedTuple):
    """How each kind of expression is lowered."""

    condition: Lower
    time: Lower
    number: Lower
    fact: Lower
    word: Lower


@dataclass(slots=True)
class Registers:
    """The registers of a rule, each with the series that it takes in.

    Equal questions of the past share one: a nadir used five times is remembered once.
    """

    made: list[tuple[frozenset[int], Register]] = field(default_factory=list)
    _known: dict[Hashable, int] = field(default_factory=dict)

    def keep(self, key: Hashable, seat: frozenset[int], make: Callable[[], Register]) -> int:
        """The index of the register for a question; `make` may itself ask for others."""
        if key not in self._known:
            register = make()
            self._known[key] = len(self.made)
            self.made.append((seat, register))
        return self._known[key]

    def knows(self, key: Hashable) -> bool:
        """Whether the question has been asked."""
        return key in self._known


@dataclass(slots=True)
class Lowering:
    """Lowers the expressions of one rule.

    Attributes:
        series: what the rule reads, by name.
        forms: how each kind of expression is lowered.
        watch: may put a term of its own in place of every comparison.
        clock_moves: whether a later step of the course may set the clock anew.
        registers: fills up with what the expressions ask of the past.
        reach_days: how far back they look without remembering.
        grounding: the series whose membership is just being proved.
    """

    series: dict[str, Series]
    forms: Forms
    watch: Callable[[Compare, Term], Term] | None = None
    clock_moves: bool = True
    registers: Registers = field(default_factory=Registers)
    reach_days: int = 0
    grounding: set[str] = field(default_factory=set)
    _made: dict[Hashable, Term] = field(default_factory=dict)

    def condition(self, node: Node, about: About) -> Term:
        """A condition."""
        return self.forms.condition(self, node, about)

    def time(self, node: Node, about: About) -> Term:
        """A time, as a day."""
        return self.forms.time(self, node, about)

    def number(self, node: Node, about: About) -> Term:
        """A number, in the canonical unit of its analyte if it has one."""
        return self.forms.number(self, node, about)

    def fact(self, node: Node, about: About) -> Term:
        """A fact: the one in question, or one before it."""
        return self.forms.fact(self, node, about)

    def word(self, node: Node, about: About) -> Term:
        """A coded value."""
        return self.forms.word(self, node, about)

    def once(self, key: Hashable, make: Callable[[], Term]) -> Term:
        """One term for all that ask the same; it remembers its answer while it stands at a fact."""
        whole = (key, frozenset(self.grounding))
        if whole not in self._made:
            term = self._made[whole] = make()
            term.evaluate = once_a_look(term.evaluate)
        return self._made[whole]

    def seat(self, name: str) -> frozenset[int]:
        """The place of a series among those of the rule."""
        return frozenset({list(self.series).index(name)})

    def person(self) -> int:
        """The register of what is told of the person; its series stands after all others."""
        return self.registers.keep("patient", frozenset({len(self.series)}), Person)

    @property
    def asks_person(self) -> bool:
        """Whether what is told of the person must be read."""
        return self.registers.knows("patient")
