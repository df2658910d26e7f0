"""Words: the coded values of facts, of the course, of the person, of a suspicion.

A new function that gives a word gets its line in `WORDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.detector.engine import coded, fields, person, suspicion
from services.detector.language.ast import Attribute, Call, Node
from services.detector.language.lowering.facts import field_asked, field_of
from services.detector.language.lowering.readings import COURSE, IN_ALL_STEPS, code
from services.detector.language.unparse import unparse
from services.detector.language.words import PATIENT, SUSPICION

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering

WORDS: Final[dict[str, Callable[[Term, str], Term]]] = {
    "finding": coded.finding,
    "genus": coded.genus,
    "organism": coded.organism,
}


def word(lowering: Lowering, node: Node, about: About) -> Term:
    """A coded value."""
    match node:
        case Attribute():
            return _field(lowering, node, about)
        case Call(function=function, args=(inner,)) if function in WORDS:
            return WORDS[function](lowering.fact(inner, about), unparse(node))
        case _:
            field = field_asked(lowering, node, about, "word")
            return field or _code(lowering, node, about)


def _field(lowering: Lowering, node: Attribute, about: About) -> Term:
    """`course.regimen`, `patient.sex`, `suspicion.tag`, `pet.response`."""
    text = unparse(node)
    if node.of == "course":
        return fields.course_field(COURSE[node.field], text, in_all=node.field in IN_ALL_STEPS)
    if node.of == PATIENT:
        return person.sex(lowering.person())
    if node.of == SUSPICION:
        return suspicion.tag_of_suspicion(text)
    return field_of(lowering, node, about, "word")


def _code(lowering: Lowering, node: Node, about: About) -> Term:
    """A fact where a word is needed: what it says in coded form."""
    return fields.field_of(lowering.fact(node, about), code, "word", unparse(node))
