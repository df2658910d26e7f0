"""How long it takes from a record's receipt to its alerts: one metric, whoever publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_WAY: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Seconds."""


def end_to_end(registry: CollectorRegistry) -> Histogram:
    """The metric, by `stage`."""
    return Histogram(
        "salvage_end_to_end_seconds",
        "from the receipt of a record's content until its alerts (at `map`: events) are published",
        ["stage"],
        buckets=_WAY,
        registry=registry,
    )
