"""Measuring on a machine that does other things, too: short slices, each at its best.

A pass takes a contender through all the work, slice by slice, each slice timed on its own. The
passes of all contenders take turns. The best time of each slice over all passes is nearly free of
what the machine did besides; their sum is the time of the whole. Garbage collection stays on,
since it comes at the same place in every pass and is part of the price of objects; but the work
itself, and what belongs to other contenders, is put out of its sight.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

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
    gc.freeze()
    try:
        for at in range(0, len(work), SLICE):
            part = work[at : at + SLICE]
            begun = perf_counter()
            take_in(part)
            yield perf_counter() - begun
    finally:
        gc.unfreeze()
