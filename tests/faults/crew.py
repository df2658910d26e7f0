"""Three workers with somebody who starts them again: what a supervisor and an operator would do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from support.detecting import Detector

from faults.cluster import REPLICAS
from faults.plan import WORKERS

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from faults.network import Network

SMALL_DISK: Final = "96m"
_PAUSE: Final = 1.0
DAMAGED, FULL = "what is on the disk is damaged", "the disk is full"


class GaveUp(Exception):  # noqa: N818 - what happened
    """A worker asked for a person, and we don't know what it wants."""


class Worker:
    """One of them, on a host and a small disk of its own.

    restarts: times that it ended by itself, saying that it is to be started again.
    mended: times that it asked for the operator, by the beginning of what it said.
    """

    def __init__(
        self, number: int, folder: Path, network: Network, address: str, clock: Path, *words: str
    ) -> None:
        self.restarts = 0
        self.mended = {DAMAGED: 0, FULL: 0}
        self._number, self._clock, self._words, self._address = number, clock, words, address
        self._within = network.within(host_of(number))
        self._disk = folder
        self._folder = folder / "state"
        self._filler = folder / "filler"
        folder.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
        subprocess.run(mount, check=True, capture_output=True)
        self._detector: Detector | None = None
        self._since = 0.0

    def start(self) -> None:
        """Start it."""
        self._since = time.monotonic()
        self._detector = Detector(
            self._address,
            self._folder,
            *self._words,
            clock=self._clock,
            within=self._within,
            replicas=REPLICAS,
        )

    def look(self) -> str | None:
        """Start it again if it has ended.

        Returns:
            What it said then.

        Raises:
            GaveUp: it wants something that no operator's page speaks of.
        """
        if self._detector is None or (code := self._detector.process.poll()) is None:
            return None
        said = self._ended()
        if code == 1:
            self.restarts += 1
        elif code == 2 and FULL in said:
            self._filler.unlink(missing_ok=True)
            self.mended[FULL] += 1
        elif code == 2 and DAMAGED in said:
            shutil.rmtree(self._folder)
            self.mended[DAMAGED] += 1
        else:
            raise GaveUp(f"worker {self._number} ended with {code}: {said}")
        time.sleep(_PAUSE)
        self.start()
        return f"worker {self._number} ended with {code}: {said}"

    def kill(self) -> None:
        """End it without a chance to tidy up, if it is there."""
        if self._detector is not None:
            self._detector.kill()
            self._detector = None

    def stand_still(self) -> None:
        """Let it do nothing, and hold what it has."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on where it stood."""
        self._signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """Leave no room; made when it has said so."""
        with suppress(OSError), self._filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 16))
                file.flush()

    def overwrite(self, random: Random) -> None:
        """Change some bytes of its largest files; it must not run."""
        files = [path for path in self._folder.rglob("*") if path.suffix in {".sst", ".log"}]
        for path in sorted(files, key=lambda one: (-one.stat().st_size, one))[:4]:
            with path.open("r+b") as file:
                for _ in range(8):
                    file.seek(random.randrange(max(1, path.stat().st_size)))
                    file.write(random.randbytes(4))

    def end(self) -> int | None:
        """Ask it to end, and tidy up; its exit code."""
        code = None
        if self._detector is not None and self._detector.process.poll() is None:
            code = self._detector.end(60.0)
        self.remove()
        return code

    def remove(self) -> None:
        """End it in any case, and take its disk away."""
        self.kill()
        words = ["umount", "-l", str(self._disk)]
        subprocess.run(words, check=False, capture_output=True)

    def _signal(self, number: int) -> None:
        if self._detector is not None:
            with suppress(ProcessLookupError):
                os.kill(self._detector.process.pid, number)

    def _ended(self) -> str:
        assert self._detector is not None
        self._detector.kill()  # reads to the end of what it said
        lines = [line.strip() for line in self._detector.lines if line.strip()]
        return " | ".join(lines[-3:])


def crew(folder: Path, network: Network, address: str, clock: Path, *words: str) -> list[Worker]:
    """All three."""
    return [Worker(n, folder / host_of(n), network, address, clock, *words) for n in range(WORKERS)]


def host_of(number: int) -> str:
    """The name of a worker's host."""
    return f"w{number}"
