"""Facts: the one in question, one of the past, one of some period; and the fields of these.

A new function that gives a fact gets its line in `FACTS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.detector.engine import coded, doses, fields, remembered, suspicion, values
from services.detector.language.ast import Attribute, Call, Duration, Name, Node, Selection
from services.detector.language.lowering import rows
from services.detector.language.lowering.arguments import Asked, shift, wrong
from services.detector.language.lowering.one_fact import one_fact
from services.detector.language.lowering.past import looked_up
from services.detector.language.lowering.readings import FIELDS, number_read
from services.detector.language.unparse import unparse

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering

_AS_REPORTED = frozenset({"first", "last", "previous", "suspected", "of_same_cycle", "first_alike"})
"""Functions that give a fact as it was reported, so that a field of it may be asked."""


def fact(lowering: Lowering, node: Node, about: About) -> Term:
    """A fact."""
    match node:
        case Name(name=name) if name == "it" or about == (name,):
            return fields.the_fact(unparse(node))
        case Name(name=name) if name in lowering.series:
            return fields.the_fact_of(lowering.seat(name), unparse(node))
        case Call(function=function) if function in FACTS:
            return FACTS[function](Asked(lowering, node, about))
        case _:
            raise wrong(node, "a fact of a series is needed here")


def field_of(lowering: Lowering, node: Attribute, about: About, kind: str) -> Term:
    """`scan.sum`: a field of the fact in question."""
    of = lowering.fact(Name(node.of, place=node.place), about)
    if node.field not in FIELDS:
        raise wrong(node, f"no field {node.field}")
    return fields.field_of(of, FIELDS[node.field], kind, unparse(node))


def field_asked(lowering: Lowering, node: Node, about: About, kind: str) -> Term | None:
    """`last(scan.sum)`: a field of a fact of the past; None where no field is asked."""
    match node:
        case Call(args=(Selection(attribute=str() as field),)) if node.function in _AS_REPORTED:
            of = lowering.fact(node, about)
            return fields.field_of(of, FIELDS[field], kind, unparse(node))
        case _:
            return None


def reference(asked: Asked) -> Term:
    """The number of a fact that serves as nadir, peak or baseline."""
    of = asked.lowering.fact(asked.call, asked.about)
    return values.reference_of(of, number_read(asked.selection().attribute))


def _one(asked: Asked) -> Term:
    """The fact that a function picks out of a series."""
    return one_fact(asked.lowering, asked.selection(), asked.call.function)


def _previous(asked: Asked) -> Term:
    return rows.one_before(asked) if asked.args[1:] else _one(asked)


def _baseline(asked: Asked) -> Term:
    """The last fact before the clock; no older than so long, where a length is given."""
    if not asked.args[1:]:
        return _one(asked)
    age = asked.args[1]
    if not isinstance(age, Duration):
        raise wrong(age, "a duration is needed here")
    return remembered.no_older(_one(asked), shift(age, -1), asked.text)


def _suspected(asked: Asked) -> Term:
    return suspicion.suspected(asked.lowering.seat(asked.selection().series), asked.text)


def _of_period(make: Callable[..., Term]) -> Callable[[Asked], Term]:
    """A function that picks a fact out of a period."""
    return lambda asked: make(looked_up(asked.lowering, asked.selection()), asked.text)


FACTS: Final[dict[str, Callable[[Asked], Term]]] = {
    "baseline": _baseline,
    "confirmed_nadir": _one,
    "first": _one,
    "first_alike": _of_period(coded.first_alike),
    "last": _one,
    "nadir": _one,
    "nadir_with_baseline": _one,
    "of_same_cycle": _of_period(doses.of_same_cycle),
    "peak": _one,
    "previous": _previous,
    "run": _one,
    "suspected": _suspected,
}
