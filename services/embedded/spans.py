"""What the embedded runtime tells of a transaction that it has committed, where somebody traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.runtime.clock import SystemClock
from services.runtime.trace import continued
from services.runtime.tracing import Step, Told, tell

if TYPE_CHECKING:
    from collections.abc import Iterable

_JUDGE: Final = "judge"


class Judged(NamedTuple):
    """What one delivery led to.

    Attributes:
        traces: the `traceparent`s of what was received.
        facts: new versions of facts.
        rules: of each revision that was published.
    """

    traces: tuple[str, ...]
    facts: int
    rules: tuple[str, ...]


def judging(traces: tuple[str, ...]) -> str | None:
    """The `traceparent` of the judging of what came together, within the first one's trace."""
    return continued(traces[0], _JUDGE) if traces else None


def tell_judged(judged: Iterable[Judged], begun: int) -> None:
    """Deliveries were read and judged in one transaction, which began at `begun`."""
    now = SystemClock().now()
    for one in judged:
        about: dict[str, Told | None] = {
            "facts": one.facts,
            "alerts": len(one.rules),
            "rules": sorted(set(one.rules)),
        }
        parent, *others = one.traces
        trace = continued(parent, _JUDGE)
        tell(Step(_JUDGE, trace, begun, now, about, parent, others))
