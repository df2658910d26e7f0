"""How far the reading of partitions is behind their ends, in records and in seconds.

Kafka tells ends and not their times. So ends are noted from time to time: a record that was there
at the first look at which the end was behind it has waited since then, at least.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

Place = tuple[str, int]
"""A topic and one of its partitions."""
MOST: Final = 4096
"""Looks that are remembered of a partition; of more, every other one is forgotten."""


class Behind(NamedTuple):
    """How far a partition is behind: records that are not handled, and the oldest one's wait."""

    records: int
    seconds: float


class Lag:
    """What was seen of the partitions that are ours."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._behind: dict[Place, Behind] = {}
        self._looks: dict[Place, deque[tuple[float, int]]] = {}

    def look(self, now: float, done: Mapping[Place, int], ends: Mapping[Place, int]) -> None:
        """Note where the partitions are; those that are not named are no longer ours.

        Args:
            now: seconds of a clock that never goes back.
            done: of each partition, the offset behind the last record that was handled.
            ends: of the same, the offset behind the last record that is there.
        """
        self._looks = {place: self._looks.get(place, deque()) for place in ends}
        self._behind = {
            place: self._seen(self._looks[place], now, done[place], end)
            for place, end in ends.items()
        }

    def _seen(self, looks: deque[tuple[float, int]], now: float, done: int, end: int) -> Behind:
        if not looks or looks[-1][1] < end:
            looks.append((now, end))
        while looks and looks[0][1] <= done:
            looks.popleft()
        if len(looks) > MOST:
            kept = list(islice(looks, 0, None, 2))
            looks.clear()
            looks.extend(kept)
        return Behind(max(0, end - done), now - looks[0][0] if looks else 0.0)

    def partitions(self) -> dict[Place, Behind]:
        """Those that were ours at the last look."""
        return dict(self._behind)


def told(behind: Mapping[Place, Behind]) -> Iterator[Metric]:
    """The metrics of it: the same, whoever reads."""
    place = ["topic", "partition"]
    records = GaugeMetricFamily(
        "salvage_consumer_lag_messages", "records that are not handled yet", labels=place
    )
    seconds = GaugeMetricFamily(
        "salvage_consumer_lag_seconds", "how long the oldest of them has waited", labels=place
    )
    for (topic, partition), one in sorted(behind.items()):
        records.add_metric([topic, str(partition)], one.records)
        seconds.add_metric([topic, str(partition)], one.seconds)
    yield from (records, seconds)
