"""A journal whose entries are in Kafka before they count: for the distributed runtime.

The order within one transaction makes the promise. What was received is added, published to
`clinical.raw` and acknowledged by all in-sync replicas; only then is the transaction committed, and
only then do senders hear yes. If Kafka doesn't take it, nothing was received: senders are refused,
keep their messages and send them again. If the end comes between Kafka's yes and the commit,
Kafka has messages whose senders will send them again: the same bytes twice, the same events.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.topics import RAW
from services.ingest.journal import Journal
from services.ingest.kafka.publisher import Publisher
from services.ingest.kafka.records import raw_record
from services.ingest.kafka.topics import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from services.ingest.journal import Entry
    from services.runtime.kafka import Cluster


class PublishingJournal(Journal):
    """A journal that publishes what it is given, within the transaction."""

    def __init__(self, folder: Path, connect: Callable[[], Publisher]) -> None:
        """Open the journal of a folder, and connect.

        Args:
            folder: as of `Journal`.
            connect: makes a publisher.

        Raises:
            OperatorError, Unavailable: as of `Journal`; or no broker answers.
        """
        super().__init__(folder)
        self._added: list[Entry] = []
        try:
            self._publisher = connect()
        except BaseException:
            super().close()
            raise

    def close(self) -> None:
        """Close both."""
        self._publisher.close()
        super().close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; when it ends well, what was added is on the disk and in Kafka.

        Raises:
            Unavailable: the file or Kafka could not be written; nothing counts as received.
        """
        self._added = []
        with super().transaction():
            yield
            self._publisher.publish(raw_record(entry) for entry in self._added)

    def add(self, entry: Entry) -> int:
        """Add an entry, within a transaction."""
        number = super().add(entry)
        self._added.append(replace(entry, seq=number))
        return number


def publishing(cluster: Cluster) -> Callable[[Path], Journal]:
    """What opens journals that publish to a cluster.

    It raises OperatorError where the topic isn't there, or takes less than we may receive.
    """

    def connect() -> Publisher:
        require(cluster, [RAW])
        return Publisher(cluster)

    return lambda folder: PublishingJournal(folder, connect)
