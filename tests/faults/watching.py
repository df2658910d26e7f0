"""What the workers publish, read on and on by a thread, whatever happens to the brokers."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from kafka.errors import KafkaError
from support.following import Following

from schemas.topics import ALERTS, INNER, STATE

if TYPE_CHECKING:
    from services.ingest.kafka.records import Incoming

_PAUSE = 0.2


class Watching:
    """Follows the topics of alerts, of state and of the detector's records to itself.

    A look at a broker that doesn't answer may take half a minute, in which others go on.
    """

    def __init__(self, address: str) -> None:
        self._topics = Following(address, ALERTS.name, STATE.name, INNER.name)
        self._seen = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._topics.close()

    def moved(self) -> bool:
        """Whether something new was read since this was asked last."""
        before, self._seen = self._seen, len(self._topics.records)
        return self._seen > before

    def alerts(self) -> list[Incoming]:
        """All records of the topic that were read so far."""
        return self._topics.of(ALERTS.name)

    def rows(self) -> int:
        """How many rows of state were read so far."""
        return len(self._topics.of(STATE.name))

    def _read(self) -> None:
        while not self._ended.wait(_PAUSE):
            try:
                self._topics.news()
            except (KafkaError, KeyError):  # theirs, where only some brokers answer
                with suppress(KafkaError):
                    self._topics.again()
