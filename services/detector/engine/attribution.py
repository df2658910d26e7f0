"""Terms about what an adverse event was put down to (catalogue of infectious diseases, B13.2).

Attribution is per drug: what a partner of a combination did must not end the other drug.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.alerts import Role
from schemas.terminology.causality import counts_as_caused
from services.detector.engine.fact import Fact
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BETWEEN = re.compile(r"[\s/+,;&]+")


def attributed(term: Term, text: str) -> Term:
    """Whether an adverse event counts as caused by treatment; what nobody said counts."""
    return _of_event(term, lambda event, _: counts_as_caused(event.causality), text)


def suspects_other(term: Term, text: str) -> Term:
    """Whether an adverse event was put down by name to a drug that is none of the course's."""
    return _of_event(term, _names_another, text)


def _names_another(event: Any, context: Context) -> bool:
    own = None if context.own is None else context.own.event
    if event.suspected is None or own is None:
        return False
    course = _names(own.regimen or "") | _names(own.drug or "")
    course = course.union(*(_names(name) for name in own.drug_classes or ()))
    return bool(course) and course.isdisjoint(_names(event.suspected))


@lru_cache(maxsize=1024)
def _names(text: str) -> frozenset[str]:
    return frozenset(name for name in _BETWEEN.split(text.casefold()) if name)


def _of_event(term: Term, says: Callable[[Any, Context], bool], text: str) -> Term:
    inner = term.evaluate

    def evaluate(context: Context) -> Truth:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return fact if isinstance(fact, Unknown) else False
        return says(fact.event, context)

    def prove(context: Context) -> Proof:
        own = () if context.own is None or says is not _names_another else (context.own,)
        cited = (*term.prove(context).cited, *((one, Role.SUPPORT) for one in own))
        return Proof(text, evaluate(context), cited)

    return Term("truth", text, evaluate, prove)
