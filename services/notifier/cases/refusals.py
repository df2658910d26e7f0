"""Why a command is refused. Reasons are for the person who asked, and hold nothing of a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.commands import (
    Accept,
    Assign,
    Command,
    Decline,
    OfferHandOver,
    Reopen,
    Snooze,
)
from services.notifier.cases.ladder import latest_wake
from services.notifier.cases.lifecycle import No, move
from services.notifier.cases.words import person

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.cases.site import Site
    from services.notifier.cases.words import Trigger


def refusal(
    case: Case, command: Command, trigger: Trigger, now: datetime, site: Site
) -> str | None:
    """Why a command can't be carried out; None if it can."""
    if not site.roster.knows(person(command.by)):
        return "who asks is in no team's roster"
    if case.merged_into is not None:
        return "the patient's record was merged; the surviving record's case has it"
    found = move(case.state, trigger)
    if isinstance(found, No):
        return found.why
    match command:
        case Snooze():
            return _snooze(case, command, now, site)
        case Assign() | OfferHandOver():
            return _recipient(case, command, site)
        case Accept() | Decline():
            return _offered(case, command)
        case Reopen():
            return None if case.standing else "nothing of it stands any more"
        case _:
            return None


def _snooze(case: Case, command: Snooze, now: datetime, site: Site) -> str | None:
    if command.until <= now:
        return "that time has passed"
    latest = latest_wake(case, site, now)
    if command.until > latest:
        told = latest.isoformat(timespec="minutes")
        return f"too long: escalation must still fit before the date by which to act; until {told}"
    return None


def _recipient(case: Case, command: Assign | OfferHandOver, site: Site) -> str | None:
    if not site.roster.knows(command.to):
        return "the recipient is in no team's roster"
    if command.to == case.owner:
        return "the recipient has the case already"
    return None


def _offered(case: Case, command: Accept | Decline) -> str | None:
    if case.offer is None:
        return "nobody offered it"
    to = case.offer.to
    return "it was offered to somebody else" if to.is_person and to.id != command.by else None
