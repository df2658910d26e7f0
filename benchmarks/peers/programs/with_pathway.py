"""Pathway: rows as an upsert source, a patient's rows gathered and judged anew at each change.

The source commits every 1,000 rows, so that the stream is one, and alerts are added and withdrawn
as it goes; what is counted is the set that stands at the end.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pathway as pw

from benchmarks.peers.programs.machine import Machine
from benchmarks.peers.programs.stand import Row, measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.programs.stand import Alert

COMMIT = 1_000  # rows
SCHEMA: Any = pw.schema_builder(
    {
        "event": pw.column_definition(primary_key=True, dtype=str),
        "patient": pw.column_definition(dtype=str),
        "day": pw.column_definition(dtype=int),
        "analyte": pw.column_definition(dtype=str),
        "value": pw.column_definition(dtype=int),
        "high": pw.column_definition(dtype=int),
        "issued": pw.column_definition(dtype=int),
    }
)


def source(rows: Sequence[Row]) -> pw.io.python.ConnectorSubject:
    """The stream, in its order. An older version that comes after a newer one is passed over."""

    def run(self: Any) -> None:
        newest: dict[str, int] = {}
        for number, row in enumerate(rows, start=1):
            if newest.get(row.event, -1) < row.issued:
                newest[row.event] = row.issued
                told = row._asdict()
                del told["arrived"]
                told["high"] = -1 if row.high is None else row.high
                self.next(**told)
            if number % COMMIT == 0:
                self.commit()

    made = type("Rows", (pw.io.python.ConnectorSubject,), {"run": run})
    return made(datasource_name="rows", session_type="upsert")


def judged(days: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    """One patient's rows, sorted by day: rules and completing events."""
    machine = Machine()
    alerts = []
    for day, event, analyte, value, high in days:
        row = Row(event, "", day, analyte, value, None if high < 0 else high, 0, 0)
        if alert := machine.take(row):
            alerts.append(alert[1:])
    return tuple(alerts)


def run(rows: Sequence[Row]) -> set[Alert]:
    """The alerts that stand when all is told."""
    pw.internals.parse_graph.G.clear()
    standing: Counter[Alert] = Counter()
    table = pw.io.python.read(source(rows), schema=SCHEMA, autocommit_duration_ms=None)
    gathered = table.groupby(pw.this.patient).reduce(
        pw.this.patient,
        rows=pw.reducers.sorted_tuple(
            pw.make_tuple(pw.this.day, pw.this.event, pw.this.analyte, pw.this.value, pw.this.high)
        ),
    )
    alerts = gathered.select(
        pw.this.patient, alerts=pw.apply_with_type(judged, tuple, pw.this.rows)
    ).flatten(pw.this.alerts)

    def heard(key: Any, row: dict[str, Any], time: int, is_addition: bool) -> None:  # noqa: FBT001
        del key, time
        standing[(row["patient"], *row["alerts"])] += 1 if is_addition else -1

    pw.io.subscribe(alerts, heard)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    return {alert for alert, count in standing.items() if count}


if __name__ == "__main__":
    measured(run)
