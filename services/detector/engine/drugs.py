"""Terms about the drugs of a regimen."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.alerts import Role
from schemas.terminology.analytes import analyte
from services.detector.engine.fact import Fact
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

_BETWEEN = re.compile(r"[\s/+,;&]+")
_PARTS = re.compile(r"[\s/+,;&-]+")
_NO_REGIMEN = Unknown("the drugs of the course are not known")


def of_regimen(term: Term, text: str) -> Term:
    """Whether the drug that a result is about is part of the course's regimen.

    The regimen is read as names between slashes, plus signs, commas or spaces (`TDF/3TC/DTG`);
    which names a drug has is said where the analyte is defined.
    """
    inner = term.evaluate

    def evaluate(context: Context) -> Truth:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return fact if isinstance(fact, Unknown) else False
        regimen = None if context.own is None else context.own.event.regimen
        if not regimen:
            return _NO_REGIMEN
        return not _names_of(fact.topic).isdisjoint(_drugs_in(regimen))

    return Term("truth", text, evaluate, _proving(term, evaluate, text))


def _proving(
    term: Term, evaluate: Callable[[Context], Truth], text: str
) -> Callable[[Context], Proof]:
    def prove(context: Context) -> Proof:
        own: tuple[Cited, ...] = () if context.own is None else ((context.own, Role.SUPPORT),)
        return Proof(text, evaluate(context), (*term.prove(context).cited, *own))

    return prove


def _names_of(topic: str) -> frozenset[str]:
    known = analyte(topic)
    return frozenset() if known is None else frozenset(name.casefold() for name in known.drug)


@lru_cache(maxsize=1024)
def names_of_regimen(regimen: str) -> frozenset[str]:
    """A regimen by its whole name, and by that of each of its drugs; in lower case."""
    whole = regimen.lower()
    return frozenset({whole, *_PARTS.split(whole)} - {""})


@lru_cache(maxsize=1024)  # a clinic has few regimens
def _drugs_in(regimen: str) -> frozenset[str]:
    return frozenset(_BETWEEN.split(regimen.casefold()))
