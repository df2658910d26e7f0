"""From the socket to the alert: what comes by MLLP says what the same messages in a file say."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.mllp import HERE, PATIENCE, Sender, code, entries, listening, oru

from services.embedded.book import WardBook
from services.embedded.store import FILE_NAME
from services.ingest.mllp.framing import frame
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.alerts import AlertRevision

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> None:
    command = [sys.executable, "-m", "services.cli", "run", *words, "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr


def published(data: Path) -> list[AlertRevision]:
    book = WardBook(data / FILE_NAME)
    found = [one for alert in book.alerts() for one in book.journal(alert.alert_id)]
    return sorted(found, key=lambda one: (one.alert_id, one.revision))


def test_a_cohort_by_mllp_raises_the_alerts_of_the_same_file(tmp_path: Path) -> None:
    cohort = list(messages(simulate(11, 12, date(2021, 1, 1), 12).dispatches))
    folder, by_file, by_wire = tmp_path / "in", tmp_path / "file", tmp_path / "wire"
    folder.mkdir()
    (folder / "cohort.hl7").write_bytes(b"".join(cohort))
    run("--data", str(by_file), "--watch", str(folder))
    with listening(by_wire) as listener, Sender(listener.port) as sender:
        sender.send(b"".join(map(frame, cohort)))
        answers = [code((sender.answer() or b"").decode()) for _ in cohort]
    assert all(answer.startswith("AA ") for answer in answers)
    run("--data", str(by_wire))
    expected = [one.digest for one in published(by_file)]
    assert len(expected) > 5
    assert [one.digest for one in published(by_wire)] == expected


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[int, int, subprocess.Popen[str]]]:
    """`salvage run` with both its ports."""
    words = ["run", "--data", str(tmp_path), "--port", "0", "--mllp", f"{HERE}:0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    ports: dict[str, int] = {}
    for line in process.stderr:
        told = json.loads(line)
        if "port" in told:
            ports[told["event"]] = told["port"]
        if "receiving" in ports:
            break
    yield ports["receiving"], ports["serving"], process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_message_is_a_fact_in_a_moment(
    tmp_path: Path, running: tuple[int, int, subprocess.Popen[str]]
) -> None:
    port, pages, process = running
    with Sender(port) as sender:
        assert code(sender.ask(oru("M1"))) == "AA M1"
        assert code(sender.ask(oru("M2", f9="MFN^M02"))) == "AR 200 M2"
    deadline = time.monotonic() + PATIENCE
    while WardBook(tmp_path / FILE_NAME).counts()["dead_letters"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert WardBook(tmp_path / FILE_NAME).counts()["facts"] == 1
    with urllib.request.urlopen(f"http://{HERE}:{pages}/health", timeout=PATIENCE) as health:
        assert json.loads(health.read()) == {"status": "ok"}
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert len(entries(tmp_path)) == 2


def test_only_one_receives_into_a_journal(
    tmp_path: Path, running: tuple[int, int, subprocess.Popen[str]]
) -> None:
    del running
    words = ["ingest", "--data", str(tmp_path), "--mllp", f"{HERE}:0"]
    command = [sys.executable, "-m", "services.cli", *words]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "another process receives" in done.stderr


def test_once_does_not_listen(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.cli", "run", "--data", str(tmp_path), "--once"]
    for words, told in (([], "a journal"), (["--mllp", f"{HERE}:0"], "without --mllp")):
        done = subprocess.run(
            [*command, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 2
        assert told in done.stderr
