"""What was tried, what failed, and what took longest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SEEN = 20
"""Failures kept for each name: the rest is likely the same."""


@dataclass(slots=True)
class Ledger:
    """Counts, by the name of what was tried. `folder` is where failing inputs are put."""

    folder: Path
    inputs: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Seconds and bytes."""

    def put(self, name: str, target: Callable[[bytes], None], data: bytes) -> None:
        """Try one input."""
        begun = process_time()
        try:
            target(data)
        except Exception as error:  # noqa: BLE001 - it is what we look for
            self._failed(name, data, error)
        seconds = process_time() - begun
        self.inputs[name] = self.inputs.get(name, 0) + 1
        if seconds > self.slowest.get(name, (0.0, 0))[0]:
            self.slowest[name] = (seconds, len(data))
            self._keep(f"slowest-{name}", data)

    def _failed(self, name: str, data: bytes, error: Exception) -> None:
        self.failures[name] = self.failures.get(name, 0) + 1
        if self.failures[name] <= _SEEN:
            digest = hashlib.sha256(data).hexdigest()[:12]
            self._keep(f"failed-{name}-{type(error).__name__}-{digest}", data)

    def _keep(self, name: str, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name.replace(", ", "-")).write_bytes(data)

    def add(self, other: Ledger) -> None:
        """Take over what another process tried."""
        self.inputs |= other.inputs
        self.failures |= other.failures
        self.slowest |= other.slowest

    def save(self, path: Path) -> None:
        """Write it down, for the process that waits."""
        counts = {"inputs": self.inputs, "failures": self.failures, "slowest": self.slowest}
        path.write_text(json.dumps(counts))

    @classmethod
    def load(cls, path: Path) -> Ledger:
        """Read what another process wrote; nothing where it wrote nothing."""
        found = json.loads(path.read_text()) if path.exists() else {}
        slowest = {name: (one, size) for name, (one, size) in found.get("slowest", {}).items()}
        return cls(path.parent, found.get("inputs", {}), found.get("failures", {}), slowest)
