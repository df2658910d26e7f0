"""The one funnel through which a state changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.deeds import DEEDS
from services.notifier.cases.lifecycle import Move, move

if TYPE_CHECKING:
    from services.notifier.cases.turn import Turn
    from services.notifier.cases.words import Trigger


def run(turn: Turn, trigger: Trigger) -> None:
    """Carry out what the table says; a trigger without a row in this state does nothing."""
    before = turn.case.state
    found = move(before, trigger)
    if not isinstance(found, Move):
        return
    turn.trigger, turn.before = trigger, before
    turn.change(state=found.to)
    turn.note(trigger, before, found.to)
    for do in found.do:
        DEEDS[do](turn)
