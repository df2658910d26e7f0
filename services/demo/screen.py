"""What the demo says on a terminal: a line for each alert, the progress, the summary. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from schemas.alerts import OPEN_STATES, AlertRevision, Severity
from schemas.base import as_utc
from services.notifier.inbox import listing, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

SHAPES: Final = {
    Severity.CRITICAL: "▲",
    Severity.URGENT: "◆",
    Severity.IMPORTANT: "■",
    Severity.ADVISORY: "○",
}
MOST: Final = 15
"""Standing alerts that the summary lists."""
NOTICE: Final = "A simulated ward: every patient is synthetic, so showing them here is harmless."
_HEAD: Final = "date        severity     state       patient       rule"


def heading() -> str:
    """The names of the columns."""
    return _HEAD


def alert_line(alert: AlertRevision, width: int | None) -> str:
    """One revision on one line.

    Args:
        alert: what was published.
        width: of the terminal; the sentence is cut there. None: it isn't cut.
    """
    standing = alert.state in OPEN_STATES
    severity = f"{SHAPES[alert.severity]} {alert.severity}" if standing else "  -"
    start = (
        f"{as_utc(alert.at):%Y-%m-%d}  {severity:<11}  {alert.state:<10}  "
        f"{alert.patient_id:<12}  {alert.rule:<19} "
    )
    return cut(start + words.prose(alert.summary), width)


def cut(line: str, width: int | None) -> str:
    """A line no wider than the terminal."""
    return line if width is None or len(line) <= width else line[: max(1, width - 1)] + "…"


def progress(at: datetime, done: int, total: int, alerts: int) -> str:
    """How far the simulated time has come."""
    share = 100 * done // total if total else 100
    return f"{words.day(at)}  {share:3d} %  {done:,} of {total:,} messages  {alerts} alert entries"


def summary(
    alerts: Sequence[AlertRevision], counts: Mapping[str, int], now: datetime, width: int | None
) -> Iterator[str]:
    """What the ward looks like at the end.

    Args:
        alerts: the latest revision of each.
        counts: what was taken in.
        now: the simulated present.
        width: see `alert_line`.
    """
    yield f"On {words.day(now)}: " + ", ".join(
        f"{count:,} {words.plain(name)}" for name, count in counts.items()
    )
    yield ""
    yield from _by_rule(alerts)
    yield ""
    yield from _standing(alerts, now, width)


def _by_rule(alerts: Iterable[AlertRevision]) -> Iterator[str]:
    found = Counter((alert.rule, alert.state in OPEN_STATES) for alert in alerts)
    yield f"{'rule':<20} {'stand':>6} {'taken back':>11}"
    for rule in sorted({rule for rule, _ in found}):
        yield f"{rule:<20} {found[rule, True]:>6} {found[rule, False]:>11}"


def _standing(alerts: Iterable[AlertRevision], now: datetime, width: int | None) -> Iterator[str]:
    rows = listing.rows(alerts, listing.Choice(), now)
    yield f"{len(rows)} alerts stand, the most pressing first:"
    for row in rows[:MOST]:
        alert = row.alert
        by = "" if row.until is None else f"{row.asks.lower()} {words.day(row.until)}, "
        start = f"  {SHAPES[alert.severity]} {alert.severity:<9}  {alert.patient_id:<12}"
        yield cut(f"{start}  {alert.title} ({by}{words.left_words(row.days)})", width)
    if len(rows) > MOST:
        yield f"  and {len(rows) - MOST} more on the page"
