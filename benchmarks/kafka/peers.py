"""The others: programs in environments of their own, made by name and version, never in ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.kafka.measured import Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS = Path(__file__).parent / "programs"
BUILD = Path(__file__).resolve().parents[2] / "build" / "kafka-peers"


class Missing(Exception):  # noqa: N818 - a state of this machine
    """A peer can't be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program, and what it runs on."""

    title: str
    program: str
    packages: tuple[str, ...]

    @property
    def name(self) -> str:
        """With its version, for the table."""
        return f"{self.title} {self.packages[0].partition('==')[2]}"

    def measure(
        self,
        address: str,
        backlog: tuple[str, int],
        live: tuple[str, int],
        stream: Callable[[], None],
    ) -> Measured:
        """Let it read a backlog, and then a steady stream.

        Args:
            address: the broker's.
            backlog: a topic, and how many records it has.
            live: another one, and how many will come.
            stream: sends them.

        Raises:
            Missing: its environment can't be made.
        """
        with self._running(address, *backlog) as process:
            whole = _said(process)
        with self._running(address, *live) as process:
            process.stdout.readline()
            stream()
            waits = sorted(_said(process)["waits"])
        return Measured.of(self.name, backlog[1] - 1, whole["seconds"], whole["cpu"], waits)

    @contextmanager
    def _running(self, address: str, topic: str, count: int) -> Iterator[Any]:
        words = [self._python(), str(PROGRAMS / f"{self.program}.py"), address, topic, str(count)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                yield process
            finally:
                process.kill()

    def _python(self) -> str:
        """The interpreter of its environment, which is made if need be."""
        folder = BUILD / "_".join(self.packages)
        python, done = folder / "bin" / "python", folder / "complete"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(folder))
            pip = (str(python), "-m", "pip", "--disable-pip-version-check", "--quiet")
            _run(*pip, "install", *self.packages)
            done.touch()
        return str(python)


def _run(*words: str) -> None:
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:  # noqa: S603
        raise Missing("its packages could not be installed")


def _said(process: Any) -> dict[str, Any]:
    for line in process.stdout:
        if line.startswith("{"):
            found: dict[str, Any] = json.loads(line)
            return found
    raise RuntimeError("a peer ended without a result")


PEERS = (
    Peer("aiokafka consumer", "bare_aiokafka", ("aiokafka==0.14.0",)),
    Peer("Faust agent that counts", "bare_faust", ("faust-streaming==0.15.3", "aiokafka==0.14.0")),
    Peer("Quix Streams with state", "quix_state", ("quixstreams==3.28.1",)),
)
