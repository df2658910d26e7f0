"""`docs/metrics.md`: the metrics that the processes export, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.catalogue import Metric, catalogue

PAGE: Final = Path("docs") / "metrics.md"
_OF_ANY_PROCESS: Final = ("process_", "python_")
_HEAD: Final = (
    "# Metrics",
    "",
    "Made from the code by `make ops`; not to be edited by hand.",
    "",
    "What each process tells Prometheus, at `/metrics`.",
    (
        "`salvage run` has it beside its pages, `salvage map`, `salvage detect`, "
        "`salvage notify run` and `salvage canary` beside their health (all: `--host`, `--port`), "
        "`salvage ingest` where `--metrics` says."
    ),
    "",
    (
        "- No label is ever a patient or a user. Channels and teams are the site's. Sources are "
        "those that the site declares, else "
        "`other`; where none is declared, at most fifty sending systems by their names. Rules are "
        "those of the catalogue; outcomes and reasons come from closed lists."
    ),
    (
        "- Counters begin at zero with the process. Times are seconds, sizes bytes, instants "
        "seconds since 1970."
    ),
    (
        "- Alert rules that ask for them are in `deploy/prometheus/salvage.rules.yaml`, "
        "dashboards in `deploy/grafana/dashboards/`."
    ),
    "",
    "| metric | type | labels | tells | exported by |",
    "|---|---|---|---|---|",
)
_FOOT: Final = (
    "",
    (
        "All of them also tell about themselves: "
        "`process_start_time_seconds`, `process_cpu_seconds_total`, "
        "`process_resident_memory_bytes`, `process_open_fds`, and "
        "`python_gc_collections_total` by generation, among others."
    ),
)


def page() -> str:
    """The page's text."""
    ours = (one for one in catalogue() if not one.name.startswith(_OF_ANY_PROCESS))
    return "\n".join((*_HEAD, *map(_row, ours), *_FOOT, ""))


def _row(metric: Metric) -> str:
    labels = ", ".join(metric.labels)
    where = ", ".join(f"`{process}`" for process in metric.processes)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.about} | {where} |"
