"""What the detector tells of a record that it has handled, where somebody traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from schemas.topics import ALERTS
from services.detector.adapters.desk import Outcome
from services.runtime.trace import continued
from services.runtime.tracing import Step, Told, tell

if TYPE_CHECKING:
    from services.detector.adapters.desk import Handled
    from services.detector.adapters.outbox import Record


def tell_judged(record: Record, handled: Handled, begun: int, ended: int) -> None:
    """A record was handled to its end.

    A fact is judged when time has passed it, at a reminder: that step continues the first fact that
    waited, as the alerts do, and has links to the others. Of reminders at which nothing was said,
    and of what is said again, nothing is told.

    Args:
        record: the record.
        handled: what came of it.
        begun: microseconds UTC.
        ended: likewise.
    """
    parent = next(iter(handled.causes), record.trace)
    alerts = [one for one in handled.sends if one.topic == ALERTS.name]
    if handled.outcome is Outcome.AGAIN or not (parent or alerts):
        return
    about: dict[str, Told | None] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "outcome": handled.outcome.value,
        "alerts": len(alerts),
        "rules": sorted({json.loads(one.value)["rule"] for one in alerts}),
    }
    trace = continued(parent, str(record.where))
    tell(Step("judge", trace, begun, ended, about, parent, handled.causes[1:]))
