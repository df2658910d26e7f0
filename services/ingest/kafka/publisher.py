"""The publisher: what it was given is in Kafka when it says so, or it says that it isn't known.

Laws of this file:
- `publish` returns when all in-sync replicas have every record (acks=all, idempotent producer);
- records of one key keep their order;
- nothing is ever dropped: who gives more than can wait, waits;
- after one failure the publisher is done for. Of what was under way nobody knows whether it will
  still be written (a broker that was only slow writes it later), so whoever gave it gives all of it
  again, to a new publisher. That makes repeats, and repeats do no harm: see docs/kafka.md.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from services.ingest.kafka.clients import made
from services.ingest.kafka.copies import HEARD_MS, missing
from services.runtime.clock import SystemClock
from services.runtime.errors import Unavailable
from services.runtime.kafka import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.runtime.clock import Clock
    from services.runtime.kafka import Cluster

PATIENCE_SECONDS: Final = 15.0
"""How long a record may take. Below the 30 s after which interface engines give a message up."""
WINDOW_BYTES: Final = 16 * 1024 * 1024
"""Bytes under way. kafka-python 3 itself would take any number into memory."""
LARGEST: Final = 17 * 1024 * 1024
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to publish.

    Attributes:
        topic: where to.
        key: records of one key keep their order.
        value: what.
        headers: names and texts; no patient's.
        at: the record's timestamp, microseconds UTC, by which its topic keeps it: when its content
            was received; None: the moment of its sending.
    """

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, str], ...]
    at: int | None = None


class Publisher:
    """Publishes; one thread uses it at a time."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        patience: float = PATIENCE_SECONDS,
        window: int = WINDOW_BYTES,
        clock: Clock | None = None,
    ) -> None:
        """Connect.

        Args:
            cluster: where to.
            patience: seconds that a record, or the connecting, may take.
            window: bytes that may be under way at one time.
            clock: the machine's, if none is given; no record is stamped with the future.

        Raises:
            Unavailable: no broker answers.
        """
        self._patience = patience
        self._window = window
        self._clock = clock or SystemClock()
        self._failed = False
        self._producer = made(KafkaProducer, **_settings(cluster, patience))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def publish(self, records: Iterable[Outgoing]) -> None:
        """Publish records, in their order.

        Returns:
            When all of them are in Kafka.

        Raises:
            Unavailable: of none of them is it known; make a new publisher, and give all again.
        """
        if self._failed:
            raise Unavailable("kafka: this publisher has failed before")
        self._failed = True  # until the opposite is shown
        try:
            self._publish(records)
        except KafkaError as error:
            raise unavailable(error) from error
        self._failed = False

    def close(self) -> None:
        """End; twice does no harm. Nothing that `publish` has returned for is under way."""
        with suppress(KafkaError):
            self._producer.close(timeout=0)
        if not self._producer._closed:  # noqa: SLF001 - `close` gives up at the first late batch
            self._producer._sender.force_close()  # noqa: SLF001

    def missing_copies(self) -> dict[str, int]:
        """Copies that are not in sync, by topic; what was last heard."""
        return missing(self._producer._metadata)  # noqa: SLF001 - no public way

    def _publish(self, records: Iterable[Outgoing]) -> None:
        under_way, size = deque[tuple[Any, int]](), 0
        for record in records:
            while under_way and size + len(record.value) > self._window:
                size -= self._settled(*under_way.popleft())
            under_way.append((self._sent(record), len(record.value)))
            size += len(record.value)
        for future, length in under_way:
            self._settled(future, length)

    def _sent(self, record: Outgoing) -> Any:
        return self._producer.send(
            record.topic,
            value=record.value,
            key=record.key.encode(),
            headers=[(name, text.encode()) for name, text in record.headers],
            # Brokers refuse the future, and a foreign record may come from there.
            timestamp_ms=self._stamp(record.at) // 1000,
        )

    def _stamp(self, at: int | None) -> int:
        now = self._clock.now()
        return now if at is None else min(at, now)

    def _settled(self, future: Any, length: int) -> int:
        """Wait for a record's acknowledgement.

        Returns:
            Its length.
        """
        future.get(timeout=2 * self._patience)  # its own limit comes first
        return length


def _settings(cluster: Cluster, patience: float) -> dict[str, Any]:
    limit = int(patience * 1000)
    return {
        **cluster.client("publisher"),
        "acks": "all",
        "enable_idempotence": True,
        "delivery_timeout_ms": limit,
        # A connection that died is noticed early enough for another attempt.
        "request_timeout_ms": limit // _ATTEMPTS,
        "max_block_ms": limit,
        "metadata_max_age_ms": HEARD_MS,
        "bootstrap_timeout_ms": limit,
        "max_request_size": LARGEST,
        "batch_size": 64 * 1024,
    }
