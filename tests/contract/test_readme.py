"""What the README shows is what happens: its commands are run, its alert is a real one."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.console import Ran, salvage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
COMMAND = ".venv/bin/salvage"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in their order."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return fence.findall(README.read_text())


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines]


@cache
def ran(command: str) -> Ran:
    """Run a command of the README from the top of the tree."""
    program, *words = shlex.split(command)
    assert program == COMMAND
    return salvage(*(ROOT / word if word.startswith("examples/") else word for word in words))


def the_command(name: str) -> str:
    (found,) = (line for line in commands() if line.startswith(f"{COMMAND} {name} "))
    return found


def missing(part: Any, whole: Any, path: str = "") -> Iterator[str]:
    """Where a part says something that the whole does not; of lists, elements may be left out."""
    match part, whole:
        case dict(), dict():
            for key, value in part.items():
                yield from missing(value, whole.get(key), f"{path}.{key}")
        case list(), list():
            rest = iter(whole)
            for number, value in enumerate(part):
                if not any(not list(missing(value, other)) for other in rest):
                    yield f"{path}[{number}]"
        case _ if part != whole:
            yield path


def test_every_command_is_one_of_those_tested_here() -> None:
    known = ["make demo", "make test", *map(the_command, ("replay", "backtest", "explain"))]
    assert commands() == known


def test_the_quoted_alert_is_the_one_that_is_printed() -> None:
    result = ran(the_command("replay"))
    assert (result.code, result.err) == (0, "")
    (block,) = blocks("json")
    assert len(result.lines) == 2  # "prints two alerts"; "this is the second"
    assert list(missing(json.loads(block), result.lines[1])) == []


def test_what_is_not_printed_would_be_noticed() -> None:
    whole = {"a": 1, "b": [{"c": 1, "d": 2}, {"c": 2}]}
    assert list(missing({"b": [{"c": 1}, {"c": 2}]}, whole)) == []
    assert list(missing({"b": [{"c": 2}, {"c": 1}]}, whole)) == [".b[1]"]
    assert list(missing({"a": 2, "x": 0}, whole)) == [".a", ".x"]


def test_the_alert_comes_before_the_recorded_change_as_told() -> None:
    with (ROOT / "examples" / "cohort-small.labels.csv").open(newline="") as table:
        switches = {row["patient_id"]: row["recorded_switch_on"] for row in csv.DictReader(table)}
    alert = ran(the_command("replay")).lines[1]
    assert (alert["onset"][:10], alert["at"][:10]) == ("2024-07-24", "2024-07-27")
    assert switches[alert["patient_id"]] == "2024-09-23"
    assert "taken on 24 July and could be known on the 27th" in README.read_text()
    assert "changed on 23 September" in README.read_text()


def test_the_back_test_agrees_with_the_known_truth() -> None:
    result = ran(the_command("backtest"))
    assert (result.code, result.err) == (0, "")
    for word in ("SENSITIVITY", "PREDICTIVE VALUE", "PER 100 MONTHS", "LEAD DAYS"):
        assert word in result.out.splitlines()[0]
    assert result.out.endswith(", 0 differences\n")


def test_the_quoted_explanation_is_what_is_printed() -> None:
    result = ran(the_command("explain"))
    assert (result.code, result.err) == (0, "")
    (block,) = blocks("text")
    assert len(block.splitlines()) > 4
    assert block in result.out


def test_the_patients_are_as_many_as_told() -> None:
    with (ROOT / "examples" / "cohort-small.labels.csv").open(newline="") as table:
        assert len({row["patient_id"] for row in csv.DictReader(table)}) == 12
    assert "Twelve synthetic patients" in README.read_text()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--patients", r"simulates (\d+) synthetic patients"),
        ("--months", r"over (\d+) months"),
        ("--seconds", r"in (\d+) seconds"),
        ("--port", r"on port (\d+)"),
    ],
)
def test_the_demo_is_as_told(option: str, told: str) -> None:
    help_text = " ".join(salvage("demo", "--help").out.split())
    match = re.search(rf"{option} [A-Z]+ .*?default: (\d+)", help_text)
    assert match is not None
    assert re.findall(told, README.read_text()) == [match[1]]


def rehearsed(target: str) -> str:
    """What `make TARGET` would run."""
    make = shutil.which("make")
    assert make is not None
    command = [make, "--dry-run", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_demo_runs_the_demo() -> None:
    made = rehearsed("demo")
    assert f"{COMMAND} demo" in made


def test_the_demo_shows_alerts_raised_and_taken_back() -> None:
    command = [sys.executable, "-m", "services.cli", "demo", "--no-serve", "--seconds", "0"]
    shown = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout
    for state in ("suspected", "confirmed", "refuted", "retracted", "overdue"):
        assert re.search(rf"^\d{{4}}-\d\d-\d\d .*\b{state}\b", shown, re.MULTILINE), state
    assert re.search(r"^rule +stand +taken back$", shown, re.MULTILINE)


def test_make_test_runs_what_is_told() -> None:
    made = rehearsed("test")
    for tool in ("ruff format", "ruff check", "mypy", "pytest"):
        assert tool in made


def test_the_map_names_what_is_in_the_tree() -> None:
    section = README.read_text().partition("## Where things are")[2].partition("\n## ")[0]
    places = re.findall(r"^\| `([^`]+)/` \|", section, re.MULTILINE)
    assert len(places) > 8
    assert [place for place in places if not (ROOT / place).is_dir()] == []
