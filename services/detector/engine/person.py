"""What is told of the person: age and sex.

It holds at all times, whenever it was told: an admission that names the birth date is often known
only after the first result. So these facts stand before all others in a lane, in the order in which
they were issued, and the last word counts.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import Role
from services.detector.engine.terms import Cited, Context, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.terminology.derived import Sex
    from services.detector.engine.fact import Fact

_NOT_TOLD = {
    "age": Unknown("the birth date is not known"),
    "sex": Unknown("the sex is not known"),
}


class Told(NamedTuple):
    """The facts that tell the birth date and the sex last."""

    age: Fact | None = None
    sex: Fact | None = None


class Person:
    """Register: who tells what of the person."""

    initial: Any = Told()
    follows_clock = False

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """The last word counts; what it leaves out stays as it was."""
        del context
        told: Told = memory
        if getattr(fact.event, "birth_date", None) is not None:
            told = told._replace(age=fact)
        if getattr(fact.event, "sex", None) is not None:
            told = told._replace(sex=fact)
        return told

    def restart(self, memory: Any) -> Any:
        """A new clock changes no person."""
        return memory

    def read(self, memory: Any, context: Context) -> Told:
        """All that is told."""
        del context
        told: Told = memory
        return told


def age(index: int, text: str = "patient.age") -> Term:
    """Whole years on the day of the fact in question."""

    def evaluate(context: Context) -> Value:
        fact = context.registers[index].age
        return _NOT_TOLD["age"] if fact is None else Decimal(years(fact, context.it.day))

    return Term("number", text, evaluate, cite=_cites(index, "age"))


def sex(index: int, text: str = "patient.sex") -> Term:
    """`female` or `male`; unknown for what is neither."""

    def evaluate(context: Context) -> Sex | Unknown:
        return sex_of(context.registers[index].sex)

    return Term("word", text, evaluate, cite=_cites(index, "sex"))


def sex_told(index: int) -> Term:
    """The fact that tells the sex."""
    return Term("fact", "patient", lambda context: context.registers[index].sex)


def _cites(index: int, slot: str) -> Callable[[Context, Any], tuple[Cited, ...]]:
    def cite(context: Context, found: object) -> tuple[Cited, ...]:
        fact = getattr(context.registers[index], slot)
        return () if fact is None or isinstance(found, Unknown) else ((fact, Role.SUPPORT),)

    return cite


def years(fact: Fact, day: int) -> int:
    """Age in whole years; born on 29 February, a year is full on 1 March."""
    born: date = fact.event.birth_date
    today = date.fromordinal(day)
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def sex_of(fact: Fact | None) -> Sex | Unknown:
    """The sex that a fact tells; unknown without one, and for what is neither female nor male."""
    told: Sex | None = None if fact is None else fact.event.sex
    return told if told in ("female", "male") else _NOT_TOLD["sex"]
