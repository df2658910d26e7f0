"""A laboratory that speaks HL7 v2 through HAPI, and a server that is killed while it listens.

`python -m support.hapi`, with `tests` on the path, is the whole run: `make peer-hapi`.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.embedded.store import FILE_NAME
from services.ingest.journal import State
from support.mllp import HERE, PATIENCE, entries

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "integration" / "hapi"
JARS = ROOT / "build" / "hapi"
DEADLINE = 1200.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent, and how often the server is killed meanwhile."""

    messages: int
    connections: int
    window: int
    kills: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. Of the four last ones there ought to be none.

    Attributes:
        accepted: messages that the laboratory was told are kept.
        repeats: messages that it sent again although we had them; they were told apart.
        seconds: from the first to the last answer.
        refused: answers that were anything but AA.
        lost: accepted, and not in the journal.
        twice: in the journal, and to be processed, more than once.
        unread: accepted, and no fact of ours.
    """

    accepted: int
    repeats: int
    seconds: float
    refused: int
    lost: int
    twice: int
    unread: int

    @property
    def good(self) -> bool:
        """Whether nothing was refused, lost, doubled or left unread."""
        return not (self.refused or self.lost or self.twice or self.unread)


def missing() -> str | None:
    """What this machine lacks to run the laboratory; None if nothing."""
    tools = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"no {' and no '.join(tools)} on this machine to run HAPI with" if tools else None


def fetch() -> None:
    """Let Maven put HAPI where the laboratory looks for it, unless it is there."""
    newest = JARS.stat().st_mtime if JARS.is_dir() else 0.0
    if newest < (FOLDER / "pom.xml").stat().st_mtime:
        command = ["mvn", "-q", "-B", "-f", str(FOLDER / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run([*command, f"-DoutputDirectory={JARS}"], check=True, timeout=300)
        JARS.touch()


class Laboratory(threading.Thread):
    """The Java process, and what it says."""

    def __init__(self, port: int, plan: Plan) -> None:
        super().__init__(daemon=True)
        numbers = (port, plan.connections, plan.messages // plan.connections, plan.window)
        command = ["java", "-Xmx512m", "-cp", f"{JARS}/*", str(FOLDER / "Peer.java")]
        self._process = subprocess.Popen(
            [*command, *map(str, numbers)], stdout=subprocess.PIPE, text=True
        )
        self.accepted: list[str] = []
        self.refused: list[str] = []

    def run(self) -> None:
        """Listen to it until it has done."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            verdict, control, _ = line.split(maxsplit=2)
            (self.accepted if verdict == "ACCEPTED" else self.refused).append(control)

    def stop(self) -> None:
        """End it, done or not."""
        self._process.kill()
        self.join(PATIENCE)
        self._process.communicate()


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    """A server: `salvage run`, which receives and evaluates at the same time."""
    words = ["run", "--data", str(data), "--port", "0", "--mllp", f"{HERE}:{port}"]
    command = [sys.executable, "-m", "services.cli", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def batter(plan: Plan, data: Path) -> Outcome:
    """Send everything, while the server is killed and started again; then look at what is kept."""
    port = _free_port()
    server, laboratory = start(data, port), Laboratory(port, plan)
    deadline, began = time.monotonic() + DEADLINE, 0.0
    laboratory.start()
    try:
        for kill in range(1, plan.kills + 1):
            while len(laboratory.accepted) < plan.messages * kill // (plan.kills + 1):
                began = began or (time.monotonic() if laboratory.accepted else 0.0)
                _in_time(deadline, server, laboratory)
            server.send_signal(signal.SIGKILL)
            server.wait(PATIENCE)
            if len(laboratory.accepted) >= plan.messages:
                raise ChildProcessError("killed after the end, and not in the middle")
            server = start(data, port)
        while laboratory.is_alive():
            _in_time(deadline, server, laboratory)
        seconds = time.monotonic() - began
        server.terminate()
        server.wait(DEADLINE)
    finally:
        laboratory.stop()
        server.kill()
        server.wait()
    return _judge(laboratory, data, seconds)


def _free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _in_time(deadline: float, server: subprocess.Popen[bytes], laboratory: Laboratory) -> None:
    if server.poll() is not None:
        raise ChildProcessError(f"the server ended by itself: {server.returncode}")
    if time.monotonic() > deadline:
        raise TimeoutError(f"{len(laboratory.accepted)} accepted, and no end")
    time.sleep(0.005)


def _judge(laboratory: Laboratory, data: Path, seconds: float) -> Outcome:
    command = [sys.executable, "-m", "services.cli", "run", "--data", str(data), "--once"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=DEADLINE)
    found = entries(data)
    kept = Counter(entry.control for entry in found if entry.state is State.NEW)
    with sqlite3.connect(data / FILE_NAME) as store:
        raw = dict(store.execute("SELECT bytes, times FROM raw").fetchall())
        ((facts,),) = store.execute("SELECT COUNT(*) FROM facts").fetchall()
    store.close()
    accepted = set(laboratory.accepted)
    return Outcome(
        accepted=len(accepted),
        repeats=sum(entry.state is State.REPEAT for entry in found),
        seconds=seconds,
        refused=len(laboratory.refused),
        lost=len(accepted - set(kept)),
        twice=sum(times - 1 for times in (*kept.values(), *raw.values())),
        unread=len(kept) - facts,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The whole run.

    Returns:
        0 if nothing was refused, lost, doubled or left unread; 1 if anything was.
    """
    parser = argparse.ArgumentParser(prog="make peer-hapi")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--window", type=int, default=4, help="under way on each connection")
    parser.add_argument("--kills", type=int, default=20)
    plan = Plan(**vars(parser.parse_args(argv)))
    fetch()
    with tempfile.TemporaryDirectory() as data:
        found = batter(plan, Path(data))
    sys.stdout.write(
        f"{'PASS' if found.good else 'FAIL'}  {found.accepted:,} of {plan.messages:,} accepted on"
        f" {plan.connections} connections with {plan.kills} kills in {found.seconds:,.0f} s:"
        f" {found.lost} lost, {found.twice} twice, {found.unread} unread, {found.refused} refused,"
        f" {found.repeats} sent again and told apart\n"
    )
    return 0 if found.good and found.accepted == plan.messages else 1


if __name__ == "__main__":
    sys.exit(main())
