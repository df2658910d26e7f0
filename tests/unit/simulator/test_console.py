"""The command `salvage simulate`, and the example archive that it makes."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import pytest

from services.simulator.cohort import simulate
from services.simulator.console import register
from services.simulator.writers import event_lines, labels_csv, truth_csv

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SMALL = ["simulate", "--patients", "12", "--seed", "38"]


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="salvage")
    register(parser.add_subparsers(required=True))
    args = parser.parse_args(arguments)
    return int(args.run(args))


def test_the_examples_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    assert run(*SMALL, "--out", str(tmp_path)) == 0
    for made, kept in (
        ("cohort.jsonl", "cohort-small.jsonl"),
        ("truth.csv", "cohort-small.truth.csv"),
        ("labels.csv", "cohort-small.labels.csv"),
    ):
        assert (tmp_path / made).read_bytes() == (EXAMPLES / kept).read_bytes(), kept


def test_the_examples_are_small_and_varied() -> None:
    small = simulate(38, 12, date(2024, 1, 1), 24)
    assert len(small.events) <= 1000
    states = {verdict.state for verdict in small.truth}
    assert {"none", "suspected", "confirmed", "refuted", "retracted", "overdue"} <= states


@pytest.mark.parametrize("name", ["events", "hl7", "fhir"])
def test_standard_output_and_a_folder_get_the_same_bytes(
    name: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("simulate", "--patients", "3", "--format", name) == 0
    printed = capfdbinary.readouterr().out
    assert run("simulate", "--patients", "3", "--format", name, "--out", str(tmp_path)) == 0
    (written,) = [path for path in tmp_path.iterdir() if path.name.startswith("cohort")]
    assert written.read_bytes() == printed


def test_truth_goes_where_it_is_asked_for(tmp_path: Path) -> None:
    truth, labels = tmp_path / "t.csv", tmp_path / "l.csv"
    assert run(*SMALL, "--truth", str(truth), "--labels", str(labels)) == 0
    cohort = simulate(38, 12, date(2024, 1, 1), 24)
    assert truth.read_bytes() == truth_csv(cohort.truth)
    assert labels.read_bytes() == labels_csv(cohort.labels)


def test_start_moves_the_cohort(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(*SMALL, "--start", "2020-02-29") == 0
    moved = simulate(38, 12, date(2020, 2, 29), 24)
    assert capfdbinary.readouterr().out == b"".join(event_lines(moved.dispatches))


@pytest.mark.parametrize(
    "wrong",
    [
        ("--patients", "0"),
        ("--patients", "many"),
        ("--months", "5"),
        ("--start", "2024-02-30"),
        ("--format", "pdf"),
    ],
)
def test_a_wrong_argument_ends_with_2(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run("simulate", *wrong)
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(*SMALL, "--out", str(tmp_path / "file" / "below")) == 2
    assert "salvage simulate:" in capsys.readouterr().err
