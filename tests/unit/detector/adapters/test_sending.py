"""What Kafka doesn't take is tried again, and what takes long is not begun twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.detector.adapters import sending
from services.detector.adapters.local import Progress
from services.detector.adapters.sending import ATTEMPTS, insist
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSE", 0.0)
    monkeypatch.setattr(sending, "PATIENCE", 0.02)


def insisted(act: Callable[[], Awaitable[int]], progress: Progress, lane: int = 0) -> int:
    async def lives() -> int:
        return await insist(act, "takes nothing", progress, lane)

    return asyncio.run(lives())


def test_what_fails_is_tried_again() -> None:
    calls, progress = [ConnectionError(), ConnectionError()], Progress()

    async def act() -> int:
        if calls:
            raise calls.pop()
        return 7

    assert insisted(act, progress) == 7
    assert progress.trouble is None


def test_what_takes_long_is_waited_for() -> None:
    calls: list[str] = []

    async def act() -> int:
        calls.append("begun")
        await asyncio.sleep(0.05)
        return 7

    assert insisted(act, Progress()) == 7
    assert calls == ["begun"]


def test_it_gives_up_and_says_what_is_wrong_meanwhile() -> None:
    progress, calls = Progress(), list[int]()

    async def fails() -> int:
        calls.append(1)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        insisted(fails, progress)
    assert len(calls) == ATTEMPTS
    assert progress.trouble == "takes nothing"

    async def hangs() -> int:
        await asyncio.sleep(60)
        return 7

    with pytest.raises(Unavailable, match="takes nothing"):
        insisted(hangs, progress)


def test_what_goes_well_in_one_lane_does_not_hide_the_trouble_of_another() -> None:
    progress = Progress()

    async def fails() -> int:
        raise ConnectionError

    async def goes_well() -> int:
        return 7

    with pytest.raises(ConnectionError):
        insisted(fails, progress, lane=3)
    insisted(goes_well, progress, lane=5)
    assert progress.trouble == "takes nothing"
    insisted(goes_well, progress, lane=3)
    assert progress.trouble is None


def test_what_an_operator_must_mend_is_not_tried_again() -> None:
    calls: list[int] = []

    async def fails() -> int:
        calls.append(1)
        raise OperatorError("--data: the disk is full")

    with pytest.raises(OperatorError):
        insisted(fails, Progress())
    assert len(calls) == 1
