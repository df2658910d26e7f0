"""The ladder at work: rounds are planned, rungs start, wait for morning, or are the last.

Laws of this file: telling a rung's recipient and giving the case to them is one thing; and a rung
waits only for the end of quiet hours, and only if all that must come after it still fits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.alerts import Severity
from services.notifier.cases.case import Climb
from services.notifier.cases.ladder import (
    goal,
    last_call,
    latest_wake,
    reached,
    rest,
    starts,
)
from services.notifier.cases.policy import total
from services.notifier.cases.words import CaseState, Cause, Channel, Duty, Trigger, Urgency

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from services.notifier.cases.policy import Rung
    from services.notifier.cases.turn import Turn
    from services.notifier.cases.words import Party

_CLIMBING: Final = frozenset({CaseState.TRIAGE, CaseState.ASSIGNED})
_OWNERS: Final = frozenset({Duty.TRIAGE, Duty.OWNER})
_RESUMED: Final = frozenset({Cause.EXPIRED, Cause.SNOOZE_ENDED})


def climb(turn: Turn) -> None:
    """Plan a round from the first rung.

    News in a round that nobody has answered don't give the answer more time.
    """
    before = turn.case.climb
    unanswered = before is not None and before.due is not None and turn.before in _CLIMBING
    cause, identity = turn.cause or (Cause.CORRECTION, turn.identity)
    now = Climb(
        cause=cause,
        cause_id=identity,
        since=before.since if unanswered and before is not None else turn.now,
        triage=turn.case.state is CaseState.TRIAGE,
    )
    _plan(turn, now)


def resume(turn: Turn, cause: Cause, identity: str) -> None:
    """Plan a round from the rung that was reached."""
    triage = turn.case.climb is not None and turn.case.climb.triage
    entry = reached(turn.case)
    now = Climb(
        cause=cause, cause_id=identity, since=turn.now, triage=triage, entry=entry, rung=entry
    )
    _plan(turn, now)


def replan(turn: Turn) -> None:
    """The date by which to act moved: the same rungs, at other times."""
    case, now = turn.case, turn.case.climb
    if case.pause_until is not None:
        _shorten(turn, case.pause_until)
    if now is None or not now.starts:
        _last_round(turn)
        return
    aim = goal(case, turn.site, now.since)
    if aim is None:
        turn.change(climb=None, in_digest=True)
        return
    waits = rest(case, turn.site, now.rung)
    times = starts(waits, turn.now, aim, at_once=now.held is not None, slack=_slack(turn))
    if _under_review(now):
        times = (min(times[0], now.starts[0]), *times[1:])
    turn.change(climb=now.model_copy(update={"starts": times, "held": None}))


def hurry(turn: Turn) -> None:
    """Nobody took it over: whoever comes after the owner is asked now; at the end, the desk."""
    case = turn.case
    triage = case.climb is not None and case.climb.triage
    rungs = turn.site.policy.rungs(triage=triage)
    first = next(at for at, each in enumerate(rungs) if each.duty not in _OWNERS)
    entry = max(first, case.climb.rung if case.climb else 0)
    identity = turn.identity
    turn.change(offer=None, pause_until=None, awaiting=None)
    turn.cause = (Cause.UNANSWERED, identity)
    aim = goal(case, turn.site, turn.now)
    if entry >= len(rungs) or aim is None:
        top(turn)
        return
    now = Climb(
        cause=Cause.UNANSWERED, cause_id=identity, since=turn.now, triage=triage, entry=entry
    )
    waits = turn.site.policy.waits(case.severity, triage=triage)[entry:]
    times = starts(waits, turn.now, aim, slack=_slack(turn))
    turn.change(climb=now.model_copy(update={"rung": entry, "starts": times}))


def rung(turn: Turn) -> None:
    """Start the rung that is due, unless it may wait for the end of quiet hours."""
    now = turn.case.climb
    assert now is not None  # noqa: S101 - nothing is due without it
    here = turn.site.policy.rungs(triage=now.triage)[now.rung]
    to = _recipient(turn, now, here)
    until = _quiet_until(turn, now, to)
    if until is not None:
        turn.change(climb=now.model_copy(update={"held": until}))
        turn.note("held", after=until.isoformat(), why=f"quiet hours of {to}")
        return
    left = now.starts[1:]
    turn.give_to(to, f"rung {now.rung + 1}: {here.duty}")
    channel = _channel(turn, to, here)
    stale = left[0] if left else turn.case.act_by
    turn.tell(to, channel, now.cause, now.cause_id, rung=now.rung, stale_at=stale)
    update = {"rung": now.rung + 1, "starts": left, "held": None}
    turn.change(climb=now.model_copy(update=update), in_digest=False)
    if not left:
        _last_round(turn)


def late(turn: Turn) -> None:
    """The time to act has passed: the desk has it, and is called again until somebody answers."""
    if turn.trigger is Trigger.DEADLINE:
        turn.cause = (Cause.OVERDUE, turn.identity)
        turn.change(late=turn.case.act_by, climb=None, awaiting=None, in_digest=False)
    else:
        turn.cause = (Cause.UNANSWERED, turn.identity)
    top(turn)
    turn.change(pause_until=turn.now + turn.site.policy.remind_late, offer=None)


def top(turn: Turn) -> None:
    """The last rung: the desk, by telephone."""
    cause, identity = turn.cause or (Cause.OVERDUE, turn.identity)
    to = turn.find(Duty.DESK)
    turn.give_to(to, str(cause))
    turn.tell(to, Channel.PHONE, cause, identity)


def _plan(turn: Turn, now: Climb) -> None:
    """When the rungs of a round start; a routine case begins with a digest instead."""
    turn.change(climb=now)
    aim = goal(turn.case, turn.site, now.since)
    if aim is None:
        turn.change(climb=None, in_digest=True)
        return
    waits = rest(turn.case, turn.site, now.rung)
    routine, begin = turn.urgency is Urgency.ROUTINE, turn.now
    review: tuple[datetime, ...] = ()
    if now.triage and now.rung == 0:
        review, begin, waits = (begin,), begin + waits[0], waits[1:]
    later = starts(waits, begin, aim, at_once=not routine, slack=_slack(turn))
    times = (*review, *later)
    turn.change(climb=now.model_copy(update={"starts": times}), in_digest=routine)
    if routine and turn.case.severity is Severity.URGENT:
        turn.note("digest-first", why="its rules may not interrupt, or it comes of their change")


def _slack(turn: Turn) -> timedelta:
    return turn.site.policy.slack


def _recipient(turn: Turn, now: Climb, here: Rung) -> Party:
    """Whom a rung addresses: its owner's is whoever has the case, while they can be reached."""
    owner = turn.case.owner
    if _under_review(now):
        return turn.find(here.duty)
    entry = now.rung == now.entry
    if entry and now.cause is Cause.ASSIGNED:
        return owner
    own = here.duty is Duty.OWNER or (entry and now.cause in _RESUMED)
    if own and owner.is_person and turn.site.roster.knows(owner):
        return owner
    return turn.find(here.duty)


