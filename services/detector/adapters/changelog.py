"""The changelog of the state in Kafka, and its copy on this machine's disk.

The changelog is where writers meet, also one that stood still for so long that others took over,
and doesn't know. A row is sent first, and its offset says what is true: right behind what we have
read, all rows before it were known to who wrote it. Otherwise somebody else has written: what is
between is read, and the record is judged again. Nothing is said of a row before that.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.detector.adapters.settings import CHANGELOG, LARGEST
from services.detector.adapters.shelf import Shelf
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from services.detector.adapters.sending import Sender


SLICE: Final = 2_000
"""Records of somebody else's partition that are read at once; meanwhile none of ours can be."""


class Changelog:
    """The rows of all partitions that were ours, and of others if they are followed.

    taken: how many records of the changelog were put on shelves, of partitions that were ours.
    copied: how many of others.
    """

    def __init__(self, connection: Mapping[str, Any], sender: Sender, folder: Path) -> None:
        """Inside the event loop that is to run it; `start` connects.

        Args:
            connection: settings of the client library.
            sender: sends rows.
            folder: of the shelves; one for each process.
        """
        self.taken = self.copied = 0
        self._sender = sender
        self._folder = folder
        self._shelves: dict[int, Shelf] = {}
        self._alone = asyncio.Lock()
        self._reader: Any = AIOKafkaConsumer(
            **connection,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=LARGEST,
        )

    async def start(self) -> None:
        """Connect.

        Raises:
            OperatorError: the folder can't be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperatorError(f"--data: {error.strerror or 'cannot be made'}") from error
        await self._reader.start()

    async def stop(self) -> None:
        """Disconnect, and let go of the disk."""
        await self._reader.stop()
        for shelf in self._shelves.values():
            shelf.close()
        self._shelves.clear()

    def shelf(self, partition: int) -> Shelf:
        """The rows of a partition, as far as they were read.

        Raises:
            OperatorError: the disk can't be used.
        """
        if partition not in self._shelves:
            self._shelves[partition] = Shelf(self._folder / f"state-{partition}")
        return self._shelves[partition]

    def starting(self, partition: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Keys and values of a partition whose keys begin so."""
        return self.shelf(partition).starting(prefix)

    async def append(self, partition: int, key: bytes, value: bytes) -> bool:
        """Write a row.

        Returns:
            Whether it follows all that we knew. If not, we know more now; the row counts or not.

        Raises:
            OperatorError: the disk can't be used.
        """
        offset = await self._sender.send(CHANGELOG, key, value, partition=partition)
        shelf = self.shelf(partition)
        if offset == shelf.end:
            shelf.add(offset, key, value)
            self.taken += 1
            return True
        await self._read_on(shelf, partition, offset + 1)
        return False

    async def catch_up(self, partition: int) -> None:
        """Read all that is there.

        Raises:
            OperatorError: the disk can't be used, or knows more than the changelog.
        """
        shelf = self.shelf(partition)
        await self._read_on(shelf, partition, await self._end(partition, shelf))

    async def follow(self, partition: int) -> None:
        """Read a slice of what is there of a partition that is somebody else's.

        Raises:
            OperatorError: the disk can't be used, or knows more than the changelog.
        """
        shelf = self.shelf(partition)
        end = await self._end(partition, shelf)
        await self._read_on(shelf, partition, min(end, shelf.end + SLICE), ours=False)

    async def _end(self, partition: int, shelf: Shelf) -> int:
        """The offset behind the last record of the changelog; none is behind what we have."""
        place, known = TopicPartition(CHANGELOG, partition), shelf.end
        end = int((await self._reader.end_offsets([place]))[place])
        if known > end:
            raise OperatorError(
                f"{CHANGELOG} ends before what is on the disk; if it was made anew, "
                "remove the folder and start again"
            )
        return end

    async def first(self, topic: str, partition: int, begin: int, end: int) -> int:
        """The offset of the first record of a topic from one offset on, or the other if none is."""
        found: list[int] = []
        await self._read(
            topic, partition, begin, end, lambda record: found.append(int(record.offset))
        )
        return min([*found, end])

    async def _read_on(self, shelf: Shelf, partition: int, end: int, *, ours: bool = True) -> None:
        def take(record: Any) -> None:
            if record.offset >= shelf.end:
                shelf.add(record.offset, record.key, record.value)
                self.taken += ours
                self.copied += not ours

        await self._read(CHANGELOG, partition, shelf.end, end, take)

    async def _read(
        self, topic: str, partition: int, begin: int, end: int, take: Callable[[Any], None]
    ) -> None:
        place = TopicPartition(topic, partition)
        async with self._alone:
            self._reader.assign([place])
            self._reader.seek(place, begin)
            while await self._reader.position(place) < end:
                found = await self._reader.getmany(timeout_ms=500)
                for record in found.get(place, ()):
                    take(record)
