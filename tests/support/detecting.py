"""`salvage detect` as a process of its own, on another day and with less patience if a test wants.

Run as a program, it is the command itself, with these two changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.cli import main
from services.commands import detecting
from services.detector.adapters import faust_app, sending
from services.detector.adapters.lanes import Lanes
from services.runtime.clock import SystemClock
from support.processes import ROOT, Command

if TYPE_CHECKING:
    from collections.abc import Sequence

BEHIND: Final = "SALVAGE_TEST_BEHIND"
HURRIED: Final = "SALVAGE_TEST_HURRIED"
LOSES: Final = "SALVAGE_TEST_LOSES"


class Detector(Command):
    """Runs `salvage detect` on a broker, with its state in a folder, until it is ended.

    Args:
        address: the broker's.
        folder: of the state.
        behind: microseconds by which its clock is late.
        hurried: it gives up on Kafka soon.
        loses: how many records its client forgets on the way, the first ones.
        clock: a file with how late its clock is, instead of `behind`, or with `@` and an instant
            at which it stands still; read again and again.
        within: words before the command, which then run it somewhere else.
        replicas: of the detector's own topics.
        words: further options.
    """

    def __init__(  # noqa: PLR0913 - each is what some test wants
        self,
        address: str,
        folder: Path,
        *words: str,
        behind: int = 0,
        hurried: bool = False,
        loses: int = 0,
        clock: Path | None = None,
        within: Sequence[str] = (),
        replicas: int = 1,
    ) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        late = str(behind) if clock is None else str(clock)
        settings = {BEHIND: late, HURRIED: "1" if hurried else "", LOSES: str(loses)}
        where = ["--kafka", address, "--data", str(folder), "--port", "0"]
        where += ["--replicas", str(replicas)]
        self.process = subprocess.Popen(
            [*within, sys.executable, "-m", "support.detecting", "detect", *where, *words],
            cwd=ROOT,
            env=os.environ | settings | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()


class LateClock(SystemClock):
    """The machine's clock, some time ago, or one that stands still."""

    def now(self) -> int:
        late = os.environ[BEHIND]
        text = late if late.isdecimal() else Path(late).read_text()
        return int(text[1:]) if text.startswith("@") else super().now() - int(text)


class LossyLanes(Lanes):
    """What comes first never arrives, as if the client had gone on without it."""

    left = int(os.environ.get(LOSES, "0"))

    async def put(self, partition: int, message: object) -> None:
        if self.left > 0:
            self.left -= 1
        else:
            await super().put(partition, message)


if __name__ == "__main__":
    vars(detecting)["SystemClock"] = LateClock
    if os.environ[HURRIED]:
        vars(sending).update(ATTEMPTS=2, PATIENCE=2.0)
    if LossyLanes.left:
        vars(faust_app).update(Lanes=LossyLanes, STALL=1.0)
    raise SystemExit(main())
