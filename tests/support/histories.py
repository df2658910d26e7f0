"""Strategies: plausible and nasty histories, as the messages that a hospital would have sent.

A history is a list of versions of facts. Every version says when it was released: only then is it
defined at all what was known when, whatever way the messages took.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from schemas.events import EVENT
from support.retellings import retellings
from support.stories import STORIES, Lab, Step, Story
from support.telling import ONE, OTHER, TIMES, History, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.events import ClinicalEvent

BEGIN = date(2022, 1, 31)
"""Day 0 of every story: a month's end, so that months have to be clamped."""

_HABITS = (*("plain",) * 10, "<", "<=", ">", ">=", "unitless", "mad unit", "other unit")
_MORE_HABITS = (*_HABITS, "no limit", "other method", "other specimen", "text")
_PLANS: tuple[tuple[tuple[str, int, str], ...], ...] = (
    *((("final", 0, ""),),) * 7,
    (("final", 40, ""),),
    (("final", 200, ""),),
    (("preliminary", 0, ""), ("final", 2, "")),
    (("preliminary", 0, ""), ("final", 2, "value")),
    (("preliminary", 0, ""),),
    (("final", 0, ""), ("corrected", 30, "value")),
    (("final", 0, ""), ("corrected", 9, "day")),
    (("final", 0, ""), ("corrected", 0, "value")),
    (("final", 0, ""), ("final", 0, "value")),
    (("final", 0, ""), ("entered-in-error", 45, "")),
    (("final", 0, ""), ("entered-in-error", 5, ""), ("corrected", 60, "")),
    (("final", 0, ""), ("corrected", 20, "owner")),
    (("cancelled", 0, ""),),
)
"""Versions of one fact: status, days from collection to release, and what they change."""

_HAPPENINGS = ("lab", "lab", "lab", "lab", "step")


@dataclass(frozen=True, slots=True)
class _Telling:
    """One happening, before it is written down: fields by version change."""

    fields: dict[str, Any]
    changed: dict[str, Any]


@st.composite
def invented(
    draw: st.DrawFn,
    stories: tuple[Story, ...] = STORIES,
    *,
    people: bool = True,
    sizes: tuple[int, int] = (4, 14),
) -> History:
    """A history of one patient, or of two records that may turn out to be one person's.

    Args:
        draw: given by Hypothesis.
        stories: of which one is told.
        people: whether people die, change their goals, and are merged.
        sizes: least and greatest number of happenings.
    """
    story = draw(st.sampled_from(stories))
    day = BEGIN - timedelta(days=draw(st.sampled_from((0, 0, 30))))
    versions: list[ClinicalEvent] = []
    if story.opening is not None and draw(st.integers(0, 9)):
        opened = _treatment(story, story.opening)
        versions += _written(draw, opened, "opening", BEGIN, ONE, plain=draw(st.booleans()))
    for number in range(draw(st.integers(*sizes))):
        day += timedelta(days=draw(st.sampled_from(story.gaps)))
        told = _happening(draw, story, people=people)
        owner = OTHER if people and draw(st.integers(0, 11)) == 11 else ONE
        versions += _written(draw, told, f"fact-{number}", day, owner, hours=story.hours)
    return History(story.rule, tuple(versions))


def histories(*, people: bool = True) -> st.SearchStrategy[History]:
    """Histories of either sort: invented, or a rule's case with mishaps."""
    return invented(people=people) | retellings(people=people)


def _happening(draw: st.DrawFn, story: Story, *, people: bool) -> _Telling:
    kinds = (*_HAPPENINGS, "person") if people else _HAPPENINGS
    kind = draw(st.sampled_from(kinds))
    if kind == "person":
        return _Telling(*person(draw, "2022-12-01"))
    if kind == "step" and story.steps:
        return _treatment(story, draw(st.sampled_from(story.steps)), muddled=people)
    makers = [make for make, some in _makers(story) if some]
    return draw(st.sampled_from(makers))(draw, story)


def _makers(story: Story) -> list[tuple[Callable[[st.DrawFn, Story], _Telling], bool]]:
    return [
        *(((_lab, bool(story.labs)),) * 4),
        (_scan, bool(story.scans)),
        (_code, bool(story.codes)),
    ]


