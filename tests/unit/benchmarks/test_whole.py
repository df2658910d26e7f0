"""The benchmark of the whole catalogue measures what it says, and sees an alert that is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.living import all_rules

from benchmarks.whole import streams
from benchmarks.whole.names import DURABLE, ENGINE, IN_ORDER, ORDERS, SHUFFLED, UNTIDY
from benchmarks.whole.report import LEAST, Report, Row
from benchmarks.whole.streams import Work, write
from benchmarks.whole.ways import WAYS, Taken, standing

if TYPE_CHECKING:
    from pathlib import Path

PATIENTS, SEED = 8, 5


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return write(tmp_path_factory.mktemp("streams"), PATIENTS, SEED)


def lines(work: Work, order: str) -> list[bytes]:
    return (work.folders[order] / "events.jsonl").read_bytes().splitlines()


# -- the work


def test_the_same_arguments_give_the_same_bytes_however_many_are_in_memory(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_TOGETHER", 3)
    again = write(tmp_path, PATIENTS, SEED)
    assert [lines(again, order) for order in ORDERS] == [lines(work, order) for order in ORDERS]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in-order", "shuffled", "untidy"]


def test_each_order_is_what_it_is_called(work: Work) -> None:
    tidy, untidy, shuffled = (lines(work, order) for order in ORDERS)
    assert work.events == {
        IN_ORDER: len(tidy),
        UNTIDY: len(untidy),
        SHUFFLED: len(shuffled),
    }
    issued = [json.loads(line)["issued_at"] for line in tidy]
    assert issued == sorted(issued)
    assert sorted(untidy) == sorted(shuffled) != shuffled
    assert untidy not in (sorted(untidy), shuffled)
    twice, wrong = len(untidy) - len(set(untidy)), len(set(untidy) - set(tidy))
    assert 0.02 < twice / len(tidy) < 0.04
    assert 0.02 < wrong / len(tidy) < 0.06  # one that is wrong, and one that corrects it


# -- the ways


@pytest.mark.slow
def test_all_ways_and_orders_end_in_the_same_alerts(work: Work) -> None:
    taken = {
        (way, order): WAYS[way](work.folders[order], all_rules())
        for way in WAYS
        for order in ORDERS
    }
    assert len({one.standing for one in taken.values()}) == 1
    assert len(taken[ENGINE, IN_ORDER].standing) > PATIENTS // 2
    assert all(one.slices and one.memory_mb > 0 for one in taken.values())
    assert [turn for turn, one in taken.items() if one.file_bytes] == [
        (DURABLE, order) for order in ORDERS
    ]


def test_what_stands_is_told_by_its_last_step_and_its_facts() -> None:
    def told(*steps: list[object]) -> frozenset[bytes]:
        return standing([("HOSP|1", [{"rule": "R", "course": None, "steps": list(steps)}])])

    first = ["fails", "suspected", "a", "[('LAB', '1', 5, 'trigger')]", 1]
    assert told(first) == told(["fails", "retracted", "x", "[]", 1], first)
    later_version = "[('LAB', '1', 9, 'trigger')]"
    assert told(first) == told([*first[:3], later_version, 2])
    assert told(first) != told([*first[:3], "[('LAB', '2', 5, 'trigger')]", 1])
    assert told(first) != told(["other", *first[1:]])
    assert told(first, ["fails", "refuted", "b", "[]", 1]) == frozenset()


# -- what is said of it


def row(way: str, us: float, order: str = IN_ORDER, missed: int = 0) -> Row:
    return Row(way, order, 1_000, us, 50, 0, 10, missed, 0)


REPORT = Report({"patients": 9}, [row(ENGINE, 10.0), row(DURABLE, 1e6 / LEAST)])


def test_the_best_time_of_each_slice_counts() -> None:
    right = frozenset({b"a", b"b"})
    one = Taken((1.0, 5.0), right, 10, 800)
    two = Taken((4.0, 2.0), right | {b"c"} - {b"a"}, 30, 800)
    found = Row.of(ENGINE, IN_ORDER, 100, [one, two], right)
    assert found.us_per_event == 30_000.0
    assert (found.memory_mb, found.file_bytes, found.alerts) == (30, 8, 3)
    assert (found.missed, found.false, found.right) == (0, 1, False)


def test_an_aim_that_is_missed_and_an_alert_that_is_missed_are_told() -> None:
    assert [line.rsplit(" ", 1)[1] for line in REPORT.aims()] == ["reached", "yes"]
    slower = replace(REPORT, rows=[REPORT.rows[0], row(DURABLE, 1e6 / LEAST + 1)])
    assert [line.rsplit(" ", 1)[1] for line in slower.aims()] == ["missed", "yes"]
    wrong = replace(REPORT, rows=[*REPORT.rows, row(ENGINE, 1.0, UNTIDY, missed=1)])
    assert not wrong.right
    assert "1 missed, 0 false" in "\n".join(wrong.lines())


def test_json_gives_the_report_back() -> None:
    assert Report.from_json(json.loads(json.dumps(REPORT.as_json()))) == REPORT
    assert len(list(REPORT.markdown())) == 2 + len(REPORT.rows)
