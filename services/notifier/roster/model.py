"""What stands in a team's file and in the site's. Keys are explained in `docs/notifier.md`."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, model_validator

from services.notifier.cases.policy import Policy
from services.notifier.cases.words import Channel, Duty
from services.notifier.hours.quiet import QuietHours

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def _zone(value: object) -> ZoneInfo:
    try:
        return value if isinstance(value, ZoneInfo) else ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected a time zone of the IANA list, e.g. Europe/Zurich") from None


def _clock(value: object) -> time:
    found = _CLOCK.fullmatch(str(value))
    if found is None:
        raise ValueError("expected a time of day from 00:00 to 23:59")
    return time(int(found[1]), int(found[2]))


def _quiet(value: object) -> QuietHours:
    if isinstance(value, QuietHours):
        return value
    begin, dash, end = str(value).partition("-")
    if not dash:
        raise ValueError("expected two times of day, e.g. 22:00-07:00")
    return QuietHours(_clock(begin.strip()), _clock(end.strip()))


def _days(value: object) -> tuple[int, ...]:
    """`mon-fri`, `sat`, or a list of them."""
    found: list[int] = []
    for each in value if isinstance(value, list) else [value]:
        first, dash, last = str(each).partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError("expected days, e.g. mon-fri or [sat, sun]")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found += [day % 7 for day in range(begin, end + 1 + 7 * (end < begin))]
    return tuple(sorted(set(found)))


def _name(value: object) -> str:
    if not _NAME.fullmatch(str(value)):
        raise ValueError("expected a name of a-z, 0-9, dot, underscore and hyphen")
    return str(value)


def _reached(value: object) -> Channel:
    if value not in (Channel.PUSH, Channel.MESSAGE):
        raise ValueError("expected push or message")
    return Channel(str(value))


def _local(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a local time, e.g. 2026-12-24T08:00") from None
    if found.tzinfo is not None:
        raise ValueError("expected a local time without an offset; the zone is the team's")
    return found


Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Clock = Annotated[time, BeforeValidator(_clock)]
Quiet = Annotated[InstanceOf[QuietHours], BeforeValidator(_quiet)]
Days = Annotated[tuple[int, ...], BeforeValidator(_days)]
Name = Annotated[str, BeforeValidator(_name)]
Reached = Annotated[Channel, BeforeValidator(_reached)]
Local = Annotated[datetime, BeforeValidator(_local)]


class Part(BaseModel):
    """Base of every part of a file: closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True
    )


class Member(Part):
    """A person. `reach` holds addresses by channel class; the channels read them."""

    id: Name
    about: str = ""
    channels: tuple[Reached, ...] = Field(default=(Channel.PUSH, Channel.MESSAGE), min_length=1)
    quiet: Quiet | None = None
    time_zone: Zone | None = None
    digest: Clock | None = None
    reach: dict[str, str] = Field(default_factory=dict)


class WeeklyShift(Part):
    """The same every week; over midnight if `to` is not later than `from`."""

    member: Name
    days: Days
    begin: Clock = Field(alias="from")
    end: Clock = Field(alias="to")


class Swap(Part):
    """Somebody stands in, once. It goes before calendar and week."""

    member: Name
    begin: Local = Field(alias="from")
    end: Local = Field(alias="to")

    @model_validator(mode="after")
    def _is_forward(self) -> Self:
        if self.end <= self.begin:
            raise ValueError("`to` is not later than `from`")
        return self


class RotaFile(Part):
    """Who has a duty when: exactly one of calendar, weekly and always; and swaps."""

    calendar: str | None = Field(default=None, description="an iCalendar file beside this one")
    weekly: tuple[WeeklyShift, ...] | None = None
    always: Name | None = None
    swaps: tuple[Swap, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _is_one(cls, value: Any) -> Any:
        ways = {"calendar", "weekly", "always"}
        if isinstance(value, dict) and len(ways & value.keys()) != 1:
            raise ValueError("expected exactly one of calendar, weekly and always")
        return value


class Covers(Part):
    """Whose alerts a team gets: of care teams, as the record names them, before conditions."""

    conditions: tuple[str, ...] = ()
    care_teams: tuple[str, ...] = ()


class Desk(Part):
    """A place that is always staffed, and its list of telephone numbers."""

    id: Name
    phones: tuple[str, ...] = Field(min_length=1)


class TeamFile(Part):
    """One team."""

    team: Name
    about: str = ""
    time_zone: Zone
    default: bool = False
    covers: Covers = Covers()
    desk: Desk
    members: tuple[Member, ...] = ()
    care_team: str | None = Field(default=None, description="a FHIR CareTeam beside this file")
    quiet: Quiet | None = None
    digest: Clock = time(7, 30)
    on_call: dict[Literal[Duty.OWNER, Duty.COVER, Duty.LEAD, Duty.TRIAGE], RotaFile]

    @model_validator(mode="after")
    def _is_led(self) -> Self:
        if Duty.OWNER not in self.on_call:
            raise ValueError("on_call: somebody must have the duty `owner`")
        return self


class SiteFile(Part):
    """`site.yaml`: the house's time zone, and its policy where that differs from ours."""

    time_zone: Zone
    policy: Policy = Policy()
