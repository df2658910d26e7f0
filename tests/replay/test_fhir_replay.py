"""`salvage replay --format fhir`: the alerts of the same patients told as events, and refusals."""

from __future__ import annotations

import gzip
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.console import salvage
from support.fhir import bundle, encoded, psa
from support.living import all_rules

from services.commands.intake import Intake
from services.detector.adapters.replay import journal
from services.detector.engine.monitor import Monitor
from services.ingest.archive import Format
from services.ingest.profiles.files import load_sources
from services.simulator.cohort import Cohort, simulate
from services.simulator.fhir import bundles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.events import Event
    from services.detector.engine.rule import CompiledRule


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(11, 12, date(2021, 1, 1), 12)


@pytest.fixture(scope="module")
def rules() -> list[CompiledRule]:
    return [*all_rules()]


def taken(path: Path) -> list[Event]:
    """The events of an archive, all of which can be used."""
    intake = Intake("test", Format.FHIR)
    events = list(intake.read([str(path)]))
    assert intake.unusable == 0
    return events


def told(events: Sequence[Event], rules: Sequence[CompiledRule]) -> list[tuple[object, ...]]:
    """What was said when; facts of both formats are evidence under the same ids."""
    entries = journal(events, Monitor(rules))
    return [
        (one.alert_id, one.state, one.tag, one.at, one.onset, one.summary, len(one.evidence))
        for one in entries
    ]


def test_a_cohort_as_fhir_raises_the_alerts_of_its_events(
    tmp_path: Path, cohort: Cohort, rules: Sequence[CompiledRule]
) -> None:
    events = [event for dispatch in cohort.dispatches for event in dispatch.events]
    expected = told(events, rules)
    assert len(expected) > 15
    lines = tmp_path / "cohort.ndjson"
    lines.write_bytes(b"".join(bundles(cohort.dispatches)))
    assert told(taken(lines), rules) == expected
    folder = tmp_path / "folder"
    folder.mkdir()
    for number, raw in enumerate(bundles(cohort.dispatches)):
        if number % 2:
            (folder / f"{number}.json.gz").write_bytes(gzip.compress(raw, 1))
        else:
            (folder / f"{number}.json").write_bytes(raw.replace(b'"entry":', b'\n"entry":\n'))
    assert sorted(map(str, taken(folder))) == sorted(map(str, taken(lines)))


def test_what_cannot_be_used_is_told_by_place_and_never_by_value(tmp_path: Path) -> None:
    path = tmp_path / "archive.ndjson"
    wrong = bundle(psa(), psa(id="SECRET", status="SECRET"))
    path.write_bytes(encoded(wrong) + b'\n{"resourceType": "SECRET"}\n<SECRET/>\n')
    ran = salvage("replay", path, "--format", "fhir", "--rules", "PROST-PHOENIX")
    assert ran.code == 2
    assert f"{path}:1: bad_status: entry[1].status: " in ran.err
    assert f"{path}:2: unexpected_resource: " in ran.err
    assert f"{path}:3: unexpected_resource: XML" in ran.err
    assert "SECRET" not in ran.err


def test_a_source_profile_says_whose_numbers_a_server_gives(tmp_path: Path) -> None:
    path, profile = tmp_path / "psa.json", tmp_path / "ehr.yaml"
    path.write_bytes(encoded(psa(subject={"reference": "Patient/7"})))
    profile.write_text("name: ehr\nidentity: {fhir_server: EHR}\n")
    for sources, used in ((load_sources(), 0), (load_sources([profile]), 1)):
        intake = Intake("test", Format.FHIR, sources)
        assert len(list(intake.read([str(path)]))) == used
        assert intake.unusable == 1 - used
