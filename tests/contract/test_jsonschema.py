"""The published JSON Schema files say what the models say, and real messages fit them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.console import salvage

from schemas.publish import FOLDER, documents

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "cohort-small.jsonl"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_files_are_those_of_the_models() -> None:
    """`python -m schemas.publish` writes them anew after a change of the models."""
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert documents() == written


def test_every_example_event_fits() -> None:
    events = validator("clinical-event.v1.json")
    lines = EXAMPLES.read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not events.is_valid(json.loads(line))] == []


def test_every_alert_of_the_examples_fits() -> None:
    alerts = validator("alert-revision.v1.json")
    printed = salvage("replay", str(EXAMPLES)).out.splitlines()
    assert printed
    assert [list(alerts.iter_errors(json.loads(line))) for line in printed] == [[]] * len(printed)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"type": "weather"},
        {"value": "NaN"},
        {"surname": "x"},
        {"status": "fina"},
        {"effective_at": 20240101},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_spoilt_event_does_not_fit(spoilt: dict[str, object]) -> None:
    events = validator("clinical-event.v1.json")
    good = next(
        event
        for line in EXAMPLES.read_text(encoding="utf-8").splitlines()
        if (event := json.loads(line))["type"] == "observation" and "value" in event
    )
    assert events.is_valid(good)
    assert not events.is_valid(good | spoilt)
