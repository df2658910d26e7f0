"""What the canary tells Prometheus."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_SECONDS: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0)


class Stage(StrEnum):
    """Where a round failed."""

    SENDING = "sending"  # nobody took the message
    REFUSED = "refused"  # the answer was no
    WAITING = "waiting"  # nothing came back in time
    WITHDRAWING = "withdrawing"  # what was said could not be taken back
    UNSIGNED = "unsigned"  # something came back, and wasn't the notifier's


class CanaryMetrics:
    """Its metrics, in somebody's registry."""

    def __init__(self, registry: CollectorRegistry, now: float) -> None:
        """Count from zero.

        Args:
            registry: where they are registered.
            now: seconds since 1970; until the first success it counts as the last one.
        """
        self.registry = registry
        self._last = Gauge(
            "salvage_canary_last_success_timestamp_seconds",
            "when the last round came home; before the first one the start of the process",
            registry=registry,
        )
        self._last.set(now)
        self._seconds = Histogram(
            "salvage_canary_seconds",
            "from sending a message until its alert came back by its channel",
            buckets=_SECONDS,
            registry=registry,
        )
        self._failures = Counter(
            "salvage_canary_failures", "rounds that failed, by where", ["stage"], registry=registry
        )
        for stage in Stage:
            self._failures.labels(stage.value)

    def came_home(self, seconds: float, now: float) -> None:
        """A round took so long, and ended at `now`, seconds since 1970."""
        self._seconds.observe(seconds)
        self._last.set(now)

    def failed(self, stage: Stage) -> None:
        """A round, or a message that came, was no good."""
        self._failures.labels(stage.value).inc()
