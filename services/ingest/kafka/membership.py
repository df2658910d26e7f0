"""How a member of a group does: its worker looks, and others ask, from other threads."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from services.runtime.lag import Lag
from services.runtime.stalls import Stalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.ingest.kafka.group import GroupReader
    from services.runtime.lag import Behind, Place

LOOK_SECONDS: Final = 5.0
"""Between two looks at where partitions end."""
SILENT_SECONDS: Final = 15.0
"""Without an answer of the group for so long it is no member any more: `session_timeout_ms`."""
DEAF_SECONDS = 60.0
"""After this long it begins anew: others in the group have had the time to come along."""


class Membership:
    """What was seen at the last look."""

    def __init__(self, steady: Callable[[], float] = monotonic) -> None:
        """Nothing was seen yet.

        Args:
            steady: seconds on a clock that only goes forward.
        """
        self._steady = steady
        self._lag, self._stalls = Lag(), Stalls(DEAF_SECONDS)
        self._looked: float | None = None
        self._joined, self._silence = steady(), 0.0

    def look(self, reader: GroupReader) -> None:
        """Look, if the last time is long enough ago.

        Raises:
            Unavailable: nobody tells.
        """
        self._silence = reader.silence()
        now = self._steady()
        if self._looked is not None and now - self._looked < LOOK_SECONDS:
            return
        spans = reader.spans()
        done = {place: span.done for place, span in spans.items()}
        self._lag.look(now, done, {place: span.end for place, span in spans.items()})
        if spans:  # who has just joined has none yet
            waiting = {place: span.done for place, span in spans.items() if span.done < span.end}
            self._stalls.look(now, waiting)
        self._looked = now

    def left(self) -> None:
        """It is no member any more. What stands still is not forgotten by that."""
        self._looked, self._joined, self._silence = None, self._steady(), 0.0
        self._lag.look(self._joined, {}, {})

    def is_deaf(self) -> bool:
        """Whether it should begin anew: the client has lost its place, and doesn't know."""
        still = min(self.standstill, self._steady() - self._joined)
        return max(self._silence, still) > DEAF_SECONDS

    def problem(self) -> str | None:
        """Why it is not at work; None when it is."""
        if self._looked is None:
            return "it has no place in its group yet"
        if self._silence > SILENT_SECONDS:
            return "its group has not been heard for a while"
        if not self._lag.partitions():
            return "it has no partitions: others have all of them, or they change hands"
        return None

    @property
    def behind(self) -> Mapping[Place, Behind]:
        """How far its partitions are behind."""
        return self._lag.partitions()

    @property
    def standstill(self) -> float:
        """Seconds since which records have been waiting that nobody brings."""
        return self._stalls.longest if self._lag.partitions() else 0.0
