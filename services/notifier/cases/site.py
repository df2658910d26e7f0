"""What a case may ask of the house: its policy, and who is there. It is data, and no I/O."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from services.notifier.cases.case import Course
    from services.notifier.cases.policy import Policy
    from services.notifier.cases.words import Channel, Duty, Party


class Routed(NamedTuple):
    """A team, and why it is this one."""

    team: str
    why: str


class Roster(Protocol):
    """Who is there. Answers depend on the arguments alone."""

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone: in it a date without an hour ends."""
        ...

    def route(self, course: Course) -> Routed:
        """The team that looks after a course."""
        ...

    def on_duty(self, team: str, duty: Duty, at: datetime) -> Party | None:
        """Who has a duty at an instant; None when nobody has."""
        ...

    def desk(self, team: str) -> Party:
        """The team's desk, which is always staffed."""
        ...

    def knows(self, party: Party) -> bool:
        """Whether there is such a person, or such a desk, in any team."""
        ...

    def has_team(self, name: str) -> bool:
        """Whether there is such a team."""
        ...

    def channels(self, party: Party) -> tuple[Channel, ...]:
        """By which channels somebody is reached, preferred one first; never empty."""
        ...

    def quiet_until(self, party: Party, at: datetime) -> datetime | None:
        """When the quiet hours end in which an instant falls; None when it falls in none."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """The surroundings of a case.

    Attributes:
        policy: the site's numbers.
        roster: the site's people.
        key: secret of the site, from which the references in messages are made.
        demoted: rules that no longer interrupt, because too many of their alerts were false.
    """

    policy: Policy
    roster: Roster
    key: bytes = field(repr=False)
    demoted: frozenset[str] = frozenset()

    def reference(self, case_id: str) -> str:
        """The name of a case outside the house: 128 bits that tell nothing without the key.

        The same case has the same name in every message, and after every restart.
        """
        return hmac.new(self.key, case_id.encode(), hashlib.sha256).hexdigest()[:32]
