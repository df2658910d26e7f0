"""Other rules beside the ones in force: they say what they would, and nobody hears it."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from support.console import salvage
from support.datafolder import RULES, changed, judged, kept, published, received, rules_above
from support.living import all_rules
from support.processes import PATIENCE, Command
from support.small_rules import FRAME

from services.commands.shadow import RECORD
from services.detector.adapters.review import Kind
from services.detector.adapters.review_run import Sides
from services.detector.adapters.shadow import Shadow
from services.embedded.shadow import StoredFacts
from services.embedded.store import FILE_NAME as STORE
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

STRICTER = rules_above(50000)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder; not to be changed."""
    return kept(tmp_path_factory.mktemp("shadow") / "data", "1200", "800", "90000")


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "data")


def following(data: Path) -> Shadow:
    shadow = Shadow(StoredFacts(data / STORE), Sides.of(RULES, STRICTER), SystemClock())
    shadow.catch_up()
    return shadow


def test_what_is_stored_is_compared(data: Path) -> None:
    found = following(data).review()
    assert [one.kind for one in found.differences] == [Kind.REMOVED]  # 1200 is below the new limit
    assert (found.patients, sum(found.same.values())) == (3, 1)


def test_what_comes_is_said_by_each_set_and_told_to_nobody(data: Path) -> None:
    shadow, before = following(data), published(data)
    assert shadow.look() == []
    received(data, "60000", "2000", first=4)
    judged(data)
    would_be = [(one.new, one.revision.patient_id) for one in shadow.look()]
    assert sorted(would_be) == [(False, "HOSP|1004"), (False, "HOSP|1005"), (True, "HOSP|1004")]
    assert shadow.look() == []
    assert len(published(data)) == len(before) + 2  # those of the rules in force, and no more
    kinds = sorted(one.kind for one in shadow.review().differences)
    assert kinds == [Kind.REMOVED, Kind.REMOVED]


def test_it_says_what_a_review_of_the_same_facts_says(data: Path) -> None:
    """However the facts came: before it began, or while it followed."""
    early = following(data)
    received(data, "60000", "2000", first=4)
    judged(data)
    early.look()
    late = following(data)

    def told(shadow: Shadow) -> set[tuple[str, str]]:
        return {(one.kind, one.either.patient_id) for one in shadow.review().differences}

    assert told(early) == told(late) == {(Kind.REMOVED, f"HOSP|{n}") for n in (1001, 1005)}


def test_patients_who_are_set_aside_are_left_out(data: Path) -> None:
    changed(data / STORE, "INSERT INTO suspended VALUES ('HOSP|1001', 'x', 1)")
    assert following(data).review().differences == []


@pytest.mark.slow
def test_the_command_follows_records_apart_and_reports_at_the_end(
    data: Path, tmp_path: Path
) -> None:
    judged(data, all_rules())
    fires = "  - {name: high, each: load, confirmed: 'load > 50000 {copies}/mL'}"
    pack = tmp_path / "packs" / "small.yaml"
    pack.parent.mkdir()
    pack.write_text(
        FRAME.format(course="", more="", reads="  load: {analyte: hiv_rna}", criteria=fires)
    )
    with Command("shadow", str(pack), "--data", str(data), "--json") as command:
        command.heard("shadowing")
        received(data, "70000", first=4)
        judged(data, all_rules())
        record = data / RECORD
        deadline = time.monotonic() + PATIENCE
        while not record.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert command.end() == 0
    (line,) = map(json.loads, record.read_text().splitlines())
    assert (line["rules"], line["would_be"]["patient_id"]) == ("new", "HOSP|1004")
    assert record.stat().st_mode & 0o077 == 0
    assert {one.rule for one in published(data)} == {"SMALL"}  # of the judging before; none is new
    assert len(published(data)) == 2


def test_it_refuses_to_compare_with_rules_that_are_not_in_force(data: Path, tmp_path: Path) -> None:
    ran = salvage("shadow", "released", "--data", data, "--once")
    assert ran.code == 2
    assert "the store is judged by other rules" in ran.err
    assert salvage("shadow", "released", "--data", tmp_path / "none", "--once").code == 2
