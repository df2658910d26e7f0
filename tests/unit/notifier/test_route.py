"""`salvage route`: what it says, its last line, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.console import salvage

EXAMPLE = Path(__file__).resolve().parents[3] / "deploy" / "notifier" / "teams"
NIGHT = ("--at", "2026-10-24T23:30")


def route(*words: str, teams: Path = EXAMPLE) -> list[str]:
    return ["route", "--teams", str(teams), *words]


def test_a_soon_case_waits_for_the_end_of_a_long_night() -> None:
    ran = salvage(*route("--condition", "cml", "--severity", "urgent", *NIGHT))
    assert ran.code == 0
    assert "Sun 2026-10-25 07:00 +0100  person:haem-2" in ran.out
    assert ran.out.splitlines()[-1] == (
        "route: team=haematology first=person:haem-2 channel=message "
        "at=2026-10-25T06:00:00Z told=6 missing=0 gaps=0"
    )


def test_a_critical_case_goes_at_once_on_the_strongest_channel() -> None:
    ran = salvage(*route("--condition", "cml", "--severity", "critical", *NIGHT))
    assert "first=person:haem-2 channel=push at=2026-10-24T21:30:00Z" in ran.out


def test_a_routine_case_is_in_the_digest() -> None:
    words = ("--condition", "hiv", "--severity", "important", "--at", "2026-06-01T12:00+02:00")
    found = salvage(*route(*words, "--act-by", "2026-08-01", "--json")).lines[0]
    assert (found["urgency"], found["act_by"]) == ("routine", "2026-08-01T22:00:00Z")
    assert found["told"][0] == {
        "at": "2026-06-02T05:30:00Z",
        "to": "person:inf-doctor-1",
        "channel": "digest",
        "why": "routine: in the next digest",
    }
    assert found["told"][-1]["why"] == "the time to act has passed"


def test_a_care_team_goes_before_a_condition() -> None:
    words = ("--condition", "hiv", "--care-team", "HAEM", "--severity", "urgent", *NIGHT)
    assert json.loads(salvage(*route(*words, "--json")).out)["team"] == "haematology"


def test_nobody_on_duty_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("time_zone: Europe/Zurich\n")
    (tmp_path / "one.yaml").write_text(
        "team: one\ntime_zone: Europe/Zurich\ndefault: true\n"
        'desk: {id: one-desk, phones: ["1"]}\nmembers: [{id: anne}]\non_call:\n'
        '  owner: {weekly: [{member: anne, days: mon, from: "08:00", to: "12:00"}]}\n'
    )
    ran = salvage(*route("--severity", "critical", *NIGHT, teams=tmp_path))
    assert ran.code == 1
    assert "nobody has the duty `owner`: the desk stands in" in ran.out
    assert "gap      Sat 2026-10-24 23:30 +0200 to Mon 2026-10-26 08:00 +0100" in ran.out
    assert "first=desk:one-desk channel=phone" in ran.out


def test_files_that_cannot_be_used_are_exit_code_2(tmp_path: Path) -> None:
    ran = salvage(*route("--severity", "critical", *NIGHT, teams=tmp_path))
    assert (ran.code, ran.out) == (2, "")
    assert "expected a *.yaml file for each team" in ran.err


@pytest.mark.parametrize("at", ["yesterday", "2026-02-30", "2026-10-24 23:30"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    ran = salvage(*route("--severity", "critical", "--at", at))
    assert ran.code == 2
    assert "expected a date or a time" in ran.err
