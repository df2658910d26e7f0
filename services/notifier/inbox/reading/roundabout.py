"""Who is on call, who would be told, and how the rules do."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.notifier.cases.words import Channel, Duty, Party


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who has a duty at an instant; None in a gap. `desk_stands_in`: the team never has anybody."""

    duty: Duty
    party: Party | None
    desk_stands_in: bool


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member of a team: ways by which they are reached, never the addresses."""

    id: str
    about: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team at an instant."""

    name: str
    about: str
    desk: str
    phones: tuple[str, ...]
    duties: tuple[OnDuty, ...]
    members: tuple[MemberView, ...]


@dataclass(frozen=True, slots=True)
class GapView:
    """Hours in which nobody has a duty."""

    begin: datetime
    end: datetime
    team: str
    duty: Duty


@dataclass(frozen=True, slots=True)
class RosterView:
    """Who is on call at an instant, and the gaps of the 14 days after it.

    Attributes:
        refused: why another instant is shown than was asked for.
        stale: the roster's files have changed since, and can't be used as they are.
    """

    at: datetime
    teams: tuple[TeamView, ...]
    gaps: tuple[GapView, ...]
    refused: str = ""
    stale: bool = False


@dataclass(frozen=True, slots=True)
class ToldView:
    """Somebody who would be told."""

    at: datetime
    to: Party
    channel: Channel
    why: str


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """What would become of an alert that nobody answers."""

    team: str
    why: str
    urgency: str
    act_by: datetime | None
    told: tuple[ToldView, ...]
    missing: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True, slots=True)
class RouteView:
    """The route explainer: its form as it was filled in, and the answer if there was a question."""

    condition: str
    care_team: str
    severity: str
    at: str
    conditions: tuple[str, ...]
    answer: RouteAnswer | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class MedianView:
    """The middle of some lengths of time, and of how many: of a part of the way to salvage."""

    part: str
    of: int
    time: timedelta


@dataclass(frozen=True, slots=True)
class RuleView:
    """How a rule does.

    Attributes:
        right, judged: dispositions that say that an alert was right, of all that judge it.
        low, high: the 95 % interval of the predictive value (Wilson); None without any judged.
        interrupts: whether it may; else it begins with a digest.
    """

    rule: str
    alerts: int
    right: int
    judged: int
    low: Decimal | None
    high: Decimal | None
    interrupts: bool
    medians: tuple[MedianView, ...]


@dataclass(frozen=True, slots=True)
class RulesView:
    """All rules that raised an alert, by their ids. It holds nothing of a patient."""

    rules: tuple[RuleView, ...]
