"""What the worklist says besides its rows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.notifier.inbox.pages.times import SOON

if TYPE_CHECKING:
    from services.notifier.inbox.reading.contract import Frame, Worklist

_EMPTY: Final[dict[str, str]] = {
    "open": "No open case. That no alert stands is not a sign that all is well.",
    "mine": "No case is yours.",
    "unowned": "Every open case has a person who looks after it.",
    "overdue": "No case is overdue.",
    "snoozed": "No case is put off.",
    "closed": "No case has been closed yet.",
}


def shown(view: Worklist, frame: Frame) -> dict[str, Any]:  # noqa: ARG001 - as every page's
    """The empty list's sentence, and how many cases of this page press: for the tab's title."""
    due = sum(row.left is not None and row.left <= SOON for row in view.rows)
    closed = view.filters.view == "closed"
    return {"empty": _EMPTY.get(view.filters.view, _EMPTY["open"]), "due": 0 if closed else due}
