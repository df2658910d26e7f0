"""The fold: one input, and what becomes of the case. Pure, deterministic, restartable.

    step(case, given, now, site) -> (case, effects, wake_at)

The same inputs at the same instants give the same cases and the same effects, with the same ids.
Time is an input like the others: `wake_at` says when to come back with a `Tick`. A tick too early
does nothing, one too late does at once what was due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.base import as_utc
from services.notifier.cases.alerted import alerted, opened
from services.notifier.cases.commands import (
    Alerted,
    Command,
    DigestSent,
    Happened,
    Inherited,
    Merged,
    Parted,
    Rostered,
    Tick,
)
from services.notifier.cases.dues import next_due, wake_at
from services.notifier.cases.effects import Refused
from services.notifier.cases.happened import happened, listed
from services.notifier.cases.inheriting import inherited, moved, parted
from services.notifier.cases.inheriting import opened as opened_by_heritage
from services.notifier.cases.moving import run
from services.notifier.cases.refusals import refusal
from services.notifier.cases.turn import Turn
from services.notifier.cases.vacancy import rostered
from services.notifier.cases.words import Trigger

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.cases.commands import Input
    from services.notifier.cases.effects import Effect
    from services.notifier.cases.site import Site


class Step(NamedTuple):
    """What came of one input.

    Attributes:
        case: as it now is; None while there is none.
        effects: to be carried out, in this order.
        wake_at: when time alone will change something; None when it won't.
    """

    case: Case | None
    effects: tuple[Effect, ...] = ()
    wake_at: datetime | None = None


def step(case: Case | None, given: Input, now: datetime, site: Site) -> Step:
    """Take in one input.

    Args:
        case: the course's case as it was; None if there is none yet.
        given: an alert's revision, a clinical event, a person's command, a sent digest, what a
            merge of records brings, another roster, or a tick.
        now: the instant of the input, with its offset; never earlier than the one before.
        site: policy and people as they are now.

    Returns:
        The new case and what is to be done. A refused command changes nothing, and says why.
    """
    now = as_utc(now)
    turn = _turn(case, given, now, site)
    if turn is None:
        return Step(case)
    if case is not None:
        _catch_up(turn, before=now)
        turn.given, turn.why = given, getattr(given, "note", None) or ""
        _take(turn)
    _catch_up(turn)
    done = turn.case
    if done != case:
        done = done.model_copy(update={"revision": done.revision + 1})
    return Step(done, tuple(turn.effects), wake_at(done))


def _turn(case: Case | None, given: Input, now: datetime, site: Site) -> Turn | None:
    if case is not None:
        return Turn(case, now, site, Trigger.RETIME, case.state)
    match given:
        case Alerted():
            return opened(given, now, site)
        case Inherited():
            return opened_by_heritage(given, now, site)
        case _:
            return None


def _take(turn: Turn) -> None:
    """What each kind of input does."""
    match turn.given:
        case Alerted():
            alerted(turn, turn.given)
        case Happened():
            happened(turn, turn.given.event)
        case DigestSent():
            listed(turn, turn.given)
        case Merged():
            moved(turn, turn.given)
        case Inherited():
            inherited(turn, turn.given)
        case Parted():
            parted(turn, turn.given)
        case Rostered():
            rostered(turn)
        case Command():
            _obey(turn, turn.given)
        case Tick() | None:
            pass


def _obey(turn: Turn, command: Command) -> None:
    trigger = Trigger(getattr(command, "type", ""))
    why = refusal(turn.case, command, trigger, turn.now, turn.site)
    if why is None:
        run(turn, trigger)
    else:
        turn.effects.append(Refused(command=trigger, why=why))


def _catch_up(turn: Turn, before: datetime | None = None) -> None:
    """Do what time has brought: all of it, or only what was due before an instant.

    Inputs come before what is due at the same instant, as facts come before deadlines in the rules.
    """
    while (due := next_due(turn.case)) is not None and due.at <= turn.now:
        if before is not None and due.at >= before:
            return
        turn.given, turn.cause, turn.why = None, None, due.why
        run(turn, due.trigger)
