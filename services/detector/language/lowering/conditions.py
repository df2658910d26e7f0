"""Conditions: and, or, not, comparisons, words of lists, and the functions that give a truth.

A new function that gives a truth gets its line in `TRUTHS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.alerts import Role
from services.detector.engine import (
    attribution,
    changes,
    comparisons,
    drugs,
    logic,
    spells,
    uncertainty,
)
from services.detector.language.ast import And, Call, Compare, Has, Name, Node, Not, OneOf, Or
from services.detector.language.lowering import rows
from services.detector.language.lowering.arguments import Asked, wrong
from services.detector.language.lowering.comparisons import comparison, is_choice
from services.detector.language.lowering.one_fact import one_fact
from services.detector.language.lowering.past import Wanted, remembered
from services.detector.language.lowering.units import amount, analyte_of
from services.detector.language.unparse import unparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from services.detector.engine.registers import Register
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering


def condition(lowering: Lowering, node: Node, about: About) -> Term:
    """A condition."""
    match node:
        case And(operands=parts):
            return logic.all_of([lowering.condition(p, about) for p in parts], unparse(node))
        case Or(operands=parts):
            return logic.any_of([lowering.condition(p, about) for p in parts], unparse(node))
        case Not(operand=inner):
            return logic.negated(lowering.condition(inner, about), unparse(node))
        case Compare():
            return comparison(lowering, node, about)
        case OneOf():
            return _one_of(lowering, node, about)
        case Has(left=left, word=word):
            return comparisons.has(lowering.word(left, about), word, unparse(node))
        case Call(function=function) if function in TRUTHS:
            return TRUTHS[function](Asked(lowering, node, about))
        case _:
            raise wrong(node, "a condition is needed here")


def _one_of(lowering: Lowering, node: OneOf, about: About) -> Term:
    if isinstance(node.left, Name) and is_choice(lowering, node.left):
        return logic.by_choice(node.left.name in node.words, unparse(node))
    return comparisons.one_of(lowering.word(node.left, about), node.words, unparse(node))


def _of_fact(make: Callable[[Term, str], Term]) -> Callable[[Asked], Term]:
    """A function that asks one thing of one fact."""
    return lambda asked: make(asked.fact(), asked.text)


def _possibly(asked: Asked) -> Term:
    inner = asked.lowering.condition(asked.args[0], asked.about)
    return uncertainty.possibly(inner, asked.text)


def _surely(asked: Asked) -> Term:
    inner = asked.lowering.condition(asked.args[0], asked.about)
    return uncertainty.surely(inner, asked.text)


def _exists(asked: Asked) -> Term:
    found = one_fact(asked.lowering, asked.selection(), "exists")
    return logic.exists(found, asked.text)


def _below_limit(asked: Asked) -> Term:
    of, least = asked.args
    number = amount(least, analyte_of(asked.lowering, of, asked.about))
    return comparisons.below_limit(asked.fact(), number, asked.text)


def _settled(asked: Asked) -> Term:
    least = asked.days(1)

    def make(admits: Any, *, follows_clock: bool) -> Register:
        return spells.Settled(admits, follows_clock=follows_clock, least=least)

    wanted = Wanted("settled", make, "facts", Role.SUPPORT, (least,))
    return spells.settled(
        remembered(asked.lowering, asked.selection(), wanted, asked.text), asked.text
    )


def _differs(asked: Asked) -> Term:
    return changes.differs(asked.fact(0), asked.fact(1), asked.text)


TRUTHS: Final[dict[str, Callable[[Asked], Term]]] = {
    "attributed": _of_fact(attribution.attributed),
    "below_limit": _below_limit,
    "differs": _differs,
    "exists": _exists,
    "of_regimen": _of_fact(drugs.of_regimen),
    "plateau": rows.plateau,
    "possibly": _possibly,
    "surely": _surely,
    "quantified": _of_fact(changes.quantified),
    "rises": rows.rises,
    "settled": _settled,
    "steady": rows.steady,
    "suspects_other": _of_fact(attribution.suspects_other),
    "unquantified": _of_fact(changes.unquantified),
}
