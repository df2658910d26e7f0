"""Dead letters are worked: what was read again goes into the timeline, exactly once.

`salvage run` takes it where it is at work. Where it isn't, this process does, under the same lock
and with the same rules: with other rules it would publish alerts that nobody asked for.
"""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from time import monotonic, sleep
from typing import TYPE_CHECKING

from services.embedded.folder import owned
from services.embedded.letters import Letters
from services.embedded.replays import MARK, ReplayFeed, append, identity
from services.embedded.runtime import Runtime, fingerprint
from services.embedded.store import FILE_NAME, Store
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.detector.engine.rule import CompiledRule
    from services.embedded.rereading import Findings
    from services.runtime.clock import Clock

LOOK_SECONDS = 0.2


class Taken(StrEnum):
    """What became of a replay."""

    NOTHING = "nothing to do"
    HERE = "done"
    THERE = "done by the running process"
    WAITING = "waits for the next salvage run"


def letters_of(folder: Path) -> Letters:
    """The dead letters of a data folder.

    Raises:
        OperatorError: there is no store in it.
    """
    return Letters(folder / FILE_NAME)


def replay(
    folder: Path,
    findings: Findings,
    rules: Callable[[], Sequence[CompiledRule]],
    clock: Clock,
    *,
    wait: float,
) -> Taken:
    """Put what was read again into the timeline.

    Args:
        folder: of the data.
        findings: what was read again.
        rules: compiles the rules; asked for only if nobody else is at work.
        clock: tells the moment of the replay.
        wait: seconds to wait for a running process.

    Raises:
        Unavailable: nothing was written.
    """
    if not findings.records:
        return Taken.NOTHING
    last = append(folder, findings.records)
    with ExitStack() as stack:
        try:
            path = stack.enter_context(owned(folder))
        except OperatorError:  # somebody is at work there
            return Taken.THERE if _was_taken(folder, last, wait) else Taken.WAITING
        return _take(folder, path, rules, clock)


def _take(
    folder: Path, path: Path, rules: Callable[[], Sequence[CompiledRule]], clock: Clock
) -> Taken:
    store = Store(path)
    try:
        compiled = rules()
        if store.meta("rules") != fingerprint(compiled):
            return Taken.WAITING
        runtime = Runtime(store, compiled, clock)
        runtime.start()
        for batch in ReplayFeed(folder, store, clock).batches():
            runtime.take(batch)
        return Taken.HERE
    finally:
        store.close()


def _was_taken(folder: Path, last: int, wait: float) -> bool:
    """Whether the running process has come so far within some seconds."""
    letters, name, until = letters_of(folder), identity(folder), monotonic() + wait
    while True:
        stream, place = letters.place_of(MARK)
        if stream == name and place >= last:
            return True
        if monotonic() >= until:
            return False
        sleep(LOOK_SECONDS)
