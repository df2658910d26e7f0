"""A backup: whole, of this release or an earlier one, and not too old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.commands.checkup.finding import Finding, warning, well, wrong
from services.embedded.backup import checked
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.runtime.clock import Clock

_HOUR: Final = 3_600_000_000
OLD: Final = 26
"""Hours after which a daily backup was missed (CHOICE)."""


def backup(folder: Path, clock: Clock) -> Iterator[Finding]:
    """Whether it could be put back, and what would be lost."""
    try:
        at = checked(folder).at
    except OperatorError as error:
        yield wrong("backup", str(error), "make another one now: `salvage backup`")
        return
    told = f"whole; what came within the last {(clock.now() - at) // _HOUR} hours is not in it"
    if clock.now() - at > OLD * _HOUR:
        yield warning("backup", told, "is `salvage backup` still run, and is this the last one?")
    else:
        yield well("backup", told)
