"""What the notifier tells of its steps, where somebody traces.

An alert's own trace may have ended weeks ago: its steps here begin traces of their own, with a link
to the alert's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.notifier.store.instants import micros
from services.runtime.trace import started
from services.runtime.tracing import Step, Told, tell

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from services.notifier.service.delivery import Done


class Heard(NamedTuple):
    """A revision that was taken into its case; `at`: when it was received."""

    revision: AlertRevision
    trace: str | None
    at: datetime


def tell_heard(heard: Iterable[Heard], now: datetime) -> None:
    """Revisions are in their cases."""
    for one in heard:
        said = one.revision
        about: dict[str, Told | None] = {"rules": [said.rule], "state": said.state.value}
        trace = started("notify", said.alert_id, said.revision)
        links = () if one.trace is None else (one.trace,)
        tell(Step("notify", trace, micros(one.at), micros(now), about, links=links))


def tell_sent(done: Iterable[Done], now: datetime) -> None:
    """Attempts to send ended, and it is known what became of them."""
    for ready, outcome in done:
        attempt = ready.attempt
        about: dict[str, Told | None] = {
            "channel": attempt.channel,
            "kind": ready.message.kind.value,
            "attempt": attempt.number,
            "outcome": outcome.result.value,
        }
        trace = started("send", attempt.parcel_id, attempt.number)
        tell(Step("send", trace, micros(ready.begun), micros(now), about, links=ready.traces))
