"""What is Faust's, in our words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from services.detector.adapters.local import Progress, Watchdog, record_of

HERE = ("events", 0)


def test_only_what_follows_what_was_finished_counts() -> None:
    """A record may be finished when its partition has been another's in the meantime."""
    progress = Progress()
    progress.finish(HERE, 6)
    assert progress.done == {}, "not ours"
    progress.begin(HERE, 7)
    for offset in (6, 8, 7, 7, 9, 8):
        progress.finish(HERE, offset)
    assert progress.done == {HERE: 9}
    progress.begin(HERE, 8)
    assert progress.done == {HERE: 9}, "what is finished stays so"


def test_what_waits_and_does_not_move_is_noticed() -> None:
    dog = Watchdog(60.0)
    assert not dog.look(0.0, 0, waiting=True)
    assert not dog.look(60.0, 0, waiting=True)
    assert dog.look(61.0, 0, waiting=True)
    assert not dog.look(62.0, 1, waiting=True), "it moved"
    assert not dog.look(120.0, 1, waiting=False)
    assert not dog.look(180.0, 1, waiting=True), "it has waited for a minute"
    assert dog.look(181.0, 1, waiting=True)


def message(**said: Any) -> Any:
    frame = {"topic": "t", "partition": 3, "offset": 4, "key": b"k", "value": b"v"}
    return SimpleNamespace(**{**frame, "timestamp": 1_772_614_800.123, "headers": None, **said})


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({}, 1_772_614_800_123_000),
        ({"headers": [("received", b"1772614800000001")]}, 1_772_614_800_000_001),
        ({"headers": {"received": b"yesterday", "source": None}}, 1_772_614_800_123_000),
        ({"headers": [("received", "١٢".encode())]}, 1_772_614_800_123_000),
        ({"headers": [("received", b"1772614800123999")]}, 1_772_614_800_123_999),
        ({"headers": [("received", b"1772614800124000")]}, 1_772_614_800_123_000),
        ({"headers": [("received", b"9" * 5000)]}, 1_772_614_800_123_000),
        ({"timestamp": 1e15}, 7_258_118_399_000_000),
        ({"timestamp": -0.001}, 0),
    ],
)
def test_a_record_was_received_when_its_header_or_its_timestamp_says(
    said: dict[str, Any], at: int
) -> None:
    record = record_of(message(**said))
    assert record.at == at
    assert str(record.where) == "t[3]@4"
