"""Measuring on a machine that does other things, too: short slices, each at its best.

A pass takes a contender through all the work, slice by slice, each slice timed on its own, in time
of the processor: what others get of it doesn't count. The passes of all contenders take turns. The
best time of each slice over all passes is nearly free of what the machine did besides; their sum is
the time of the whole. The collector of cycles is off for all contenders, as it is when an archive
is replayed (`services/runtime/collecting.py` says why).
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING, Any

from services.runtime.collecting import uncollected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SLICE = 250
"""Items timed together; a few milliseconds at most."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of doing the work.

    name: for the table.
    start: makes a fresh state, and gives what takes in a part of the work.
    work: what it is fed, in its order.
    """

    name: str
    start: Callable[[], Callable[[Sequence[Any]], None]]
    work: Sequence[Any]


def best_of(contenders: Sequence[Contender], passes: int) -> dict[str, float]:
    """Measure them side by side.

    Returns:
        Seconds per item of the work, by the contender's name.
    """
    best: dict[str, list[float]] = {}
    for _ in range(passes):
        for contender in contenders:
            times = list(_timed(contender))
            known = best.setdefault(contender.name, times)
            best[contender.name] = [min(pair) for pair in zip(known, times, strict=True)]
    return {one.name: sum(best[one.name]) / len(one.work) for one in contenders}


def _timed(contender: Contender) -> Iterator[float]:
    """Seconds of each slice of one pass."""
    work = contender.work
    take_in = contender.start()
    gc.collect()
    with uncollected():
        for at in range(0, len(work), SLICE):
            part = work[at : at + SLICE]
            begun = process_time()
            take_in(part)
            yield process_time() - begun
