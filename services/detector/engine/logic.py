"""And, or, not, and whether there is such a fact: three-valued, as terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.engine.terms import Context, Proof, Term, joined
from services.detector.engine.truth import Truth, Unknown, negate

if TYPE_CHECKING:
    from collections.abc import Sequence


def by_choice(truth: bool, text: str) -> Term:  # noqa: FBT001  # it is the term's value
    """A condition that the rule's own parameters decide."""
    return Term("truth", text, lambda _: truth).foreseen().if_certain()


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
        return joined(text, evaluate(context), tuple(term.prove(context) for term in terms))

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
            return joined(text, evaluate(context), tuple(proofs))
        return joined(text, holding[0].result, (min(holding, key=lambda proof: len(proof.cited)),))

    return Term("truth", text, evaluate, prove).joining("or", *terms)


def exists(term: Term, text: str) -> Term:
    """Whether there is such a fact."""
    inner = term.evaluate

    def evaluate(context: Context) -> Truth:
        found = inner(context)
        return found if isinstance(found, Unknown) else found is not None

    found = Term("truth", text, evaluate, lambda c: Proof(text, evaluate(c), term.prove(c).cited))
    return found.if_certain(term)
