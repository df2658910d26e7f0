"""Charts: where things stand, how censored values look, and that nothing breaks on little data."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from schemas.alerts import Role
from services.notifier.inbox.charts import draw
from services.notifier.inbox.charts.axes import TimeAxis, value_axis, wants_log
from services.notifier.inbox.charts.picture import (
    SMALL,
    Bound,
    Chart,
    Moment,
    Period,
    Point,
    Projection,
    Scale,
    Span,
    Threshold,
    describe,
)

LIMITS = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC))


def point(day: str, value: str, role: Role | None = None, bound: Bound = "exact") -> Point:
    return Point(date.fromisoformat(day), Decimal(value), bound, role)


def drawn(chart: Chart) -> ET.Element:
    """The chart as a tree; a text that isn't well-formed fails here."""
    return ET.fromstring(draw(chart))  # noqa: S314 (our own text)


def with_class(tree: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in tree.iter() if name in one.get("class", "").split()]


def texts(tree: ET.Element) -> list[str]:
    return [one.text or "" for one in tree.iter("text")]


class TestPlaces:
    def test_a_value_stands_where_its_day_and_number_say(self) -> None:
        chart = Chart("c", "PSA", points=(point("2024-07-01", "5"),), limits=LIMITS)
        (mark,) = drawn(chart).iter("circle")
        layout = chart.layout
        share = 182 / 365
        assert float(mark.get("cx", "")) == pytest.approx(
            layout.left + share * (layout.right - layout.left), abs=0.1
        )
        # The axis goes from 0 to 6: the first round number that leaves room above 5.
        assert float(mark.get("cy", "")) == pytest.approx(
            layout.bottom - 5 / 6 * layout.plot, abs=0.1
        )

    def test_later_is_further_right_and_more_is_higher(self) -> None:
        points = (point("2024-02-01", "1"), point("2024-06-01", "3"))
        first, second = drawn(Chart("c", "PSA", points=points)).iter("circle")
        assert float(first.get("cx", "")) < float(second.get("cx", ""))
        assert float(first.get("cy", "")) > float(second.get("cy", ""))

    def test_what_lies_outside_the_time_stands_at_its_edge(self) -> None:
        axis = TimeAxis(*LIMITS, 10, 110)
        assert (axis.place(date(2020, 1, 1)), axis.place(date(2030, 1, 1))) == (10, 110)

    def test_everything_stays_inside_the_drawing(self) -> None:
        chart = Chart(
            "c",
            "PSA",
            points=tuple(point(f"2024-{m:02}-01", f"{m}", Role.TRIGGER) for m in range(1, 13)),
            thresholds=tuple(Threshold(Decimal(n), f"limit {n} of many words") for n in range(9)),
        )
        tree = drawn(chart)
        width, height = (float(n) for n in tree.get("viewBox", "").split()[2:])
        for one in tree.iter("text"):
            assert 0 <= float(one.get("x", "")) <= width
            assert 0 <= float(one.get("y", "")) <= height


