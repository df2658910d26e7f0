"""What operations watch. Labels name rules, reasons and sending systems, never patients.

Counters begin at zero with the process, as Prometheus expects; what stands is read at the scrape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from schemas.canary import RULE as CANARY
from schemas.deadletter import Reason
from services.embedded.arrivals import Arrivals
from services.embedded.standing import Standing, StandingMetrics
from services.ingest.watching import about_process
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.embedded.book import WardBook
    from services.embedded.delivery import Outcome
    from services.runtime.clock import Clock

CHANGES: Final = ("raised", "revised", "withdrawn")
_BUCKETS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(
        self, book: WardBook, *, rules: Iterable[str] = (), clock: Clock | None = None
    ) -> None:
        """Count from zero; what stands is asked of the book.

        Args:
            book: the read side of the store.
            rules: ids of those that judge, so that their first finding is an increase.
            clock: by which delays are measured; the machine's if left out.
        """
        self.registry = registry = CollectorRegistry()
        clock, standing = clock or SystemClock(), Standing.of(book)
        about_process(registry)
        self._count(registry)
        self._measure(registry)
        self._arrivals = Arrivals(registry, standing, clock)
        registry.register(StandingMetrics(standing, clock))
        self._begin(rules)

    def _count(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"salvage_{name}", about, labels, registry=registry)

        self._facts = counter("facts", "versions of facts stored")
        self._repeats = counter("fact_repeats", "versions of facts that were known before")
        self._findings = counter("detector_findings", "alert revisions", "rule", "change")
        self._letters = counter("dead_letters", "records or parts refused", "reason")
        self._notices = counter("notices", "oddities of records that were kept", "reason")

    def _measure(self, registry: CollectorRegistry) -> None:
        self._suspended = Gauge(
            "salvage_suspended_patients",
            "patients at whom our own code failed; not judged until it is put right",
            registry=registry,
        )
        self._seconds = Histogram(
            "salvage_batch_seconds",
            "time for one transaction",
            buckets=_BUCKETS,
            registry=registry,
        )

    def _begin(self, rules: Iterable[str]) -> None:
        for rule in set(rules) - {CANARY}:
            for change in CHANGES:
                self._findings.labels(rule, change)
        for reason in Reason:
            self._letters.labels(reason.value)

    def observe(self, outcome: Outcome) -> None:
        """Count what a committed transaction did."""
        self._facts.inc(outcome.facts)
        self._repeats.inc(outcome.repeats)
        for revision in outcome.revisions:
            if revision.rule == CANARY:
                continue  # it says nothing of patients
            self._findings.labels(revision.rule, revision.change).inc()
        for letter in outcome.deadletters:
            self._letters.labels(letter.reason).inc()
        for notice in outcome.notices:
            self._notices.labels(notice.reason).inc()
        self._suspended.set(outcome.suspended)
        self._seconds.observe(outcome.seconds)
        if outcome.facts:
            self._arrivals.follow()

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)
