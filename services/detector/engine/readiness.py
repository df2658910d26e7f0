"""What bears on whether salvage is possible: the latest of each, with its date, or "not known"."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from schemas.alerts import Readiness
from services.detector.engine.writing import reported

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.detector.engine.fact import Fact

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


def readiness(items: Iterable[str], facts: Iterable[Fact], day: int) -> tuple[Readiness, ...]:
    """The latest value of each item on or before a day (ordinal)."""
    latest: dict[str, Fact] = {}
    people: list[Fact] = []
    lines: set[int] = set()
    for fact in facts:
        if fact.day > day:
            continue
        if fact.topic == "patient":
            people.append(fact)
        elif fact.topic == "treatment":
            if fact.event.line is not None:
                lines.add(fact.event.line)
        elif fact.topic not in latest or _newer(fact, latest[fact.topic]):
            latest[fact.topic] = fact
    people.sort(key=lambda fact: (fact.issued, fact.key))
    return tuple(_item(name, latest, people, lines, day) for name in items)


def _newer(fact: Fact, other: Fact) -> bool:
    return (fact.at, fact.key) > (other.at, other.key)


def _item(
    name: str, latest: dict[str, Fact], people: list[Fact], lines: set[int], day: int
) -> Readiness:
    if name == "age":
        return Readiness(item=name, value=_age(people, day))
    if name == "prior_lines":
        return Readiness(item=name, value=str(max(lines)) if lines else NOT_KNOWN)
    if name == "goals_of_care":
        return Readiness(item=name, value=_last(people, "goals_of_care"))
    fact = latest.get(name)
    if fact is None:
        return Readiness(item=name, value=NOT_KNOWN)
    return Readiness(
        item=name,
        value=reported(fact) or NOT_KNOWN,
        unit=getattr(fact.event, "unit", None),
        at=fact.event.effective_at,
    )


def _last(people: list[Fact], field: str) -> str:
    said = [value for fact in people if (value := getattr(fact.event, field)) is not None]
    return str(said[-1]) if said else NOT_KNOWN


def _age(people: list[Fact], day: int) -> str:
    births = [fact.event.birth_date for fact in people if fact.event.birth_date is not None]
    if not births:
        return NOT_KNOWN
    born, today = births[-1], date.fromordinal(day)
    return str(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
