"""What operations watch of the mapper, in Prometheus' words.

Labels are bounded and hold nothing of a patient: topics are ours and those that the site names,
verdicts and reasons come from closed lists. Counters begin at zero with the process, and all that
can be named before are there from the start, so that a first failure is an increase.
"""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.deadletter import Reason
from schemas.topics import DEADLETTERS, EVENTS, RAW
from services.ingest.kafka.records import links
from services.runtime.lag import told
from services.runtime.latency import end_to_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client import CollectorRegistry, Metric

    from services.ingest.kafka.publisher import Outgoing
    from services.ingest.kafka.records import Incoming
    from services.runtime.lag import Behind, Place

STAGE: Final = "map"


class Verdict(StrEnum):
    """What became of a record."""

    MAPPED = "mapped"
    PARTLY = "partly"
    REFUSED = "refused"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a mapper stands at the moment.

    Attributes:
        behind: of each partition that it has, by topic and number.
        standstill: seconds since which records have been waiting that nobody brings.
        troubled: whether it is kept from its work.
        missing: copies of partitions that are not in sync, by topic.
    """

    behind: Mapping[Place, Behind] = field(default_factory=dict)
    standstill: float = 0.0
    troubled: bool = False
    missing: Mapping[str, int] = field(default_factory=dict)


class MapperMetrics:
    """The mapper's metrics, in somebody's registry."""

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str] = (RAW.name,)) -> None:
        """Count from zero.

        Args:
            registry: where they are registered.
            topics: that are read.
        """
        self.registry = registry
        self._topics = tuple(topics)

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"salvage_{name}", about, labels, registry=registry)

        self._records = counter("mapper_records", "records mapped", "topic", "verdict")
        self._letters = counter("dead_letters", "records that could not be used", "stage", "reason")
        self._way = end_to_end(registry)
        self._latest = Gauge(
            "salvage_mapper_last_record_timestamp_seconds",
            "receipt of the newest record that was mapped",
            ["topic"],
            registry=registry,
        )
        self._begin()

    def _begin(self) -> None:
        for topic in self._topics:
            for verdict in Verdict:
                self._records.labels(topic, verdict.value)
        for reason in Reason:
            self._letters.labels(STAGE, reason.value)
        self._way.labels(STAGE)

    def mapped(self, record: Incoming, made: Sequence[Outgoing], now: int) -> None:
        """All that came of a record is in Kafka.

        Args:
            record: it.
            made: what came of it.
            now: the present, microseconds UTC.
        """
        self._records.labels(record.topic, verdict_of(made).value).inc()
        for one in made:
            if one.topic == DEADLETTERS.name:
                self._letters.labels(STAGE, dict(one.headers)["reason"]).inc()
        newest = self._latest.labels(record.topic)
        newest.set(max(newest._value.get(), record.received / 1_000_000))  # noqa: SLF001 - it has no getter
        # How old others' records are, and those that people have sent again, says nothing of us.
        if record.topic == RAW.name and not links(record.headers):
            self._way.labels(STAGE).observe(max(0, now - record.received) / 1_000_000)

    def watch(self, standing: Callable[[], Standing]) -> None:
        """Ask, at each scrape, how the mapper stands."""
        self.registry.register(_Gauges(standing, self._topics))


def verdict_of(made: Sequence[Outgoing]) -> Verdict:
    """What became of a record of which this came."""
    topics = Tally(one.topic for one in made)
    if not topics:
        return Verdict.PASSED
    if not topics[EVENTS.name]:
        return Verdict.REFUSED
    return Verdict.PARTLY if topics[DEADLETTERS.name] else Verdict.MAPPED


class _Gauges(Collector):
    """What is read at each scrape."""

    def __init__(self, standing: Callable[[], Standing], topics: Sequence[str]) -> None:
        self._standing, self._topics = standing, topics

    def collect(self) -> Iterator[Metric]:
        now = self._standing()
        yield from told(now.behind)
        owned = GaugeMetricFamily("salvage_mapper_partitions", "that it has", labels=["topic"])
        for topic in self._topics:
            owned.add_metric([topic], sum(place[0] == topic for place in now.behind))
        yield owned
        about = "copies of partitions that are not in sync with their leaders"
        copies = GaugeMetricFamily("salvage_kafka_missing_replicas", about, labels=["topic"])
        for topic in sorted(now.missing.keys() & {*self._topics, EVENTS.name, DEADLETTERS.name}):
            copies.add_metric([topic], now.missing[topic])
        yield copies
        for name, about, value in (
            (
                "standstill_seconds",
                "how long records have waited that Kafka doesn't bring",
                now.standstill,
            ),
            ("trouble", "1: Kafka takes nothing, or its group isn't heard", now.troubled),
        ):
            yield GaugeMetricFamily(f"salvage_mapper_{name}", about, float(value))
