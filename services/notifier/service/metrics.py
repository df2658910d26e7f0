"""What operations watch of the notifier, in Prometheus' words.

Labels are bounded and hold nothing of a patient or a user: channels, teams and rules are the
site's, all else comes from closed lists. Counters of the process begin at zero, and all that can be
named before are there from the start. What the store knows is the same at every notifier of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.actions import Counts
from schemas.alerts import Severity
from schemas.canary import CHANNEL as CANARY
from services.notifier.cases.words import CaseState
from services.notifier.channels.contract import Kind, Result
from services.notifier.delivery.relevance import REASONS
from services.notifier.quality.ppv import tally_of
from services.notifier.service.sorting import THROTTLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from prometheus_client import Metric

    from services.notifier.channels.contract import Channel, Outcome
    from services.notifier.roster.outlook import Gap
    from services.notifier.service.sorting import Ready
    from services.notifier.store.overview import Outcomes, Overview

NO_CHANNEL: Final = "none"
_SECONDS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)
_OPEN: Final = tuple(one for one in CaseState if one is not CaseState.CLOSED)


class NotifierMetrics:
    """The notifier's metrics, in somebody's registry; an `Observer`."""

    def __init__(self, registry: CollectorRegistry, channels: Sequence[Channel] = ()) -> None:
        """Count from zero.

        Args:
            registry: where they are registered.
            channels: the site's.
        """
        self.registry = registry
        self.looked_at: datetime | None = None
        self._count(registry)
        self._begin(channels)
        self._held = _Held([one.name for one in channels])
        registry.register(self._held)

    def _count(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"salvage_notifier_{name}", about, labels, registry=registry)

        self._deliveries = counter(
            "deliveries", "attempts to send that ended", "channel", "to", "kind", "outcome"
        )
        self._suppressed = counter(
            "suppressed", "messages that were held up, or need not leave any more", "why"
        )
        self._undeliverable = counter("undeliverable", "messages that no channel carries")
        self._way = Histogram(
            "salvage_notifier_delivery_seconds",
            "from the decision to tell somebody until a channel took the message",
            ["channel"],
            buckets=_SECONDS,
            registry=registry,
        )

    def _begin(self, channels: Sequence[Channel]) -> None:
        for channel in channels:
            self._way.labels(channel.name)
            for result in Result:
                for kind in Kind:
                    self._deliveries.labels(channel.name, _to(channel), str(kind), str(result))
        for why in (*REASONS, THROTTLED):
            self._suppressed.labels(why)

    # -- what is told

    def ended(self, done: Sequence[tuple[Ready, Outcome]], now: datetime) -> None:
        """Attempts ended, and what became of them is on disk."""
        for ready, outcome in done:
            channel, parcel = ready.channel, ready.entry.parcel
            labels = (channel.name, _to(channel), str(parcel.kind), str(outcome.result))
            self._deliveries.labels(*labels).inc()
            if outcome.result is Result.DELIVERED:
                seconds = (now - parcel.at).total_seconds()
                self._way.labels(channel.name).observe(max(0.0, seconds))

    def suppressed(self, why: str) -> None:
        """A message was not sent."""
        self._suppressed.labels(why).inc()

    def undeliverable(self) -> None:
        """No channel carries a message."""
        self._undeliverable.inc()

    def looked(self, found: Overview, now: datetime) -> None:
        """The store was looked at."""
        self._held.overview, self.looked_at = found, now

    def judged(self, found: Outcomes) -> None:
        """What became of all alerts was looked at."""
        self._held.outcomes = found

    def roster(self, *, refused: bool) -> None:
        """Whether the roster's files, as they stand now, can't be used."""
        self._held.refused = refused

    def gaps(self, found: Iterable[Gap]) -> None:
        """Hours that nobody covers, earliest first."""
        begins: dict[str, datetime] = {}
        for one in found:
            begins.setdefault(one.team, one.begin)
        self._held.gaps = begins


class _Held(Collector):
    """What was last seen of the store and of the roster."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.overview: Overview | None = None
        self.outcomes: Outcomes | None = None
        self.gaps: dict[str, datetime] = {}
        self.refused: bool | None = None
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        yield from _cases(self.overview)
        yield from _queues(self.overview, self._channels)
        yield from _backlog(self.overview)
        yield from _outcomes(self.outcomes)
        gaps = _gauge(
            "roster_gap_timestamp_seconds", "when the next hours begin that nobody covers", "team"
        )
        for team, begin in sorted(self.gaps.items()):
            gaps.add_metric([team], begin.timestamp())
        refused = _gauge("roster_refused", "1: the roster's files can't be used; the old one stays")
        if self.refused is not None:
            refused.add_metric([], int(self.refused))
        yield from (gaps, refused)


