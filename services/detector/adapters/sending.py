"""What is sent to Kafka, one record after the other, and acknowledged by all in-sync replicas."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiokafka import AIOKafkaProducer

from services.detector.adapters.settings import LARGEST, PATIENCE
from services.runtime.errors import OperatorError, Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from services.detector.adapters.local import Progress

T = TypeVar("T")

ATTEMPTS: Final = 4
PAUSE: Final = 1.0


class Sender:
    """Sends records; idempotent, so that the client's own repetitions are one record."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        """Inside the event loop that is to run it; `start` connects.

        Args:
            connection: settings of the client library.
        """
        self._producer: Any = AIOKafkaProducer(
            **connection,
            acks="all",
            enable_idempotence=True,
            max_request_size=LARGEST,
            request_timeout_ms=int(PATIENCE * 1000),
        )

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Finish what is under way, and disconnect."""
        await self._producer.stop()

    async def send(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Iterable[tuple[str, str]] = (),
        partition: int | None = None,
    ) -> int:
        """Send a record; without a partition its key decides, by Kafka's own hash.

        Returns:
            Its offset.
        """
        pairs = [(name, text.encode()) for name, text in headers]
        done = await self._producer.send_and_wait(topic, value, key, partition, headers=pairs)
        return int(done.offset)


async def insist(act: Callable[[], Awaitable[T]], trouble: str, progress: Progress, lane: int) -> T:
    """Do it, if need be several times; what takes long is waited for and not begun again.

    Args:
        act: what is to be done.
        trouble: what to say meanwhile, a sentence of ours.
        progress: where it is said.
        lane: the partition that waits for it; what goes well elsewhere doesn't help it.

    Returns:
        What it gave.

    Raises:
        Exception: the last failure, of whatever kind the client library makes.
        Unavailable: it takes too long.
    """
    work: asyncio.Future[T] | None = None
    for attempt in range(1, ATTEMPTS + 1):
        work = work or asyncio.ensure_future(act())
        await asyncio.wait({work}, timeout=PATIENCE)
        error = work.exception() if work.done() else Unavailable(f"kafka: {trouble}")
        if error is None:
            progress.troubles.pop(lane, None)
            return work.result()
        progress.troubles[lane] = trouble
        logger().error("trouble", extra={"reason": trouble, "detail": place_of(error)})
        if attempt == ATTEMPTS or isinstance(error, OperatorError):
            raise error
        if work.done():
            work = None
            await asyncio.sleep(PAUSE)
    raise AssertionError  # pragma: no cover - the last attempt returns or raises
