"""What may come, on a chart: the trend, drawn on, and a hatched band where it reaches a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.notifier.inbox.charts import svg

if TYPE_CHECKING:
    from services.notifier.inbox.charts.axes import TimeAxis, ValueAxis
    from services.notifier.inbox.charts.picture import Chart

_APART: Final = 7
"""Pixels between two lines of the hatching."""


def drawn(chart: Chart, time: TimeAxis, axis: ValueAxis) -> list[str]:
    """The projection of a chart; nothing if it has none."""
    seen = chart.projection
    if seen is None:
        return []
    (start, value), end = seen.start, (time.place(seen.at), axis.place(seen.limit))
    from_x, to_x = time.place(seen.earliest), time.place(seen.latest)
    return [
        _pattern(chart.key),
        _band(chart.key, from_x, max(to_x - from_x, 2.0), (axis.top, axis.bottom)),
        svg.line((time.place(start), axis.place(value)), end, "projection"),
        svg.text(from_x + 4, axis.bottom - 6, "if the trend goes on", "tick over"),
    ]


def _pattern(key: str) -> str:
    line = svg.line((0, 0), (0, _APART), "hatch")
    form = svg.tag(
        "pattern",
        line,
        id=f"{key}-hatch",
        width=_APART,
        height=_APART,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return svg.tag("defs", form)


def _band(key: str, left: float, width: float, edges: tuple[float, float]) -> str:
    return svg.tag(
        "rect",
        x=left,
        y=edges[0],
        width=width,
        height=edges[1] - edges[0],
        fill=f"url(#{key}-hatch)",
        class_="likely",
    )
