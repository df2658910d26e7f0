"""Makes `COMMIT.*.sql`: the data folder that the software of an earlier commit leaves behind.

    python tests/operations/upgrade/make.py 056a3f0

That software itself takes in two synthetic patients of `examples/`, from a folder, and one result
by MLLP. What it wrote is kept as SQL text, so that a reader sees what it is; `test_upgrade.py`
makes files of it, opens them with the software of today, and goes on.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
COHORT = ROOT / "examples" / "cohort-small.jsonl"
PATIENTS = ("HOSP|000001", "HOSP|000012")
RESULT = (
    "MSH|^~\\&|LAB|HOSP|SALVAGE|WARD|20240801100000+0000||ORU^R01^ORU_R01|M1|P|2.5.1"
    "||||||UNICODE UTF-8\r"
    "PID|||000012^^^HOSP^MR\r"
    "OBR|1||ORD1^LAB|PANEL|||20240801080000+0000||||||||||||||||20240801100000+0000\r"
    "OBX|1|NM|777-3^^LN||150|10*3/uL|||||F\r"
)


def main(commit: str) -> None:
    """Make the files of a commit."""
    with TemporaryDirectory() as scratch:
        old, data = Path(scratch) / "old", Path(scratch) / "data"
        _unpacked(commit, old)
        _run(old, data)
        for path in sorted(data.glob("*.sqlite")):
            (HERE / f"{commit}.{path.stem}.sql").write_text(_text(path))


def _unpacked(commit: str, folder: Path) -> None:
    folder.mkdir()
    words = ["git", "-C", str(ROOT), "archive", commit, "services", "schemas"]
    packed = subprocess.run(words, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _run(old: Path, data: Path) -> None:
    inbox = data.with_name("in")
    inbox.mkdir()
    lines = COHORT.read_text().splitlines(keepends=True)
    mine = [line for line in lines if json.loads(line)["patient_id"] in PATIENTS]
    (inbox / "cohort.jsonl").write_text("".join(mine))
    command = [sys.executable, "-m", "services.cli", "run", "--data", str(data)]
    # The names of files are kept: these must tell nothing of this machine.
    words = [*command, "--watch", inbox.name, "--once"]
    subprocess.run(words, cwd=inbox.parent, env=_of(old), check=True)
    _receive([*command, "--port", "0", "--mllp", "127.0.0.1:0"], old)


def _of(old: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(old)}


def _receive(command: list[str], old: Path) -> None:
    """Send it a result, and wait until that is judged."""
    with subprocess.Popen(command, cwd=old, env=_of(old), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        told = map(json.loads, process.stderr)
        port = next(line["port"] for line in told if line["event"] == "receiving")
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(b"\x0b" + RESULT.encode() + b"\x1c\r")
            assert b"MSA|AA" in sender.recv(65536)
            next(line for line in told if line["event"] == "batch")
        process.send_signal(signal.SIGTERM)


def _text(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        (number,) = db.execute("PRAGMA user_version").fetchone()
        return "\n".join([*db.iterdump(), f"PRAGMA user_version={number};", ""])


if __name__ == "__main__":
    main(sys.argv[1])
