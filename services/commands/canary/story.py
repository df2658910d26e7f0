"""What the canary sends: a course of its own, a result that raises an alert, and that it was none.

So the alert is taken back before the next round begins, and nothing piles up. Each day has its own
patient, whose history stays short.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from schemas.canary import AUTHORITY, CONDITION, sign_of
from schemas.events import Observation, Phase, Status, Treatment
from services.simulator.hl7 import message

if TYPE_CHECKING:
    from services.runtime.clock import Clock
    from services.simulator.delivery import AnyEvent

SOURCE: Final = "SALVAGE/CANARY"
"""MSH-4 and MSH-3."""
_VALUE, _UNIT = Decimal(9), "ng/mL"
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Story:
    """One patient's messages, each as bytes."""

    def __init__(self, clock: Clock) -> None:
        """A patient is born."""
        self._clock = clock
        self._born = self._told = self._taken = self._now()

    @property
    def is_over(self) -> bool:
        """Whether it is time for another patient."""
        return self._now() - self._born >= _DAY

    def course(self) -> bytes:
        """A treatment begins."""
        at = self._next()
        started = Treatment(
            type="treatment",
            event_id=f"{self._name}C.started",
            patient_id=self._patient,
            source=SOURCE,
            effective_at=self._born,
            issued_at=at,
            status=Status.FINAL,
            course_id=f"{self._name}C",
            condition=CONDITION,
            modality="targeted",
            phase=Phase.STARTED,
        )
        return self._written(started)

    def result(self) -> bytes:
        """A result above the rule's limit."""
        self._taken = self._next()
        return self._written(self._observed(Status.FINAL))

    def withdrawal(self) -> bytes:
        """The last result was entered in error."""
        self._next()
        return self._written(self._observed(Status.ENTERED_IN_ERROR))

    @property
    def sign(self) -> str:
        """By what the last result's alert is known."""
        return sign_of(self._patient, self._taken)

    def _observed(self, status: Status) -> Observation:
        return Observation(
            type="observation",
            event_id=f"{self.sign}.psa",
            patient_id=self._patient,
            source=SOURCE,
            effective_at=self._taken,
            issued_at=self._told,
            status=status,
            analyte="psa",
            value=_VALUE,
            unit=_UNIT,
        )

    @property
    def _name(self) -> str:
        return f"SWC{self._born:%Y%m%d%H%M%S}"

    @property
    def _patient(self) -> str:
        return f"{AUTHORITY}|{self._name}"

    def _written(self, event: AnyEvent) -> bytes:
        control = f"{self._name}{self._told:%H%M%S}"
        return "".join(f"{one}\r" for one in message((event,), control)).encode()

    def _now(self) -> datetime:
        found = _EPOCH + timedelta(microseconds=self._clock.now())
        return found.replace(microsecond=0)

    def _next(self) -> datetime:
        """The present second, or the next one that nothing was told in."""
        self._told = max(self._now(), self._told + _SECOND)
        return self._told
