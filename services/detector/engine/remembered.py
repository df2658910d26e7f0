"""What a register of the lane holds, as a term: one fact that stands for a part of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from services.detector.engine.fact import Fact
from services.detector.engine.instants import earliest, latest
from services.detector.engine.registers import Confirmed
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable


def register(
    index: int,
    read: Callable[[Any, Context], Any],
    kind: str,
    role: Role,
    text: str,
    own: Callable[[Any, Context], Any] | None = None,
    *,
    certain: bool = False,
) -> Term:
    """What a register of the lane holds: a fact that stands for a part of the past.

    `own` takes out the part of the memory that belongs to the fact in question, where there is one.
    `certain`: what it holds is never unknown.
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

    return Term(kind, text, evaluate, cite=cite).if_certain(certain)


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
