"""Terms about coded results: what a word says, which organism grew, and when it first did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from schemas.terminology import coded
from services.detector.engine.fact import Fact
from services.detector.engine.fields import NOT_SAID, field_of
from services.detector.engine.terms import Cited, Context, Term
from services.detector.engine.truth import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.past import Past

_STRANGE = Unknown("a coded result in a word that is not known")


def finding(term: Term, text: str) -> Term:
    """`positive`, `negative`, …; nothing for an organism; unknown for a word in no table."""
    return _word_of(term, _finding, text)


def organism(term: Term, text: str) -> Term:
    """The organism by its key, or as reported; nothing for a mere finding."""
    return _word_of(term, _organism, text)


def genus(term: Term, text: str) -> Term:
    """The genus of an organism that is known; nothing for anything else."""
    return _word_of(term, _genus, text)


def _word_of(term: Term, read: Callable[[str], str | Unknown | None], text: str) -> Term:
    return field_of(term, lambda fact: _said(fact, read), "word", text)


def _said(fact: Fact, read: Callable[[str], str | Unknown | None]) -> Any:
    """A number without a word says nothing of the kind."""
    said = None if fact.code is None else read(fact.code)
    return NOT_SAID if said is None else said


def _finding(code: str) -> str | Unknown | None:
    found = coded.finding(code)
    return _STRANGE if found is None and coded.organism(code) is None else found


def _organism(code: str) -> str | None:
    if coded.finding(code) is not None:
        return None
    known = coded.organism(code)
    return code if known is None else known.key


def _genus(code: str) -> str | None:
    known = coded.organism(code)
    return None if known is None else known.genus


def first_alike(past: Past, text: str) -> Term:
    """The first fact of a period that says what the fact in question says, by whatever word."""

    def evaluate(context: Context) -> Any:
        facts, doubt = past.facts(context)
        name = _name(context.fact)
        if doubt is not None or name is None:
            return doubt
        return next((fact for fact in reversed(facts) if _name(fact) == name), None)

    def cite(_: Context, found: Any) -> tuple[Cited, ...]:
        return ((found, Role.SUPPORT),) if isinstance(found, Fact) else ()

    return Term("fact", text, evaluate, cite=cite)


def _name(fact: Fact) -> str | None:
    """What a coded value says, by whatever word."""
    if fact.code is None:
        return None
    return coded.finding(fact.code) or _organism(fact.code)
