"""How far behind, by records and by time."""

from __future__ import annotations

from services.runtime.lag import MOST, Behind, Lag

HERE, THERE = ("events", 0), ("events", 1)


def behind(*looks: tuple[float, int, int]) -> Behind:
    """Of a partition that was looked at: when, how much was done, where its end was."""
    lag = Lag()
    for now, done, end in looks:
        lag.look(now, {HERE: done}, {HERE: end})
    return lag.partitions()[HERE]


def test_who_is_at_the_end_is_not_behind() -> None:
    assert behind((1.0, 7, 7)) == (0, 0.0)
    assert behind((1.0, 2, 7), (2.0, 7, 7)) == (0, 0.0)


def test_the_oldest_record_waits_since_it_was_first_seen() -> None:
    assert behind((1.0, 7, 7), (2.0, 7, 9), (5.0, 7, 12)) == (5, 3.0)
    assert behind((1.0, 7, 7), (2.0, 7, 9), (5.0, 9, 12), (6.0, 9, 12)) == (3, 1.0)


def test_work_that_goes_on_is_never_older_than_what_is_not_done() -> None:
    """A busy partition is always a few records behind, and never more than a moment."""
    looks = [(float(second), 100 * second, 100 * second + 5) for second in range(50)]
    assert behind(*looks) == (5, 0.0)


def test_an_end_that_is_told_late_is_no_lag() -> None:
    assert behind((1.0, 9, 7)) == (0, 0.0)


def test_partitions_that_are_gone_are_not_told() -> None:
    lag = Lag()
    lag.look(1.0, {HERE: 1, THERE: 1}, {HERE: 2, THERE: 3})
    lag.look(2.0, {THERE: 1}, {THERE: 3})
    assert lag.partitions() == {THERE: (2, 1.0)}
    lag.look(3.0, {HERE: 1, THERE: 1}, {HERE: 2, THERE: 3})
    assert lag.partitions()[HERE] == (1, 0.0), "what was seen before it went away is forgotten"


def test_a_standstill_of_days_is_remembered_in_little() -> None:
    lag = Lag()
    for second in range(4 * MOST):
        lag.look(float(second), {HERE: 0}, {HERE: second + 1})
    assert lag.partitions()[HERE] == (4 * MOST, 4.0 * MOST - 1)
    assert sum(map(len, lag._looks.values())) <= MOST  # noqa: SLF001 - it shows nowhere else
