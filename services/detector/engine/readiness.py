"""What bears on whether salvage is possible: the latest of each, with its date, or "not known"."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from schemas.alerts import Readiness
from services.detector.engine.writing import reported

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.detector.engine.fact import Fact
    from services.detector.engine.timeline import Timeline

NOT_KNOWN = "not known"
DEFAULT_ITEMS = (
    "age",
    "ecog",
    "egfr",
    "lvef",
    "neutrophils",
    "platelets",
    "bilirubin",
    "prior_lines",
    "goals_of_care",
)
"""Age, performance status, organ function, prior lines and goals decide what is possible."""


def readiness(items: Iterable[str], timeline: Timeline, day: int) -> tuple[Readiness, ...]:
    """The latest value of each item on or before a day (ordinal)."""
    return tuple(_item(name, timeline, day) for name in items)


def _item(name: str, timeline: Timeline, day: int) -> Readiness:
    if name == "age":
        return Readiness(item=name, value=_age(_people(timeline, day), day))
    if name == "prior_lines":
        lines = [
            fact.event.line
            for fact in timeline.few("treatment")
            if fact.day <= day and fact.event.line is not None
        ]
        return Readiness(item=name, value=str(max(lines)) if lines else NOT_KNOWN)
    if name == "goals_of_care":
        return Readiness(item=name, value=_last(_people(timeline, day), "goals_of_care"))
    fact = timeline.newest(name, day)
    if fact is None:
        return Readiness(item=name, value=NOT_KNOWN)
    return Readiness(
        item=name,
        value=reported(fact) or NOT_KNOWN,
        unit=getattr(fact.event, "unit", None),
        at=fact.event.effective_at,
    )


def _people(timeline: Timeline, day: int) -> list[Fact]:
    """What is told of the person by that day, the last word last."""
    told = [fact for fact in timeline.few("patient") if fact.day <= day]
    return sorted(told, key=lambda fact: (fact.issued, fact.key))


def _last(people: list[Fact], field: str) -> str:
    said = [value for fact in people if (value := getattr(fact.event, field)) is not None]
    return str(said[-1]) if said else NOT_KNOWN


def _age(people: list[Fact], day: int) -> str:
    births = [fact.event.birth_date for fact in people if fact.event.birth_date is not None]
    if not births:
        return NOT_KNOWN
    born, today = births[-1], date.fromordinal(day)
    return str(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