def _to(channel: Channel) -> str:
    """Whom a channel tells: one that writes into the record calls nobody, nor does the canary's."""
    if channel.name == CANARY:
        return "canary"
    return "people" if channel.strengths else "record"


def _gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"salvage_notifier_{name}", about, labels=labels)


def _counter(name: str, about: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"salvage_notifier_{name}", about, labels=labels)


def _cases(found: Overview | None) -> Iterator[Metric]:
    cases = _gauge("cases", "open cases", "state", "severity")
    overdue = _gauge(
        "cases_overdue", "open cases whose time to act has passed without a disposition", "severity"
    )
    for severity in Severity if found is not None else ():
        for state in _OPEN:
            number = found.open_cases.get((str(state), str(severity)), 0) if found else 0
            cases.add_metric([str(state), str(severity)], number)
        overdue.add_metric([str(severity)], found.overdue.get(str(severity), 0) if found else 0)
    yield from (cases, overdue)


def _queues(found: Overview | None, channels: Sequence[str]) -> Iterator[Metric]:
    rows = _gauge("outbox_rows", "messages that wait, or are under way", "channel")
    oldest = _gauge(
        "outbox_oldest_timestamp_seconds", "since when the oldest of them has been due", "channel"
    )
    queues = {} if found is None else found.queues
    counts = dict.fromkeys((*channels, NO_CHANNEL), 0) if found is not None else {}
    for name, queue in queues.items():
        channel = name if name in channels else NO_CHANNEL
        counts[channel] += queue.rows
    for channel, number in counts.items():
        rows.add_metric([channel], number)
        due = [
            queue.oldest.timestamp()
            for name, queue in queues.items()
            if queue.oldest is not None and (name if name in channels else NO_CHANNEL) == channel
        ]
        if due:
            oldest.add_metric([channel], min(due))
    yield from (rows, oldest)


def _backlog(found: Overview | None) -> Iterator[Metric]:
    for name, about, value in (
        ("inputs_waiting", "alerts, events and commands that wait", found and found.inputs),
        ("patients_failing", "patients at whose cases our code failed", found and found.failing),
        ("actions_unpublished", "deeds that wait to be published", found and found.unpublished),
    ):
        family = _gauge(name, about)
        if value is not None:
            family.add_metric([], value)
        yield family
    demoted = _gauge("rule_demoted", "1: it may not interrupt any more", "rule")
    for rule in sorted(found.demoted) if found is not None else ():
        demoted.add_metric([rule], 1)
    yield demoted


def _outcomes(found: Outcomes | None) -> Iterator[Metric]:
    """Of the store, and so the same at each notifier of it: ask for the maximum."""
    given = _counter(
        "dispositions", "of the store: dispositions, by what they say of the rule", "rule", "counts"
    )
    alerts = _counter(
        "stages", "of the store: alerts that passed a part of the way", "rule", "stage"
    )
    seconds = _counter(
        "stage_seconds", "of the store: how long that took together", "rule", "stage"
    )
    for rule, codes in found.dispositions.items() if found is not None else ():
        counted = tally_of(codes)
        for each in Counts:
            given.add_metric([rule, str(each)], getattr(counted, str(each)))
    for one in found.waits if found is not None else ():
        alerts.add_metric([one.rule, one.stage], one.alerts)
        seconds.add_metric([one.rule, one.stage], one.seconds)
    yield from (given, alerts, seconds)
