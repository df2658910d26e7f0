"""Words of cases about how treatment is delivered: doses, their plan, their levels, admissions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from services.detector.language.errors import RuleError
from services.detector.rulebook.drafts import (
    Draft,
    Fields,
    Frame,
    day_of,
    draft,
    observation,
    time_of,
    treatment,
)
from services.detector.rulebook.vocabulary import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case, Plain

CONTEXT = frozenset(
    {"planned_mg", "planned_days", "delivered_mg", "actual_days", "end", "tubular_blocker_start"}
)
"""`ctx` keys that this module knows."""

_STEPS = {
    "planned": "planned",
    "held": "held",
    "given": "administered",
    "dose_reduced": "reduced",
    "dose_held": "held",
    "restart": "started",
    "lowest_dose": "reduced",
}
"""`event` words that are steps of the course -> the phase."""

_BESIDE: dict[str, Fields] = {
    "steroid_start": {"modality": "corticosteroid", "phase": "started", "regimen": "prednisone"},
    "pred_dose": {"modality": "corticosteroid", "phase": "administered", "regimen": "prednisone"},
    "steroid_stop": {"modality": "corticosteroid", "phase": "stopped", "regimen": "prednisone"},
    "fluid_removal": {"modality": "procedure", "phase": "completed", "regimen": "paracentesis"},
    "hormone_start": {"modality": "endocrine-replacement", "phase": "started"},
    "blocker_start": {"modality": "antiretroviral", "phase": "started", "regimen": "dolutegravir"},
}
"""`event` words that are steps of another course beside the one that is watched."""
_CLASSES = {
    "corticosteroid": ("glucocorticoid",),
    "procedure": ("fluid-removal",),
    "endocrine-replacement": ("hormone-replacement",),
    "antiretroviral": ("tubular-secretion-blocker",),
}

_HYPERSENSITIVITY = frozenset({"hsr", "hsr_suspected", "suspected_hsr"})
WORDS = frozenset({*_STEPS, *_BESIDE, *_HYPERSENSITIVITY, "level", "admit", "cancel_admit"})
"""`event` words that this module knows."""

_LOWEST = "lowest"
_LOWEST_LEVEL = -2
_ADMITTED = {
    ("inpatient", "false"): "unplanned-inpatient",
    ("inpatient", "true"): "planned-inpatient",
    ("ed", "false"): "emergency-department",
    ("ed", "true"): "planned-visit",
}
"""`cls` and `planned` -> what a registration system says of the stay."""
_DAY = timedelta(days=1)
_MORNING = time(6, tzinfo=UTC)


def told_before(case: Case, rule: Rule) -> Iterator[Draft]:
    """The facts of these `ctx` keys.

    Raises:
        RuleError: doses that can't be laid out evenly.
    """
    says = case.context
    if "tubular_blocker_start" in says:
        when = time_of(says["tubular_blocker_start"], case.place)
        yield _beside("blocker_start", Frame(when, when, {}, case.place))
    if "planned_mg" in says:
        yield from _doses(case, rule)


def happening(word: str, frame: Frame, rule: Rule) -> Draft:
    """The fact of one of `WORDS`.

    Raises:
        RuleError: a value that means nothing.
    """
    if word in _BESIDE:
        return _beside(word, frame)
    if word in _HYPERSENSITIVITY:
        return draft("adverse_event", frame, {"term": "Drug hypersensitivity"})
    if word == "admit":
        return _admission(frame)
    if word == "cancel_admit":
        return _cancelled(frame)
    return _step(word, frame, rule)


def _step(word: str, frame: Frame, rule: Rule) -> Draft:
    """A step of the course that is watched, with what was said of its dose."""
    before, says = frame.before or {}, frame.says
    level = _level(says.get("level", _LOWEST if word == "lowest_dose" else None), frame)
    phase = _STEPS.get(word, "reduced" if (level or 0) < 0 else "administered")
    cycle = says.get("n", before.get("cycle"))
    told = treatment(rule, Step(phase), frame)
    more: Fields = {
        "cycle": told.fields["cycle"] if cycle is None else int(str(cycle)),
        "reason": says.get("reason", before.get("reason")),
        "drug": says.get("drug", before.get("drug")),
        "dose_level": before.get("dose_level") if level is None else level,
    }
    if "mg" in says:
        more |= {"dose": says["mg"], "dose_unit": "mg"}
    return replace(told, fields=told.fields | more)


def _level(level: Plain, frame: Frame) -> int | None:
    if level is None:
        return None
    if level == _LOWEST:
        return _LOWEST_LEVEL
    try:
        return int(str(level))
    except ValueError:
        raise RuleError(frame.place, "not a dose level", "0, -1, … or lowest") from None


def _beside(word: str, frame: Frame) -> Draft:
    if word == "fluid_removal" and not isinstance(frame.received, datetime):
        # In the chart before that day's weight, which is judged with it.
        frame = replace(frame, received=datetime.combine(frame.received, _MORNING))
    step = _BESIDE[word]
    said: Fields = {
        "course_id": f"{step['modality']}-beside",
        "condition": "supportive-care",
        "drug_classes": _CLASSES[step["modality"]],
        "line": None,
    }
    if "mg" in frame.says:
        said |= {"dose": frame.says["mg"], "dose_unit": "mg"}
    return draft("treatment", frame, step | said)


def _admission(frame: Frame) -> Draft:
    kind = str(frame.says.get("cls")), str(frame.says.get("planned", "false"))
    if kind not in _ADMITTED:
        raise RuleError(frame.place, "not a stay", "`cls` inpatient or ed, `planned` true or false")
    return observation("admission", _ADMITTED[kind], frame)


def _cancelled(frame: Frame) -> Draft:
    """A11: the stay never was."""
    if frame.before is None:
        raise RuleError(frame.place, "a stay is cancelled that nobody named", "`corrects`")
    kept = {k: v for k, v in frame.before.items() if k not in {"effective_at", "status"}}
    told = draft("observation", frame, kept)
    return replace(told, fields=told.fields | {"status": "cancelled"})


def _doses(case: Case, rule: Rule) -> Iterator[Draft]:
    """A plan of a few even cycles, what was given of it, and the end of treatment.

    The last cycle counts as long as the others in the plan, so that treatment ends with it.
    """
    end = day_of(time_of(case.context["end"], case.place))
    planned, actual = _days(case, "planned_days"), _days(case, "actual_days")
    cycles = next((count for count in (3, 2) if planned % count == 0), None)
    if cycles is None:
        raise RuleError(case.place, "ctx: `planned_days`", "a multiple of 2 or 3")
    length, start = planned // cycles, end - actual * _DAY
    last = actual - length
    for cycle in range(cycles):
        due = start + cycle * length * _DAY
        given = start + last * cycle // (cycles - 1) * _DAY
        yield _dose("planned", cycle, due, _part(case, "planned_mg", cycle, cycles), case, rule)
        yield _dose("given", cycle, given, _part(case, "delivered_mg", cycle, cycles), case, rule)
    yield treatment(rule, Step("completed"), Frame(end, end, {}, case.place))


def _dose(word: str, cycle: int, day: date, amount: Decimal, case: Case, rule: Rule) -> Draft:
    frame = Frame(day, day, {"n": str(cycle + 1)}, case.place)
    told = _step(word, frame, rule)
    return replace(told, fields=told.fields | {"dose": str(amount), "dose_unit": "mg"})


def _part(case: Case, key: str, cycle: int, cycles: int) -> Decimal:
    """An even share in whole milligrams; the last cycle takes the rest."""
    whole = Decimal(str(case.context[key]))
    each = whole // cycles
    return whole - each * (cycles - 1) if cycle == cycles - 1 else each


def _days(case: Case, key: str) -> int:
    said = str(case.context.get(key))
    if not said.isdigit() or said == "0":
        raise RuleError(case.place, f"ctx: `{key}`", "a whole number of days")
    return int(said)
