"""Series that take only some facts: what makes a fact one of them is part of the evidence.

The hCG of a course's first day is one because a dose was given on that day; who reads the alert
must see the dose, and without it the rule would not hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.detector.engine.finding import Finding, Note, cite
from services.detector.engine.terms import Cited, Context, Proof, Term

if TYPE_CHECKING:
    from collections.abc import Mapping


def grounded(term: Term, asked: Mapping[int, Term]) -> Term:
    """The same term, which cites with every fact what makes it one of its series.

    Args:
        term: about the past of these series.
        asked: place of a series in its rule -> what its facts fulfil, asked of a bounded past.
    """

    def prove(context: Context) -> Proof:
        proof = term.prove(context)
        return proof._replace(cited=cite(proof.cited, reasons(proof.cited, asked, context)))

    return Term(term.kind, term.text, term.evaluate, prove)


def told_with_reasons(
    notes: tuple[Note, ...], asked: Mapping[int, Term], here: Context
) -> tuple[Note, ...]:
    """The same findings, each with what makes its facts members."""
    return tuple(
        replace(note, cited=cite(note.cited, reasons(note.cited, asked, here)))
        if isinstance(note, Finding)
        else note
        for note in notes
    )


def reasons(
    cited: tuple[Cited, ...], asked: Mapping[int, Term], here: Context
) -> tuple[Cited, ...]:
    """What makes the cited facts members of the series that take only some."""
    told = {fact for fact, _ in cited}
    found: tuple[Cited, ...] = ()
    # Where a deadline passes no fact is in question, and nothing lies behind it.
    for index in range(min(here.before, len(here.history) - 1), -1, -1):
        entry = here.history[index]
        if entry.fact in told:
            terms = [asked[at] for at in entry.series if at in asked]
            found += tuple(c for term in terms for c in term.prove(here.back_at(index)).cited)
    return found
