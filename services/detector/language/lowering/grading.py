"""Grades of results by published tables: `grade(it, ctcae, 5, 28 d)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alerts import Role
from services.detector.engine import grades, person, remembered
from services.detector.language.ast import Name, Node, Selection
from services.detector.language.lowering.arguments import wrong
from services.detector.language.lowering.one_fact import one_fact
from services.detector.language.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.registers import Register
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.arguments import Asked
    from services.detector.language.lowering.rule import About, Lowering


def grade(asked: Asked) -> Term:
    """The grade of a result."""
    return _grade(asked, new=False)


def new_grade(asked: Asked) -> Term:
    """The grade of a result by the terms in which it is worse than before treatment."""
    return _grade(asked, new=True)


def _grade(asked: Asked, *, new: bool) -> Term:
    table = asked.args[1]
    if not isinstance(table, Name):
        raise wrong(asked.call, "a grading table and its version are needed here")
    scale = grades.Scale(table.name, asked.count(2), asked.days(3))
    around = _surroundings(asked, table.name)
    return grades.grade_of(asked.fact(), scale, around, asked.text, new=new)


def _surroundings(asked: Asked, table: str) -> grades.Surroundings:
    """What a grade rests on besides the result."""
    lowering = asked.lowering
    of = _series_of(asked.args[0], asked.about)
    before = [one_fact(lowering, Selection(name), "baseline") for name in of]
    return grades.Surroundings(
        baseline=grades.first_of(before),
        symptom=_kept(lowering, grades.Symptoms, "adverse_event"),
        anticoagulant=_kept(lowering, grades.Anticoagulant, "treatment"),
        person=person.sex_told(lowering.person()) if table == grades.DAIDS else None,
    )


def _kept(lowering: Lowering, make: Callable[[], Register], kind: str) -> Term | None:
    """What a register remembers of all series of a kind; None if the rule reads none."""
    names = [name for name, one in lowering.series.items() if one.kind == kind]
    if not names:
        return None
    seats = frozenset[int]().union(*(lowering.seat(name) for name in names))
    index = lowering.registers.keep((make, kind), seats, make)
    read = lowering.registers.made[index][1].read
    return remembered.register(index, read, "fact", Role.SUPPORT, kind)


def _series_of(node: Node, about: About) -> tuple[str, ...]:
    """The series to which a fact belongs."""
    for found in walk(node):
        if isinstance(found, Selection):
            return (found.series,)
        if isinstance(found, Name):
            return about if found.name == "it" else (found.name,)
    raise wrong(node, "a fact of a series is needed here")
