"""Who hears of emergencies at once: as the settings name them, and the roster has them now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.words import Duty, person
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.words import Channel, Party
    from services.notifier.inbox.access.settings import Officer
    from services.notifier.roster.teams import Teams


def check_officer(officer: Officer | None, teams: Teams) -> None:
    """Look whether the roster has whom the settings name.

    Raises:
        OperatorError: it hasn't; an emergency would be told to nobody.
    """
    if officer is None:
        return
    if officer.member is not None and not teams.knows(person(officer.member)):
        raise OperatorError("inbox.yaml: privacy.member: the roster has no such member")
    if officer.team is not None and officer.team not in teams.by_name:
        raise OperatorError("inbox.yaml: privacy.team: the roster has no such team")


def told(officer: Officer, teams: Teams, now: datetime) -> tuple[Party, Channel]:
    """Who is told at an instant, and by which class of channels; the desk in a team's gap."""
    if officer.member is not None:
        who = person(officer.member)
    else:
        team = officer.team or ""
        who = teams.on_duty(team, Duty.OWNER, now) or teams.desk(team)
    return who, teams.channels(who)[0]
