"""What time alone will do to a case, and when. Derived from the case: a timer can't be orphaned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.cases.words import CaseState, Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from services.notifier.cases.case import Case, Climb

_CLIMBING: Final = frozenset({CaseState.TRIAGE, CaseState.ASSIGNED})
_ORDER: Final = (
    Trigger.DEADLINE,
    Trigger.UNACCEPTED,
    Trigger.EXPIRE,
    Trigger.ANNOUNCE,
    Trigger.ESCALATE,
    Trigger.RECALL,
)
"""Of what is due at one instant the deadline comes first: no rung need be climbed any more."""


class Due(NamedTuple):
    """Something that is due at an instant."""

    at: datetime
    trigger: Trigger
    why: str


def next_due(case: Case) -> Due | None:
    """The earliest thing that is due; None when time alone changes nothing."""
    return min(_dues(case), key=lambda one: (one.at, _ORDER.index(one.trigger)), default=None)


def wake_at(case: Case) -> datetime | None:
    """When to come back."""
    due = next_due(case)
    return None if due is None else due.at


def _dues(case: Case) -> Iterator[Due]:
    if not case.is_open:
        return
    if case.act_by is not None and case.state is not CaseState.OVERDUE:
        yield Due(case.act_by, Trigger.DEADLINE, "the time to act has passed without a disposition")
    if case.offer is not None:
        yield Due(case.offer.until, Trigger.UNACCEPTED, "nobody accepted the hand-over")
    if case.pause_until is not None:
        yield Due(case.pause_until, Trigger.EXPIRE, "the time that somebody had for it ran out")
    if case.state in _CLIMBING and case.climb is not None:
        yield from _rungs(case.climb)


def _rungs(climb: Climb) -> Iterator[Due]:
    if climb.due is not None:
        first = climb.rung == climb.entry
        trigger = Trigger.ANNOUNCE if first else Trigger.ESCALATE
        yield Due(climb.due, trigger, "" if first else "nobody acknowledged")
    elif climb.again is not None:
        yield Due(climb.again, Trigger.RECALL, "nobody acknowledged, and there is time for more")
