"""A site's policy: how fast the ladder is climbed, and what may be put off for how long.

The rungs and the rules are those of the notifier's design; the numbers are starting values of our
own (CHOICE), to be set by a site's clinical governance. That a `critical` alert wants a person on
the same day, `urgent` within 7 days and `important` within 28 is the meaning of the words.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.alerts import Severity
from schemas.base import Model
from services.notifier.cases.durations import Duration
from services.notifier.cases.words import Duty

if TYPE_CHECKING:
    from collections.abc import Sequence

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Rung(Model):
    """Whom a rung addresses, and by which of the recipient's channels."""

    duty: Annotated[Duty, Field(strict=False)]
    way: Literal["first", "second", "phone"] = "first"


TRIAGE = Rung(duty=Duty.TRIAGE)
RUNGS = (
    Rung(duty=Duty.OWNER),
    Rung(duty=Duty.OWNER, way="second"),
    Rung(duty=Duty.COVER),
    Rung(duty=Duty.LEAD),
    Rung(duty=Duty.DESK, way="phone"),
)
"""The last rung is a list of telephone numbers and somebody who works through it."""


class Pace(Model):
    """How fast a severity goes.

    Attributes:
        answer_within: by when a person has acknowledged, whatever the date by which to act.
        act_within: the date by which to act, of an alert that names none.
        reserve: what is left for acting once somebody has answered.
        waits: how long each rung has to answer, first to last.
        attention: how long an acknowledgement holds at most.
    """

    answer_within: Duration
    act_within: Duration
    reserve: Duration
    waits: tuple[Duration, ...] = Field(strict=False)
    attention: Duration

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.waits) != len(RUNGS):
            raise ValueError(f"waits: expected {len(RUNGS)} lengths of time, one for each rung")
        return self


def _pace(answer: timedelta, act: timedelta, reserve: timedelta, *rest: timedelta) -> Pace:
    *waits, attention = rest
    return Pace(
        answer_within=answer,
        act_within=act,
        reserve=reserve,
        waits=tuple(waits),
        attention=attention,
    )


def _critical() -> Pace:
    waits = (30 * _MINUTE, 30 * _MINUTE, _HOUR, _HOUR, _HOUR)
    return _pace(4 * _HOUR, _DAY, 2 * _HOUR, *waits, 6 * _HOUR)


def _urgent() -> Pace:
    return _pace(7 * _DAY, 7 * _DAY, _DAY, _DAY, _DAY, _DAY, _DAY / 2, _DAY / 2, 4 * _DAY)


def _important() -> Pace:
    return _pace(28 * _DAY, 28 * _DAY, 3 * _DAY, *(3 * _DAY,) * 3, 2 * _DAY, _DAY, 14 * _DAY)


def _advisory() -> Pace:
    return _pace(90 * _DAY, 90 * _DAY, 3 * _DAY, *(3 * _DAY,) * 3, 2 * _DAY, _DAY, 28 * _DAY)


class Policy(Model):
    """All that a site may set.

    Attributes:
        soon_within: an `important` case interrupts, instead of waiting for a digest, from this
            long before the date by which to act.
        slack: by how much the later rungs start earlier than they must, so that none has to wake
            anybody.
        least_attention: below this an acknowledgement would not be worth its click.
        late_attention: how long an acknowledgement holds once the time to act has passed.
        remind_late: how often a late case calls again at the desk that has not answered.
        longest_snooze: of a case without a date by which to act.
        sooner_by: an earlier date by which to act is told from this difference on.
        reopen_within: after a test was ordered, a new finding reopens the case within this time.
        hand_over_within: an offer at a change of shift that is not accepted by then escalates.
        triage: how long a reviewer has, before the ladder goes on without; none: no review.
    """

    critical: Pace = Field(default_factory=_critical)
    urgent: Pace = Field(default_factory=_urgent)
    important: Pace = Field(default_factory=_important)
    advisory: Pace = Field(default_factory=_advisory)
    soon_within: Duration = 14 * _DAY
    slack: Duration = _DAY
    least_attention: Duration = 15 * _MINUTE
    late_attention: Duration = 4 * _HOUR
    remind_late: Duration = _DAY
    longest_snooze: Duration = 28 * _DAY
    sooner_by: Duration = _DAY
    reopen_within: Duration = 30 * _DAY
    hand_over_within: Duration = 30 * _MINUTE
    triage: Duration | None = None

    def pace(self, severity: Severity) -> Pace:
        """The pace of a severity."""
        match severity:
            case Severity.CRITICAL:
                return self.critical
            case Severity.URGENT:
                return self.urgent
            case Severity.IMPORTANT:
                return self.important
            case Severity.ADVISORY:
                return self.advisory

    def rungs(self, *, triage: bool) -> tuple[Rung, ...]:
        """The ladder."""
        return (TRIAGE, *RUNGS) if triage else RUNGS

    def waits(self, severity: Severity, *, triage: bool) -> tuple[timedelta, ...]:
        """How long each rung of the ladder has to answer; as many as it has rungs.

        A case that a reviewer had, when the site had one still, doesn't wait for a review.
        """
        waits = self.pace(severity).waits
        return (self.triage or timedelta(0), *waits) if triage else waits


def total(waits: Sequence[timedelta]) -> timedelta:
    """The sum of lengths of time."""
    return sum(waits, timedelta(0))
