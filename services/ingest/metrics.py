"""What operations watch of the ingest, in Prometheus' words.

Labels are bounded and hold nothing of a patient: sources are those that the site declares, types
and reasons come from closed lists, and whatever else there is, is `other`: what a stranger calls
itself is nobody's label. Counters begin at zero with the process; those that can be named before
are there from the start, so that a first failure is an increase.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.ingest.archive import Format
from services.ingest.hl7v2.mapping import KNOWN
from services.ingest.hl7v2.times import clinical_time, offset
from services.ingest.journal import FILE_NAME, State
from services.ingest.mllp.framing import Kind
from services.ingest.spans import tell_received
from services.runtime import tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from services.ingest.journal import Entry
    from services.ingest.observing import Tally

OTHER: Final = "other"
NAN: Final = float("nan")
_BUCKETS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_ODD: Final = {
    Kind.JUNK: "junk",
    Kind.TORN: "truncated",
    Kind.NO_RETURN: "missing_cr",
    Kind.OVERSIZE: "too_large",
}
_FAILURES: Final = ("timeout", "lost", "too_many")
_OUTCOMES: Final = ("accepted", "partly", "repeat", "refused", "ignored", "defect")
_NO_LIMITS: Final[Mapping[str, float]] = MappingProxyType({})


class IngestMetrics:
    """The ingest's metrics, in somebody's registry; an `Observer`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        folder: Path,
        sources: Iterable[str] = (),
        limits: Mapping[str, float] = _NO_LIMITS,
    ) -> None:
        """Count from zero.

        Args:
            registry: where they are registered.
            folder: of the journal, whose size is read at each scrape.
            sources: the declared ones.
            limits: of these, after how many seconds of silence somebody has to look.
        """
        self._sources = frozenset(sources)
        self._count(registry)
        self._measure(registry)
        self._of_sources(registry, limits)
        _watch_disk(registry, folder)
        self._begin()

    def _count(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"salvage_ingest_{name}", about, labels, registry=registry)

        self._messages = counter("messages", "messages received", "source", "kind", "outcome")
        self._acks = counter("acks", "answers to HL7 v2 messages", "source", "code")
        self._refusals = counter(
            "refusals", "messages or parts that could not be used", "source", "reason"
        )
        self._reuse = counter(
            "control_id_reuse", "identifiers of messages used again for other content", "source"
        )
        self._framing = counter("framing", "oddities between MLLP frames", "kind")
        self._failures = counter("connection_errors", "connections that ended badly", "reason")

    def _measure(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge(
            "salvage_ingest_waiting_messages", "frames read and not answered", registry=registry
        )
        self._open = Gauge("salvage_ingest_connections", "open connections", registry=registry)
        self._answers = Histogram(
            "salvage_ingest_answer_seconds",
            "from the end of a frame to its answer",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._disk = Histogram(
            "salvage_journal_fsync_seconds",
            "wait for the disk of one transaction",
            buckets=_BUCKETS,
            registry=registry,
        )

    def _of_sources(self, registry: CollectorRegistry, limits: Mapping[str, float]) -> None:
        def gauge(name: str, about: str) -> Gauge:
            return Gauge(f"salvage_ingest_{name}", about, ["source"], registry=registry)

        self._latest = gauge("last_message_timestamp_seconds", "receipt of the newest message")
        self._skew = gauge(
            "clock_skew_seconds",
            "how far MSH-7 of the newest message with a zone was ahead of its receipt",
        )
        limit = gauge("source_max_silence_seconds", "silence after which somebody has to look")
        for source, seconds in limits.items():
            limit.labels(self._source(source)).set(seconds)

    def _begin(self) -> None:
        for kind in _ODD.values():
            self._framing.labels(kind)
        for reason in _FAILURES:
            self._failures.labels(reason)
        for source in sorted(self._sources | {OTHER}):
            for code in "AER":
                self._acks.labels(source, code)
            for outcome in _OUTCOMES:
                self._messages.labels(source, OTHER, outcome)

    # -- what is told

    def remember(self, entries: Iterable[Entry]) -> None:
        """Entries were there before the start: a restart is no silence of their senders."""
        for entry in entries:
            self._latest.labels(self._source(entry.source)).set(entry.received / 1_000_000)

    def kept(self, entries: Sequence[Entry], seconds: float) -> None:
        """Entries are on the disk."""
        self._disk.observe(seconds)
        for entry in entries:
            source = self._source(entry.source)
            self._messages.labels(source, _kind(entry), _outcome(entry)).inc()
            self._latest.labels(source).set(entry.received / 1_000_000)
            skew = _skew(entry)
            if skew is not None:
                self._skew.labels(source).set(skew)
            if entry.refused is not None:
                self._refusals.labels(source, entry.refused.reason).inc()
            if entry.state is State.NEW and entry.refers is not None:
                self._reuse.labels(source).inc()
        if tracing.on():
            tell_received(entries, self._source)

    def answered(self, tally: Tally) -> None:
        """Frames were judged."""
        for cut, number in tally.cuts.items():
            if cut in _ODD:
                self._framing.labels(_ODD[Kind(cut)]).inc(number)
        for (name, code), number in tally.answers.items():
            self._acks.labels(self._source(name), code).inc(number)
        for (name, reason), number in tally.problems.items():
            self._refusals.labels(self._source(name), reason).inc(number)

    def waited(self, seconds: Sequence[float], left: int) -> None:
        """Frames were answered; others wait."""
        self._waiting.set(left)
        for each in seconds:
            self._answers.observe(each)

    def connected(self, number: int) -> None:
        """So many connections are open."""
        self._open.set(number)

    def failed(self, reason: str) -> None:
        """A connection ended badly."""
        self._failures.labels(reason if reason in _FAILURES else OTHER).inc()

    def _source(self, name: str) -> str:
        return name if name in self._sources else OTHER


def _kind(entry: Entry) -> str:
    """MSH-9, if it is of a type that is read; of FHIR that it is FHIR."""
    if entry.form is not Format.HL7:
        return str(entry.form)
    field, delimiter = _field(entry, 9)
    kind = "^".join(field.split(delimiter)[:2]).upper() if delimiter else ""
    return kind if kind in KNOWN else OTHER


def _field(entry: Entry, number: int) -> tuple[str, str]:
    """MSH-`number` from 3 on, and the delimiter of its components; empty where there is none."""
    head = entry.raw[:1024].partition(b"\r")[0].decode("latin-1")
    fields = head.split(head[3:4]) if head[3:4] else []
    return (fields[number - 1] if len(fields) >= number else "", head[4:5])


def _skew(entry: Entry) -> float | None:
    """Seconds by which a message was sent after it came; None if MSH-7 has no zone, or no hour.

    A time without a zone can't be told from a clock that is wrong by hours.
    """
    if entry.form is not Format.HL7:
        return None
    said, delimiter = _field(entry, 7)
    said = said.split(delimiter)[0] if delimiter else said
    try:
        zone = offset(said)
        sent = None if zone is None else clinical_time(said, zone)
    except ValueError:
        return None  # its reader says so
    if not isinstance(sent, datetime):
        return None
    return sent.timestamp() - entry.received / 1_000_000


def _outcome(entry: Entry) -> str:
    """What became of it; `partly`: it was refused to its sender, and is used as far as it goes."""
    if entry.state is State.NEW:
        return "accepted" if entry.accepted else "partly"
    return entry.state.value


def _watch_disk(registry: CollectorRegistry, folder: Path) -> None:
    """How large the journal is, and how much it may still grow: read at each scrape."""

    def gauge(name: str, about: str, ask: Callable[[], float]) -> None:
        Gauge(f"salvage_journal_{name}", about, registry=registry).set_function(ask)

    gauge("bytes", "size of the journal's files", lambda: _size(folder))
    gauge("disk_bytes", "size of the disk that it is on", lambda: _disk(folder)[0])
    gauge("disk_free_bytes", "of that, what is free for it", lambda: _disk(folder)[1])


def _disk(folder: Path) -> tuple[float, float]:
    """Bytes of the disk, and of these the free ones; not a number while there is no folder."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return NAN, NAN
    return float(found.total), float(found.free)


def _size(folder: Path) -> float:
    """Bytes of the journal and its write-ahead log; 0 while there is none."""
    found = 0
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        try:
            found += (folder / name).stat().st_size
        except OSError:
            continue
    return float(found)
