"""What the pages of the roster and of the route explainer say besides their views. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from services.notifier.inbox.pages import times

if TYPE_CHECKING:
    from services.notifier.inbox.reading.contract import Frame, RosterView, RouteView


def shown(view: RosterView, frame: Frame) -> dict[str, Any]:
    """The instant as its field wants it, and each team's gaps."""
    ordered = sorted(view.gaps, key=lambda gap: (gap.team, gap.begin))
    gaps = {team: list(found) for team, found in groupby(ordered, key=lambda gap: gap.team)}
    return {"at": times.field(view.at, frame.zone), "gaps": gaps}


def explained(view: RouteView, frame: Frame) -> dict[str, Any]:
    """The instant that was asked for, or now."""
    return {"at": view.at or times.field(frame.now, frame.zone)}
