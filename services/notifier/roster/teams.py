"""The site's teams: answers to what a case asks. Immutable: the same question, the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from services.notifier.cases.site import Routed
from services.notifier.cases.words import Channel, Duty, desk, person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, time
    from zoneinfo import ZoneInfo

    from services.notifier.cases.case import Course
    from services.notifier.cases.words import Party
    from services.notifier.roster.model import Member, TeamFile
    from services.notifier.roster.rotas import Rota


@dataclass(frozen=True, slots=True)
class Team:
    """One team, with its rotas worked out."""

    file: TeamFile
    rotas: Mapping[Duty, Rota]
    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """The team's id."""
        return self.file.team


@dataclass(frozen=True)
class Teams:
    """All teams of a site; a `services.notifier.cases.site.Roster`."""

    zone: ZoneInfo
    teams: tuple[Team, ...]

    @cached_property
    def by_name(self) -> dict[str, Team]:
        """Each team by its id."""
        return {team.name: team for team in self.teams}

    @cached_property
    def _members(self) -> dict[str, tuple[Member, Team]]:
        return {each.id: (each, team) for team in self.teams for each in team.members}

    @cached_property
    def _desks(self) -> dict[str, Team]:
        return {team.file.desk.id: team for team in self.teams}

    def route(self, course: Course) -> Routed:
        """The team of the patient's care team, else of the condition, else the default one."""
        for team in self.teams:
            if course.care_team is not None and course.care_team in team.file.covers.care_teams:
                return Routed(team.name, f"looks after the care team {course.care_team}")
        for team in self.teams:
            if course.condition is not None and course.condition in team.file.covers.conditions:
                return Routed(team.name, f"covers {course.condition}")
        default = next(team for team in self.teams if team.file.default)
        return Routed(default.name, "no team covers it; this is the default")

    def on_duty(self, team: str, duty: Duty, at: datetime) -> Party | None:
        """Who has a duty; the desk where the team never has anybody for it; None in a gap."""
        rota = self._team(team).rotas.get(duty)
        if rota is None:
            return self.desk(team)
        found = rota.member_at(at)
        return None if found is None else person(found)

    def desk(self, team: str) -> Party:
        """The team's desk."""
        return desk(self._team(team).file.desk.id)

    def knows(self, party: Party) -> bool:
        """Whether there is such a person, or such a desk."""
        return party.id in (self._members if party.is_person else self._desks)

    def has_team(self, name: str) -> bool:
        """Whether there is such a team."""
        return name in self.by_name

    def channels(self, party: Party) -> tuple[Channel, ...]:
        """A member's own choice; a desk has a telephone."""
        if not party.is_person:
            return (Channel.PHONE,)
        known = self._members.get(party.id)
        return known[0].channels if known else (Channel.MESSAGE,)

    def quiet_until(self, party: Party, at: datetime) -> datetime | None:
        """By the member's own quiet hours, else the team's, in the member's own zone."""
        known = self._members.get(party.id) if party.is_person else None
        if known is None:
            return None
        quiet = known[0].quiet or known[1].file.quiet
        return None if quiet is None else quiet.until(at, self.zone_of(party))

    def zone_of(self, party: Party) -> ZoneInfo:
        """The zone that somebody lives in."""
        if not party.is_person:
            team = self._desks.get(party.id)
            return self.zone if team is None else team.file.time_zone
        known = self._members.get(party.id)
        return self.zone if known is None else known[0].time_zone or known[1].file.time_zone

    def digest_time(self, party: Party) -> time:
        """The local time of somebody's digest."""
        known = self._members.get(party.id) if party.is_person else None
        if known is not None and known[0].digest is not None:
            return known[0].digest
        team = known[1] if known else self._desks.get(party.id, self.teams[0])
        return team.file.digest

    def rotas(self) -> Iterator[tuple[Team, Duty, Rota]]:
        """Every rota of every team."""
        for team in self.teams:
            for duty, rota in team.rotas.items():
                yield team, duty, rota

    def _team(self, name: str) -> Team:
        """A team that is no more is looked after by the default one."""
        found = self.by_name.get(name)
        return found or next(team for team in self.teams if team.file.default)
