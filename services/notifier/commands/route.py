"""`salvage route`: who would get an alert, when, by which way, and why. Nothing is sent."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.alerts import Severity
from schemas.base import parse_clinical_time
from services.notifier.cases.case import Course
from services.notifier.cases.findings import end_of
from services.notifier.cases.site import Site
from services.notifier.hours.local import instant_of
from services.notifier.rehearsal import rehearse
from services.notifier.roster.loading import House, load_house
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from services.notifier.rehearsal import Rehearsal
    from services.notifier.roster.teams import Teams

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

DONE, MISSING, UNUSABLE = 0, 1, 2
_KEY: Final = b"a rehearsal sends nothing"


def register(subparsers: Subparsers) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "route",
        help="who would get an alert, when, and why",
        description="Rehearses an alert that nobody answers: which team gets it, who is told when "
        "and by which channel, and which hours of the next 14 days nobody covers. Sends nothing. "
        "Exit code 1 if nobody would have a duty when needed, so that the desk stands in; 2 if a "
        "file can't be used.",
    )
    add = parser.add_argument
    add("--teams", type=Path, required=True, metavar="DIR", help="the teams' files and site.yaml")
    add("--condition", metavar="CONDITION", help="of the course, as in treatment events")
    add("--care-team", metavar="ID", help="the patient's, as in patient events")
    add("--severity", choices=[str(each) for each in Severity], required=True)
    add("--at", type=_time, required=True, metavar="TIME", help="local to the site, or with offset")
    add("--act-by", type=_time, metavar="TIME", help="as --at; default: by the severity")
    add("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 1 if nobody would have a duty when needed; 2 unusable files.
    """
    try:
        house = load_house(args.teams)
    except OperatorError as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    found = _rehearse(house, args)
    print(
        json.dumps(_fields(found), ensure_ascii=False) if args.json else _text(found, house.teams)
    )
    return MISSING if found.missing else DONE


def _rehearse(house: House, args: argparse.Namespace) -> Rehearsal:
    zone = house.teams.zone
    course = Course(patient_id="rehearsal", condition=args.condition, care_team=args.care_team)
    at = _begin(args.at, zone)
    act_by = None if args.act_by is None else _end(args.act_by, zone)
    site = Site(house.policy, house.teams, _KEY)
    return rehearse(course, Severity(args.severity), at, act_by, site, house.teams)


def _time(text: str) -> date | datetime:
    """A date, a local time or one with its offset.

    Raises:
        argparse.ArgumentTypeError: none of them.
    """
    try:
        found = datetime.fromisoformat(text)
        return found if "T" in text and found.tzinfo is None else parse_clinical_time(text)
    except ValueError:
        told = "expected a date or a time, e.g. 2026-12-24T22:30"
        raise argparse.ArgumentTypeError(told) from None


def _begin(value: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    local = value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time())
    return instant_of(local.date(), local.time(), zone)


def _end(value: date | datetime, zone: ZoneInfo) -> datetime:
    return _begin(value, zone) if isinstance(value, datetime) else end_of(value, zone)


def _text(found: Rehearsal, teams: Teams) -> str:
    return "\n".join([*_lines(found, teams), _summary(found)])


def _lines(found: Rehearsal, teams: Teams) -> Iterator[str]:
    yield f"team     {found.team}: {found.why}"
    due = "-" if found.act_by is None else _local(found.act_by, teams.zone)
    yield f"urgency  {found.urgency}, act by {due}"
    for one in found.told:
        when = _local(one.at, teams.zone_of(one.to))
        yield f"{when}  {one.to!s:28} {one.channel:8} {one.why}"
    for at, duty in found.missing:
        yield f"{_local(at, teams.zone)}  nobody has the duty `{duty}`: the desk stands in"
    for gap in found.gaps:
        span = f"{_local(gap.begin, teams.zone)} to {_local(gap.end, teams.zone)}"
        yield f"gap      {span}: nobody has the duty `{gap.duty}`"


def _summary(found: Rehearsal) -> str:
    """The last line, for programs: its form does not change."""
    first = found.told[0]
    return (
        f"route: team={found.team} first={first.to} channel={first.channel} "
        f"at={_utc(first.at)} told={len(found.told)} missing={len(found.missing)} "
        f"gaps={len(found.gaps)}"
    )


def _fields(found: Rehearsal) -> dict[str, Any]:
    told = [
        {"at": _utc(one.at), "to": str(one.to), "channel": one.channel, "why": one.why}
        for one in found.told
    ]
    return {
        "team": found.team,
        "why": found.why,
        "urgency": found.urgency,
        "act_by": None if found.act_by is None else _utc(found.act_by),
        "told": told,
        "missing": [{"at": _utc(at), "duty": duty} for at, duty in found.missing],
        "gaps": [
            {"from": _utc(gap.begin), "to": _utc(gap.end), "duty": gap.duty} for gap in found.gaps
        ],
    }


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %z")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
