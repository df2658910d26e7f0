"""How much a patient takes in memory."""

from __future__ import annotations

import gc
import tracemalloc
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.engine import Watch, read
from benchmarks.workload import tidy
from services.detector.engine.fact import Fact

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENTS = 100


class Size(NamedTuple):
    """Bytes of Python objects that are kept for a patient; `facts`: those of the facts alone."""

    whole: int
    facts: int

    @property
    def beside(self) -> int:
        """What the engine keeps besides: lanes, states, journals, the map of versions."""
        return self.whole - self.facts


def per_patient(seed: int, events: int) -> Size:
    """What the engine keeps for a patient with so many events.

    Facts and published journals included, revisions that were handed out not.
    """
    lines = [message.line for message in tidy(Random(seed), _PATIENTS, events)]
    return Size(_kept(_taken, lines), _kept(_facts, lines))


def _kept(make: Callable[[list[bytes]], Any], lines: list[bytes]) -> int:
    """Bytes of what is made of the lines, for one patient."""
    make(lines)  # what is read once and shared by all patients isn't any patient's
    gc.collect()
    tracemalloc.start()
    made = make(lines)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return kept // _PATIENTS


def _facts(lines: list[bytes]) -> tuple[Fact, ...]:
    return tuple(Fact(read(line), 0) for line in lines)


def _taken(lines: list[bytes]) -> Watch:
    watch = Watch()
    watch.run_lines(lines)
    watch.said.clear()
    return watch
