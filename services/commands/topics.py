"""`salvage topics`: the topics of a Kafka cluster, held to our table of them."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from schemas.topics import TOPICS
from services.ingest.kafka.topics import REPLICAS, Difference, Topics, connected
from services.runtime.errors import OperatorError, SalvageError
from services.runtime.kafka import add_kafka_option, cluster
from services.runtime.logs import to_stream

if TYPE_CHECKING:
    import argparse

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "topics",
        help="the topics of a Kafka cluster: make them, check them",
        description="Holds the topics of a cluster to the table in docs/kafka.md.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    make = verbs.add_parser(
        "apply",
        aliases=["create"],
        help="make what is missing, correct what can be corrected",
        description="Makes the topics that are missing and corrects their settings. Partitions "
        "and replicas of a topic that is there are never changed, only told. Does no harm again.",
    )
    check = verbs.add_parser(
        "check",
        help="say what differs, and change nothing",
        description="Says what differs from the table, and changes nothing.",
    )
    for each, run in ((make, _apply), (check, _check)):
        add_kafka_option(each, required=True, about="some of the cluster's brokers")
        about = "brokers that hold each partition; default: %(default)s"
        each.add_argument("--replicas", type=int, default=REPLICAS, metavar="N", help=about)
        each.add_argument("--json", action="store_true", help="one JSON object")
        each.set_defaults(run=_guarded, act=run)


def _guarded(args: argparse.Namespace) -> int:
    """Carry out a verb.

    Returns:
        0 all is as it should be; 1 something differs, or no broker answers; 2 unusable settings.
    """
    to_stream(sys.stderr, logging.ERROR)
    try:
        with connected(cluster(args.kafka, os.environ), _replicas(args)) as topics:
            return int(args.act(args, topics))
    except OperatorError as error:
        print(f"salvage topics: {error}", file=sys.stderr)
        return 2
    except SalvageError as error:
        print(f"salvage topics: {error}", file=sys.stderr)
        return 1


def _replicas(args: argparse.Namespace) -> int:
    if args.replicas < 1:
        raise OperatorError("--replicas: at least 1")
    return int(args.replicas)


def _apply(args: argparse.Namespace, topics: Topics) -> int:
    changed = topics.apply(TOPICS)
    left = topics.differences(TOPICS)
    done = [one for one in changed if one not in left]
    if args.json:
        print(json.dumps({"changed": _rows(done), "differences": _rows(left)}))
    else:
        for one in done:
            print(f"changed: {one.topic}: {one.setting}")
        _tell(left)
    return 1 if left else 0


def _check(args: argparse.Namespace, topics: Topics) -> int:
    left = topics.differences(TOPICS)
    if args.json:
        print(json.dumps({"differences": _rows(left)}))
    else:
        _tell(left)
    return 1 if left else 0


def _rows(differences: list[Difference]) -> list[dict[str, str]]:
    return [asdict(one) for one in differences]


def _tell(left: list[Difference]) -> None:
    for one in left:
        print(one)
    print(f"{len(TOPICS)} topics, {len(left)} differences")
