"""What breaks, when and for how long: made of a seed alone, before anything begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

BROKERS = WORKERS = 3


class Kind(StrEnum):
    """What can break."""

    KILL = "kill"  # a worker, SIGKILL; started again at once
    BROKER_KILL = "broker_kill"  # a broker, SIGKILL; started again after some seconds
    CUT = "cut"  # the network of a broker or a worker is cut for some seconds
    STOP = "stop"  # a worker stands still for longer than its session, SIGSTOP and SIGCONT
    FULL = "full"  # a worker's disk is full until it has ended
    CORRUPT = "corrupt"  # a worker's files are overwritten in some places while it is down


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks.

    Attributes:
        kind: what.
        target: its number, from 0; of a cut, brokers come before workers.
        wait: seconds after the one before.
        last: seconds until it is mended.
    """

    kind: Kind
    target: int
    wait: float
    last: float = 0.0

    def __str__(self) -> str:
        lasts = f" for {self.last:.1f} s" if self.last else ""
        return f"{self.kind} {self.target}{lasts}"


_LAST: Mapping[Kind, tuple[float, float]] = {
    Kind.BROKER_KILL: (1.0, 6.0),
    Kind.CUT: (3.0, 15.0),
    Kind.STOP: (15.0, 20.0),
}
"""Seconds, at least and at most."""
_TARGETS: Mapping[Kind, int] = {Kind.BROKER_KILL: BROKERS, Kind.CUT: BROKERS + WORKERS}


def plan(random: Random, counts: Mapping[Kind, int], wait: float = 3.0) -> list[Fault]:
    """So many of each, in any order.

    Args:
        random: decides.
        counts: how many of each kind; of those that are missing, none.
        wait: seconds between two, on average.
    """
    kinds = [kind for kind in Kind for _ in range(counts.get(kind, 0))]
    random.shuffle(kinds)
    return [_fault(random, kind, wait) for kind in kinds]


def _fault(random: Random, kind: Kind, wait: float) -> Fault:
    target = random.randrange(_TARGETS.get(kind, WORKERS))
    least, most = _LAST.get(kind, (0.0, 0.0))
    return Fault(kind, target, random.uniform(0.0, 2 * wait), random.uniform(least, most))
