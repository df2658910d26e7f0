"""What the moves of the lifecycle do, one function each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.actions import Deed, Disposition
from schemas.events import Patient, Treatment
from services.notifier.cases.case import Marks, Offer
from services.notifier.cases.commands import (
    Acknowledge,
    Assign,
    Dispose,
    Happened,
    Merged,
    OfferHandOver,
    Reopen,
    Snooze,
    Start,
)
from services.notifier.cases.ladder import attention
from services.notifier.cases.lifecycle import Do
from services.notifier.cases.rungs import climb, hurry, late, replan, resume, rung
from services.notifier.cases.words import CaseState, Cause, Channel, Duty, Trigger, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.notifier.cases.turn import Turn


def own(turn: Turn) -> None:
    """Who asks looks after it from now on, and has seen it."""
    turn.give_to(person(turn.by), f"by {turn.trigger}")
    turn.change(offer=None, in_digest=False)
    turn.remember(person(turn.by), Channel.MESSAGE)


def give(turn: Turn) -> None:
    """Who was named looks after it from now on."""
    assert isinstance(turn.given, Assign)  # noqa: S101 - the table has it only there
    turn.give_to(turn.given.to, f"assigned by {turn.by}")
    turn.change(offer=None)
    turn.cause = (Cause.ASSIGNED, turn.identity)


def pause(turn: Turn) -> None:
    """The ladder stands still, for a time that the deadline bounds."""
    until = attention(turn.case, turn.site, turn.now)
    turn.change(pause_until=until, awaiting=None)
    if isinstance(turn.given, Acknowledge):
        turn.act(Deed.ACKNOWLEDGED, until=until)
    elif isinstance(turn.given, Start):
        turn.act(Deed.STARTED, until=until)
    elif isinstance(turn.given, Reopen):
        turn.act(Deed.REOPENED, until=until)
    elif not isinstance(turn.given, Assign):
        turn.act(Deed.HANDED_OVER)
    turn.mark(acknowledged=turn.now)


def sleep(turn: Turn) -> None:
    """The ladder stands still until the moment, or the result, that was asked for."""
    assert isinstance(turn.given, Snooze)  # noqa: S101 - the table has it only there
    turn.change(pause_until=turn.given.until, awaiting=turn.given.awaiting)
    turn.mark(acknowledged=turn.now)
    turn.act(Deed.SNOOZED, until=turn.given.until)


def tell(turn: Turn) -> None:
    """The owner hears of it, without a ladder."""
    cause, identity = turn.cause or (Cause.OVERDUE, turn.identity)
    channel = turn.site.roster.channels(turn.case.owner)[0]
    turn.tell(turn.case.owner, channel, cause, identity)


def offer(turn: Turn) -> None:
    """The case is offered; nothing changes hands before it is accepted."""
    assert isinstance(turn.given, OfferHandOver)  # noqa: S101 - the table has it only there
    to = turn.given.to
    until = turn.now + turn.site.policy.hand_over_within
    turn.change(offer=Offer(to=to, until=until))
    channel = turn.site.roster.channels(to)[0]
    turn.tell(to, channel, Cause.HAND_OVER, turn.identity, stale_at=until)


def close(turn: Turn) -> None:
    """Nobody has to do anything any more."""
    turn.change(climb=None, pause_until=None, awaiting=None, offer=None, in_digest=False)
    turn.change(closed_at=turn.now, late=None)
    if isinstance(turn.given, Dispose):
        turn.change(disposition=turn.given.disposition)
        turn.mark(disposed=turn.now)
        turn.act(Deed.DISPOSED, disposition=turn.given.disposition)
    _settle_findings(turn, settled=True)


def _settle_findings(turn: Turn, *, settled: bool) -> None:
    """What a case was closed over asks for nothing in the next episode; or does so again."""
    findings = turn.case.findings
    changed = tuple(one.model_copy(update={"settled": settled}) for one in findings)
    turn.change(findings=changed)


def settle(turn: Turn) -> None:
    """Note the event of the record that shows what was done."""
    assert isinstance(turn.given, Happened)  # noqa: S101 - the table has it only there
    event = turn.given.event
    if turn.case.disposition is None:
        turn.change(closed_by_event=event.event_id)
    if isinstance(event, Treatment) and turn.case.marks.salvage is None:
        turn.mark(salvage=event.effective_at)
        turn.act(Deed.SALVAGE_STARTED, event_id=event.event_id, effective_at=event.effective_at)
    elif isinstance(event, Patient):
        turn.note("settled", why="the record says that the patient has died")


def reopen(turn: Turn) -> None:
    """Somebody has to look after it again: the same episode, or a new one."""
    in_error = turn.trigger in (Trigger.UNDO, Trigger.REOPEN)
    again = in_error or reopens(turn)
    cleared = ("disposition", "closed_at", "closed_by_event", "late", "merged_into")
    turn.change(**dict.fromkeys(cleared))
    if in_error:
        _settle_findings(turn, settled=False)
    if again:
        turn.change(marks=turn.case.marks.model_copy(update={"disposed": None, "salvage": None}))
    else:
        turn.change(episode=turn.case.episode + 1, opened_at=turn.now, marks=Marks())
        turn.mark(alerted=turn.now, act_by=turn.case.act_by)
        turn.give_to(turn.find(Duty.OWNER), "new episode")
    turn.note("reopened" if again else "new episode", after=turn.case.episode)


def reopens(turn: Turn) -> bool:
    """Whether news belongs to the episode that was closed: a test was ordered not long ago.

    Source:
        The notifier's design; the 30 days are the site's policy (CHOICE).
    """
    case = turn.case
    if case.closed_at is None or case.disposition is None:
        return False
    recent = turn.now - case.closed_at <= turn.site.policy.reopen_within
    return recent and case.disposition is Disposition.CONFIRMATORY_TEST_ORDERED


def begin(turn: Turn) -> None:
    """A round of the ladder from its first rung."""
    turn.change(pause_until=None, awaiting=None, late=None)
    if turn.trigger is Trigger.RECALL:
        turn.cause = (Cause.UNANSWERED, turn.identity)
    climb(turn)


def again(turn: Turn) -> None:
    """A round of the ladder from the rung that was reached."""
    asleep = turn.before is CaseState.SNOOZED
    cause = Cause.SNOOZE_ENDED if asleep else Cause.EXPIRED
    identity = turn.identity
    turn.change(pause_until=None, awaiting=None)
    resume(turn, cause, identity)


def replace(turn: Turn) -> None:
    """Whoever has the duty looks after it from now on, and is told as if it were assigned."""
    reviews = turn.case.state is CaseState.TRIAGE
    turn.give_to(turn.find(Duty.TRIAGE if reviews else Duty.OWNER), turn.why)
    turn.change(offer=None)
    turn.cause = (Cause.ASSIGNED, turn.identity)


def hand_on(turn: Turn) -> None:
    """What stands here stands in the surviving record's case from now on."""
    assert isinstance(turn.given, Merged)  # noqa: S101 - only that brings it
    turn.change(merged_into=turn.given.into, findings=(), receipts=())


DEEDS: Final[dict[Do, Callable[[Turn], None]]] = {
    Do.OWN: own,
    Do.GIVE: give,
    Do.PAUSE: pause,
    Do.SLEEP: sleep,
    Do.CLIMB: begin,
    Do.RESUME: again,
    Do.RUNG: rung,
    Do.HURRY: hurry,
    Do.REPLAN: replan,
    Do.LATE: late,
    Do.TELL: tell,
    Do.OFFER: offer,
    Do.CLOSE: close,
    Do.SETTLE: settle,
    Do.REOPEN: reopen,
    Do.REPLACE: replace,
    Do.HAND_ON: hand_on,
}
