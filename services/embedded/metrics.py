"""What operations watch. Labels name rules and reasons, never patients.

Counters begin at zero with the process, as Prometheus expects; what stands is read at the scrape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.embedded.book import WardBook
    from services.embedded.delivery import Outcome

_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, book: WardBook) -> None:
        """Count from zero; what stands is asked of the book."""
        self.registry = registry = CollectorRegistry()
        self._facts = Counter("salvage_facts", "versions of facts stored", registry=registry)
        self._repeats = Counter(
            "salvage_fact_repeats", "versions of facts that were known before", registry=registry
        )
        self._revisions = Counter(
            "salvage_alert_revisions",
            "alert revisions published",
            ["rule", "state", "severity"],
            registry=registry,
        )
        self._deadletters = Counter(
            "salvage_dead_letters", "records or parts refused", ["reason"], registry=registry
        )
        self._notices = Counter(
            "salvage_notices", "oddities of records that were kept", ["reason"], registry=registry
        )
        self._suspended = Gauge(
            "salvage_suspended_patients",
            "patients at whom our own code failed; not judged until it is put right",
            registry=registry,
        )
        self._seconds = Histogram(
            "salvage_batch_seconds",
            "time for one transaction, in seconds",
            buckets=_BUCKETS,
            registry=registry,
        )
        registry.register(_Undecided(book))
        registry.register(_OpenLetters(book))

    def observe(self, outcome: Outcome) -> None:
        """Count what a committed transaction did."""
        self._facts.inc(outcome.facts)
        self._repeats.inc(outcome.repeats)
        for revision in outcome.revisions:
            self._revisions.labels(revision.rule, revision.state, revision.severity).inc()
        for letter in outcome.deadletters:
            self._deadletters.labels(letter.reason).inc()
        for notice in outcome.notices:
            self._notices.labels(notice.reason).inc()
        self._suspended.set(outcome.suspended)
        self._seconds.observe(outcome.seconds)

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


class _OpenLetters(Collector):
    """Read when scraped: the dead letters that wait for somebody to look."""

    def __init__(self, book: WardBook) -> None:
        self._book = book

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """How many there are of each reason, and when the oldest of it came."""
        count = GaugeMetricFamily(
            "salvage_dead_letters_open", "dead letters that nobody has resolved", labels=["reason"]
        )
        oldest = GaugeMetricFamily(
            "salvage_dead_letter_oldest_timestamp_seconds",
            "receipt of the oldest open dead letter",
            labels=["reason"],
        )
        for reason, number, received in self._book.open_letters():
            count.add_metric([reason], number)
            oldest.add_metric([reason], received / 1_000_000)
        yield from (count, oldest)

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is read when the collector is registered."""
        return []


class _Undecided(Collector):
    """Read when scraped: what stands undecided, by rule."""

    def __init__(self, book: WardBook) -> None:
        self._book = book

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge with a value for each rule."""
        family = GaugeMetricFamily(
            "salvage_undecided", "conditions that could not be evaluated", labels=["rule"]
        )
        for rule, count in sorted(self._book.undecided_by_rule().items()):
            family.add_metric([rule], count)
        yield family

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is read when the collector is registered."""
        return []
