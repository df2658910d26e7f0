"""Tiny hand-made rules on tiny hand-made facts, for looking at one machine at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.instants import end_of, instant
from services.detector.engine.lane import Lane
from services.detector.engine.rule import Clock, CompiledRule, Course, Series
from services.detector.engine.terms import Context, Term
from services.detector.engine.truth import compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detector.engine.finding import Finding, Machine
    from services.detector.engine.registers import Register

START = date(2024, 1, 1)
PSA, ALP = frozenset({0}), frozenset({1})
"""The series of `lane_of`: PSA is the first, ALP the second."""


def day(offset: int) -> int:
    """The ordinal of a day so many days after the start."""
    return (START + timedelta(days=offset)).toordinal()


def fact(
    key: str,
    offset: int = 0,
    value: str | None = "1",
    *,
    hour: int | None = None,
    late: int = 0,
    status: str = "final",
    analyte: str = "psa",
    **said: Any,
) -> Fact:
    """A result, collected so many days after the start, released `late` days later at noon."""
    on = START + timedelta(days=offset)
    at = on if hour is None else datetime(on.year, on.month, on.day, hour, tzinfo=UTC)
    unit = {"psa": "ng/mL", "alp": "U/L"}.get(analyte)
    released = datetime(on.year, on.month, on.day, 12, tzinfo=UTC) + timedelta(days=late)
    fields = {"value": value, "unit": unit} if value is not None else {}
    return Fact(
        EVENT.validate_python(
            {
                "type": "observation",
                "event_id": key,
                "patient_id": "HOSP|1",
                "source": "LAB",
                "effective_at": at.isoformat(),
                "issued_at": released.isoformat(),
                "status": status,
                "analyte": analyte,
            }
            | fields
            | said
        ),
        0,
    )


def step(key: str, offset: int, phase: str = "started", **said: Any) -> Fact:
    """A step of the course `c` of a treatment of prostate cancer."""
    on = START + timedelta(days=offset)
    return Fact(
        EVENT.validate_python(
            {
                "type": "treatment",
                "event_id": key,
                "patient_id": "HOSP|1",
                "source": "EHR",
                "effective_at": on.isoformat(),
                "issued_at": datetime(on.year, on.month, on.day, 12, tzinfo=UTC).isoformat(),
                "course_id": "c",
                "condition": "prostate-cancer",
                "modality": "endocrine",
                "phase": phase,
            }
            | said
        ),
        0,
    )


def when(op: str, limit: str) -> Term:
    """Whether the fact in question compares so with a limit."""
    number = Decimal(limit)
    return Term("truth", f"value {op} {limit}", lambda c: compare(op, c.it.value, number))


def later(days: int) -> Term:
    """So many days after the fact in question."""
    return Term("time", f"date + {days} d", lambda c: c.it.day + days)


def after_clock(days: int) -> Term:
    """So many days after the clock."""
    return Term(
        "time", f"clock + {days} d", lambda c: None if c.clock is None else c.clock.day + days
    )


COURSE = Course("c", frozenset({"prostate-cancer"}), frozenset({"endocrine"}))


def rule_of(
    *machines: Machine,
    registers: tuple[tuple[frozenset[int], Register], ...] = (),
    per_course: bool = False,
    **more: Any,
) -> CompiledRule:
    """A rule that reads PSA, ALP and, where it is about a course, the course's steps."""
    if per_course:
        more |= {
            "conditions": frozenset({"prostate-cancer"}),
            "clock": Clock(last=False, phases=frozenset({"started"})),
        }
    return CompiledRule(
        id="TEST",
        card=None,
        series=(Series("psa", frozenset({"psa"})), Series("alp", frozenset({"alp"}))),
        machines=machines,
        registers=registers,
        **more,
    )


def lane_of(rule: CompiledRule, facts: Sequence[Fact]) -> Lane:
    """The lane of the course, filled with facts one after the other as they are given."""
    lane = Lane(rule)
    for one in facts:
        entry = rule.place(one, COURSE)
        assert entry is not None
        lane.change((), (entry,))
    return lane


def told(rule: CompiledRule, facts: Sequence[Fact], until: int = 10_000) -> list[Finding]:
    """What a rule says of facts by so many days after the start."""
    findings: list[Finding] = lane_of(rule, facts).findings(end_of(day(until)))[0]
    return findings


def brief(findings: Sequence[Finding]) -> list[tuple[Any, ...]]:
    """State, offset of the day, and tag."""
    return [(f.state.value, f.day - START.toordinal(), f.tag) for f in findings]


def context_of(one: Fact, before: Sequence[Fact] = (), clock: Fact | None = None) -> Context:
    """A place in a lane of PSA: `one`, with some facts before it."""
    rule = rule_of()
    history = [entry for f in (*before, one) if (entry := rule.place(f, COURSE)) is not None]
    return Context(
        one, clock=clock, own=clock, registers=(), history=history, before=len(history) - 1
    )


def at_noon(offset: int) -> int:
    """Noon of a day, as an instant."""
    return instant(datetime(START.year, START.month, START.day, 12, tzinfo=UTC)) + (
        offset * 86_400_000_000
    )
