"""What a course's line, end and successor do to the rules that watch it, through the replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.gate_stories import STORIES, Event, Story, another, lab, states, step, told

if TYPE_CHECKING:
    from pathlib import Path

STORY = {story.rule: story for story in STORIES}
KINDS = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.rule)


# --- A new line -----------------------------------------------------------------------------------


@KINDS
def test_a_new_line_closes_the_rules_of_the_old_course(story: Story, tmp_path: Path) -> None:
    condition, modality = story.course
    line = another("2023-05-25", condition, "chemotherapy" if modality == "surgery" else modality)
    entries = told(tmp_path, story.rule, *story.events, line, until="2023-10-31")
    assert [one for one in entries if one["course_id"] == "C"] == []


@KINDS
def test_a_course_of_another_disease_closes_nothing(story: Story, tmp_path: Path) -> None:
    other = another("2023-05-25", "tuberculosis", "antimicrobial")
    entries = told(tmp_path, story.rule, *story.events, other)
    assert states([one for one in entries if one["course_id"] == "C"]) == [
        (story.decided, story.state)
    ]


@KINDS
def test_what_stood_before_the_new_line_still_stands(story: Story, tmp_path: Path) -> None:
    line = another("2023-06-15", *story.course)
    entries = told(tmp_path, story.rule, *story.events, line, until="2023-07-31")
    assert states([one for one in entries if one["course_id"] == "C"]) == [
        (story.decided, story.state)
    ]


def test_a_line_that_was_entered_in_error_gives_the_alert_back(tmp_path: Path) -> None:
    story = STORY["PROST-PHOENIX"]
    line = another("2023-05-25", "prostate-cancer", "endocrine")
    error = line | {"status": "entered-in-error", "issued_at": "2023-07-01T08:00:00Z"}
    entries = told(tmp_path, story.rule, *story.events, line, error)
    assert states(entries) == [("2023-07-01", "confirmed")]


MYELOMA = ("multiple-myeloma", "targeted")


def spike(key: str, on: str, value: str) -> Event:
    return lab(key, on, "mspike", value, "g/dL")


def test_progression_of_myeloma_may_be_confirmed_on_the_next_line(tmp_path: Path) -> None:
    """The exception that the catalogue names (C8): its second sample may follow the new start."""
    suspicion = (
        step("first", "2022-01-01", "started", MYELOMA, line=1),
        spike("base", "2021-12-30", "2.0"),
        spike("low", "2022-06-01", "1.0"),
        spike("lower", "2022-07-01", "1.0"),
        spike("up", "2023-01-10", "1.6"),
    )
    line = another("2023-01-20", *MYELOMA, line=2)
    entries = told(tmp_path, "MM-IMWG-PD", *suspicion, line, spike("again", "2023-02-01", "1.7"))
    own = [one for one in entries if one["course_id"] == "C"]
    assert states(own) == [("2023-01-10", "suspected"), ("2023-02-01", "confirmed")]


def test_no_suspicion_opens_on_the_next_line_even_there(tmp_path: Path) -> None:
    before = (
        step("first", "2022-01-01", "started", MYELOMA, line=1),
        spike("base", "2021-12-30", "2.0"),
        spike("low", "2022-06-01", "1.0"),
        spike("lower", "2022-07-01", "1.0"),
    )
    after = spike("up", "2023-02-01", "1.6"), spike("again", "2023-03-01", "1.7")
    entries = told(tmp_path, "MM-IMWG-PD", *before, another("2023-01-20", *MYELOMA, line=2), *after)
    assert [one for one in entries if one["course_id"] == "C"] == []


COLON = ("colorectal-cancer", "surgery")


@pytest.mark.parametrize(("line", "alerts"), [(1, True), (2, False)])
def test_adjuvant_treatment_leaves_surveillance_open_and_a_second_line_closes_it(
    *, line: int, alerts: bool, tmp_path: Path
) -> None:
    watched = (
        step("resection", "2022-01-10", "completed", COLON, line=1),
        lab("base", "2022-03-01", "cea", "2.0", "ng/mL", reference_high="5.0"),
        another("2022-04-01", "colorectal-cancer", "chemotherapy", line=line),
        step("end", "2022-09-01", "completed", ("colorectal-cancer", "chemotherapy"))
        | {"course_id": "D", "line": line},
        lab("up", "2023-06-01", "cea", "9.0", "ng/mL", reference_high="5.0"),
    )
    entries = told(tmp_path, "CRC-CEA", *watched)
    assert bool([one for one in entries if one["course_id"] == "C"]) is alerts


# --- A course's end -------------------------------------------------------------------------------


def viral_load(key: str, on: str, value: str) -> Event:
    return lab(key, on, "hiv_rna", value, "{copies}/mL")


ART = ("hiv", "antiretroviral")
FAILING = (
    step("art", "2022-01-10", "started", ART),
    viral_load("one", "2023-01-10", "5000"),
    viral_load("two", "2023-05-10", "6000"),
)


def ending(phase: str, on: str, course: tuple[str, str]) -> Event:
    return step("end", on, phase, course)


@pytest.mark.parametrize(
    ("phase", "wanted"),
    [
        ("stopped", [("2023-01-10", "suspected")]),
        ("held", [("2023-01-10", "suspected"), ("2023-05-10", "confirmed")]),
    ],
)
def test_a_stop_ends_the_question_and_an_interruption_does_not(
    phase: str, wanted: list[tuple[str, str]], tmp_path: Path
) -> None:
    end = ending(phase, "2023-03-01", ART)
    entries = told(tmp_path, "HIV-VF-WHO", *FAILING, end)
    reminded = [one for one in entries if not one["confirmation_overdue"]]
    assert states(reminded) == wanted


def test_a_stop_ends_the_schedule_of_tests(tmp_path: Path) -> None:
    story = STORY["HIV-VL-OVERDUE"]
    assert told(tmp_path, story.rule, *story.events, ending("stopped", "2023-05-01", ART)) == []


def test_the_day_of_the_stop_still_counts(tmp_path: Path) -> None:
    entries = told(tmp_path, "HIV-VF-WHO", *FAILING, ending("stopped", "2023-05-10", ART))
    assert states([one for one in entries if not one["confirmation_overdue"]])[-1] == (
        "2023-05-10",
        "confirmed",
    )


@pytest.mark.parametrize("phase", ["completed", "stopped"])
@pytest.mark.parametrize(("end", "alerts"), [("2023-05-02", True), ("2023-05-01", False)])
def test_toxicity_is_watched_for_thirty_days_after_the_end(
    *, phase: str, end: str, alerts: bool, tmp_path: Path
) -> None:
    begun = step("dose", "2023-04-01", "started", STORY["TOX-LAB-G3"].course)
    low = lab("low", "2023-06-01", "platelets", "40", "10*9/L")
    over = ending(phase, end, STORY["TOX-LAB-G3"].course)
    assert bool(told(tmp_path, "TOX-LAB-G3", begun, low, over)) is alerts
