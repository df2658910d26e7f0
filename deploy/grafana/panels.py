"""A dashboard and its panels as values, and the JSON that Grafana reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMA_VERSION: Final = 39
"""Of Grafana 10 and 11; newer ones migrate it by themselves."""
WIDTH: Final = 24
_HEIGHTS: Final = {"stat": 4, "timeseries": 8}
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Limit:
    """From this value on a panel takes this colour; the number is that of an alert rule."""

    value: float
    colour: Literal["orange", "red"] = "red"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    Attributes:
        title: what it is of.
        about: what it tells, in a sentence; names the alerts whose limits it shows.
        unit: Grafana's name of the unit.
        queries: PromQL and the legend of its series.
        kind: a number, or lines over time.
        width: of the 24 columns.
        limits: where the colour changes, lowest first; below the first it is green.
    """

    title: str
    about: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: Literal["stat", "timeseries"] = "timeseries"
    width: int = 12
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard: the values of a label of a metric."""

    name: str
    metric: str


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `uid` never changes: links and bookmarks go by it."""

    uid: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()


def rendered(board: Board) -> dict[str, Any]:
    """As Grafana reads it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.about,
        "tags": ["salvage-watch"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "timezone": "",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_data_source(), *map(_choice, board.variables)]},
        "panels": [
            _panel(number, panel, place)
            for number, (panel, place) in enumerate(_places(board.panels), start=1)
        ],
    }


def _places(panels: Sequence[Panel]) -> Iterator[tuple[Panel, dict[str, int]]]:
    """From left to right, a new row where the present one is full or the height changes."""
    left = top = height = 0
    for panel in panels:
        high = _HEIGHTS[panel.kind]
        if left + panel.width > WIDTH or (left and high != height):
            left, top = 0, top + height
        yield panel, {"x": left, "y": top, "w": panel.width, "h": high}
        left, height = left + panel.width, high


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for at, (expression, legend) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [{"color": limit.colour, "value": limit.value} for limit in panel.limits]
    found: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.kind == "timeseries" and panel.limits:
        found["custom"] = {"thresholdsStyle": {"mode": "line"}}
    return found


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"]}}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}


def _data_source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _choice(variable: Variable) -> dict[str, Any]:
    asked = f"label_values({variable.metric}, {variable.name})"
    return {
        "name": variable.name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": asked, "refId": variable.name},
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }
