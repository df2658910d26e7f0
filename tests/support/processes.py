"""A `salvage` command as a process of its own, with its log at hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0


class Command:
    """Runs `salvage WORDS` until it is ended.

    lines: what it said on standard error so far.
    """

    def __init__(self, *words: str, environment: Mapping[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", *words],
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self.lines.append("")  # the end
            self._news.notify_all()

    def heard(self, event: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The first line of that event; waits for it.

        Raises:
            AssertionError: it doesn't come.
        """
        with self._news:
            done = self._news.wait_for(lambda: self._of(event) or "" in self.lines, seconds)
            assert done, f"not heard in {seconds} s: {event}: {self.lines[-5:]}"
            found = self._of(event)
        assert found is not None, f"ended without: {event}: {self.lines[-5:]}"
        return found

    def _of(self, event: str) -> dict[str, Any] | None:
        told = (json.loads(line) for line in self.lines if line.startswith("{"))
        return next((line for line in told if line["event"] == event), None)

    def end(self, seconds: float = PATIENCE) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self._closed()
        return code

    def kill(self) -> None:
        """End it without a chance to tidy up; twice does no harm."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._closed()

    def _closed(self) -> None:
        self._listener.join(PATIENCE)
        if self.process.stderr is not None:
            self.process.stderr.close()


def salvage(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `salvage WORDS` to its end, which must be with this exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == code, done.stderr or done.stdout
    return done
