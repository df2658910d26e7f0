"""`salvage rules`, as a person and as a program see it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest

from services.detector.rulebook.console import register

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
rule: PROST-PHOENIX
cases:
- id: A
  note: two above the nadir
  ctx: {rt_end: 2020-06-01, modality: ebrt}
  obs:
  - {t: 2021-12-01, psa: 0.5}
  - {t: 2023-06-01, psa: 2.5}
  expect: [{at: 2023-06-01, state: confirmed}]
"""


def salvage(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True))
    args = parser.parse_args(["rules", *map(str, words)])
    code: int = args.run(args)
    return code


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "some.cases.yaml"
    path.write_text(GOOD)
    return path


def test_passing_cases_are_counted_and_what_they_leave_open_is_said(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert salvage("test", "--vectors", cases) == 0
    first, second, *gaps, last = capsys.readouterr().out.splitlines()
    assert (first, second) == ("PROST-PHOENIX: 1 cases", "  no case in which it is silent")
    assert all(line.startswith("  not on both sides: ") for line in gaps)
    assert any("psa <= nadir(psa) + 0.2 ng/mL: never asked" in line for line in gaps)
    assert last == "1 passed, 0 failed, 0 skipped"


def test_a_failing_case_is_named_with_both_verdicts(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases.write_text(GOOD.replace("psa: 2.5", "psa: 2.4"))
    assert salvage("test", "--vectors", cases) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"FAILED PROST-PHOENIX A ({cases}:3:3): the verdict differs",
        "  two above the nadir",
        "  delivered straight",
        "  expected  at: 2023-06-01, state: confirmed",
        "  got       nothing",
        "0 passed, 1 failed, 0 skipped",
    ]


def test_a_case_of_no_rule_fails(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A catalogue whose rule has no pack is not covered."""
    cases.write_text(GOOD.replace("PROST-PHOENIX", "PROST-TO-COME"))
    assert salvage("test", "--vectors", cases) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"FAILED PROST-TO-COME A ({cases}:3:3): there is no rule PROST-TO-COME",
        "  two above the nadir",
        "0 passed, 1 failed, 0 skipped",
    ]


def test_a_case_of_a_rule_that_the_site_does_not_use_is_skipped(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("rules:\n  PROST-PHOENIX: {enabled: false}\n")
    assert salvage("test", "--vectors", cases, "--site", site) == 0
    assert capsys.readouterr().out.splitlines() == [
        "skipped 1: PROST-PHOENIX is not in use",
        "0 passed, 0 failed, 1 skipped",
    ]


def test_a_rule_that_is_asked_for_by_name_must_be_there(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert salvage("test", "--vectors", cases, "--rule", "PROST-TO-COME") == 1
    assert capsys.readouterr().err == "there is no rule PROST-TO-COME\n"
    assert salvage("test", "CML-ELN", "--vectors", cases) == 1
    assert capsys.readouterr().err == "there is no case of CML-ELN\n"


def test_only_the_cases_of_the_rule_asked_for_run(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases.write_text(GOOD + "---\n" + GOOD.replace("PROST-PHOENIX", "PROST-TO-COME"))
    assert salvage("test", "PROST-PHOENIX", "--vectors", cases) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_programs_get_the_outcome_of_each_case(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases.write_text(GOOD.replace("psa: 2.5", "psa: 2.4"))
    assert salvage("test", "--vectors", cases, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["failed"], told["skipped"]) == (0, 1, 0)
    (case,) = told["cases"]
    assert (case["rule"], case["id"], case["status"]) == ("PROST-PHOENIX", "A", "failed")
    assert case["expected"] == ["at: 2023-06-01, state: confirmed"]


def test_a_file_that_is_no_case_file_is_named(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases.write_text("rule: R\ncases: 3\n")
    assert salvage("test", "--vectors", cases) == 2
    assert capsys.readouterr().err == f"{cases}:2:8: not a list (expected a list)\n"
    assert salvage("test", "--vectors", cases.with_name("absent.yaml")) == 2


def test_the_packs_are_checked_when_no_path_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert salvage("check") == 0
    assert capsys.readouterr().out == "no mistakes\n"


def test_mistakes_are_printed_with_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("rule: ODD\nkid: failure\n")
    assert salvage("check", path) == 1
    assert f"{path}:2:1: " in capsys.readouterr().out
    assert salvage("check", tmp_path, "--json") == 1
    errors = json.loads(capsys.readouterr().out)
    assert {(e["line"], e["column"]) for e in errors} >= {(2, 1)}


def test_the_list_shows_versions_cases_and_marks(capsys: pytest.CaptureFixture[str]) -> None:
    assert salvage("list", "--json") == 0
    rows = {row["rule"]: row for row in json.loads(capsys.readouterr().out)}
    phoenix = rows["PROST-PHOENIX"]
    assert phoenix["kind"] == "failure"
    assert len(phoenix["version"]) == 16
    assert phoenix["cases"] >= 5
    assert phoenix["confidence"]["H"] >= 1
    assert salvage("list") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["RULE", "KIND", "VERSION", "CASES", "CONFIDENCE", "TITLE"]
    assert len(lines) == len(rows)
