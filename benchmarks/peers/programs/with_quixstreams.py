"""Quix Streams on a broker: a state machine for each patient, in its store with its changelog.

The rows are produced before anything is measured. The broker's own time isn't measured.
"""

from __future__ import annotations

import sys
from itertools import count
from typing import TYPE_CHECKING, Any

from quixstreams import Application

from benchmarks.peers.programs.machine import Machine
from benchmarks.peers.programs.stand import Row, measured, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.programs.stand import Alert

_passes = count()


class Told:
    """A topic of its own with all rows of a stream."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address, self.topic = folder, sys.argv[-1], f"rows-{folder.name}"
        rows = read_rows(folder)
        self.count = len(rows)
        application = self.application()
        topic = application.topic(self.topic)
        with application.get_producer() as producer:
            for row in rows:
                message = topic.serialize(key=row.patient, value=row._asdict())
                producer.produce(topic.name, key=message.key, value=message.value)

    def application(self) -> Application:
        """A group and a store that nobody had before."""
        group = f"{self.topic}-{next(_passes)}"
        return Application(
            broker_address=self.address,
            consumer_group=group,
            auto_offset_reset="earliest",
            state_dir=self.folder / group,
            loglevel="WARNING",
        )


def run(told: Told) -> list[Alert]:
    """What the flow says of all rows."""
    application = told.application()
    flow = application.dataframe(application.topic(told.topic))
    alerts: list[Alert | None] = []
    # Nothing is filtered out: what comes out of the flow is counted, and ends it.
    flow.apply(_taken, stateful=True).update(alerts.append)
    application.run(count=told.count, timeout=60)
    return [alert for alert in alerts if alert is not None]


def _taken(row: dict[str, Any], state: Any) -> Alert | None:
    machine = Machine()
    for name, value in (state.get("machine") or {}).items():
        setattr(machine, name, value)
    alert = machine.take(Row(**row))
    state.set("machine", {name: getattr(machine, name) for name in Machine.__slots__})
    return alert


if __name__ == "__main__":
    measured(run, Told)