class TestScale:
    @pytest.mark.parametrize(
        ("values", "log"),
        [
            (["1", "50"], False),
            (["1", "51"], True),
            (["5"], False),
            ([], False),
            (["0", "9"], False),
        ],
    )
    def test_a_wide_range_is_logarithmic(self, values: list[str], log: bool) -> None:  # noqa: FBT001
        assert wants_log([Decimal(value) for value in values]) is log

    def test_decades_are_equally_far_apart(self) -> None:
        axis = value_axis([Decimal(20), Decimal(90_000)], 100, 0)
        places = [axis.place(Decimal(10) ** n) for n in (1, 2, 3, 4)]
        steps = [a - b for a, b in itertools.pairwise(places)]
        assert axis.log
        assert steps == pytest.approx([steps[0]] * 3)

    def test_zero_has_no_logarithm_and_is_drawn_open_at_the_bottom(self) -> None:
        points = (point("2024-01-01", "1000"), point("2024-02-01", "2"), point("2024-03-01", "0"))
        chart = Chart("c", "HIV-1 RNA", points=points)
        opened = with_class(drawn(chart), "open")
        assert [float(one.get("cy", "")) for one in opened] == [chart.layout.bottom]

    def test_no_value_stands_on_the_lower_edge_of_a_logarithmic_scale(self) -> None:
        axis = value_axis([Decimal(1000), Decimal(200_000)], 100, 0)
        assert axis.low == 100

    def test_scores_have_no_ticks_between_them(self) -> None:
        labels = [label for _, label in value_axis([Decimal(0), Decimal(1)], 100, 0).ticks()]
        assert labels == ["0", "1", "2"]

    def test_one_value_and_one_instant_still_make_axes(self) -> None:
        axis = value_axis([Decimal(0)], 100, 0)
        assert axis.low < axis.high
        tree = drawn(Chart("c", "PSA", points=(point("2024-01-01", "0"),)))
        assert len(list(tree.iter("circle"))) == 1

    def test_a_short_time_has_days_for_ticks_and_a_long_one_months(self) -> None:
        short = TimeAxis(LIMITS[0], datetime(2024, 1, 9, tzinfo=UTC), 0, 700)
        assert [label for _, label in short.ticks()][:2] == ["2 Jan 2024", "3 Jan"]
        assert {at.day for at, _ in TimeAxis(*LIMITS, 0, 700).ticks()} == {1}


class TestMarks:
    @pytest.mark.parametrize(("bound", "down"), [("below", True), ("above", False)])
    def test_a_censored_value_is_open_and_points_to_where_it_may_lie(
        self,
        bound: Bound,
        down: bool,  # noqa: FBT001
    ) -> None:
        points = (point("2024-01-01", "1"), point("2024-03-01", "2", bound=bound))
        tree = drawn(Chart("c", "PSA", points=points))
        (mark,) = with_class(tree, "open")
        (arrow,) = with_class(tree, "arrowhead")
        tip = float(arrow.get("points", "").split()[-1].split(",")[1])
        assert (tip > float(mark.get("cy", ""))) is down

    def test_an_exact_value_has_no_arrow(self) -> None:
        tree = drawn(Chart("c", "PSA", points=(point("2024-01-01", "1"),)))
        assert not with_class(tree, "arrowhead")
        assert not with_class(tree, "open")

    def test_roles_differ_in_shape_not_only_in_colour(self) -> None:
        roles = (Role.TRIGGER, Role.CONFIRMATION, Role.NADIR, Role.BASELINE)
        points = tuple(point(f"2024-0{n}-01", f"{n}", role) for n, role in enumerate(roles, 1))
        tree = drawn(Chart("c", "PSA", points=points))
        shapes = set()
        for role in roles:
            (mark,) = with_class(tree, role)
            corners = mark.get("points", "").split()
            up = (
                float(corners[0].split(",")[1]) < float(corners[-1].split(",")[1])
                if corners
                else None
            )
            shapes.add((mark.tag, len(corners), up))
        assert len(shapes) == len(roles)

    def test_the_role_and_the_value_stand_beside_the_mark(self) -> None:
        points = (
            point("2024-01-01", "6.40", Role.TRIGGER),
            point("2024-02-01", "0.01", Role.NADIR),
        )
        assert {"trigger 6.40", "nadir 0.01"} <= set(texts(drawn(Chart("c", "PSA", points=points))))

    def test_captions_do_not_cover_each_other(self) -> None:
        points = (
            point("2024-06-01", "5.0", Role.TRIGGER),
            point("2024-06-02", "5.1", Role.CONFIRMATION),
            point("2024-06-03", "5.0", Role.BASELINE),
        )
        captions = with_class(drawn(Chart("c", "PSA", points=points, limits=LIMITS)), "caption")
        heights = sorted(float(one.get("y", "")) for one in captions)
        assert all(b - a >= 13 for a, b in itertools.pairwise(heights))


