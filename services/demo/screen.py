"""What the demo says on a terminal: a line for each alert, the progress, the summary. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from schemas.alerts import OPEN_STATES, AlertRevision, Severity
from schemas.base import as_utc
from services.notifier.cases.words import CaseState
from services.notifier.inbox import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

SHAPES: Final = {
    Severity.CRITICAL: "▲",
    Severity.URGENT: "◆",
    Severity.IMPORTANT: "■",
    Severity.ADVISORY: "○",
}
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
    alerts: Sequence[AlertRevision], counts: Mapping[str, int], now: datetime
) -> Iterator[str]:
    """What the ward looks like at the end.

    Args:
        alerts: the latest revision of each.
        counts: what was taken in.
        now: the simulated present.
    """
    yield f"On {words.day(now)}: " + ", ".join(
        f"{count:,} {words.plain(name)}" for name, count in counts.items()
    )
    yield ""
    found = Counter((alert.rule, alert.state in OPEN_STATES) for alert in alerts)
    yield f"{'rule':<20} {'stand':>6} {'taken back':>11}"
    for rule in sorted({rule for rule, _ in found}):
        yield f"{rule:<20} {found[rule, True]:>6} {found[rule, False]:>11}"


def cases(counts: Mapping[str, int]) -> str:
    """How many cases there are, from the number in each state."""
    waiting = sum(counts.values()) - counts.get(CaseState.CLOSED, 0)
    late = counts.get(CaseState.OVERDUE, 0)
    return f"{waiting} open cases, {late} of them overdue; {counts.get(CaseState.CLOSED, 0)} closed"
