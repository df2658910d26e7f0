"""What operations watch of the detector, in Prometheus' words.

Labels are bounded and hold nothing of a patient: topics, partitions and rules are known before,
outcomes and reasons come from closed lists. Counters begin at zero with the process, and all that
can be named before are there from the start, so that a first failure is an increase.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.canary import RULE as CANARY
from schemas.deadletter import Reason
from schemas.topics import ALERTS, DEADLETTERS, EVENTS
from services.detector.adapters.desk import Outcome
from services.detector.adapters.outbox import INNER
from services.runtime.lag import told
from services.runtime.latency import end_to_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from services.detector.adapters.desk import Handled
    from services.detector.adapters.outbox import Outgoing, Record
    from services.runtime.lag import Behind

OTHER: Final = "other"
CHANGES: Final = ("raised", "revised", "withdrawn")
STAGE: Final = "detect"
_JUDGING: Final = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_REASONS: Final = (
    Reason.MALFORMED_JSON,
    Reason.BAD_FIELD,
    Reason.KEY_MISMATCH,
    Reason.TOMBSTONE,
    Reason.DEFECT,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a worker stands at the moment.

    Attributes:
        behind: of each partition that it has, by topic and number.
        patients: held in memory.
        reminders: patients of whom it is known when time will say something.
        overdue: of these, whose time came a minute ago or earlier.
        recovering: whether state is being recovered, or partitions change hands.
        recovery: seconds of the last recovery; 0 if there was none yet.
        troubled: whether Kafka takes nothing, or the worker has failed.
        defects: times that our code failed at a patient.
        stored: rows that were put on this machine's disk, of partitions that it had.
        copied: rows of others'.
    """

    behind: Mapping[tuple[str, int], Behind] = field(default_factory=dict)
    patients: int = 0
    reminders: int = 0
    overdue: int = 0
    recovering: bool = False
    recovery: float = 0.0
    troubled: bool = False
    defects: int = 0
    stored: int = 0
    copied: int = 0


class DetectorMetrics:
    """The detector's metrics, in somebody's registry."""

    def __init__(self, registry: CollectorRegistry, rules: Iterable[str] = ()) -> None:
        """Count from zero.

        Args:
            registry: where they are registered.
            rules: ids of those that judge.
        """
        self.registry = registry
        self._rules = frozenset(rules) - {CANARY}
        self._count(registry)
        self._measure(registry)
        self._begin()

    def _count(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"salvage_{name}", about, labels, registry=registry)

        self._records = counter("detector_records", "records handled", "topic", "outcome")
        self._findings = counter("detector_findings", "alert revisions", "rule", "change")
        self._letters = counter("dead_letters", "records that could not be used", "stage", "reason")

    def _measure(self, registry: CollectorRegistry) -> None:
        self._judging = Histogram(
            "salvage_detector_evaluation_seconds",
            "judging one record by all rules",
            buckets=_JUDGING,
            registry=registry,
        )
        self._way = end_to_end(registry)
        self._latest = Gauge(
            "salvage_detector_last_record_timestamp_seconds",
            "receipt of the newest record that was handled",
            ["topic"],
            registry=registry,
        )

    def _begin(self) -> None:
        for topic in (EVENTS.name, INNER):
            for outcome in Outcome:
                self._records.labels(topic, outcome.value)
        for rule in sorted(self._rules | {OTHER}):
            for change in CHANGES:
                self._findings.labels(rule, change)
        for reason in _REASONS:
            self._letters.labels(STAGE, reason.value)
        self._way.labels(STAGE)

    # -- what is told

    def judged(self, seconds: float) -> None:
        """A record was judged; nothing of it is stored yet."""
        self._judging.observe(seconds)

    def handled(self, record: Record, handled: Handled, now: int) -> None:
        """A record was handled to its end: all that it caused is acknowledged.

        Args:
            record: it.
            handled: what was done.
            now: the present, microseconds UTC.
        """
        self._records.labels(record.topic, handled.outcome.value).inc()
        newest = self._latest.labels(record.topic)
        newest.set(max(newest._value.get(), record.at / 1_000_000))  # noqa: SLF001 - it has no getter
        if record.topic == EVENTS.name:
            self._way.labels(STAGE).observe(max(0, now - record.at) / 1_000_000)
        if handled.outcome is not Outcome.AGAIN:
            for one in handled.sends:
                self._sent(one)

    def _sent(self, one: Outgoing) -> None:
        if one.topic == ALERTS.name:
            said = json.loads(one.value)
            if said["rule"] == CANARY:
                return  # it says nothing of patients
            rule = said["rule"] if said["rule"] in self._rules else OTHER
            self._findings.labels(rule, said["change"]).inc()
        elif one.topic == DEADLETTERS.name:
            self._letters.labels(STAGE, dict(one.headers)["reason"]).inc()

    def watch(self, standing: Callable[[], Standing]) -> None:
        """Ask, at each scrape, how the worker stands."""
        self.registry.register(_Gauges(standing))


class _Gauges(Collector):
    """What is read at each scrape."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        now = self._standing()
        yield from _partitions(now.behind)
        for name, about, value in (
            ("detector_patients_in_memory", "patients held in memory", now.patients),
            ("detector_reminders_pending", "patients who wait for a day", now.reminders),
            ("detector_reminders_overdue", "of these, whose day has come", now.overdue),
            ("detector_recovering", "1: state is recovered or changes hands", now.recovering),
            ("detector_last_recovery_seconds", "how long the last one took", now.recovery),
            ("detector_trouble", "1: Kafka takes nothing, or it has failed", now.troubled),
        ):
            yield GaugeMetricFamily(f"salvage_{name}", about, float(value))
        yield CounterMetricFamily(
            "salvage_detector_defects", "times that our code failed at a patient", now.defects
        )
        rows = CounterMetricFamily(
            "salvage_detector_state_rows", "rows put on this machine's disk", labels=["of"]
        )
        rows.add_metric(["own"], now.stored)
        rows.add_metric(["others"], now.copied)
        yield rows


def _partitions(behind: Mapping[tuple[str, int], Behind]) -> Iterator[Metric]:
    """How far each partition is, and how many there are."""
    owned = GaugeMetricFamily("salvage_detector_partitions", "that it has", labels=["topic"])
    for topic in (EVENTS.name, INNER):
        owned.add_metric([topic], sum(place[0] == topic for place in behind))
    yield from (*told(behind), owned)