def _treatment(story: Story, step: Step, *, muddled: bool = False) -> _Telling:
    """A step; muddled, a later version of it makes the course another kind of treatment."""
    fields = {
        "type": "treatment",
        "course_id": step.course,
        "condition": story.condition,
        "modality": step.modality,
        "phase": step.phase,
        "regimen": step.regimen,
        "line": step.line,
        "drug_classes": None if step.classes is None else list(step.classes),
    }
    return _Telling(
        fields, {**fields, "line": 3, "modality": "other" if muddled else step.modality}
    )


def _scan(draw: st.DrawFn, story: Story) -> _Telling:
    first, second = (draw(st.sampled_from(story.scans)) for _ in range(2))
    report = {"type": "imaging_report"}
    return _Telling({**report, **first}, {**report, **second})


def _code(draw: st.DrawFn, story: Story) -> _Telling:
    analyte, code = draw(st.sampled_from(story.codes))
    found = {"type": "observation", "analyte": analyte}
    return _Telling({**found, "value_code": code}, {**found, "value_code": "inconclusive"})


def _lab(draw: st.DrawFn, story: Story) -> _Telling:
    analyte = draw(st.sampled_from(sorted(story.labs)))
    lab = story.labs[analyte]
    first, second = (draw(st.sampled_from(lab.values)) for _ in range(2))
    habit = draw(st.sampled_from(_MORE_HABITS))
    limit = draw(st.sampled_from(lab.limits)) if lab.limits and habit != "no limit" else None
    return _Telling(
        _reported(analyte, lab, first, habit, limit), _reported(analyte, lab, second, habit, limit)
    )


def _reported(analyte: str, lab: Lab, value: str, habit: str, limit: str | None) -> dict[str, Any]:
    """A result as its laboratory writes it: in its unit, with its limit, sign, assay."""
    fields: dict[str, Any] = {"type": "observation", "analyte": analyte, "unit": lab.unit}
    if habit == "text":
        return {**fields, "unit": None, "value_code": "haemolysed"}
    fields |= {"value": value, "reference_high": limit}
    if habit in {"<", "<=", ">", ">="}:
        fields["comparator"] = habit
    elif habit == "unitless":
        fields["unit"] = None
    elif habit == "mad unit":
        fields["unit"] = "mg/kg"
    elif habit == "other method":
        fields["method"] = "other assay"
    elif habit == "other specimen":
        fields["specimen"] = "other"
    elif habit == "other unit" and lab.other is not None:
        unit, factor = lab.other
        fields |= {"unit": unit, "value": str((Decimal(value) * Decimal(factor)).normalize())}
    return fields


def _written(
    draw: st.DrawFn,
    told: _Telling,
    event_id: str,
    day: date,
    owner: str,
    *,
    plain: bool = False,
    hours: bool = False,
) -> list[ClinicalEvent]:
    """The versions of one fact."""
    plan = _PLANS[0] if plain else draw(st.sampled_from(_PLANS))
    hour = None if plain else draw(st.sampled_from((None, *TIMES[2:]) if hours else TIMES))
    released = datetime.combine(day, time(12), UTC)
    return [
        _event(
            told.changed if changes in {"value", "owner"} else told.fields,
            event_id=event_id,
            patient_id=OTHER if changes == "owner" else owner,
            source="LAB" if told.fields["type"] == "observation" else "EHR",
            effective_at=_at(day + timedelta(days=3 if changes == "day" else 0), hour),
            issued_at=(released + timedelta(days=delay)).isoformat().replace("+00:00", "Z"),
            status=status,
        )
        for status, delay, changes in plan
    ]


def _at(day: date, hour: time | None) -> str:
    return day.isoformat() if hour is None else datetime.combine(day, hour).isoformat()


def _event(fields: dict[str, Any], **common: object) -> ClinicalEvent:
    said = {name: value for name, value in fields.items() if value is not None}
    event: ClinicalEvent = EVENT.validate_python({**said, **common})
    return event