class TestContext:
    def test_a_limit_is_a_line_with_its_label(self) -> None:
        chart = Chart(
            "c",
            "PSA",
            points=(point("2024-01-01", "4"),),
            thresholds=(Threshold(Decimal(2), "≥ 2"),),
        )
        tree = drawn(chart)
        (line,) = with_class(tree, "threshold")
        assert line.get("y1") == line.get("y2")
        assert "≥ 2" in texts(tree)

    def test_labels_of_near_limits_keep_clear_of_each_other(self) -> None:
        near = tuple(Threshold(Decimal(n), f"limit {n}") for n in ("2.00", "2.01", "2.02"))
        tree = drawn(Chart("c", "PSA", points=(point("2024-01-01", "4"),), thresholds=near))
        heights = sorted(float(one.get("y", "")) for one in with_class(tree, "threshold-label"))
        assert all(b - a >= 13 for a, b in itertools.pairwise(heights))

    def test_the_window_is_shaded_up_to_its_last_day_with_a_label(self) -> None:
        span = Span(date(2024, 6, 1), date(2024, 9, 1), "act by 1 Sep 2024")
        tree = drawn(
            Chart("c", "PSA", points=(point("2024-06-01", "4"),), span=span, limits=LIMITS)
        )
        (shade,), (edge,) = with_class(tree, "window"), with_class(tree, "window-edge")
        end = float(shade.get("x", "")) + float(shade.get("width", ""))
        assert end == pytest.approx(float(edge.get("x1", "")), abs=0.2)
        assert "act by 1 Sep 2024" in texts(tree)

    def test_a_course_that_goes_on_reaches_the_edge(self) -> None:
        period = Period(date(2024, 3, 1), None, "imatinib")
        chart = Chart("c", "PSA", periods=(period,), limits=LIMITS)
        (band,) = with_class(drawn(chart), "band")
        end = float(band.get("x", "")) + float(band.get("width", ""))
        assert end == pytest.approx(chart.layout.right, abs=0.2)

    def test_events_of_one_day_get_rows_of_their_own(self) -> None:
        moments = tuple(Moment(date(2024, 5, 1), f"PET {n}") for n in range(3))
        places = [
            one.get("y")
            for one in drawn(Chart("c", "x", moments=moments)).iter("text")
            if (one.text or "").startswith("PET")
        ]
        assert len(set(places)) == 3

    def test_now_is_marked_only_inside_the_time(self) -> None:
        chart = Chart("c", "PSA", points=(point("2024-06-01", "4"),), limits=LIMITS)
        inside = replace(chart, now=datetime(2024, 8, 1, tzinfo=UTC))
        outside = replace(chart, now=datetime(2026, 8, 1, tzinfo=UTC))
        assert with_class(drawn(inside), "now")
        assert not with_class(drawn(outside), "now")


