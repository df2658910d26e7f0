"""Who is measured against whom, on the same events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import report
from benchmarks.engine import Watch, arrivals
from benchmarks.handwritten import HandWritten, read_msgspec, read_stdlib
from benchmarks.timing import Contender

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.verdicts import Streams


def contenders(streams: Streams) -> tuple[Contender, ...]:
    """Both, from events that are ready and from bytes; the engine also on the other streams."""
    lines = [message.line for message in streams.tidy]
    events = [read_msgspec(line) for line in lines]
    tidy = arrivals(streams.tidy)
    return (
        Contender(report.HAND, lambda: HandWritten().run, events),
        Contender(report.ENGINE_DECIDES, lambda: Watch(words=False).run_facts, tidy),
        Contender(report.ENGINE, lambda: Watch().run_facts, tidy),
        Contender(report.ENGINE_UNTIDY, lambda: Watch().run_facts, arrivals(streams.untidy)),
        Contender(report.ENGINE_SHUFFLED, lambda: Watch().run_facts, arrivals(streams.shuffled)),
        Contender(report.HAND_MSGSPEC, lambda: _from_bytes(read_msgspec), lines),
        Contender(report.HAND_JSON, lambda: _from_bytes(read_stdlib), lines),
        Contender(report.BYTES_DECIDES, lambda: Watch(words=False).run_lines, lines),
        Contender(report.ENGINE_BYTES, lambda: Watch().run_lines, lines),
    )


def _from_bytes(read: Callable[[bytes], Any]) -> Callable[[Sequence[Any]], None]:
    """The hand-written machine, with a reader before it."""
    machine = HandWritten()

    def take_in(lines: Sequence[bytes]) -> None:
        machine.run(map(read, lines))

    return take_in
