"""The sentence a clinician would write, filled in from the evidence."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING

from schemas.alerts import Role, State
from services.detector.engine.evidence import reported, unit, what, written_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.card import Card
    from services.detector.engine.finding import Finding

_SHORT_OF = {State.REFUTED: "no longer suspected", State.CLEARED: "the missing evidence arrived"}
NOT_KNOWN = "not known"
"""What stands for evidence that isn't there: a sentence must never fail an alert."""


def sentence(finding: Finding, card: Card) -> str:
    """What an alert says in one sentence."""
    # What is cleared keeps the tag of what was missing, whose sentence says that it still is.
    tag = None if finding.state is State.CLEARED else finding.tag
    template = card.sentence(tag, finding.state)
    if finding.state in _SHORT_OF and template == card.title:
        return f"{card.title}: {_SHORT_OF[finding.state]}."
    told = []
    for text, fill in _parts(template):
        told.append(text)
        if fill is not None:
            filled = fill(finding)
            told.append(NOT_KNOWN if filled is None else filled)
    return "".join(told)


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[str, Callable[[Finding], str | None] | None], ...]:
    """A template, cut up once: each text, and what fills the placeholder behind it, if any."""
    return tuple(
        (text, None if name is None else _FILLS.get(name, _nothing))
        for text, name, _, _ in Formatter().parse(template)
    )


def _nothing(finding: Finding) -> None:
    """Of a placeholder that nobody knows."""
    del finding


# ---------------------------------------------------------------- one for each placeholder


def _value(finding: Finding) -> str | None:
    return None if finding.trigger is None else reported(finding.trigger)


def _unit(finding: Finding) -> str | None:
    return None if finding.trigger is None else unit(finding.trigger) or ""


def _analyte(finding: Finding) -> str | None:
    return None if finding.trigger is None else what(finding.trigger)


def _date(finding: Finding) -> str:
    if finding.trigger is None:
        return date.fromordinal(finding.day).isoformat()
    return written_day(finding.trigger)


def _onset(finding: Finding) -> str | None:
    return None if finding.onset is None else written_day(finding.onset)


def _figure(finding: Finding) -> str | None:
    return None if finding.value is None else f"{finding.value:.2f}"


def _grade(finding: Finding) -> str | None:
    return None if finding.grade is None else str(finding.grade)


def _action(finding: Finding) -> str | None:
    return finding.action


def _tag(finding: Finding) -> str | None:
    return None if finding.tag is None else finding.tag.replace("_", " ")


def _clock(finding: Finding) -> str | None:
    return next((written_day(fact) for fact, role in finding.cited if role is Role.CLOCK), None)


def _nadir(finding: Finding) -> str | None:
    return next((reported(fact) for fact, role in finding.cited if role is Role.NADIR), None)


def _baseline(finding: Finding) -> str | None:
    return next((reported(fact) for fact, role in finding.cited if role is Role.BASELINE), None)


_FILLS: dict[str, Callable[[Finding], str | None]] = {
    "action": _action,
    "analyte": _analyte,
    "baseline": _baseline,
    "clock": _clock,
    "date": _date,
    "figure": _figure,
    "grade": _grade,
    "nadir": _nadir,
    "onset": _onset,
    "tag": _tag,
    "unit": _unit,
    "value": _value,
}
PLACEHOLDERS = frozenset(_FILLS)
"""What a rule's sentence may ask for."""
