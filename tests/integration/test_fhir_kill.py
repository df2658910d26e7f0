"""The process is killed while Bundles are posted: no acknowledged one is lost, and none doubled."""

from __future__ import annotations

import http.client
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
from support.fhir import bundle, encoded, psa
from support.mllp import HERE, PATIENCE, entries
from support.rest import Client

from services.embedded.store import FILE_NAME
from services.ingest.journal import State

ROOT = Path(__file__).resolve().parents[2]
SENDERS, EACH, KILLS = 4, 40, 2


class Hospital(threading.Thread):
    """Posts its Bundles in order, and whatever was not acknowledged again."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.bundles = [
            encoded(bundle(psa(id=f"s{number}m{at}"), kind="transaction")) for at in range(EACH)
        ]
        self.acknowledged = 0
        self.refused: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        while self.acknowledged < EACH and not self.over.is_set():
            try:
                with Client(self.port) as client:
                    self._go_on(client)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def _go_on(self, client: Client) -> None:
        while self.acknowledged < EACH:
            status = client.post(self.bundles[self.acknowledged]).status
            if status != 200:
                self.refused.append(status)
                return
            self.acknowledged += 1


def started(data: Path, port: int) -> subprocess.Popen[bytes]:
    words = ["ingest", "--data", str(data), "--fhir", f"{HERE}:{port}"]
    command = [sys.executable, "-m", "services.cli", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_taken_twice(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    hospitals = [Hospital(port, number) for number in range(SENDERS)]
    total, deadline = SENDERS * EACH, time.monotonic() + 80
    process = started(data, port)
    try:
        for hospital in hospitals:
            hospital.start()
        for kill in range(1, KILLS + 1):
            while sum(one.acknowledged for one in hospitals) < total * kill // (KILLS + 1):
                assert time.monotonic() < deadline
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
            assert sum(one.acknowledged for one in hospitals) < total, "killed in the middle"
            process = started(data, port)
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
    assert [hospital.refused for hospital in hospitals] == [[]] * SENDERS

    everything = {raw for hospital in hospitals for raw in hospital.bundles}
    kept = Counter(entry.raw for entry in entries(data) if entry.state is State.NEW)
    assert set(kept) == everything, "what was acknowledged is in the journal"
    assert set(kept.values()) == {1}, "and to be processed once"

    command = [sys.executable, "-m", "services.cli", "run", "--data", str(data), "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    store = sqlite3.connect(data / FILE_NAME)
    ((facts,),) = store.execute("SELECT COUNT(*) FROM facts").fetchall()
    ((letters,),) = store.execute("SELECT COUNT(*) FROM deadletters").fetchall()
    store.close()
    assert (facts, letters) == (total, 0)
