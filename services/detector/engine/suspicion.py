"""Terms about the suspicion that stands: which fact opened it, and what it was called.

Only a criterion knows its suspicion, so only what it asks while one stands can speak of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from schemas.alerts import Role
from services.detector.engine.terms import Cited, Context, Term

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact


class Suspicion(Protocol):
    """What a criterion remembers of it."""

    @property
    def first(self) -> Fact | None:
        """The fact that opened it."""
        ...

    @property
    def seat(self) -> tuple[int, ...]:
        """The series to which that fact belongs."""
        ...

    @property
    def tag(self) -> str | None:
        """What it is called."""
        ...

    @property
    def cited(self) -> tuple[Cited, ...]:
        """The evidence for what it is called."""
        ...


class Following(Context):
    """A context with a suspicion behind it."""

    __slots__ = ("suspicion",)

    suspicion: Suspicion


def following(context: Context, suspicion: Suspicion) -> Context:
    """The same place, with the suspicion that stands there."""
    other: Following = object.__new__(Following)  # asked at every fact while something stands
    other.fact = context.fact
    other.it = context.it
    other.clock = context.clock
    other.own = context.own
    other.registers = context.registers
    other.history = context.history
    other.before = context.before
    other.look = None  # what hangs on the suspicion has another answer for each
    other.suspicion = suspicion
    return other


def suspected(series: frozenset[int], text: str) -> Term:
    """The fact that opened the suspicion, if it is one of these series."""

    def evaluate(context: Context) -> Fact | None:
        if not isinstance(context, Following):
            return None
        suspicion = context.suspicion
        return None if series.isdisjoint(suspicion.seat) else suspicion.first

    def cite(_: Context, found: Any) -> tuple[Cited, ...]:
        return () if found is None else ((found, Role.SUPPORT),)

    return Term("fact", text, evaluate, cite=cite)


def tag_of_suspicion(text: str) -> Term:
    """What the suspicion is called."""

    def evaluate(context: Context) -> str | None:
        return context.suspicion.tag if isinstance(context, Following) else None

    def cite(context: Context, tag: str | None) -> tuple[Cited, ...]:
        if tag is None or not isinstance(context, Following):
            return ()
        return context.suspicion.cited

    return Term("word", text, evaluate, cite=cite)
