"""`salvage review`: what it prints, for whom, with which exit code; and docs/review.md is true."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.console import Ran, salvage

from services.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT / "examples" / "cohort-small.jsonl"
PACK = ROOT / "services" / "detector" / "rules" / "prostate" / "prost-bcr-rp.yaml"
PAGE = ROOT / "docs" / "review.md"


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The pack with another threshold."""
    text = PACK.read_text()
    assert "value: 0.2 ng/mL" in text
    path = tmp_path / PACK.name
    path.write_text(text.replace("value: 0.2 ng/mL", "value: 0.4 ng/mL", 1))
    return path


def test_a_change_is_told_and_gives_exit_code_1(changed: Path) -> None:
    ran = salvage("review", PACK, changed, COHORT)
    assert (ran.code, ran.err) == (1, "")
    assert "PROST-BCR-RP  recurrence  1    0    0     0      1" in ran.out
    assert "HOSP|" not in ran.out


def test_the_other_way_round_it_is_added(changed: Path) -> None:
    found = json.loads(salvage("review", changed, PACK, COHORT, "--json").out)
    (one,) = found["differences"]
    assert (one["kind"], one["old"], one["shift_days"]) == ("added", None, None)
    assert [entry["state"] for entry in one["new"]["entries"]] == ["suspected", "retracted"]
    assert found["patients"] == {
        "archive": 12,
        "touched": 1,
        "added": 1,
        "removed": 0,
        "moved": 0,
        "changed": 0,
    }


def test_patients_and_their_events_are_named_only_where_that_is_asked_for(changed: Path) -> None:
    plain, shown = (
        json.loads(salvage("review", PACK, changed, COHORT, "--json", *more).out)
        for more in ((), ("--show-patients",))
    )
    assert "patient_id" not in plain["differences"][0]
    assert plain["differences"][0]["old"]["entries"][0]["evidence"] > 0
    assert shown["differences"][0]["patient_id"].startswith("HOSP|")
    assert shown["differences"][0]["old"]["entries"][0]["evidence"][0]["event_id"]
    assert "  HOSP|" in salvage("review", PACK, changed, COHORT, "--show-patients").out


def test_the_same_rules_give_exit_code_0_and_are_not_run(tmp_path: Path) -> None:
    copy = tmp_path / PACK.name
    copy.write_text(PACK.read_text() + "# A remark.\n")
    ran = salvage("review", PACK, copy, COHORT)
    assert (ran.code, ran.out) == (0, "rules: 1 say the same and were not run\n")


def test_a_folder_is_an_archive_too(tmp_path: Path, changed: Path) -> None:
    shutil.copy(COHORT, tmp_path / "events.jsonl")
    ran = salvage("review", PACK, changed, tmp_path)
    assert ran.out == salvage("review", PACK, changed, COHORT).out


def test_an_unusable_record_is_named_and_the_rest_compared(tmp_path: Path, changed: Path) -> None:
    archive = tmp_path / "broken.jsonl"
    archive.write_text(COHORT.read_text() + "{\n")
    ran = salvage("review", PACK, changed, archive)
    assert ran.code == 2
    assert "PROST-BCR-RP  recurrence  1    0" in ran.out
    assert "1 of " in ran.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nowhere.yaml", PACK), "No such file or directory"),
        ((PACK, "NO-RULE"), "there is no rule NO-RULE"),
        ((PACK, PACK, "--rule", "NO-RULE"), "there is no rule NO-RULE"),
        ((PACK, PACK, "--new-site", "nowhere.yaml"), "No such file or directory"),
    ],
)
def test_unusable_rules_are_said_and_give_exit_code_2(
    words: tuple[str | Path, ...], complaint: str
) -> None:
    ran = salvage("review", *words[:2], COHORT, *words[2:])
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
    assert ran.err.startswith("salvage review: ")


def test_a_terminal_is_shown_how_far_it_is(
    changed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["review", str(PACK), str(changed), str(COHORT)]) == 1
    told = capsys.readouterr().err
    assert "[################] 12 of 12 patients" in told
    assert told.endswith(" \r")  # and nothing is left of it


def test_a_worker_that_was_ended_is_told(changed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr("services.commands.review.review", broken)
    ran = salvage("review", PACK, changed, COHORT)
    assert (ran.code, ran.out) == (2, "")
    assert "a worker process was ended" in ran.err


# ---------------------------------------------------------------- the page

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, str]]:
    """Each command of the page, with what it is said to print."""
    for language, _, text in _BLOCK.findall(PAGE.read_text()):
        if language == "console":
            command, _, printed = text.removeprefix("$ ").partition("\n")
            yield command, printed


def carried_out(command: str) -> Ran:
    program, *words = shlex.split(command)
    assert program == "salvage"
    return salvage(*(ROOT / word if word.startswith("examples/") else word for word in words))


@pytest.mark.slow  # it compiles all rules three times
def test_the_page_prints_what_it_says(
    tmp_path: Path, changed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed.parent == tmp_path  # the pack of the page's second command
    monkeypatch.chdir(tmp_path)
    for language, name, text in _BLOCK.findall(PAGE.read_text()):
        if language == "yaml":
            (tmp_path / name).write_text(text)
    told = {command: carried_out(command) for command, _ in commands()}
    assert {command: ran.out for command, ran in told.items()} == dict(commands())
    assert [ran.code for ran in told.values()] == [1, 1]
