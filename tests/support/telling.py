"""What all histories share: the two records, the hours of a day, what is told of a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from schemas.events import ClinicalEvent

ONE, OTHER = "HOSP|1", "HOSP|2"
"""Two records, which may turn out to be one person's."""

TIMES = (
    None,
    None,
    time(8, tzinfo=UTC),
    time(0, tzinfo=UTC),
    time(23, 30, tzinfo=timezone(timedelta(hours=2))),
    time(0, 15, tzinfo=timezone(timedelta(hours=5, minutes=30))),
)
"""Hours of a day; None where only the day is known."""


@dataclass(frozen=True, slots=True)
class History:
    """Versions of facts in the order of telling, and the rule that they are about."""

    rule: str
    versions: tuple[ClinicalEvent, ...]

    def __repr__(self) -> str:
        """One line a version, so that a failing example can be read."""
        return "\n".join((self.rule, *map(_line, self.versions)))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001  (IPython's protocol)
        """What Hypothesis prints."""
        del cycle
        printer.text(repr(self))


_IN_FRONT = ("type", "event_id", "patient_id", "effective_at", "issued_at", "status")


def _line(version: ClinicalEvent) -> str:
    """A version on one line: what it is, and what it says."""
    said = version.model_dump(mode="json", exclude_none=True, exclude={"schema_version", "source"})
    front = " ".join(str(said.pop(name, "-")) for name in _IN_FRONT)
    return f"{front} {said}"


def person(draw: st.DrawFn, died: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said of a person, and what a correction of it says.

    Args:
        draw: given by Hypothesis.
        died: the day of death, if that is what is said.
    """
    said = draw(
        st.sampled_from(
            (
                {"deceased_at": died},
                {"goals_of_care": "comfort-only"},
                {"goals_of_care": "control"},
                {"merged_into": OTHER},
                {"merged_into": ONE},
                {"birth_date": "1950-02-28"},
            )
        )
    )
    other = {"deceased_at": "2023-03-01"} if "deceased_at" in said else said
    return {"type": "patient", **said}, {"type": "patient", **other}
