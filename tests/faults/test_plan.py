"""The plan of what breaks: everything in it comes from the seed."""

from __future__ import annotations

from collections import Counter
from random import Random

from faults.plan import BROKERS, WORKERS, Kind, plan

COUNTS = {Kind.KILL: 40, Kind.BROKER_KILL: 30, Kind.CUT: 40, Kind.STOP: 5, Kind.CORRUPT: 1}


def made(seed: int) -> list[str]:
    return [f"{one} after {one.wait}" for one in plan(Random(seed), COUNTS)]  # noqa: S311


def test_a_seed_says_all() -> None:
    assert made(1) == made(1) != made(2)


def test_there_are_as_many_of_each_as_were_asked_for() -> None:
    found = plan(Random(3), COUNTS)  # noqa: S311
    assert Counter(one.kind for one in found) == COUNTS
    assert [one.kind for one in found] != sorted(one.kind for one in found), "mixed"
    assert plan(Random(3), {}) == []  # noqa: S311


def test_everybody_is_struck_by_what_can_strike_them() -> None:
    found = plan(Random(4), COUNTS)  # noqa: S311
    struck = {(one.kind, one.target) for one in found}
    assert {target for kind, target in struck if kind is Kind.KILL} == set(range(WORKERS))
    assert {target for kind, target in struck if kind is Kind.BROKER_KILL} == set(range(BROKERS))
    cut = {target for kind, target in struck if kind is Kind.CUT}
    assert cut == set(range(BROKERS + WORKERS))


def test_a_worker_stands_still_for_longer_than_its_session() -> None:
    found = plan(Random(5), {Kind.STOP: 20})  # noqa: S311
    assert all(one.last >= 15.0 for one in found)
    assert all(one.last == 0.0 for one in plan(Random(5), {Kind.KILL: 3}))  # noqa: S311
