"""Teams from files: who has a duty when, gaps, hand-overs; and mistakes, each at its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.cases import COURSE, START, World, alert

from services.notifier.cases.commands import OfferHandOver
from services.notifier.cases.words import CaseState, Channel, Duty, desk, person
from services.notifier.roster.careteam import read_care_team
from services.notifier.roster.loading import BadRoster, load_house
from services.notifier.roster.outlook import gaps, hand_overs
from services.runtime.yamltext import Mistake

if TYPE_CHECKING:
    from services.notifier.roster.teams import Teams

EXAMPLE = Path(__file__).resolve().parents[3] / "deploy" / "notifier" / "teams"
SITE = "time_zone: Europe/Zurich\n"
TEAM = """\
team: alpha
time_zone: Europe/Zurich
default: true
covers: {conditions: [cml], care_teams: [HAEM]}
desk: {id: alpha-desk, phones: ["1"]}
quiet: 22:00-07:00
members:
  - {id: anne}
  - {id: ben, time_zone: America/New_York, channels: [message]}
on_call:
  owner:
    weekly:
      - {member: anne, days: mon-fri, from: "08:00", to: "20:00"}
      - {member: ben, days: mon-sun, from: "20:00", to: "08:00"}
"""
EVENT = """\
BEGIN:VEVENT
UID:{uid}@example.org
DTSTAMP:20260101T000000Z
SUMMARY:{who}
{lines}
END:VEVENT
"""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "alpha.yaml").write_text(TEAM)
    return tmp_path


def teams_of(folder: Path) -> Teams:
    return load_house(folder).teams


def mistakes_of(folder: Path) -> list[str]:
    with pytest.raises(BadRoster) as caught:
        load_house(folder)
    return [
        f"{Path(one.file).name}:{one.line}:{one.column}: {one.message}"
        for one in caught.value.mistakes
    ]


def on_duty(teams: Teams, text: str, duty: Duty = Duty.OWNER) -> str:
    return str(teams.on_duty("alpha", duty, utc(text)))


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-03-02T06:59", "person:ben"),
        ("2026-03-02T07:00", "person:anne"),
        ("2026-03-02T19:00", "person:ben"),
        ("2026-03-07T12:00", "None"),
        ("2026-06-01T06:00", "person:anne"),
    ],
)
def test_a_week_has_its_shifts_by_local_time(folder: Path, at: str, who: str) -> None:
    assert on_duty(teams_of(folder), at) == who


def test_a_shift_over_an_odd_night_ends_by_the_clock_on_the_wall(folder: Path) -> None:
    teams = teams_of(folder)
    (shift,) = [
        one
        for _, duty, rota in teams.rotas()
        if duty is Duty.OWNER
        for one in rota.calendar.between(utc("2026-10-25T01:30"), utc("2026-10-25T01:31"))
    ]
    assert shift.end - shift.begin == timedelta(hours=13)


def test_a_swap_goes_first(folder: Path) -> None:
    swaps = "    swaps: [{member: ben, from: 2026-03-02T12:00, to: 2026-03-02T13:00}]\n"
    (folder / "alpha.yaml").write_text(TEAM + swaps)
    teams = teams_of(folder)
    found = [on_duty(teams, f"2026-03-02T{at}") for at in ("10:59", "11:00", "11:59", "12:00")]
    assert found == ["person:anne", "person:ben", "person:ben", "person:anne"]


def test_a_duty_that_a_team_does_not_fill_is_the_desks(folder: Path) -> None:
    assert on_duty(teams_of(folder), "2026-03-02T12:00", Duty.LEAD) == "desk:alpha-desk"


def test_care_teams_go_before_conditions_and_the_default_takes_the_rest(folder: Path) -> None:
    other = TEAM.replace("alpha", "beta").replace("default: true\n", "")
    other = other.replace("[cml]", "[hiv]").replace("[HAEM]", "[INF]")
    other = other.replace(": anne", ": carl").replace(": ben", ": dora")
    (folder / "beta.yaml").write_text(other)
    teams = teams_of(folder)
    assert teams.route(COURSE).team == "alpha"
    assert teams.route(COURSE.model_copy(update={"care_team": "INF"})).team == "beta"
    unknown = teams.route(COURSE.model_copy(update={"condition": "gout"}))
    assert unknown == ("alpha", "no team covers it; this is the default")


def test_members_have_channels_zones_and_quiet_hours_of_their_own(folder: Path) -> None:
    teams = teams_of(folder)
    assert teams.channels(person("anne")) == (Channel.PUSH, Channel.MESSAGE)
    assert teams.channels(person("ben")) == (Channel.MESSAGE,)
    assert teams.channels(desk("alpha-desk")) == (Channel.PHONE,)
    at = utc("2026-03-02T22:00")
    assert teams.quiet_until(person("anne"), at) == utc("2026-03-03T06:00")
    assert teams.quiet_until(person("ben"), at) is None
    assert teams.quiet_until(desk("alpha-desk"), at) is None
    assert [teams.knows(one) for one in (person("anne"), desk("anne"))] == [True, False]


# --- Calendars --------------------------------------------------------------------------------


def calendar(folder: Path, *events: tuple[str, str, str]) -> None:
    text = "".join(EVENT.format(uid=uid, who=who, lines=lines) for uid, who, lines in events)
    frame = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n" + text + "END:VCALENDAR\n"
    (folder / "alpha.ics").write_text(frame.replace("\n", "\r\n"), newline="")
    begin = TEAM.index("    weekly")
    (folder / "alpha.yaml").write_text(TEAM[:begin] + "    calendar: alpha.ics\n")


ZONED = "DT{which};TZID=Europe/Zurich:{at}"
DAILY = "\n".join(
    [
        ZONED.format(which="START", at="20261023T080000"),
        ZONED.format(which="END", at="20261024T080000"),
        "RRULE:FREQ=DAILY;COUNT=5",
        "EXDATE;TZID=Europe/Zurich:20261026T080000",
    ]
)
OVERRIDE = "\n".join(
    [
        ZONED.format(which="START", at="20261027T100000"),
        ZONED.format(which="END", at="20261027T120000"),
        "RECURRENCE-ID;TZID=Europe/Zurich:20261027T080000",
    ]
)


def test_recurrences_exceptions_overrides_and_summer_time(folder: Path) -> None:
    calendar(folder, ("a", "anne", DAILY), ("a", "ben", OVERRIDE))
    teams = teams_of(folder)
    expected = {
        "2026-10-23T05:59": "None",
        "2026-10-23T06:00": "person:anne",
        "2026-10-25T06:59": "person:anne",  # 7:59 in winter
        "2026-10-26T06:59": "person:anne",
        "2026-10-26T07:00": "None",  # the exception
        "2026-10-27T07:30": "None",  # moved
        "2026-10-27T09:00": "person:ben",
        "2026-10-27T11:00": "None",
    }
    assert {at: on_duty(teams, at) for at in expected} == expected


@pytest.mark.parametrize(
    ("lines", "begin", "end"),
    [
        ("DTSTART:20260302T080000\nDURATION:PT2H", "2026-03-02T07:00", "2026-03-02T09:00"),
        (
            "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z",
            "2026-03-02T08:00",
            "2026-03-02T09:00",
        ),
        (
            "DTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260304",
            "2026-03-01T23:00",
            "2026-03-03T23:00",
        ),
    ],
    ids=["floating", "UTC", "whole days"],
)
def test_times_of_each_kind(folder: Path, lines: str, begin: str, end: str) -> None:
    calendar(folder, ("a", "anne", lines))
    teams = teams_of(folder)
    tick = timedelta(seconds=1)
    at = [utc(begin) - tick, utc(begin), utc(end) - tick, utc(end)]
    found = [teams.on_duty("alpha", Duty.OWNER, one) for one in at]
    assert found == [None, person("anne"), person("anne"), None]


def test_what_is_cancelled_or_transparent_is_no_shift(folder: Path) -> None:
    lines = "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\n"
    calendar(
        folder, ("a", "x", lines + "STATUS:CANCELLED"), ("b", "y", lines + "TRANSP:TRANSPARENT")
    )
    assert on_duty(teams_of(folder), "2026-03-02T08:30") == "None"


@pytest.mark.parametrize(
    ("who", "lines", "expected"),
    [
        ("zoe", "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z", "SUMMARY: expected the id"),
        ("anne", "DTEND:20260302T090000Z", "an event without DTSTART"),
        ("anne", "DTSTART:20260302T080000Z", "an event without DTEND or DURATION"),
        ("anne", "DTSTART:2026-03-02\nDTEND:20260302T090000Z", "DTSTART: not as RFC 5545"),
    ],
)
def test_a_mistake_in_a_calendar_is_told_at_its_event(
    folder: Path, who: str, lines: str, expected: str
) -> None:
    good = ("a", "anne", "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z")
    calendar(folder, good, ("b", who, lines))
    (found,) = mistakes_of(folder)
    assert found.startswith(f"alpha.ics:11:1: {expected}")


def test_what_is_no_calendar_is_told(folder: Path) -> None:
    calendar(folder)
    (folder / "alpha.ics").write_text("hello")
    assert mistakes_of(folder) == ["alpha.ics:1:1: expected an iCalendar file (BEGIN:VCALENDAR)"]
    (folder / "alpha.ics").unlink()
    assert mistakes_of(folder) == ["alpha.ics:1:1: No such file or directory"]


# --- Looking ahead ----------------------------------------------------------------------------


def test_gaps_of_the_next_two_weeks(folder: Path) -> None:
    found = gaps(teams_of(folder), utc("2026-03-02T12:00"))
    assert [(one.begin, one.end, one.duty) for one in found] == [
        (utc(f"2026-03-{day:02}T07:00"), utc(f"2026-03-{day:02}T19:00"), "owner")
        for day in (7, 8, 14, 15)
    ]


def test_open_cases_are_offered_when_the_shift_changes(folder: Path) -> None:
    teams = teams_of(folder)
    world = World()
    world.give(alert(act_by=START + timedelta(days=20)))
    case = world.open.model_copy(update={"owner": person("anne"), "team": "alpha"})
    begin, end = utc("2026-03-02T10:00"), utc("2026-03-02T19:00")
    (found,) = hand_overs([case], teams, begin, end)
    assert found.at == end
    assert found.offer == OfferHandOver(by="anne", to=person("ben"))
    assert list(hand_overs([case], teams, begin, end - timedelta(seconds=1))) == []
    closed = case.model_copy(update={"state": CaseState.CLOSED})
    assert list(hand_overs([closed], teams, begin, end)) == []


# --- Mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("team: alpha", "team: Alpha Team", "1:7: team: expected a name of a-z"),
        ("Europe/Zurich", "Europe/Zorich", "2:12: time_zone: expected a time zone"),
        ("22:00-07:00", "22-7", "6:8: quiet: expected a time of day"),
        ("{id: anne}", "{id: anne, phone: 1}", "8:16: unknown key 'phone'"),
        (
            "channels: [message]",
            "channels: [fax]",
            "9:55: members.1.channels.0: expected push or message",
        ),
        ("days: mon-fri", "days: monday", "13:30: on_call.owner.weekly.0.days: expected days"),
        ("member: anne", "member: zoe", "13:18: expected the id of a member"),
        ('to: "20:00"', 'to: "25:00"', "13:58: on_call.owner.weekly.0.to: expected a time of day"),
        ('phones: ["1"]', "phones: []", "5:32: desk.phones: Tuple should have at least 1 item"),
        ("  owner:", "  lead:", "1:1: on_call: somebody must have the duty `owner`"),
        (
            "    weekly:",
            "    always: anne\n    weekly:",
            "12:5: on_call.owner: expected exactly one",
        ),
        ("default: true", "default: true\ndefault: true", "4:1: key 'default' again"),
        ("desk: {", "desk: &d {", None),
        ("members:", "members: *d", "7:10: an alias"),
        ("team: alpha", "team: !!python/name:os alpha", "1:7: a YAML tag"),
        ("covers: {", "covers: [", "4:"),
    ],
)
def test_a_mistake_is_told_by_line_and_column(
    folder: Path, old: str, new: str, expected: str | None
) -> None:
    assert old in TEAM
    (folder / "alpha.yaml").write_text(TEAM.replace(old, new, 1))
    if expected is None:
        assert teams_of(folder).by_name.keys() == {"alpha"}
        return
    found = mistakes_of(folder)
    assert [one for one in found if one.startswith(f"alpha.yaml:{expected}")], found


def test_two_files_may_not_claim_the_same(folder: Path) -> None:
    (folder / "beta.yaml").write_text(TEAM)
    found = mistakes_of(folder)
    assert "beta.yaml:1:7: team alpha: that of alpha.yaml" in found
    assert "beta.yaml:8:10: member anne: that of alpha.yaml" in found
    assert "beta.yaml:4:23: condition cml: that of alpha.yaml" in found
    assert "beta.yaml:3:10: default team: that of alpha.yaml" in found


def test_somebody_must_be_the_default(folder: Path) -> None:
    (folder / "alpha.yaml").write_text(TEAM.replace("default: true\n", ""))
    assert mistakes_of(folder)[0].endswith("expected `default: true` in one team's file")


def test_a_folder_without_files_says_what_was_expected(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path)[0].endswith("expected a *.yaml file for each team")
    (tmp_path / "alpha.yaml").write_text(TEAM)
    assert mistakes_of(tmp_path) == ["site.yaml:1:1: No such file or directory"]
    assert mistakes_of(tmp_path / "nowhere")[0].endswith("No such file or directory")


def test_a_site_sets_its_own_policy(folder: Path) -> None:
    (folder / "site.yaml").write_text(SITE + "policy: {triage: 4 h, reopen_within: 14 d}\n")
    policy = load_house(folder).policy
    assert (policy.triage, policy.reopen_within) == (timedelta(hours=4), timedelta(days=14))
    (folder / "site.yaml").write_text(SITE + "policy: {triage: soon}\n")
    assert mistakes_of(folder) == [
        "site.yaml:2:18: policy.triage: expected a number and a unit: 30 min, 4 h, 7 d"
    ]


# --- FHIR -------------------------------------------------------------------------------------


def test_practitioners_of_a_care_team_are_members() -> None:
    text = (EXAMPLE / "haematology.careteam.json").read_text()
    assert [str(getattr(one, "id", one)) for one in read_care_team(text, "f")] == [
        "practitioner-haem-3"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "expected JSON"),
        ("[]", "resourceType: expected CareTeam"),
        ('{"resourceType": "CareTeam", "status": "inactive"}', "status: expected active"),
        (
            '{"resourceType": "CareTeam", "status": "active", "participant": [1, {"member": 2}]}',
            "participant: expected at least one Practitioner",
        ),
    ],
)
def test_what_is_no_care_team_is_told(text: str, expected: str) -> None:
    assert read_care_team(text, "f") == [Mistake("f", 1, 1, expected)]


def test_the_example_is_whole_for_a_year() -> None:
    assert gaps(load_house(EXAMPLE).teams, utc("2026-06-01T00:00"), timedelta(days=365)) == []
