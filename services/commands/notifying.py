"""`salvage notify` with Kafka: the notifier's own command, and topics for its feeds and deeds."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from schemas.alerts import AlertRevision
from schemas.events import EVENT, Event
from schemas.topics import ACTIONS, ALERTS, EVENTS, RESEARCH
from services.commands.seen import add_health_options, seen
from services.commands.topicupkeep import TopicUpkeep
from services.embedded.book import WardBook
from services.embedded.store import FILE_NAME
from services.embedded.upkeep import StoreUpkeep
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.topics import require
from services.ingest.profiles.options import add_source_options, sources_of
from services.notifier.commands import notify
from services.notifier.commands.building import Sources
from services.notifier.research.settings import FILE_NAME as SHARING
from services.notifier.service.agenda import take_in
from services.notifier.service.feeds import concerning, is_store
from services.notifier.service.inputs import revised
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError, Unavailable
from services.runtime.kafka import add_kafka_option, cluster
from services.runtime.logs import logger
from services.runtime.process import carried_out

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from contextlib import ExitStack
    from datetime import datetime
    from pathlib import Path

    from schemas.base import Message
    from schemas.topics import Topic
    from services.ingest.kafka.records import Incoming
    from services.notifier.store.database import Database
    from services.runtime.kafka import Cluster
    from services.runtime.shutdown import Stop

GROUP: Final = "salvage-notifier"
PATIENCE: Final = timedelta(seconds=30)
"""An alert and the events of its course come on two topics, perhaps to two notifiers."""
_POLL_SECONDS: Final = 0.2


def register(subparsers: notify.Subparsers) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    runs = notify.register(subparsers)
    about = "read clinical.alerts and clinical.events there, write clinical.actions"
    add_kafka_option(runs, required=False, about=about)
    add_source_options(runs)
    add_health_options(runs)
    runs.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out `salvage notify run`."""
    sources = from_files if args.kafka is None else from_kafka
    return carried_out("salvage notify", lambda stop: _serve(args, sources, stop))


def _serve(args: argparse.Namespace, sources: notify.Wiring, stop: Stop) -> int:
    if args.port is None:
        return notify.serve(args, sources, stop)
    return notify.serve(args, sources, stop, partial(seen, args.host, args.port))


def from_files(args: argparse.Namespace, stack: ExitStack) -> Sources:
    """Alerts of a file, or of the store of `salvage run`, which knows the rest of the record too.

    Raises:
        OperatorError: a file is missing.
    """
    found = notify.from_files(args, stack)
    if not is_store(args.alerts):
        return found
    upkeep = StoreUpkeep(args.alerts.parent, sources_of(args)) if _in_place(args.alerts) else None
    return found._replace(record=WardBook(args.alerts).versions, upkeep=upkeep)


def _in_place(store: Path) -> bool:
    """Whether a store lies in its data folder, with what belongs to it."""
    return store.name == FILE_NAME


def from_kafka(args: argparse.Namespace, stack: ExitStack) -> Sources:
    """Alerts, events and deeds on topics.

    Raises:
        OperatorError: files are named too, or a topic is missing.
        Unavailable: no broker answers.
    """
    if any((args.alerts, args.events, args.actions, args.research)):
        raise OperatorError("--kafka: goes without --alerts, --events, --actions and --research")
    where = cluster(args.kafka, os.environ)
    shares = (args.site / SHARING).exists()
    require(where, [ALERTS, EVENTS, ACTIONS, *([RESEARCH] if shares else [])])
    deeds, research = Told(where, ACTIONS), Told(where, RESEARCH)
    stack.callback(deeds.close)
    stack.callback(research.close)
    feed = TopicFeed(where)
    stack.callback(feed.close)
    upkeep = TopicUpkeep(where, sources_of(args), SystemClock())
    stack.callback(upkeep.close)
    return Sources([feed], deeds, research, PATIENCE, upkeep=upkeep)


class TopicFeed:
    """Alerts and events of topics, shared with other notifiers. Places are kept by Kafka.

    A place is committed after the transaction that holds what was read. What is read twice comes
    in once.
    """

    def __init__(self, where: Cluster, group: str = GROUP) -> None:
        """Join the group.

        Raises:
            Unavailable: no broker answers.
        """
        self._reader = GroupReader(where, [EVENTS.name, ALERTS.name], group)

    def close(self) -> None:
        """Leave the group."""
        self._reader.close()

    def take(self, database: Database, now: datetime) -> int:
        """Take in what is new.

        Raises:
            Unavailable: it will be read again.
        """
        records = self._reader.poll(_POLL_SECONDS)
        if not records:
            return 0
        try:
            events = [one for each in records if (one := _event(each)) is not None]
            alerts = [
                revised(found, each.headers.get("traceparent"))
                for each in records
                if (found := _revision(each)) is not None
            ]
            given = [*concerning(database, events), *alerts]
            take_in(database, given, now, {})
        except Unavailable:
            self._reader.back()
            raise
        self._reader.commit(records)
        return len(records)


class Told:
    """Publishes messages on a topic, by its key."""

    def __init__(self, where: Cluster, topic: Topic) -> None:
        """Connect when there is something to say."""
        self._where, self._topic = where, topic
        self._publisher: Publisher | None = None

    def __call__(self, messages: Sequence[Message]) -> None:
        """Publish messages.

        Returns:
            When all of them are in Kafka.

        Raises:
            Unavailable: of none of them is it known; they come again, with the same ids.
        """
        publisher = self._publisher or Publisher(self._where)
        self._publisher = None  # one that failed is done for
        try:
            publisher.publish(
                Outgoing(self._topic.name, getattr(one, self._topic.key), one.to_json(), ())
                for one in messages
            )
        except Unavailable:
            publisher.close()
            raise
        self._publisher = publisher

    def close(self) -> None:
        """End."""
        if self._publisher is not None:
            self._publisher.close()


def _revision(record: Incoming) -> AlertRevision | None:
    if record.topic != ALERTS.name or record.value is None:
        return None
    try:
        return AlertRevision.model_validate_json(record.value)
    except ValidationError as error:
        _unusable(record, error)
        return None


def _event(record: Incoming) -> Event | None:
    if record.topic != EVENTS.name or record.value is None:
        return None
    try:
        return EVENT.validate_json(record.value)
    except ValidationError as error:
        _unusable(record, error)
        return None


def _unusable(record: Incoming, error: ValidationError) -> None:
    """Said loudly, with its place: somebody may wait for it. Its content isn't told."""
    place = f"{record.topic}:{record.partition}:{record.offset}"
    reason = f"{error.error_count()} fields that don't fit"
    logger().error("unusable record", extra={"reason": reason, "detail": place})
