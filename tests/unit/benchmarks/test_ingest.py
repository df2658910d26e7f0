"""The benchmark of what comes in: it measures what it says, and a broken promise gives code 1."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.ingest import __main__ as command
from benchmarks.ingest import readers
from benchmarks.ingest.disk import Kept
from benchmarks.ingest.pipeline import Way
from benchmarks.ingest.report import Report
from benchmarks.ingest.workload import results

GOOD = Report(
    messages=10,
    size=550.0,
    results=3.8,
    seconds={
        readers.PARSE: 20e-6,
        readers.MAP: 200e-6,
        readers.PYTHON_HL7: 400e-6,
        readers.HL7APY: 80e-3,
    },
    answered={1: 500.0, 16: 1_000.0},
    way=Way(10, 0.01, 0.02),
    disk=[Kept(1, 100.0, 200.0)],
)
BROKEN = {
    "mapping": replace(GOOD, seconds={**GOOD.seconds, readers.MAP: 201e-6}),
    "answering": replace(GOOD, answered={1: 1_000.0, 16: 999.0}),
}


def test_what_meets_its_reaches_passes() -> None:
    lines = list(GOOD.lines())
    assert [line[:4] for line in lines[-2:]] == ["PASS", "PASS"]
    assert not GOOD.failed
    assert any("parsed and mapped" in line and "5,000" in line and "2.0" in line for line in lines)


@pytest.mark.parametrize("what", BROKEN)
def test_what_misses_one_fails(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "measure", lambda *_: BROKEN[what])
    assert BROKEN[what].failed
    assert sum(line.startswith("FAIL") for line in BROKEN[what].lines()) == 1
    assert command.main([]) == 1


def test_the_messages_are_the_same_every_time_and_named_apart() -> None:
    work = results(1_300, 5)
    assert work == results(1_300, 5)
    assert len({raw.split(b"|")[9] for raw in work}) == len(work) == 1_300
    assert all(b"|ORU^R01" in raw for raw in work)


@pytest.mark.slow
def test_a_small_run_measures_everything(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--messages", "160", "--passes", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["messages"], set(found["answered"])) == (160, {"1", "16"})
    assert found["readers"][readers.PARSE] > found["readers"][readers.PYTHON_HL7]
    assert [one["group"] for one in found["disk"]] == [1, 8, 64]
    assert len(found["promises"]) == 2
