"""`salvage ingest`: receives into a journal, and nothing else.

`salvage run` with the same `--data` takes up what is there, at once or when it is back. So senders
can go on while the rest is updated.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.ingest.mllp.listener import Listener
from services.ingest.mllp.options import add_listener_options, endpoint, rules
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError, SalvageError
from services.runtime.logs import logger, to_stream
from services.runtime.shutdown import Stop, on_signals

if TYPE_CHECKING:
    import argparse

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

_LOOK_SECONDS = 1.0


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "ingest",
        help="receive HL7 v2 into a journal",
        description="Receives HL7 v2 messages by MLLP. A message is acknowledged when its bytes "
        "are in the journal, on the disk. `salvage run` with the same --data takes it from there.",
    )
    about = "where the journal is kept"
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=about)
    add_listener_options(parser, required=True)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 ended as asked; 1 gave up (logged); 2 unusable settings (said on stderr).
    """
    to_stream(sys.stderr)
    try:
        with on_signals(Stop()) as stop:
            return _receive(args, stop)
    except OperatorError as error:
        print(f"salvage ingest: {error}", file=sys.stderr)
        return 2
    except SalvageError as error:
        logger().error("gave up", extra={"detail": str(error)})
        return 1


def _receive(args: argparse.Namespace, stop: Stop) -> int:
    where = endpoint(args)
    listener = Listener(where, rules(args), args.data, SystemClock())
    port = listener.start()
    logger().info("receiving", extra={"host": where.host, "port": port})
    try:
        while listener.alive and stop.wait(_LOOK_SECONDS):
            pass
    finally:
        listener.stop()
    return 0 if stop.asked else 1
