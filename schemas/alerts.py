"""Alerts: what salvage-watch says, with the evidence, the reasoning and the time left.

One alert is one (patient, course, rule). It has revisions; each is one entry of its journal.
A repeated finding in one course (a toxicity, a missed test) opens a new `episode`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field

from schemas.base import ClinicalTime, EffectiveTime, Message, Model, Moment, Number, Text


class State(StrEnum):
    """Where an alert stands."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    RETRACTED = "retracted"
    OVERDUE = "overdue"
    CLEARED = "cleared"
    WINDOW = "window"
    INFO = "info"


OPEN_STATES = frozenset({State.SUSPECTED, State.CONFIRMED, State.OVERDUE, State.WINDOW, State.INFO})
"""States in which the alert stands; in the others it has been taken back."""


class Kind(StrEnum):
    """What sort of thing the rule watches for."""

    FAILURE = "failure"
    INTOLERANCE = "intolerance"
    OVERDUE = "overdue"
    WINDOW = "window"


class Severity(StrEnum):
    """Time to a person's acknowledgement."""

    CRITICAL = "critical"  # same day
    URGENT = "urgent"  # 7 days or less
    IMPORTANT = "important"  # 28 days or less
    ADVISORY = "advisory"  # next planned contact


class Role(StrEnum):
    """What a piece of evidence does for the verdict."""

    TRIGGER = "trigger"
    CONFIRMATION = "confirmation"
    NADIR = "nadir"
    BASELINE = "baseline"
    CLOCK = "clock"
    SUPPORT = "support"


class Evidence(Model):
    """One fact without which the verdict would not hold."""

    event_id: Text
    role: Annotated[Role, Field(strict=False)]
    at: EffectiveTime = Field(description="clinical time of the fact")
    what: Text = Field(description="analyte, event type or treatment phase")
    value: Text | None = Field(default=None, description="as reported, comparator included")
    unit: Text | None = None


class Explanation(Model):
    """A node of the proof: what was asked, what came out, with which numbers."""

    text: str
    truth: Literal["true", "false", "unknown"] | None = None
    value: str | None = None
    events: tuple[Text, ...] = Field(default=(), strict=False)
    because: tuple[Explanation, ...] = Field(default=(), strict=False)


class Window(Model):
    """The period in which salvage is best supported by evidence."""

    tier: Text
    basis: Literal["fixed", "projected"]
    evidence: str | None = None


class Readiness(Model):
    """One thing that bears on whether salvage is possible."""

    item: Text
    value: Text = Field(description='as reported, or "not known"')
    unit: Text | None = None
    at: EffectiveTime | None = None


class Citation(Model):
    """Where a number comes from."""

    cite: str
    confidence: Literal["H", "C", "CHOICE", "E"] | None = None
    note: str | None = None


class AlertRevision(Message):
    """One entry of an alert's journal: the whole alert as it stands from `at` on."""

    alert_id: Text
    revision: Annotated[int, Field(ge=1)]
    digest: Text = Field(description="content identity: the same facts give the same digest")
    change: Literal["raised", "revised", "withdrawn"]
    episode: Annotated[int, Field(ge=1)]
    state: Annotated[State, Field(strict=False)]
    tag: Text | None = None
    grade: int | None = None
    value: Number | None = None
    action: Text | None = Field(
        default=None,
        description="which of the options that the source lists it names for such a finding",
    )
    kind: Annotated[Kind, Field(strict=False)]
    severity: Annotated[Severity, Field(strict=False)]
    patient_id: Text
    course_id: Text | None = None
    rule: Text
    rule_version: Text
    title: str
    summary: str
    at: Moment = Field(description="first moment at which this revision could be known")
    onset: EffectiveTime | None = Field(
        default=None, description="clinical time of the first qualifying evidence"
    )
    confirm_by: ClinicalTime | None = Field(
        default=None, description="by when a suspicion ought to be settled"
    )
    confirmation_overdue: bool = Field(
        default=False, description="the test that would confirm the suspicion has not come in time"
    )
    act_by: ClinicalTime | None = None
    window: Window | None = None
    evidence: tuple[Evidence, ...] = Field(default=(), strict=False)
    explanation: Explanation | None = None
    readiness: tuple[Readiness, ...] = Field(default=(), strict=False)
    options: tuple[str, ...] = Field(default=(), strict=False)
    source: tuple[Citation, ...] = Field(default=(), strict=False)
    to_be_checked: bool = Field(
        default=False, description="some numbers of the rule come from a secondary source"
    )
    cause: Literal["rule-change"] | None = Field(
        default=None,
        description="of a revision that no fact and no passing of time brought about: other rules, "
        "or other software, judge what was known before",
    )

    def after_rule_change(self) -> Self:
        """The same, marked as what other rules say of what was known before."""
        return self.model_copy(update={"cause": "rule-change"})
