"""The ingest's metrics on the command line: who has a label, who counts, and where to ask."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    ProcessCollector,
    start_http_server,
)

from services.ingest.certificates import watch_certificates
from services.ingest.journal import JournalReader
from services.ingest.metrics import IngestMetrics
from services.ingest.profiles.options import sources_of
from services.ingest.profiles.patterns import is_exact
from services.ingest.profiles.sources import UNDECLARED
from services.runtime.errors import OperatorError, Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from services.ingest.journal import Entry, Journal
    from services.ingest.profiles.sources import Source

LOOPBACK: Final = "127.0.0.1"
RECENT: Final = 1_000
"""Entries at the journal's end that tell, after a restart, when each sender was last heard."""


def add_metrics_option(parser: argparse.ArgumentParser) -> None:
    """Add `--metrics`."""
    about = f"serve metrics there by HTTP, for Prometheus; HOST: {LOOPBACK} if left out"
    parser.add_argument("--metrics", metavar="[HOST:]PORT", help=about)


def metrics_of(args: argparse.Namespace, registry: CollectorRegistry) -> IngestMetrics:
    """The metrics of a listener with these options.

    Raises:
        OperatorError: mistakes in the source profiles.
    """
    declared = sources_of(args).declared
    heard = {name: one.max_silence for one in declared for name in heard_as(one)}
    names = {source.name for source in declared} | set(heard) or set(args.sender)
    limits = heard or dict.fromkeys(args.sender, UNDECLARED.max_silence)
    metrics = IngestMetrics(registry, args.data, names, limits)
    _remember(args.data, metrics)
    watch_certificates(args, registry)
    return metrics


def heard_as(source: Source) -> Iterator[str]:
    """The names under which messages of a source are counted."""
    if any(sender.fhir is None for sender in source.spoken):
        yield source.name
    for sender in source.senders:
        if sender.fhir is not None and is_exact(sender.fhir):
            yield sender.fhir


def _remember(folder: Path, metrics: IngestMetrics) -> None:
    """Tell when senders were last heard, as far as the journal's end tells."""
    try:
        for entries in recent(JournalReader(folder)):
            metrics.remember(entries)
    except Unavailable:
        return  # whoever opens it for writing says what is wrong


def recent(reader: JournalReader) -> Iterator[list[Entry]]:
    """The entries at a journal's end, `RECENT` at the most; none while there is no journal.

    Raises:
        Unavailable: it can't be read.
    """
    if reader.identity() is None:
        return
    place = max(0, reader.last() - RECENT)
    while entries := reader.behind(place, RECENT):
        yield entries
        place = entries[-1].seq


def about_process(registry: CollectorRegistry) -> None:
    """What there is to know of any process: its version, its memory, its time."""
    ProcessCollector(registry=registry)
    GCCollector(registry)
    Info("salvage_build", "which software this is", registry=registry).info(
        {"version": version("salvage-watch")}
    )


def observed(
    journal: Callable[[Path], Journal], metrics: IngestMetrics
) -> Callable[[Path], Journal]:
    """What opens the same journals, watched."""

    def opened(folder: Path) -> Journal:
        found = journal(folder)
        found.observer = metrics
        return found

    return opened


def serve(text: str, registry: CollectorRegistry, stack: ExitStack) -> int:
    """Serve metrics at `[HOST:]PORT`, from a thread, until `stack` ends; 0 is any free port.

    Returns:
        The port.

    Raises:
        OperatorError: not such an address, or the port can't be opened.
    """
    host, port = _address(text)
    about_process(registry)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(f"--metrics: cannot listen there: {reason}") from error
    stack.callback(thread.join)
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    taken: int = server.server_address[1]
    logger().info("serving metrics", extra={"host": host, "port": taken})
    return taken


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) >= 1 << 16:
        raise OperatorError("--metrics: expected [HOST:]PORT")
    return host.strip("[]") or LOOPBACK, int(port)
