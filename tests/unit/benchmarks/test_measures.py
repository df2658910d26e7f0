"""What is measured is what is said to be measured, and a broken promise gives exit code 1."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks import __main__ as command
from benchmarks import history, memory, report, timing
from benchmarks.timing import Contender, best_of
from benchmarks.verdicts import Difference, Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RIGHT = Verdicts(
    alerts={"BENCH-PSA": 3},
    engine=dict.fromkeys(("tidy", "untidy", "shuffled"), Difference(0, 0)),
    hand_untidy=Difference(1, 2),
)
NAMES = (
    *(report.HAND, report.ENGINE_DECIDES, report.ENGINE, report.ENGINE_UNTIDY),
    *(report.ENGINE_SHUFFLED, report.HAND_MSGSPEC, report.HAND_JSON),
    *(report.BYTES_DECIDES, report.ENGINE_BYTES),
)
GOOD = report.Report(
    patients=2,
    events=120,
    line_bytes=400,
    seconds={**dict.fromkeys(NAMES, 2e-6), report.HAND_MSGSPEC: 0.5e-6},
    verdicts=RIGHT,
    history=tuple(history.Cost(size, 3e-6, 2e-6, 4e-6) for size in history.SIZES),
    patient_size=memory.Size(20_480, 15_000),
)
MISSED = replace(RIGHT, engine={**RIGHT.engine, "untidy": Difference(0, 1)})
BROKEN = {
    "a wrong alert": replace(GOOD, verdicts=MISSED),
    "too slow": replace(GOOD, seconds={**GOOD.seconds, report.ENGINE_BYTES: 2.1e-6}),
    "dear when untidy": replace(GOOD, seconds={**GOOD.seconds, report.ENGINE_UNTIDY: 2.5e-6}),
    "dear when shuffled": replace(GOOD, seconds={**GOOD.seconds, report.ENGINE_SHUFFLED: 4.1e-6}),
    "grows with the history": replace(
        GOOD, history=(*GOOD.history[:-1], history.Cost(10_000, 4.6e-6, 2e-6, 4e-6))
    ),
}


def test_the_best_of_each_slice_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes of two slices, 1+5 and 4+2 seconds: 1 and 2 are the best."""
    ticks = iter([0, 1, 1, 6, 6, 10, 10, 12])
    monkeypatch.setattr(timing, "process_time", lambda: float(next(ticks)))
    monkeypatch.setattr(timing, "SLICE", 2)
    seen: list[list[int]] = []

    def start() -> Callable[[Sequence[int]], None]:
        return lambda part: seen.append(list(part))

    assert best_of([Contender("one", start, [1, 2, 3])], 2) == {"one": 1.0}
    assert seen == [[1, 2], [3], [1, 2], [3]]


def test_all_promises_kept() -> None:
    assert not GOOD.failed
    assert GOOD.bytes_ratio == pytest.approx(0.25)
    assert all(line.startswith("PASS") for line in list(GOOD.lines())[-len(GOOD.reaches()) :])


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_promise_is_said(
    broken: report.Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [reach.met for reach in broken.reaches()].count(False) == 1
    monkeypatch.setattr(command, "measure", lambda *_: broken)
    assert command.main([]) == 1
    assert capsys.readouterr().out.count("FAIL  ") == 1


def test_json_has_all_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "measure", lambda *_: GOOD)
    assert command.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["microseconds_per_event"]) == set(NAMES)
    assert [row["facts"] for row in found["history_microseconds"]] == list(history.SIZES)
    assert all(reach["met"] for reach in found["reaches"])
    assert set(found["machine"]) == {"python", "system", "cores"}


def test_every_length_of_history_gets_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """`measure` refuses to compare costs when the alerts of the timed events differ."""
    monkeypatch.setattr(history, "SIZES", (10, 100, 600))
    assert [cost.facts for cost in history.measure(rounds=1)] == [10, 100, 600]
    monkeypatch.setattr(history, "_PEAKS", {})
    history._facts.cache_clear()  # noqa: SLF001
    with pytest.raises(history.UnequalWorkError):
        history.measure(rounds=1)
    history._facts.cache_clear()  # noqa: SLF001


def test_memory_is_counted() -> None:
    few, more = memory.per_patient(1, 5), memory.per_patient(1, 20)
    assert 1_000 < few.facts < more.facts
    assert 1_000 < few.beside < more.beside < more.whole


def test_the_smallest_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--events", "59"])
    assert "--events" in capsys.readouterr().err
