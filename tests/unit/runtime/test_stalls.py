"""Partitions of which records wait, while nobody brings them."""

from __future__ import annotations

from services.runtime.stalls import Stalls

HERE, THERE = ("events", 0), ("events", 1)


def test_what_stands_still_is_named_again_and_again() -> None:
    stalls = Stalls(10)
    seen = {now: stalls.look(now, {HERE: 5}) for now in range(0, 35, 3)}
    assert [now for now, places in seen.items() if places] == [12, 21, 33]
    assert stalls.longest == 33


def test_what_moves_or_has_nothing_waiting_is_not() -> None:
    stalls = Stalls(10)
    for now in range(40):
        assert stalls.look(now, {HERE: now // 9} if now % 11 else {}) == []
    assert stalls.longest < 10


def test_others_that_move_hide_nothing() -> None:
    stalls = Stalls(10)
    named = [stalls.look(now, {HERE: 5, THERE: now}) for now in range(12)]
    assert named == [[]] * 11 + [[HERE]]
