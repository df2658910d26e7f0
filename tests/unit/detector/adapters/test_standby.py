"""Copies of others' partitions: those that are not ours, and whatever Kafka says meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from services.detector.adapters import standby
from services.detector.adapters.local import Progress
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Copies:
    """A changelog that may refuse; remembers which partitions were followed."""

    def __init__(self, *errors: Exception) -> None:
        self.followed: list[int] = []
        self._errors = list(errors)

    async def follow(self, partition: int) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.followed.append(partition)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "ROUND", 0.0)


def copied(copies: Any, rounds: Iterable[list[int]]) -> Progress:
    """Let it go round, until there are no more rounds."""
    progress, plan = Progress(), iter(rounds)

    def others() -> list[int]:
        found = next(plan, None)
        if found is None:
            raise asyncio.CancelledError
        return found

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(standby.keep_copies(copies, others, progress))
    return progress


def test_others_partitions_are_followed_in_turn() -> None:
    copies = Copies()
    progress = copied(copies, [[3, 4], [], [4]])
    assert copies.followed == [3, 4, 4]
    assert progress.failure is None


def test_kafka_is_asked_again() -> None:
    copies = Copies(TimeoutError("of the client library"))
    progress = copied(copies, [[3, 4], [3, 4]])
    assert copies.followed == [3, 4]
    assert progress.failure is None


def test_a_disk_that_cannot_be_used_ends_the_process() -> None:
    error = OperatorError("--data: the disk is full")
    assert copied(Copies(error), [[3]]).failure is error
