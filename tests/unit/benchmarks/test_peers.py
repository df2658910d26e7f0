"""The peers' benchmark: its streams, its verdicts, its table, and one peer that needs nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from benchmarks.peers import __main__ as command
from benchmarks.peers import page, streams
from benchmarks.peers.environments import BUILD, Here, Npm, Pip, Unavailable
from benchmarks.peers.programs.machine import Machine
from benchmarks.peers.programs.stand import read_lines, read_rows
from benchmarks.peers.roster import PEERS, Peer
from benchmarks.peers.table import (
    OURS,
    REACHES,
    Answer,
    Row,
    Verdict,
    cells,
    lines,
    markdown,
    ratio,
    reaches,
)
from benchmarks.workload import tidy

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.programs.stand import Alert

A, B, C = (("HOSP|1", "BENCH-PSA", name) for name in "abc")
RIGHT: frozenset[Alert] = frozenset({A, B})


def answer(*alerts: Alert, seconds: float = 0.5, rss_mb: int = 20) -> Answer:
    return Answer(1_000, seconds, rss_mb, frozenset(alerts))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> streams.Work:
    return streams.write(tmp_path_factory.mktemp("work"), patients=30, seed=5)


# ---------------------------------------------------------------- verdicts and table


def test_missed_and_false_alerts_are_told_apart() -> None:
    assert Verdict.of({A, C}, RIGHT) == Verdict(missed=1, false=1)
    assert Verdict.of(RIGHT, RIGHT).right
    assert not Verdict.of({A}, RIGHT).right
    assert not Verdict.of({A, B, C}, RIGHT).right


def test_a_row_says_what_was_measured() -> None:
    answers = {"in_order": answer(A, B), "untidy": answer(A, rss_mb=30, seconds=9)}
    row = Row.of("peer", "1.0", "a note", answers, RIGHT)
    assert (row.us_per_event, row.rss_mb, row.events) == (500.0, 30, 1_000)
    assert (row.right_in_order, row.right_untidy, row.right_shuffled) == (True, False, None)
    assert Row.from_json(json.loads(json.dumps(row.as_json()))) == row


def test_the_promised_names_are_in_the_json() -> None:
    told = Row.absent("peer", "1.0", "", "no java on this machine").as_json()
    wanted = {"name", "us_per_event", "right_in_order", "right_untidy", "rss_mb", "reason"}
    assert wanted <= told.keys()
    assert (told["us_per_event"], told["right_in_order"], told["rss_mb"]) == (None, None, None)


def test_ratios_are_told_in_our_time() -> None:
    ours = Row.of(OURS, "", "", {"in_order": answer(A, B, seconds=0.25)}, RIGHT)
    peer = Row.of("peer", "1.0", "", {"in_order": answer(A, B)}, RIGHT)
    absent = Row.absent("other", "2.0", "", "pip could not install other==2.0")
    assert ratio(peer, [ours, peer]) == pytest.approx(2.0)
    assert ratio(peer, [peer]) is None
    assert ratio(absent, [ours, absent]) is None


@pytest.mark.parametrize(("seconds", "word"), [(0.5, "reached"), (0.49, "missed")])
def test_an_aim_is_told_with_what_came_of_it(seconds: float, word: str) -> None:
    ours = Row.of(OURS, "", "", {"in_order": answer(A, B)}, RIGHT)
    drools = Row.of("Drools", "10", "", {"in_order": answer(A, B, seconds=seconds)}, RIGHT)
    (told,) = reaches([ours, drools])
    assert told.startswith(f"{OURS}: at least 1 times the speed of Drools: ")
    assert told.endswith(word)
    assert reaches([ours, Row.absent("Drools", "10", "", "no java on this machine")]) == []


def test_every_aim_is_about_peers_that_there_are() -> None:
    assert {r.other for r in REACHES} | {r.ours for r in REACHES} <= {p.name for p in PEERS}


def test_an_absent_peer_is_in_the_table_with_its_reason_and_no_number() -> None:
    absent = Row.absent("other", "2.0", "a note", "no node on this machine")
    told = cells(absent, [absent])
    assert told == ("other 2.0", *"------", "not measured: no node on this machine")
    assert "no node on this machine" in "\n".join(lines([absent]))


def test_wrong_alerts_are_told_in_numbers() -> None:
    row = Row.of("peer", "", "", {"in_order": answer(A, B), "untidy": answer(A, C)}, RIGHT)
    assert cells(row, [row])[4:7] == ("right", "1 missed, 1 false", "-")
    assert "| right | 1 missed, 1 false | - |" in "\n".join(markdown([row]))


def test_our_wrong_alert_is_a_failure_and_a_peer_s_is_none() -> None:
    wrong = Row.of("peer", "", "", {"in_order": answer(A)}, RIGHT)
    assert command._code([wrong], asked=True) == 0  # noqa: SLF001
    assert command._code([replace(wrong, name=OURS)], asked=False) == 1  # noqa: SLF001
    absent = Row.absent("other", "2.0", "", "no node on this machine")
    assert command._code([absent], asked=False) == 0  # noqa: SLF001
    assert command._code([absent], asked=True) == 1  # noqa: SLF001
    assert command._code([replace(absent, name=OURS)], asked=False) == 1  # noqa: SLF001


# ---------------------------------------------------------------- streams and programs


def test_the_streams_hold_the_same_results_and_differ_in_the_way(work: streams.Work) -> None:
    rows = {name: read_rows(folder) for name, folder in work.folders.items()}
    assert {name: len(several) for name, several in rows.items()} == work.sizes
    latest = {
        name: {row.event: row[:6] for row in sorted(several, key=lambda row: row.issued)}
        for name, several in rows.items()
    }
    assert latest["in_order"] == latest["untidy"] == latest["shuffled"]
    assert sorted(rows["untidy"][1:]) != sorted(rows["in_order"][1:])
    assert all(len(read_lines(work.folders[name])) == work.sizes[name] for name in rows)


def test_a_row_is_the_line_in_whole_numbers() -> None:
    message = next(m for m in tidy(Random(5), 30, 60) if b'"psa"' in m.line)  # noqa: S311
    fields = json.loads(message.line)
    row = streams.row_of(message)
    assert (row.event, row.analyte) == (fields["event_id"], "psa")
    assert f"{row.value // 100}.{row.value % 100:02}" == fields["value"]
    assert row.high == 400


@pytest.mark.parametrize("name", ["untidy", "in_order"])
def test_the_machine_of_the_stream_engines_is_the_hand_written_one(
    work: streams.Work, name: str
) -> None:
    patients: dict[str, Machine] = {}
    alerts = set()
    for row in read_rows(work.folders[name]):
        alerts.add(patients.setdefault(row.patient, Machine()).take(row))
    assert (alerts - {None} == work.right) is (name == "in_order")
    assert len(work.right) > 20


def test_a_peer_that_needs_nothing_is_run_and_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "peers.json"
    words = ["--patients", "30", "--passes", "1", "--only", "hand", "--json", str(out)]
    assert command.main(words) == 0
    (row,) = json.loads(out.read_text())["rows"]
    assert (row["right_in_order"], row["right_untidy"], row["reason"]) == (True, False, None)
    assert row["us_per_event"] > 0
    assert row["rss_mb"] > 5
    assert "by hand, from events" in capsys.readouterr().out


def test_a_program_that_fails_is_no_number() -> None:
    with pytest.raises(Unavailable, match="ended with 1"):
        command.ran([*Here("with_polars").command()[:1], "-c", "raise SystemExit(1)"])
    with pytest.raises(Unavailable, match="no answer"):
        command.ran([*Here("by_hand").command()[:1], "-c", "print('hello')"])


def test_what_can_t_be_installed_is_told_without_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.peers.environments.BUILD", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match=r"^no node on this machine$"):
        Npm("cql", ("cql-execution@3.3.2",)).command()
    monkeypatch.setattr("benchmarks.peers.environments.sys.executable", str(tmp_path / "none"))
    with pytest.raises(Unavailable, match=r"^no venv$"):
        Pip("polars", ("polars==2.1.0",)).command()
    assert not (tmp_path / "polars" / "complete").exists()


def test_the_roster_pins_every_version_and_lives_outside_our_environment() -> None:
    assert BUILD.parts[-2:] == ("build", "peers")
    assert len({peer.key for peer in PEERS}) == len(PEERS)
    assert all(_pinned(peer) for peer in PEERS)
    assert {
        "polars",
        "duckdb",
        "bytewax-256",
        "pathway",
        "cql-each",
        "drools",
        "flink",
        "quix",
    } <= {peer.key for peer in PEERS}


def _pinned(peer: Peer) -> bool:
    return isinstance(peer.environment, Here) or peer.environment.version[0].isdigit()


# ---------------------------------------------------------------- the page


def test_the_page_is_what_the_measured_run_gives() -> None:
    assert page.PAGE.read_text() == page.written(json.loads(page.MEASURED.read_text()))


def test_the_measured_run_is_of_everybody_and_ours_is_right() -> None:
    rows = [Row.from_json(row) for row in json.loads(page.MEASURED.read_text())["rows"]]
    assert [row.name for row in rows] == [peer.name for peer in PEERS]
    ours = next(row for row in rows if row.name == OURS)
    assert (ours.right_in_order, ours.right_untidy, ours.right_shuffled) == (True, True, True)
