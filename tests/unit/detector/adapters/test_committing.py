"""What is committed instead of what Faust would commit."""

from __future__ import annotations

import asyncio

from services.detector.adapters.committing import Commits
from services.detector.adapters.local import Place, Progress

HERE, TICKS, THERE = ("events", 0), ("ticks", 0), ("events", 1)


class Consumer:
    """Faust's, as far as commits go.

    committed: what reached Kafka, call by call.
    sought: where it was told to read, call by call.
    """

    def __init__(self) -> None:
        self.committed: list[dict[Place, int]] = []
        self.sought: list[dict[Place, int]] = []
        self.accepts = True

    def assignment(self) -> set[Place]:
        return {HERE, TICKS}

    async def seek_to_committed(self) -> dict[Place, int | None]:
        return {HERE: 7, TICKS: None}

    async def earliest_offsets(self, *places: Place) -> dict[Place, int | None]:
        return dict.fromkeys(places, 3)

    async def seek_wait(self, places: dict[Place, int]) -> None:
        self.sought.append(places)

    async def _commit(self, offsets: dict[Place, int]) -> bool:
        self.committed.append(offsets)
        return self.accepts


def test_only_what_was_finished_is_committed_and_once() -> None:
    consumer, progress = Consumer(), Progress()
    commits = Commits(consumer, progress)

    async def lives() -> None:
        assert await consumer._commit({HERE: 99}), "Faust is told that all is well"  # noqa: SLF001
        await commits.once()
        assert consumer.committed == []
        progress.done = {HERE: 8, THERE: 5}
        await commits.once()
        await commits.once()
        progress.done[TICKS] = 4
        await commits.once()

    asyncio.run(lives())
    assert consumer.committed == [{HERE: 8}, {TICKS: 4}], "not of what is somebody else's"


def test_what_was_refused_or_forgotten_is_committed_again() -> None:
    consumer = Consumer()
    commits = Commits(consumer, Progress({HERE: 8}))

    async def lives() -> None:
        consumer.accepts = False
        await commits.once()
        consumer.accepts = True
        await commits.once()
        commits.forget()
        await commits.once()

    asyncio.run(lives())
    assert consumer.committed == [{HERE: 8}] * 3


def test_reading_begins_where_was_committed_or_at_what_is_kept() -> None:
    consumer, progress = Consumer(), Progress()
    Commits(consumer, progress)
    assert asyncio.run(consumer.seek_to_committed()) == {HERE: 7, TICKS: None}
    assert progress.done == {HERE: 7, TICKS: 3}
    assert consumer.sought == [{HERE: 7, TICKS: 3}], "also where nothing was committed"


def test_what_was_lost_on_the_way_is_read_again_unless_it_is_no_longer_ours() -> None:
    consumer = Consumer()
    commits = Commits(consumer, Progress({HERE: 8}))
    asyncio.run(commits.again([HERE, THERE]))
    assert consumer.sought == [{HERE: 8}]
