"""Order within a partition, none between partitions, and an end that waits for what is in hand."""

from __future__ import annotations

import asyncio

import pytest

from services.detector.adapters.lanes import LENGTH, Lanes


class Hand:
    """Handles what it is given when it is told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.goes_on = True
        self.doors: dict[str, asyncio.Event] = {}

    def open(self, *messages: str) -> None:
        for one in messages:
            self.doors.setdefault(one, asyncio.Event()).set()

    async def handle(self, message: str) -> bool:
        self.begun.append(message)
        await self.doors.setdefault(message, asyncio.Event()).wait()
        self.done.append(message)
        return self.goes_on


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_a_partition_keeps_its_order_and_holds_up_no_other(hand: Hand) -> None:
    async def story() -> None:
        lanes = Lanes(hand.handle)
        for partition, message in ((0, "a"), (0, "b"), (1, "c")):
            await lanes.put(partition, message)
        await settled()
        assert hand.begun == ["a", "c"]
        hand.open("c", "b")
        await settled()
        assert hand.done == ["c"], "b waits for a"
        hand.open("a")
        await settled()
        assert hand.done == ["c", "a", "b"]
        await lanes.stop()

    asyncio.run(story())


def test_what_waits_is_dropped_and_what_is_in_hand_goes_on(hand: Hand) -> None:
    """As when partitions change hands: what waits comes again, to whoever has them then."""

    async def story() -> None:
        lanes = Lanes(hand.handle)
        for message in ("a", "b"):
            await lanes.put(0, message)
        await settled()
        lanes.clear()
        await lanes.put(0, "c")
        hand.open("a", "b", "c")
        await settled()
        assert hand.done == ["a", "c"]
        await lanes.stop()

    asyncio.run(story())


def test_whoever_brings_more_than_fits_waits_and_brings_nothing_outdated(hand: Hand) -> None:
    async def story() -> None:
        lanes = Lanes(hand.handle)
        for number in range(LENGTH + 1):
            await lanes.put(0, f"{number}")
            await settled()
        late = asyncio.create_task(lanes.put(0, "late"))
        await settled()
        assert not late.done()
        lanes.clear()
        hand.open(*(f"{number}" for number in range(LENGTH + 1)), "late", "new")
        await late
        await lanes.put(0, "new")
        await settled()
        assert hand.done == ["0", "new"]
        await lanes.stop()

    asyncio.run(story())


def test_nothing_is_handled_behind_what_failed(hand: Hand) -> None:
    async def story() -> None:
        lanes = Lanes(hand.handle)
        hand.goes_on = False
        hand.open("a", "b")
        for message in ("a", "b"):
            await lanes.put(0, message)
        await settled()
        assert hand.begun == ["a"]
        await lanes.stop()

    asyncio.run(story())


def test_the_end_waits_for_what_is_in_hand_and_begins_nothing(hand: Hand) -> None:
    async def story() -> None:
        lanes = Lanes(hand.handle)
        for partition, message in ((0, "a"), (0, "b"), (1, "c")):
            await lanes.put(partition, message)
        await settled()
        hand.open("c")
        await settled()
        ending = asyncio.create_task(lanes.stop())
        await settled()
        assert not ending.done()
        hand.open("a", "b")
        await ending
        assert hand.done == ["c", "a"]

    asyncio.run(story())


def test_a_lane_is_idle_only_when_nothing_of_it_can_be_under_way(hand: Hand) -> None:
    async def story() -> None:
        lanes = Lanes(hand.handle)
        assert lanes.idle(0)
        await lanes.put(0, "a")
        assert not lanes.idle(0)
        assert lanes.idle(1)
        await settled()
        assert not lanes.idle(0), "in hand"
        for number in range(LENGTH):
            await lanes.put(0, str(number))
        held = asyncio.create_task(lanes.put(0, "too many"))
        await settled()
        assert not lanes.idle(1), "what is held up may have any partition's records behind it"
        held.cancel()
        await settled()
        assert lanes.idle(1)
        lanes.clear()
        hand.open("a")
        await settled()
        assert lanes.idle(0)
        await lanes.stop()

    asyncio.run(story())
