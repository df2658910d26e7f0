"""The lifecycle of a case: one table of what may happen in which state.

Laws of this file: a state changes only by a row of the table (but that a case which takes over
another takes over its state: `inheriting.py`), and a person's command has a row in every state:
what it does, or why it is refused. Nothing here knows a time, a team or a channel.
What time and data bring, and no row names, has nothing to change in that state.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from services.notifier.cases.words import PEOPLE, CaseState, Trigger


class Do(StrEnum):
    """What a move brings with it; each is a function of `services.notifier.cases.deeds`."""

    OWN = "own"  # who asks becomes the owner
    GIVE = "give"  # who is named becomes the owner
    PAUSE = "pause"  # the ladder stands still, for a time
    SLEEP = "sleep"  # ... until the moment that was asked for
    CLIMB = "climb"  # the ladder from its first rung
    RESUME = "resume"  # the ladder again, from the rung that it had reached
    RUNG = "rung"  # the rung that is due
    HURRY = "hurry"  # the next rung, now
    REPLAN = "replan"  # the same rungs, at other times
    LATE = "late"  # the last rung, because the time to act has passed
    TELL = "tell"  # the owner, without a ladder
    OFFER = "offer"
    CLOSE = "close"
    SETTLE = "settle"  # note the event that shows the treatment
    REOPEN = "reopen"
    REPLACE = "replace"  # who has the duty becomes the owner
    HAND_ON = "hand-on"  # the surviving record's case has it from now on


class Move(NamedTuple):
    """The next state, and what to do on the way."""

    to: CaseState
    do: tuple[Do, ...] = ()


class No(NamedTuple):
    """A command that is refused in this state."""

    why: str


TRIAGE, ASSIGNED, ACKNOWLEDGED = CaseState.TRIAGE, CaseState.ASSIGNED, CaseState.ACKNOWLEDGED
IN_PROGRESS, SNOOZED = CaseState.IN_PROGRESS, CaseState.SNOOZED
OVERDUE, CLOSED = CaseState.OVERDUE, CaseState.CLOSED

_NOT_SNOOZED: Final = No("it is not snoozed")
_TOO_LATE: Final = No("the time to act has passed; it can be worked on, handed over or closed")
_IS_CLOSED: Final = No("the case is closed")
_IS_OPEN: Final = No("the case is open")

_WAITING: Final[dict[Trigger, Move | No]] = {
    Trigger.ACKNOWLEDGE: Move(ACKNOWLEDGED, (Do.OWN, Do.PAUSE)),
    Trigger.START: Move(IN_PROGRESS, (Do.OWN, Do.PAUSE)),
    Trigger.SNOOZE: Move(SNOOZED, (Do.OWN, Do.SLEEP)),
    Trigger.WAKE: _NOT_SNOOZED,
    Trigger.DISPOSE: Move(CLOSED, (Do.CLOSE,)),
    Trigger.ASSIGN: Move(ASSIGNED, (Do.GIVE, Do.CLIMB)),
    Trigger.ACCEPT: Move(ACKNOWLEDGED, (Do.OWN, Do.PAUSE)),
    Trigger.DECLINE: Move(ASSIGNED, (Do.HURRY,)),
    Trigger.REOPEN: _IS_OPEN,
    Trigger.NEWS: Move(ASSIGNED, (Do.CLIMB,)),
    Trigger.ALARM: Move(ASSIGNED, (Do.CLIMB,)),
    Trigger.UNACCEPTED: Move(ASSIGNED, (Do.HURRY,)),
    Trigger.DEADLINE: Move(OVERDUE, (Do.LATE,)),
    Trigger.EVIDENCE: Move(CLOSED, (Do.CLOSE, Do.SETTLE)),
    Trigger.VACANT: Move(ASSIGNED, (Do.REPLACE, Do.CLIMB)),
    Trigger.MERGE: Move(CLOSED, (Do.CLOSE, Do.HAND_ON)),
}
"""What is the same in every open state before the deadline."""

TABLE: Final[dict[CaseState, dict[Trigger, Move | No]]] = {
    TRIAGE: {
        **_WAITING,
        Trigger.OFFER: Move(TRIAGE, (Do.OFFER,)),
        Trigger.NEWS: Move(TRIAGE, (Do.CLIMB,)),
        Trigger.VACANT: Move(TRIAGE, (Do.REPLACE, Do.CLIMB)),
        Trigger.LAPSE: Move(CLOSED, (Do.CLOSE,)),
        Trigger.RETIME: Move(TRIAGE, (Do.REPLAN,)),
        Trigger.ANNOUNCE: Move(TRIAGE, (Do.RUNG,)),
        Trigger.ESCALATE: Move(ASSIGNED, (Do.RUNG,)),
    },
    ASSIGNED: {
        **_WAITING,
        Trigger.RECALL: Move(ASSIGNED, (Do.CLIMB,)),
        Trigger.LAPSE: Move(CLOSED, (Do.CLOSE,)),
        Trigger.OFFER: Move(ASSIGNED, (Do.OFFER,)),
        Trigger.RETIME: Move(ASSIGNED, (Do.REPLAN,)),
        Trigger.ANNOUNCE: Move(ASSIGNED, (Do.RUNG,)),
        Trigger.ESCALATE: Move(ASSIGNED, (Do.RUNG,)),
    },
    ACKNOWLEDGED: {
        **_WAITING,
        Trigger.OFFER: Move(ACKNOWLEDGED, (Do.OFFER,)),
        Trigger.RETIME: Move(ACKNOWLEDGED, (Do.REPLAN,)),
        Trigger.EXPIRE: Move(ASSIGNED, (Do.RESUME,)),
    },
    IN_PROGRESS: {
        **_WAITING,
        Trigger.ACKNOWLEDGE: No("somebody works on it; take it over by `start` or `assign`"),
        Trigger.ACCEPT: Move(IN_PROGRESS, (Do.OWN, Do.PAUSE)),
        Trigger.OFFER: Move(IN_PROGRESS, (Do.OFFER,)),
        Trigger.RETIME: Move(IN_PROGRESS, (Do.REPLAN,)),
        Trigger.EXPIRE: Move(ASSIGNED, (Do.RESUME,)),
    },
    SNOOZED: {
        **_WAITING,
        Trigger.WAKE: Move(ASSIGNED, (Do.RESUME,)),
        Trigger.OFFER: Move(SNOOZED, (Do.OFFER,)),
        Trigger.RETIME: Move(SNOOZED, (Do.REPLAN,)),
        Trigger.EXPIRE: Move(ASSIGNED, (Do.RESUME,)),
    },
    OVERDUE: {
        Trigger.ACKNOWLEDGE: Move(OVERDUE, (Do.OWN, Do.PAUSE)),
        Trigger.START: Move(OVERDUE, (Do.OWN, Do.PAUSE)),
        Trigger.SNOOZE: _TOO_LATE,
        Trigger.WAKE: _NOT_SNOOZED,
        Trigger.DISPOSE: Move(CLOSED, (Do.CLOSE,)),
        Trigger.ASSIGN: Move(OVERDUE, (Do.GIVE, Do.PAUSE, Do.TELL)),
        Trigger.OFFER: Move(OVERDUE, (Do.OFFER,)),
        Trigger.ACCEPT: Move(OVERDUE, (Do.OWN, Do.PAUSE)),
        Trigger.DECLINE: Move(OVERDUE, (Do.LATE,)),
        Trigger.REOPEN: _IS_OPEN,
        Trigger.NEWS: Move(OVERDUE, (Do.TELL,)),
        Trigger.ALARM: Move(OVERDUE, (Do.TELL,)),
        Trigger.RETIME: Move(ASSIGNED, (Do.CLIMB,)),
        Trigger.EXPIRE: Move(OVERDUE, (Do.LATE,)),
        Trigger.UNACCEPTED: Move(OVERDUE, (Do.LATE,)),
        Trigger.EVIDENCE: Move(CLOSED, (Do.CLOSE, Do.SETTLE)),
        Trigger.VACANT: Move(OVERDUE, (Do.LATE,)),
        Trigger.MERGE: Move(CLOSED, (Do.CLOSE, Do.HAND_ON)),
    },
    CLOSED: {
        **dict.fromkeys(PEOPLE, _IS_CLOSED),
        Trigger.REOPEN: Move(ACKNOWLEDGED, (Do.REOPEN, Do.OWN, Do.PAUSE)),
        Trigger.NEWS: Move(ASSIGNED, (Do.REOPEN, Do.CLIMB)),
        Trigger.ALARM: Move(ASSIGNED, (Do.REOPEN, Do.CLIMB)),
        Trigger.EVIDENCE: Move(CLOSED, (Do.SETTLE,)),
        Trigger.UNDO: Move(ASSIGNED, (Do.REOPEN, Do.CLIMB)),
        Trigger.MERGE: Move(CLOSED, (Do.HAND_ON,)),
    },
}


def move(state: CaseState, trigger: Trigger) -> Move | No | None:
    """What a trigger does in a state; None: nothing."""
    return TABLE[state].get(trigger)
