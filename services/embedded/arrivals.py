"""What operations watch of the facts that come: how old they are, and how long they take.

The facts' table is followed by its numbers, after each commit: nothing here is in the way of what
is stored, and a look that fails is made up for by the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.events import Status
from services.ingest.metrics import OTHER
from services.runtime.errors import Unavailable
from services.runtime.latency import end_to_end

if TYPE_CHECKING:
    from services.embedded.standing import FactRow, Standing
    from services.runtime.clock import Clock

MOST_SOURCES: Final = 50
"""Sending systems that get a label of their own; without source profiles anybody may send."""
STAGE: Final = "run"
_SECOND: Final = 1_000_000
_HOUR, _DAY = 3_600.0, 86_400.0
_DELAYS: Final = (1.0, 10.0, 60.0, 600.0, _HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY)
_CORRECTIONS: Final = frozenset(
    {Status.CORRECTED.value, Status.CANCELLED.value, Status.ENTERED_IN_ERROR.value}
)


class Newest(NamedTuple):
    """The latest of a source so far, microseconds UTC."""

    issued: int = 0
    received: int = 0


class Arrivals:
    """Follows the facts of a store."""

    def __init__(self, registry: CollectorRegistry, standing: Standing, clock: Clock) -> None:
        """Begin behind what is stored already.

        Raises:
            Unavailable: the store can't be read.
        """
        self._standing = standing
        self._clock = clock
        self._measure(registry)
        self._newest: dict[str, Newest] = {}
        self._seq = 0
        for row in standing.newest_facts():
            self._seq = max(self._seq, row.seq)
            self._note(self._label(row.source), row)

    def _measure(self, registry: CollectorRegistry) -> None:
        self._watermark = Gauge(
            "salvage_detector_watermark_timestamp_seconds",
            "latest time at which a source issued a fact that was judged",
            ["source"],
            registry=registry,
        )
        self._late = Counter(
            "salvage_detector_late_events",
            "versions of facts that changed the past",
            ["source", "action"],
            registry=registry,
        )
        self._delay = Histogram(
            "salvage_ingest_event_delay_seconds",
            "from the issue of a fact to its receipt",
            ["source"],
            buckets=_DELAYS,
            registry=registry,
        )
        self._way = end_to_end(registry)
        self._way.labels(STAGE)

    def follow(self) -> None:
        """Look at what was stored since the last look."""
        try:
            rows = self._standing.facts_behind(self._seq)
        except Unavailable:
            return  # the next look sees it
        now = self._clock.now()
        for row in rows:
            self._seq = row.seq
            self._count(self._label(row.source), row, now)

    def _count(self, source: str, row: FactRow, now: int) -> None:
        newest = self._newest.get(source, Newest())
        if row.status in _CORRECTIONS:
            self._late.labels(source, "corrected").inc()
        elif row.issued < newest.issued:
            self._late.labels(source, "out_of_order").inc()
        # A dead letter that is read again keeps its first receipt: how long people took to put it
        # right is another question than how fast we are.
        if row.received >= newest.received:
            self._way.labels(STAGE).observe(max(0, now - row.received) / _SECOND)
            self._delay.labels(source).observe(max(0, row.received - row.issued) / _SECOND)
        self._note(source, row)

    def _note(self, source: str, row: FactRow) -> None:
        newest = self._newest.get(source)
        if newest is None:
            for action in ("corrected", "out_of_order"):
                self._late.labels(source, action)
            newest = Newest()
        issued = max(newest.issued, row.issued)
        self._newest[source] = Newest(issued, max(newest.received, row.received))
        self._watermark.labels(source).set(issued / _SECOND)

    def _label(self, source: str) -> str:
        known = source in self._newest or len(self._newest) < MOST_SOURCES
        return source if known else OTHER