def _under_review(now: Climb) -> bool:
    """Whether the next rung is the one after the reviewer's."""
    return now.triage and now.entry == 0 and now.rung == 1


def _channel(turn: Turn, to: Party, here: Rung) -> Channel:
    """By the recipient's own preference; of an urgent case by the strongest that they have."""
    if here.way == "phone":
        return Channel.PHONE
    channels = turn.site.roster.channels(to)
    if turn.urgency is Urgency.URGENT:
        channels = tuple(sorted(channels, key=lambda one: -one.rank))
    return channels[1] if here.way == "second" and len(channels) > 1 else channels[0]


def _quiet_until(turn: Turn, now: Climb, to: Party) -> datetime | None:
    """Until when a rung may wait; None if it starts at once."""
    end = turn.site.roster.quiet_until(to, turn.now)
    if end is None or turn.urgency is Urgency.URGENT:
        return None
    aim = goal(turn.case, turn.site, now.since)
    needed = total(rest(turn.case, turn.site, now.rung))
    return end if aim is not None and end + needed <= aim else None


def _last_round(turn: Turn) -> None:
    """At the end of the ladder: once more, in time for the date by which to act."""
    begin, now = last_call(turn.case, turn.site), turn.case.climb
    if now is not None:
        again = begin if begin is not None and begin > turn.now else None
        turn.change(climb=now.model_copy(update={"again": again}))


def _shorten(turn: Turn, until: datetime) -> None:
    """A pause ends in time for a deadline that came nearer."""
    case = turn.case
    limit = case.act_by if case.act_by is not None else until
    if case.state is CaseState.SNOOZED:
        limit = latest_wake(case, turn.site, turn.now)
    if limit < until:
        turn.change(pause_until=max(turn.now, limit))
