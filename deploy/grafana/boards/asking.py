"""How the dashboards ask: the same few forms of queries and panels."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import Limit, Panel

RATE: Final = "[$__rate_interval]"
OF_SOURCE: Final = 'source=~"$source"'
OF_RULE: Final = 'rule=~"$rule"'
OURS: Final = 'job=~"salvage.*"'


def quantiles(metric: str, by: str = "", only: str = "") -> tuple[tuple[str, str], ...]:
    """Median, 95th and 99th percentile of a histogram, all of it or by a label."""
    grouping, legend = (f"le, {by}", f" {{{{{by}}}}}") if by else ("le", "")
    series = f"sum by ({grouping}) (rate({metric}_bucket{only}{RATE}))"
    return tuple(
        (f"histogram_quantile({share}, {series})", f"{name}{legend}")
        for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    )


def number(
    title: str, about: str, query: str, *limits: Limit, unit: str = "short", width: int = 4
) -> Panel:
    """One number, that ought to stay below its limits."""
    return Panel(title, about, unit, ((query, title),), "stat", width, limits)


def lines(
    title: str, about: str, unit: str, *queries: tuple[str, str], limits: tuple[Limit, ...] = ()
) -> Panel:
    """Lines over time."""
    return Panel(title, about, unit, queries, limits=limits)