class TestAccessible:
    def test_nothing_to_draw_is_said_and_drawn(self) -> None:
        tree = drawn(Chart("c", "PSA"))
        assert tree.find("desc") is not None
        assert describe(Chart("c", "PSA")) == "No numeric values."

    def test_the_drawing_names_its_title_and_description(self) -> None:
        tree = drawn(Chart("k", "PSA", points=(point("2024-06-01", "4"),)))
        ids = {one.get("id") for one in tree.iter() if one.get("id")}
        assert set(tree.get("aria-labelledby", "").split()) == ids == {"k-title", "k-desc"}
        assert tree.get("role") == "img"

    def test_the_description_tells_values_roles_limits_and_time(self) -> None:
        chart = Chart(
            "c",
            "PSA",
            "ng/mL",
            points=(
                point("2024-01-05", "0.01", bound="below"),
                point("2024-06-01", "4", Role.TRIGGER),
            ),
            thresholds=(Threshold(Decimal("0.2"), "≥ 0.2 ng/mL"),),
            periods=(Period(date(2024, 1, 1), date(2024, 2, 1), "EBRT"),),
            span=Span(date(2024, 6, 1), date(2024, 9, 1), "act by 1 Sep 2024"),
        )
        words = describe(chart)
        for part in (
            "2 values from 5 Jan 2024 to 1 Jun 2024",
            "lowest <0.01 ng/mL",
            "Trigger: 4 ng/mL on 1 Jun 2024.",
            "≥ 0.2 ng/mL",
            "EBRT: from 1 Jan 2024, until 1 Feb 2024",
            "Act by 1 Sep 2024.",
        ):
            assert part in words

    def test_hostile_words_stay_words(self) -> None:
        evil = '"><script>alert(1)</script>&'
        chart = Chart(
            "c",
            evil,
            evil,
            points=(point("2024-01-05", "1", Role.TRIGGER),),
            thresholds=(Threshold(Decimal(1), evil),),
            periods=(Period(date(2024, 1, 1), None, evil),),
            moments=(Moment(date(2024, 1, 1), evil),),
            span=Span(date(2024, 1, 1), date(2024, 2, 1), evil),
            layout=SMALL,
        )
        tree = drawn(chart)
        assert not list(tree.iter("script"))
        assert evil in texts(tree)

    def test_no_drawing_styles_itself(self) -> None:
        """An inline style would be refused by the page's policy and be lost."""
        tree = drawn(Chart("c", "PSA", points=(point("2024-06-01", "4", Role.TRIGGER),)))
        assert not [one for one in tree.iter() if one.get("style") or one.get("onload")]

    def test_a_value_that_no_longer_holds_is_struck_through_where_it_stood(self) -> None:
        now, was = point("2024-06-01", "4"), point("2024-06-01", "9")
        chart = Chart("c", "PSA", "ng/mL", points=(now,), struck=(was,), limits=LIMITS)
        tree = drawn(chart)
        (ring,) = with_class(tree, "was")
        (mark,) = with_class(tree, "plain")
        assert ring.get("cx") == mark.get("cx")
        assert float(ring.get("cy", "")) < float(mark.get("cy", ""))
        assert len(with_class(tree, "strike")) == 1
        assert "Corrected since: 9 ng/mL on 1 Jun 2024." in describe(chart)
        assert chart.listed == [(now, True), (was, False)]

    @pytest.mark.parametrize(("scale", "log"), [("log", True), ("linear", False), (None, False)])
    def test_a_scale_that_was_asked_for_is_given(self, scale: Scale | None, log: bool) -> None:  # noqa: FBT001
        axis = value_axis([Decimal(2), Decimal(40)], 200, 0, scale)
        assert axis.log is log

    def test_a_logarithm_is_not_given_to_what_has_none(self) -> None:
        assert not value_axis([Decimal(0), Decimal(-4)], 200, 0, "log").log

    def test_what_may_come_is_hatched_from_its_earliest_to_its_latest_day(self) -> None:
        ahead = Projection(
            limit=Decimal(8),
            start=(date(2024, 6, 1), Decimal(4)),
            at=date(2024, 9, 1),
            earliest=date(2024, 8, 1),
            latest=date(2024, 10, 15),
        )
        chart = Chart(
            "k",
            "PSA",
            points=(point("2024-06-01", "4"),),
            thresholds=(Threshold(Decimal(8), "≥ 8"),),
            limits=LIMITS,
            projection=ahead,
        )
        tree = drawn(chart)
        (band,) = with_class(tree, "likely")
        axis = TimeAxis(*LIMITS, chart.layout.left, chart.layout.right)
        left, right = axis.place(ahead.earliest), axis.place(ahead.latest)
        assert float(band.get("x", "")) == pytest.approx(left, abs=0.1)
        assert float(band.get("width", "")) == pytest.approx(right - left, abs=0.1)
        (pattern,) = tree.iter("pattern")
        assert band.get("fill") == f"url(#{pattern.get('id')})"
        assert "1 Sep 2024 (1 Aug 2024 to 15 Oct 2024)" in describe(chart)

    def test_the_same_chart_is_the_same_text(self) -> None:
        chart = Chart("c", "PSA", points=(point("2024-06-01", "4"),))
        assert draw(chart) == draw(replace(chart))
