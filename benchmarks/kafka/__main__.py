"""`python -m benchmarks.kafka`: the detector beside others, on the same topic and broker.

Needs `tests` on the path, as the Makefile puts it: the broker is that of the tests.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks.engine import RULES, rules
from benchmarks.kafka import ours, stage
from benchmarks.kafka.measured import Measured, Report
from benchmarks.kafka.parts import parts
from benchmarks.kafka.peers import PEERS, Missing
from benchmarks.workload import tidy
from schemas.topics import EVENTS
from services.runtime.arguments import Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.workload import Message

EVENTS_OF_A_PATIENT = 12
MOST = 10_000_000
SAMPLE = 1_000
"""Records whose way is taken apart."""


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    options = _options(argv)
    number, live = options.messages, options.rate * options.seconds
    patients = -(-(number + live) // EVENTS_OF_A_PATIENT)
    messages = tidy(Random(options.seed), patients, EVENTS_OF_A_PATIENT)[: number + live]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), messages, number, options.rate)
    if options.json:
        options.json.write_text(json.dumps(found.as_json(), indent=2) + "\n")
    print("\n".join(found.lines()))
    return 0


def measure(folder: Path, messages: Sequence[Message], number: int, rate: int) -> Report:
    """Measure all.

    Args:
        folder: of everybody's data.
        messages: the backlog, and then the steady stream.
        number: how many of them are the backlog.
        rate: of the stream, a second.
    """
    rows: list[Measured] = []
    missing: dict[str, str] = {}
    backlog, live = messages[:number], messages[number:]
    with stage.broker(folder / "broker") as address:
        stage.publish(address, backlog)
        for peer in PEERS:
            topic = stage.make_topic(address, f"bench.{peer.program}")
            stream = partial(stage.stream, address, topic, live, rate)
            try:
                both = (EVENTS.name, len(backlog)), (topic, len(live))
                rows.append(peer.measure(address, *both, stream))
            except Missing as reason:
                missing[peer.name] = str(reason)
        stream = partial(stage.stream, address, EVENTS.name, live, rate)
        with ours.running(address, folder / "state", RULES) as detector:
            rows.append(
                ours.measure("salvage detect", detector, len(backlog), len(live), address, stream)
            )
    with stage.broker(folder / "other") as address:
        way = parts(address, folder / "parts", messages[:SAMPLE], rules())
    return Report(number, rate, rows, way, missing)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka", description=__doc__)
    count = Whole(1, MOST)
    parser.add_argument("--messages", type=count, default=12_000, help="at once; default: 12000")
    parser.add_argument("--rate", type=count, default=200, help="a second then; default: 200")
    parser.add_argument("--seconds", type=count, default=15, help="of that; default: 15")
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--json", type=Path, metavar="FILE", help="for programs")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
