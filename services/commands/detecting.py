"""`salvage detect`: clinical events become alerts, over Kafka."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry

from schemas.topics import ALERTS, DEADLETTERS, EVENTS, INNER, STATE
from services.commands.chosen import rules_or_complaint
from services.detector.adapters.keyed import Judging
from services.detector.adapters.metrics import DetectorMetrics
from services.detector.adapters.settings import Settings
from services.ingest.kafka.topics import REPLICAS, connected, require
from services.ingest.watching import about_process
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError, SalvageError, Unavailable, place_of
from services.runtime.kafka import add_kafka_option, cluster, divert_log
from services.runtime.logs import logger
from services.runtime.process import DONE, GAVE_UP, UNUSABLE, carried_out

if TYPE_CHECKING:
    import argparse

    from services.runtime.kafka import Cluster
    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

HOST, PORT = "127.0.0.1", 8093
_LIBRARIES: Final = ("faust", "mode", "aiokafka", "asyncio")
_LOOK_SECONDS: Final = 0.2


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "detect",
        help="read clinical.events, publish clinical.alerts",
        description="Judges clinical events by the rules and publishes what changes of the alerts. "
        "Several of them share the patients.",
    )
    add_kafka_option(parser, required=True, about="some of the cluster's brokers")
    add = parser.add_argument
    about = "where state is kept, which can be had from Kafka again; one for each process"
    add("--data", type=Path, required=True, metavar="FOLDER", help=about)
    add("--host", default=HOST, help="of /livez, /readyz and /metrics; default: %(default)s")
    add("--port", type=int, default=PORT, help="default: %(default)s; 0: any that is free")
    about = "brokers that hold each partition of our own topics; default: %(default)s"
    add("--replicas", type=int, default=REPLICAS, metavar="N", help=about)
    about = "keep copies of the others' state, too: more disk, and a quicker takeover"
    add("--standby", action="store_true", help=about)
    add("--rules", metavar="RULE[,RULE]", help="only these; or a folder of packs, or one pack file")
    add("--site", type=Path, metavar="FILE", help="the site's overrides")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 ended as asked; 1 gave up (logged), without a commit of what was in hand; 2 unusable
        settings, or a state that is not ours (said on stderr).
    """
    rules = rules_or_complaint("salvage detect", args)
    if rules is None:
        return UNUSABLE
    return carried_out("salvage detect", partial(_detect, args, Judging.by(rules)))


def _detect(args: argparse.Namespace, judging: Judging, stop: Stop) -> int:
    where = cluster(args.kafka, os.environ)
    for library in _LIBRARIES:
        divert_log(library)
    # Whoever only wants another command's help need not have Faust and its client.
    asyncio.run(import_module("services.detector.adapters.admission").admitted(where))
    prepare(where, args.replicas)
    return asyncio.run(_work(args, where, judging, stop))


def prepare(where: Cluster, replicas: int) -> None:
    """Make the detector's own topics, and make sure of the others.

    Raises:
        OperatorError: one of the others is missing, or has not the partitions that it should have.
        Unavailable: no broker answers, or it refuses.
    """
    require(where, [EVENTS, ALERTS, DEADLETTERS])
    with connected(where, replicas) as topics:
        for one in topics.differences([EVENTS]):
            if one.setting == "partitions":
                raise OperatorError(f"{one}: the detector's state goes by them")
        topics.apply([STATE, INNER])


async def _work(args: argparse.Namespace, where: Cluster, judging: Judging, stop: Stop) -> int:
    """Work until asked to stop.

    Returns:
        The exit code, unless it must end the process at once.
    """
    adapter = import_module("services.detector.adapters.faust_app")
    health = import_module("services.runtime.health").health
    metrics = DetectorMetrics(CollectorRegistry(), [rule.id for rule in judging.rules])
    settings = Settings(where, args.data, standby=args.standby)
    worker = adapter.Worker(settings, judging, SystemClock(), metrics)
    metrics.watch(worker.standing)
    about_process(metrics.registry)
    async with health(args.host, args.port, worker.problem, metrics.registry) as port:
        logger().info("detecting", extra={"host": args.host, "port": port})
        try:
            await worker.start()
            await _until(stop, worker)
        except OperatorError as error:
            print(f"salvage detect: {error}", file=sys.stderr)
            end_at_once(UNUSABLE)
        except Exception as error:  # noqa: BLE001 - what is not finished must not be committed
            detail = str(error) if isinstance(error, SalvageError) else place_of(error)
            logger().critical("gave up", extra={"detail": detail})
            end_at_once(GAVE_UP)
        await worker.stop()
    return DONE


async def _until(stop: Stop, worker: Any) -> None:
    """Until asked to stop.

    Raises:
        Exception: why it must end before that.
    """
    while not stop.asked:
        await asyncio.sleep(_LOOK_SECONDS)
        if worker.progress.failure is not None:
            raise worker.progress.failure
        if worker.app.crashed or worker.app.should_stop:
            raise Unavailable("kafka: the client has given up")
        if worker.hangs():
            raise Unavailable("kafka: records wait, and the client brings none")


def end_at_once(code: int) -> None:
    """End the process without a chance for anybody to commit anything."""
    for handler in logger().handlers:
        handler.flush()
    sys.stderr.flush()
    os._exit(code)
