"""Trends: when a level is reached if it goes on so, and when nothing can be said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest

from services.notifier.inbox.charts.picture import Bound, Chart, Point, Threshold
from services.notifier.inbox.rulewords import words_of
from services.notifier.inbox.thresholds import Limit
from services.notifier.inbox.trends import FURTHEST, LEAST, looked_ahead

BEGIN: Final = date(2024, 1, 1)
LEVELS: Final = (Threshold(Decimal("0.5"), "late"), Threshold(Decimal("0.25"), "closing"))


def chart(*values: str, apart: int = 100, bounds: tuple[Bound, ...] = ()) -> Chart:
    """Values so many days apart."""
    days = [BEGIN + timedelta(days=apart * n) for n in range(len(values))]
    plain = [Point(day, Decimal(value)) for day, value in zip(days, values, strict=True)]
    kinds = bounds or [point.bound for point in plain]
    points = tuple(replace(one, bound=kind) for one, kind in zip(plain, kinds, strict=True))
    return Chart("c", "PSA", points=points)


def test_what_doubles_every_hundred_days_reaches_the_level_to_the_day() -> None:
    """A trend without scatter has no width: 0.02 to 0.32 in 400 days, so 0.64 in 500."""
    level = Threshold(Decimal("0.64"), "twice as much")
    seen = looked_ahead(chart("0.02", "0.04", "0.08", "0.16", "0.32"), [level]).projection
    assert seen is not None
    assert seen.at == seen.earliest == seen.latest == BEGIN + timedelta(days=500)


def test_scatter_gives_fiellers_interval_around_the_estimate() -> None:
    """Worked apart from the code: slope 0.0030256 a day, t(4) = 2.776, days 600.8, 653.2, 720.2."""
    hundred = Threshold(Decimal(100), "a hundred")
    seen = looked_ahead(chart("1", "2", "5", "8", "20", "30"), [hundred]).projection
    assert seen is not None
    days = [(day - BEGIN).days for day in (seen.earliest, seen.at, seen.latest)]
    assert days == [601, 653, 720]


def test_the_next_level_is_taken_and_drawn_softly() -> None:
    ahead = looked_ahead(chart("0.02", "0.04", "0.08", "0.16"), LEVELS)
    assert ahead.projection is not None
    assert ahead.projection.limit == Decimal("0.25")
    (drawn,) = ahead.thresholds
    assert (drawn.label, drawn.soft) == ("closing", True)


def test_what_was_reached_is_no_level_ahead() -> None:
    ahead = looked_ahead(chart("0.04", "0.08", "0.16", "0.32"), LEVELS)
    assert ahead.projection is not None
    assert ahead.projection.limit == Decimal("0.5")


def test_a_fall_before_the_rise_is_not_part_of_it() -> None:
    rising = ("0.02", "0.04", "0.08", "0.16")
    whole = looked_ahead(chart("9", "1", *rising), LEVELS).projection
    alone = looked_ahead(chart(*rising), LEVELS).projection
    assert whole is not None
    assert alone is not None
    assert whole.at - alone.at == timedelta(days=200)


@pytest.mark.parametrize(
    "values",
    [
        ("0.02", "0.04", "0.08"),  # too few
        ("0.16", "0.08", "0.04", "0.02"),  # falls
        ("0.08", "0.08", "0.08", "0.08"),  # stands still
        ("0.02", "0.2", "0.03", "0.15"),  # scatters so much that the interval has no end
        ("0.6", "0.7", "0.8", "0.9"),  # above every level
        (),
    ],
)
def test_where_nothing_can_be_said_nothing_is(values: tuple[str, ...]) -> None:
    one = chart(*values)
    assert looked_ahead(one, LEVELS) == one
    assert LEAST == 4


def test_a_level_that_is_too_far_ahead_is_not_said() -> None:
    one = chart("0.01", "0.011", "0.0121", "0.01331")
    far = Threshold(Decimal("0.25"), "far")
    near = Threshold(Decimal("0.015"), "near")
    assert looked_ahead(one, [far]) == one
    assert looked_ahead(one, [near]).projection is not None
    assert timedelta(days=730) == FURTHEST


@pytest.mark.parametrize("last", ["below", "above"])
def test_a_censored_last_value_ends_the_trend(last: Bound) -> None:
    bounds: tuple[Bound, ...] = ("exact", "exact", "exact", "exact", last)
    one = chart("0.02", "0.04", "0.08", "0.16", "0.2", bounds=bounds)
    assert looked_ahead(one, LEVELS) == one


def test_a_censored_value_on_the_way_is_left_out() -> None:
    bounds: tuple[Bound, ...] = ("below", "exact", "exact", "exact", "exact")
    one = chart("0.01", "0.02", "0.04", "0.08", "0.16", bounds=bounds)
    assert looked_ahead(one, LEVELS).projection is not None


def test_the_axis_grows_to_hold_it_but_not_without_end() -> None:
    limits = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC))
    ahead = looked_ahead(replace(chart("0.02", "0.04", "0.08", "0.16"), limits=limits), LEVELS)
    assert ahead.limits is not None
    assert ahead.limits[0] == limits[0]
    assert ahead.limits[1] <= limits[1] + (limits[1] - limits[0]) / 2


def test_the_levels_are_those_of_the_rule() -> None:
    known = words_of("PROST-SRT-WINDOW")
    assert known is not None
    closing = next(one for one in known.levels if one.tier == "closing")
    assert closing.limit() == Limit("psa", Decimal("0.25"), "ng/mL", "closing: >")
    assert closing.limit().label == "closing: > 0.25 ng/mL"
    assert words_of("OF-THE-HOUSE") is None
