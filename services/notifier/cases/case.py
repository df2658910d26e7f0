"""A case: everything that the notifier knows of one patient's course of treatment.

Immutable and serialisable: what a store keeps between two inputs is this and nothing else.
A case lives as long as its course; what happens after it was closed for good is a new `episode`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from schemas.base import EffectiveTime, Model, Moment, Text, digest
from services.notifier.cases.words import CaseState, Cause, Channel, Party


class Course(Model):
    """What routing needs to know of a course; folded from treatment and patient events."""

    patient_id: Text
    course_id: Text | None = None
    condition: Text | None = None
    line: int | None = None
    care_team: Text | None = None


class Finding(Model):
    """One alert, as the case last heard of it.

    Attributes:
        statement: identity of what it says; a new one is a materially new finding.
        stands: whether it holds; what was taken back is kept, and shown as such.
        settled: whether the case was closed while it stood; it asks for nothing any more.
        told: whether somebody was, or is about to be, told of this statement.
        act_by: the instant by which to act; None where nothing is asked.
        told_by: the instant by which to act, as it was told.
        by_rules: whether the statement was first made because the rules changed.
        evidence_at: clinical time of the first qualifying evidence.
        record: the merged record under whose id it was said; None: the case's own patient.
    """

    alert_id: Text
    revision: int
    statement: Text
    state: Annotated[State, Field(strict=False)]
    severity: Annotated[Severity, Field(strict=False)]
    rule: Text
    rule_version: Text
    since: Moment = Field(description="when the statement was first made")
    act_by: Moment | None = None
    evidence_at: EffectiveTime | None = None
    stands: bool = True
    settled: bool = False
    told: bool = False
    told_by: Moment | None = None
    by_rules: bool = False
    record: Text | None = None


class Receipt(Model):
    """Who got a notice while an alert stood, on the strongest channel so far."""

    alert_id: Text
    to: Party
    channel: Annotated[Channel, Field(strict=False)]


class Climb(Model):
    """Where a case stands on its ladder.

    Attributes:
        cause: what the notices of this round say.
        cause_id: identity of the cause.
        since: when the round began.
        triage: whether a reviewer's rung stands before the others.
        entry: the rung with which the round began.
        rung: the next rung to start; as many as the ladder has when all have.
        starts: when each rung that is left is to start, the next one first.
        held: the next rung waits for the end of quiet hours, until then.
        again: when the ladder is climbed once more, if nobody has answered at its end.
    """

    cause: Annotated[Cause, Field(strict=False)]
    cause_id: Text
    since: Moment
    triage: bool = False
    entry: int = 0
    rung: int = 0
    starts: tuple[Moment, ...] = Field(default=(), strict=False)
    held: Moment | None = None
    again: Moment | None = None

    @property
    def due(self) -> Moment | None:
        """When the next rung starts; None when none is left."""
        return self.held or (self.starts[0] if self.starts else None)


class Offer(Model):
    """A case offered to somebody at a change of shift; it stays with its owner until accepted."""

    to: Party
    until: Moment


class Marks(Model):
    """When an episode reached what, and by when it was to be settled when it began.

    From `evidence` to `salvage` is what all this is for.
    """

    evidence: EffectiveTime | None = None
    alerted: Moment | None = None
    act_by: Moment | None = None
    noticed: Moment | None = None
    acknowledged: Moment | None = None
    disposed: Moment | None = None
    salvage: EffectiveTime | None = None


class Forerunner(Model):
    """A case of a merged record that became part of this one."""

    patient_id: Text
    case_id: Text


class Case(Model):
    """One patient's course, with all that was found, told and done about it.

    Attributes:
        merged_into: the patient whose case of the same course has it now.
        forerunners: the cases of merged records that it has taken over.
    """

    course: Course
    episode: int = 1
    state: Annotated[CaseState, Field(strict=False)]
    owner: Party
    team: Text
    opened_at: Moment
    revision: int = 0
    findings: tuple[Finding, ...] = Field(default=(), strict=False)
    receipts: tuple[Receipt, ...] = Field(default=(), strict=False)
    climb: Climb | None = None
    pause_until: Moment | None = None
    awaiting: Text | None = None
    offer: Offer | None = None
    in_digest: bool = False
    late: Moment | None = Field(default=None, description="the deadline that passed")
    closed_at: Moment | None = None
    disposition: Annotated[Disposition, Field(strict=False)] | None = None
    closed_by_event: Text | None = None
    merged_into: Text | None = None
    forerunners: tuple[Forerunner, ...] = Field(default=(), strict=False)
    marks: Marks = Marks()

    @property
    def case_id(self) -> str:
        """Identity of patient, course and episode. It never leaves the house: see `Site`."""
        return case_id(self.course.patient_id, self.course.course_id, self.episode)

    @property
    def is_open(self) -> bool:
        """Whether somebody has to do something."""
        return self.state is not CaseState.CLOSED

    @property
    def standing(self) -> tuple[Finding, ...]:
        """The findings that hold."""
        return tuple(one for one in self.findings if one.stands)

    @property
    def pending(self) -> tuple[Finding, ...]:
        """The findings that hold, and about which nothing was decided."""
        return tuple(one for one in self.standing if not one.settled)

    @property
    def severity(self) -> Severity:
        """That of the gravest finding that is pending; `advisory` if none is."""
        found = [one.severity for one in self.pending if one.state is not State.INFO]
        return min(found, key=gravity, default=Severity.ADVISORY)

    @property
    def act_by(self) -> Moment | None:
        """The earliest instant by which a pending finding asks for action."""
        return min((one.act_by for one in self.pending if one.act_by), default=None)


def case_id(patient_id: str, course_id: str | None, episode: int) -> str:
    """Identity of a case."""
    return digest("case", patient_id, course_id, episode)


def gravity(severity: Severity) -> int:
    """0 for the gravest."""
    return list(Severity).index(severity)
