"""How much a patient takes in memory."""

from __future__ import annotations

import gc
import tracemalloc
from random import Random

from benchmarks.engine import Watch
from benchmarks.workload import tidy

_PATIENTS = 100


def per_patient(seed: int, events: int) -> int:
    """Bytes of Python objects that the engine keeps for a patient with so many events.

    Facts and published journals included, revisions that were handed out not.
    """
    lines = [message.line for message in tidy(Random(seed), _PATIENTS, events)]
    _taken(lines)  # what is read once and shared by all patients isn't any patient's
    gc.collect()
    tracemalloc.start()
    watch = _taken(lines)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del watch
    return kept // _PATIENTS


def _taken(lines: list[bytes]) -> Watch:
    watch = Watch()
    watch.run_lines(lines)
    watch.said.clear()
    return watch
