"""`salvage ingest`: receives into a journal, and nothing else.

`salvage run` with the same `--data` takes up what is there, at once or when it is back. So senders
can go on while the rest is updated.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from services.ingest.journal import Journal
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.options import add_listener_options, endpoint, rules
from services.ingest.rest.arguments import add_fhir_options, start_fhir, wants_fhir
from services.ingest.watching import add_metrics_option, metrics_of, observed, serve
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.kafka import add_kafka_option, cluster
from services.runtime.logs import logger
from services.runtime.process import DONE, GAVE_UP, carried_out

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from services.ingest.metrics import IngestMetrics
    from services.ingest.rest.listener import FhirListener
    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

_LOOK_SECONDS = 1.0


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "ingest",
        help="receive HL7 v2 and FHIR into a journal",
        description="Receives HL7 v2 by MLLP and FHIR R4 by HTTP. What comes is acknowledged when "
        "its bytes are in the journal, on the disk. `salvage run` with the same --data takes it "
        "from there.",
    )
    about = "where the journal is kept"
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=about)
    add_listener_options(parser, required=False)
    add_fhir_options(parser)
    about = "publish to clinical.raw there, too, before acknowledging; `salvage map` goes on"
    add_kafka_option(parser, required=False, about=about)
    add_metrics_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 ended as asked; 1 gave up (logged); 2 unusable settings (said on stderr).
    """
    return carried_out("salvage ingest", partial(_receive, args))


def _receive(args: argparse.Namespace, stop: Stop) -> int:
    if args.mllp is None and not wants_fhir(args):
        raise OperatorError("nothing to receive: needs --mllp, --fhir or --fhir-poll")
    with ExitStack() as stack:
        registry = CollectorRegistry()
        metrics = metrics_of(args, registry)
        if args.metrics is not None:
            serve(args.metrics, registry, stack)
        journal = observed(_journal(args), metrics)
        listeners: list[Listener | FhirListener] = []
        if args.mllp is not None:
            listeners.append(_listen(args, journal, metrics))
            stack.callback(listeners[0].stop)
        for one in start_fhir(args, SystemClock(), journal):
            listeners.append(one)
            stack.callback(one.stop)
        while all(one.alive for one in listeners) and stop.wait(_LOOK_SECONDS):
            pass
    return DONE if stop.asked else GAVE_UP


def _listen(
    args: argparse.Namespace, journal: Callable[[Path], Journal], metrics: IngestMetrics
) -> Listener:
    where, said = endpoint(args), rules(args)
    listener = Listener(where, said, args.data, SystemClock(), journal=journal, observer=metrics)
    port = listener.start()
    logger().info("receiving", extra={"host": where.host, "port": port})
    return listener


def _journal(args: argparse.Namespace) -> Callable[[Path], Journal]:
    """What opens the journal; with --kafka, one whose entries are published before they count."""
    if args.kafka is None:
        return Journal
    from services.ingest.kafka.custody import publishing  # noqa: PLC0415 - only who needs it

    return publishing(cluster(args.kafka, os.environ))
