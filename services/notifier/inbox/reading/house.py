"""Who is on call at an instant, what would become of an alert, and how the rules do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.alerts import Severity
from services.notifier.cases.case import Course
from services.notifier.cases.words import Duty
from services.notifier.hours.local import instant_of
from services.notifier.inbox.reading.contract import (
    GapView,
    MedianView,
    MemberView,
    OnDuty,
    RosterView,
    RouteAnswer,
    RouteView,
    RulesView,
    RuleView,
    TeamView,
    ToldView,
)
from services.notifier.quality.performance import performances
from services.notifier.rehearsal import rehearse
from services.notifier.roster.outlook import gaps
from services.notifier.store import deeds, standings, timings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from services.notifier.cases.site import Site
    from services.notifier.quality.performance import Performance
    from services.notifier.roster.teams import Team, Teams

_BAD_TIME = "at: expected a local time, e.g. 2026-12-24T22:30"


def local_time(text: str, zone: ZoneInfo) -> datetime:
    """The instant of a local time, as browsers send it; of a day that of its first minute.

    Raises:
        ValueError: it is none, or has an offset.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError("expected a local time without an offset")
    return instant_of(found.date(), found.time(), zone).astimezone(UTC)


def roster(teams: Teams, asked: str, zone: ZoneInfo, now: datetime) -> RosterView:
    """Who has which duty at an instant; now, if that can't be read."""
    at, refused = now, ""
    if asked:
        try:
            at = local_time(asked, zone)
        except (ValueError, OverflowError):
            refused = _BAD_TIME
    return RosterView(
        at=at,
        teams=tuple(_team(one, teams, at) for one in teams.teams),
        gaps=tuple(GapView(*one) for one in gaps(teams, at)),
        refused=refused,
    )


def _team(team: Team, teams: Teams, at: datetime) -> TeamView:
    file = team.file
    duties = [one for one in Duty if one is not Duty.DESK]
    members = (MemberView(one.id, one.about, one.channels) for one in team.members)
    return TeamView(
        name=team.name,
        about=file.about,
        desk=file.desk.id,
        phones=file.desk.phones,
        duties=tuple(
            OnDuty(one, teams.on_duty(team.name, one, at), one not in team.rotas) for one in duties
        ),
        members=tuple(members),
    )


def route(
    house: tuple[Site, Teams], query: Mapping[str, str], zone: ZoneInfo, now: datetime
) -> RouteView:
    """Rehearse an alert, if the form was filled in. Nothing is sent."""
    site, teams = house
    said = {name: query.get(name, "") for name in ("condition", "care_team", "severity", "at")}
    conditions = sorted({one for team in teams.teams for one in team.file.covers.conditions})
    answer, refused = None, ""
    if said["severity"]:
        try:
            at = local_time(said["at"], zone) if said["at"] else now
            answer = _answer(said, at, site, teams)
        except (ValueError, OverflowError):
            known = {str(one) for one in Severity}
            refused = _BAD_TIME if said["severity"] in known else "severity: not one of ours"
    return RouteView(**said, conditions=tuple(conditions), answer=answer, refused=refused)


def _answer(said: Mapping[str, str], at: datetime, site: Site, teams: Teams) -> RouteAnswer:
    course = Course(
        patient_id="rehearsal",
        condition=said["condition"] or None,
        care_team=said["care_team"] or None,
    )
    found = rehearse(course, Severity(said["severity"]), at, None, site, teams)
    return RouteAnswer(
        team=found.team,
        why=found.why,
        urgency=str(found.urgency),
        act_by=found.act_by,
        told=tuple(ToldView(one.at, one.to, one.channel, one.why) for one in found.told),
        missing=found.missing,
    )


def rules(connection: Connection) -> RulesView:
    """How each rule does: as `salvage notify performance` tells it."""
    given, demoted = deeds.dispositions(connection), standings.demoted(connection)
    found = performances(timings.marks(connection), given, demoted)
    return RulesView(tuple(_rule(one) for one in found))


def _rule(one: Performance) -> RuleView:
    low, high = one.interval or (None, None)
    return RuleView(
        rule=one.rule,
        alerts=one.alerts,
        right=one.tally.true,
        judged=one.tally.judged,
        low=low,
        high=high,
        interrupts=one.interrupts,
        medians=tuple(MedianView(name, *median) for name, median in one.medians.items()),
    )
