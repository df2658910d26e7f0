"""What must hold of a dashboard, judged by its JSON: whoever edits one by hand is judged alike."""

from __future__ import annotations

import re
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any, Final

from deploy.grafana.panels import SCHEMA_VERSION, WIDTH
from deploy.promql import labels_in, metrics_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNITS: Final = frozenset({"short", "s", "bytes", "ops", "percentunit"})
_PRODUCT: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:\s*\*\s*\d+(?:\.\d+)?)*(?!\w)")
_ALERT: Final = re.compile(r"\bSalvage\w+")
_LEGEND: Final = re.compile(r"\{\{(\w+)\}\}")


class Linter:
    """Holds dashboards against the metrics that exist and the alert rules that are shipped."""

    def __init__(
        self, series: frozenset[str], labels: frozenset[str], alerts: Mapping[str, str]
    ) -> None:
        """Prepare.

        Args:
            series: names that may be asked for, recorded ones included.
            labels: that series may have.
            alerts: names, and their expressions (of several rules: joined).
        """
        self._series = series
        self._labels = labels
        self._alerts = alerts

    def complaints(self, board: Mapping[str, Any]) -> list[str]:
        """What is wrong with a dashboard, a sentence each; none if all is well."""
        return [f"{board['uid']}: {told}" for told in self._board(board)]

    def _board(self, board: Mapping[str, Any]) -> Iterator[str]:
        if board["schemaVersion"] != SCHEMA_VERSION:
            yield "another schema version"
        ids = [panel["id"] for panel in board["panels"]]
        if len(set(ids)) != len(ids):
            yield "two panels have one id"
        yield from _places(board["panels"])
        for panel in board["panels"]:
            yield from (f"{panel['title']}: {told}" for told in self._panel(panel))

    def _panel(self, panel: Mapping[str, Any]) -> Iterator[str]:
        defaults = panel["fieldConfig"]["defaults"]
        if not panel.get("description", "").endswith("."):
            yield "no description"
        if defaults.get("unit") not in UNITS:
            yield "no unit, or one that we don't use"
        if panel["datasource"]["uid"] != "${datasource}":
            yield "a data source of its own"
        yield from self._limits(panel["description"], defaults["thresholds"]["steps"])
        for target in panel["targets"]:
            yield from self._target(target)

    def _limits(self, about: str, steps: list[dict[str, Any]]) -> Iterator[str]:
        """A limit is drawn where an alert has it, and nowhere else."""
        named = _ALERT.findall(about)
        yield from (f"no such alert: {name}" for name in named if name not in self._alerts)
        known = {one for name in named for one in numbers_in(self._alerts.get(name, ""))}
        limits = [step["value"] for step in steps if step["value"] is not None]
        yield from (f"no alert has the limit {one}" for one in limits if one not in known)

    def _target(self, target: Mapping[str, Any]) -> Iterator[str]:
        asked, labels = target["expr"], labels_in(target["expr"])
        if target["datasource"]["uid"] != "${datasource}":
            yield "a query with a data source of its own"
        yield from (f"no such metric: {one}" for one in metrics_in(asked) - self._series)
        yield from (f"no such label: {one}" for one in labels - self._labels)
        legend = set(_LEGEND.findall(target["legendFormat"]))
        yield from (f"a legend of an unknown label: {one}" for one in legend - self._labels)


def numbers_in(expression: str) -> set[float]:
    """The numbers of an expression; products such as `4 * 3600` as one."""
    bare = re.sub(r"\[[^\]]*\]", "", expression)
    return {prod(map(float, found.split("*"))) for found in _PRODUCT.findall(bare)}


def _places(panels: list[dict[str, Any]]) -> Iterator[str]:
    places = [(panel["title"], panel["gridPos"]) for panel in panels]
    for title, place in places:
        if place["x"] + place["w"] > WIDTH:
            yield f"{title}: beyond the right edge"
    for (one, here), (other, there) in combinations(places, 2):
        if _overlap(here, there, "x", "w") and _overlap(here, there, "y", "h"):
            yield f"{one} and {other} overlap"


def _overlap(one: Mapping[str, int], other: Mapping[str, int], start: str, size: str) -> bool:
    return one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
