"""Charts of values over time, drawn on the server as SVG. Pure: the same chart, the same text.

A chart shows values, the limits they were held against, the treatments of those days and the time
that is left. It can be read without colour: roles have shapes, censored values are open with an
arrow, the shaded window has an edge and a label. `picture.describe` says in words what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from schemas.alerts import Role
from schemas.base import as_utc
from services.notifier.inbox.charts import ahead, marks, svg
from services.notifier.inbox.charts.axes import TimeAxis, ValueAxis, value_axis
from services.notifier.inbox.charts.picture import (
    SMALL,
    Chart,
    Layout,
    Period,
    Point,
    describe,
    told,
)
from services.notifier.inbox.words import day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

LANE: Final = 22.0
_LETTER: Final = 6.4
"""Pixels that a letter of the charts' small type takes, on average."""


def draw(chart: Chart) -> str:
    """The chart as one `<svg>` element; everything in it is escaped."""
    layout, time = chart.layout, time_axis(chart)
    shown = (*chart.points, *chart.struck)
    values = [*(p.value for p in shown), *(t.value for t in chart.thresholds)]
    axis = value_axis(values, layout.bottom, layout.top, chart.scale)
    base = layout.bottom if chart.points else layout.top + LANE
    lanes = _lanes(chart, time, base + 36)
    height = base + 42 + LANE * len(lanes)
    drawn = _values(chart, time, axis) if chart.points else []
    parts = [_window(chart, time, base), *_time_lines(time, layout, base, height), *drawn, *lanes]
    return _frame(chart, "".join(parts), height)


def time_axis(chart: Chart) -> TimeAxis:
    """From the first to the last thing on the chart, with some room; at least four weeks."""
    if chart.limits is not None:
        return TimeAxis(*chart.limits, chart.layout.left, chart.layout.right)
    days = [as_utc(at) for at in _instants(chart)] or [as_utc(date(2000, 1, 1))]
    first, last = min(days), max(days)
    room = max((last - first) * 0.05, timedelta(days=14) - (last - first) / 2, timedelta(days=2))
    return TimeAxis(first - room, last + room, chart.layout.left, chart.layout.right)


def _instants(chart: Chart) -> Iterable[date | datetime]:
    yield from (point.at for point in (*chart.points, *chart.struck))
    yield from (moment.at for moment in chart.moments)
    for period in (*chart.periods, *((chart.span,) if chart.span else ())):
        yield period.start
        if period.end is not None:
            yield period.end


# ---------------------------------------------------------------- parts


def _frame(chart: Chart, body: str, height: float) -> str:
    title = svg.tag("title", escape(f"{chart.title} over time"), id=f"{chart.key}-title")
    words = svg.tag("desc", escape(describe(chart)), id=f"{chart.key}-desc")
    return svg.tag(
        "svg",
        title + words + body,
        viewBox=f"0 0 {chart.layout.width:.0f} {height:.0f}",
        role="img",
        aria_labelledby=f"{chart.key}-title {chart.key}-desc",
        class_="chart small" if chart.layout is SMALL else "chart",
    )


def _time_lines(time: TimeAxis, layout: Layout, base: float, height: float) -> list[str]:
    parts = [svg.line((time.left, base), (time.right, base), "axis")]
    for at, label in time.ticks():
        x = time.place(at)
        parts.append(svg.line((x, layout.top), (x, height - 10), "grid"))
        parts.append(svg.text(x, base + 24, label, "tick", "middle"))
    return parts


def _window(chart: Chart, time: TimeAxis, base: float) -> str:
    """The shaded time that is left, its last day as a line with its label, and today."""
    parts, top = [], chart.layout.top
    if chart.span is not None:
        start, end = time.place(chart.span.start), time.place(chart.span.end)
        parts.append(svg.box(start, top, end - start, base - top, "window"))
        parts.append(svg.line((end, top - 8), (end, base), "window-edge"))
        at_right = end > time.left + len(chart.span.label) * _LETTER
        x, anchor = (end - 5, "end") if at_right else (end + 5, "start")
        parts.append(svg.text(x, top - 14, chart.span.label, "window-label", anchor))
    if chart.now is not None and time.holds(chart.now):
        x = time.place(chart.now)
        parts.append(svg.line((x, top - 2), (x, base), "now"))
        parts.append(svg.text(x + 4, top + 10, "now", "tick"))
    return "".join(parts)


def _values(chart: Chart, time: TimeAxis, axis: ValueAxis) -> list[str]:
    edges = (time.left, time.right)
    parts = [svg.text(4, chart.layout.top - 14, chart.unit, "unit")]
    for value, label in axis.ticks():
        y = axis.place(value)
        parts.append(svg.line((edges[0], y), (edges[1], y), "grid"))
        parts.append(svg.text(time.left - 8, y + 4, label, "tick", "end"))
    parts += ahead.drawn(chart, time, axis)
    parts += _limits(chart, time, axis)
    parts += [_struck(point, chart.unit, time, axis) for point in chart.struck]
    ordered = sorted(chart.points, key=lambda point: as_utc(point.at))
    parts.append(_thread(ordered, time, axis))
    parts += _points([p for p in ordered if p.role is None], chart, time, axis)
    parts += _points([p for p in ordered if p.role is not None], chart, time, axis)
    return parts


