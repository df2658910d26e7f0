"""`salvage run` as a process: files in, alerts and pages out, ended politely or by force."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.embedded.book import WardBook
from services.embedded.folder import owned
from services.embedded.store import FILE_NAME

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT / "examples" / "cohort-small.jsonl"
PATIENCE = 30.0

KILLER = """
import os, signal, sys
from services.cli import main
from services.embedded.feed import FolderFeed
from services.embedded.store import Store

method, count, *words = sys.argv[1:]
FolderFeed.batches.__defaults__ = (20,)  # forty transactions instead of four
whole, calls = getattr(Store, method), iter(range(1, sys.maxsize))

def deadly(*args, **named):
    if next(calls) == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args, **named)

setattr(Store, method, deadly)
raise SystemExit(main(words))
"""
"""Runs the command and kills its own process, without a chance to tidy up, at the n-th call."""

KILLS = [
    ("keep_raw", 1),
    ("add_fact", 130),
    ("set_mark", 95),
    ("add_revision", 2),
    ("outbox", 4),  # committed, nobody told
    ("set_delivered", 1),  # told, but not noted
    ("set_journal", 3),
    ("replace_rows", 77),
    ("set_meta", 5),
    ("keep_raw", 60),
]


def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli", "run", *words]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert result.returncode == code, result.stderr
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    return path


def published(data: Path) -> list[AlertRevision]:
    book = WardBook(data / FILE_NAME)
    found = [one for alert in book.alerts() for one in book.journal(alert.alert_id)]
    return sorted(found, key=lambda one: (one.alert_id, one.revision))


def told(output: str) -> list[tuple[str, int]]:
    lines = map(json.loads, output.splitlines())
    return [(line["alert_id"], line["revision"]) for line in lines]


def test_once_takes_what_is_there_and_a_second_run_says_nothing(
    tmp_path: Path, folder: Path
) -> None:
    (folder / "cohort.jsonl").write_bytes(COHORT.read_bytes())
    (folder / "bad.jsonl").write_text('{"patient_id": "HOSP|SECRET"}\n')
    words = ("--data", str(tmp_path / "data"), "--watch", str(folder), "--once", "--json")
    first = run(*words)
    assert sorted(told(first.stdout)) == [
        (one.alert_id, one.revision) for one in published(tmp_path / "data")
    ]
    assert "HOSP|" not in first.stdout + first.stderr
    assert "dead letter" in first.stderr
    assert run(*words).stdout == ""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_any_point_it_loses_and_doubles_nothing(tmp_path: Path, folder: Path) -> None:
    (folder / "cohort.jsonl").write_bytes(COHORT.read_bytes())
    tail = ("--watch", str(folder), "--once", "--json")
    run("--data", str(tmp_path / "straight"), *tail)
    heard: list[tuple[str, int]] = []
    for method, count in KILLS:
        words = ("run", "--data", str(tmp_path / "killed"), *tail)
        result = subprocess.run(
            [sys.executable, "-c", KILLER, method, str(count), *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert result.returncode == -signal.SIGKILL, (method, result.stderr)
        heard += told(result.stdout)
    heard += told(run("--data", str(tmp_path / "killed"), *tail).stdout)
    expected = published(tmp_path / "straight")
    assert expected
    assert published(tmp_path / "killed") == expected
    assert set(heard) == {(one.alert_id, one.revision) for one in expected}
    straight, killed = (WardBook(tmp_path / name / FILE_NAME) for name in ("straight", "killed"))
    assert killed.counts() == straight.counts()


class Process:
    """A running `salvage run` with its pages."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "services.cli", "run", "--port", "0", *words]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.log: list[dict[str, Any]] = []
        self.port = self.wait_for("serving")["port"]

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read the log up to an event; pytest's own time-out ends a wait in vain."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == event:
                return self.log[-1]
        raise AssertionError(f"ended without {event}: {self.log}")

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            return str(answer.read().decode())

    def end(self, by: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(by)
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_what_appears_and_ends_politely(
    tmp_path: Path, folder: Path, by: signal.Signals
) -> None:
    data = tmp_path / "data"
    lines = COHORT.read_bytes().splitlines(keepends=True)
    (folder / "early.jsonl").write_bytes(b"".join(lines[:400]))
    ward = Process("--data", str(data), "--watch", str(folder), "--json")
    try:
        ward.wait_for("batch")
        for address in ("/health", "/readyz", "/livez"):
            assert json.loads(ward.get(address)) == {"status": "ok"}
        (folder / "part").write_bytes(b"".join(lines[400:]))
        (folder / "part").rename(folder / "late.jsonl")
        while WardBook(data / FILE_NAME).counts()["facts"] < 778:
            ward.wait_for("batch")
        assert "salvage_facts_total 778.0" in ward.get("/metrics")
        assert "HOSP|" not in ward.get("/metrics")
        assert "<html" in ward.get("/")
        with pytest.raises(urllib.error.HTTPError, match="405"):
            urllib.request.urlopen(f"http://127.0.0.1:{ward.port}/health", data=b"x")
    finally:
        code, output = ward.end(by)
    assert code == 0
    assert sorted(told(output)) == [(one.alert_id, one.revision) for one in published(data)]
    assert not (data / f"{FILE_NAME}-wal").exists()  # the store was closed, not dropped


def test_hl7_files_are_read_too(tmp_path: Path, folder: Path) -> None:
    simulate = [sys.executable, "-m", "services.cli", "simulate", "--patients", "6", "--seed", "38"]
    subprocess.run(
        [*simulate, "--format", "hl7", "--out", str(folder)],
        cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    run("--data", str(tmp_path / "data"), "--watch", str(folder), "--once")
    counts = WardBook(tmp_path / "data" / FILE_NAME).counts()
    assert counts["patients"] == 6
    assert counts["alerts"] > 0


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (("--once",), "--once: needs --watch"),
        (("--watch", "nowhere"), "--watch"),
        (("--port", "70000"), "--port"),
        (("--site", "nowhere.yaml"), "--site"),
    ],
)
def test_unusable_settings_are_named(tmp_path: Path, words: tuple[str, ...], about: str) -> None:
    result = run("--data", str(tmp_path / "data"), *words, code=2)
    assert about in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_in_use_is_left_alone(tmp_path: Path, folder: Path) -> None:
    with owned(tmp_path / "data"):
        words = ("--data", str(tmp_path / "data"), "--watch", str(folder), "--once")
        assert "another process" in run(*words, code=2).stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    ward = Process("--data", str(tmp_path / "a"))
    try:
        result = run("--data", str(tmp_path / "b"), "--port", str(ward.port), code=2)
        assert "cannot listen" in result.stderr
    finally:
        assert ward.end(signal.SIGTERM)[0] == 0
