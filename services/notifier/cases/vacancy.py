"""The roster is another one: nobody who has left it keeps a case, and no team that is no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.moving import run
from services.notifier.cases.words import Trigger

if TYPE_CHECKING:
    from services.notifier.cases.turn import Turn


def rostered(turn: Turn) -> None:
    """Give the case to a team that there is, and whoever has left as its owner a successor.

    A closed case goes to the other team too, so that somebody may read it.
    """
    case, roster = turn.case, turn.site.roster
    if not roster.has_team(case.team):
        team, why = roster.route(case.course)
        turn.change(team=team)
        turn.note("team", case.team, team, why)
    if case.is_open and not roster.knows(case.owner):
        turn.why = "the owner is in no team's roster any more"
        run(turn, Trigger.VACANT)