def _limits(chart: Chart, time: TimeAxis, axis: ValueAxis) -> list[str]:
    """Dashed lines with their labels in the right margin, which keep clear of each other."""
    parts: list[str] = []
    free = axis.bottom + 8
    for limit in sorted(chart.thresholds, key=lambda t: t.value):
        y = axis.place(limit.value)
        soft = " soft" if limit.soft else ""
        lines = _wrapped(limit.label, chart.layout.letters)
        last = min(y + 4 + 13 * (len(lines) - 1) / 2, free)
        parts.append(svg.line((time.left, y), (time.right, y), f"threshold{soft}"))
        parts.append(svg.line((time.right, y), (time.right + 8, last - 4), f"leader{soft}"))
        for back, words in enumerate(reversed(lines)):
            parts.append(
                svg.text(time.right + 11, last - 13 * back, words, f"threshold-label{soft}")
            )
        free = last - 13 * len(lines) - 3
    return parts


def _wrapped(words: str, width: int) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _thread(ordered: Sequence[Point], time: TimeAxis, axis: ValueAxis) -> str:
    """A thin line from value to value; it leads the eye, and interpolates nothing."""
    if len(ordered) < 2:  # noqa: PLR2004 (a line has two ends)
        return ""
    places = " ".join(f"{time.place(p.at):.1f},{axis.place(p.value):.1f}" for p in ordered)
    return svg.tag("polyline", points=places, class_="thread")


def _points(points: Iterable[Point], chart: Chart, time: TimeAxis, axis: ValueAxis) -> list[str]:
    """The marks first, then their captions over them."""
    drawn, captions, taken = [], [], list[_Place]()
    for point in points:
        x, y = time.place(point.at), axis.place(point.value)
        bound = point.bound if axis.shows(point.value) else "below"
        role = f", {point.role}" if point.role else ""
        hint = f"{told(point, chart.unit)} on {day(point.at)}{role}"
        drawn.append(marks.mark(x, y, point.role, bound, hint))
        if point.role in _NAMED:
            words = f"{point.role} {told(point, '')}"
            place = _room(x, y, words, point.role, (time, axis), taken)
            taken.append(place)
            captions.append(svg.text(place.x, place.y, words, "caption", "middle"))
    return [*drawn, *captions]


def _struck(point: Point, unit: str, time: TimeAxis, axis: ValueAxis) -> str:
    """A value that no longer holds."""
    hint = f"{told(point, unit)} on {day(point.at)}, corrected since"
    return marks.struck(time.place(point.at), axis.place(point.value), hint)


_NAMED: Final = (Role.TRIGGER, Role.CONFIRMATION, Role.NADIR, Role.BASELINE)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a caption stands: its middle, its base line, and half its width."""

    x: float
    y: float
    half: float

    def clear_of(self, other: _Place) -> bool:
        """Whether neither covers the other."""
        apart = abs(self.x - other.x) > self.half + other.half + 4
        return apart or abs(self.y - other.y) >= 13  # noqa: PLR2004 (the height of a line)


def _room(
    x: float,
    y: float,
    words: str,
    role: Role | None,
    axes: tuple[TimeAxis, ValueAxis],
    taken: Sequence[_Place],
) -> _Place:
    """A place beside the mark, inside the plot, where no other caption stands."""
    time, axis = axes
    half = len(words) * _LETTER / 2
    middle = min(max(x, time.left + half + 3), time.right - half - 3)
    above, below = [y - 12, y - 26, y - 40], [y + 21, y + 35, y + 49]
    tries = [*below, *above] if role is Role.NADIR else [*above, *below]
    places = [_Place(middle, t, half) for t in tries if axis.top + 9 <= t <= axis.bottom - 3]
    free = (one for one in places if all(one.clear_of(other) for other in taken))
    return next(free, _Place(middle, max(axis.top + 9, y - 12), half))


def _lanes(chart: Chart, time: TimeAxis, top: float) -> list[str]:
    """Under the time axis: a band for each course, then one mark for each event."""
    lanes: list[str] = []
    for period in chart.periods:
        lanes.append(_band(period, time, top + LANE * len(lanes), chart.layout.width))
    rows: list[tuple[float, list[str]]] = []
    for moment in sorted(chart.moments, key=lambda m: as_utc(m.at)):
        x, words = time.place(moment.at), moment.label
        place = next((n for n, (end, _) in enumerate(rows) if end < x - 9), len(rows))
        if place == len(rows):
            rows.append((0.0, []))
        y = top + LANE * (len(lanes) + place)
        drawn = marks.diamond(x, y + 8, 4.5, "moment") + svg.text(x + 9, y + 12, words, "lane over")
        rows[place] = (x + 9 + len(words) * _LETTER, [*rows[place][1], drawn])
    return [*lanes, *("".join(parts) for _, parts in rows)]


def _band(period: Period, time: TimeAxis, y: float, width: float) -> str:
    start = time.place(period.start)
    end = time.right if period.end is None else time.place(period.end)
    words = period.label if period.end is not None else f"{period.label} →"
    band = svg.box(start, y, end - start, LANE - 6, "band")
    inside = end - start > len(words) * _LETTER + 8
    if inside:
        return band + svg.text(start + 5, y + 12, words, "lane")
    after = end + 5 + len(words) * _LETTER < width
    x, anchor = (end + 5, "start") if after else (start - 5, "end")
    return band + svg.text(x, y + 12, words, "lane", anchor)
