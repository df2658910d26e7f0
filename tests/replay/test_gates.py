"""What stands above every rule: death, goals of care and identity, through the whole replay.

Each promise is held for a rule of each kind: failure, intolerance, overdue, window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.gate_stories import STORIES, Event, Story, person, states, told

if TYPE_CHECKING:
    from pathlib import Path

KINDS = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.rule)
WITH_EVIDENCE = pytest.mark.parametrize(
    "story", [one for one in STORIES if one.deciding], ids=lambda story: story.rule
)
CURBED = {"PROST-PHOENIX", "PROST-SRT-WINDOW"}
"""Failure and window: what asks for salvage."""


def later(event: Event, issued: str) -> Event:
    return {**event, "issued_at": f"{issued}T08:00:00Z"}


def death(on: str, told_on: str | None = None, **said: str) -> Event:
    told_at = f"{told_on or on}T09:00:00Z"
    return person("death", on, deceased_at=f"{on}T07:00:00Z", **{"issued_at": told_at, **said})


@KINDS
def test_each_story_ends_in_its_alert(story: Story, tmp_path: Path) -> None:
    (entry,) = told(tmp_path, story.rule, *story.events)
    assert (entry["at"][:10], entry["state"]) == (story.decided, story.state)
    assert entry["severity"] == story.severity


# --- Death ----------------------------------------------------------------------------------------


@KINDS
def test_no_alert_after_death(story: Story, tmp_path: Path) -> None:
    assert told(tmp_path, story.rule, *story.events, death("2023-05-20")) == []


@WITH_EVIDENCE
def test_what_was_sampled_in_life_and_reported_after_death_says_nothing(
    story: Story, tmp_path: Path
) -> None:
    reported = [later(one, "2023-06-10") for one in story.deciding]
    assert told(tmp_path, story.rule, *story.before, *reported, death("2023-06-05")) == []


@KINDS
def test_an_alert_raised_in_life_stays_as_it_was(story: Story, tmp_path: Path) -> None:
    """Nothing is added after the death: no reminder, no change of tier, no next deadline."""
    entries = told(tmp_path, story.rule, *story.events, death("2023-06-20"), until="2026-12-31")
    assert states(entries) == [(story.decided, story.state)]


@KINDS
def test_a_death_told_late_takes_back_what_was_raised_after_it(
    story: Story, tmp_path: Path
) -> None:
    entries = told(tmp_path, story.rule, *story.events, death("2023-05-20", told_on="2023-06-15"))
    assert states(entries) == [(story.decided, story.state), ("2023-06-15", "retracted")]


@KINDS
def test_a_death_that_was_an_error_gives_the_alert_back(story: Story, tmp_path: Path) -> None:
    error = death("2023-05-20", told_on="2023-07-01", status="entered-in-error")
    entries = told(tmp_path, story.rule, *story.events, death("2023-05-20"), error)
    assert states(entries) == [("2023-07-01", story.state)]


# --- Goals of care --------------------------------------------------------------------------------


def goals(on: str, goal: str) -> Event:
    return person(f"goals-{on}", on, goals_of_care=goal)


@KINDS
def test_under_comfort_only_goals_nobody_is_asked_for_salvage(story: Story, tmp_path: Path) -> None:
    (entry,) = told(tmp_path, story.rule, *story.events, goals("2023-05-20", "comfort-only"))
    if story.rule in CURBED:
        assert (entry["state"], entry["severity"]) == ("info", "advisory")
    else:  # harm and missing tests concern whoever is cared for, whatever the goals
        assert (entry["state"], entry["severity"]) == (story.state, story.severity)


@KINDS
def test_goals_turn_the_alert_and_turn_it_back(story: Story, tmp_path: Path) -> None:
    turned = goals("2023-06-10", "comfort-only"), goals("2023-06-20", "control")
    entries = told(tmp_path, story.rule, *story.events, *turned)
    wanted = [(story.decided, story.state)]
    if story.rule in CURBED:
        wanted += [("2023-06-10", "info"), ("2023-06-20", story.state)]
        assert [one["change"] for one in entries] == ["raised", "revised", "revised"]
        assert len({one["alert_id"] for one in entries}) == 1
        assert entries[-1]["severity"] == story.severity
    assert states(entries) == wanted


@KINDS
@pytest.mark.parametrize("goal", ["cure", "control", "palliation"])
def test_other_goals_change_nothing(story: Story, goal: str, tmp_path: Path) -> None:
    (entry,) = told(tmp_path, story.rule, *story.events, goals("2023-05-20", goal))
    assert (entry["state"], entry["severity"]) == (story.state, story.severity)


# --- Identity -------------------------------------------------------------------------------------


def under(patient: str, *events: Event) -> list[Event]:
    return [{**one, "patient_id": patient} for one in events]


def merged(on: str, **said: str) -> Event:
    at = f"{on}T09:00:00Z"
    return person("merge", on, patient_id="OLD", merged_into="P", **{"issued_at": at, **said})


def by_patient(entries: list[Event], patient: str) -> list[tuple[str, str]]:
    return states([one for one in entries if one["patient_id"] == patient])


@WITH_EVIDENCE
def test_facts_of_two_records_make_one_alert_and_the_split_takes_it_back(
    story: Story, tmp_path: Path
) -> None:
    """Treatment stands in the old record, the deciding result in the surviving one."""
    apart = [*under("OLD", *story.before), *story.deciding]
    assert told(tmp_path, story.rule, *apart) == []
    together = [*apart, merged("2023-07-01")]
    assert by_patient(told(tmp_path, story.rule, *together), "P") == [("2023-07-01", story.state)]
    split = merged("2023-07-01") | {
        "status": "entered-in-error",
        "issued_at": "2023-08-01T09:00:00Z",
    }
    entries = told(tmp_path, story.rule, *together, split)
    assert by_patient(entries, "P") == [("2023-07-01", story.state), ("2023-08-01", "retracted")]
    assert by_patient(entries, "OLD") == []


@KINDS
def test_an_alert_of_the_old_record_goes_on_under_the_surviving_id(
    story: Story, tmp_path: Path
) -> None:
    split = merged("2023-07-01") | {
        "status": "entered-in-error",
        "issued_at": "2023-08-01T09:00:00Z",
    }
    entries = told(tmp_path, story.rule, *under("OLD", *story.events), merged("2023-07-01"), split)
    assert by_patient(entries, "OLD") == [
        (story.decided, story.state),
        ("2023-07-01", "retracted"),
        ("2023-08-01", story.state),
    ]
    assert by_patient(entries, "P") == [("2023-07-01", story.state), ("2023-08-01", "retracted")]


def test_a_result_of_the_other_record_clears_what_looked_overdue(tmp_path: Path) -> None:
    story = next(one for one in STORIES if one.by_the_calendar())
    count = person("x", "2023-04-20") | {
        "type": "observation",
        "patient_id": "OLD",
        "analyte": "hiv_rna",
        "value": "20",
        "comparator": "<",
        "unit": "{copies}/mL",
    }
    entries = told(tmp_path, story.rule, *story.events, count, merged("2023-06-20"))
    assert by_patient(entries, "P")[:2] == [("2023-06-01", "overdue"), ("2023-06-20", "retracted")]


@KINDS
def test_the_death_of_one_record_is_the_death_of_both(story: Story, tmp_path: Path) -> None:
    dead = death("2023-05-20") | {"patient_id": "OLD"}
    assert told(tmp_path, story.rule, *story.events, dead, merged("2023-05-22")) == []
