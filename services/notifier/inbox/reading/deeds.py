"""What somebody may do with a case now, as forms. The fold has the last word when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.actions import Disposition
from services.notifier.cases.commands import (
    Accept,
    Acknowledge,
    Assign,
    Decline,
    Dispose,
    OfferHandOver,
    Reopen,
    Snooze,
    Start,
    Wake,
)
from services.notifier.cases.ladder import latest_wake
from services.notifier.cases.refusals import refusal
from services.notifier.cases.words import Trigger, desk, person
from services.notifier.inbox.access.roles import Right
from services.notifier.inbox.reading.contract import DeedForm, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.cases.commands import AnyCommand
    from services.notifier.cases.site import Site
    from services.notifier.cases.words import Party
    from services.notifier.inbox.access.people import Person
    from services.notifier.inbox.reading.contract import FindingView
    from services.notifier.roster.teams import Teams

NOTE: Final = Field("note", "text")
WHY: Final = Field("note", "text", required=True)
REMARKS: Final = ("comment", "wrong")
"""Deeds that change nothing of a case: they are kept, and read by others."""
ORDER: Final = (
    *("acknowledge", "start", "accept", "decline", "dispose", "snooze", "wake"),
    "reopen",
    *("offer", "assign", *REMARKS),
)

DISPOSITIONS: Final[dict[Disposition, str]] = {
    Disposition.TREATMENT_CHANGED: "Treatment was changed",
    Disposition.SALVAGE_REFERRED: "Referred for salvage treatment",
    Disposition.CONFIRMATORY_TEST_ORDERED: "A confirming test was ordered",
    Disposition.ADHERENCE_INTERVENTION: "Adherence was worked on",
    Disposition.DOSE_ADJUSTED: "The dose was adjusted",
    Disposition.ALREADY_KNOWN: "Already known to the team",
    Disposition.NOT_CLINICALLY_RELEVANT: "Not clinically relevant",
    Disposition.WRONG_PATIENT: "Wrong patient",
    Disposition.WRONG_DATA: "The data are wrong",
    Disposition.RULE_WRONG: "The rule is wrong here",
    Disposition.PATIENT_DECLINED: "The patient declined",
    Disposition.PALLIATIVE_GOALS: "Palliative goals of care",
    Disposition.TRANSFERRED_OUT: "Transferred to another house",
    Disposition.DECEASED: "The patient has died",
    Disposition.DUPLICATE: "Duplicate of another case",
}


def forms(
    case: Case,
    findings: Sequence[FindingView],
    reader: Person,
    house: tuple[Site, Teams],
    now: datetime,
    *,
    reference: str,
    key: str,
) -> tuple[DeedForm, ...]:
    """The forms of a case, in the order in which they are to be offered.

    Args:
        case: as it is.
        findings: its findings.
        reader: who would do it.
        house: the site, and its roster.
        now: the present instant.
        reference: the case's name in addresses.
        key: new for each page; a deed comes in once for each key.
    """
    if case.team not in reader.teams or Right.DECIDE not in reader.rights:
        return ()
    site, teams = house
    fields = _fields(case, findings, reader, site, teams, now)
    fields |= _remarks(findings)
    hidden = (Field("key", "hidden", required=True, value=key), _revision(case))
    ordered = (one for one in ORDER if one in fields)
    return tuple(
        DeedForm(one, f"/case/{reference}/{one}", (*hidden, *fields[one])) for one in ordered
    )


def _revision(case: Case) -> Field:
    return Field("revision", "hidden", required=True, value=str(case.revision))


def _fields(
    case: Case,
    findings: Sequence[FindingView],
    reader: Person,
    site: Site,
    teams: Teams,
    now: datetime,
) -> dict[str, tuple[Field, ...]]:
    """Of each deed that the case's state allows, what is to be filled in."""
    latest = latest_wake(case, site, now)
    others = _others(case, teams)
    found: dict[str, tuple[Field, ...]] = {}
    for command in _samples(reader.who, others, latest):
        if refusal(case, command, Trigger(command.type), now, site) is None:
            why = WHY if isinstance(command, Reopen) else NOTE
            found[command.type] = (*_own(command.type, findings, others, latest), why)
    if Right.ASSIGN not in reader.rights:
        found.pop("assign", None)
    return found


def _samples(who: str, others: Sequence[Party], latest: datetime) -> Iterator[AnyCommand]:
    """One command of each sort, as good as any of its sort."""
    yield from (Acknowledge(by=who), Start(by=who), Wake(by=who), Accept(by=who), Decline(by=who))
    yield from (Dispose(by=who, disposition=Disposition.ALREADY_KNOWN), Reopen(by=who))
    yield Snooze(by=who, until=latest)
    if others:
        yield from (Assign(by=who, to=others[0]), OfferHandOver(by=who, to=others[0]))


def _own(
    deed: str, findings: Sequence[FindingView], others: Sequence[Party], latest: datetime
) -> tuple[Field, ...]:
    match deed:
        case "dispose":
            known = tuple((str(one), words) for one, words in DISPOSITIONS.items())
            return (Field("disposition", "choice", required=True, choices=known),)
        case "snooze":
            waits = Field("awaiting", "choice", choices=(("", "nothing"), *_awaited(findings)))
            return (Field("until", "moment", required=True, latest=latest), waits)
        case "assign" | "offer":
            named = tuple((str(one), one.id) for one in others)
            return (Field("to", "choice", required=True, choices=named),)
        case _:
            return ()


def _others(case: Case, teams: Teams) -> tuple[Party, ...]:
    """To whom the case can be given: the team's people, and its desk."""
    team = next((one for one in teams.teams if one.name == case.team), None)
    if team is None:
        return ()
    everybody = (*(person(one.id) for one in team.members), desk(team.file.desk.id))
    return tuple(one for one in everybody if one != case.owner)


def _awaited(findings: Iterable[FindingView]) -> tuple[tuple[str, str], ...]:
    """What the case's evidence is made of is what a result may be waited for."""
    named = {item.what for one in findings for item in one.alert.evidence}
    return tuple((one, one.replace("_", " ")) for one in sorted(named))


def _remarks(findings: Sequence[FindingView]) -> dict[str, tuple[Field, ...]]:
    alerts = tuple((one.finding.alert_id, one.alert.title) for one in findings)
    found: dict[str, tuple[Field, ...]] = {"comment": (WHY,)}
    if alerts:
        found["wrong"] = (Field("alert", "choice", required=True, choices=alerts), WHY)
    return found
