"""Whether an event costs more the longer a patient has been known.

Every length of history is followed by the same sixty events: quiet results, one PSA rise and one
liver injury. So the work is the same, and only what lies behind it differs; the history has the
same rise and injury every sixty days, so that past alerts grow with it.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from time import process_time
from typing import TYPE_CHECKING

from benchmarks.engine import Arrival, Watch, arrivals
from benchmarks.workload import Message, encoded, written

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (10, 100, 1_000, 10_000)
BLOCK = 60
"""Events, one a day, after which all repeats."""
_ROUNDS = 15
_TAIL = 10_020  # where the timed block begins: a multiple of the block, with 10,000 before it
_FIRST = datetime(1990, 1, 1, 8, tzinfo=UTC)
_CYCLE = (
    ("hiv_rna", "40", "{copies}/mL", None),
    ("psa", "0.50", "ng/mL", None),
    ("alt", "22", "U/L", "40"),
    ("bilirubin", "0.7", "mg/dL", "1.2"),
    ("creatinine", "80", "umol/L", None),
    ("hemoglobin", "13.9", "g/dL", None),
)
_PEAKS = {31: "3.10", 44: "150", 45: "3.0"}
"""Day of the block -> a value that isn't quiet: the PSA rise, then ALT and bilirubin."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one event costs, in seconds, with so many facts behind it.

    in_order: with its alerts in words. decided: without the words. late: of a quiet result that
    belongs between the last nine.
    """

    facts: int
    in_order: float
    decided: float
    late: float


class UnequalWorkError(Exception):
    """The same events gave other alerts after another history: the costs don't compare."""


def measure(rounds: int = _ROUNDS) -> list[Cost]:
    """Measure all lengths, taking turns.

    Raises:
        UnequalWorkError: see there.
    """
    costs = [_turn() for _ in range(rounds)]
    return [
        Cost(size, *(min(times) for times in zip(*(turn[size] for turn in costs), strict=True)))
        for size in SIZES
    ]


def _turn() -> dict[int, tuple[float, float, float]]:
    """Each length once: in order, decided, late."""
    return {
        size: (
            _round(size, _appended(size), alerts=2, words=True),
            _round(size, _appended(size), alerts=2, words=False),
            _round(size, _inserted(size), alerts=0, words=True),
        )
        for size in SIZES
    }


def _round(
    size: int, parts: Iterator[tuple[int, list[Arrival]]], *, alerts: int, words: bool
) -> float:
    """Seconds per event of some parts, each put behind a history that ends where it begins."""
    spent, events, said = 0.0, 0, 0
    for end, part in parts:
        watch = Watch(words=words)
        history = _facts()[end - size : end]
        watch.monitor.observe([fact for fact, _ in history], history[-1][1])
        seconds = _timed(watch, part)
        spent, events, said = spent + seconds, events + len(part), said + len(watch.said)
    if said != alerts:
        raise UnequalWorkError(f"{said} alerts after {size} facts, not {alerts}")
    return spent / events


def _timed(watch: Watch, part: list[Arrival]) -> float:
    """Without garbage collection, which would charge the loading to whatever comes after it."""
    gc.disable()
    try:
        begun = process_time()
        watch.run_facts(part)
        return process_time() - begun
    finally:
        gc.enable()


def _step(size: int) -> int:
    """How many events follow one history: few enough that it is still of that length."""
    return BLOCK if size >= 10 * BLOCK else 5


def _appended(size: int) -> Iterator[tuple[int, list[Arrival]]]:
    """The block, in parts, each with the place at which it begins."""
    step = _step(size)
    for start in range(_TAIL, _TAIL + BLOCK, step):
        yield start, _facts()[start : start + step]


def _inserted(size: int) -> Iterator[tuple[int, list[Arrival]]]:
    """Quiet results that belong between the last nine of the history."""
    step = _step(size)
    for start in range(0, BLOCK, step):
        yield _TAIL, _late_facts()[start : start + step]


@cache
def _facts() -> list[Arrival]:
    """The history before the block, and the block."""
    return arrivals(_message(index, index) for index in range(_TAIL + BLOCK))


@cache
def _late_facts() -> list[Arrival]:
    return arrivals(_message(_TAIL - 2 - index % 8, index, late=True) for index in range(BLOCK))


def _message(day: int, index: int, *, late: bool = False) -> Message:
    analyte, value, unit, high = _CYCLE[index % len(_CYCLE)]
    if not late:
        value = _PEAKS.get(index % BLOCK, value)
    taken = _FIRST + timedelta(days=day, minutes=index % BLOCK if late else 0)
    known = _FIRST + timedelta(days=_TAIL) if late else taken
    fields = {
        "type": "observation",
        "event_id": f"{'late' if late else 'day'}-{index}",
        "patient_id": "HOSP|1",
        "source": "LAB",
        "effective_at": written(taken),
        "issued_at": written(known + timedelta(hours=1)),
        "analyte": analyte,
        "value": value,
        "unit": unit,
        "reference_high": high,
    }
    return Message(known + timedelta(hours=1), encoded(fields))
