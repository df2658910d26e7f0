"""Bytewax, one worker: a state machine for each patient, fed in batches of the given size."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from benchmarks.peers.programs.machine import Machine
from benchmarks.peers.programs.stand import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.programs.stand import Alert, Row


def run(rows: Sequence[Row]) -> list[Alert]:
    """What comes out of the flow."""
    told: list[tuple[str, Alert]] = []
    flow = Dataflow("rules")
    arrived = op.input("rows", flow, TestingSource(rows, batch_size=int(sys.argv[3])))
    keyed = op.key_on("patient", arrived, _patient)
    found = op.stateful_flat_map("machine", keyed, _taken)
    op.output("alerts", found, TestingSink(told))
    run_main(flow)
    return [alert for _, alert in told]


def _patient(row: Row) -> str:
    return row.patient


def _taken(machine: Machine | None, row: Row) -> tuple[Machine, Sequence[Alert]]:
    machine = machine or Machine()
    alert = machine.take(row)
    return machine, () if alert is None else (alert,)


if __name__ == "__main__":
    measured(run)
