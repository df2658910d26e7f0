"""What is coming: hours in which nobody has a duty, and cases that change hands by shift. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.cases.commands import OfferHandOver
from services.notifier.cases.words import person

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.cases.words import Duty
    from services.notifier.roster.teams import Teams

AHEAD: Final = timedelta(days=14)
"""How far ahead gaps are looked for: long enough to find somebody."""


class Gap(NamedTuple):
    """Nobody has a duty from an instant until another, both UTC."""

    begin: datetime
    end: datetime
    team: str
    duty: Duty


class HandOver(NamedTuple):
    """A case is to be offered by the owner whose shift has ended to whoever has it now."""

    at: datetime
    case_id: str
    offer: OfferHandOver


def gaps(teams: Teams, begin: datetime, ahead: timedelta = AHEAD) -> list[Gap]:
    """The gaps of all rotas in a period, earliest first."""
    found = [
        Gap(*period, team.name, duty)
        for team, duty, rota in teams.rotas()
        for period in rota.gaps(begin, begin + ahead)
    ]
    return sorted(found)


def hand_overs(
    cases: Iterable[Case], teams: Teams, after: datetime, until: datetime
) -> Iterator[HandOver]:
    """What is to be offered for the changes of shift in a period, `until` included.

    A case of which the outgoing member is the owner is offered to the incoming one; one that is
    under offer already, or closed, is not.
    """
    waiting = [case for case in cases if case.is_open and case.offer is None]
    for team, _, rota in teams.rotas():
        for at, outgoing, incoming in rota.changes(after, until):
            for case in waiting:
                if case.team == team.name and case.owner == person(outgoing):
                    offer = OfferHandOver(by=outgoing, to=person(incoming))
                    yield HandOver(at, case.case_id, offer)
