"""The words of a case: where it stands, what can happen to it, who is told what, and how."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from schemas.base import Model, Text


class CaseState(StrEnum):
    """Where a case stands. All but the last are open, and have exactly one owner."""

    TRIAGE = "triage"
    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in-progress"
    SNOOZED = "snoozed"
    OVERDUE = "overdue"
    CLOSED = "closed"


class Trigger(StrEnum):
    """What moves a case: first what people ask for, then what time and data do."""

    ACKNOWLEDGE = "acknowledge"
    START = "start"
    SNOOZE = "snooze"
    WAKE = "wake"
    DISPOSE = "dispose"
    ASSIGN = "assign"
    OFFER = "offer"
    ACCEPT = "accept"
    DECLINE = "decline"
    REOPEN = "reopen"

    NEWS = "news"  # worse, new, or sooner than what was told
    ALARM = "alarm"  # news that can't wait for anybody's review
    RETIME = "retime"  # the date by which to act moved, or is gone, and that is no news
    LAPSE = "lapse"  # nothing is asked of anybody
    EXPIRE = "expire"  # an acknowledgement or a snooze ran out
    UNACCEPTED = "unaccepted"  # a hand-over was offered in vain
    ANNOUNCE = "announce"  # the first rung of a round is due
    ESCALATE = "escalate"  # a later rung is due
    RECALL = "recall"  # nobody answered the whole ladder, and there is time for another
    DEADLINE = "deadline"  # the time to act has passed
    EVIDENCE = "evidence"  # an event of the record shows that it is settled
    UNDO = "undo"  # that event was entered in error
    VACANT = "vacant"  # whoever has it is in no roster any more
    MERGE = "merge"  # the patient's record was merged into another: the case goes there


PEOPLE = tuple(Trigger)[:10]
"""The triggers that are a person's command."""


class Urgency(StrEnum):
    """How a case may interrupt. From severity and the time left, never from the rule alone."""

    URGENT = "urgent"  # at any hour
    SOON = "soon"  # at the next hour that is not quiet
    ROUTINE = "routine"  # in the next digest


class Channel(StrEnum):
    """Classes of channels, weakest first; which product carries one is the channels' business."""

    DIGEST = "digest"
    MESSAGE = "message"
    PUSH = "push"
    PHONE = "phone"

    @property
    def rank(self) -> int:
        """Stronger channels rank higher."""
        return list(Channel).index(self)


class Duty(StrEnum):
    """Whom a rung addresses."""

    TRIAGE = "triage"
    OWNER = "owner"
    COVER = "cover"
    LEAD = "lead"
    DESK = "desk"


class Cause(StrEnum):
    """Why a notice is sent. One cause makes one notice to one recipient on one rung."""

    HIGHER_SEVERITY = "higher-severity"
    NEW_FINDING = "new-finding"
    EARLIER_DEADLINE = "earlier-deadline"
    RETRACTION = "retraction"
    RESOLVED = "resolved"
    CORRECTION = "correction"
    OVERDUE = "overdue"
    UNANSWERED = "unanswered"
    EXPIRED = "expired"
    SNOOZE_ENDED = "snooze-ended"
    ASSIGNED = "assigned"
    HAND_OVER = "hand-over"
    MERGED = "merged"


class Party(Model):
    """A person, or a desk that is always staffed."""

    kind: Literal["person", "desk"]
    id: Text

    @property
    def is_person(self) -> bool:
        """Whether one human being answers to it."""
        return self.kind == "person"

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def person(name: str) -> Party:
    """The person of that id."""
    return Party(kind="person", id=name)


def desk(name: str) -> Party:
    """The desk of that id."""
    return Party(kind="desk", id=name)
