"""The process is killed in the middle of traffic, again and again: nothing is lost or doubled."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from support.mllp import HERE, PATIENCE, Sender, code, entries, oru

from services.embedded.store import FILE_NAME
from services.ingest.journal import State
from services.ingest.mllp.framing import frame

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS, EACH, KILLS = 8, 250, 5
WINDOW = 20
"""Messages that a sender has under way before it waits for an answer."""


class Hospital(threading.Thread):
    """Sends its messages in order, and whatever was not acknowledged again."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.messages = [oru(f"S{number}M{at}", person=f"{number}{at % 40}") for at in range(EACH)]
        self.ids = [f"S{number}M{at}" for at in range(EACH)]
        self.acknowledged = 0
        self.refused: list[str] = []
        self.over = threading.Event()

    def run(self) -> None:
        while self.acknowledged < EACH and not self.over.is_set():
            try:
                with Sender(self.port) as sender:
                    self._go_on(sender)
            except OSError:
                time.sleep(0.05)

    def _go_on(self, sender: Sender) -> None:
        sent = self.acknowledged
        while self.acknowledged < EACH:
            while sent < min(EACH, self.acknowledged + WINDOW):
                sender.send(frame(self.messages[sent]))
                sent += 1
            answer = sender.answer()
            if answer is None:
                return
            told = code(answer.decode())
            if told != f"AA {self.ids[self.acknowledged]}":
                self.refused.append(told)
                return
            self.acknowledged += 1


def start(words: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "services.cli", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def told(hospitals: list[Hospital]) -> int:
    return sum(hospital.acknowledged for hospital in hospitals)


def finished(data: Path) -> None:
    """Let whatever waits in the journal be taken."""
    command = [sys.executable, "-m", "services.cli", "run", "--data", str(data), "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr


def batter(words: list[str], port: int) -> list[Hospital]:
    """Send everything, while the process is killed and started again."""
    hospitals = [Hospital(port, number) for number in range(CONNECTIONS)]
    total, deadline = CONNECTIONS * EACH, time.monotonic() + 100
    process = start(words)
    try:
        for hospital in hospitals:
            hospital.start()
        for kill in range(1, KILLS + 1):
            while told(hospitals) < total * kill // (KILLS + 1):
                assert time.monotonic() < deadline
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
            assert told(hospitals) < total, "killed in the middle, not after the end"
            process = start(words)
        for hospital in hospitals:
            hospital.join(max(0.0, deadline - time.monotonic()))
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        for hospital in hospitals:
            hospital.over.set()
        if process.poll() is None:
            process.kill()
            process.wait()
    return hospitals


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "ingest"])
def test_nothing_is_lost_or_doubled_by_five_kills(command: str, tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    words = [command, "--data", str(data), "--mllp", f"{HERE}:{port}"]
    if command == "run":
        words += ["--port", "0"]
    hospitals = batter(words, port)
    assert told(hospitals) == CONNECTIONS * EACH
    assert [hospital.refused for hospital in hospitals] == [[]] * CONNECTIONS

    everything = {raw for hospital in hospitals for raw in hospital.messages}
    kept = Counter(entry.raw for entry in entries(data) if entry.state is State.NEW)
    assert set(kept) == everything, "what was acknowledged is in the journal"
    assert set(kept.values()) == {1}, "and to be processed once"

    finished(data)
    with sqlite3.connect(data / FILE_NAME) as store:
        raw = store.execute("SELECT bytes, times FROM raw").fetchall()
        ((facts,),) = store.execute("SELECT COUNT(*) FROM facts").fetchall()
        ((letters,),) = store.execute("SELECT COUNT(*) FROM deadletters").fetchall()
    store.close()
    assert {bytes(content) for content, _ in raw} == everything
    assert {times for _, times in raw} == {1}
    assert (facts, letters) == (len(everything), 0)
