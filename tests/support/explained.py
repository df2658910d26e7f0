"""Small stories put before `salvage explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.console import Ran, salvage

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "services" / "detector" / "rules"
PATIENT = "HOSP|1"

Json = dict[str, Any]


def event(number: str, day: str, **own: object) -> Json:
    common = {"event_id": number, "patient_id": PATIENT, "source": "LAB", "status": "final"}
    return common | {"effective_at": day, "issued_at": f"{day}T12:00:00Z"} | own


def result(number: str, day: str, value: str, **own: object) -> Json:
    psa = {"type": "observation", "analyte": "psa", "unit": "ng/mL", "value": value}
    return event(number, day, **(psa | own))


def viral_load(number: str, day: str, value: str) -> Json:
    return result(number, day, value, analyte="hiv_rna", unit="{copies}/mL")


def step(day: str, condition: str, modality: str, phase: str, **own: object) -> Json:
    course = {"course_id": "c1", "condition": condition, "modality": modality, "phase": phase}
    return event("step", day, type="treatment", **(course | own))


RADIOTHERAPY = step("2020-01-06", "prostate-cancer", "radiotherapy", "completed")
PSA = [RADIOTHERAPY, result("a", "2022-05-02", "1.4"), result("b", "2024-03-04", "3.1")]
HIV = [step("2023-01-10", "hiv", "antiretroviral", "started", drug_classes=["INSTI"])]
HIGH = [*HIV, viral_load("v1", "2023-12-21", "4000")]


def explain(tmp_path: Path, events: Sequence[Json], *words: str) -> Ran:
    path = tmp_path / "archive.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    return salvage("explain", PATIENT, path, *words)


def pack(name: str) -> str:
    """The file of a rule: it alone is read, where the whole catalogue would take seconds."""
    (path,) = RULES.glob(f"*/{name.lower()}.yaml")
    return str(path)


def rule(tmp_path: Path, events: Sequence[Json], name: str, *words: str) -> Json:
    ran = explain(tmp_path, events, "--json", "--rule", pack(name), *words)
    assert (ran.code, ran.err) == (0, "")
    (found,) = json.loads(ran.out)["rules"]
    assert isinstance(found, dict)
    return found


def prospect(found: Json, state: str, criterion: int = 0) -> Json:
    prospects = found["criteria"][criterion]["prospects"]
    return next(one for one in prospects if one["state"] == state)
