"""What bears on whether salvage is possible: the latest of each, with its date, or "not known"."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from schemas.alerts import Readiness
from schemas.assembly import assembled
from services.detector.engine.evidence import reported, unit

if TYPE_CHECKING:
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
_OF_THE_PERSON = frozenset({"age", "prior_lines", "goals_of_care"})


def readiness(items: tuple[str, ...], timeline: Timeline, day: int) -> tuple[Readiness, ...]:
    """The latest value of each item on or before a day (ordinal)."""
    found = list(_unknown(items))
    told = timeline.has_few
    for place, name in enumerate(items):
        if name in _OF_THE_PERSON:
            if told:
                found[place] = _of_the_person(name, timeline, day)
        elif timeline.has(name):
            found[place] = _measured(name, timeline, day)
    return tuple(found)


def _measured(name: str, timeline: Timeline, day: int) -> Readiness:
    fact = timeline.newest(name, day)
    if fact is None:
        return _not_known(name)
    return assembled(
        Readiness,
        {
            "item": name,
            "value": reported(fact) or NOT_KNOWN,
            "unit": unit(fact),
            "at": fact.event.effective_at,
        },
    )


@cache  # the items are words of the rules: there are few
def _unknown(items: tuple[str, ...]) -> tuple[Readiness, ...]:
    """What is said where nothing is known, which is so of most items of most patients."""
    return tuple(_not_known(name) for name in items)


@cache
def _not_known(name: str) -> Readiness:
    return Readiness(item=name, value=NOT_KNOWN)


def _of_the_person(name: str, timeline: Timeline, day: int) -> Readiness:
    if name == "age":
        age = _age(_people(timeline, day), day)
        return _not_known(name) if age is None else Readiness(item=name, value=age)
    said = _last_goals(timeline, day) if name == "goals_of_care" else _last_line(timeline, day)
    if said is None:
        return _not_known(name)
    value, fact = said
    return Readiness(item=name, value=value, at=fact.event.effective_at)


def _last_line(timeline: Timeline, day: int) -> tuple[str, Fact] | None:
    """The highest line that was told of, and the first that is told of it: since when."""
    lined = [
        fact
        for fact in timeline.few("treatment")
        if fact.day <= day and fact.event.line is not None
    ]
    if not lined:
        return None
    first = min(lined, key=lambda fact: (-fact.event.line, fact.at, fact.key))
    return str(first.event.line), first


def _people(timeline: Timeline, day: int) -> list[Fact]:
    """What is told of the person by that day, the last word last."""
    told = [fact for fact in timeline.few("patient") if fact.day <= day]
    return sorted(told, key=lambda fact: (fact.issued, fact.key))


def _last_goals(timeline: Timeline, day: int) -> tuple[str, Fact] | None:
    told = [fact for fact in _people(timeline, day) if fact.event.goals_of_care is not None]
    return (told[-1].event.goals_of_care, told[-1]) if told else None


def _age(people: list[Fact], day: int) -> str | None:
    births = [fact.event.birth_date for fact in people if fact.event.birth_date is not None]
    if not births:
        return None
    born, today = births[-1], date.fromordinal(day)
    return str(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
