"""What holds and what doesn't: a condition as it is at a fact, down to the numbers compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Context as Precision
from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.terminology.analytes import analyte
from schemas.terminology.refusals import Refusal
from schemas.terminology.units import scale
from services.detector.engine.evidence import explanation
from services.detector.engine.instants import Span
from services.detector.engine.truth import Range, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.terminology.analytes import Analyte
    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Context, Proof, Term

_NINE_DIGITS = Precision(prec=9)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: its text, what it comes to, its unit, the facts that made it so.

    `plain`: the text says it all, as of a number in the rule, or of a day.
    """

    text: str
    value: str | None
    unit: str | None
    facts: tuple[Fact, ...]
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, what came of it ("true", "false", "unknown"), and its sides or parts."""

    text: str
    truth: str
    reason: str | None = None
    word: str = ""
    sides: tuple[Side, ...] = ()
    parts: tuple[Condition, ...] = ()


def condition(term: Term, context: Context) -> Condition | None:
    """A condition as it is at a fact; None if no fact of that kind could ever fulfil it.

    That is so where it compares the value of another series, and where the rule's own choice is
    against it. What the rule's choice grants isn't mentioned.
    """
    word, parts = term.made_of
    if word not in {"and", "or", "not"}:
        return _comparison(term, context)
    asked = [part for part in parts if word != "and" or not _is_granted(part, context)]
    inner = [condition(part, context) for part in asked]
    kept = tuple(one for one in inner if one is not None)
    if (word != "not" and not kept) or (word == "and" and len(kept) < len(inner)):
        return None
    if word != "not" and len(kept) == 1:
        return kept[0]
    return Condition(term.text, *_truth(term, context), word, parts=kept)


def _truth(term: Term, context: Context) -> tuple[str, str | None]:
    truth = term.evaluate(context)
    if isinstance(truth, Unknown):
        return "unknown", truth.reason
    return "true" if truth is True else "false", None


def _is_chosen(term: Term) -> bool:
    """Whether the rule's own parameters decide it."""
    return term.foreseeable and term.kind == "truth" and not term.made_of[1]


def _is_granted(term: Term, context: Context) -> bool:
    return _is_chosen(term) and term.evaluate(context) is True


def _comparison(term: Term, context: Context) -> Condition | None:
    word, parts = term.made_of
    if any(is_of_another(part, context) for part in parts):
        return None
    if _is_chosen(term) and not _is_granted(term, context):
        return None
    unit = canonical_unit(context.fact) if any(is_own(one, context) for one in parts) else None
    sides = tuple(_side(part, context, unit) for part in parts or (term,))
    sides = sides if parts else tuple(side for side in sides if side.facts)
    return Condition(term.text, *_truth(term, context), word, sides)


def _side(term: Term, context: Context, unit: str | None) -> Side:
    proof = term.prove(context)
    value = shown(proof)
    number = isinstance(proof.result, Decimal | Range)
    plain = term.fixed is not None or (term.foreseeable and term.kind == "time")
    return Side(term.text, value, (unit or None) if number else None, behind(proof, context), plain)


# ---------------------------------------------------------------- the value in question


def is_own(term: Term, context: Context) -> bool:
    """Whether it is the value of the fact in question."""
    if term.kind != "number" or term.multiple is not None:
        return False
    if term.own:
        return True
    return term.among is not None and not is_of_another(term, context)


def is_of_another(term: Term, context: Context) -> bool:
    """Whether it is the value of the fact in question, were that of another series."""
    series = context.history[context.before].series
    return term.among is not None and term.among.isdisjoint(series)


def concerns(term: Term, is_elsewhere: Callable[[Term], bool]) -> bool:
    """Whether a fact could ever fulfil a condition, by what this compares.

    Args:
        term: the condition.
        is_elsewhere: whether a side reads facts of other series, and so nothing of this one.
    """
    word, parts = term.made_of
    if word in {"and", "or"}:
        some = any if word == "or" else all
        return some(concerns(part, is_elsewhere) for part in parts)
    return word == "not" or not any(is_elsewhere(part) for part in parts)


def ruled_out(term: Term, context: Context) -> bool:
    """Whether the rule's own parameters stand against a condition, whatever comes."""
    word, parts = term.made_of
    if word in {"and", "or"}:
        some = all if word == "or" else any
        return some(ruled_out(part, context) for part in parts)
    return _is_chosen(term) and not _is_granted(term, context)


def canonical_unit(fact: Fact) -> str:
    """The unit in which the values of its kind are compared; empty if they have none."""
    known = analyte(fact.topic)
    return "" if known is None else known.unit


def as_reported(number: Decimal, fact: Fact) -> tuple[Decimal, str] | None:
    """A number in the unit in which a fact was reported; None where it stands in that already."""
    known: Analyte | None = analyte(fact.topic)
    unit: str | None = getattr(fact.event, "unit", None)
    by = None if known is None or unit is None else scale(unit, known)
    if unit is None or by is None or isinstance(by, Refusal) or by.identity:
        return None
    return None if by.logarithmic and number <= 0 else (by.inverse(number), unit)


def behind(proof: Proof, context: Context) -> tuple[Fact, ...]:
    """The facts, besides the one in question, that made it so."""
    return tuple(fact for fact, _ in proof.cited if fact is not context.fact)


# ---------------------------------------------------------------- in words


def shown(proof: Proof) -> str | None:
    """What came out, as a reader sees it: a number, a day, a word; None for what isn't there."""
    result = proof.result
    if isinstance(result, bool):
        return None
    if isinstance(result, int):
        return date.fromordinal(result).isoformat()
    if isinstance(result, Span):
        first, last = (date.fromordinal(day).isoformat() for day in result)
        return f"{first} to {last}"
    if isinstance(result, Decimal):
        return digits(result)
    if isinstance(result, str):
        return result
    return explanation(proof).value


def digits(number: Decimal) -> str:
    """A number of no more than nine digits, without exponent."""
    text = f"{_NINE_DIGITS.plus(number):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
