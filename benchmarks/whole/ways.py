"""The ways under measurement: the engine alone, with reading, and the durable run.

A way takes the lines of a stream in their order, each known when it was issued or when the one
before it was, whichever is later; then time passes up to the end. What only prepares is not timed.
Each way runs in a process of its own, so that its memory is told apart.

The engine's ways run with the collector of cycles off, as a replay does; the durable run is what
`salvage run` does with a folder that waits, and manages its memory as it does there.
"""

from __future__ import annotations

import ast
import hashlib
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from benchmarks.engine import read
from benchmarks.peers.programs.stand import peak_mb
from benchmarks.whole.names import DURABLE, ENGINE, READING
from benchmarks.whole.streams import END
from schemas.alerts import OPEN_STATES
from services.detector.engine.fact import Fact
from services.detector.engine.monitor import Monitor
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.library import rules_in_force
from services.embedded.feed import FolderFeed
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.runtime.clock import ManualClock
from services.runtime.collecting import uncollected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from services.detector.engine.rule import CompiledRule

    Dump = dict[str, Any]
    Rules = tuple[CompiledRule, ...]
    Way = Callable[[Path, Rules], "Taken"]

SLICE: Final = 1_000
"""Lines that are timed together; the durable run is timed by its transactions."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one way made of one stream.

    slices: seconds of the processor, part by part; of the same stream always the same parts.
    standing: a digest of each alert that stands in the end, see `standing`.
    memory_mb: the most that the process had; file_bytes: of the database, 0 without one.
    """

    slices: tuple[float, ...]
    standing: frozenset[bytes]
    memory_mb: int
    file_bytes: int = 0


def take(way: str, folder: Path) -> Taken:
    """Go one way with one stream; for a process of its own."""
    return WAYS[way](folder, tuple(compile_rule(rule) for rule in rules_in_force()))


def _engine(folder: Path, rules: Rules) -> Taken:
    """From facts to alerts in words."""
    return _in_memory(rules, ([Fact(read(line), 0) for line in some] for some in _lines(folder)))


def _reading(folder: Path, rules: Rules) -> Taken:
    """From bytes to alerts in words."""
    return _in_memory(rules, ((Fact(read(line), 0) for line in some) for some in _lines(folder)))


def _in_memory(rules: Rules, parts: Iterable[Iterable[Fact]]) -> Taken:
    monitor, slices, now = Monitor(rules), [], 0
    with uncollected():
        for part in parts:
            begun = time.process_time()
            for fact in part:
                now = max(now, fact.issued)
                monitor.receive((fact,), now)
            slices.append(time.process_time() - begun)
        begun = time.process_time()
        monitor.advance(END)
        slices.append(time.process_time() - begun)
    journals = ((patient, monitor.dump(patient)) for patient in monitor.patients())
    return Taken(tuple(slices), standing(journals), peak_mb())


def _lines(folder: Path) -> Iterator[list[bytes]]:
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            while some := list(islice(stream, SLICE)):
                yield some


def _durable(folder: Path, rules: Rules) -> Taken:
    """From bytes to facts and alerts on the disk, one transaction a batch."""
    with TemporaryDirectory(dir=folder.parent) as place:
        store, clock = Store(Path(place) / FILE_NAME), ManualClock(END)
        runtime = Runtime(store, rules, clock)
        runtime.start()
        feed = FolderFeed(folder, store, clock, steady=time.monotonic, settle=0.0)
        slices, batches, begun = [], iter(feed.batches()), time.process_time()
        while (batch := next(batches, None)) is not None:
            runtime.take(batch)
            slices.append(time.process_time() - begun)
            begun = time.process_time()
        runtime.tick()
        slices.append(time.process_time() - begun)
        memory = peak_mb()
        found = standing(store.journals().items())
        store.close()
        return Taken(tuple(slices), found, memory, (Path(place) / FILE_NAME).stat().st_size)


WAYS: Final[dict[str, Way]] = {ENGINE: _engine, READING: _reading, DURABLE: _durable}


def standing(journals: Iterable[tuple[str, Iterable[Dump]]]) -> frozenset[bytes]:
    """What stands, as journals tell it: who, by which criterion, what, and on which facts.

    How it came there (revisions, episodes, versions of facts) depends on the order by nature.

    Returns:
        A digest of each, so that those of many patients can be held and compared.
    """
    return frozenset(
        _digest((patient, journal["rule"], journal["course"], *step))
        for patient, several in journals
        for journal in several
        for step in _last(journal)
    )


def _last(journal: Dump) -> Iterator[tuple[object, ...]]:
    """The last step of each criterion, if it stands, and the facts that it rests on."""
    steps = {step[0]: step for step in journal["steps"]}
    for criterion, state, identity, evidence, _ in steps.values():
        if state in OPEN_STATES:
            yield criterion, state, identity, _cited(evidence)


def _cited(evidence: str) -> tuple[tuple[str, str, str], ...]:
    written = ast.literal_eval(evidence)
    facts = written[0] if isinstance(written, tuple) else written
    return tuple((source, key, role) for source, key, _, role in facts)


def _digest(told: tuple[object, ...]) -> bytes:
    return hashlib.sha256(repr(told).encode()).digest()[:16]
