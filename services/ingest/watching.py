"""The ingest's metrics on the command line: who has a label, who counts, and where to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, start_http_server

from services.ingest.metrics import IngestMetrics
from services.ingest.profiles.options import sources_of
from services.ingest.profiles.patterns import is_exact
from services.runtime.errors import OperatorError
from services.runtime.logs import logger

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from services.ingest.journal import Journal

LOOPBACK: Final = "127.0.0.1"


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
    names = {source.name for source in declared}
    senders = (sender.fhir for source in declared for sender in source.senders)
    names |= {name for name in senders if name is not None and is_exact(name)}
    return IngestMetrics(registry, args.data, names or args.sender)


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
