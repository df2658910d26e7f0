"""The work of `benchmarks/workload.py` as files: for every stream a folder, and the right alerts.

The right alerts are those of the hand-written machine on the sorted stream; they are the same for
all three, because only the way differs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from benchmarks.handwritten import HandWritten, read_msgspec
from benchmarks.peers.programs.stand import LINES, ROWS, Row
from benchmarks.verdicts import Streams
from benchmarks.workload import tidy
from services.detector.engine.instants import instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.programs.stand import Alert
    from benchmarks.workload import Message

EVENTS = 60
"""Of each patient."""
IN_ORDER, UNTIDY, SHUFFLED = "in_order", "untidy", "shuffled"
_HUNDREDTHS = Decimal(100)


@dataclass(frozen=True, slots=True)
class Work:
    """The streams of some patients.

    folders: by the stream's name.
    sizes: messages of each.
    right: the alerts that have to stand.
    """

    folders: dict[str, Path]
    sizes: dict[str, int]
    right: set[Alert]


def write(folder: Path, patients: int, seed: int) -> Work:
    """Make the streams and write them; the same arguments give the same bytes."""
    rng = Random(seed)
    streams = Streams.of(rng, tidy(rng, patients, EVENTS))
    told = {IN_ORDER: streams.tidy, UNTIDY: streams.untidy, SHUFFLED: streams.shuffled}
    for name, messages in told.items():
        _write(folder / name, messages)
    return Work(
        {name: folder / name for name in told},
        {name: len(messages) for name, messages in told.items()},
        right_alerts(streams.tidy),
    )


def right_alerts(messages: Sequence[Message]) -> set[Alert]:
    """What the hand-written machine says of a sorted stream, for which it was written."""
    machine = HandWritten()
    machine.run(read_msgspec(message.line) for message in messages)
    return {alert[:3] for alert in machine.alerts}


def _write(folder: Path, messages: Sequence[Message]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LINES).write_bytes(b"".join(message.line + b"\n" for message in messages))
    rows = "".join(json.dumps(row_of(message)) + "\n" for message in messages)
    (folder / ROWS).write_text(rows, encoding="utf-8")


def row_of(message: Message) -> Row:
    """A message as every engine can take it.

    Raises:
        ValueError: a value has more than two decimal places.
    """
    event = read_msgspec(message.line)
    issued = datetime.fromisoformat(json.loads(message.line)["issued_at"])
    return Row(
        event.event_id,
        event.patient_id,
        event.effective_at.toordinal(),
        event.analyte,
        hundredths(event.value),
        None if event.reference_high is None else hundredths(event.reference_high),
        instant(issued),
        instant(message.at),
    )


def hundredths(value: Decimal) -> int:
    """A value as a whole number, exactly.

    Raises:
        ValueError: it has more than two places.
    """
    scaled = value * _HUNDREDTHS
    if scaled != int(scaled):
        raise ValueError("more than two decimal places")
    return int(scaled)
