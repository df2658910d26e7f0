"""The salvage line itself: toxicity is watched more closely, the response is followed.

And what a suspicion owes its reader: by when it ought to be settled, and a word when it was not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.gate_stories import (
    STORIES,
    Event,
    another,
    event,
    lab,
    person,
    states,
    step,
    told,
)
from support.living import all_rules

from schemas.alerts import Kind

if TYPE_CHECKING:
    from pathlib import Path

STORY = {story.rule: story for story in STORIES}


def test_every_rule_of_toxicity_is_stricter_on_a_salvage_line() -> None:
    """Once a first line has failed there is less to lose, and less to fall back on."""
    harm = [r for r in all_rules() if r.machines and r.card and r.card.kind is Kind.INTOLERANCE]
    assert len(harm) > 15
    assert [rule.id for rule in harm if rule.closer_watch is None] == []


@pytest.mark.parametrize(("line", "severity"), [(1, "urgent"), (2, "critical"), (3, "critical")])
def test_the_same_toxicity_is_graver_on_a_later_line(
    line: int, severity: str, tmp_path: Path
) -> None:
    story = STORY["TOX-LAB-G3"]
    events = [one | {"line": line} if one["type"] == "treatment" else one for one in story.events]
    (entry,) = told(tmp_path, story.rule, *events)
    assert entry["severity"] == severity


@pytest.mark.parametrize(
    ("begun", "severity"), [("2023-06-01", "urgent"), ("2023-06-02", "important")]
)
def test_a_rule_of_the_whole_patient_is_graver_from_the_start_of_the_second_line(
    begun: str, severity: str, tmp_path: Path
) -> None:
    chemo = ("breast-cancer", "chemotherapy")
    (entry,) = told(
        tmp_path,
        "TOX-HYS-LAW",
        step("first", "2022-01-01", "started", chemo, line=1),
        another(begun, *chemo, line=2),
        lab("alt", "2023-06-01", "alt", "150", "U/L", reference_high="40"),
        until="2023-06-02",
    )
    assert (entry["state"], entry["severity"]) == ("suspected", severity)


LBCL = ("lbcl", "chemotherapy")


def salvage_line(**said: object) -> list[Event]:
    """R-CHOP, then two cycles of R-DHAP as course D."""
    own = {"course_id": "D", "regimen": "R-DHAP", "line": 2, **said}
    return [
        step("rchop", "2022-06-01", "started", LBCL, regimen="R-CHOP", line=1),
        step("s", "2023-03-06", "started", LBCL, **own),
        step("c1", "2023-03-06", "administered", LBCL, cycle=1, **own),
        step("c2", "2023-03-27", "administered", LBCL, cycle=2, **own),
    ]


def pet(on: str, deauville: int, response: str) -> Event:
    return event(
        "imaging_report",
        f"pet-{on}",
        on,
        modality="PT",
        criteria="lugano",
        response=response,
        deauville=deauville,
    )


@pytest.mark.parametrize(
    ("deauville", "response", "wanted"),
    [
        (2, "CMR", []),
        (4, "PMR", [("suspected", "pmr")]),
        (5, "NMR", [("confirmed", "chemoresistant")]),
        (5, "PMD", [("confirmed", "chemoresistant")]),
    ],
)
def test_the_response_to_salvage_is_followed(
    deauville: int, response: str, wanted: list[tuple[str, str]], tmp_path: Path
) -> None:
    scan = pet("2023-04-14", deauville, response)
    entries = told(tmp_path, "LYM-SALV-RESP", *salvage_line(), scan, until="2023-04-20")
    assert [(one["state"], one["tag"]) for one in entries] == wanted
    assert {one["course_id"] for one in entries} <= {"D"}


def test_a_first_line_is_not_judged_as_salvage(tmp_path: Path) -> None:
    cycles = [
        step("c1", "2023-03-06", "administered", LBCL, regimen="R-CHOP", line=1),
        step("c2", "2023-03-27", "administered", LBCL, regimen="R-CHOP", line=1),
    ]
    assert told(tmp_path, "LYM-SALV-RESP", *cycles, pet("2023-04-14", 5, "NMR")) == []


def test_after_the_transplantation_a_scan_no_longer_answers_for_salvage(tmp_path: Path) -> None:
    graft = another("2023-04-10", "lbcl", "transplant") | {"course_id": "E", "line": 2}
    scan = pet("2023-05-10", 5, "PMD")
    assert told(tmp_path, "LYM-SALV-RESP", *salvage_line(), graft, scan) == []


# --- Suspicions -----------------------------------------------------------------------------------

OPERATED = ("prostate-cancer", "surgery")


def psa(key: str, on: str, value: str, **said: object) -> Event:
    return lab(key, on, "psa", value, "ng/mL", **said)


RECURRING = (
    step("rp", "2022-01-10", "completed", OPERATED),
    psa("clear", "2022-04-01", "0.02"),
    psa("up", "2023-02-01", "0.25"),
)


def waiting(folder: Path, *more: Event, rule: str = "PROST-BCR-RP") -> list[tuple[str, str, bool]]:
    entries = told(folder, rule, *RECURRING, *more)
    return [(one["at"][:10], one["state"], one["confirmation_overdue"]) for one in entries]


def test_a_suspicion_that_nobody_tests_says_so_once(tmp_path: Path) -> None:
    suspected, reminder = told(tmp_path, "PROST-BCR-RP", *RECURRING)
    assert suspected["confirm_by"] == reminder["confirm_by"] == reminder["at"][:10] == "2023-04-02"
    assert not suspected["confirmation_overdue"]
    assert reminder["confirmation_overdue"]
    assert "overdue" in reminder["summary"]


def test_the_test_in_time_leaves_nothing_to_remind_of(tmp_path: Path) -> None:
    assert waiting(tmp_path, psa("again", "2023-03-01", "0.3")) == [
        ("2023-02-01", "suspected", False),
        ("2023-03-01", "confirmed", False),
    ]


@pytest.mark.parametrize(
    "gate",
    [
        person("dead", "2023-03-01", deceased_at="2023-03-01T06:00:00Z"),
        another("2023-03-01", "prostate-cancer", "radiotherapy"),
    ],
    ids=["death", "new line"],
)
def test_after_death_or_with_the_next_line_nobody_is_reminded(gate: Event, tmp_path: Path) -> None:
    assert waiting(tmp_path, gate) == [("2023-02-01", "suspected", False)]


def test_under_comfort_only_goals_nobody_is_reminded(tmp_path: Path) -> None:
    comfort = person("goals", "2023-03-01", goals_of_care="comfort-only")
    assert waiting(tmp_path, comfort) == [
        ("2023-02-01", "suspected", False),
        ("2023-03-01", "info", False),
    ]


def test_a_preliminary_result_waits_a_week_for_its_final_version(tmp_path: Path) -> None:
    """Also where the rule asks for no second test, and so names no day."""
    story = STORY["PROST-PHOENIX"]
    (rise,) = story.deciding
    suspected, reminder = told(
        tmp_path, story.rule, *story.before, rise | {"status": "preliminary"}
    )
    assert (suspected["state"], suspected["confirm_by"]) == ("suspected", "2023-06-08")
    assert (reminder["at"][:10], reminder["confirmation_overdue"]) == ("2023-06-08", True)
    final = rise | {"issued_at": "2023-06-05T08:00:00Z"}
    entries = told(tmp_path, story.rule, *story.before, rise | {"status": "preliminary"}, final)
    assert states(entries) == [
        ("2023-06-01", "suspected"),
        ("2023-06-05", "retracted"),  # there never was a mere suspicion, as is known now
        ("2023-06-05", "confirmed"),
    ]
