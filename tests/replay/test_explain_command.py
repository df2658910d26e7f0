"""`salvage explain` as a command: what it takes, what it refuses, what it prints where."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.console import salvage
from support.explained import PATIENT, PSA, event, explain, pack, result, rule

COHORT = Path(__file__).resolve().parents[2] / "examples" / "cohort-small.jsonl"


def test_rules_of_other_conditions_are_only_counted(tmp_path: Path) -> None:
    whole = json.loads(explain(tmp_path, PSA, "--json").out)
    named = {one["rule"] for one in whole["rules"]}
    assert "PROST-PHOENIX" in named
    assert "HIV-VF-WHO" not in named
    assert whole["not_concerned"] > 20


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("HOSP|2",), "no event of this patient"),
        ((PATIENT, "--rule", "PROST-PHOENIKS"), "there is no rule PROST-PHOENIKS"),
        ((PATIENT, "--rule", "TOX-CTC-GRADE"), "TOX-CTC-GRADE gives values and never alerts"),
        ((PATIENT, "--source", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    path = tmp_path / "archive.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in PSA))
    ran = salvage("explain", words[0], path, *words[1:])
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_bad_records_are_told_without_their_values_and_the_rest_is_explained(
    tmp_path: Path,
) -> None:
    story = [*PSA, result("x", "2024-09-02", "secret")]
    ran = explain(tmp_path, story, "--rule", pack("PROST-PHOENIX"))
    assert ran.code == 2
    assert "fires at 3.4 ng/mL" in ran.out
    assert "archive.jsonl:4" in ran.err
    assert "secret" not in ran.err
    assert PATIENT not in ran.err


def test_merged_records_are_one_patient(tmp_path: Path) -> None:
    old = [{**one, "patient_id": "HOSP|0"} for one in PSA]
    merge = event("m", "2024-04-01", type="patient", merged_into=PATIENT, patient_id="HOSP|0")
    found = rule(tmp_path, [*old, merge], "PROST-PHOENIX")
    assert found["status"] == "not fired"
    assert found["criteria"][0]["prospects"][0]["looks"][0]["limits"]


def test_patients_of_the_examples_can_be_explained_by_all_rules() -> None:
    ids = {json.loads(line)["patient_id"] for line in COHORT.read_text().splitlines()}
    for patient in sorted(ids)[:2]:
        ran = salvage("explain", patient, COHORT, "--as-of", "2025-01-01")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"{patient} as of 2025-01-01")
        assert re.search(r"about no course of this patient: \d+ other rules\.$", ran.out.strip())
