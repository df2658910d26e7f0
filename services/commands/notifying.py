"""`salvage notify` with Kafka: the notifier's own command, and topics for its feeds and deeds."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from schemas.alerts import AlertRevision
from schemas.events import EVENT, Event
from schemas.topics import ACTIONS, ALERTS, EVENTS
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.topics import require
from services.notifier.commands import notify
from services.notifier.commands.notify import Sources
from services.notifier.service.agenda import take_in
from services.notifier.service.feeds import concerning
from services.notifier.service.inputs import revised
from services.runtime.errors import OperatorError, Unavailable
from services.runtime.kafka import add_kafka_option, cluster
from services.runtime.logs import logger
from services.runtime.process import carried_out

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from contextlib import ExitStack
    from datetime import datetime

    from schemas.actions import Action
    from services.ingest.kafka.records import Incoming
    from services.notifier.store.database import Database
    from services.runtime.kafka import Cluster

GROUP: Final = "salvage-notifier"
PATIENCE: Final = timedelta(seconds=30)
"""An alert and the events of its course come on two topics, perhaps to two notifiers."""
_POLL_SECONDS: Final = 0.2


def register(subparsers: notify.Subparsers) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    runs = notify.register(subparsers)
    about = "read clinical.alerts and clinical.events there, write clinical.actions"
    add_kafka_option(runs, required=False, about=about)
    runs.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out `salvage notify run`."""
    sources = notify.from_files if args.kafka is None else from_kafka
    return carried_out("salvage notify", partial(notify.serve, args, sources))


def from_kafka(args: argparse.Namespace, stack: ExitStack) -> Sources:
    """Alerts, events and deeds on topics.

    Raises:
        OperatorError: files are named too, or a topic is missing.
        Unavailable: no broker answers.
    """
    if args.alerts is not None or args.events is not None or args.actions is not None:
        raise OperatorError("--kafka: goes without --alerts, --events and --actions")
    where = cluster(args.kafka, os.environ)
    require(where, [ALERTS, EVENTS, ACTIONS])
    deeds = Deeds(where)
    stack.callback(deeds.close)
    feed = TopicFeed(where)
    stack.callback(feed.close)
    return Sources([feed], deeds, PATIENCE)


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
            alerts = [found for each in records if (found := _revision(each)) is not None]
            given = [*concerning(database, events), *(revised(each) for each in alerts)]
            take_in(database, given, now, {})
        except Unavailable:
            self._reader.back()
            raise
        self._reader.commit(records)
        return len(records)


class Deeds:
    """Publishes deeds, keyed by alert."""

    def __init__(self, where: Cluster) -> None:
        """Connect when there is something to say."""
        self._where = where
        self._publisher: Publisher | None = None

    def __call__(self, actions: Sequence[Action]) -> None:
        """Publish deeds.

        Returns:
            When all of them are in Kafka.

        Raises:
            Unavailable: of none of them is it known; they come again, with the same ids.
        """
        publisher = self._publisher or Publisher(self._where)
        self._publisher = None  # one that failed is done for
        try:
            publisher.publish(
                Outgoing(ACTIONS.name, one.alert_id, one.to_json(), ()) for one in actions
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
