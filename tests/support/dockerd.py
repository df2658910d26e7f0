"""A Docker engine to test with: the one that is there, or one of our own for as long as we need it.

Ours keeps everything below one folder, listens on a socket in it, and ends with whoever started it.
It needs root and Debian's `docker.io` (or another `dockerd`); nothing is ever pulled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE: Final = 30.0


class NoEngine(Exception):  # noqa: N818 - a state of this machine
    """No Docker engine can be had here; the text says why."""


@contextmanager
def docker(folder: Path) -> Iterator[str]:
    """The address of an engine, as `DOCKER_HOST` has it.

    Args:
        folder: of our own, if one must be started. Short: a socket's path is.

    Raises:
        NoEngine: there is none, and none can be started.
    """
    there = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if shutil.which("docker") and answers(there):
        yield there
        return
    with _own(folder) as address:
        yield address


def answers(address: str) -> bool:
    """Whether an engine is there."""
    words = ["docker", "--host", address, "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(words, capture_output=True, check=False, timeout=PATIENCE).returncode == 0


@contextmanager
def _own(folder: Path) -> Iterator[str]:
    for tool in ("docker", "dockerd"):
        if shutil.which(tool) is None:
            raise NoEngine(f"no {tool} on this machine")
    if os.geteuid() != 0:
        raise NoEngine("an engine of our own needs root")
    address = f"unix://{folder}/docker.sock"
    words = ["dockerd", "--host", address, *_places(folder)]
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            _wait(process, address, folder)
            yield address
        finally:
            process.terminate()  # it ends its containers and its own helpers
            process.wait(PATIENCE)
            shutil.rmtree(folder / "data", ignore_errors=True)


def _places(folder: Path) -> list[str]:
    return [
        f"--data-root={folder}/data",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/dockerd.pid",
        "--log-level=error",
    ]


def _wait(process: subprocess.Popen[bytes], address: str, folder: Path) -> None:
    """Until it answers.

    Raises:
        NoEngine: it doesn't, or has ended; with what it said last.
    """
    deadline = time.monotonic() + PATIENCE
    while not answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            said = (folder / "dockerd.log").read_text(errors="replace").strip().splitlines()
            raise NoEngine(f"dockerd did not start: {said[-1] if said else 'it said nothing'}")
        time.sleep(0.2)
