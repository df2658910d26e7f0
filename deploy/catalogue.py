"""Which metrics the processes export, asked of the processes' own registries.

`docs/metrics.md` is written from this, and alert rules and dashboards are held against it.
"""

from __future__ import annotations

from argparse import Namespace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry

from services.commands.canary.metrics import CanaryMetrics
from services.detector.adapters.metrics import DetectorMetrics, Standing
from services.embedded.book import WardBook
from services.embedded.casework import Casework, order_of
from services.embedded.metrics import Metrics
from services.embedded.store import FILE_NAME, Store
from services.ingest.certificates import watch_certificates
from services.ingest.kafka.mapmetrics import MapperMetrics
from services.ingest.kafka.mapmetrics import Standing as MapperStanding
from services.ingest.metrics import IngestMetrics
from services.ingest.watching import about_process
from services.notifier.service.metrics import NotifierMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import Metric as Family

_OF_A_HISTOGRAM: Final = ("_bucket", "_sum", "_count")


class Metric(NamedTuple):
    """One metric, under the name by which it is asked for."""

    name: str
    kind: str
    labels: tuple[str, ...]
    about: str
    processes: tuple[str, ...]

    @property
    def series(self) -> frozenset[str]:
        """The names that its series have."""
        if self.kind != "histogram":
            return frozenset({self.name})
        return frozenset(self.name + end for end in _OF_A_HISTOGRAM)


def _of_ingest(folder: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    _received(registry, folder)
    about_process(registry)
    return registry


def _received(registry: CollectorRegistry, folder: Path) -> None:
    IngestMetrics(registry, folder)
    watch_certificates(Namespace(), registry)


def _of_run(folder: Path) -> CollectorRegistry:
    store = Store(folder / FILE_NAME)
    store.close()
    metrics = Metrics(WardBook(store.path))
    _received(metrics.registry, folder)
    metrics.registry.register(Casework(order_of(folder, folder, None), folder))
    NotifierMetrics(metrics.registry)
    return metrics.registry


def _of_map(folder: Path) -> CollectorRegistry:
    del folder
    metrics = MapperMetrics(CollectorRegistry())
    metrics.watch(MapperStanding)
    about_process(metrics.registry)
    return metrics.registry


def _of_detect(folder: Path) -> CollectorRegistry:
    del folder
    metrics = DetectorMetrics(CollectorRegistry())
    metrics.watch(Standing)
    about_process(metrics.registry)
    return metrics.registry


def _of_notify(folder: Path) -> CollectorRegistry:
    del folder
    metrics = NotifierMetrics(CollectorRegistry())
    about_process(metrics.registry)
    return metrics.registry


def _of_canary(folder: Path) -> CollectorRegistry:
    del folder
    metrics = CanaryMetrics(CollectorRegistry(), 0.0)
    about_process(metrics.registry)
    return metrics.registry


PROCESSES: Final[Mapping[str, Callable[[Path], CollectorRegistry]]] = {
    "salvage run": _of_run,
    "salvage ingest": _of_ingest,
    "salvage map": _of_map,
    "salvage detect": _of_detect,
    "salvage notify run": _of_notify,
    "salvage canary": _of_canary,
}
"""What each process registers; a new process, or one that begins to export, has its line here."""


@cache
def catalogue() -> tuple[Metric, ...]:
    """All metrics that some process exports, by name."""
    found: dict[str, Metric] = {}
    for process, build in PROCESSES.items():
        with TemporaryDirectory() as folder:
            for metric in _metrics(build(Path(folder)), process):
                known = found.get(metric.name)
                found[metric.name] = metric if known is None else _both(known, metric)
    return tuple(found[name] for name in sorted(found))


def _both(one: Metric, other: Metric) -> Metric:
    labels = tuple(dict.fromkeys(one.labels + other.labels))
    return one._replace(labels=labels, processes=one.processes + other.processes)


def _metrics(registry: CollectorRegistry, process: str) -> Iterable[Metric]:
    for family in registry.collect():
        labels = _labels(registry, family)
        yield Metric(_name(family), _kind(family), labels, family.documentation, (process,))


def _name(family: Family) -> str:
    return family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")


def _kind(family: Family) -> str:
    """Prometheus 2 reads an info as a gauge."""
    return "gauge" if family.type == "info" else family.type


def _labels(registry: CollectorRegistry, family: Family) -> tuple[str, ...]:
    """Its labels, asked of who made it: without any series yet, nothing else tells them."""
    maker = registry._names_to_collectors.get(family.name)  # noqa: SLF001 - no public way
    named = getattr(maker, "_labelnames", None) or getattr(family, "_labelnames", None) or ()
    info = [name for sample in family.samples for name in sample.labels if family.type == "info"]
    return tuple(named) or tuple(info)
