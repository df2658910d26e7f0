"""The ladder's arithmetic: backward from the goal, shrunk when short, never without a rung."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import DAY, HOUR, NIGHT, START, World, alert, site

from schemas.alerts import Severity
from services.notifier.cases.ladder import starts, urgency
from services.notifier.cases.policy import Pace, Policy, total
from services.notifier.cases.words import Urgency

WAITS = (4 * HOUR, 2 * HOUR, HOUR)


def offsets(*args: object, **options: object) -> list[timedelta]:
    return [one - START for one in starts(WAITS, START, *args, **options)]  # type: ignore[arg-type]


def test_the_last_rung_ends_at_the_goal_and_the_first_starts_at_once() -> None:
    assert offsets(START + 10 * HOUR) == [0 * HOUR, 7 * HOUR, 9 * HOUR]


def test_what_need_not_start_at_once_starts_as_late_as_it_may() -> None:
    assert offsets(START + 10 * HOUR, at_once=False) == [3 * HOUR, 7 * HOUR, 9 * HOUR]


def test_a_ladder_that_just_fits() -> None:
    assert offsets(START + 7 * HOUR) == [0 * HOUR, 4 * HOUR, 6 * HOUR]


def test_a_short_time_drops_waiting_and_no_rung() -> None:
    assert offsets(START + 3.5 * HOUR) == [0 * HOUR, 2 * HOUR, 3 * HOUR]


@pytest.mark.parametrize("late", [0 * HOUR, -DAY])
def test_no_time_left_is_everybody_at_once(late: timedelta) -> None:
    assert offsets(START + late) == [0 * HOUR] * 3


def test_slack_starts_earlier_as_far_as_there_is_room() -> None:
    assert offsets(START + 10 * HOUR, slack=2 * HOUR) == [0 * HOUR, 5 * HOUR, 7 * HOUR]
    assert offsets(START + 8 * HOUR, slack=DAY) == [0 * HOUR, 4 * HOUR, 6 * HOUR]


LENGTHS = st.integers(1, 10**6).map(lambda each: timedelta(seconds=each))


@given(
    waits=st.lists(LENGTHS, min_size=1, max_size=6),
    left=st.integers(-(10**6), 10**7),
    at_once=st.booleans(),
)
def test_rungs_start_in_order_and_none_too_late(
    waits: list[timedelta], left: int, *, at_once: bool
) -> None:
    goal = START + timedelta(seconds=left)
    found = starts(waits, START, goal, at_once=at_once, slack=DAY)
    assert len(found) == len(waits)
    assert all(one <= other for one, other in pairwise((START, *found)))
    if goal - START >= total(waits):
        for at, start in enumerate(found):
            assert start + total(waits[at:]) <= goal
    assert found[-1] <= max(goal, START)


def test_a_pace_needs_a_wait_for_each_rung() -> None:
    said = Policy().urgent.model_dump()
    with pytest.raises(ValueError, match="one for each rung"):
        Pace.model_validate({**said, "waits": ["1 d"]})


@pytest.mark.parametrize(
    ("severity", "left", "expected"),
    [
        (Severity.CRITICAL, 300 * DAY, Urgency.URGENT),
        (Severity.URGENT, 30 * DAY, Urgency.SOON),
        (Severity.URGENT, 5 * DAY + HOUR, Urgency.SOON),
        (Severity.URGENT, 5 * DAY, Urgency.URGENT),
        (Severity.IMPORTANT, 17 * DAY + HOUR, Urgency.ROUTINE),
        (Severity.IMPORTANT, 17 * DAY, Urgency.SOON),
        (Severity.IMPORTANT, 15 * DAY, Urgency.URGENT),
        (Severity.ADVISORY, 40 * DAY, Urgency.ROUTINE),
        (Severity.ADVISORY, 15 * DAY, Urgency.URGENT),
    ],
)
def test_urgency_comes_from_severity_and_the_time_left(
    severity: Severity, left: timedelta, expected: Urgency
) -> None:
    world = World()
    world.give(alert(severity=severity, act_by=START + left))
    fresh = world.open.model_copy(update={"climb": None})
    assert urgency(fresh, world.site, START) is expected


# --- Quiet hours ------------------------------------------------------------------------------

LATE = START.replace(hour=22)
MORNING = (START + DAY).replace(hour=6)
"""Seven o'clock in Zurich, in winter."""


def at_night(severity: Severity, left: timedelta) -> World:
    world = World(site(quiet=NIGHT))
    world.give(alert(severity=severity, at=LATE, act_by=LATE + left), LATE)
    world.until(LATE + DAY)
    return world


def test_what_is_urgent_ignores_quiet_hours() -> None:
    assert at_night(Severity.CRITICAL, 5 * DAY).notices[0].at == LATE


def test_what_is_soon_waits_for_the_morning() -> None:
    world = at_night(Severity.URGENT, 10 * DAY)
    assert [one.at for one in world.notices] == [MORNING]
    assert str(world.open.owner) == "person:first", "somebody has it all the while"


def test_nothing_waits_for_the_morning_if_the_ladder_no_longer_fits() -> None:
    """Eight hours until morning fit into eight hours of room, and not into seven."""
    assert at_night(Severity.URGENT, 5 * DAY + 8 * HOUR).notices[0].at == MORNING
    assert at_night(Severity.URGENT, 5 * DAY + 7 * HOUR).notices[0].at == LATE


def test_what_is_routine_is_in_the_digest_and_its_ladder_fits_before_the_deadline() -> None:
    world = at_night(Severity.IMPORTANT, 40 * DAY)
    assert (world.notices, world.open.in_digest) == ([], True)
    world.until(LATE + 40 * DAY - timedelta(seconds=1))
    assert [one.rung for one in world.notices] == [0, 1, 2, 3, 4]
    assert world.notices[-1].at < LATE + 37 * DAY


def test_a_ladder_that_nobody_answered_is_climbed_again_in_time() -> None:
    world = World()
    world.give(alert(act_by=START + 60 * DAY))
    world.until(START + 60 * DAY - timedelta(seconds=1))
    assert [one.rung for one in world.notices] == [0, 1, 2, 3, 4] * 2
    again = world.notices[5]
    assert (again.facts.cause, str(again.to)) == ("unanswered", "person:first")
    assert START + 50 * DAY < again.at < START + 55 * DAY


def test_what_is_critical_waits_for_no_morning_even_where_there_would_be_room() -> None:
    roomy = Policy().critical.model_copy(update={"answer_within": 2 * DAY})
    world = World(site(quiet=NIGHT, critical=roomy))
    world.give(alert(severity=Severity.CRITICAL, at=LATE, act_by=LATE + 9 * DAY), LATE)
    assert [one.at for one in world.notices] == [LATE]
