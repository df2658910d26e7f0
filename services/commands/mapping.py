"""`salvage map`: what was received becomes clinical events and dead letters, over Kafka."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from schemas.topics import DEADLETTERS, EVENTS, RAW, TOPICS
from services.commands.seen import add_health_options, seen
from services.embedded.reading import read
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.mapmetrics import MapperMetrics
from services.ingest.kafka.mapper import GROUP, Mapper, MapWorker
from services.ingest.kafka.publisher import Publisher
from services.ingest.kafka.topics import require
from services.ingest.profiles.gating import gate_of
from services.ingest.profiles.options import add_source_options, sources_of
from services.runtime.errors import OperatorError
from services.runtime.kafka import add_kafka_option, cluster
from services.runtime.logs import logger
from services.runtime.process import DONE, carried_out

if TYPE_CHECKING:
    import argparse

    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "map",
        help="read clinical.raw, publish clinical.events and dead letters",
        description="Reads what `salvage ingest` published, and canonical events of hospital "
        "buses; publishes clinical events by patient, and dead letters with reason and place. "
        "Several of them share the work.",
    )
    add_kafka_option(parser, required=True, about="some of the cluster's brokers")
    add = parser.add_argument
    about = "a topic on which somebody publishes canonical events; repeatable"
    add("--events-topic", action="append", default=[], metavar="NAME", help=about)
    about = "workers of the same name share the work; default: %(default)s"
    add("--group", default=GROUP, metavar="NAME", help=about)
    add_source_options(parser)
    add_health_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 ended as asked; 1 gave up (logged); 2 unusable settings (said on stderr).
    """
    return carried_out("salvage map", partial(_work, args))


def _work(args: argparse.Namespace, stop: Stop) -> int:
    ours = {row.name for row in TOPICS}
    if ours & set(args.events_topic):
        raise OperatorError("--events-topic: one of our own topics; it would be read for ever")
    sources = sources_of(args)
    mapper = Mapper(partial(read, sources=sources), gate_of(sources))
    where = cluster(args.kafka, os.environ)
    require(where, [RAW, EVENTS, DEADLETTERS])
    topics = list(dict.fromkeys([RAW.name, *args.events_topic]))
    metrics = MapperMetrics(CollectorRegistry(), topics)
    reader, publisher = partial(GroupReader, where, topics, args.group), partial(Publisher, where)
    worker = MapWorker(mapper, reader, publisher, metrics)
    logger().info("mapping")
    if args.port is None:
        worker.run(stop)
    else:
        asyncio.run(_watched(worker, args, metrics, stop))
    return DONE


async def _watched(
    worker: MapWorker, args: argparse.Namespace, metrics: MapperMetrics, stop: Stop
) -> None:
    """Work in a thread, so that this loop can say of the work that it hangs."""
    about = (worker.problem, metrics.registry, worker.hangs)
    async with seen(args.host, args.port, *about):
        await asyncio.to_thread(worker.run, stop)
