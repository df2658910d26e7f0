"""The options of `salvage run`, and what doesn't go together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.embedded.replays import FILE_NAME as REPLAYS
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.mllp.options import add_listener_options
from services.ingest.rest.arguments import add_fhir_options, wants_fhir
from services.notifier.commands.place import inbox_option
from services.runtime.errors import OperatorError
from services.runtime.kafka import add_kafka_option

if TYPE_CHECKING:
    import argparse

DEFAULT_PORT: Final = 8642


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add them all."""
    _options(parser)
    add_listener_options(parser, required=False)
    add_fhir_options(parser)
    _bus_options(parser)
    _notifier_options(parser)


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="where the store is kept")
    about = "where files appear: *.jsonl, *.hl7, *.json, *.ndjson, each also with .gz"
    add("--watch", type=Path, metavar="DIR", help=about)
    add("--site", type=Path, metavar="FILE", help="the site's switches and parameters of rules")
    add("--host", default="127.0.0.1", help="address of the pages; default: %(default)s")
    add("--port", type=int, default=DEFAULT_PORT, help="0: any free one; default: %(default)s")
    add("--name", action="append", default=[], help="a host name the pages answer to; repeatable")
    add("--once", action="store_true", help="take what is in the folder, and end; no pages")
    add("--json", action="store_true", help="alerts as JSON lines")
    add("--resume", action="store_true", help="judge again whom a defect of ours had suspended")
    add("--show-patients", action="store_true", help="print patients too; for synthetic ones")
    add(
        "--no-durable",
        dest="durable",
        action="store_false",
        help="don't wait for the disk at each commit; a power cut may lose the last ones",
    )


def _bus_options(parser: argparse.ArgumentParser) -> None:
    about = "take canonical events from Apache Kafka there; see docs/kafka.md"
    add_kafka_option(parser, required=False, about=about)
    help_topic = "on which the events are; repeatable; default: clinical.events"
    parser.add_argument("--topic", action="append", default=[], metavar="NAME", help=help_topic)


def _notifier_options(parser: argparse.ArgumentParser) -> None:
    about = "let a notifier give every alert to somebody, in this process; see docs/notifier.md"
    parser.add_argument("--notifier-site", type=Path, metavar="FOLDER", help=about)
    inbox_option(parser)


def check(args: argparse.Namespace) -> None:
    """Make sure that the options go together.

    Raises:
        OperatorError: they don't.
    """
    if args.once:
        _check_once(args)
    if args.serve_inbox is not None and args.notifier_site is None:
        raise OperatorError("--serve-inbox: needs --notifier-site")
    if args.topic and args.kafka is None:
        raise OperatorError("--topic: needs --kafka")
    if args.watch is not None and not args.watch.is_dir():
        raise OperatorError("--watch: there is no such folder")
    if not 0 <= args.port < 1 << 16:
        raise OperatorError("--port: from 0 to 65535")


def _check_once(args: argparse.Namespace) -> None:
    if args.mllp is not None or wants_fhir(args):
        raise OperatorError("--once: without --mllp, --fhir and --fhir-poll")
    if args.notifier_site is not None:
        told = "--once: without --notifier-site"
        raise OperatorError(f"{told}; `salvage notify run --once` does it afterwards")
    waiting = any((args.data / name).exists() for name in (JOURNAL, REPLAYS))
    if args.watch is None and args.kafka is None and not waiting:
        raise OperatorError("--once: needs --watch, --kafka, or a journal in --data")
