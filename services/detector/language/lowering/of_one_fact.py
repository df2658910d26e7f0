"""Numbers that are asked of one fact: changes, scores, hours, lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.engine import changes, hours, lesions, scores
from services.detector.language.ast import Name

if TYPE_CHECKING:
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.arguments import Asked


def log_rise(asked: Asked) -> Term:
    """By how many powers of ten a result lies above another."""
    return changes.log_change(asked.fact(), falling=False, text=asked.text)


def log_drop(asked: Asked) -> Term:
    """By how many powers of ten a result lies below another."""
    return changes.log_change(asked.fact(), falling=True, text=asked.text)


def performance(asked: Asked) -> Term:
    """A performance status on the scale of ECOG."""
    return scores.performance(asked.fact(), asked.text)


def hours_since(asked: Asked) -> Term:
    """Hours since a fact; the clock is one too."""
    then = asked.args[0]
    of_clock = isinstance(then, Name) and then.name == "clock"
    return hours.hours_since(hours.the_clock() if of_clock else asked.fact(), asked.text)


def lesions_in_all(asked: Asked) -> Term:
    """How many new lesions a report names."""
    return lesions.count_of(asked.fact(), asked.text)


def lesions_beyond(asked: Asked) -> Term:
    """How many lesions of the report in question another one did not name."""
    return lesions.beyond(asked.fact(), asked.text)


def lesions_shared(asked: Asked) -> Term:
    """How many lesions of the report in question another one named too, and a third did not."""
    other = asked.fact(0)
    without = asked.fact(1) if asked.args[1:] else None
    return lesions.shared(other, asked.text, without=without)
