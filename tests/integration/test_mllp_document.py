"""docs/mllp.md: what it shows is run as it is shown, and says what it is shown to say."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.certificates import authority, certificate
from support.mllp import HERE, PATIENCE, Sender, code, entries, oru

from schemas.deadletter import RAW_KEPT
from services.ingest.hl7v2 import mapping
from services.ingest.hl7v2.batch import MAX_MESSAGE
from services.ingest.hl7v2.codec import MAX_REPEATS, MAX_SEGMENTS
from services.ingest.mllp.committing import WINDOW_BYTES
from services.ingest.mllp.connection import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "mllp.md").read_text()
PORT = "2575"


def blocks(language: str) -> list[str]:
    """What stands in fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def consoles() -> list[tuple[str, list[str]]]:
    """What is typed in each console, and the lines that it prints."""
    found = []
    for block in blocks("console"):
        lines = block.splitlines()
        typed = "\n".join(line[2:] for line in lines if line.startswith("$ "))
        found.append((typed, [line for line in lines if not line.startswith("$ ")]))
    return found


@pytest.fixture
def port() -> int:
    with socket.create_server((HERE, 0)) as server:
        free: int = server.getsockname()[1]
        return free


@contextmanager
def served(command: str, folder: Path, port: int) -> Iterator[None]:
    """Run a command that goes on until it is stopped; it listens on another port, here alone."""
    words = shlex.split(command.replace(PORT, str(port)).replace("0.0.0.0", HERE))  # noqa: S104
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *words[1:]],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert any(json.loads(line)["event"] == "receiving" for line in process.stderr)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def shell(command: str, folder: Path, port: int) -> list[str]:
    """Run another command; the lines that it prints."""
    salvage = f"{shlex.quote(sys.executable)} -m services.cli"
    text = command.replace(PORT, str(port)).replace("salvage", salvage, 1)
    done = subprocess.run(
        ["/bin/bash", "-ec", text],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line]


def is_as_shown(line: str, shown: str) -> bool:
    """Whether a line is the one that is shown, where … stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), line) is not None


def test_the_five_minutes_work(tmp_path: Path, port: int) -> None:
    (message,) = blocks("hl7")
    (tmp_path / "hello.hl7").write_text(message)
    start, send, read = consoles()[:3]
    with served(start[0], tmp_path, port):
        said = shell(send[0], tmp_path, port)
    assert len(said) == len(send[1])
    assert all(map(is_as_shown, said, send[1])), said
    (entry,) = entries(tmp_path / "received")
    assert entry.raw.decode() == message.replace("\n", "\r")
    assert shell(read[0], tmp_path, port) == read[1] == []


def test_the_listener_for_other_machines_works(tmp_path: Path, port: int) -> None:
    authority(tmp_path, "hospital")
    certificate(tmp_path, "us", "hospital", "localhost")
    certificate(tmp_path, "lab", "hospital", "lab.hospital.example")
    client = ssl.create_default_context(cafile=tmp_path / "hospital.pem")
    client.load_cert_chain(tmp_path / "lab.pem", tmp_path / "lab.key")
    with served(consoles()[3][0], tmp_path, port), Sender(port, client) as sender:
        assert code(sender.ask(oru("M1"))) == "AA M1"
        assert code(sender.ask(oru("M2", f3="OTHER"))) == "AR 207 M2"


def test_no_command_of_the_page_is_left_out() -> None:
    starts = [typed.split(maxsplit=1)[0] for typed, _ in consoles()]
    assert starts == ["salvage", "exec", "salvage", "salvage"]


def test_the_page_names_the_types_and_limits_that_hold() -> None:
    (row,) = re.findall(r"^\| type \(MSH-9\) \|(.*)\. Others", PAGE, re.MULTILINE)
    kinds = [group.split("^") for group in row.strip().split("; ")]
    named = {(kind, event) for kind, events in kinds for event in events.split(", ")}
    assert named == set(mapping._READERS)  # noqa: SLF001 - the one list
    limits = Limits()
    for words in (
        f"{MAX_MESSAGE >> 20} MiB; beyond, nothing is buffered, and the first {RAW_KEPT >> 10} KiB",
        f"segments of a message | {MAX_SEGMENTS:,} |",
        f"drug classes) | {MAX_REPEATS:,} |",
        f"{limits.pending} frames on a connection, {WINDOW_BYTES >> 20} MiB over all",
        f"connections | {limits.connections}, of these {limits.each} from one address",
        f"within a frame | {limits.within:.0f} s; a whole frame may take 5 minutes",
        f"silence between frames | {limits.idle / 3600:.0f} hour",
        f"does not read | {limits.unread:.0f} s",
    ):
        assert words in PAGE
