"""Whole rules in a few lines: only what is looked at is written, the frame is always the same."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

from schemas.events import EVENT
from services.detector.adapters.replay import ReplayResult, replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from services.detector.language.spec import Rule

FRAME = """\
rule: SMALL
title: A small rule
kind: intolerance
plain: One thing at a time.
{course}{more}reads:
{reads}
criteria:
{criteria}
severity: {{default: important}}
sentence: "{{value}} on {{date}}."
misses: [all else]
false_alarms: [none]
source: [ours]
"""
COURSE = "course: {modality: targeted}\nclock: first started\n"


def small_rule(reads: str, criteria: str, *, course: bool = False, more: str = "") -> Rule:
    """A rule of these series and criteria; `more` is further keys of the frame."""
    text = FRAME.format(
        course=COURSE if course else "",
        more=more,
        reads=indent(reads.strip("\n"), "  "),
        criteria=indent(criteria.strip("\n"), "  "),
    )
    return read_rule(text, "small.yaml")


def mistakes(rule: Rule) -> list[str]:
    """What is wrong with it, without the places."""
    return [error.message for error in check(rule)]


def told(rule: Rule, *events: dict[str, Any]) -> ReplayResult:
    """What a sound rule says of events; each must hold what is special about it."""
    assert mistakes(rule) == []
    return replay([EVENT.validate_python(event) for event in events], (compile_rule(rule),))


def states(result: ReplayResult) -> list[str]:
    """The states of the entries, in order."""
    return [str(revision.state) for revision in result.revisions]


def last(result: ReplayResult) -> AlertRevision:
    """How the alert stands."""
    return result.revisions[-1]


def lab(analyte: str, at: str, value: str, unit: str | None = None, **said: Any) -> dict[str, Any]:
    """A result."""
    about = {"event_id": f"{analyte}-{at}", "analyte": analyte, "value": value, "unit": unit}
    return _event("observation", at, about | said)


def start(at: str, course: str = "c", **said: Any) -> dict[str, Any]:
    """The start of a targeted treatment."""
    about = {
        "event_id": f"start-{course}",
        "course_id": course,
        "condition": "cancer",
        "modality": "targeted",
        "phase": "started",
    }
    return _event("treatment", at, about | said)


def person(at: str, **said: Any) -> dict[str, Any]:
    """What is told of the patient."""
    return _event("patient", at, {"event_id": f"person-{at}"} | said)


def harm(term: str, at: str, **said: Any) -> dict[str, Any]:
    """An adverse event."""
    return _event("adverse_event", at, {"event_id": f"{term}-{at}", "term": term} | said)


def _event(kind: str, at: str, said: dict[str, Any]) -> dict[str, Any]:
    issued = at if "T" in at else f"{at}T12:00:00Z"
    frame = {"type": kind, "patient_id": "HOSP|1", "source": "LAB", "effective_at": at}
    return frame | {"issued_at": issued} | said
