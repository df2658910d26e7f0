"""What a check found: the state of things, and what to do where they are not well.

Law of this room: a finding names files, settings, topics, rules and numbers, never a patient.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from services.runtime.errors import SalvageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Check = Callable[[], Iterable["Finding"]]


class State(StrEnum):
    """How it is."""

    WELL = "ok"
    WARNING = "warning"  # somebody should look in working hours
    WRONG = "wrong"  # patients may be harmed, or will be


class Finding(NamedTuple):
    """One finding.

    Attributes:
        check: what was looked at.
        told: what was found.
        do: what to do about it; empty where all is well.
    """

    check: str
    state: State
    told: str
    do: str = ""


def well(check: str, told: str) -> Finding:
    """All is as it should be."""
    return Finding(check, State.WELL, told)


def warning(check: str, told: str, do: str) -> Finding:
    """Somebody should look."""
    return Finding(check, State.WARNING, told, do)


def wrong(check: str, told: str, do: str) -> Finding:
    """Somebody must act."""
    return Finding(check, State.WRONG, told, do)


def examined(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Carry out checks by their names; one that can't be carried out is itself a finding."""
    for name, check in checks.items():
        try:
            yield from check()
        except SalvageError as error:
            yield wrong(name, str(error), "make it reachable and readable, then ask again")
