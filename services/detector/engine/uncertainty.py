"""Terms about not knowing: what may be true for all that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.engine.terms import Proof, Term

if TYPE_CHECKING:
    from services.detector.engine.terms import Context


def possibly(term: Term, text: str) -> Term:
    """Whether a condition is true or unknown: never a doubt itself.

    What is only unknown cites nothing, because what nobody said can't be evidence. Nor is what the
    course says of itself: had it said nothing, that would do as well.
    """
    inner = term.evaluate

    def evaluate(context: Context) -> bool:
        return inner(context) is not False

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        said = found.cited if found.result is True else ()
        cited = tuple((fact, role) for fact, role in said if fact is not context.own)
        return Proof(text, evaluate(context), cited, (found._replace(cited=cited),))

    return Term("truth", text, evaluate, prove)


def surely(term: Term, text: str | None = None) -> Term:
    """Whether a condition is true and not only unknown: never a doubt itself."""
    inner = term.evaluate

    def evaluate(context: Context) -> bool:
        return inner(context) is True

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        cited = found.cited if found.result is True else ()
        return Proof(text or term.text, evaluate(context), cited, (found,))

    return Term("truth", text or term.text, evaluate, prove)


def not_surely(term: Term) -> Term:
    """Whether a condition is false or unknown: what `unless` lets pass."""
    inner = term.evaluate
    return Term("truth", f"not ({term.text})", lambda context: inner(context) is not True)
