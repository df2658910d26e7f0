"""What replaying public sets brought to light, told again of made-up patients.

A defect that real records show must not come back where those records are absent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.console import salvage

if TYPE_CHECKING:
    from pathlib import Path

Fact = dict[str, Any]


def replayed(path: Path, rule: str, facts: list[Fact], until: str) -> list[tuple[str, str, Any]]:
    """Day, state and tag of a rule's entries about one patient."""
    common = {"patient_id": "H|1", "source": "LAB", "status": "final"}
    rows = [common | {"event_id": f"e{n}"} | fact for n, fact in enumerate(facts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = salvage("replay", path, "--rules", rule, "--until", until)
    assert (ran.code, ran.err) == (0, "")
    return [(line["at"][:10], line["state"], line.get("tag")) for line in ran.lines]


def hormones(day: str, phase: str, course: str = "on-1") -> Fact:
    told = {"condition": "prostate-cancer", "modality": "endocrine", "course_id": course}
    return {"type": "treatment", "effective_at": day, "phase": phase} | told


def psa(day: str, value: str) -> Fact:
    told = {"type": "observation", "analyte": "psa", "unit": "ng/mL"}
    return told | {"effective_at": day, "value": value}


DOUBLING = [psa("2023-06-30", "0.5"), psa("2023-11-13", "0.7"), psa("2024-03-28", "1.0")]


@pytest.mark.parametrize("phase", ["stopped", "completed"])
def test_psa_that_rises_off_hormones_is_no_doubling(tmp_path: Path, phase: str) -> None:
    """As in intermittent therapy, where PSA is meant to rise between two periods."""
    on = [hormones("2023-02-01", "started"), *DOUBLING]
    archive = tmp_path / "archive.jsonl"
    told = [("2024-03-28", "confirmed", "le_9m")]
    assert replayed(archive, "PROST-PSADT", on, "2024-12-31") == told
    off = [*on, hormones("2023-10-01", phase)]
    assert replayed(archive, "PROST-PSADT", off, "2024-12-31") == []


def test_the_next_period_on_hormones_is_watched_again(tmp_path: Path) -> None:
    facts = [
        hormones("2022-01-01", "started"),
        hormones("2022-10-01", "stopped"),
        hormones("2023-02-01", "started", "on-2"),
        *DOUBLING,
    ]
    told = replayed(tmp_path / "archive.jsonl", "PROST-PSADT", facts, "2024-12-31")
    assert told == [("2024-03-28", "confirmed", "le_9m")]


def test_a_regimen_begun_again_in_the_same_course_is_watched_again(tmp_path: Path) -> None:
    facts = [
        hormones("2022-01-01", "started"),
        hormones("2022-10-01", "stopped"),
        hormones("2023-02-01", "started"),
        *DOUBLING,
    ]
    told = replayed(tmp_path / "archive.jsonl", "PROST-PSADT", facts, "2024-12-31")
    assert told == [("2024-03-28", "confirmed", "le_9m")]
