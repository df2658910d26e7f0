"""What the pages read: a port. A runtime keeps the book; the pages never write into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.alerts import AlertRevision
    from schemas.events import AdverseEvent, ImagingReport, Observation, Patient, Treatment

    Event = Observation | ImagingReport | AdverseEvent | Treatment | Patient


@dataclass(frozen=True, slots=True)
class Undecided:
    """A condition of a rule that could not be evaluated at a fact, and why."""

    rule: str
    event_id: str
    reason: str


class UndecidedLike(Protocol):
    """Whatever has the three fields of `Undecided`."""

    @property
    def rule(self) -> str: ...  # noqa: D102
    @property
    def event_id(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102


class Book(Protocol):
    """Alerts and facts as they stand now."""

    def alerts(self) -> Sequence[AlertRevision]:
        """The latest revision of each alert, in any order."""
        ...

    def journal(self, alert_id: str) -> Sequence[AlertRevision]:
        """All revisions of an alert, first to last; empty if there is none of that id."""
        ...

    def events(self, patient_id: str) -> Sequence[Event]:
        """Facts of a patient, in any order; several versions of one fact do no harm."""
        ...

    def undecided(self, patient_id: str) -> Sequence[UndecidedLike]:
        """What could not be evaluated for a patient."""
        ...

    def counts(self) -> Mapping[str, int]:
        """What has been taken in, by name."""
        ...

    def latest_sequence(self) -> int:
        """A number that grows whenever an alert is published."""
        ...
